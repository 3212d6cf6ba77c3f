"""Sums over calls, for pages, reports and the API: by period and any dimensions, from the rollups.

They are never behind: the views that are read here count what isn't rolled up yet from the calls.
Periods are whole hours, or days of a time zone. Days that aren't UTC's are summed from hours, or
from the calls where the zone's days begin between two hours. Keys, users, tags and batches have
sums of their own, each alone (`metrics.caller_rollups`); several of them, or one of them together
with other dimensions, are summed from the calls, over a bounded time.
"""

import datetime as dt
from collections import Counter
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from django.db import connection, transaction
from msgspec import Struct, field

from llmconfig.configuration.known_costs import KnownCost
from llmconfig.runtime.records import replace
from metrics.bounded import without_jit
from metrics.query_sources import BY_CLASS, SumsSource, source
from metrics.questions import FoundKey, MetricsQuestion

CLASSES_PER_DOUBLING = 8  # of latency; metrics.models.rollups says the same of its column


class Figures(Struct, frozen=True):
    """Sums over calls. Money in US dollars; `cost_usd` is of the priced calls, None if none is.

    `unpriced_hits` are answers of the cache whose saving isn't known, and so not in `saved_usd`.
    """

    calls: int = 0
    failed: int = 0
    unpriced: int = 0
    unpriced_tokens: int = 0
    cache_hits: int = 0
    unpriced_hits: int = 0
    tokens_input: int = 0
    tokens_output: int = 0
    tokens_cached_input: int = 0
    tokens_cache_write: int = 0
    tokens_reasoning: int = 0
    cost_usd: Decimal | None = None
    saved_usd: Decimal | None = None
    latency_sum_ms: float = 0.0

    @property
    def cost(self) -> KnownCost:
        """The cost with what isn't in it; nothing where there were no calls."""
        return KnownCost.of(self.cost_usd, self.unpriced, self.unpriced_tokens)

    @property
    def saved(self) -> KnownCost:
        """What the cache saved, with the answers whose saving isn't known."""
        return KnownCost.of(self.saved_usd, self.unpriced_hits)

    @property
    def average_cost_usd(self) -> Decimal | None:
        """The mean cost of the priced calls; None if none is."""
        return self.cost.mean_usd(self.calls)

    @property
    def average_latency_ms(self) -> float | None:
        """The mean latency in milliseconds; None without calls."""
        return self.latency_sum_ms / self.calls if self.calls else None


class Row(Struct, frozen=True):
    """One answer: the period (None when not asked for), the values of `by`, and the sums.

    A value is OTHERS in the row of all callers that a period doesn't tell apart.
    `classes` counts calls by class of latency, when that was asked for.
    """

    period: dt.datetime | None
    keys: tuple[FoundKey, ...]
    figures: Figures
    classes: Mapping[int, int] = field(default_factory=dict)

    def percentile(self, share: float) -> float | None:
        """The latency in ms that this share (0 to 1) of calls didn't exceed."""
        return percentile(self.classes, share)


def ask(question: MetricsQuestion) -> list[Row]:
    """The rows, dearest first; by period first when periods are apart.

    Raises UnknownDimension, and Unanswerable for calls of too long a time.
    """
    read = source(question, question.by, apart=question.each_period)
    group = ["period_start"] if question.each_period else []
    group += [read.column(name) for name in question.by]
    grouped = ", ".join(group)
    where, wanted = read.conditions(question)
    values = [*read.values, *wanted]
    by = f" GROUP BY {grouped}" if group else " HAVING sum(calls) > 0"
    named = f"{grouped}, " if group else ""
    first = "period_start, " if question.each_period else ""
    order = f" ORDER BY {first}sum(cost_usd) DESC NULLS LAST, sum(calls) DESC"
    width = len(group)
    with transaction.atomic(savepoint=False), connection.cursor() as cursor:
        without_jit()  # the planner takes the hours that wait for many
        # All but the values are our own names.
        cursor.execute(
            f"SELECT {named}{read.sums} FROM {read.table} WHERE {where}{by}{order}",  # noqa: S608
            values,
        )
        rows = cursor.fetchall()
        classes = {}
        if question.latencies:
            classes = _latencies(cursor, f"{read.table}{BY_CLASS} WHERE {where}", group, values)
    return [_row(question, read, row, width, classes.get(row[:width], {})) for row in rows]


def ask_apart(question: MetricsQuestion, groupings: Sequence[Sequence[str]]) -> list[list[Row]]:
    """What `ask` says for each grouping, all from one reading of the sums.

    `period` is a dimension here; `by`, `each_period` and `latencies` of the question say nothing.
    """
    names = list(dict.fromkeys(name for each in groupings for name in each))
    question = replace(question, by=[name for name in names if name != "period"])
    read = source(question, names, apart="period" in names)
    columns = {name: "period_start" if name == "period" else read.column(name) for name in names}
    sets = ", ".join(f"({', '.join(columns[name] for name in each)})" for each in groupings)
    shown = ", ".join(columns.values())
    where, wanted = read.conditions(question)
    with transaction.atomic(savepoint=False), connection.cursor() as cursor:
        without_jit()
        cursor.execute(
            f"SELECT GROUPING({shown}), {shown}, {read.sums}"  # noqa: S608
            f" FROM {read.table} WHERE {where} GROUP BY GROUPING SETS ({sets})"
            " ORDER BY sum(cost_usd) DESC NULLS LAST, sum(calls) DESC",
            [*read.values, *wanted],
        )
        rows = cursor.fetchall()
    return [_of_grouping(read, rows, names, each, question.zone) for each in groupings]


def _of_grouping(
    read: SumsSource,
    rows: Sequence[tuple[Any, ...]],
    names: Sequence[str],
    wanted: Sequence[str],
    zone: ZoneInfo,
) -> list[Row]:
    """The rows of one grouping set: its bits are those of the names that it leaves out."""
    bits = sum(1 << place for place, name in enumerate(reversed(names)) if name not in wanted)
    places = {name: 1 + place for place, name in enumerate(names)}
    return [
        Row(
            _in_zone(row[places["period"]], zone) if "period" in wanted else None,
            tuple(read.key(row[places[name]]) for name in wanted if name != "period"),
            Figures(*row[1 + len(names) :]),
        )
        for row in rows
        if row[0] == bits
    ]


def classes_by_period(question: MetricsQuestion) -> dict[dt.datetime, Counter[int]]:
    """How many calls of each hour or day are in each class of latency."""
    read = source(question, (), apart=True)
    where, wanted = read.conditions(question)
    with transaction.atomic(savepoint=False), connection.cursor() as cursor:
        without_jit()
        found = _latencies(
            cursor,
            f"{read.table}{BY_CLASS} WHERE {where}",
            ["period_start"],
            [*read.values, *wanted],
        )
    return {start: classes for (start,), classes in found.items()}


def total(question: MetricsQuestion) -> Row:
    """One row over everything; zeros when there were no calls."""
    rows = ask(question)
    return rows[0] if rows else Row(None, (), Figures())


def added(figures: Sequence[Figures]) -> Figures:
    """The sums of several groups of calls together."""
    known = [each.cost_usd for each in figures if each.cost_usd is not None]
    saved = [each.saved_usd for each in figures if each.saved_usd is not None]
    return Figures(
        calls=sum(each.calls for each in figures),
        failed=sum(each.failed for each in figures),
        unpriced=sum(each.unpriced for each in figures),
        unpriced_tokens=sum(each.unpriced_tokens for each in figures),
        cache_hits=sum(each.cache_hits for each in figures),
        unpriced_hits=sum(each.unpriced_hits for each in figures),
        tokens_input=sum(each.tokens_input for each in figures),
        tokens_output=sum(each.tokens_output for each in figures),
        tokens_cached_input=sum(each.tokens_cached_input for each in figures),
        tokens_cache_write=sum(each.tokens_cache_write for each in figures),
        tokens_reasoning=sum(each.tokens_reasoning for each in figures),
        cost_usd=sum(known, Decimal(0)) if known else None,
        saved_usd=sum(saved, Decimal(0)) if saved else None,
        latency_sum_ms=sum(each.latency_sum_ms for each in figures),
    )


def percentile(classes: Mapping[int, int], share: float) -> float | None:
    """A latency in ms from counts by class, at most 5 % off; None without calls."""
    wanted = share * sum(classes.values())
    seen = 0
    for number, calls in sorted(classes.items()):
        seen += calls
        if seen >= wanted:
            return float(2 ** ((number + 0.5) / CLASSES_PER_DOUBLING))
    return None


def _in_zone(period: dt.datetime, zone: ZoneInfo) -> dt.datetime:
    return period if zone.key == "UTC" else period.astimezone(zone)


def _latencies(
    cursor: Any, source: str, group: Sequence[str], values: Sequence[Any]
) -> dict[tuple[Any, ...], Counter[int]]:
    """How many calls of each group are in each class of latency."""
    names = ", ".join([*group, "class.bucket"])
    cursor.execute(
        f"SELECT {names}, sum(class.number)::bigint FROM {source} GROUP BY {names}",  # noqa: S608
        values,
    )
    found: dict[tuple[Any, ...], Counter[int]] = {}
    for *keys, bucket, number in cursor.fetchall():
        found.setdefault(tuple(keys), Counter())[bucket] = number
    return found


def _row(
    question: MetricsQuestion,
    read: SumsSource,
    row: tuple[Any, ...],
    width: int,
    classes: Mapping[int, int],
) -> Row:
    keys = tuple(map(read.key, row[1:width] if question.each_period else row[:width]))
    period = _in_zone(row[0], question.zone) if question.each_period else None
    return Row(period, keys, Figures(*row[width:]), classes)
