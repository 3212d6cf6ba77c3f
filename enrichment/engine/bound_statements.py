"""Statements with large values: sent beside the text, in PostgreSQL's binary form.

Django writes values into the statement's text. For a write of a hundred long texts that means to
escape each, and the server has to read them out of it again.
"""

import struct
from collections.abc import Mapping, Sequence
from typing import Any

from django.db.backends.utils import CursorWrapper
from psycopg import Cursor
from psycopg.adapt import Dumper
from psycopg.pq import Format

_TEXT_OID, _TEXT_ARRAY_OID = 25, 1009
_NULL = struct.pack("!i", -1)
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


def execute_bound(
    cursor: CursorWrapper, statement: str, values: Mapping[str, Any]
) -> list[tuple[Any, ...]]:
    """Run a statement in the cursor's transaction and give its rows; values need a cast in it.

    Nothing is prepared, so it works behind a pooler. Raises Django's database errors.
    """
    with cursor.db.wrap_database_errors, Cursor(cursor.connection) as bound:
        bound.adapters.register_dumper(TextArray, _TextArrayDumper)
        bound.execute(statement, values, prepare=False)
        return bound.fetchall()
