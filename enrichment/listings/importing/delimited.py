"""Rows of CSV and TSV: separator, quoting and escaping are found out; broken rows are named."""

import csv
import re
from collections.abc import Iterator
from itertools import islice
from typing import IO, Any

from django.utils.translation import gettext
from msgspec import Struct

from enrichment.listings.errors import BadListings
from enrichment.listings.importing.encodings import text_of
from enrichment.listings.importing.mapping import known_columns
from enrichment.listings.importing.rows import BadRow, FileFacts, RawRow
from enrichment.listings.importing.sources import CSV, OpenedFile

SEPARATORS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}
MAX_CELL = 16 * 1024 * 1024
MAX_COLUMNS = 1000
SAMPLE_ROWS = 500
_SEPARATOR_LINE = re.compile(r'"?sep=(.)"?\r?\n?$', re.IGNORECASE)
_UNCLOSED = "unexpected end of data"


class _Dialect(Struct, frozen=True):
    separator: str
    quote: str = '"'
    escape: str | None = None

    def reader(self, lines: Iterator[str]) -> Any:
        return csv.reader(
            lines, delimiter=self.separator, quotechar=self.quote, escapechar=self.escape,
            strict=True,
        )  # fmt: skip


class DelimitedRows:
    """The rows of a file with separators; raises BadListings for one that is broken throughout."""

    def __init__(
        self, file: OpenedFile, *, encoding: str, separator: str = "", mapped: frozenset[str]
    ) -> None:
        self._file, self._encoding = file, encoding
        csv.field_size_limit(MAX_CELL)
        self._skipped, self._dialect = self._find_dialect(separator, mapped)
        self.columns = self._header()
        self.facts = FileFacts(
            CSV, encoding.removesuffix("-sig"), SEPARATORS.get(self._dialect.separator, separator)
        )

    def __iter__(self) -> Iterator[RawRow | BadRow]:
        records = self._records(self._dialect)
        next(records)
        columns, width = self.columns, len(self.columns)
        for line, cells in records:
            if isinstance(cells, csv.Error):
                yield BadRow(
                    line,
                    gettext("{error}: write a quotation mark in a quoted cell twice").format(
                        error=cells
                    ),
                )
            elif len(cells) == width:
                if any(cells):
                    yield RawRow(line, dict(zip(columns, cells, strict=True)))
            elif cells:
                yield BadRow(line, self._uneven(len(cells), width))

    def _uneven(self, cells: int, width: int) -> str:
        few = (
            gettext("it has {cells} cells, the header {width}: a cell is missing")
            if cells < width
            else gettext(
                "it has {cells} cells, the header {width}: a cell with the separator needs quotes"
            )
        )
        return few.format(cells=cells, width=width)

    def _records(self, dialect: _Dialect) -> Iterator[tuple[int, Any]]:
        """Each record with the line it begins in: its cells, or the error in one line."""
        with text_of(self._file, self._encoding) as text:
            for _ in range(self._skipped):
                text.readline()
            reader = dialect.reader(_without_nul(text))
            end = 0
            while True:
                begin = end + 1
                try:
                    record: Any = next(reader)
                except StopIteration:
                    return
                except csv.Error as error:
                    record = self._broken(error, begin, reader.line_num)
                end = reader.line_num
                yield begin + self._skipped, record

    def _broken(self, error: csv.Error, begin: int, end: int) -> csv.Error:
        """The error, if it is in one line; what comes after a longer one can't be trusted."""
        if begin == end and not str(error).startswith(_UNCLOSED):
            return error
        said = (
            gettext("a quotation mark isn't closed")
            if str(error).startswith(_UNCLOSED)
            else str(error)
        )
        raise self._file.refused(
            gettext(
                "{said} (lines {value} to {value_2}). Mend the quotation marks: in a quoted "
                "cell each is written twice."
            ).format(said=said, value=begin + self._skipped, value_2=end + self._skipped),
            line=begin + self._skipped,
        ) from error

    def _header(self) -> tuple[str, ...]:
        _, cells = next(self._records(self._dialect), (1, []))
        line = 1 + self._skipped
        if isinstance(cells, csv.Error):
            raise self._file.refused(
                gettext("the header can't be read: {cells}.").format(cells=cells), line=line
            )
        if len(cells) > MAX_COLUMNS:
            raise self._file.refused(
                gettext("has {number} columns; {max_columns} fit.").format(
                    number=len(cells), max_columns=MAX_COLUMNS
                ),
                line=line,
            )
        named = [cell.strip() or f"column {number}" for number, cell in enumerate(cells, 1)]
        if not any(cell.strip() for cell in cells):
            raise self._file.refused(gettext("the first line names no columns."), line=line)
        repeated = {name for name in named if named.count(name) > 1}
        if repeated:
            raise self._file.refused(
                gettext("column {repeated!r} occurs twice; rename one.").format(
                    repeated=min(repeated)
                ),
                line=line,
                field=min(repeated),
            )
        return tuple(named)

    def _find_dialect(self, separator: str, mapped: frozenset[str]) -> tuple[int, _Dialect]:
        """How many lines stand before the header, and how cells are set apart."""
        with text_of(self._file, self._encoding) as text:
            header = text.readline(MAX_CELL)
            skipped = 0
            if said := _SEPARATOR_LINE.match(header):
                separator, skipped = separator or said[1], 1
                header = text.readline(MAX_CELL)
            sample = list(islice(text, SAMPLE_ROWS))
        separator = separator or _separator_of(header, mapped)
        quote = _quote_of(header, sample, separator)
        dialect = _Dialect(separator, quote)
        if any("\\" + quote in line for line in sample):
            escaped = _Dialect(separator, quote, "\\")
            if _trouble(escaped, header, sample) < _trouble(dialect, header, sample):
                dialect = escaped
        return skipped, dialect


def _without_nul(lines: IO[str]) -> Iterator[str]:
    """PostgreSQL refuses NUL, and it says nothing in a listing."""
    return (line.replace("\0", "") if "\0" in line else line for line in lines)


def _separator_of(header: str, mapped: frozenset[str]) -> str:
    """The separator under which the header names the most columns that we know."""

    def worth(separator: str) -> tuple[int, int]:
        bare = [cell.strip().strip("\"'") for cell in header.split(separator)]
        return known_columns(bare, mapped), len(bare)

    return max(SEPARATORS, key=worth)


def _quote_of(header: str, sample: list[str], separator: str) -> str:
    """The apostrophe, where most lines begin with one and have it beside the separator."""
    lines = [line for line in (header, *sample) if line.strip()]
    beside = sum(line.startswith("'") and f"'{separator}" in line for line in lines)
    return "'" if 2 * beside > len(lines) and '"' not in header else '"'


def _trouble(dialect: _Dialect, header: str, sample: list[str]) -> int:
    """Records of the sample that can't be read or have the wrong number of cells."""
    reader = dialect.reader(iter([header, *sample]))
    found, width = 0, 0
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return found
        except csv.Error:
            found += 1
            continue
        width = width or len(cells)
        found += bool(cells) and len(cells) != width


def separator_named(word: str) -> str:
    """The separator that a person gave, as a character or by name; raises BadListings."""
    names = {name: character for character, name in SEPARATORS.items()} | {r"\t": "\t"}
    separator = names.get(word.lower(), word)
    if len(separator) > 1 or separator in {"\n", "\r", '"', "\0"}:
        raise BadListings(
            gettext(
                "separator {word!r} isn't one character; or give comma, semicolon, tab or bar."
            ).format(word=word),
            field="separator",
        )
    return separator
