"""Taking a key out of log probabilities, whose tokens cut it into pieces."""

from collections import deque
from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet
from typing import Any, Protocol

from llmconfig.secrets import MASK

JSON = dict[str, Any]


class KeyParts(Protocol):
    """What a key looks like in a text."""

    @property
    def window(self) -> int:
        """The length of a part that is recognized."""

    @property
    def hidden(self) -> Callable[[str], AbstractSet[int]]:
        """The positions that belong to a part."""

    @property
    def begun(self) -> Callable[[str], int]:
        """How many characters at a text's end may be the beginning of a part."""


class LogprobStream:
    """Takes OpenAI's rows of tokens as they come; gives those in which no part of a key can begin.

    A row that belongs to a part loses its token, its bytes and its alternatives.
    """

    __slots__ = ("_held", "_parts", "_told")

    def __init__(self, parts: KeyParts) -> None:
        self._parts = parts
        self._told = ""  # the last of the tokens that have passed
        self._held: deque[JSON] = deque()

    def feed(self, rows: Sequence[JSON]) -> tuple[JSON, ...]:
        """Take rows and give those that can be passed on."""
        self._held.extend(rows)
        whole = self._told + "".join(map(_token, self._held))
        return self._pass(whole, len(whole) - self._parts.begun(whole))

    def end(self) -> tuple[JSON, ...]:
        """Give the rest."""
        whole = self._told + "".join(map(_token, self._held))
        return self._pass(whole, len(whole))

    def _pass(self, whole: str, end: int) -> tuple[JSON, ...]:
        hidden = self._parts.hidden(whole)
        at, passed = len(self._told), []
        while self._held and at + len(_token(self._held[0])) <= end:
            row = self._held.popleft()
            places = range(at, at := at + len(_token(row)))
            passed.append(_masked(row) if not hidden.isdisjoint(places) else row)
        self._told = whole[max(0, at + 1 - self._parts.window) : at]
        return tuple(passed)


def _token(row: JSON) -> str:
    return str(row.get("token", ""))


def _masked(row: JSON) -> JSON:
    return {**row, "token": MASK, "bytes": [], "top_logprobs": []}
