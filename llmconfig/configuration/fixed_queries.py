"""Queries that are always the same: compiled once a process, and several asked in one round trip.

To compile a query takes several times as long as to ask it, and each costs a network's delay.
"""

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any, Generic, TypeVar

from django.db import connections, router
from django.db.models import Model, QuerySet
from msgspec import Struct
from psycopg import ClientCursor

Row = TypeVar("Row", bound=Model)
Converter = Callable[[Any, Any, Any], Any]


class _Compiled(Struct, frozen=True):
    """SQL with its constants inside, as several statements at once can't have parameters."""

    sql: str
    converters: Sequence[tuple[int, Sequence[Converter], Any]]  # column, its, its expression


class FixedQuery(Generic[Row]):
    """Whole rows of a table: `make` gives the queryset, in which nothing varies."""

    def __init__(self, table: type[Row], make: Callable[[], QuerySet[Row]]) -> None:
        self.table = table
        self._make = make
        self._compiled: _Compiled | None = None

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """The names of its rows' attributes, in the order of its columns."""
        return tuple(each.attname for each in self.table._meta.concrete_fields)  # noqa: SLF001 - Django's public API

    def compiled(self, using: str) -> _Compiled:
        """Made at the first use, when the models are ready; the same for every connection."""
        if self._compiled is None:
            connection = connections[using]
            connection.ensure_connection()  # which knows how to write constants
            compiler = self._make().query.get_compiler(using)
            text, parameters = compiler.as_sql()
            found = compiler.get_converters([column for column, *_ in compiler.select or ()])
            self._compiled = _Compiled(
                ClientCursor(connection.connection).mogrify(text, parameters),
                [(column, converters, its) for column, (converters, its) in found.items()],
            )
        return self._compiled

    def row(self, using: str, values: Sequence[Any]) -> Row:
        """A row as its model, of what the database returned."""
        converted = list(values)
        for column, converters, expression in self.compiled(using).converters:
            for convert in converters:
                converted[column] = convert(converted[column], expression, connections[using])
        return self.table.from_db(using, self.columns, converted)


class Answers:
    """The rows of each query that was asked."""

    def __init__(self, rows: dict[FixedQuery[Any], list[Any]]) -> None:
        self._rows = rows

    def __getitem__(self, query: FixedQuery[Row]) -> list[Row]:
        return self._rows[query]


def ask(*queries: FixedQuery[Any]) -> Answers:
    """All their rows in one round trip; each query sees what is committed when its turn comes."""
    using = router.db_for_read(queries[0].table)
    rows: dict[FixedQuery[Any], list[Any]] = {}
    with connections[using].cursor() as cursor:
        cursor.execute("; ".join([query.compiled(using).sql for query in queries]))
        for query in queries:
            rows[query] = [query.row(using, values) for values in cursor.fetchall()]
            cursor.nextset()
    return Answers(rows)
