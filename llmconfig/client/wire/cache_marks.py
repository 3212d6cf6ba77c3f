"""`cache_control`, Anthropic's mark for its prompt cache, on parts and tools in OpenAI's shape."""

from collections.abc import Sequence
from typing import Any

from llmconfig.client.types import Message
from llmconfig.client.wire import JSON

MARK = "cache_control"


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
