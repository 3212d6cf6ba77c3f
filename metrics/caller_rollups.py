"""Calls summed up by key, user, tag and batch, each alone: by hour and day, and kept for years.

Each kind has its own rows, so that their number is the sum of keys, users, tags and batches, not
their product. How many there are is up to callers: an hour, and a day, tells at most MAX_APART of
a kind apart, those that cost most, and sums the rest up as `others`. Written by `metrics.rollups`,
in the same transaction as the other sums; here also for days from before there were these sums.
"""

import datetime as dt
import time
from collections.abc import Sequence

from django.db import DEFAULT_DB_ALIAS, connections, transaction
from django.db.backends.utils import CursorWrapper

from llmconfig.runtime import advisory_locks
from metrics import partitions
from metrics.models import CallerKind
from metrics.rollup_sums import LATENCIES, SUMS, merged

MAX_APART = 1000
DAY = dt.timedelta(days=1)
CALLER_SUMS = ("failed", *SUMS)
COLUMNS = f"period_start, kind, value, others, {', '.join(CALLER_SUMS)}, {LATENCIES}"
IN_DAY = "period_start >= %(day)s AND period_start < %(end)s"


def _insert(target: str, found: str) -> str:
    """The sums that `found` has, the dearest apart; the rest of each period and kind together.

    What has no key, user, tag or batch is none of them, and always apart. Where prices or costs
    don't tell who is dearer, tokens do.
    """
    rest = merged("placed", ("period_start", "kind"), where="folded", sums=CALLER_SUMS)
    return f"""
INSERT INTO {target} ({COLUMNS})
WITH found AS MATERIALIZED ({found}),
placed AS MATERIALIZED (
    SELECT *, others OR row_number() OVER (
        PARTITION BY period_start, kind, others, coalesce(value, '') = ''
        ORDER BY cost_usd DESC NULLS LAST, tokens_input + tokens_output DESC, value
    ) > {MAX_APART} AS folded
    FROM found
)
SELECT {COLUMNS} FROM placed WHERE NOT folded
UNION ALL
SELECT rest.period_start, rest.kind, NULL, true, {", ".join(f"rest.{n}" for n in CALLER_SUMS)},
    rest.buckets, rest.counts
FROM ({rest}) AS rest (period_start, kind, {", ".join(CALLER_SUMS)}, buckets, counts)
"""  # noqa: S608 - our own names


NAMES = ", ".join((*CALLER_SUMS, LATENCIES))
HOURS = _insert(
    "llm_callers_hourly",
    f"""
SELECT hours.period_start, kinds.kind, value, false AS others, {NAMES}
FROM unnest(%(kinds)s::text[]) AS kinds (kind)
CROSS JOIN LATERAL llm_hour_callers(%(since)s, %(until)s, kinds.kind) AS hours
WHERE hours.period_start = ANY(%(hours)s::timestamptz[])
""",  # noqa: S608 - our own names
)
OF_KINDS = f"kind = ANY(%(kinds)s) AND {IN_DAY}"
DAYS = _insert(
    "llm_callers_daily",
    f"""
SELECT %(day)s::timestamptz AS period_start, whole.*
FROM ({merged("llm_callers_hourly", ("kind", "value", "others"), where=OF_KINDS, sums=CALLER_SUMS)})
    AS whole (kind, value, others, {NAMES})
""",  # noqa: S608 - as above
)
# Days whose calls are gone are known in whole: as others, so that they aren't missing in sums.
OUTCOMES = """
(SELECT *, CASE WHEN error_code = '' THEN 0 ELSE calls END AS failed FROM llm_metrics_hourly)
AS hourly
"""
UNTOLD = f"""
INSERT INTO llm_callers_hourly ({COLUMNS})
SELECT hours.period_start, kinds.kind, NULL, true, {NAMES}
FROM ({merged(OUTCOMES, ("period_start",), where=IN_DAY, sums=CALLER_SUMS)})
    AS hours (period_start, {NAMES})
CROSS JOIN unnest(%(kinds)s::text[]) AS kinds (kind)
"""  # noqa: S608 - as above


NEXT = """
DELETE FROM llm_callers_waiting
WHERE not_before <= statement_timestamp() AND day = (
    SELECT max(day) FROM llm_callers_waiting
    WHERE not_before <= statement_timestamp() AND day < coalesce(%s, 'infinity'::timestamptz)
)
RETURNING day
"""


def replace(cursor: CursorWrapper, day: dt.datetime, hours: Sequence[dt.datetime]) -> None:
    """Sum these hours of a day up anew from their calls, then the day; in one transaction."""
    _delete(cursor, "llm_callers_hourly", hours)
    cursor.execute(
        HOURS,
        {
            "kinds": CallerKind.values,
            "hours": list(hours),
            "since": hours[0],
            "until": hours[-1] + dt.timedelta(hours=1),
        },
    )
    _replace_day(cursor, day)


def catch_up(
    *,
    using: str = DEFAULT_DB_ALIAS,
    until: dt.datetime | None = None,
    seconds: float | None = None,
) -> int:
    """Sum up days from before there were these sums, newest first; how many days that was.

    With `until`, only days that begin before it; with `seconds`, no further day is begun after so
    long. Each day is a transaction of its own, so that what was ended goes on with the next day.
    """
    ends = time.monotonic() + seconds if seconds is not None else None
    done = 0
    with connections[using].cursor() as cursor:
        while _sum_up_next(cursor, until):
            done += 1
            if ends is not None and time.monotonic() >= ends:
                break
    return done


def _sum_up_next(cursor: CursorWrapper, until: dt.datetime | None) -> bool:
    """The newest day that waits; False when none does."""
    with transaction.atomic(using=cursor.db.alias):
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [advisory_locks.ROLLUPS])
        cursor.execute(
            NEXT,
            [until],
        )
        found = cursor.fetchone()
        if found is None:
            return False
        day = found[0].astimezone(dt.UTC)
        if partitions.is_kept(cursor, "llm_generation_metrics", day):
            replace(cursor, day, [day + ahead * dt.timedelta(hours=1) for ahead in range(24)])
        else:
            _tell_whole(cursor, day)
    return True


def _tell_whole(cursor: CursorWrapper, day: dt.datetime) -> None:
    """A day without its calls, unless it was summed up while they were there."""
    cursor.execute(
        "SELECT EXISTS (SELECT FROM llm_callers_daily WHERE kind = ANY(%s) AND period_start = %s)",
        [CallerKind.values, day],
    )
    if not cursor.fetchone()[0]:
        cursor.execute(UNTOLD, {"kinds": CallerKind.values, "day": day, "end": day + DAY})
        _replace_day(cursor, day)


def _replace_day(cursor: CursorWrapper, day: dt.datetime) -> None:
    _delete(cursor, "llm_callers_daily", [day])
    cursor.execute(DAYS, {"kinds": CallerKind.values, "day": day, "end": day + DAY})


def _delete(cursor: CursorWrapper, table: str, periods: Sequence[dt.datetime]) -> None:
    cursor.execute(
        f"DELETE FROM {table} WHERE kind = ANY(%s) AND period_start = ANY(%s)",  # noqa: S608
        [CallerKind.values, list(periods)],
    )
