"""Anthropic's requests: kept as they came for its own wire, put into OpenAI's words for others."""

import hashlib
from collections.abc import Iterable
from typing import Any

import orjson

from llmconfig.client.types import Call, NativeRequest
from llmconfig.client.wire.prompt_cache import MARK
from llmconfig.gateway import betas
from llmconfig.gateway.access import Caller
from llmconfig.gateway.caller_labels import labels_of
from llmconfig.gateway.reading import (
    JSON,
    ParsedRequest,
    bad,
    check_tools,
    given_of,
    messages_of,
    name_of,
    objects,
    schema_of,
    switch,
)
from llmconfig.runtime.ids import new_id

# Read here; of the others, each that is not translated stands among what is lost.
READ = frozenset(
    {"model", "messages", "system", "stream", "max_tokens", "temperature", "tools", "tool_choice",
     "stop_sequences", "output_config", "metadata", "service_tier", "top_p", "top_k"}
)  # fmt: skip
CHOICES = {"auto": "auto", "any": "required", "none": "none"}
ROLES = frozenset({"user", "assistant", "system"})
THOUGHTS = frozenset({"thinking", "redacted_thinking"})
TOOL_FIELDS = frozenset({"name", "description", "input_schema", "type", "strict"})
# Of each block, what its counterpart in a chat has a place for, or is looked at by itself.
BLOCK_FIELDS = {
    "text": frozenset({"type", MARK, "text"}),
    "image": frozenset({"type", MARK, "source"}),
    "document": frozenset({"type", MARK, "source", "title"}),
    "search_result": frozenset({"type", MARK, "title", "content"}),
    "tool_use": frozenset({"type", MARK, "id", "name", "input"}),
    "tool_result": frozenset({"type", MARK, "tool_use_id", "content"}),
}
PLAINLY_LOST = frozenset({"citations", "is_error"})
MAX_USER_CHARACTERS = 64  # OpenAI's limit for `user`; Claude Code's ids are longer


def read_messages(
    body: JSON, caller: Caller, headers: Iterable[tuple[bytes, bytes]] = ()
) -> ParsedRequest:
    """A request to `/v1/messages` as a call; raises RequestRefused."""
    name = caller.node or name_of(body)
    _refuse_what_is_not_offered(body, caller)
    body = _as_of_today(body)
    translation = _Translation()
    messages = translation.system(body.get("system"))
    for at, message in enumerate(messages_of(body)):
        if message["role"] not in ROLES:
            raise bad(f"messages[{at}].role", "It is user or assistant.")
        messages += translation.turn(message)
    extra = translation.parameters(body)
    schema = translation.schema(body.get("output_config"), extra)
    native = NativeRequest(
        wire="anthropic",
        body={name: value for name, value in body.items() if name not in {"model", "stream"}},
        headers=betas.asked_for(betas.ANTHROPIC, headers),
        lost=tuple(translation.lost),
    )
    wanted: Any = messages
    call = Call(
        node=name,
        messages=wanted,
        schema=schema,
        given=given_of(body, ("max_tokens",)),
        extra=extra,
        user_id=caller.user_id,
        correlation_id=new_id(),
        cache_sampled=False,  # unless it is wished
        waits=False,
        cascades=True,
        labels=labels_of("messages", caller.account, body),
        native=native,
    )
    return ParsedRequest(call, name, switch(body, "stream"))


def _refuse_what_is_not_offered(body: JSON, caller: Caller) -> None:
    if body.get("thread"):
        raise bad("thread", "Conversations are not kept here; send all messages.")
    for at, tool in enumerate(objects(body, "tools")):
        if "model" in tool and "input_schema" not in tool and not caller.everything:
            raise bad(f"tools[{at}].model", "It is another model than this key may call.")


def _as_of_today(body: JSON) -> JSON:
    """With the schema where it stands now: in the beta it was `output_format`."""
    if "output_format" not in body:
        return body
    rest = {name: value for name, value in body.items() if name != "output_format"}
    form, config = body["output_format"], rest.get("output_config") or {}
    if form is not None and isinstance(config, dict):
        rest["output_config"] = {"format": form, **config}
    return rest


class _Translation:
    """One request on its way into OpenAI's words; `lost` names what they have no place for."""

    def __init__(self) -> None:
        self.lost: dict[str, None] = {}

    def system(self, system: object) -> list[JSON]:
        """The system prompt as a message."""
        if system is None:
            return []
        if isinstance(system, list) and all(isinstance(part, dict) for part in system):
            return [{"role": "system", "content": self._content(system)}]
        if not isinstance(system, str):
            raise bad("system", "This is neither text nor a list of blocks.")
        return [{"role": "system", "content": system}]

    def turn(self, message: JSON) -> list[JSON]:
        """One of their turns, which may be several of ours: results of tools stand alone here."""
        role, content = message["role"], message.get("content")
        for name in message.keys() - {"role", "content"}:
            self._lose(f"messages.{name}")
        if not isinstance(content, list):
            return [{"role": role, "content": content or ""}]
        turns, calls, said = [], [], []
        for block in content:
            kind = block.get("type")
            if kind == "tool_result":
                result, seen = self._result(block)
                turns.append(result)
                said += seen
            elif kind == "tool_use":
                self._mark(block)
                self._lose_fields(block)
                calls.append(_call(block))
            elif kind in THOUGHTS:
                self._lose("thinking")  # for the provider that had them; others can't read them
            else:
                said.append(block)
        if said or calls or not turns:
            turn: JSON = {"role": role, "content": self._content(said) if said else ""}
            turns.append(turn | {"tool_calls": calls} if calls else turn)
        return turns

    def parameters(self, body: JSON) -> JSON:
        """All parameters but those that a call has fields for."""
        extra: JSON = {
            name: body[name] for name in ("top_p", "top_k") if body.get(name) is not None
        }
        self._mark(body, extra)
        for name, value in body.items():
            if name not in READ and value is not None:
                self._lose(name)
        self._tools(objects(body, "tools"), extra)
        if body.get("tool_choice") is not None:
            _choose(body["tool_choice"], extra)
            if "tools" not in extra:
                extra.pop("tool_choice", None)
                extra.pop("parallel_tool_calls", None)
        if body.get("stop_sequences"):
            extra["stop"] = body["stop_sequences"]
        self._who(body.get("metadata"), extra)
        if body.get("service_tier") is not None:
            extra["service_tier"] = "default" if body["service_tier"] != "auto" else "auto"
        return extra

    def schema(self, config: object, extra: JSON) -> JSON | None:
        """The schema in `output_config`, and how much effort it asks for."""
        if config is None:
            return None
        if not isinstance(config, dict):
            raise bad("output_config", "This is not an object.")
        for name, value in config.items():
            if name == "effort" and isinstance(value, str):
                extra["reasoning_effort"] = "xhigh" if value == "max" else value
            elif name != "format":
                self._lose(f"output_config.{name}")
        form = config.get("format")
        if form is None:
            return None
        if not isinstance(form, dict) or form.get("type") != "json_schema":
            raise bad("output_config.format", "Its type is json_schema.")
        return schema_of(form.get("schema"), "output_config.format.schema")

    def _lose(self, name: str) -> None:
        self.lost[name] = None

    def _lose_fields(self, block: JSON) -> None:
        """Note what a block bears beyond its counterpart in a chat."""
        kind = str(block.get("type"))
        for name in block.keys() - BLOCK_FIELDS[kind]:
            if block[name]:
                self._lose(name if name in PLAINLY_LOST else f"messages.{kind}.{name}")

    def _mark(self, block: JSON, made: JSON | None = None) -> None:
        """Put a block's mark for the cache on what was made of it; not every server takes it."""
        mark = block.get(MARK)
        if mark is None:
            return
        if made is None:
            self._lose(f"messages.{block.get('type')}.{MARK}")
            return
        self._lose(MARK)
        made[MARK] = mark

    def _content(self, blocks: list[JSON]) -> str | list[JSON]:
        """One text as it is; else a list of OpenAI's parts."""
        parts = [part for block in blocks for part in self._parts(block)]
        if len(parts) == 1 and parts[0].keys() == {"type", "text"}:
            return str(parts[0]["text"])
        return parts or ""

    def _parts(self, block: JSON) -> list[JSON]:
        parts = self._parts_of(block)
        self._mark(block, parts[-1] if parts else None)
        return parts

    def _parts_of(self, block: JSON) -> list[JSON]:
        kind = block.get("type")
        if kind in BLOCK_FIELDS:
            self._lose_fields(block)
        if kind == "text":
            return [{"type": "text", "text": str(block.get("text", ""))}]
        if kind == "image":
            return self._picture(block)
        if kind == "document":
            return self._document(block)
        if kind == "search_result":
            title = [{"type": "text", "text": str(block["title"])}] if block.get("title") else []
            return [*title, *self._all_parts(block.get("content"))]
        self._lose(f"messages.{kind}")
        return []

    def _all_parts(self, content: object) -> list[JSON]:
        if isinstance(content, str):
            return [{"type": "text", "text": content}] if content else []
        blocks = content if isinstance(content, list) else []
        return [part for each in blocks if isinstance(each, dict) for part in self._parts(each)]

    def _picture(self, block: JSON) -> list[JSON]:
        source = block.get("source")
        if not isinstance(source, dict):
            raise bad("messages", "An image needs a source.")
        if not (source.get("url") or source.get("data")):
            self._lose("messages.image")  # a file that only Anthropic keeps
            return []
        address = source.get("url") or f"data:{source.get('media_type')};base64,{source['data']}"
        return [{"type": "image_url", "image_url": {"url": address}}]

    def _document(self, block: JSON) -> list[JSON]:
        """A PDF as a file, a text as text; what stands at an address can't go along."""
        source = block.get("source")
        if not isinstance(source, dict):
            raise bad("messages", "A document needs a source.")
        kind, data = source.get("type"), source.get("data")
        if kind == "text" and isinstance(data, str):
            return [{"type": "text", "text": data}]
        if kind == "content":
            return self._all_parts(source.get("content"))
        if kind == "base64" and isinstance(data, str):
            inside = f"data:{source.get('media_type')};base64,{data}"
            name = str(block.get("title") or "document.pdf")
            return [{"type": "file", "file": {"filename": name, "file_data": inside}}]
        self._lose("messages.document")
        return []

    def _result(self, block: JSON) -> tuple[JSON, list[JSON]]:
        """A tool's result as text; what else it has seen follows in the user's next turn."""
        self._lose_fields(block)
        content, seen = block.get("content", ""), []
        if isinstance(content, list):
            parts = [each for each in content if isinstance(each, dict)]
            texts = [each for each in parts if isinstance(each.get("text"), str)]
            seen = [each for each in parts if not isinstance(each.get("text"), str)]
            content = "\n".join(each["text"] for each in texts)
            marked = [each for each in texts if each.get(MARK) is not None]
            block = {MARK: marked[-1][MARK], **block} if marked else block
        said: JSON = {"type": "text", "text": content}
        self._mark(block, said)
        content = [said] if MARK in said else content
        result = {"role": "tool", "tool_call_id": block.get("tool_use_id", ""), "content": content}
        return result, seen

    def _tools(self, tools: list[JSON], extra: JSON) -> None:
        """Their tools as functions; those that Anthropic itself runs are lost."""
        found = []
        for tool in tools:
            if "input_schema" not in tool:
                self._lose(f"tools.{tool.get('type')}")
                continue
            for name in tool.keys() - TOOL_FIELDS - {"cache_control"}:
                self._lose(f"tools.{name}")
            found.append(_tool(tool))
            self._mark(tool, found[-1])
        if found:
            check_tools(found)
            extra["tools"] = found

    def _who(self, metadata: object, extra: JSON) -> None:
        """For whom the caller asks; an id that is too long for OpenAI is hashed."""
        if metadata is None:
            return
        if not isinstance(metadata, dict):
            raise bad("metadata", "This is not an object.")
        user = metadata.get("user_id")
        if isinstance(user, str) and user:
            long = len(user) > MAX_USER_CHARACTERS
            extra["user"] = hashlib.sha256(user.encode()).hexdigest() if long else user
        if metadata.keys() - {"user_id"}:
            self._lose("metadata")


def _call(block: JSON) -> JSON:
    arguments = orjson.dumps(block.get("input", {})).decode()
    return {
        "id": block.get("id", ""),
        "type": "function",
        "function": {"name": block.get("name", ""), "arguments": arguments},
    }


def _tool(tool: JSON) -> JSON:
    """Their tool as OpenAI's function."""
    function = {"name": tool.get("name", ""), "parameters": tool["input_schema"]}
    for name in ("description", "strict"):
        if tool.get(name):
            function[name] = tool[name]
    return {"type": "function", "function": function}


def _choose(choice: object, extra: JSON) -> None:
    if not isinstance(choice, dict) or choice.get("type") not in (*CHOICES, "tool"):
        raise bad("tool_choice", "Its type is auto, any, tool or none.")
    if choice["type"] == "tool":
        name = {"name": choice.get("name", "")}
        extra["tool_choice"] = {"type": "function", "function": name}
    else:
        extra["tool_choice"] = CHOICES[choice["type"]]
    if choice.get("disable_parallel_tool_use"):
        extra["parallel_tool_calls"] = False
