"""Texts that match a simple regular expression: literals, classes, groups, choices, repeats."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from importlib import import_module
from typing import Any

# The standard library's own parser knows the syntax; it has no public name since Python 3.11.
_parse: Callable[[str], Any] = import_module("re._parser").parse

_CLASSES = {
    "CATEGORY_DIGIT": "0123456789",
    "CATEGORY_WORD": "abcdefghijklmnopqrstuvwxyz0123456789_",
    "CATEGORY_SPACE": " ",
}
_PRINTABLE = [chr(code) for code in range(33, 127)]
_MAX_REPEAT = 2_000


def matching_text(pattern: str, rng: random.Random, shortest: int, longest: int) -> str | None:
    """A text within these lengths in which the pattern is found; None where none was found."""
    try:
        tree = _parse(pattern)
        check = re.compile(pattern)
    except (re.error, OverflowError, RecursionError):
        return None
    for extra in (0, 1, 2, 4, 8, shortest, shortest + 16):
        text = _write(tree, rng, min(extra, _MAX_REPEAT))
        if text is not None and shortest <= len(text) <= longest and check.search(text):
            return text
    return None


def _write(tree: Any, rng: random.Random, extra: int) -> str | None:
    parts = [_piece(str(code), argument, rng, extra) for code, argument in tree]
    return None if None in parts else "".join(part for part in parts if part is not None)


def _piece(code: str, argument: Any, rng: random.Random, extra: int) -> str | None:
    writer = _WRITERS.get(code)
    # Look-around and back references are not simple.
    return None if writer is None else writer(argument, rng, extra)


def _repeated(argument: Any, rng: random.Random, extra: int) -> str | None:
    low, high, inner = argument
    count = min(int(low) + extra, int(high), _MAX_REPEAT)
    texts = [_write(inner, rng, 0) for _ in range(count)]
    return None if None in texts else "".join(text for text in texts if text is not None)


def _one_of(choices: Any, rng: random.Random, _extra: int) -> str | None:
    named = [(str(code), argument) for code, argument in choices]
    if named[0][0] == "NEGATE":
        refused = set(_members(named[1:]))
        allowed = [char for char in _PRINTABLE if char not in refused]
    else:
        allowed = _members(named)
    return rng.choice(allowed) if allowed else None


def _members(choices: list[tuple[str, Any]]) -> list[str]:
    members: list[str] = []
    for code, argument in choices:
        if code == "LITERAL":
            members.append(chr(argument))
        elif code == "RANGE":
            low, high = argument
            members.extend(chr(point) for point in range(low, min(high, low + 255) + 1))
        else:
            members.extend(_CLASSES.get(str(argument), ""))
    return members


_WRITERS: dict[str, Callable[[Any, random.Random, int], str | None]] = {
    "LITERAL": lambda point, _rng, _extra: chr(point),
    "NOT_LITERAL": lambda point, _rng, _extra: "b" if point == ord("a") else "a",
    "ANY": lambda _argument, rng, _extra: rng.choice("abcdefghijklmnopqrstuvwxyz"),
    "AT": lambda _argument, _rng, _extra: "",
    "IN": _one_of,
    "SUBPATTERN": lambda group, rng, extra: _write(group[3], rng, extra),
    "BRANCH": lambda branch, rng, extra: _write(rng.choice(branch[1]), rng, extra),
    "MAX_REPEAT": _repeated,
    "MIN_REPEAT": _repeated,
    "POSSESSIVE_REPEAT": _repeated,
}
