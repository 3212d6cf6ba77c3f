"""Rows by binary COPY, the quickest way into a table.

Measured at 6 to 9 µs of client CPU a row, 8 to 13 µs as text.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from django.db.backends.utils import CursorWrapper
from psycopg.types.uuid import UUIDBinaryDumper

_JSONB_VERSION = b"\x01"


class _UUID(UUIDBinaryDumper):
    """The same bytes in fewer calls."""

    def dump(self, obj: Any) -> bytes:
        return int.to_bytes(obj.int, 16, "big")


def ready_json(encoded: bytes) -> bytes:
    """A value of a jsonb column for `copy_rows`, which takes no other, from its JSON."""
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
    cursor.adapters.register_dumper(None, _UUID)  # for this cursor alone
    with cursor.db.wrap_database_errors, cursor.copy(statement) as copy:
        # Ready bytes go as they are: psycopg's own way to those of JSON is five calls for a value.
        copy.set_types(["bytea" if kind == "jsonb" else kind for _, kind in columns])
        for row in rows:
            copy.write_row(row)
