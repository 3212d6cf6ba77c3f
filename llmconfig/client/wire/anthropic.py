"""Anthropic's messages, in both versions of its API.

Requests come in OpenAI's words (roles, tools, stop) and are put into Anthropic's, so that a node
can fall back from one to the other.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from llmconfig import provider_types
from llmconfig.client.types import NO_USAGE, Delta, Message, Usage
from llmconfig.client.wire import (
    JSON,
    BadReply,
    Body,
    Embedded,
    Input,
    Question,
    Refusal,
    Reply,
)
from llmconfig.client.wire.reading import count, object_of, optional_count, text_of
from llmconfig.configuration.snapshot import ProviderFacts
from llmconfig.secrets import Secret

OLD_VERSION = "2023-06-01"  # takes x-api-key and sampling parameters
DEFAULT_MAX_TOKENS = 4096  # the API demands a limit
SAMPLING = ("temperature", "top_p", "top_k")
SYSTEM_ROLES = frozenset({"system", "developer"})
# What Anthropic takes under its own name; anything else of a caller's extras it would refuse.
TAKEN = frozenset({"stop_sequences", "thinking", "metadata", "service_tier", "cache_control"})
STOPS = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "pause_turn": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "tool_calls",
    "refusal": "content_filter",
}
TOOL_CHOICES = {"auto": "auto", "required": "any", "none": "none"}


class AnthropicWire:
    """`/v1/messages`."""

    def address(self, provider: ProviderFacts, model_id: str) -> str:
        """The base address may be given with or without /v1."""
        path = provider_types.get(provider.provider_type).chat_path
        return f"{provider.base_url.removesuffix('/v1')}{path}"

    def headers(self, provider: ProviderFacts, key: Secret | None) -> dict[str, str]:
        """The versions differ in how the key is sent."""
        kind = provider_types.get(provider.provider_type)
        version = provider.api_version or kind.default_api_version
        headers = {"anthropic-version": version}
        if key is not None and version == OLD_VERSION:
            headers["x-api-key"] = key.reveal()
        elif key is not None:
            headers["Authorization"] = f"Bearer {key.reveal()}"
        return headers

    def body(self, question: Question) -> Body:
        """The request; what this version doesn't take is dropped and named."""
        target, dropped = question.target, []
        content: JSON = {
            "model": target.model_id,
            "max_tokens": target.max_tokens or _most(question),
            "messages": _messages(question.messages),
        }
        system = _system(question.messages)
        if question.shape is not None and not question.obeys:
            system.append(question.shape.instruction)
        if system:
            content["system"] = "\n\n".join(system)
        if question.shape is not None and question.obeys:
            schema = {"type": "json_schema", "schema": question.shape.schema}
            content["output_config"] = {"format": schema}
        wanted = dict(question.extra)
        if target.temperature is not None:
            wanted["temperature"] = target.temperature
        sampling = target.provider.api_version == OLD_VERSION
        for name, value in wanted.items():
            if not _carry(content, name, value, sampling=sampling):
                dropped.append(name)
        return Body(content, tuple(dropped))

    def read(self, value: JSON) -> Reply:
        """Text blocks joined; tool uses in OpenAI's shape."""
        usage = _usage(value.get("usage"))
        blocks = value.get("content")
        stop = value.get("stop_reason")
        reason = STOPS.get(stop, stop[:40]) if isinstance(stop, str) else None
        if not isinstance(blocks, list):
            raise BadReply("the reply holds no content", usage)
        texts = [object_of(block) for block in blocks]
        text = "".join(text_of(block.get("text")) for block in texts if block.get("type") == "text")
        tool_calls = tuple(_tool_call(block) for block in texts if block.get("type") == "tool_use")
        unfinished = reason in {"length", "content_filter"}
        if not text.strip() and not tool_calls and not unfinished:
            raise BadReply("the answer is empty", usage)
        return Reply(
            text=text,
            finish_reason=reason,
            usage=usage or NO_USAGE,
            counted=usage is not None,
            tool_calls=tool_calls,
        )

    def refusal(self, value: JSON) -> Refusal | None:
        """`error`, with its finer reason under `details`."""
        error = value.get("error")
        if not error:
            return None
        error = object_of(error)
        codes = {error.get("type"), object_of(error.get("details")).get("error_code")}
        return Refusal(
            message=text_of(error.get("message")),
            codes=frozenset(code for code in codes if isinstance(code, str)),
        )

    def streamed(self, content: JSON) -> JSON:
        """Usage comes by itself."""
        return {**content, "stream": True}

    def listener(self) -> "AnthropicListener":
        """Somebody who hears its events."""
        return AnthropicListener()

    def embedding_address(self, provider: ProviderFacts, model_id: str) -> str:
        """Anthropic has no embeddings."""
        return ""

    def embedding_body(self, question: Question, inputs: Sequence[Input]) -> Body:
        """Never sent: there is no address for it."""
        raise NotImplementedError

    def read_embeddings(self, value: JSON, expected: int) -> Embedded:
        """Never received."""
        raise NotImplementedError


class AnthropicListener:
    """Puts the events of one message together."""

    def __init__(self) -> None:
        self.usage: Usage | None = None
        self._counts: JSON = {}
        self._texts: list[str] = []
        self._calls: dict[int, JSON] = {}
        self._places: dict[int, int] = {}  # a tool use's block to its place among the tool calls
        self._reason: str | None = None

    @property
    def text(self) -> str:
        """What was said so far."""
        return "".join(self._texts)

    def hear(self, event: JSON) -> Delta | None:
        """Text, and the input of tools as it is written; pings and thoughts add nothing."""
        kind = event.get("type")
        if kind == "content_block_delta":
            return self._hear_delta(event)
        if kind == "content_block_start":
            return self._hear_start(event)
        if kind == "message_start":
            self._count(object_of(event.get("message")).get("usage"))
        elif kind == "message_delta":
            self._count(event.get("usage"))
            stop = object_of(event.get("delta")).get("stop_reason")
            self._reason = STOPS.get(stop, stop[:40]) if isinstance(stop, str) else self._reason
        return None

    def reply(self) -> Reply:
        """A stream without a stop reason was cut off."""
        text, calls = self.text, tuple(self._calls[place] for place in sorted(self._calls))
        for call in calls:
            call["function"]["arguments"] = call["function"]["arguments"] or "{}"
        if self._reason is None:
            raise BadReply("the stream ended before the answer did", self.usage)
        if not text.strip() and not calls and self._reason not in {"length", "content_filter"}:
            raise BadReply("the answer is empty", self.usage)
        return Reply(
            text=text,
            finish_reason=self._reason,
            usage=self.usage or NO_USAGE,
            counted=self.usage is not None,
            tool_calls=calls,
        )

    def _hear_delta(self, event: JSON) -> Delta | None:
        said = object_of(event.get("delta"))
        text = text_of(said.get("text"))
        if text:
            self._texts.append(text)
            return Delta(text)
        place = self._places.get(_block(event))
        part = text_of(said.get("partial_json"))
        if place is None or not part:
            return None
        function = self._calls[place]["function"]
        function["arguments"] += part
        return Delta(tool_calls=({"index": place, "function": {"arguments": part}},))

    def _hear_start(self, event: JSON) -> Delta | None:
        block = object_of(event.get("content_block"))
        text = text_of(block.get("text"))
        if text:
            self._texts.append(text)
            return Delta(text)
        if block.get("type") != "tool_use":
            return None
        place = self._places[_block(event)] = len(self._calls)
        call = self._calls[place] = _tool_call(block)
        if not block.get("input"):  # it follows in pieces
            call["function"]["arguments"] = ""
        return Delta(tool_calls=({"index": place, **call, "function": {**call["function"]}},))

    def _count(self, counts: Any) -> None:
        """The end names only what has changed since the start."""
        self._counts |= object_of(counts)
        self.usage = _usage(self._counts) if self._counts else None


def _block(event: JSON) -> int:
    index = event.get("index")
    return index if type(index) is int else 0


def _most(question: Question) -> int:
    model = question.target.candidate.model
    most = model.max_output_tokens if model is not None else None
    return min(most or DEFAULT_MAX_TOKENS, DEFAULT_MAX_TOKENS)


def _system(messages: Sequence[Message]) -> list[str]:
    return [
        _plain(message.get("content"))
        for message in messages
        if message.get("role") in SYSTEM_ROLES
    ]


def _plain(content: Any) -> str:
    """The text of a message's content, which may be a list of parts."""
    if isinstance(content, list):
        return "\n".join(text_of(object_of(part).get("text")) for part in content)
    return content if isinstance(content, str) else ""


def _messages(messages: Sequence[Message]) -> list[JSON]:
    turns: list[JSON] = []
    for message in messages:
        role = message.get("role")
        if role in SYSTEM_ROLES:
            continue
        if role == "tool":
            result = {
                "type": "tool_result",
                "tool_use_id": message.get("tool_call_id", ""),
                "content": _plain(message.get("content")),
            }
            if turns and turns[-1]["role"] == "user" and isinstance(turns[-1]["content"], list):
                turns[-1]["content"].append(result)  # results of one turn belong together
            else:
                turns.append({"role": "user", "content": [result]})
        elif message.get("tool_calls"):
            turns.append({"role": "assistant", "content": _tool_uses(message)})
        else:
            turns.append({"role": role, "content": _content(message.get("content"))})
    return turns


def _content(content: Any) -> Any:
    """Text as it is; of a list of parts, pictures in Anthropic's shape."""
    if not isinstance(content, list):
        return content
    return [
        _picture(part) if object_of(part).get("type") == "image_url" else part for part in content
    ]


def _picture(part: JSON) -> JSON:
    url = object_of(part.get("image_url")).get("url", "")
    if url.startswith("data:"):
        media, _, data = url.removeprefix("data:").partition(";base64,")
        return {"type": "image", "source": {"type": "base64", "media_type": media, "data": data}}
    return {"type": "image", "source": {"type": "url", "url": url}}


def _tool_uses(message: Message) -> list[JSON]:
    said = _plain(message.get("content"))
    blocks: list[JSON] = [{"type": "text", "text": said}] if said else []
    for call in message.get("tool_calls", ()):
        function = object_of(call.get("function"))
        blocks.append(
            {
                "type": "tool_use",
                "id": call.get("id", ""),
                "name": function.get("name", ""),
                "input": _arguments(function.get("arguments")),
            }
        )
    return blocks


def _arguments(text: Any) -> JSON:
    try:
        return object_of(orjson.loads(text or "{}"))
    except orjson.JSONDecodeError:
        return {}


def _carry(content: JSON, name: str, value: Any, *, sampling: bool) -> bool:
    """Put one parameter into the request; false if this wire has no place for it."""
    if name in SAMPLING:
        if sampling:
            content[name] = value
        return sampling
    if name == "stop":
        content["stop_sequences"] = [value] if isinstance(value, str) else value
    elif name == "tools":
        content["tools"] = [_tool(tool) for tool in value]
    elif name == "tool_choice":
        content["tool_choice"] = _tool_choice(value)
    elif name in TAKEN:
        content[name] = value
    else:
        return False
    return True


def _tool(tool: JSON) -> JSON:
    """OpenAI's function as Anthropic's tool; Anthropic's own stay as they are."""
    function = tool.get("function")
    if not isinstance(function, Mapping):
        return tool
    parameters = function.get("parameters") or {"type": "object", "properties": {}}
    known = {"name": function.get("name", ""), "input_schema": parameters}
    description = function.get("description")
    return known | {"description": description} if description else known


def _tool_choice(value: Any) -> JSON:
    if isinstance(value, str):
        return {"type": TOOL_CHOICES.get(value, "auto")}
    function = object_of(value).get("function")
    return {"type": "tool", "name": function["name"]} if function else value


def _tool_call(block: JSON) -> JSON:
    arguments = orjson.dumps(block.get("input", {})).decode().replace("\\u0000", "")
    return {
        "id": text_of(block.get("id")),
        "type": "function",
        "function": {"name": text_of(block.get("name")), "arguments": arguments},
    }


def _usage(counts: Any) -> Usage | None:
    """Anthropic's input tokens leave out what the cache read or wrote."""
    if not isinstance(counts, dict):
        return None
    details = object_of(counts.get("output_tokens_details"))
    try:
        output = count(counts, "output_tokens")
        reasoning = optional_count(details, "thinking_tokens")
        if reasoning > output:
            return None
        return Usage(
            input=count(counts, "input_tokens"),
            cached_input=optional_count(counts, "cache_read_input_tokens"),
            cache_write=optional_count(counts, "cache_creation_input_tokens"),
            output=output - reasoning,
            reasoning=reasoning,
        )
    except ValueError:
        return None
