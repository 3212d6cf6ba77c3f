"""Calls and answers summed up by hour and day, whenever they came: late, twice, changed, removed.

Triggers note each hour that a write touches in `llm_rollup_dirty`. Here such hours are summed up
anew from their calls and answers, a day in one transaction, then the day's sums from its hours.
Marks are removed before calls are read, each by a statement with its own snapshot, so a write that
isn't seen keeps its mark for the next time.
"""

import datetime as dt
from collections.abc import Sequence

from django.db import DEFAULT_DB_ALIAS, connections, transaction
from django.db.backends.utils import CursorWrapper

from llmconfig.runtime import advisory_locks
from metrics import caller_rollups, partitions
from metrics.caller_rollups import DAY, IN_DAY
from metrics.rollup_sums import LATENCIES, SUMS, merged

HOUR = dt.timedelta(hours=1)
DIMENSIONS = (
    "node_type",
    "service_name",
    "method_name",
    "operation_type",
    "tier",
    "provider",
    "model_used",
    "organization_id",
    "error_code",
)
GROUP = ", ".join(DIMENSIONS)
# What long periods are told by; the other dimensions, organizations above all, multiply the rows.
OVERVIEW = ("method_name", "provider", "model_used", "error_code")
FIGURES = f"period_start, {GROUP}, {', '.join(SUMS)}, {LATENCIES}"
HOURS_FROM_CALLS = f"""
INSERT INTO llm_metrics_hourly ({FIGURES})
SELECT {FIGURES} FROM llm_hour_figures(%s, %s) WHERE period_start = ANY(%s)
"""  # noqa: S608 - our own column names
SUMS_OF_DAY = """
INSERT INTO {target} (period_start, {columns}) SELECT %(day)s, whole.* FROM ({sums}) AS whole
"""
# From the finest sums to the coarsest, each from the one before.
DAY_STEPS = tuple(
    (
        f"DELETE FROM {target} WHERE period_start = %(day)s",  # noqa: S608 - our own names
        SUMS_OF_DAY.format(
            target=target,
            columns=", ".join((*dimensions, *SUMS, LATENCIES)),
            sums=merged(source, dimensions, where=IN_DAY),
        ),
    )
    for target, source, dimensions in (
        ("llm_metrics_daily", "llm_metrics_hourly", DIMENSIONS),
        ("llm_metrics_overview", "llm_metrics_daily", OVERVIEW),
    )
)
# How good the answers of hours were.
QUALITY = ("method_name", "provider", "model_used", "operation_type", "prompt_version")
QUALITY_SUMS = (
    "answers",
    "passed",
    "judged",
    "accepted",
    "edited",
    "scored",
    "score_sum",
    "score_squares",
    "syntax_checked",
    "syntax_valid",
    "hints_checked",
    "hints_given",
    "onex_checked",
    "onex_compliant",
    "security_checked",
    "security_clean",
)
QUALITY_COLUMNS = ", ".join(("period_start", *QUALITY, *QUALITY_SUMS))
QUALITY_FROM_ANSWERS = f"""
INSERT INTO llm_quality_hourly ({QUALITY_COLUMNS})
SELECT {QUALITY_COLUMNS} FROM llm_quality_figures(%s, %s) WHERE period_start = ANY(%s)
"""  # noqa: S608 - our own column names
QUALITY_OF_DAY = f"""
INSERT INTO llm_quality_daily ({QUALITY_COLUMNS})
SELECT %(day)s, {", ".join((*QUALITY, *(f"sum({name})" for name in QUALITY_SUMS)))}
FROM llm_quality_hourly WHERE period_start >= %(day)s AND period_start < %(end)s
GROUP BY {", ".join(QUALITY)}
"""  # noqa: S608 - our own column names


def roll_up(*, using: str = DEFAULT_DB_ALIAS, until: dt.datetime | None = None) -> int:
    """Sum up every hour that is behind, newest days first; how many hours that was.

    With `until`, only days that begin before it.

    Safe to run in several processes at once: they take turns, a day each.
    """
    with connections[using].cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT date_trunc('day', hour, 'UTC') AS day FROM llm_rollup_dirty"
            " WHERE hour < coalesce(%s, 'infinity'::timestamptz) ORDER BY day DESC",
            [until],
        )
        days = [day.astimezone(dt.UTC) for (day,) in cursor.fetchall()]
        return sum(_roll_up_day(cursor, day) for day in days)


def _roll_up_day(cursor: CursorWrapper, day: dt.datetime) -> int:
    end = day + DAY
    with transaction.atomic(using=cursor.db.alias):
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [advisory_locks.ROLLUPS])
        cursor.execute(
            "DELETE FROM llm_rollup_dirty WHERE hour >= %s AND hour < %s RETURNING hour",
            [day, end],
        )
        hours = sorted({hour for (hour,) in cursor.fetchall()})
        # Where retention has dropped the calls, their sums stay as they are.
        if not hours or not partitions.is_kept(cursor, "llm_generation_metrics", day):
            return 0
        bounds = {"day": day, "end": end}
        _replace_hours(cursor, "llm_metrics_hourly", HOURS_FROM_CALLS, hours)
        for step in DAY_STEPS:
            for statement in step:
                cursor.execute(statement, bounds)
        caller_rollups.replace(cursor, day, hours)
        # The same for the texts, which go earlier.
        if partitions.is_kept(cursor, "llm_generation_history", day):
            _replace_hours(cursor, "llm_quality_hourly", QUALITY_FROM_ANSWERS, hours)
            cursor.execute("DELETE FROM llm_quality_daily WHERE period_start = %s", [day])
            cursor.execute(QUALITY_OF_DAY, bounds)
    return len(hours)


def _replace_hours(
    cursor: CursorWrapper, table: str, statement: str, hours: Sequence[dt.datetime]
) -> None:
    """Sum up these hours of one day; what is between the first and the last is read once."""
    cursor.execute(
        f"DELETE FROM {table} WHERE period_start = ANY(%s)",  # noqa: S608 - our own name
        [list(hours)],
    )
    cursor.execute(statement, [hours[0], hours[-1] + HOUR, list(hours)])
