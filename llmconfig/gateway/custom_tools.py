"""Chats with tools of free text, whichever wire the target speaks: calls come back as asked.

A target that knows functions alone is offered them as such (`free_text_tools`); its calls are told
in the words that the request had. Source: `openai.types.chat.ChatCompletionCustomToolParam`.
"""

from collections.abc import Mapping

from llmconfig.client.types import Delta, Generation
from llmconfig.client.wire.free_text_tools import CUSTOM, text_in
from llmconfig.gateway import openai_shape
from llmconfig.gateway.reading import JSON, ParsedRequest, bad, objects
from llmconfig.runtime.records import replace


def are_offered(body: JSON) -> bool:
    """Whether any tool of a chat takes free text."""
    return bool(body.get("tools")) and any(
        each.get("type") == CUSTOM for each in objects(body, "tools")
    )


def noted(asked: ParsedRequest, body: JSON) -> ParsedRequest:
    """The request with the names of its tools of free text; raises RequestRefused."""
    names = {}
    for at, tool in enumerate(objects(body, "tools")):
        if tool.get("type") == CUSTOM:
            custom = tool.get(CUSTOM)
            name = custom.get("name") if isinstance(custom, dict) else None
            if not isinstance(name, str) or not name:
                raise bad(f"tools[{at}].custom.name", "Each tool needs a name.")
            names[name] = True
    return replace(asked, tools=names)


def chat_answer(asked: ParsedRequest, made: Generation, *others: Generation) -> JSON:
    """A whole answer whose calls have the form of the tools that were offered."""
    whole = openai_shape.chat_answer(asked, made, *others)
    for choice in whole["choices"]:
        calls = choice["message"].get("tool_calls")
        if calls:
            choice["message"]["tool_calls"] = [_called(each, asked.tools) for each in calls]
    return whole


class CustomToolEvents(openai_shape.ChatEvents):
    """The same in pieces; a text that comes as a function's argument is told whole, at the end."""

    def __init__(self, asked: ParsedRequest, index: int = 0) -> None:
        super().__init__(asked, index)
        self._names = asked.tools
        self._held: dict[int, str] = {}  # calls that are not told yet: their ids by place

    def piece(self, delta: Delta) -> bytes:
        """A piece without the parts of calls that are held."""
        if delta.tool_calls:
            told = tuple(each for each in delta.tool_calls if not self._holds(each))
            if len(told) < len(delta.tool_calls):
                delta = replace(delta, tool_calls=told)
                if delta == Delta(choice=delta.choice):
                    return b""
        return super().piece(delta)

    def ended(self, made: Generation) -> bytes:
        """The calls that were held, and why it ended."""
        calls = {each.get("id"): each for each in made.tool_calls}
        told = b"".join(
            self._chunk({"tool_calls": [{"index": place, **_called(calls[ident], self._names)}]})
            for place, ident in self._held.items()
            if ident in calls
        )
        self._held = {}
        return told + super().ended(made)

    def _holds(self, part: JSON) -> bool:
        place, function = part.get("index", 0), part.get("function") or {}
        if function.get("name") in self._names:
            self._held[place] = part.get("id", "")
        return place in self._held


def _called(call: JSON, names: Mapping[str, object]) -> JSON:
    function = call.get("function")
    if not isinstance(function, dict) or function.get("name") not in names:
        return call
    custom = {"name": function["name"], "input": text_in(function.get("arguments") or "")}
    rest = {name: value for name, value in call.items() if name not in {"type", "function"}}
    return {**rest, "type": CUSTOM, CUSTOM: custom}
