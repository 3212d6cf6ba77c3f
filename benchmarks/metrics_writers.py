"""For `benchmarks.metrics`: what recording calls takes, and retention while others write."""

import datetime as dt
import statistics
import threading
import time
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING
from uuid import uuid4

if TYPE_CHECKING:
    from llmconfig.client.recording.recorders import Texts
    from llmconfig.client.types import CallRecord
from benchmarks.metrics_readers import REPEATS

WRITE_SIZES = (100, 1000)
RECORDED = 40_000
SINGLES = 1000
RETENTION_WRITERS = 2


def recording_table() -> Iterator[str]:
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
    from metrics.binary_sql import copy_rows
    from metrics.quality import rules

    call_row, answer_row = ours._metric_row, ours._history_row  # noqa: SLF001
    calls = [
        [call_row(each, each.created_at, ours.NO_RESULTS) for each, _ in batch] for batch in batches
    ]
    in_force = rules.current()
    answers = [
        [answer_row(each, text, each.created_at, (), in_force) for each, text in batch if texts]
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
                copy_rows(cursor, "plain_metrics", ours.METRIC_COLUMNS, rows)
                if texts:
                    copy_rows(cursor, "plain_history", ours.HISTORY_COLUMNS, other_rows)
        took = time.perf_counter() - began
        cursor.execute("DROP TABLE plain_metrics, plain_history")
    return sum(map(len, batches)) / took


def one_by_one() -> str:
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


def retention_lines() -> list[str]:
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
