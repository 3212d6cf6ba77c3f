"""Many values in PostgreSQL's binary form: rows by COPY, and arrays beside a statement's text.

Django writes values into the statement's text. For a write of a hundred long texts that means to
escape each, and the server has to read them out of it again. COPY, the quickest way into a table,
takes 6 to 9 µs of client CPU a row, 8 to 13 µs as text.
"""

import struct
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from django.db.backends.utils import CursorWrapper
from psycopg import Cursor
from psycopg.adapt import Dumper
from psycopg.pq import Format

_JSONB_VERSION = b"\x01"
_BYTEA_OID, _TEXT_OID, _TEXT_ARRAY_OID = 17, 25, 1009
_NULL = struct.pack("!i", -1)
_READY = frozenset({"jsonb", "uuid"})  # types whose values are given as the server takes them
_length = struct.Struct("!i").pack
_header = struct.Struct("!iiIii").pack  # dimensions, any NULL, type, size, first index


class TextArray:
    """Texts, as they are or in UTF-8, as one value of the type text[]; None is NULL."""

    __slots__ = ("texts",)

    def __init__(self, texts: Sequence[str | bytes | None]) -> None:
        self.texts = texts


class _TextArrayDumper(Dumper):
    """psycopg's own one looks at each text's type."""

    oid = _TEXT_ARRAY_OID
    format = Format.BINARY

    def dump(self, obj: TextArray) -> bytes:
        texts = obj.texts
        if not texts:
            return struct.pack("!iiI", 0, 0, _TEXT_OID)
        parts = [_header(1, None in texts, _TEXT_OID, len(texts), 1)]
        for each in texts:
            if each is None:
                parts.append(_NULL)
            else:
                text = each.encode() if isinstance(each, str) else each
                parts += (_length(len(text)), text)
        return b"".join(parts)


class _Ready(Dumper):
    """Bytes as they are: psycopg's own way to them is five calls for a value."""

    oid = _BYTEA_OID
    format = Format.BINARY
    # It gives what it gets, without a call in Python.
    dump = bytes  # type: ignore[assignment]


def execute_bound(
    cursor: CursorWrapper, statement: str, values: Mapping[str, Any]
) -> list[tuple[Any, ...]]:
    """Run a statement in the cursor's transaction and give its rows; values need a cast in it.

    Nothing is prepared, so that it works behind a pooler, unless the session's `prepare_threshold`
    says that it belongs to nobody else. Raises Django's database errors.
    """
    with cursor.db.wrap_database_errors, Cursor(cursor.connection) as bound:
        bound.adapters.register_dumper(TextArray, _TextArrayDumper)
        bound.execute(statement, values)
        return bound.fetchall()


def ready_json(encoded: bytes) -> bytes:
    """A value of a jsonb column for `copy_rows`, which takes no other, from its JSON."""
    return _JSONB_VERSION + encoded


def ready_uuid(value: UUID | None) -> bytes | None:
    """The same of a uuid column; psycopg's own way to it is two calls more."""
    return None if value is None else value.int.to_bytes(16)


def copy_rows(
    cursor: CursorWrapper,
    table: str,
    columns: Sequence[tuple[str, str]],
    rows: Iterable[tuple[Any, ...]],
) -> None:
    """Insert rows, whose values are in the order of `columns`: names and PostgreSQL's types.

    Those of jsonb and uuid columns are made by `ready_json` and `ready_uuid`.

    Raises Django's database errors.
    """
    names = ", ".join(name for name, _ in columns)
    statement = f"COPY {table} ({names}) FROM STDIN (FORMAT BINARY)"
    cursor.adapters.register_dumper(None, _Ready)  # for this cursor alone
    with cursor.db.wrap_database_errors, cursor.copy(statement) as copy:
        copy.set_types(["bytea" if kind in _READY else kind for _, kind in columns])
        for row in rows:
            copy.write_row(row)
