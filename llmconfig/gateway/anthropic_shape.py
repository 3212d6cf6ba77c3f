"""Anthropic's requests and answers, to and from OpenAI's words, which the client speaks."""

from collections.abc import Mapping
from typing import Any
from uuid import uuid4

import orjson

from llmconfig.client.types import Call, Delta, Generation, Usage
from llmconfig.gateway.access import Caller
from llmconfig.gateway.openai_shape import served_usage, text_for
from llmconfig.gateway.reading import (
    JSON,
    ParsedRequest,
    bad,
    given_of,
    labels_of,
    messages_of,
    name_of,
    objects,
    schema_of,
    switch,
)

READ = frozenset(
    {
        "model",
        "messages",
        "system",
        "stream",
        "max_tokens",
        "temperature",
        "tools",
        "tool_choice",
        "stop_sequences",
        "output_config",
    }
)
STOPS = {
    "stop": "end_turn",
    "length": "max_tokens",
    "tool_calls": "tool_use",
    "content_filter": "refusal",
}
CHOICES = {"auto": "auto", "any": "required", "none": "none"}
ROLES = frozenset({"user", "assistant", "system"})


def read_messages(body: JSON, caller: Caller) -> ParsedRequest:
    """A message's request; raises Refused."""
    name = caller.node or name_of(body)
    messages = _system(body.get("system"))
    for at, message in enumerate(messages_of(body)):
        if message["role"] not in ROLES:
            raise bad(f"messages[{at}].role", "It is user or assistant.")
        messages += _turn(message)
    extra = {key: value for key, value in body.items() if key not in READ and value is not None}
    tools = objects(body, "tools")
    if tools:
        extra["tools"] = [_tool(tool) for tool in tools]
    if body.get("tool_choice") is not None:
        _choose(body["tool_choice"], extra)
    if body.get("stop_sequences"):
        extra["stop"] = body["stop_sequences"]
    wanted: Any = messages
    call = Call(
        node=name,
        messages=wanted,
        schema=_schema(body.get("output_config"), extra),
        given=given_of(body, ("max_tokens",)),
        extra=extra,
        user_id=caller.user_id,
        correlation_id=uuid4(),
        labels=labels_of("messages", caller.account),
    )
    return ParsedRequest(call, name, switch(body, "stream"))


def message_answer(asked: ParsedRequest, made: Generation) -> JSON:
    """A whole message."""
    text = text_for(made)
    content: list[JSON] = [{"type": "text", "text": text}] if text else []
    content += [
        {
            "type": "tool_use",
            "id": call.get("id", ""),
            "name": _function(call).get("name", ""),
            "input": _input(_function(call).get("arguments")),
        }
        for call in made.tool_calls
    ]
    return _head(asked) | {
        "content": content,
        "stop_reason": _stop(made),
        "usage": _usage(served_usage(made)),
    }


class MessageEvents:
    """A stream's pieces as events: blocks of text and of tool uses, one after the other."""

    def __init__(self, asked: ParsedRequest) -> None:
        self._asked = asked
        self._index = -1
        self._open: int | str | None = None  # "text", or a tool call's index

    def begin(self) -> bytes:
        """The message's head; its usage follows at the end."""
        usage = {"input_tokens": 0, "output_tokens": 0}
        return _event("message_start", {"message": _head(self._asked) | {"usage": usage}})

    def piece(self, delta: Delta) -> bytes:
        """A piece of text or of tools' inputs, in blocks of their own."""
        parts = []
        if delta.text:
            parts += self._switch_to("text", {"type": "text", "text": ""})
            parts.append(self._delta({"type": "text_delta", "text": delta.text}))
        for call in delta.tool_calls:
            function = _function(call)
            block = {
                "type": "tool_use",
                "id": call.get("id", ""),
                "name": function.get("name", ""),
                "input": {},
            }
            parts += self._switch_to(call.get("index", 0), block)
            if function.get("arguments"):
                said = {"type": "input_json_delta", "partial_json": function["arguments"]}
                parts.append(self._delta(said))
        return b"".join(parts)

    def end(self, made: Generation) -> bytes:
        """Why it ended, and what it took."""
        parts = self._close()
        delta = {"stop_reason": _stop(made), "stop_sequence": None}
        usage = _usage(served_usage(made))
        parts.append(_event("message_delta", {"delta": delta, "usage": usage}))
        parts.append(_event("message_stop", {}))
        return b"".join(parts)

    def _switch_to(self, block: int | str, opening: JSON) -> list[bytes]:
        if self._open == block:
            return []
        parts = self._close()
        self._open, self._index = block, self._index + 1
        start = {"index": self._index, "content_block": opening}
        return [*parts, _event("content_block_start", start)]

    def _close(self) -> list[bytes]:
        if self._open is None:
            return []
        self._open = None
        return [_event("content_block_stop", {"index": self._index})]

    def _delta(self, said: JSON) -> bytes:
        return _event("content_block_delta", {"index": self._index, "delta": said})


def failure(shape: JSON) -> bytes:
    """An error after a stream's beginning."""
    return _event("error", {"error": shape["error"]})


def _system(system: object) -> list[JSON]:
    if system is None:
        return []
    if isinstance(system, list) and all(isinstance(part, dict) for part in system):
        return [{"role": "system", "content": _parts(system)}]
    if not isinstance(system, str):
        raise bad("system", "This is neither text nor a list of blocks.")
    return [{"role": "system", "content": system}]


def _turn(message: JSON) -> list[JSON]:
    """One of their turns, which may be several of ours: results of tools stand alone here."""
    role, content = message["role"], message.get("content")
    if not isinstance(content, list):
        return [{"role": role, "content": content or ""}]
    turns = [_result(block) for block in content if block.get("type") == "tool_result"]
    calls = [_call(block) for block in content if block.get("type") == "tool_use"]
    # A model's thoughts are for the provider that had them; others could not read them.
    left = ("tool_result", "tool_use", "thinking", "redacted_thinking")
    said = [block for block in content if block.get("type") not in left]
    if said or calls or not turns:
        turn: JSON = {"role": role, "content": _parts(said) if said else ""}
        turns.append(turn | {"tool_calls": calls} if calls else turn)
    return turns


def _parts(blocks: list[JSON]) -> str | list[JSON]:
    """One text as it is; else a list, with pictures in OpenAI's shape."""
    if len(blocks) == 1 and blocks[0].keys() == {"type", "text"}:
        return str(blocks[0]["text"])
    return [_picture(block) if block.get("type") == "image" else block for block in blocks]


def _picture(block: JSON) -> JSON:
    source = block.get("source")
    if not isinstance(source, dict):
        raise bad("messages", "An image needs a source.")
    address = source.get("url") or f"data:{source.get('media_type')};base64,{source.get('data')}"
    return {"type": "image_url", "image_url": {"url": address}}


def _result(block: JSON) -> JSON:
    content = block.get("content", "")
    if isinstance(content, list):
        content = "\n".join(
            part["text"]
            for part in content
            if isinstance(part, dict) and isinstance(part.get("text"), str)
        )
    return {"role": "tool", "tool_call_id": block.get("tool_use_id", ""), "content": content}


def _call(block: JSON) -> JSON:
    arguments = orjson.dumps(block.get("input", {})).decode()
    return {
        "id": block.get("id", ""),
        "type": "function",
        "function": {"name": block.get("name", ""), "arguments": arguments},
    }


def _tool(tool: JSON) -> JSON:
    """Their tool as OpenAI's function; tools of the vendor's own stay as they are."""
    if "input_schema" not in tool:
        return tool
    function = {"name": tool.get("name", ""), "parameters": tool["input_schema"]}
    if tool.get("description"):
        function["description"] = tool["description"]
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


def _schema(config: object, extra: JSON) -> JSON | None:
    """The schema in `output_config`; what else is in there goes along."""
    if config is None:
        return None
    if not isinstance(config, dict):
        raise bad("output_config", "This is not an object.")
    rest = {key: value for key, value in config.items() if key != "format"}
    if rest:
        extra["output_config"] = rest
    form = config.get("format")
    if form is None:
        return None
    if not isinstance(form, dict) or form.get("type") != "json_schema":
        raise bad("output_config.format", "Its type is json_schema.")
    return schema_of(form.get("schema"), "output_config.format.schema")


def _head(asked: ParsedRequest) -> JSON:
    correlation_id = asked.call.correlation_id
    return {
        "id": f"msg_{correlation_id.hex if correlation_id else ''}",
        "type": "message",
        "role": "assistant",
        "model": asked.name,
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
    }


def _stop(made: Generation) -> str:
    default = "tool_use" if made.tool_calls else "end_turn"
    return STOPS.get(made.record.finish_reason or "", default)


def _usage(usage: Usage) -> JSON:
    return {
        "input_tokens": usage.input,
        "cache_read_input_tokens": usage.cached_input,
        "cache_creation_input_tokens": usage.cache_write,
        "output_tokens": usage.tokens_output,
    }


def _function(call: Mapping[str, Any]) -> JSON:
    function = call.get("function")
    return function if isinstance(function, dict) else {}


def _input(arguments: object) -> JSON:
    try:
        value = orjson.loads(arguments) if isinstance(arguments, str) else {}
    except orjson.JSONDecodeError:
        value = {}
    return value if isinstance(value, dict) else {}


def _event(name: str, body: JSON) -> bytes:
    data = orjson.dumps({"type": name, **body})
    return b"".join([b"event: ", name.encode(), b"\ndata: ", data, b"\n\n"])
