"""Anthropic's messages, in both versions of its API.

Requests come in OpenAI's words (roles, tools, stop) and are put into Anthropic's, so that a node
can fall back from one to the other.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from llmconfig import provider_types
from llmconfig.client.types import Message
from llmconfig.client.wire import (
    JSON,
    Body,
    Embedded,
    Input,
    Question,
    Refusal,
    Reply,
)
from llmconfig.client.wire.anthropic_answers import AnthropicListener, read_message
from llmconfig.client.wire.errors import error_in
from llmconfig.client.wire.reading import object_of, text_of
from llmconfig.client.wire.refused_parameters import OUTPUT_CONFIG
from llmconfig.configuration.snapshot import ProviderFacts
from llmconfig.secrets import Secret

OLD_VERSION = "2023-06-01"  # takes x-api-key and sampling parameters
DEFAULT_MAX_TOKENS = 4096  # the API demands a limit
SAMPLING = ("temperature", "top_p", "top_k")
SYSTEM_ROLES = frozenset({"system", "developer"})
# What Anthropic takes under its own name; anything else of a caller's extras it would refuse.
TAKEN = frozenset({"stop_sequences", "thinking", "metadata", "service_tier", "cache_control"})
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
        shape = question.shape
        form = shape.anthropic if shape is not None and question.obeys else None
        if form is not None and OUTPUT_CONFIG in question.refused:
            form = None
            dropped.append(OUTPUT_CONFIG)
        if shape is not None and form is None:
            system.append(shape.instruction)
        if system:
            content["system"] = "\n\n".join(system)
        if form is not None:
            content[OUTPUT_CONFIG] = {"format": {"type": "json_schema", "schema": form.schema}}
        wanted = dict(question.extra)
        if target.temperature is not None:
            wanted["temperature"] = target.temperature
        sampling = target.provider.api_version == OLD_VERSION
        for name, value in wanted.items():
            if not _carry(content, name, value, sampling=sampling):
                dropped.append(name)
        return Body(content, tuple(dropped))

    def read(self, value: JSON) -> Reply:
        """Text blocks joined; tool uses in OpenAI's shape; thoughts beside them."""
        return read_message(value)

    def refusal(self, value: Any, *, good: bool = True) -> Refusal | None:
        """`error`, with its finer reason under `details`; proxies in front have other forms."""
        return error_in(value, good=good)

    def streamed(self, content: JSON) -> JSON:
        """Usage comes by itself."""
        return {**content, "stream": True}

    def listener(self) -> AnthropicListener:
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
