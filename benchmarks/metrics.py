"""`python -m benchmarks.metrics`: how long dashboards, reports and retention take over many calls.

Makes rows over 24 months in an empty database (DATABASE_URL), month by month on the server, and
writes docs/performance-metrics.md. `--again` measures in a database that it has filled before,
after making the months that have gone since.
"""

import argparse
import datetime as dt
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import django

from benchmarks.metrics_readers import GOAL_MS, REPEATS, explained, pruned, queries_table, readers
from benchmarks.metrics_writers import one_by_one, recording_table, retention_lines

DOCUMENT = Path(__file__).resolve().parent.parent / "docs" / "performance-metrics.md"
MONTHS = 24
DAY = dt.timedelta(days=1)
BUSY_HOUR = 100_000
# In the order of time, as calls come. Six nodes with a usual and another model, each model of one
# provider and tier; three organizations and none; three versions of each prompt; a failure in 50
# calls, no price in 200.
MAKE = """
INSERT INTO llm_generation_metrics (
    created_at, correlation_id, session_id, node_type, service_name, method_name, operation_type,
    tier, provider, model_used, tokens_input, tokens_output, tokens_total, latency_ms, cost_usd,
    error_code, attempts, organization_id, prompt_version
)
SELECT %(since)s::timestamptz
        + (n - random()) / %(rows)s * (%(until)s::timestamptz - %(since)s::timestamptz),
    gen_random_uuid(), gen_random_uuid(), (ARRAY['enricher', 'tagger', 'responder'])[1 + n %% 3],
    'enrichment', 'node_' || n %% 6, 'node_' || n %% 6,
    (ARRAY['local', 'cloud_fast', 'cloud_premium'])[1 + model %% 3], 'provider_' || model %% 3,
    'model_' || model, 800, 200, 1000, exp(5 + random() * 3),
    CASE WHEN n %% 200 = 0 THEN NULL ELSE random() / 100 END,
    CASE WHEN n %% 50 = 0 THEN 'timeout' ELSE '' END,
    '[{"provider": "provider_0", "model": "model_0", "outcome": "ok", "latency_ms": 231.0}]',
    NULLIF(n / 6 %% 4, 0), 1 + n / 24 %% 3
FROM generate_series(1, %(rows)s) AS n,
    LATERAL (SELECT (n %% 6 + (random() < 0.1)::int) %% 5 AS model) AS answered
"""
MAKE_TEXTS = """
INSERT INTO llm_generation_history (
    created_at, correlation_id, node_type, method_name, prompt_text, generated_code,
    validation_passed, quality_score
)
SELECT created_at, correlation_id, node_type, method_name, repeat(md5(random()::text), 35),
    repeat(md5(random()::text), 28), error_code = '', random()
FROM llm_generation_metrics WHERE created_at >= %s AND created_at < %s
"""
TABLES = ("llm_metrics_hourly", "llm_metrics_daily", "llm_generation_history")


def main() -> None:
    """Make the rows, measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--again", action="store_true", help="the rows are there already")
    given = parser.parse_args()
    django.setup()
    from django.core.management import call_command
    from django.db import connection

    if connection.introspection.table_names() and not given.again:
        sys.exit("DATABASE_URL names a database that has tables; give an empty one, or --again.")
    call_command("migrate", verbosity=0)
    parts = [_fill(given.rows), _contents(), *queries_table(), pruned(), *_busy_hour()]
    parts += ["", *recording_table(), "", one_by_one(), "", *retention_lines()]
    print("\n".join(parts))
    DOCUMENT.write_text(_document(parts), encoding="utf-8")


def _fill(rows: int) -> str:
    """Calls of each month that has none, the texts of the last three months, the sums."""
    from django.db import connection

    from metrics import partitions, rollups

    now = partitions.utc_now()
    partitions.keep_ahead(months_back=MONTHS - 1)
    start = partitions.month_start(now)
    began, made = time.perf_counter(), 0
    with connection.cursor() as cursor:
        for back in range(MONTHS - 1, -1, -1):
            since = partitions.add_months(start, -back)
            until = min(partitions.add_months(since, 1), now)
            if not _some(cursor, "llm_generation_metrics", since, until):
                cursor.execute(MAKE, {"since": since, "until": until, "rows": rows // MONTHS})
                made += rows // MONTHS
                print(f"made {since:%Y-%m}", file=sys.stderr)
            told = max(since, (now - 92 * DAY).replace(hour=0, minute=0))
            if told < until and not _some(cursor, "llm_generation_history", told, until):
                cursor.execute(MAKE_TEXTS, [told, until])
    took = time.perf_counter() - began
    began = time.perf_counter()
    hours = rollups.roll_up()
    rolled = time.perf_counter() - began
    if not made:
        return ""
    return (
        f"{made:,} of the calls were made in {took:.0f} s, with texts; summing up {hours:,} hours"
        f" took {rolled:.0f} s.\n"
    )


def _some(cursor: Any, table: str, since: dt.datetime, until: dt.datetime) -> bool:
    cursor.execute(
        f"SELECT EXISTS (SELECT FROM {table} WHERE created_at >= %s AND created_at < %s)",  # noqa: S608
        [since, until],
    )
    return bool(cursor.fetchone()[0])


def _contents() -> str:
    """How much there is; the last calls are written here, and not summed up yet."""
    from django.db import connection

    from metrics import partitions, rollups

    rollups.roll_up()
    now = partitions.utc_now()
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
        counts = []
        for what in ("sum(calls) FROM llm_metrics_daily", *(f"count(*) FROM {t}" for t in TABLES)):
            cursor.execute(f"SELECT {what}")
            counts.append(cursor.fetchone()[0])
        cursor.execute("SELECT pg_database_size(current_database())")
        (size,) = cursor.fetchone()
        # What is written while people look: the current hour isn't rolled up.
        cursor.execute(MAKE, {"since": now - dt.timedelta(minutes=10), "until": now, "rows": 500})
    calls, hourly, daily, texts = counts
    return (
        f"{calls:,} calls over {MONTHS} months in {size / 1e9:.1f} GB, with {hourly:,} sums by"
        f" hour, {daily:,} by day and the texts of {texts:,} calls. 500 calls of the current hour"
        " were not summed up yet.\n"
    )


def _busy_hour() -> Iterator[str]:
    """A page and the rollup while an hour with very many calls waits to be summed up."""
    from django.db import connection

    from metrics import partitions, queries, rollups

    now = partitions.utc_now()
    start = now.replace(minute=0, second=0, microsecond=0)
    question = queries.MetricsQuestion(since=start, until=now, by=["model"])
    with connection.cursor() as cursor:
        cursor.execute(MAKE, {"since": start, "until": now, "rows": BUSY_HOUR})
    taken = max(explained(lambda: queries.ask(question)) for _ in range(REPEATS))
    overview = max(explained(readers()["admin: overview, 7 days"]) for _ in range(REPEATS))
    began = time.perf_counter()
    rollups.roll_up()
    rolled = (time.perf_counter() - began) * 1000
    after = max(explained(lambda: queries.ask(question)) for _ in range(REPEATS))
    yield (
        f"\nRight after a burst of {BUSY_HOUR:,} calls in one hour a breakdown takes {taken:.0f}"
        f" ms and the overview of 7 days {overview:.0f} ms, because they count them live. Summing"
        f" that hour up takes {rolled:.0f} ms, and the breakdown {after:.1f} ms then."
    )


def _document(parts: Sequence[str]) -> str:
    from benchmarks import report

    said = (
        f"A page should take at most {GOAL_MS} ms in the database: planning and execution of all"
        " its queries, by EXPLAIN ANALYZE. The goals are 20,000 calls a second in batches and 0.05"
        " ms of client CPU a call, and were set for a faster machine: ratios within one run say"
        " more."
    )
    command = " ".join(["python -m benchmarks.metrics", *sys.argv[1:]])
    head = ["# Figures over many calls", "", f"`{command}` wrote this:", "", report.machine(), ""]
    return "\n".join([*head, said, "", *parts, ""])


if __name__ == "__main__":
    main()
