"""Sums over calls, for pages, reports and the API: by period and any dimensions, from the rollups.

They are never behind: the views that are read here count what isn't rolled up yet from the calls.
Periods are whole hours, or days of a time zone. Days that aren't UTC's are summed from hours, or
from the calls where the zone's days begin between two hours. Batches, users, keys and tags are in
no rollup, which would have a row for each of them and hour: they are summed from the calls, over a
bounded time.
"""

import datetime as dt
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from types import MappingProxyType
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.contrib.auth import get_user_model
from django.db import connection, transaction
from django.db.models import IntegerField, TextChoices
from django.utils.translation import gettext

from llmconfig.configuration import time_zones
from llmconfig.configuration.known_costs import KnownCost
from metrics.bounded import without_jit
from metrics.errors import Unanswerable, UnknownDimension
from metrics.query_sources import (
    BY_CLASS,
    CALLS,
    OF_CALLS,
    OF_ROLLUPS,
    SPLIT,
    SUMS,
    WITH_TAGS,
    WITHOUT_TAGS,
    ZONED,
)

MAX_DAYS_OF_CALLS = 92
DIMENSIONS: Mapping[str, str] = MappingProxyType({**OF_ROLLUPS, **OF_CALLS})
CLASSES_PER_DOUBLING = 8  # of latency; metrics.models.rollups says the same of its column
HOUR = dt.timedelta(hours=1)
Key = str | int | UUID | None


class Grain(TextChoices):
    """The length of a period in a series: an hour or a day."""

    HOUR = "hour", "Hour"
    DAY = "day", "Day"


VIEWS = {Grain.HOUR: "llm_metrics_by_hour", Grain.DAY: "llm_metrics_by_day"}
# The same sums in fewer rows, for days told apart by these alone.
OVERVIEW = "llm_metrics_overview_by_day"
OF_OVERVIEW = frozenset({"node", "provider", "model", "outcome", "period"})


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricsQuestion:
    """What to sum: calls from `since` up to, but without, `until`, both brought to whole periods.

    `by` and the keys of `only` are names of DIMENSIONS; `only` keeps calls with these values.
    `each_period` gives rows for each hour or day apart, `latencies` their distribution too.
    """

    since: dt.datetime
    until: dt.datetime
    by: Sequence[str] = ()
    only: Mapping[str, Key] = field(default_factory=dict)
    grain: Grain = Grain.DAY
    each_period: bool = False
    latencies: bool = False
    zone: ZoneInfo = field(default_factory=time_zones.default)  # whose days are meant

    @property
    def bounds(self) -> tuple[dt.datetime, dt.datetime]:
        """From when to when calls are summed: whole hours or days of the zone."""
        return whole_periods(self.since, self.until, self.grain, self.zone)

    @property
    def reads_calls(self) -> bool:
        """Whether the rollups don't know what is asked for."""
        return not OF_CALLS.keys().isdisjoint([*self.by, *self.only])


@dataclass(frozen=True, slots=True)
class Figures:
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


@dataclass(frozen=True, slots=True)
class Row:
    """One answer: the period (None when not asked for), the values of `by`, and the sums.

    `classes` counts calls by class of latency, when that was asked for.
    """

    period: dt.datetime | None
    keys: tuple[Key, ...]
    figures: Figures
    classes: Mapping[int, int] = field(default_factory=dict)

    def percentile(self, share: float) -> float | None:
        """The latency in ms that this share (0 to 1) of calls didn't exceed."""
        return percentile(self.classes, share)


def ask(question: MetricsQuestion) -> list[Row]:
    """The rows, dearest first; by period first when periods are apart.

    Raises UnknownDimension, and Unanswerable for calls of too long a time.
    """
    group = ["period_start"] if question.each_period else []
    group += [column(name) for name in question.by]
    grouped = ", ".join(group)
    table, bounds = _source(question, question.by)
    where, wanted = _conditions(question)
    values = [*bounds, *wanted]
    by = f" GROUP BY {grouped}" if group else " HAVING sum(calls) > 0"
    named = f"{grouped}, " if group else ""
    first = "period_start, " if question.each_period else ""
    order = f" ORDER BY {first}sum(cost_usd) DESC NULLS LAST, sum(calls) DESC"
    width = len(group)
    with transaction.atomic(savepoint=False), connection.cursor() as cursor:
        without_jit()  # the planner takes the hours that wait for many
        # All but the values are our own names.
        cursor.execute(
            f"SELECT {named}{SUMS} FROM {table} WHERE {where}{by}{order}",  # noqa: S608
            values,
        )
        rows = cursor.fetchall()
        classes = {}
        if question.latencies:
            classes = _latencies(cursor, f"{table}{BY_CLASS} WHERE {where}", group, values)
    return [_row(question, row, width, classes.get(row[:width], {})) for row in rows]


def ask_apart(question: MetricsQuestion, groupings: Sequence[Sequence[str]]) -> list[list[Row]]:
    """What `ask` says for each grouping, all from one reading of the sums.

    `period` is a dimension here; `by`, `each_period` and `latencies` of the question say nothing.
    """
    names = list(dict.fromkeys(name for each in groupings for name in each))
    columns = {name: "period_start" if name == "period" else column(name) for name in names}
    sets = ", ".join(f"({', '.join(columns[name] for name in each)})" for each in groupings)
    shown = ", ".join(columns.values())
    question = replace(question, by=[name for name in names if name != "period"])
    table, bounds = _source(question, names)
    where, wanted = _conditions(question)
    with transaction.atomic(savepoint=False), connection.cursor() as cursor:
        without_jit()
        cursor.execute(
            f"SELECT GROUPING({shown}), {shown}, {SUMS} FROM {table} WHERE {where}"  # noqa: S608
            f" GROUP BY GROUPING SETS ({sets}) ORDER BY sum(cost_usd) DESC NULLS LAST,"
            " sum(calls) DESC",
            [*bounds, *wanted],
        )
        rows = cursor.fetchall()
    return [_of_grouping(rows, names, each, question.zone) for each in groupings]


def _of_grouping(
    rows: Sequence[tuple[Any, ...]], names: Sequence[str], wanted: Sequence[str], zone: ZoneInfo
) -> list[Row]:
    """The rows of one grouping set: its bits are those of the names that it leaves out."""
    bits = sum(1 << place for place, name in enumerate(reversed(names)) if name not in wanted)
    places = {name: 1 + place for place, name in enumerate(names)}
    return [
        Row(
            _in_zone(row[places["period"]], zone) if "period" in wanted else None,
            tuple(row[places[name]] for name in wanted if name != "period"),
            Figures(*row[1 + len(names) :]),
        )
        for row in rows
        if row[0] == bits
    ]


def classes_by_period(question: MetricsQuestion) -> dict[dt.datetime, Counter[int]]:
    """How many calls of each hour or day are in each class of latency."""
    table, bounds = _source(question, ())
    where, wanted = _conditions(question)
    with transaction.atomic(savepoint=False), connection.cursor() as cursor:
        without_jit()
        found = _latencies(
            cursor, f"{table}{BY_CLASS} WHERE {where}", ["period_start"], [*bounds, *wanted]
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


def column(name: str) -> str:
    """The column that holds a dimension; raises UnknownDimension."""
    if name not in DIMENSIONS:
        raise UnknownDimension(
            gettext("There is no dimension {name!r}; there are {names}.").format(
                name=name, names=", ".join(DIMENSIONS)
            )
        )
    return "user_key" if name == "user" and users_have_text_keys() else DIMENSIONS[name]


def users_have_text_keys() -> bool:
    """Whether this project's users are known by something else than whole numbers."""
    key = get_user_model()._meta.pk  # noqa: SLF001 - Django's API
    return not isinstance(key, IntegerField)


def percentile(classes: Mapping[int, int], share: float) -> float | None:
    """A latency in ms from counts by class, at most 5 % off; None without calls."""
    wanted = share * sum(classes.values())
    seen = 0
    for number, calls in sorted(classes.items()):
        seen += calls
        if seen >= wanted:
            return float(2 ** ((number + 0.5) / CLASSES_PER_DOUBLING))
    return None


def start_of(moment: dt.datetime, grain: Grain, zone: ZoneInfo | None = None) -> dt.datetime:
    """When the UTC hour of an aware moment begins, or its day in a zone, by default the usual one.

    A day's begin is in that zone, so that days can be added to it.
    """
    if grain == Grain.DAY:
        there = zone or time_zones.default()
        return time_zones.midnight(moment.astimezone(there).date(), there)
    return moment.astimezone(dt.UTC).replace(minute=0, second=0, microsecond=0)


def whole_periods(
    since: dt.datetime, until: dt.datetime, grain: Grain, zone: ZoneInfo | None = None
) -> tuple[dt.datetime, dt.datetime]:
    """A time brought to whole UTC hours or days of a zone, its last one included."""
    end = start_of(until, grain, zone)
    if end < until:
        end += HOUR if grain == Grain.HOUR else dt.timedelta(days=1)
    return start_of(since, grain, zone), end


def _in_zone(period: dt.datetime, zone: ZoneInfo) -> dt.datetime:
    return period if zone.key == "UTC" else period.astimezone(zone)


def _split_hours(question: MetricsQuestion) -> list[dt.datetime]:
    """The hours of UTC in the middle of which a day of the zone begins, in the question's time."""
    since, until = question.bounds
    days = (until.astimezone(question.zone).date() - since.astimezone(question.zone).date()).days
    midnights = [(since + ahead * dt.timedelta(days=1)) for ahead in range(days + 1)]
    found = {each.astimezone(dt.UTC) for each in midnights}
    return sorted({start_of(each, Grain.HOUR) for each in found if each.minute or each.second})


def _source(question: MetricsQuestion, by: Sequence[str]) -> tuple[str, list[Any]]:
    """What is summed up, and the values that it takes."""
    by_zone = question.grain == Grain.DAY and question.zone.key != "UTC"
    if by_zone and not question.reads_calls:
        zone, bounds = question.zone.key, question.bounds
        split = _split_hours(question)
        if not split:
            return ZONED, [zone, *bounds]
        return SPLIT, [zone, *bounds, split, split, zone, *bounds]
    if not question.reads_calls and not by_zone:
        brief = question.grain == Grain.DAY and OF_OVERVIEW.issuperset([*by, *question.only])
        return OVERVIEW if brief else VIEWS[question.grain], []
    if question.reads_calls and question.until - question.since > dt.timedelta(
        days=MAX_DAYS_OF_CALLS
    ):
        raise Unanswerable(
            gettext(
                "By {names} the calls themselves are summed: ask for at most "
                "{max_days_of_calls} days."
            ).format(names=" and ".join(OF_CALLS), max_days_of_calls=MAX_DAYS_OF_CALLS)
        )
    tagged = "tag" in by or "tag" in question.only
    return CALLS.format(tags=WITH_TAGS if tagged else WITHOUT_TAGS), [
        question.grain.value,
        question.zone.key if by_zone else "UTC",
        *question.bounds,
    ]


def _conditions(question: MetricsQuestion) -> tuple[str, list[Any]]:
    """The WHERE clause and its values."""
    since = start_of(question.since, question.grain, question.zone)
    parts = ["period_start >= %s", "period_start < %s"]
    values: list[Any] = [since, question.until]
    for name, value in question.only.items():
        parts.append(f"{column(name)} IS NOT DISTINCT FROM %s")
        values.append(value)
    return " AND ".join(parts), values


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
    question: MetricsQuestion, row: tuple[Any, ...], width: int, classes: Mapping[int, int]
) -> Row:
    keys = row[1:width] if question.each_period else row[:width]
    period = _in_zone(row[0], question.zone) if question.each_period else None
    return Row(period, keys, Figures(*row[width:]), classes)
