"""The SQL that sums over calls are read from: the rollups, the calls, or some of each."""

import datetime as dt
from collections.abc import Sequence
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db import connection
from django.utils.translation import gettext
from msgspec import Struct

from metrics.errors import Unanswerable
from metrics.questions import (
    CALLERS,
    OF_CALLS,
    OF_ROLLUPS,
    OTHERS,
    FoundKey,
    Grain,
    MetricsQuestion,
    column,
    start_of,
    users_have_text_keys,
)

MAX_DAYS_OF_CALLS = 92
VIEWS = {Grain.HOUR: "llm_metrics_by_hour", Grain.DAY: "llm_metrics_by_day"}
CALLERS_VIEWS = {Grain.HOUR: "llm_callers_by_hour", Grain.DAY: "llm_callers_by_day"}
# The same sums in fewer rows, for days told apart by these alone.
OVERVIEW = "llm_metrics_overview_by_day"
OF_OVERVIEW = frozenset({"node", "provider", "model", "outcome", "period"})
FAILED = "coalesce(sum(calls) FILTER (WHERE error_code <> ''), 0)"
SUMS = (
    f"sum(calls)::bigint, {FAILED}::bigint,"
    " sum(unpriced)::bigint, sum(unpriced_tokens)::bigint, sum(cache_hits)::bigint,"
    " sum(unpriced_hits)::bigint, sum(tokens_input)::bigint,"
    " sum(tokens_output)::bigint, sum(tokens_cached_input)::bigint,"
    " sum(tokens_cache_write)::bigint, sum(tokens_reasoning)::bigint, sum(cost_usd),"
    " sum(saved_usd), sum(latency_sum_ms)"
)
SUMS_OF_CALLERS = SUMS.replace(FAILED, "sum(failed)")
# A call as the sums of itself.
SUMS_OF_A_CALL = """
    1 AS calls, (cost_usd IS NULL)::int AS unpriced,
    CASE WHEN cost_usd IS NULL THEN tokens_total ELSE 0 END AS unpriced_tokens,
    cache_hit::int AS cache_hits, (cache_hit AND saved_usd IS NULL)::int AS unpriced_hits,
    tokens_input, tokens_output, tokens_cached_input, tokens_cache_write, tokens_reasoning,
    cost_usd, saved_usd, latency_ms AS latency_sum_ms,
    ARRAY[least(255, floor(8 * ln(greatest(latency_ms, 1.0)) / ln(2.0::float8)))::smallint]
        AS latency_buckets, ARRAY[1]::bigint[] AS latency_counts
"""
# The calls of a time with a rollup's columns, each as a rollup of its own.
CALLS = f"""
(SELECT date_trunc(%s, created_at, %s) AS period_start,
    {", ".join([*OF_ROLLUPS.values(), *OF_CALLS.values()])}, user_key,
    {SUMS_OF_A_CALL}
FROM llm_generation_metrics{{tags}} WHERE created_at >= %s AND created_at < %s) AS calls
"""  # noqa: S608 - our own names
# A call counts with each of its tags; one without any has none.
WITH_TAGS = " LEFT JOIN LATERAL (SELECT DISTINCT unnest(tags) AS tag) AS each ON true"
WITHOUT_TAGS = " CROSS JOIN (SELECT NULL::text AS tag) AS each"
COLUMNS_OF_SUMS = (
    "calls, unpriced, unpriced_tokens, cache_hits, unpriced_hits, tokens_input, tokens_output,"
    " tokens_cached_input, tokens_cache_write, tokens_reasoning, cost_usd, saved_usd,"
    " latency_sum_ms, latency_buckets, latency_counts"
)
# The hours of a time as days of a zone.
ZONED = f"""
(SELECT date_trunc('day', period_start, %s) AS period_start, {", ".join(OF_ROLLUPS.values())},
    {COLUMNS_OF_SUMS}
FROM llm_metrics_by_hour WHERE period_start >= %s AND period_start < %s) AS zoned
"""  # noqa: S608 - our own names
# The same where days begin between two hours: those hours are summed from their calls, which are
# sought hour by hour. The views hold no hour in part.
SPLIT = f"""
(SELECT date_trunc('day', period_start, %s) AS period_start, {", ".join(OF_ROLLUPS.values())},
    {COLUMNS_OF_SUMS}
FROM llm_metrics_by_hour
WHERE period_start >= %s AND period_start < %s AND period_start <> ALL(%s)
UNION ALL
SELECT split.period_start, {", ".join(OF_ROLLUPS.values())}, {COLUMNS_OF_SUMS}
FROM unnest(%s::timestamptz[]) AS hour (begins)
CROSS JOIN LATERAL (
    SELECT date_trunc('day', created_at, %s) AS period_start, {", ".join(OF_ROLLUPS.values())},
        {SUMS_OF_A_CALL}
    FROM llm_generation_metrics
    WHERE created_at >= greatest(hour.begins, %s)
        AND created_at < least(hour.begins + interval '1 hour', %s)
    OFFSET 0
) AS split) AS zoned
"""  # noqa: S608 - our own names
BY_CLASS = " CROSS JOIN unnest(latency_buckets, latency_counts) AS class (bucket, number)"
# What a row of callers is of, for grouping: a caller, none (NULL), or all others (blank).
WHO = "CASE WHEN others THEN '' ELSE '=' || value END AS who, value, others"
OF_CALLERS = f"who, value, others, failed, {COLUMNS_OF_SUMS}"
BY_CALLER = f"""
(SELECT period_start, {WHO}, failed, {COLUMNS_OF_SUMS} FROM {{view}} WHERE kind = %s) AS callers
"""  # noqa: S608 - our own names
ZONED_CALLERS = f"""
(SELECT date_trunc('day', period_start, %s) AS period_start, {WHO}, failed, {COLUMNS_OF_SUMS}
FROM llm_callers_by_hour WHERE kind = %s AND period_start >= %s AND period_start < %s) AS zoned
"""  # noqa: S608 - our own names
# A zone's days together: UTC's days, the hours before the first of them, and after the last.
TOGETHER = """
(SELECT period_start, {columns} FROM {days}
WHERE {kind} AND period_start >= %s AND period_start < %s
UNION ALL
SELECT period_start, {columns} FROM {hours}
WHERE {kind} AND period_start >= %s AND period_start < %s
UNION ALL
SELECT period_start, {columns} FROM {hours}
WHERE {kind} AND period_start >= %s AND period_start < %s) AS together
"""
SPLIT_CALLERS = f"""
(SELECT date_trunc('day', period_start, %s) AS period_start, {WHO}, failed, {COLUMNS_OF_SUMS}
FROM llm_callers_by_hour WHERE kind = %s
    AND period_start >= %s AND period_start < %s AND period_start <> ALL(%s)
UNION ALL
SELECT split.period_start, {OF_CALLERS}
FROM unnest(%s::timestamptz[]) AS hour (begins)
CROSS JOIN LATERAL (
    SELECT date_trunc('day', created_at, %s) AS period_start,
        '=' || {{caller}}::text AS who, {{caller}}::text AS value, false AS others,
        (error_code <> '')::int AS failed, {SUMS_OF_A_CALL}
    FROM llm_generation_metrics{{tags}}
    WHERE created_at >= greatest(hour.begins, %s)
        AND created_at < least(hour.begins + interval '1 hour', %s)
    OFFSET 0
) AS split) AS zoned
"""  # noqa: S608 - our own names
# Whether days of a time have no sums by caller yet, and whether those that there are don't tell
# all callers apart.
KNOWN = """
SELECT EXISTS (
        SELECT FROM llm_callers_waiting
        WHERE day > %(since)s - interval '24 hours' AND day < %(until)s
            AND not_before <= statement_timestamp()
    ),
    EXISTS (
        SELECT FROM llm_callers_hourly
        WHERE kind = %(kind)s AND others AND period_start >= %(since)s AND period_start < %(until)s
    ) OR EXISTS (
        SELECT FROM llm_callers_daily
        WHERE kind = %(kind)s AND others
            AND period_start > %(since)s - interval '24 hours' AND period_start < %(until)s
    )
"""


class SumsSource(Struct, frozen=True):
    """A table of sums with the values of its parameters; `caller` is what its rows are told by.

    `bounded` tables have the question's time alone. To say so again has the planner expect few
    rows, and sort them on disk.
    """

    table: str
    values: Sequence[Any]
    caller: str = ""
    bounded: bool = False

    @property
    def sums(self) -> str:
        """What is selected, in the order of `metrics.queries.Figures`."""
        return SUMS_OF_CALLERS if self.caller else SUMS

    def column(self, name: str) -> str:
        """What rows are grouped by; raises UnknownDimension."""
        return "who" if self.caller else column(name)

    def conditions(self, question: MetricsQuestion) -> tuple[str, list[Any]]:
        """The WHERE clause and its values."""
        since = start_of(question.since, question.grain, question.zone)
        parts = ["true"] if self.bounded else ["period_start >= %s", "period_start < %s"]
        values: list[Any] = [] if self.bounded else [since, question.until]
        for name, value in question.only.items():
            if self.caller:
                parts.append("NOT others AND value IS NOT DISTINCT FROM %s")
                values.append(None if value is None else str(value))
            else:
                parts.append(f"{column(name)} IS NOT DISTINCT FROM %s")
                values.append(value)
        return " AND ".join(parts), values

    def key(self, found: Any) -> FoundKey:
        """A dimension's value as the calls have it."""
        if not self.caller or found is None:
            return found  # type: ignore[no-any-return]  # as the column's type is
        if not found:
            return OTHERS
        text: str = found[1:]
        if self.caller == "batch":
            return UUID(text)
        return int(text) if self.caller == "user" and not users_have_text_keys() else text


def source(question: MetricsQuestion, by: Sequence[str], *, apart: bool) -> SumsSource:
    """What is summed up for a question; `apart` says that its periods are told apart.

    Raises UnknownDimension, and Unanswerable for calls of too long a time.
    """
    names = list(dict.fromkeys([*by, *question.only]))
    if OF_CALLS.keys().isdisjoint(names):
        return _of_rollups(question, names, apart=apart)
    caller = next((name for name in names if name in OF_CALLS), "")
    waiting = False
    if caller in CALLERS and set(names) <= {caller, "period"}:
        waiting, folded = _known(question, caller)
        if not waiting and not (folded and question.only):
            return _of_callers(question, caller, apart=apart)
    return _of_calls(question, names, waiting=waiting)


def _of_rollups(question: MetricsQuestion, names: Sequence[str], *, apart: bool) -> SumsSource:
    brief = question.grain == Grain.DAY and OF_OVERVIEW.issuperset(names)
    view = OVERVIEW if brief else VIEWS[question.grain]
    if not question.by_zone:
        return SumsSource(view, [])
    zone, bounds, split = question.zone.key, question.bounds, question.split_hours()
    if split:
        return SumsSource(SPLIT, [zone, *bounds, split, split, zone, *bounds])
    if apart or not (parts := _utc_days_within(*bounds)):
        return SumsSource(ZONED, [zone, *bounds], bounded=True)
    columns = [OF_ROLLUPS[name] for name in OF_ROLLUPS if not brief or name in OF_OVERVIEW]
    table = TOGETHER.format(
        columns=", ".join([*columns, COLUMNS_OF_SUMS]), days=view, hours=VIEWS[Grain.HOUR],
        kind="true",
    )  # fmt: skip
    return SumsSource(table, [moment for part in parts for moment in part], bounded=True)


def _kind(caller: str) -> str:
    return "user_key" if caller == "user" and users_have_text_keys() else caller


def _known(question: MetricsQuestion, caller: str) -> tuple[bool, bool]:
    """Whether days of its time wait for their sums, and whether these don't tell all apart."""
    since, until = question.bounds
    with connection.cursor() as cursor:
        cursor.execute(KNOWN, {"since": since, "until": until, "kind": _kind(caller)})
        waiting, folded = cursor.fetchone()
    return waiting, folded


def _of_callers(question: MetricsQuestion, caller: str, *, apart: bool) -> SumsSource:
    kind, zone, (since, until) = _kind(caller), question.zone.key, question.bounds
    if not question.by_zone:
        return SumsSource(BY_CALLER.format(view=CALLERS_VIEWS[question.grain]), [kind], caller)
    split = question.split_hours()
    if split:
        table = SPLIT_CALLERS.format(caller=column(caller), tags=_tags([caller]))
        times = [since, until, split, split, zone, since, until]
        return SumsSource(table, [zone, kind, *times], caller)
    if apart or not (parts := _utc_days_within(since, until)):
        return SumsSource(ZONED_CALLERS, [zone, kind, since, until], caller, bounded=True)
    table = TOGETHER.format(
        columns=f"{WHO}, failed, {COLUMNS_OF_SUMS}", days=CALLERS_VIEWS[Grain.DAY],
        hours=CALLERS_VIEWS[Grain.HOUR], kind="kind = %s",
    )  # fmt: skip
    values = [value for part in parts for value in (kind, *part)]
    return SumsSource(table, values, caller, bounded=True)


def _utc_days_within(
    since: dt.datetime, until: dt.datetime
) -> list[tuple[dt.datetime, dt.datetime]]:
    """The whole UTC days of a time, what is before them and what after; nothing without one."""
    utc = ZoneInfo("UTC")
    first, last = start_of(since, Grain.DAY, utc), start_of(until, Grain.DAY, utc)
    first += dt.timedelta(days=1) if first < since else dt.timedelta(0)
    return [(first, last), (since, first), (last, until)] if first < last else []


def _of_calls(question: MetricsQuestion, names: Sequence[str], *, waiting: bool) -> SumsSource:
    if question.until - question.since > dt.timedelta(days=MAX_DAYS_OF_CALLS):
        refusal = (
            gettext(
                "Sums by {names} of earlier days are still being computed: ask for at most"
                " {max_days_of_calls} days, or try again later."
            )
            if waiting
            else gettext(
                "By {names} the calls themselves are summed: ask for at most "
                "{max_days_of_calls} days."
            )
        )
        named = gettext(" and ").join(name for name in names if name != "period")
        raise Unanswerable(refusal.format(names=named, max_days_of_calls=MAX_DAYS_OF_CALLS))
    return SumsSource(
        CALLS.format(tags=_tags(names)),
        [question.grain.value, question.zone.key if question.by_zone else "UTC", *question.bounds],
    )


def _tags(names: Sequence[str]) -> str:
    return WITH_TAGS if "tag" in names else WITHOUT_TAGS
