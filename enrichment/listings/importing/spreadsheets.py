"""Rows of a sheet in an XLSX file, read as a stream and within bounds."""

import re
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from xml.etree.ElementTree import ParseError

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from enrichment.listings.importing.rows import BadRow, FileFacts, RawRow
from enrichment.listings.importing.sources import XLSX, OpenedFile
from llmconfig.configuration.numbers import count
from llmconfig.extras import from_extra

MAX_SHEET_ROWS = 1_048_576  # Excel's own
MAX_COLUMNS = 1000
MB = 1024**2
MAX_PARTS = 5000
MAX_PROLOGUE = 4096
PIECE_BYTES = 1024**2
NO_VALUE = _(
    "a cell holds a formula without its value: open the file in a spreadsheet program and save it"
)
MERGED = _("a cell is merged with others: split them, so that each row has its own")
_MERGED = re.compile(
    rb'<(?:\w+:)?mergeCell\s[^>]{0,99}ref="[A-Z]{1,3}(\d{1,7}):[A-Z]{1,3}(\d{1,7})"'
)
_FORMULA = re.compile(rb"<(?:\w+:)?f[\s/>]")
_ERRORS = frozenset({"#N/A", "#REF!", "#DIV/0!", "#VALUE!", "#NAME?", "#NULL!", "#NUM!"})
_UNREADABLE = (
    zipfile.BadZipFile, ParseError, KeyError, ValueError, TypeError, AttributeError, IndexError,
    NotImplementedError, OverflowError,
)  # fmt: skip


class SheetRows:
    """The rows of one sheet; the first line with cells is the header.

    A row that ends early has empty cells there, as Excel stores it. Formulas count with the value
    that was stored with them; a row with one that has none is left out, since its cell isn't empty.
    """

    def __init__(self, file: OpenedFile, *, sheet: str = "") -> None:
        self._file = file
        self._check_parts()
        with self._opened_sheet(sheet) as (chosen, names):
            self._sheet = chosen.title
            first = next(((line, cells) for line, cells in _lines(chosen) if any(cells)), None)
        if first is None:
            raise file.refused(gettext("sheet {sheet!r} is empty.").format(sheet=self._sheet))
        self._header_line, cells = first
        self.columns = self._header(cells)
        others = tuple(name for name in names if name != self._sheet)
        self.facts = FileFacts(XLSX, sheet=self._sheet, other_sheets=others)

    def __iter__(self) -> Iterator[RawRow | BadRow]:
        columns, width = self.columns, len(self.columns)
        with self._opened_sheet(self._sheet) as (sheet, _), self._formulas() as formulas:
            merged = self._merged(sheet)
            for line, cells in _lines(sheet):
                said = next(formulas, ())
                if line > MAX_SHEET_ROWS:
                    raise self._file.refused(
                        gettext("has more than {max_sheet_rows} rows.").format(
                            max_sheet_rows=count(MAX_SHEET_ROWS)
                        ),
                        line=line,
                    )
                if line <= self._header_line or all(cell is None for cell in cells):
                    continue
                if any(cell is not None for cell in cells[width:]):
                    yield BadRow(
                        line,
                        gettext("it has more cells than the header's {width}").format(width=width),
                    )
                    continue
                padded = (*cells[:width], *[None] * (width - len(cells)))
                wrong = next((cell for cell in padded if cell in _ERRORS), None)
                if wrong is not None:
                    yield BadRow(
                        line, gettext("a cell holds Excel's error {wrong}").format(wrong=wrong)
                    )
                    continue
                if any(map(_lacks_value, cells[:width], said)):
                    yield BadRow(line, str(NO_VALUE))
                    continue
                if line in merged:
                    yield BadRow(line, str(MERGED))
                    continue
                yield RawRow(line, dict(zip(columns, padded, strict=True)))

    def _header(self, cells: tuple[Any, ...]) -> tuple[str, ...]:
        width = max(number for number, cell in enumerate(cells, 1) if cell is not None)
        if width > MAX_COLUMNS:
            raise self._file.refused(
                gettext("has {width} columns; {max_columns} fit.").format(
                    width=width, max_columns=MAX_COLUMNS
                )
            )
        names = [
            str(cell).strip() if cell is not None else f"column {number}"
            for number, cell in enumerate(cells[:width], 1)
        ]
        repeated = {name for name in names if names.count(name) > 1}
        if repeated:
            raise self._file.refused(
                gettext("column {repeated!r} occurs twice; rename one.").format(
                    repeated=min(repeated)
                ),
                line=self._header_line,
                field=min(repeated),
            )
        return tuple(names)

    def _check_parts(self) -> None:
        """Refuse what unpacks beyond the bound or declares entities, before anything is parsed."""
        try:
            with zipfile.ZipFile(self._file.content) as archive:
                parts = archive.infolist()
                if "xl/workbook.xml" not in {part.filename for part in parts}:
                    raise self._file.refused(
                        gettext("this is a ZIP archive, no .xlsx: unpack it first.")
                    )
                unpacked = sum(part.file_size for part in parts)
                if unpacked > self._file.max_bytes or len(parts) > MAX_PARTS:
                    raise self._file.refused(
                        gettext(
                            "unpacks to {value} MB in {number} parts; at most {value_2} MB in"
                            " {max_parts} are read. Split the file, save it as CSV, or raise the"
                            " bound (--max-size)."
                        ).format(
                            value=count(round(unpacked / MB)),
                            number=count(len(parts)),
                            value_2=count(round(self._file.max_bytes / MB)),
                            max_parts=count(MAX_PARTS),
                        )
                    )
                for part in parts:
                    if part.filename.endswith((".xml", ".rels")):
                        with archive.open(part) as content:
                            if b"<!DOCTYPE" in content.read(MAX_PROLOGUE).replace(b"\0", b""):
                                raise self._file.refused(
                                    gettext("declares XML entities; it is not read.")
                                )
        except (zipfile.BadZipFile, NotImplementedError, RuntimeError) as error:
            raise self._file.refused(
                gettext("the .xlsx file is broken: {error}.").format(error=error)
            ) from error

    @contextmanager
    def _formulas(self) -> Iterator[Iterator[tuple[Any, ...]]]:
        """The rows with their formulas in place of values; nothing where no sheet has any."""
        if not self._has_formulas():
            yield iter(())
            return
        with self._opened_sheet(self._sheet, values=False) as (sheet, _):
            yield (cells for _, cells in _lines(sheet))

    def _merged(self, sheet: Any) -> frozenset[int]:
        """The rows with cells that hide behind another one: they aren't empty, as they look."""
        found: set[int] = set()
        with zipfile.ZipFile(self._file.content) as archive:
            path = sheet._worksheet_path  # noqa: SLF001 - it has no other name for its part
            with archive.open(path) as content:
                before = b""
                while piece := content.read(PIECE_BYTES):
                    for first, last in _MERGED.findall(before + piece):
                        found.update(range(int(first), min(int(last), MAX_SHEET_ROWS) + 1))
                    before = piece[-MAX_PROLOGUE:]
        return frozenset(found)

    def _has_formulas(self) -> bool:
        with zipfile.ZipFile(self._file.content) as archive:
            for part in archive.namelist():
                if part.startswith("xl/worksheets/") and part.endswith(".xml"):
                    with archive.open(part) as content:
                        before = b""
                        while piece := content.read(PIECE_BYTES):
                            if _FORMULA.search(before + piece):
                                return True
                            before = piece[-4:]
        return False

    @contextmanager
    def _opened_sheet(self, name: str, *, values: bool = True) -> Iterator[tuple[Any, list[str]]]:
        with from_extra("listings"):
            from openpyxl import load_workbook  # noqa: PLC0415 - only where a sheet is read

        self._file.content.seek(0)
        try:
            book = load_workbook(self._file.content, read_only=True, data_only=values)
            names = [sheet.title for sheet in book.worksheets]
            if name and name not in names:
                raise self._file.refused(
                    gettext("there is no sheet {name!r}; it has {names}.").format(
                        name=name, names=", ".join(names)
                    ),
                    field="sheet",
                )
            visible = [sheet for sheet in book.worksheets if sheet.sheet_state == "visible"]
            sheet = book[name] if name else (visible or book.worksheets)[0]
            sheet.reset_dimensions()  # what a file says of its size is often wrong
            yield sheet, names
        except _UNREADABLE as error:
            raise self._file.refused(
                gettext("the .xlsx file is broken: {error}.").format(error=error)
            ) from error


def _lacks_value(value: Any, formula: Any) -> bool:
    return value is None and formula is not None


def _lines(sheet: Any) -> Iterator[tuple[int, tuple[Any, ...]]]:
    return enumerate(sheet.iter_rows(values_only=True), 1)
