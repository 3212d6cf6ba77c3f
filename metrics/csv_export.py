"""Tables: CSV in which no text of ours becomes a formula, and lines for a terminal."""

import csv
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from io import StringIO

# What spreadsheets take for the beginning of a formula, or strip before they look for one;
# some read the full-width signs of East Asian keyboards too.
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def csv_lines(header: Sequence[str], rows: Iterable[Sequence[object]]) -> Iterator[str]:
    """The lines of a CSV file; None is an empty cell, money is written out in full."""
    buffer = StringIO()
    writer = csv.writer(buffer)
    for row in (header, *rows):
        writer.writerow([_cell(value) for value in row])
        yield buffer.getvalue()
        buffer.seek(0)
        buffer.truncate()


def _cell(value: object) -> object:
    if isinstance(value, str) and value.startswith(FORMULA_STARTS):
        return f"'{value}"
    return format(value, "f") if isinstance(value, Decimal) else value


def in_full(value: object) -> str:
    """A value as text; a zero of ten decimals is no `0E-10`."""
    return format(value, "f") if isinstance(value, Decimal) else str(value)


def aligned(rows: Sequence[Sequence[object]]) -> Iterator[str]:
    """Lines with columns as wide as they need to be, whatever a model is called."""
    lines = [[_word(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        cells = (cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        yield "  ".join(cells).rstrip()


def _word(cell: object) -> str:
    text = "-" if cell is None or cell == "" else in_full(cell)
    return "".join(char if char.isprintable() else "?" for char in text)
