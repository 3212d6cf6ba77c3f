"""The most expensive groups of calls, however many there are: whole, by period, at another time.

Only what is shown leaves the database: a year by user and day can be hundreds of thousands of rows.
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

from django.db import connection, transaction
from msgspec import Struct

from llmconfig.configuration.known_costs import KnownCost
from metrics.bounded import without_jit
from metrics.queries import Figures, Row
from metrics.query_sources import SumsSource, source
from metrics.questions import OTHERS, FoundKey, MetricsQuestion

Keys = tuple[FoundKey, ...]
BETWEEN = "\x1f"  # in no name
COSTS = "sum(cost_usd), sum(unpriced)::bigint, sum(unpriced_tokens)::bigint"


class Ranked(Struct, frozen=True):
    """The most expensive groups first, how many there are, and whether one is of all others."""

    rows: Sequence[Row] = ()
    number: int = 0
    others: bool = False


class CostOfPeriod(Struct, frozen=True):
    """What a group of calls cost in the hour or day that begins at `period`."""

    period: dt.datetime
    keys: Keys
    cost: KnownCost


def most_expensive(question: MetricsQuestion, *, most: int) -> Ranked:
    """The first groups of `question.by`, at most so many.

    Raises UnknownDimension, and Unanswerable for calls of too long a time; so do the others.
    """
    read = source(question, question.by, apart=False)
    group = ", ".join(read.column(name) for name in question.by)
    where, wanted = read.conditions(question)
    others = f"coalesce(bool_or({group} = '') OVER (), false)" if read.caller else "false"
    rows = _fetched(
        f"SELECT {group}, {read.sums}, count(*) OVER (), {others}"  # noqa: S608
        f" FROM {read.table} WHERE {where} GROUP BY {group}"
        f" ORDER BY sum(cost_usd) DESC NULLS LAST, sum(calls) DESC LIMIT {most:d}",
        [*read.values, *wanted],
    )
    width = len(question.by)
    found = [Row(None, tuple(map(read.key, row[:width])), Figures(*row[width:-2])) for row in rows]
    return Ranked(found, *rows[0][-2:]) if rows else Ranked()


def by_period(
    question: MetricsQuestion, groups: Sequence[Keys]
) -> tuple[list[CostOfPeriod], dict[dt.datetime, KnownCost]]:
    """What each of these groups cost by period, and all others together by period."""
    read = source(question, question.by, apart=True)
    named = {_text(read, keys): keys for keys in groups}
    where, wanted = read.conditions(question)
    place = _place(read, question.by)
    rows = _fetched(
        f"SELECT period_start, CASE WHEN {place} = ANY(%s) THEN {place} END, {COSTS}"  # noqa: S608
        f" FROM {read.table} WHERE {where} GROUP BY 1, 2",
        [list(named), *read.values, *wanted],
    )
    found = [
        CostOfPeriod(start, named[text], KnownCost.of(*sums))
        for start, text, *sums in rows
        if text in named
    ]
    return found, {start: KnownCost.of(*sums) for start, text, *sums in rows if text is None}


def same_groups(question: MetricsQuestion, groups: Sequence[Keys]) -> Mapping[Keys, KnownCost]:
    """What these groups cost, those of them that have calls in the question's time."""
    read = source(question, question.by, apart=False)
    named = {_text(read, keys): keys for keys in groups}
    where, wanted = read.conditions(question)
    place = _place(read, question.by)
    rows = _fetched(
        f"SELECT {place}, {COSTS} FROM {read.table} WHERE {where} AND {place} = ANY(%s)"  # noqa: S608
        " GROUP BY 1",
        [*read.values, *wanted, list(named)],
    )
    return {named[text]: KnownCost.of(*sums) for text, *sums in rows}


def _place(read: SumsSource, by: Sequence[str]) -> str:
    """A group as one text, which `_text` makes of its keys."""
    parts = (f"coalesce('=' || {read.column(name)}::text, '')" for name in by)
    return f" || '{BETWEEN}' || ".join(parts)


def _text(read: SumsSource, keys: Keys) -> str:
    return BETWEEN.join("" if key is None else f"={_word(read, key)}" for key in keys)


def _word(read: SumsSource, key: FoundKey) -> str:
    if not read.caller:
        return str(key)
    return "" if key is OTHERS else f"={key}"  # as the callers' sources name them


def _fetched(sql: str, values: Sequence[Any]) -> list[tuple[Any, ...]]:
    with transaction.atomic(savepoint=False), connection.cursor() as cursor:
        without_jit()
        cursor.execute(sql, values)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
    return rows
