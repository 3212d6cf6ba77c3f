"""A chunk's rows by one statement. Its text is made once: that takes longer than to run it."""

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import connections
from django.db.models import Expression, F, Manager
from msgspec import Struct

from enrichment.batches.staleness import asked_with, input_hash
from enrichment.db_lookups import AnyOf, array_literal
from enrichment.enrichments.contract import Enrichment
from enrichment.facts.questions import Source

HASH = "nodewise_hash"  # of the columns that the answer depends on
_IDS = array_literal(["(ids)"])  # where the keys go, among the statement's parameters
Convert = Callable[..., Any]


class _Statement(Struct, frozen=True):
    """A statement's text and parameters, the names of its columns, and what makes their values.

    `converters` are Django's, by the column's name: `convert(value, expression, connection)`.
    """

    text: str
    parameters: tuple[Any, ...]
    names: tuple[str, ...]
    converters: tuple[tuple[str, Convert, Expression], ...]


def rows_of(
    enrichment: Enrichment, row_ids: Sequence[str], sources: Sequence[Source]
) -> dict[str, dict[str, Any]]:
    """The rows by their keys as text; those that are gone are left out.

    Each has `pk`, the columns that the enrichment reads, those that `sources` are asked with, HASH,
    and by each source's placeholder the hash of its columns.
    """
    asked = tuple((each.placeholder, each.columns) for each in sources)
    rows = enrichment.rows()
    try:
        # A manager of the project's own may say something else each time.
        statement = (_remembered if type(rows) is Manager else _statement)(enrichment, asked)
    except EmptyResultSet:  # rows that Django needn't ask for
        return {}
    connection = connections[rows.db]
    with connection.cursor() as cursor:
        literal = array_literal(row_ids)
        cursor.execute(
            statement.text, [literal if each == _IDS else each for each in statement.parameters]
        )
        found = [dict(zip(statement.names, row, strict=True)) for row in cursor.fetchall()]
    for name, convert, expression in statement.converters:
        for row in found:
            row[name] = convert(row[name], expression, connection)
    return {str(row["pk"]): row for row in found}


def _statement(
    enrichment: Enrichment, asked: tuple[tuple[str, tuple[str, ...]], ...]
) -> _Statement:
    columns = {"pk", *enrichment.reads}.union(*(columns for _, columns in asked))
    if enrichment.organization_field:
        columns.add(enrichment.organization_field)
    hashes = {placeholder: asked_with(columns) for placeholder, columns in asked}
    rows = (
        enrichment.rows()
        .filter(AnyOf(F("pk"), ["(ids)"]))
        .annotate(**{HASH: input_hash(enrichment.reads)}, **hashes)
        .order_by()
        .values(HASH, *hashes, *columns)
    )
    query, connection = rows.query, connections[rows.db]
    compiler = query.get_compiler(connection=connection)
    text, parameters = compiler.as_sql()
    names = tuple(
        query.selected or (*query.extra_select, *query.values_select, *query.annotation_select)
    )
    expressions = [each[0] for each in compiler.select]
    converters = tuple(
        (names[place], convert, expression)
        for place, (found, expression) in compiler.get_converters(expressions).items()
        for convert in found
    )
    return _Statement(text, tuple(parameters), names, converters)


_remembered = lru_cache(maxsize=64)(_statement)
