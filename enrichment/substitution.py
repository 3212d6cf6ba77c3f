"""Closed `{{name}}` substitution: a name is replaced by its value, and nothing else happens."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

_NAME = re.compile(r"\{\{\s*([a-z_][a-z0-9_]*)\s*\}\}")


@dataclass(frozen=True, slots=True)
class Template:
    """A text split at its names: literal, name, literal, name, … literal."""

    parts: tuple[str, ...]

    def fill(self, values: Mapping[str, str]) -> str:
        """Put the values in. A value's own braces stay text: it is never read as a template."""
        parts = self.parts
        if len(parts) == 1:
            return parts[0]
        return "".join(
            values[part] if position % 2 else part for position, part in enumerate(parts)
        )

    @property
    def names(self) -> frozenset[str]:
        """The placeholders' names that the text uses."""
        return frozenset(self.parts[1::2])


def compile_text(text: str) -> Template:
    """Split a template at its `{{name}}`s; any other brace is text."""
    return Template(tuple(_NAME.split(text)))
