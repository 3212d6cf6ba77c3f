"""Regular expressions that are compiled when they are first asked.

The gates have some 200, a tenth of what `manage.py check` would take. Workers compile them before
they make children (`compile_all`); elsewhere the first text that one is asked of waits for it.
"""

import re
from collections.abc import Callable
from typing import Any, AnyStr, cast
from weakref import WeakSet

import re2


class _Later:
    """Stands for a pattern: what is asked of it is the compiled one's own, kept once it is."""

    def __init__(self, pattern: Any, compiles: Callable[[Any], Any]) -> None:
        self.pattern = pattern
        self._compiles = compiles
        _WAITING.add(self)

    def __getattr__(self, name: str) -> Any:
        """A method of the compiled pattern, which from then on is an attribute like another."""
        if name.startswith("__"):
            raise AttributeError(name)  # who copies or pickles asks for those
        self.compile()
        return self.__dict__[name]

    def compile(self) -> None:
        """Compile it; two threads that do so at once find the same."""
        compiled = self._compiles(self.pattern)
        self.__dict__.update(
            (each, getattr(compiled, each)) for each in dir(compiled) if not each.startswith("_")
        )
        _WAITING.discard(self)


# Weakly: a declared enrichment's go with it.
_WAITING: WeakSet[_Later] = WeakSet()


def compiled_later(pattern: AnyStr, flags: int = 0) -> "re.Pattern[AnyStr]":
    """Like `re.compile`; an error in the pattern is raised by its first use."""
    return cast("re.Pattern[AnyStr]", _Later(pattern, lambda text: re.compile(text, flags)))


def re2_compiled_later(pattern: AnyStr) -> Any:
    """Like `re2.compile`; an error in the pattern is raised by its first use."""
    return made_later(pattern, re2.compile)


def made_later(pattern: Any, make: Callable[[Any], Any]) -> Any:
    """What `make` makes of a pattern, or of several, when something of it is first asked."""
    return _Later(pattern, make)


def compile_all() -> None:
    """Compile those that nobody has asked yet, such as before a process makes children."""
    for each in tuple(_WAITING):
        each.compile()
