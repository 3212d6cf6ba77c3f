"""`python -m benchmarks.metrics`: how long dashboards, reports and retention take over many calls.

Makes rows over 24 months in an empty database (DATABASE_URL), month by month on the server, and
writes docs/performance-metrics.md. `--again` measures in a database that it has filled before,
after making the months that have gone since.
"""

import argparse
import datetime as dt
import statistics
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import django

if TYPE_CHECKING:
    from llmconfig.client.recording.recorders import Texts
    from llmconfig.client.types import CallRecord

DOCUMENT = Path(__file__).resolve().parent.parent / "docs" / "performance-metrics.md"
MONTHS = 24
GOAL_MS = 100
DAY = dt.timedelta(days=1)
REPEATS = 5
SUPERUSER = {"is_staff": True, "is_superuser": True}
BUSY_HOUR = 100_000
WRITE_SIZES = (100, 1000)
RECORDED = 40_000
SINGLES = 1000
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
FROM llm_generation_metrics WHERE created_at >= %s AND created_at < %s
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
    parts = [_fill(given.rows), _contents(), *_queries(), _pruned(), *_busy_hour()]
    parts += ["", *_recording(), "", _one_by_one(), "", *_retention()]
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


def _queries() -> list[str]:
    """A line of a table for each query: the database's planning and execution together."""
    lines = ["| what | database, ms (median of 5) | worst |", "| --- | --- | --- |"]
    for name, run in _readers().items():
        taken = [_explained(run) for _ in range(REPEATS)]
        over = "" if max(taken) <= GOAL_MS else " (over the goal)"
        lines.append(f"| {name} | {statistics.median(taken):.1f} | {max(taken):.1f}{over} |")
    return lines


def _pruned() -> str:
    """Which partitions the seed's query over calls reads, of how many, and how long it takes."""
    from django.db import connection

    from metrics import partitions

    taken = []
    with connection.cursor() as cursor:
        for _ in range(REPEATS):
            cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {COST_BY_MODEL}")
            (((plan,),),) = (cursor.fetchall(),)
            taken.append(plan[0]["Planning Time"] + plan[0]["Execution Time"])
        months = partitions.existing(cursor, "llm_generation_metrics")
    read = _relations(plan[0]["Plan"])
    now = partitions.utc_now()
    past = [each.name for each in months if each.start <= now]
    told = ", ".join(f"`{name}`" for name in past if name in read)
    return (
        f'\nThe seed\'s "cost by model, last 7 days", which is over the calls themselves, took'
        f" {statistics.median(taken):.0f} ms (median of 5). Of {len(past)} months it read {told};"
        f" having no end, it also looked into the {len(read) - told.count('`') // 2} empty months"
        " ahead."
    )


def _relations(node: dict[str, Any]) -> set[str]:
    found = {node["Relation Name"]} if "Relation Name" in node else set()
    return found.union(*(_relations(each) for each in node.get("Plans", ())))


def _readers() -> dict[str, Callable[[], Any]]:
    from django.contrib.auth.models import User
    from django.test import Client
    from django.urls import reverse

    from llmconfig.models import NodeConfiguration
    from metrics import queries
    from metrics.analyzers import cost
    from metrics.models import GenerationMetric
    from metrics.prometheus import exposition

    now = dt.datetime.now(dt.UTC)
    admin = Client(SERVER_NAME="localhost")
    admin.force_login(User.objects.get_or_create(username="benchmark", defaults=SUPERUSER)[0])

    def ask(days: int, *by: str, **more: Any) -> Callable[[], Any]:
        since = now - dt.timedelta(days=days)
        question = queries.Question(since=since, until=now, by=by, **more)
        return lambda: queries.ask(question)

    calls, texts = "/admin/metrics/generationmetric/", "/admin/metrics/generationhistory/"
    answers = reverse("admin:metrics_quality")
    node = NodeConfiguration.objects.get_or_create(
        node_name="node_0", defaults={"interaction_type": "enricher"}
    )[0]
    nodes = reverse("admin:llmconfig_nodeconfiguration_change", args=[node.pk])
    some = GenerationMetric.objects.filter(created_at__gte=now - dt.timedelta(days=40)).first()
    if some is None:
        sys.exit("There are no calls of the last 40 days.")

    def page(address: str) -> Callable[[], Any]:
        def read() -> None:
            answer = admin.get(address)
            if answer.status_code != HTTPStatus.OK:
                sys.exit(f"{address} answered {answer.status_code}.")

        return read

    return {
        "admin: overview, 24 hours": page("/admin/?days=1"),
        "admin: overview, 7 days": page("/admin/?days=7"),
        "admin: overview, 31 days": page("/admin/?days=31"),
        "admin: overview, 92 days": page("/admin/?days=92"),
        "admin: quality by prompt and model, 24 hours": page(f"{answers}?days=1"),
        "admin: quality by prompt and model, 7 days": page(f"{answers}?days=7"),
        "admin: quality by prompt and model, 31 days": page(f"{answers}?days=31"),
        "admin: quality by prompt and model, 92 days": page(f"{answers}?days=92"),
        "admin: quality by node, 92 days": page(f"{answers}?days=92&by=node"),
        "admin: a node's page": page(nodes),
        "admin: sums by hour, last 12 months": page("/admin/metrics/hourlyrollup/?days=366"),
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
        "series by hour, 7 days": ask(7, each_period=True, grain=queries.Grain.HOUR),
        "forecast of the month": cost.forecast_month,
        "`/metrics`": exposition,
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

    from metrics import partitions, queries, rollups

    now = partitions.utc_now()
    start = now.replace(minute=0, second=0, microsecond=0)
    question = queries.Question(since=start, until=now, by=["model"])
    with connection.cursor() as cursor:
        cursor.execute(MAKE, {"since": start, "until": now, "rows": BUSY_HOUR})
    taken = max(_explained(lambda: queries.ask(question)) for _ in range(REPEATS))
    overview = max(_explained(_readers()["admin: overview, 7 days"]) for _ in range(REPEATS))
    began = time.perf_counter()
    rollups.roll_up()
    rolled = (time.perf_counter() - began) * 1000
    after = max(_explained(lambda: queries.ask(question)) for _ in range(REPEATS))
    yield (
        f"\nRight after a burst of {BUSY_HOUR:,} calls in one hour a breakdown takes {taken:.0f}"
        f" ms and the overview of 7 days {overview:.0f} ms, because they count them live. Summing"
        f" that hour up takes {rolled:.0f} ms, and the breakdown {after:.1f} ms then."
    )


def _recording() -> Iterator[str]:
    """Rows a second through `write_records`, in one process, beside the least that COPY takes."""
    from django.conf import settings

    yield "| recording, one process | rows/s (median of 5) | client CPU a record, ms | floor, rows/s | of the floor |"  # noqa: E501
    yield "| --- | --- | --- | --- | --- |"
    for size in WRITE_SIZES:
        for texts in (False, True):
            settings.LLM_ENVIRONMENT["LLM_FEATURE_HISTORY"] = texts
            rates, cpu, floors = [], [], []
            for _ in range(REPEATS):
                batches = [_records(size) for _ in range(RECORDED // REPEATS // size)]
                rate, used = _written(batches)
                rates.append(rate)
                cpu.append(used)
                floors.append(_floor(batches, texts=texts))
            what = "calls and texts (2 KB)" if texts else "calls"
            ours, floor = statistics.median(rates), statistics.median(floors)
            yield (
                f"| {what}, {size} together | {ours:,.0f} | {statistics.median(cpu):.3f} |"
                f" {floor:,.0f} | {ours / floor:.2f} |"
            )
    yield ""
    yield (
        "The floor is COPY of rows made ready beforehand, as many together, each time with a commit"
        " too, into tables with the same columns but without indexes, constraints and triggers."
    )


def _written(batches: "Sequence[list[tuple[CallRecord, Texts]]]") -> tuple[float, float]:
    """Records a second, and milliseconds of this process's CPU for one."""
    from django.db import connection, transaction

    from metrics.recording import write_records

    number = sum(map(len, batches))
    began, began_cpu = time.perf_counter(), time.process_time()
    for batch in batches:
        with transaction.atomic(), connection.cursor() as cursor:
            write_records(cursor, batch)
    took, used = time.perf_counter() - began, time.process_time() - began_cpu
    return number / took, used * 1000 / number


def _floor(batches: "Sequence[list[tuple[CallRecord, Texts]]]", *, texts: bool) -> float:
    """Records a second by nothing but COPY."""
    from django.db import connection, transaction

    from metrics import recording as ours
    from metrics.quality import rules

    calls = [[ours._metric_row(each, {}) for each, _ in batch] for batch in batches]  # noqa: SLF001
    in_force = rules.current()
    answers = [
        [ours._history_row(each, text, {}, in_force) for each, text in batch if texts]  # noqa: SLF001
        for batch in batches
    ]
    with connection.cursor() as cursor:
        for kind in ("metrics", "history"):
            cursor.execute(
                f"CREATE TABLE plain_{kind} (LIKE llm_generation_{kind} INCLUDING DEFAULTS"
                " INCLUDING COMPRESSION)"
            )
        began = time.perf_counter()
        for rows, other_rows in zip(calls, answers, strict=True):
            with transaction.atomic():
                ours.copy_rows(cursor, "plain_metrics", ours.METRIC_COLUMNS, rows)
                if texts:
                    ours.copy_rows(cursor, "plain_history", ours.HISTORY_COLUMNS, other_rows)
        took = time.perf_counter() - began
        cursor.execute("DROP TABLE plain_metrics, plain_history")
    return sum(map(len, batches)) / took


def _one_by_one() -> str:
    """Django's way: an INSERT and a commit for each call."""
    from metrics.models import GenerationMetric

    began = time.perf_counter()
    for place in range(SINGLES):
        GenerationMetric.objects.create(
            correlation_id=uuid4(), node_type="enricher", service_name="enrichment",
            method_name="node_0", model_used="model_0", provider="provider_0",
            tokens_input=800, tokens_output=200, tokens_total=1000, latency_ms=231.0 + place,
            cost_usd=Decimal("0.00024"),
        )  # fmt: skip
    rate = SINGLES / (time.perf_counter() - began)
    return (
        f"`GenerationMetric.objects.create()`, one call and commit at a time: {rate:,.0f} rows/s."
    )


def _records(number: int) -> "list[tuple[CallRecord, Texts]]":
    from llmconfig.client.recording.recorders import Texts
    from llmconfig.client.types import Attempt, CallRecord, Labels, Usage

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
        cursor.execute(
            "SELECT count(*) FROM llm_generation_metrics WHERE created_at < %s",
            [partitions.add_months(oldest, 1)],
        )
        (gone,) = cursor.fetchone()
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
        f"Retention removed {len(dropped)} month ({gone:,} calls) in {took:.2f} s while"
        f" {RETENTION_WRITERS} threads wrote {len(waits):,} calls, each in"
        f" {statistics.median(waits) * 1000:.1f} ms (median), {max(waits) * 1000:.0f} ms at most."
    )
    return [said]


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
