"""OpenAI's parameters, messages and tools translated to Anthropic's, by a list of what it takes.

Sources: Anthropic's Messages API and OpenAI's Chat Completions, as their SDKs type them.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import orjson

from llmconfig.client.types import Message
from llmconfig.client.wire import JSON
from llmconfig.client.wire.free_text_tools import (
    CUSTOM,
    LOST_GRAMMAR,
    as_function,
    call_as_function,
    loses_grammar,
)
from llmconfig.client.wire.prompt_cache import BREAKPOINT
from llmconfig.client.wire.reading import object_of, text_of
from llmconfig.client.wire.thinking import of_details
from llmconfig.client.wire.tool_choice import allowed_tools

SAMPLING = frozenset({"temperature", "top_p", "top_k"})
SYSTEM_ROLES = frozenset({"system", "developer"})
# What Anthropic takes under its own name; anything else of a caller's extras it would refuse.
TAKEN = frozenset(
    {
        "stop_sequences", "thinking", "cache_control", "container", "context_management",
        "mcp_servers", "inference_geo", "speed",
    }
)  # fmt: skip
SERVICE_TIERS = frozenset({"auto", "standard_only"})
TOOL_CHOICES = {"auto": "auto", "required": "any", "none": "none"}
EFFORTS = {"minimal": "low"} | {each: each for each in ("low", "medium", "high", "xhigh", "max")}
JSON_INSTRUCTION = (
    "Answer with one JSON object and nothing else: no words and no code fence around it."
)
TEXT_PARTS = frozenset({"text", "input_text", "output_text"})
# Blocks that an application may give in Anthropic's own words.
OWN_BLOCKS = frozenset(
    {
        "image",
        "document",
        "search_result",
        "tool_use",
        "tool_result",
        "thinking",
        "redacted_thinking",
    }
)


class RequestTranslation:
    """One request on its way into Anthropic's words; `dropped` names what it has no place for."""

    def __init__(self) -> None:
        self.dropped: dict[str, None] = {}

    def drop(self, name: str) -> None:
        """Note a parameter, or a kind of part, that can't go along."""
        self.dropped[name] = None

    # Messages

    def system(self, messages: Sequence[Message]) -> list[JSON]:
        """The system prompt as blocks of text."""
        blocks: list[JSON] = []
        for message in messages:
            if message.get("role") in SYSTEM_ROLES:
                content = self.content(message.get("content"))
                if isinstance(content, str):
                    content = [{"type": "text", "text": content}] if content else []
                blocks += [each for each in content or () if each.get("type") == "text"]
        return blocks

    def turns(self, messages: Sequence[Message]) -> list[JSON]:
        """The other messages; results of tools of one turn stand together in a user's."""
        turns: list[JSON] = []
        for message in messages:
            role = message.get("role")
            if message.get("name") and role != "tool":
                self.drop("messages.name")
            if role in SYSTEM_ROLES:
                continue
            if role == "tool":
                result = self._result(message)
                if turns and turns[-1]["role"] == "user" and isinstance(turns[-1]["content"], list):
                    turns[-1]["content"].append(result)
                else:
                    turns.append({"role": "user", "content": [result]})
            elif role == "assistant":
                turns.append({"role": "assistant", "content": self._assistant(message)})
            else:
                turns.append({"role": role, "content": self.content(message.get("content"))})
        return turns

    def content(self, content: Any) -> Any:
        """Text as it is; of a list of parts, each in Anthropic's shape."""
        if not isinstance(content, list):
            return content
        blocks = [block for part in content if (block := self._part(object_of(part))) is not None]
        return blocks or ""

    def _assistant(self, message: Message) -> Any:
        thoughts = _signed_thoughts(message.get("reasoning_details"))
        said = self.content(message.get("content"))
        calls = [_tool_use(call) for call in message.get("tool_calls") or ()]
        if not (thoughts or calls):
            return said
        if isinstance(said, str):
            said = [{"type": "text", "text": said}] if said else []
        return [*thoughts, *(said or ()), *calls]

    def _result(self, message: Message) -> JSON:
        content = self.content(message.get("content"))
        return {
            "type": "tool_result",
            "tool_use_id": message.get("tool_call_id", ""),
            "content": "" if content is None else content,
        }

    def _part(self, part: JSON) -> JSON | None:
        kind = part.get("type")
        if part.get(BREAKPOINT):
            self.drop(f"messages.{BREAKPOINT}")
        if kind in TEXT_PARTS or kind is None:
            return _with_mark({"type": "text", "text": text_of(part.get("text"))}, part)
        if kind == "refusal":
            return {"type": "text", "text": text_of(part.get("refusal"))}
        if kind == "image_url":
            if object_of(part.get("image_url")).get("detail") not in (None, "auto"):
                self.drop("messages.image_url.detail")
            return _with_mark(_picture(part), part)
        if kind == "file":
            document = _document(object_of(part.get("file")))
            if document is not None:
                return _with_mark(document, part)
        if kind in OWN_BLOCKS:
            return part
        self.drop(f"messages.{kind}")
        return None

    # Parameters

    def carry(self, content: JSON, extra: Mapping[str, Any], *, sampling: bool) -> None:
        """Put the caller's parameters into the request."""
        for name, value in extra.items():
            if name in SAMPLING:
                taken = sampling
                if taken:
                    content[name] = value
            else:
                taken = _carry_one(content, name, value)
            if not taken:
                self.drop(name)
        if any(map(loses_grammar, map(object_of, extra.get("tools") or ()))):
            self.drop(LOST_GRAMMAR)
        allowed = allowed_tools(extra.get("tool_choice"))
        if allowed is not None:
            content["tools"] = [
                each for each in content.get("tools", ()) if each.get("name") in allowed
            ]
        if extra.get("parallel_tool_calls") is False and content.get("tools"):
            choice = content.setdefault("tool_choice", {"type": "auto"})
            if choice.get("type") != "none":
                choice["disable_parallel_tool_use"] = True


def _carry_one(content: JSON, name: str, value: Any) -> bool:
    """One parameter; false if Anthropic has no place for it."""
    if name in TAKEN:
        content[name] = value
        return True
    translate = TRANSLATIONS.get(name)
    return translate is not None and translate(content, value)


def _stop(content: JSON, value: Any) -> bool:
    content["stop_sequences"] = [value] if isinstance(value, str) else value
    return True


def _tools(content: JSON, value: Any) -> bool:
    content["tools"] = [_tool(tool) for tool in value]
    return True


def _choice(content: JSON, value: Any) -> bool:
    content["tool_choice"] = _tool_choice(value)
    return True


def _user(content: JSON, value: Any) -> bool:
    if isinstance(value, str):
        content.setdefault("metadata", {})["user_id"] = value
    return isinstance(value, str)


def _metadata(content: JSON, value: Any) -> bool:
    """OpenAI's has any keys, Anthropic's this one."""
    user = object_of(value).get("user_id")
    if isinstance(user, str):
        content.setdefault("metadata", {})["user_id"] = user
    return not object_of(value).keys() - {"user_id"}


def _service_tier(content: JSON, value: Any) -> bool:
    if value in SERVICE_TIERS:
        content["service_tier"] = value
    return value in SERVICE_TIERS


def _output_config(content: JSON, value: Any) -> bool:
    content["output_config"] = {**object_of(value), **content.get("output_config", {})}
    return True


def _effort(content: JSON, value: Any) -> bool:
    effort = EFFORTS.get(value)
    if effort is not None:
        content.setdefault("output_config", {}).setdefault("effort", effort)
    return effort is not None


def _format(content: JSON, value: Any) -> bool:
    """Any JSON object is asked for in words, as Anthropic takes schemas only."""
    kind = object_of(value).get("type")
    if kind == "json_object":
        instruction = {"type": "text", "text": JSON_INSTRUCTION}
        content["system"] = [*content.get("system", []), instruction]
    return kind in {"json_object", "text"}


def _kept_for_later(_content: JSON, _value: Any) -> bool:
    """`parallel_tool_calls` becomes a part of `tool_choice`."""
    return True


TRANSLATIONS: Mapping[str, Callable[[JSON, Any], bool]] = {
    "metadata": _metadata,
    "output_config": _output_config,
    "parallel_tool_calls": _kept_for_later,
    "reasoning_effort": _effort,
    "response_format": _format,
    "safety_identifier": _user,
    "service_tier": _service_tier,
    "stop": _stop,
    "tool_choice": _choice,
    "tools": _tools,
    "user": _user,
}


def _with_mark(block: JSON, part: JSON) -> JSON:
    """With the mark for Anthropic's cache, which OpenRouter's clients put on parts too."""
    mark = part.get("cache_control")
    return {**block, "cache_control": mark} if isinstance(mark, dict) else block


def _picture(part: JSON) -> JSON:
    url = text_of(object_of(part.get("image_url")).get("url"))
    if url.startswith("data:"):
        media, _, data = url.removeprefix("data:").partition(";base64,")
        return {"type": "image", "source": {"type": "base64", "media_type": media, "data": data}}
    return {"type": "image", "source": {"type": "url", "url": url}}


def _document(file: JSON) -> JSON | None:
    """A PDF or a text that came inside; None for a file that only OpenAI keeps."""
    media, _, data = text_of(file.get("file_data")).partition(";base64,")
    if not data or not media.startswith("data:"):
        return None
    source = {"type": "base64", "media_type": media.removeprefix("data:"), "data": data}
    title = text_of(file.get("filename"))
    block: JSON = {"type": "document", "source": source}
    return {**block, "title": title} if title else block


def _signed_thoughts(details: object) -> list[JSON]:
    """Thoughts of Anthropic's, which it wants back before the tool calls that followed them."""
    blocks: list[JSON] = []
    for thought in of_details(details):
        if thought.format and not thought.format.startswith("anthropic"):
            continue
        if thought.kind == "encrypted" and thought.data:
            blocks.append({"type": "redacted_thinking", "data": thought.data})
        elif thought.signature:
            signed = {"thinking": thought.text, "signature": thought.signature}
            blocks.append({"type": "thinking", **signed})
    return blocks


def _tool_use(call: Any) -> JSON:
    call = call_as_function(object_of(call))
    function = object_of(call.get("function"))
    return {
        "type": "tool_use",
        "id": call.get("id", ""),
        "name": function.get("name", ""),
        "input": _arguments(function.get("arguments")),
    }


def _arguments(text: Any) -> JSON:
    try:
        return object_of(orjson.loads(text or "{}"))
    except orjson.JSONDecodeError:
        return {}


def _tool(tool: JSON) -> JSON:
    """OpenAI's function as Anthropic's tool; Anthropic's own stay as they are."""
    tool = as_function(tool)
    function = tool.get("function")
    if not isinstance(function, Mapping):
        return tool
    parameters = function.get("parameters") or {"type": "object", "properties": {}}
    known: JSON = {"name": function.get("name", ""), "input_schema": parameters}
    if function.get("description"):
        known["description"] = function["description"]
    if function.get("strict"):
        known["strict"] = True
    return _with_mark(known, tool)


def _tool_choice(value: Any) -> JSON:
    if isinstance(value, str):
        return {"type": TOOL_CHOICES.get(value, "auto")}
    if allowed_tools(value) is not None:
        return {"type": TOOL_CHOICES.get(value["allowed_tools"].get("mode"), "auto")}
    chosen = object_of(value).get("function") or object_of(value).get(CUSTOM)
    return {"type": "tool", "name": chosen["name"]} if chosen else dict(object_of(value))
