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

import django

from benchmarks.made_calls import MAKE, fill
from benchmarks.metrics_readers import GOAL_MS, REPEATS, explained, pruned, queries_table, readers
from benchmarks.metrics_writers import one_by_one, recording_table, retention_lines

DOCUMENT = Path(__file__).resolve().parent.parent / "docs" / "performance-metrics.md"
MONTHS = 24
BUSY_HOUR = 100_000
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
    parts = [
        fill(given.rows, months=MONTHS, text_days=92),
        _contents(),
        *queries_table(),
        pruned(),
        *_busy_hour(),
    ]
    parts += ["", *recording_table(), "", one_by_one(), "", *retention_lines()]
    print("\n".join(parts))
    DOCUMENT.write_text(_document(parts), encoding="utf-8")


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

    from metrics import partitions, queries, questions, rollups

    now = partitions.utc_now()
    start = now.replace(minute=0, second=0, microsecond=0)
    question = questions.MetricsQuestion(since=start, until=now, by=["model"])
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
