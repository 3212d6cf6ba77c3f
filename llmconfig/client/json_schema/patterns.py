"""Regular expressions from schemas: translated for RE2, matched in linear time, or refused.

Python's `re` and `regex` backtrack: a pattern of twenty characters can take hours on an answer of
forty. RE2 runs all alternatives at once, so its time is at most the product of the pattern's and
the text's size, and that product is bounded here as well. What RE2 can't do at all (lookarounds
inside a pattern, references to groups) is refused before a request is sent. Conditions at the
beginning, as Pydantic writes them for decimals, are taken apart: `^(?!A)B` is "matches ^B and
doesn't match ^A".

The dialect is ECMA-262's, as JSON Schema asks: `\\d` and `\\w` are ASCII, `\\s` is not, `$` is the
very end.
"""

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import re2
from msgspec import Struct

from llmconfig.client.json_schema.work import TooMuchWork

MAX_PATTERN_CHARACTERS = 1000
MAX_PROGRAM = 20_000  # instructions
# Instructions by bytes: 5 ns each in RE2's slowest engine, so 50 ms.
MAX_WORK = 10_000_000
MAX_MEMORY_BYTES = 1024 * 1024
MAX_REPETITION = 1000  # RE2's own
MAX_COUNTED = 2000  # all repetitions together: compiling takes more than twice as long for twice it

_SPACES = r"\s\v\x{a0}\x{feff}\p{Z}"
_CATEGORIES = {
    "Letter": "L",
    "Lowercase_Letter": "Ll",
    "Uppercase_Letter": "Lu",
    "Mark": "M",
    "Number": "N",
    "Decimal_Number": "Nd",
    "Punctuation": "P",
    "Symbol": "S",
    "Separator": "Z",
}
_ESCAPE = re.compile(
    r"\\(?:"
    r"u\{(?P<point>[0-9a-fA-F]{1,6})\}"
    r"|u(?P<high>[dD][89abAB][0-9a-fA-F]{2})\\u(?P<low>[dD][c-fC-F][0-9a-fA-F]{2})"
    r"|u(?P<unit>[0-9a-fA-F]{4})"
    r"|c(?P<control>[A-Za-z])"
    r"|(?P<not>[pP])\{(?:(?:Script|sc|Script_Extensions|scx|General_Category|gc)=)?(?P<name>\w+)\}"
    r"|(?P<other>.))",
    re.DOTALL,
)
# One kind of character from the beginning to the end: the text's length is counted instead.
_MANY = re.compile(
    r"\^(?P<one>\[(?:[^\]\\]|\\.)+\]|\\[dwsDWS]|\.)\{(?P<least>\d{1,9})(?P<comma>,(?P<most>\d{0,9}))?\}\$"
)
_COUNTED = re.compile(r"(?<!\\[ux])\{(\d{1,9})(?:,(\d{0,9}))?\}")
_AHEAD = re.compile(r"\(\?([=!])")


class PatternUnusable(ValueError):
    """A pattern that can't be matched in bounded time; its text says why."""


class CompiledPattern(Struct, frozen=True):
    """A pattern ready for use: conditions that must all hold, each with its sign."""

    conditions: tuple[tuple[bool, Any], ...]
    min_characters: int = 0
    max_characters: int | None = None
    program: int = 0

    def found_in(self, text: str) -> bool:
        """Whether it matches anywhere; raises TooMuchWork for a text too long for it."""
        length = len(text)
        if length < self.min_characters:
            return False
        if self.max_characters is not None and length > self.max_characters:
            return False
        raw = text.encode("utf-8", "replace")
        if len(raw) * self.program > MAX_WORK:
            raise TooMuchWork(f"a text of {length} characters is too long for its pattern")
        return all(
            (condition.search(raw) is not None) is wanted for wanted, condition in self.conditions
        )


@lru_cache(maxsize=512)
def pattern_of(source: str) -> CompiledPattern:
    """The compiled pattern.

    Raises PatternUnusable for what isn't a pattern, has no linear form or is too large.
    """
    if len(source) > MAX_PATTERN_CHARACTERS:
        raise PatternUnusable(f"it has more than {MAX_PATTERN_CHARACTERS} characters")
    many = _MANY.fullmatch(source)
    if many is not None:
        least = int(many["least"])
        most = int(many["most"]) if many["most"] else None
        conditions = [(True, f"^{many['one']}*$")]
        return _pattern(conditions, least, most if many["comma"] else least)
    counted = sum(max(int(least), int(most or 0)) for least, most in _COUNTED.findall(source))
    if counted > MAX_COUNTED:
        raise PatternUnusable(
            f"its repetitions count to {MAX_COUNTED} at most; maxLength bounds a text's length"
        )
    return _pattern(_apart(source))


def _pattern(
    sources: list[tuple[bool, str]], least: int = 0, most: int | None = None
) -> CompiledPattern:
    options = re2.Options()
    options.max_mem = MAX_MEMORY_BYTES
    options.log_errors = False
    options.never_capture = True
    conditions = []
    for wanted, source in sources:
        try:
            conditions.append((wanted, re2.compile(_translated(source).encode(), options)))
        except re2.error as error:
            raise PatternUnusable(_reason(error, source)) from None
    program = sum(each.programsize for _, each in conditions)
    if program > MAX_PROGRAM:
        raise PatternUnusable("it is too large")
    return CompiledPattern(tuple(conditions), least, most, program)


def _reason(error: Exception, source: str) -> str:
    said = error.args[0] if error.args else ""
    text = said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)
    if "(?=" in source or "(?!" in source or "(?<=" in source or "(?<!" in source:
        return "lookarounds are only supported at its beginning, after ^"
    if re.search(r"\\[1-9]|\\k<", source):
        return "references to groups are not supported"
    if "repetition" in text:
        return f"a repetition counts to {MAX_REPETITION} at most; maxLength bounds a text's length"
    if "too large" in text:
        return "it is too large"
    return text or "it is no regular expression"


def _apart(source: str) -> list[tuple[bool, str]]:
    """The conditions at a pattern's beginning, and the pattern without them."""
    if not source.startswith("^"):
        return [(True, source)]
    conditions, at = [], 1
    while (ahead := _AHEAD.match(source, at)) is not None:
        end = _closing(source, at)
        if end < 0:
            return [(True, source)]
        conditions.append((ahead[1] == "=", f"^(?:{source[ahead.end() : end]})"))
        at = end + 1
    rest = source[at:]
    if conditions and _has_alternatives(rest):
        return [(True, source)]
    return [*conditions, (True, f"^{rest}")]


def _closing(source: str, opening: int) -> int:
    """Where the parenthesis ends that opens there; -1 if it never does."""
    depth = 0
    for at, sign in _signs(source, opening):
        depth += (sign == "(") - (sign == ")")
        if depth == 0:
            return at
    return -1


def _has_alternatives(source: str) -> bool:
    depth = 0
    for _, sign in _signs(source, 0):
        depth += (sign == "(") - (sign == ")")
        if sign == "|" and depth == 0:
            return True
    return False


def _signs(source: str, start: int) -> Iterator[tuple[int, str]]:
    """The characters that aren't escaped and stand outside of classes, with their places."""
    inside, at = False, start
    while at < len(source):
        sign = source[at]
        if sign == "\\":
            at += 2
            continue
        if inside:
            inside = sign != "]"
        elif sign == "[":
            inside = True
        else:
            yield at, sign
        at += 1


def _translated(source: str) -> str:
    """A pattern in ECMA's words, in RE2's."""
    parts, at, inside = [], 0, False
    while at < len(source):
        sign = source[at]
        found = _ESCAPE.match(source, at) if sign == "\\" else None
        if found is not None:
            parts.append(_escape(found, inside=inside))
            at = found.end()
            continue
        if not inside and source.startswith("[^]", at):
            parts.append(r"[\s\S]")
            at += 3
            continue
        # A bracket inside a class is just one, not the beginning of RE2's [:alpha:].
        parts.append(r"\[" if inside and sign == "[" else sign)
        inside = sign != "]" if inside else sign == "["
        at += 1
    return "".join(parts)


def _escape(found: re.Match[str], *, inside: bool) -> str:
    """One escape, inside a class or outside of one."""
    if found["name"]:
        return f"\\{found['not']}{{{_CATEGORIES.get(found['name'], found['name'])}}}"
    if found["other"]:
        spaces = {"s": _SPACES} if inside else {"s": f"[{_SPACES}]", "S": f"[^{_SPACES}]"}
        return {"Z": r"\z", "/": "/", **spaces}.get(found["other"], f"\\{found['other']}")
    if found["high"]:
        high, low = int(found["high"], 16) - 0xD800, int(found["low"], 16) - 0xDC00
        return f"\\x{{{0x10000 + high * 0x400 + low:x}}}"
    if found["control"]:
        return f"\\x{{{ord(found['control']) % 32:x}}}"
    return f"\\x{{{found['point'] or found['unit']}}}"
