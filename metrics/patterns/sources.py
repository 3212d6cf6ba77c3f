"""Whose prompts there are: an app that keeps prompts registers here, so that metrics knows none."""

from collections.abc import Callable, Iterator, Mapping
from typing import Protocol

from msgspec import Struct


class PromptTexts(Struct, frozen=True):
    """A version's two messages, with their `{{name}}`s."""

    system: str
    user: str


class PromptSource(Protocol):
    """An app's prompts by operation and version."""

    def in_force(self) -> Mapping[str, frozenset[int]]:
        """The versions in use of each operation."""

    def texts(self, operation: str, version: int) -> PromptTexts | None:
        """A version's texts; None when there is no such version."""

    def advice(self, code: str) -> str:
        """What to tell a model whose answers a check held back with this code; blank: nothing."""


_SOURCES: list[Callable[[], PromptSource]] = []


def register(source: Callable[[], PromptSource]) -> None:
    """Have a source's prompts improved by patterns; `source` is called each time it is needed."""
    if source not in _SOURCES:
        _SOURCES.append(source)


def in_force() -> dict[tuple[str, int], PromptSource]:
    """Every version in use, and who keeps it."""
    return {
        (operation, version): source
        for source in _sources()
        for operation, versions in source.in_force().items()
        for version in versions
    }


def texts(operation: str, version: int) -> PromptTexts | None:
    """A version's texts from whichever source has it."""
    found = (source.texts(operation, version) for source in _sources())
    return next(filter(None, found), None)


def _sources() -> Iterator[PromptSource]:
    return (source() for source in _SOURCES)
