"""What a reader gives: raw rows with their lines, and the rows that can't be read."""

from collections.abc import Iterator, Mapping
from typing import Protocol

from msgspec import Struct


class BadRow(Struct, frozen=True):
    """A row that was left out: its line in the file (from 1), and why."""

    line: int
    reason: str


class RawRow(Struct, frozen=True):
    """A row as the file has it: cells by the file's own column names.

    A cell is text, None, bool, int, float, date or datetime; from JSON also a list.
    """

    line: int
    cells: Mapping[str, object]


class FileFacts(Struct, frozen=True):
    """How a file was read. Blank where the format has no such thing."""

    format: str
    encoding: str = ""
    separator: str = ""
    sheet: str = ""
    other_sheets: tuple[str, ...] = ()


class FileRows(Protocol):
    """The rows of a file; may be iterated several times."""

    @property
    def facts(self) -> FileFacts:
        """What is known of how the file is read: its format, encoding and sheet."""

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of the file's columns, in its order."""

    def __iter__(self) -> Iterator[RawRow | BadRow]: ...
