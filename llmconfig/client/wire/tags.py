"""Tags and control tokens in a text that comes in pieces: what of its end may become one."""

from collections.abc import Iterable

# Beside one of these a tag is spoken of.
QUOTES = frozenset("`\"'“”«»")


class Tags:
    """Some tags, and every beginning of them."""

    __slots__ = ("_beginnings", "_first", "_longest")

    def __init__(self, tags: Iterable[str]) -> None:
        self._beginnings = frozenset(
            tag[:length] for tag in tags for length in range(1, len(tag) + 1)
        )
        self._first = frozenset(each for each in self._beginnings if len(each) == 1)
        self._longest = max(map(len, self._beginnings))

    def begun(self, text: str) -> int:
        """How many characters at a text's end are one of the tags, or the beginning of one."""
        end = text[-self._longest :]
        if self._first.isdisjoint(end):
            return 0
        for at in range(len(end)):
            if end[at:] in self._beginnings:
                return len(end) - at
        return 0
