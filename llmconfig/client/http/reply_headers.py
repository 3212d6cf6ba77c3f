"""A reply's headers, whose names have no case."""

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any


class ReplyHeaders(Mapping[str, str]):
    """A reply's headers by their names, whose case doesn't matter; decoded when asked for."""

    __slots__ = ("_raw",)

    def __init__(self, raw: Mapping[bytes, bytes]) -> None:
        self._raw = raw  # names in lower case

    def __getitem__(self, name: str) -> str:
        return self._raw[_as_kept(name)].decode("latin-1")

    def get(self, name: str, default: Any = None) -> Any:
        """The value, or the default where there is no such header, as in most replies."""
        value = self._raw.get(_as_kept(name))
        return default if value is None else value.decode("latin-1")

    def __iter__(self) -> Iterator[str]:
        return (name.decode("latin-1") for name in self._raw)

    def __len__(self) -> int:
        return len(self._raw)


@lru_cache(maxsize=256)  # the same few are asked for of each reply
def _as_kept(name: str) -> bytes:
    return name.lower().encode("latin-1", "replace")
