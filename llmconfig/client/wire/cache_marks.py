"""`cache_control`, Anthropic's mark for its prompt cache, on parts and tools in OpenAI's shape."""

from collections.abc import Sequence
from typing import Any

from llmconfig.client.types import Message
from llmconfig.client.wire import JSON, Question
from llmconfig.client.wire.prompt_cache import (
    BREAKPOINT,
    CACHE_OPTIONS,
    EPHEMERAL,
    EXPLICIT,
    MARK,
    key_pays,
    mark_pays,
    needs_breakpoint,
)
from llmconfig.provider_types.contract import ProviderType

CACHE_KEY = "prompt_cache_key"


def without_marks(messages: Sequence[Message]) -> Sequence[Message]:
    """The messages without any mark; the same object if there is none."""
    if not any(_is_marked(message.get("content")) for message in messages):
        return messages
    return [
        Message(**{**message, "content": _plain(message["content"])})
        if _is_marked(message.get("content"))
        else message
        for message in messages
    ]


def tools_without_marks(tools: Any) -> Any:
    """The same for tools."""
    return [_unmarked(each) for each in tools] if _is_marked(tools) else tools


def hint_at_prefix(content: JSON, question: Question, kind: ProviderType) -> None:
    """Have a provider find what the request's like began with, where it keeps that long a text."""
    prefix, model = question.prefix, question.target.model_id
    if prefix is None:
        return
    if kind.takes_cache_key and CACHE_KEY not in question.refused and key_pays(prefix):
        content.setdefault(CACHE_KEY, prefix.key)
    if kind.takes_cache_key and CACHE_OPTIONS not in question.refused and needs_breakpoint(model):
        content.setdefault(CACHE_OPTIONS, EXPLICIT)
        if key_pays(prefix):
            content["messages"] = _with_mark(content["messages"], {BREAKPOINT: EXPLICIT})
    if kind.takes_cache_marks and "claude" in model and mark_pays(prefix, model):
        content["messages"] = _with_mark(content["messages"], {MARK: EPHEMERAL})


def _with_mark(messages: Sequence[Message], mark: JSON) -> Sequence[Message]:
    """The messages with a mark at the end of the last system message that is one text."""
    at = max((n for n, each in enumerate(messages) if _is_system_text(each)), default=None)
    if at is None:
        return messages
    text = {"type": "text", "text": messages[at]["content"], **mark}
    return [
        Message(**{**message, "content": [text]}) if n == at else message
        for n, message in enumerate(messages)
    ]


def _is_system_text(message: Message) -> bool:
    return message.get("role") == "system" and isinstance(message.get("content"), str)


def _is_marked(parts: Any) -> bool:
    return isinstance(parts, list) and any(MARK in part for part in parts if type(part) is dict)


def _plain(parts: list[JSON]) -> str | list[JSON]:
    """One text as it is, as nothing but its mark made it a part."""
    clean = [_unmarked(part) for part in parts]
    if len(clean) == 1 and clean[0].keys() == {"type", "text"}:
        return str(clean[0]["text"])
    return clean


def _unmarked(part: JSON) -> JSON:
    return {name: value for name, value in part.items() if name != MARK}
