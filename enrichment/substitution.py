"""Closed `{{name}}` substitution: a name is replaced by its value, and nothing else happens."""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from msgspec import Struct

_MARK = re.compile(r"</?([a-z]{2,20})>")
_NAME = re.compile(r"\{\{\s*([a-z_][a-z0-9_]*)\s*\}\}")


class Template(Struct, frozen=True):
    """A text split at its names: literal, name, literal, name, … literal."""

    parts: tuple[str, ...]

    def fill(self, values: Mapping[str, str]) -> str:
        """Put the values in. A value's own braces stay text: it is never read as a template.

        Where the text marks its data, as `<listing>` does, a value can't end or begin such a part:
        the same mark in it loses its bracket.
        """
        parts = self.parts
        if len(parts) == 1:
            return parts[0]
        filled = list(parts)
        filled[1::2] = [values[name] for name in parts[1::2]]
        forged = _forged(parts)
        if forged is not None:
            for position in range(1, len(parts), 2):
                if "<" in filled[position]:
                    filled[position] = forged.sub("&lt;", filled[position])
        return "".join(filled)

    @property
    def names(self) -> frozenset[str]:
        """The placeholders' names that the text uses."""
        return frozenset(self.parts[1::2])


@lru_cache(maxsize=1024)
def _forged(parts: tuple[str, ...]) -> re.Pattern[str] | None:
    """Finds the bracket of a text's own marks inside a value; None where the text has none."""
    marks = {mark for literal in parts[::2] for mark in _MARK.findall(literal)}
    if not marks:
        return None
    names = "|".join(sorted(marks))
    return re.compile(rf"<(?=\s{{0,9}}/?\s{{0,9}}(?:{names})\b)", re.IGNORECASE)


def compile_text(text: str) -> Template:
    """Split a template at its `{{name}}`s; any other brace is text."""
    return Template(tuple(_NAME.split(text)))


def as_text(values: dict[str, Any]) -> dict[str, str]:
    """What `values` gave, NULL as blank; raises TypeError that names what is no text."""
    if all(type(value) is str for value in values.values()):
        return values
    for name, value in values.items():
        if not isinstance(value, str | None):
            raise TypeError(f"values() gives {type(value).__name__} for {name}; make it text")
    return {name: "" if value is None else value for name, value in values.items()}
