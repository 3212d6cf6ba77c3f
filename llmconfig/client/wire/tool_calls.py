"""Tool calls put together from what servers send: in one piece or many, with or without ids.

Servers differ in more than their documents say: Gemini leaves out `index`, gateways before it give
all calls the same one, Ollama and others send `arguments` as an object, old vLLM invents an id for
each piece of one call. An application gets one form: each call with an id, a name and a text of
arguments, `{}` where there are none.
"""

import uuid
from typing import Any

import orjson
from msgspec import Struct, field

from llmconfig.client.wire import JSON
from llmconfig.client.wire.free_text_tools import CUSTOM
from llmconfig.client.wire.reading import text_of

MAX_CALLS = 10_000
_OWN_KEYS = frozenset({"index", "id", "type", "function", "name", "arguments", CUSTOM})


class _Call(Struct):
    """A call that is being put together; `index` is the server's own."""

    place: int
    index: int | None = None
    id: str = ""
    name: str = ""
    arguments: str = ""  # or the text that a tool takes, if it is one of those
    takes_text: bool = False
    more: JSON = field(default_factory=dict)  # such as Gemini's signature of its thought
    passed: int = 0  # characters of the arguments that were passed on
    begun: bool = False  # whether its beginning was passed on

    @property
    def complete(self) -> bool:
        """Whether the arguments are a whole JSON object: nothing can follow them."""
        if self.takes_text or not self.arguments.rstrip().endswith("}"):
            return False
        try:
            orjson.loads(self.arguments)
        except orjson.JSONDecodeError:
            return False
        return True

    @property
    def whole(self) -> JSON:
        """The call in OpenAI's words."""
        kind, said = (CUSTOM, "input") if self.takes_text else ("function", "arguments")
        called = {"name": self.name, said: self.arguments}
        return {**self.more, "id": self.id, "type": kind, kind: called}

    def news(self) -> JSON | None:
        """What of it may be passed on and wasn't, None if nothing.

        It begins with its id and name, which some servers send late.
        """
        if not self.begun:
            if not (self.id and self.name):
                return None
            self.begun, self.passed = True, len(self.arguments)
            return {"index": self.place, **self.whole}
        fresh = self.arguments[self.passed :]
        if not fresh:
            return None
        self.passed = len(self.arguments)
        kind, said = (CUSTOM, "input") if self.takes_text else ("function", "arguments")
        return {"index": self.place, kind: {said: fresh}}

    def close(self) -> None:
        """Fill in what never came."""
        self.id = self.id or new_id()
        if not (self.takes_text or self.arguments.strip()):
            self.arguments += "{}"


class ToolCallStream:
    """The calls of one streamed answer."""

    __slots__ = ("_calls",)

    def __init__(self) -> None:
        self._calls: list[_Call] = []

    def feed(self, message: JSON) -> tuple[JSON, ...]:
        """Take a piece's calls; gives what is to be passed on of them."""
        parts = parts_in(message)
        if not parts:
            return ()
        news = []
        for part in parts:
            call = self._call_for(part)
            ended = self._calls[call.place - 1] if call.place else None
            if ended is not None and not ended.begun:
                ended.close()
                news.append(ended.news())
            self._add(call, part)
            news.append(call.news())
        return tuple(each for each in news if each is not None)

    def end(self) -> tuple[JSON, ...]:
        """What was still held at the end of the stream."""
        for call in self._calls:
            call.close()
        return tuple(news for call in self._calls if (news := call.news()) is not None)

    @property
    def whole(self) -> tuple[JSON, ...]:
        """All calls, in the order in which they began."""
        return tuple(call.whole for call in self._calls)

    def _call_for(self, part: JSON) -> _Call:
        index = _index(part.get("index"))
        ident, name, arguments = _head(part)
        if index is None:
            held = next((each for each in self._calls if ident and each.id == ident), None)
            held = held or (self._calls[-1] if self._calls else None)
        else:
            held = next((each for each in reversed(self._calls) if each.index == index), None)
        if held is None or _begins_another(held, ident, name, arguments):
            if len(self._calls) >= MAX_CALLS:
                return self._calls[-1]
            # A server that leaves out the name means the same tool again.
            known = held.name if held is not None and not name and arguments else ""
            held = _Call(len(self._calls), index, name=known)
            self._calls.append(held)
        return held

    def _add(self, call: _Call, part: JSON) -> None:
        ident, name, arguments = _head(part)
        call.id = call.id or ident
        call.name = call.name or name
        call.arguments += arguments
        call.takes_text = call.takes_text or isinstance(part.get(CUSTOM), dict)
        call.more |= _more_in(part)


def _begins_another(held: _Call, ident: str, name: str, arguments: str) -> bool:
    """Whether a part that stands where a call already is begins the next one.

    A new id alone doesn't: there are servers that invent one for each piece.
    """
    if ident and ident == held.id:
        return False
    other_id = bool(ident and held.id)
    if held.complete:
        return bool(name and (other_id or not ident)) or arguments.lstrip().startswith("{")
    if not name or not held.name:
        return False
    return name != held.name or (other_id and not held.arguments.strip())


def parts_in(message: JSON) -> list[JSON]:
    """The calls or pieces of calls in a message, the one of OpenAI's older form included."""
    calls = message.get("tool_calls")
    if isinstance(calls, dict):
        calls = [calls]
    found = [each for each in calls if isinstance(each, dict)] if isinstance(calls, list) else []
    old = message.get("function_call")
    if not found and isinstance(old, dict):
        return [{"index": 0, "function": old}]
    return found


def whole_calls(message: JSON) -> tuple[JSON, ...]:
    """The calls of a whole message."""
    calls = []
    for part in parts_in(message):
        if part.get("type") == "custom" and "function" not in part:
            calls.append(_without_nul(part))
            continue
        call = _Call(0)
        call.id, call.name, call.arguments = _head(part)
        call.more = _more_in(part)
        call.close()
        calls.append(call.whole)
    return tuple(calls)


def arguments_text(value: Any) -> str:
    """Arguments as text; an object in its JSON, and nothing for what is missing."""
    if isinstance(value, str):
        return text_of(value)
    if value is None:
        return ""
    return orjson.dumps(value).replace(b"\\u0000", b"").decode()


def new_id() -> str:
    """An id for a call whose server gives none; results must name the call that they belong to."""
    return f"call_{uuid.uuid4().hex[:24]}"


def _head(part: JSON) -> tuple[str, str, str]:
    """A part's id, name and arguments; some servers leave out the `function` around them."""
    custom, function = part.get(CUSTOM), part.get("function")
    if isinstance(custom, dict):
        return text_of(part.get("id")), text_of(custom.get("name")), text_of(custom.get("input"))
    function = function if isinstance(function, dict) else part
    return (
        text_of(part.get("id")),
        text_of(function.get("name")),
        arguments_text(function.get("arguments")),
    )


def _index(value: object) -> int | None:
    return value if type(value) is int and 0 <= value < MAX_CALLS else None


def _more_in(part: JSON) -> JSON:
    more = {key: value for key, value in part.items() if key not in _OWN_KEYS}
    return _without_nul(more) if more else more


def _without_nul(call: JSON) -> JSON:
    cleaned: JSON = orjson.loads(orjson.dumps(call).replace(b"\\u0000", b""))
    return cleaned
