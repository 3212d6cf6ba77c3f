"""CSV that a spreadsheet shows as it is: no text of ours becomes a formula."""

import csv
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from io import StringIO

# What spreadsheets take for the beginning of a formula, or strip before they look for one.
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")


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
