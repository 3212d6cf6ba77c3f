"""What of a JSON object that breaks off came whole. Nothing is completed and nothing guessed."""

import json
import re
from contextlib import suppress
from typing import Any, NoReturn

from msgspec import Struct, field

MAX_CUT_CHARACTERS = 1024 * 1024
_SPACE = re.compile(r"[ \t\r\n]*")
_FENCE = re.compile(r"\s*```(?:json)?[ \t]*\n", re.IGNORECASE)
_ENDS = frozenset('"]}')  # of values that are whole wherever the text breaks off
_AFTER = frozenset(" \t\r\n,]}")  # what ends a number or a word; `15.` and `15e` may go on


class CutObject(Struct):
    """The members that came whole. A list that breaks off has its whole elements in `lists`."""

    members: dict[str, Any] = field(default_factory=dict)
    lists: dict[str, list[Any]] = field(default_factory=dict)


def whole_parts(text: str) -> CutObject:
    """The whole members of the object that a text begins with; none if it begins with none.

    A number or word at the very end may have gone on, so it isn't whole, nor is `15` of `15.`.
    """
    found = CutObject()
    fence = _FENCE.match(text)
    at = _skip(text, fence.end() if fence else 0)
    if len(text) > MAX_CUT_CHARACTERS or text[at : at + 1] != "{":
        return found
    with suppress(ValueError, RecursionError):  # where it broke off
        _read_members(text, at + 1, found)
    return found


def _read_members(text: str, at: int, found: CutObject) -> None:
    """Raises ValueError where the text breaks off, or is no JSON."""
    while True:
        name, at = _value(text, _skip(text, at))
        at = _skip(text, at)
        if not isinstance(name, str) or text[at : at + 1] != ":":
            return
        begins = _skip(text, at + 1)
        try:
            value, at = _value(text, begins)
        except (ValueError, RecursionError):
            if text[begins : begins + 1] == "[":
                found.lists[name] = _elements(text, begins + 1)
            raise
        found.members[name] = value
        at = _skip(text, at)
        if text[at : at + 1] != ",":
            return
        at += 1


def _elements(text: str, at: int) -> list[Any]:
    """The whole elements of a list that breaks off."""
    elements: list[Any] = []
    try:
        while True:
            value, at = _value(text, _skip(text, at))
            elements.append(value)
            at = _skip(text, at)
            if text[at : at + 1] != ",":
                return elements
            at += 1
    except (ValueError, RecursionError):
        return elements


def _value(text: str, at: int) -> tuple[Any, int]:
    """A value and where it ends; raises ValueError unless it came whole."""
    value, end = _DECODER.raw_decode(text, at)
    if text[end - 1] not in _ENDS and text[end : end + 1] not in _AFTER:
        raise ValueError("it may go on")
    return value, end


def _skip(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    return found.end() if found else at


def _no_number(word: str) -> NoReturn:
    raise ValueError(f"{word} is no JSON")


_DECODER = json.JSONDecoder(parse_constant=_no_number)
