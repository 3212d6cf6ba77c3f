"""`python -m benchmarks.metrics`: how long dashboards, reports and retention take over many calls.

Makes rows over 24 months in an empty database (DATABASE_URL), month by month on the server, and
writes docs/performance-metrics.md. `--again` measures in a database that it has filled before.
"""

import argparse
import datetime as dt
import statistics
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import django

if TYPE_CHECKING:
    from llmconfig.client.recording import Texts
    from llmconfig.client.records import CallRecord

DOCUMENT = Path(__file__).resolve().parent.parent / "docs" / "performance-metrics.md"
MONTHS = 24
GOAL_MS = 100
DAY = dt.timedelta(days=1)
REPEATS = 5
SUPERUSER = {"is_staff": True, "is_superuser": True}
BUSY_HOUR = 100_000
WRITE_SIZES = (100, 1000)
RECORDED = 40_000
RETENTION_WRITERS = 2
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
FROM llm_generation_metrics WHERE created_at >= date_trunc('day', now() - interval '92 days')
"""
TABLES = ("llm_metrics_hourly", "llm_metrics_daily", "llm_generation_history")
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
    parser.add_argument("--again", action="store_true", help="the rows are there already")
    given = parser.parse_args()
    django.setup()
    from django.core.management import call_command
    from django.db import connection

    if connection.introspection.table_names() and not given.again:
        sys.exit("DATABASE_URL names a database that has tables; give an empty one, or --again.")
    call_command("migrate", verbosity=0)
    parts = [] if given.again else [_fill(given.rows)]
    parts += [_contents(), *_queries(), *_busy_hour(), "", *_recording(), "", *_retention()]
    print("\n".join(parts))
    DOCUMENT.write_text(_document(parts), encoding="utf-8")


def _fill(rows: int) -> str:
    """Calls of each month that has none, the texts of three months if there are none, the sums."""
    from django.db import connection

    from metrics import partitions, rollups

    now = partitions.utc_now()
    partitions.keep_ahead(months_back=MONTHS)
    start = partitions.month_start(now)
    began, made = time.perf_counter(), 0
    with connection.cursor() as cursor:
        for back in range(MONTHS - 1, -1, -1):
            since = partitions.add_months(start, -back)
            until = min(partitions.add_months(since, 1), now)
            if _some(cursor, "llm_generation_metrics", since, until):
                continue
            cursor.execute(MAKE, {"since": since, "until": until, "rows": rows // MONTHS})
            made += rows // MONTHS
            print(f"made {since:%Y-%m}", file=sys.stderr)
        if not _some(cursor, "llm_generation_history", start - 92 * DAY, now):
            cursor.execute(MAKE_TEXTS)
    took = time.perf_counter() - began
    began = time.perf_counter()
    hours = rollups.roll_up()
    rolled = time.perf_counter() - began
    return (
        f"{made:,} calls and the texts of 92 days were made in {took:.0f} s; summing up {hours:,}"
        f" hours took {rolled:.0f} s.\n"
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
    from metrics.analyzers.quality import Grouping, quality
    from metrics.exposition import exposition
    from metrics.models import GenerationMetric

    now = dt.datetime.now(dt.UTC)
    admin = Client(SERVER_NAME="localhost")
    admin.force_login(User.objects.get_or_create(username="benchmark", defaults=SUPERUSER)[0])

    def ask(days: int, *by: str, **more: Any) -> Callable[[], Any]:
        since = now - dt.timedelta(days=days)
        question = figures.Question(since=since, until=now, by=by, **more)
        return lambda: figures.ask(question)

    def seed_query() -> None:
        with connection.cursor() as cursor:
            cursor.execute(COST_BY_MODEL)

    calls, texts = "/admin/metrics/generationmetric/", "/admin/metrics/generationhistory/"
    some = GenerationMetric.objects.filter(created_at__gte=now - dt.timedelta(days=40)).first()
    if some is None:
        sys.exit("There are no calls of the last 40 days.")

    def page(address: str) -> Callable[[], Any]:
        return lambda: admin.get(address)

    return {
        "admin: first page": page("/admin/"),
        "admin: calls, last 7 days": page(calls),
        "admin: calls, failed, last 12 months": page(f"{calls}?days=366&outcome=failed"),
        "admin: calls, one type, last 12 months": page(f"{calls}?days=366&kind=tagger"),
        "admin: calls, a type without any, last 12 months": page(f"{calls}?days=366&kind=chat"),
        "admin: calls of a batch, last 12 months": page(f"{calls}?days=366&q={some.session_id}"),
        "admin: one call": page(f"{calls}{some.pk}/change/"),
        "admin: texts, last 31 days": page(f"{texts}?days=31"),
        "breakdown by model, 7 days": ask(7, "model"),
        "breakdown by model with percentiles, 31 days": ask(31, "model", latencies=True),
        "breakdown by node and provider, 366 days": ask(366, "node", "provider"),
        "series by day, 92 days": ask(92, each_period=True),
        "series by hour, 7 days": ask(7, each_period=True, grain=figures.Grain.HOUR),
        "forecast of the month": cost.forecast_month,
        "Prometheus": exposition,
        "quality by node, 7 days, over the texts": lambda: quality(
            since=now - dt.timedelta(days=7), until=now, by=Grouping.NODE
        ),
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


def _busy_hour() -> Iterator[str]:
    """A page and the rollup while an hour with very many calls waits to be summed up."""
    from django.db import connection

    from metrics import figures, partitions, rollups

    now = partitions.utc_now()
    start = now.replace(minute=0, second=0, microsecond=0)
    question = figures.Question(since=start, until=now, by=["model"])
    with connection.cursor() as cursor:
        cursor.execute(MAKE, {"since": start, "until": now, "rows": BUSY_HOUR})
    taken = max(_explained(lambda: figures.ask(question)) for _ in range(REPEATS))
    began = time.perf_counter()
    rollups.roll_up()
    rolled = (time.perf_counter() - began) * 1000
    after = max(_explained(lambda: figures.ask(question)) for _ in range(REPEATS))
    yield (
        f"\nRight after a burst of {BUSY_HOUR:,} calls in one hour a breakdown takes {taken:.0f}"
        f" ms; summing that hour up takes {rolled:.0f} ms, and the breakdown {after:.1f} ms then."
    )


def _recording() -> Iterator[str]:
    """Rows a second through `write_records`, in one process, and its CPU for one record."""
    from django.conf import settings
    from django.db import connection, transaction

    from metrics.recording import write_records

    yield "| recording, one process | rows/s (median of 5) | client CPU a record, ms |"
    yield "| --- | --- | --- |"
    for size in WRITE_SIZES:
        for texts in (False, True):
            settings.LLM_ENVIRONMENT["LLM_FEATURE_HISTORY"] = texts
            rates, cpu = [], []
            for _ in range(REPEATS):
                batches = [_records(size) for _ in range(RECORDED // REPEATS // size)]
                began, began_cpu = time.perf_counter(), time.process_time()
                for batch in batches:
                    with transaction.atomic(), connection.cursor() as cursor:
                        write_records(cursor, batch)
                rates.append(RECORDED / REPEATS / (time.perf_counter() - began))
                cpu.append((time.process_time() - began_cpu) * 1000 / (RECORDED / REPEATS))
            what = "calls and texts (2 KB)" if texts else "calls"
            yield (
                f"| {what}, {size} together | {statistics.median(rates):,.0f} |"
                f" {statistics.median(cpu):.3f} |"
            )


def _records(number: int) -> "list[tuple[CallRecord, Texts]]":
    from llmconfig.client.recording import Texts
    from llmconfig.client.records import Attempt, CallRecord, Labels, Usage

    usage, price, batch = Usage(input=800, output=200), Decimal("0.00024"), uuid4()
    attempt = Attempt(
        "provider_0", "model_0", "ok", 231.0, status=200, usage=usage, cost_usd=price, paid=True
    )
    texts = Texts(prompt="A dog of two years. " * 55, answer="He likes walks. " * 55)
    return [
        (
            CallRecord(
                created_at=dt.datetime.now(dt.UTC),
                correlation_id=uuid4(),
                node="node_0",
                interaction_type="enricher",
                labels=Labels("enrichment", "node_0", batch, number % 30),
                user_id=None,
                provider="provider_0",
                model="model_0",
                tier="local",
                usage=usage,
                cost_usd=price,
                latency_ms=231.0 + place,
                finish_reason="stop",
                truncated=False,
                prompt_length=len(texts.prompt),
                response_length=len(texts.answer),
                error_code="",
                attempts=(attempt,),
                dropped_params=(),
                config_revision=1,
            ),
            texts,
        )
        for place in range(number)
    ]


def _retention() -> list[str]:
    """The oldest month goes while others write."""
    from django.conf import settings
    from django.db import connection

    from metrics import partitions, retention
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
    # Only the oldest month of calls is too old.
    with connection.cursor() as cursor:
        oldest = partitions.existing(cursor, "llm_generation_metrics")[0].start
    this_month = partitions.month_start(partitions.utc_now())
    age = (this_month.year - oldest.year) * 12 + this_month.month - oldest.month
    settings.LLM_ENVIRONMENT |= {"LLM_METRICS_KEEP_MONTHS": age - 1, "LLM_HISTORY_KEEP_MONTHS": 0}
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_sleep(1)")
    began = time.perf_counter()
    dropped = retention.drop_expired()
    took = time.perf_counter() - began
    stop.set()
    for writer in writers:
        writer.join()
    said = (
        f"Retention removed {len(dropped)} month in {took:.2f} s while {RETENTION_WRITERS} threads"
        f" wrote {len(waits):,} calls, each in {statistics.median(waits) * 1000:.1f} ms (median),"
        f" {max(waits) * 1000:.0f} ms at most."
    )
    return [said]


def _document(parts: Sequence[str]) -> str:
    from benchmarks import report

    said = f"A page should take at most {GOAL_MS} ms in the database."
    command = " ".join(["python -m benchmarks.metrics", *sys.argv[1:]])
    head = ["# Figures over many calls", "", f"`{command}` wrote this:", "", report.machine(), ""]
    return "\n".join([*head, said, "", *parts, ""])


if __name__ == "__main__":
    main()
