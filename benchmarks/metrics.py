"""`python -m benchmarks.metrics`: how long dashboards, reports and retention take over many calls.

Makes rows over 24 months in an empty database (DATABASE_URL), month by month on the server, and
writes docs/performance-metrics.md.
"""

import argparse
import datetime as dt
import statistics
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import django

DOCUMENT = Path(__file__).resolve().parent.parent / "docs" / "performance-metrics.md"
MONTHS = 24
GOAL_MS = 100
REPEATS = 5
RETENTION_WRITERS = 2
# Six nodes, five models, a failure in 50 calls, a call without a price in 200.
MAKE = """
INSERT INTO llm_generation_metrics (
    created_at, correlation_id, session_id, node_type, service_name, method_name, operation_type,
    tier, provider, model_used, tokens_input, tokens_output, tokens_total, latency_ms, cost_usd,
    error_code, attempts, organization_id
)
SELECT %(since)s::timestamptz + random() * (%(until)s::timestamptz - %(since)s::timestamptz),
    gen_random_uuid(), gen_random_uuid(), (ARRAY['enricher', 'tagger', 'responder'])[1 + n %% 3],
    'enrichment', 'node_' || n %% 6, 'node_' || n %% 6, (ARRAY['local', 'cloud_fast'])[1 + n %% 2],
    'provider_' || n %% 3, 'model_' || n %% 5, 800, 200, 1000, exp(5 + random() * 3),
    CASE WHEN n %% 200 = 0 THEN NULL ELSE random() / 100 END,
    CASE WHEN n %% 50 = 0 THEN 'timeout' ELSE '' END,
    '[{"provider": "provider_0", "model": "model_0", "outcome": "ok", "latency_ms": 231.0}]',
    NULLIF(n %% 4, 0)
FROM generate_series(1, %(rows)s) AS n
"""
COST_BY_MODEL = """
SELECT tier, model_used, COUNT(*) as generations, SUM(cost_usd) as total_cost,
    AVG(latency_ms) as avg_latency
FROM llm_generation_metrics WHERE created_at >= NOW() - INTERVAL '7 days'
GROUP BY tier, model_used ORDER BY total_cost DESC
"""


def main() -> None:
    """Make the rows, measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=10_000_000)
    rows = parser.parse_args().rows
    django.setup()
    from django.core.management import call_command
    from django.db import connection

    if connection.introspection.table_names():
        sys.exit("DATABASE_URL names a database that has tables; give an empty one.")
    call_command("migrate", verbosity=0)
    lines = [*_fill(rows), "", *_queries(), "", *_retention()]
    print("\n".join(lines))
    DOCUMENT.write_text(_document(lines, rows), encoding="utf-8")


def _fill(rows: int) -> list[str]:
    """Calls over the months, the marks of their hours, the rollup."""
    from django.db import connection

    from metrics import partitions, rollups

    now = partitions.utc_now()
    partitions.keep_ahead(months_back=MONTHS)
    start = partitions.month_start(now)
    began = time.perf_counter()
    with connection.cursor() as cursor:
        for back in range(MONTHS - 1, -1, -1):
            since = partitions.add_months(start, -back)
            until = min(partitions.add_months(since, 1), now)
            cursor.execute(MAKE, {"since": since, "until": until, "rows": rows // MONTHS})
            print(f"made {since:%Y-%m}", file=sys.stderr)
    made = time.perf_counter() - began
    began = time.perf_counter()
    hours = rollups.roll_up()
    rolled = time.perf_counter() - began
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
        cursor.execute("SELECT count(*) FROM llm_metrics_hourly")
        (hourly,) = cursor.fetchone()
        cursor.execute("SELECT count(*) FROM llm_metrics_daily")
        (daily,) = cursor.fetchone()
        # What is written while people look: the current hour isn't rolled up.
        cursor.execute(MAKE, {"since": now - dt.timedelta(minutes=10), "until": now, "rows": 500})
    said = (
        f"{rows:,} calls were made in {made:.0f} s; summing up {hours:,} hours took {rolled:.0f} s"
        f" ({hourly:,} rows by hour, {daily:,} by day)."
    )
    return [said]


def _queries() -> list[str]:
    """A line of a table for each query: the database's planning and execution together."""
    lines = ["| what | database, ms (worst of 5) |", "| --- | --- |"]
    for name, run in _readers().items():
        taken = max(_explained(run) for _ in range(REPEATS))
        lines.append(f"| {name} | {taken:.1f}{'' if taken <= GOAL_MS else ' (over the goal)'} |")
    return lines


def _readers() -> dict[str, Callable[[], Any]]:
    from django.contrib.auth.models import User
    from django.db import connection
    from django.test import Client

    from metrics import figures
    from metrics.analyzers import cost
    from metrics.exposition import exposition

    now = dt.datetime.now(dt.UTC)
    admin = Client(SERVER_NAME="localhost")
    admin.force_login(User.objects.create_superuser("benchmark"))

    def ask(days: int, *by: str, **more: Any) -> Callable[[], Any]:
        since = now - dt.timedelta(days=days)
        question = figures.Question(since=since, until=now, by=by, **more)
        return lambda: figures.ask(question)

    def seed_query() -> None:
        with connection.cursor() as cursor:
            cursor.execute(COST_BY_MODEL)

    return {
        "admin: first page": lambda: admin.get("/admin/"),
        "admin: calls, last 7 days": lambda: admin.get("/admin/metrics/generationmetric/"),
        "breakdown by model, 7 days": ask(7, "model"),
        "breakdown by model with percentiles, 31 days": ask(31, "model", latencies=True),
        "breakdown by node and provider, 366 days": ask(366, "node", "provider"),
        "series by day, 92 days": ask(92, each_period=True),
        "series by hour, 7 days": ask(7, each_period=True, grain=figures.Grain.HOUR),
        "forecast of the month": cost.forecast_month,
        "Prometheus": exposition,
        "the seed's cost by model, 7 days, over the calls": seed_query,
    }


def _explained(run: Callable[[], Any]) -> float:
    """Milliseconds that all SELECTs of `run` take in the database, by EXPLAIN ANALYZE."""
    from django.db import connection, transaction

    asked: list[tuple[str, Any]] = []

    def note(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if sql.lstrip().startswith(("SELECT", "SET LOCAL")):
            asked.append((sql, params))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(note):
        run()
    taken = 0.0
    with transaction.atomic(), connection.cursor() as cursor:
        for sql, params in asked:
            if sql.startswith("SET"):
                cursor.execute(sql)
                continue
            cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {sql}", params)
            (((plan,),),) = (cursor.fetchall(),)
            taken += plan[0]["Planning Time"] + plan[0]["Execution Time"]
    return taken


def _retention() -> list[str]:
    """The oldest month goes while others write."""
    from django.conf import settings
    from django.db import connection

    from metrics import retention
    from metrics.models import GenerationMetric

    stop = threading.Event()
    waits: list[float] = []

    def keep_writing() -> None:
        while not stop.is_set():
            began = time.perf_counter()
            GenerationMetric.objects.create(
                created_at=dt.datetime.now(dt.UTC), correlation_id=uuid4(), model_used="model_0"
            )
            waits.append(time.perf_counter() - began)
        connection.close()

    writers = [threading.Thread(target=keep_writing) for _ in range(RETENTION_WRITERS)]
    for writer in writers:
        writer.start()
    settings.LLM_ENVIRONMENT["LLM_METRICS_KEEP_MONTHS"] = MONTHS - 2
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_sleep(1)")
    began = time.perf_counter()
    dropped = retention.drop_expired()
    took = time.perf_counter() - began
    stop.set()
    for writer in writers:
        writer.join()
    said = (
        f"Retention removed {len(dropped)} months in {took:.2f} s while {RETENTION_WRITERS} threads"
        f" wrote {len(waits):,} calls, each in {statistics.median(waits) * 1000:.1f} ms (median),"
        f" {max(waits) * 1000:.0f} ms at most."
    )
    return [said]


def _document(lines: list[str], rows: int) -> str:
    from benchmarks import report

    said = (
        f"A page should take at most {GOAL_MS} ms in the database. 500 calls of the current hour"
        " were not summed up yet."
    )
    command = f"`python -m benchmarks.metrics --rows {rows}` wrote this:"
    parts = ["# Figures over many calls", "", command, "", report.machine(), "", said, ""]
    return "\n".join([*parts, *lines, ""])


if __name__ == "__main__":
    main()
