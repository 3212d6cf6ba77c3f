"""Trials of batches: what is done to their tables, servers and workers, counted by the provider."""

import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from functools import partial
from typing import Any

from benchmarks.disasters import Launcher, Process, Workers, kill
from benchmarks.trial_rows import TrialRow
from benchmarks.trial_stage import TrialStage, with_variables

PATIENCE_SECONDS = 180.0
LANES = 2  # of each of two workers
CUTS = 8
WRITE_AT = 20  # rows
FLUSHES = 5
MACHINE_KILLS = 3
SMALL_FILE_BYTES = 8_000
LATE_SHARE = 10  # one answer of so many comes after the timeout
PER_MINUTE = 600
# A process that believes it is another year, before anything is imported.
BELIEVING = (
    "import runpy, sys, time_machine; time_machine.travel(sys.argv[1], tick=True).start();"
    " sys.argv = sys.argv[1:]; runpy.run_module('celery', run_name='__main__', alter_sys=True)"
)
PAID = """
SELECT count(*) FROM llm_generation_metrics m, jsonb_array_elements(m.attempts) a
WHERE m.session_id = %s
  AND ((a ->> 'paid')::boolean OR a ->> 'outcome' IN ('timeout', 'bad_reply')
       OR a ->> 'cost_source' IN ('estimated', 'unknown'))
"""


@dataclass(slots=True)
class AtWork:
    """Two workers and beat."""

    workers: Workers
    beats: list[Process] = field(default_factory=list)


@contextmanager
def _at_work(stage: TrialStage, *, beats: int = 1) -> Iterator[AtWork]:
    at_work = AtWork(Workers(stage.launcher, LANES))
    try:
        for _ in range(beats):
            at_work.beats.append(_beat(stage))
        at_work.workers.add()
        at_work.workers.add()
        yield at_work
    finally:
        at_work.workers.end()
        for each in at_work.beats:
            kill(each)


def _beat(stage: TrialStage) -> Process:
    schedule = stage.servers.state.directory / f"trial-beat-{time.monotonic_ns()}"
    return stage.launcher.celery("beat", "--schedule", str(schedule), "--pidfile=")


def _batch(stage: TrialStage, rows: int, **terms: Any) -> Any:
    from benchmarks.database import ENRICHMENT
    from enrichment.batches import creation

    ids = stage.some_rows(rows)
    return creation.create(
        ENRICHMENT, creation.Selection(ids=ids), terms=creation.Terms(**terms), write_size=WRITE_AT
    )


def _worked_off(batch: Any, happen: Sequence[Callable[[], object]] = ()) -> tuple[Any, bool]:
    """How far the batch came, and whether all happened: at even shares of its rows."""
    from enrichment import tasks
    from enrichment.batches.progress import progress_of
    from enrichment.engine.db_sessions import persistently

    tasks.start_lanes(batch)
    left = list(happen)
    until, finished = time.monotonic() + PATIENCE_SECONDS, -1
    while True:
        at = persistently(lambda: progress_of(batch.pk))
        if at.finished != finished:
            finished, until = at.finished, time.monotonic() + PATIENCE_SECONDS
        if left and at.finished >= at.total * (1 - len(left) / (len(happen) + 1)):
            left.pop(0)()
        if at.status in {"paused", "completed", "cancelled"} or time.monotonic() > until:
            return at, not left
        time.sleep(0.1)


def _row(
    stage: TrialStage,
    what: str,
    faults: str,
    found: tuple[Any, bool],
    *,
    failed: int = 0,
    recorded: int | None = None,
    wrong: str = "",
) -> TrialRow:
    """The trial's line, once nothing more is being answered."""
    at, all_happened = found
    counted = stage.provider.settled()
    if not (at.done == at.total - failed and at.failed == failed and all_happened):
        wrong = f"{at.status}: {at.done} done, {at.failed} failed. {at.reason} {wrong}".strip()
    recorded = at.calls if recorded is None else recorded
    return TrialRow(what, at.total, faults, counted["paid"], recorded, at.calls_repaid, wrong)


def _sql(statement: str, *values: Any) -> Any:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(statement, values or None)
        return cursor.fetchall() if cursor.description else None


def partition_missing(stage: TrialStage) -> TrialRow:
    """This month's tables of calls are dropped, then a batch begins."""
    from metrics import partitions

    month = partitions.month_start(partitions.utc_now())
    for parent in partitions.TABLES:
        _sql(f"DROP TABLE {partitions.month_of(parent, month).name}")
    batch = _batch(stage, stage.given.rows // 4)
    with _at_work(stage):
        return _row(stage, "the month's partition is missing", "2 tables", _worked_off(batch))


def values_refused(stage: TrialStage) -> TrialRow:
    """A CHECK of the table refuses every twentieth row's answer, but for those that gates hold."""
    from enrichment.models import EnrichmentResult, ResultState

    batch = _batch(stage, stage.given.rows // 2)
    twentieth = [row for row in _rows_of(batch) if int(row) % 20 == 0]
    _sql(
        "ALTER TABLE animals ADD CONSTRAINT storm_refuses"
        " CHECK (enriched_description IS NULL OR id % 20 <> 0) NOT VALID"
    )
    try:
        with _at_work(stage):
            found = _worked_off(batch)
    finally:
        _sql("ALTER TABLE animals DROP CONSTRAINT storm_refuses")
    results = EnrichmentResult.objects.filter(batch=batch, state=ResultState.SUGGESTED)
    held = results.filter(row_id__in=twentieth)
    refused = len(twentieth) - held.count()
    faults = f"{refused} rows"
    return _row(stage, "a CHECK refuses answers", faults, found, failed=refused)


def _rows_of(batch: Any) -> list[str]:
    return [row for chunk in batch.chunks.all() for row in chunk.row_ids]


def late_answers(stage: TrialStage) -> TrialRow:
    """Answers that come after the provider's timeout: paid, and of unknown cost."""
    from llmconfig.configuration.revisions import change
    from llmconfig.models import Provider

    before = Provider.objects.get().timeout_seconds
    batch = _batch(stage, stage.given.rows // 10)
    stage.provider.plan(rules=[{"every": LATE_SHARE, "action": {"delay_ms": 4000}}])
    with change(source="shell"):
        Provider.objects.update(timeout_seconds=2)
    try:
        with _at_work(stage):
            found = _worked_off(batch)
    finally:
        with change(source="shell"):
            Provider.objects.update(timeout_seconds=before)
    recorded = _sql(PAID, batch.pk)[0][0]
    late = recorded - found[0].total
    wrong = "" if late > 0 else "none was late"
    faults = f"{late} answers of unknown cost"
    return _row(stage, "answers after the timeout", faults, found, recorded=recorded, wrong=wrong)


def disk_full(stage: TrialStage) -> TrialRow:
    """The workers can keep hardly an answer on the disk, and each of them is killed."""
    batch = _batch(stage, stage.given.rows // 4)
    # A log would be full as well.
    launcher = Launcher(stage.silence, file_bytes=SMALL_FILE_BYTES)
    workers, beat = Workers(launcher, LANES), _beat(stage)
    try:
        workers.add()
        workers.add()
        found = _worked_off(batch, [workers.kill_one] * 2)
    finally:
        workers.end()
        kill(beat)
    faults = f"files of {SMALL_FILE_BYTES:,} bytes at most, 2 kills"
    return _row(stage, "the disk takes no answers", faults, found)


def wrong_clocks(stage: TrialStage) -> TrialRow:
    """A worker of 1970 is killed, and one of 2042 goes on; beat's clock is right."""
    batch = _batch(stage, stage.given.rows // 4)
    arguments = ("-A", "project", "worker", "--concurrency", str(LANES), "--loglevel", "INFO")

    def start(year: str) -> Process:
        return stage.launcher.run("-c", BELIEVING, year, *arguments)

    beat, old = _beat(stage), start("1970-01-02T00:00Z")
    started = [old]

    def exchange() -> None:
        kill(old)
        started.append(start("2042-01-01T00:00Z"))

    try:
        found = _worked_off(batch, [exchange])
    finally:
        for each in (*started, beat):
            kill(each)
    dated = _sql(
        "SELECT count(*) FROM llm_generation_metrics WHERE session_id = %s"
        " AND created_at BETWEEN now() - interval '1 hour' AND now() + interval '1 minute'",
        batch.pk,
    )[0][0]
    wrong = "" if dated == found[0].calls else f"{dated} records of today"
    what = "workers whose clocks stand at 1970 and 2042"
    return _row(stage, what, "1 kill", found, wrong=wrong)


def two_beats(stage: TrialStage) -> TrialRow:
    """Two beats by mistake, and every worker is killed once."""
    batch = _batch(stage, stage.given.rows // 4)
    with _at_work(stage, beats=2) as at_work:
        found = _worked_off(batch, [at_work.workers.kill_one] * 2)
    return _row(stage, "two beats", "2 kills", found)


def machine_killed(stage: TrialStage) -> TrialRow:
    """Everything ends at once: workers, beat, PostgreSQL and Valkey; then all start again."""
    batch = _batch(stage, stage.given.rows // 2)
    with _at_work(stage) as at_work:

        def go_down() -> None:
            workers = at_work.workers
            for process in (*workers.running, *at_work.beats):
                kill(process)
            workers.running.clear()
            at_work.beats.clear()
            stage.servers.restart_postgres()
            stage.servers.restart_valkey()
            at_work.beats.append(_beat(stage))
            workers.add()
            workers.add()

        found = _worked_off(batch, [go_down] * MACHINE_KILLS)
    faults = f"{MACHINE_KILLS} times, with PostgreSQL and Valkey"
    return _row(stage, "the whole machine is killed", faults, found)


def batch_cut_at_commit(stage: TrialStage) -> TrialRow:
    """The workers' connections are cut in the moment of a COMMIT."""
    from tests.llmconfig.database_door import door

    batch = _batch(stage, stage.given.rows // 2)
    with ExitStack() as stack:
        way = stack.enter_context(door())
        with with_variables(DATABASE_URL=way.url):
            stack.enter_context(_at_work(stage))
        found = _worked_off(batch, [partial(way.cut_at_commit, 1)] * CUTS)
        left = way.cuts_left
    wrong = f"{left} not cut" if left else ""
    return _row(stage, "a batch, connections cut at COMMIT", f"{CUTS} cuts", found, wrong=wrong)


def connections_used_up(stage: TrialStage) -> TrialRow:
    """PostgreSQL ends all connections and takes no new ones for a while."""
    from tests.llmconfig.database_door import door

    batch = _batch(stage, stage.given.rows // 4)
    seconds = min(stage.given.away, 30.0)
    with ExitStack() as stack:
        way = stack.enter_context(door())
        with with_variables(DATABASE_URL=way.url):
            stack.enter_context(_at_work(stage))

        def refuse() -> None:
            way.close()
            way.fill()
            time.sleep(seconds)
            way.open()

        found = _worked_off(batch, [refuse])
    what = "PostgreSQL takes no more connections"
    return _row(stage, what, f"{seconds:.0f} s, all lost before", found)


def valkey_flushed(stage: TrialStage) -> TrialRow:
    """Queue, limits and cache are emptied in the middle, several times."""
    batch = _batch(stage, stage.given.rows // 2)
    with _at_work(stage):
        found = _worked_off(batch, [_flush] * FLUSHES)
    return _row(stage, "Valkey is flushed under a batch", f"{FLUSHES} times", found)


def _flush() -> None:
    from redis import Redis

    with Redis.from_url(os.environ["REDIS_URL"]) as broker:
        broker.flushall()


@contextmanager
def _limited() -> Iterator[None]:
    from llmconfig.configuration.revisions import change
    from llmconfig.models import Provider

    with change(source="shell"):
        Provider.objects.update(requests_per_minute=PER_MINUTE)
    try:
        yield
    finally:
        with change(source="shell"):
            Provider.objects.update(requests_per_minute=None)


def valkey_away_under_limits(stage: TrialStage) -> TrialRow:
    """Valkey is away, then empty, while a provider has limits; a worker is killed besides."""
    batch = _batch(stage, stage.given.rows // 2)
    with _limited(), _at_work(stage) as at_work:

        def away() -> None:
            stage.servers.restart_valkey(after=15)

        def both() -> None:
            _flush()
            at_work.workers.kill_one()

        found = _worked_off(batch, [away, both])
    peak = stage.provider.settled()["peak"]["requests_60s"]
    wrong = "" if peak <= PER_MINUTE else f"{peak} requests in a minute of {PER_MINUTE}"
    faults = f"away for 15 s, a flush, 1 kill; at most {peak} of {PER_MINUTE} requests in 60 s"
    return _row(stage, "Valkey is lost under limits", faults, found, wrong=wrong)


def cap_reached(stage: TrialStage) -> TrialRow:
    """A batch pauses when its cap is spent, a killed worker and all; then it goes on to its end."""
    from enrichment import tasks
    from enrichment.batches import lifecycle

    rows = stage.given.rows // 2
    with _at_work(stage) as at_work:
        cost = _cost_of_one(stage)
        cap = (cost * rows / 4).quantize(Decimal("0.000001"))
        batch = _batch(stage, rows, max_cost_usd=cap)
        at, _ = _worked_off(batch, [at_work.workers.kill_one])
        spent, wrong = at.cost_usd or Decimal(0), "" if at.status == "paused" else "never paused"
        if spent > cap + _dearest(batch) * 2 * LANES:  # of each lane one call may pass it
            wrong = f"${spent} of ${cap}"
        batch.refresh_from_db()
        lifecycle.resume(batch, max_cost_usd=cap * 100)
        tasks.start_lanes(batch)
        found = _worked_off(batch)
    faults = f"1 kill; ${spent:.4f} spent of ${cap:.4f}"
    return _row(stage, "a cap is reached, then raised", faults, found, wrong=wrong)


def _cost_of_one(stage: TrialStage) -> Decimal:
    """What an answer costs here, on average."""
    at, _ = _worked_off(_batch(stage, 10))
    if not at.cost_usd:
        sys.exit(f"Ten rows came to nothing: {at}")
    stage.provider.settled()
    stage.provider.reset()
    return Decimal(at.cost_usd / at.calls)


def _dearest(batch: Any) -> Decimal:
    from metrics.models import GenerationMetric

    costs = GenerationMetric.objects.filter(session_id=batch.pk).values_list("cost_usd", flat=True)
    return max(filter(None, costs), default=Decimal(0))


BATCH_TRIALS: tuple[Callable[[TrialStage], TrialRow], ...] = (
    partition_missing,
    values_refused,
    late_answers,
    disk_full,
    wrong_clocks,
    two_beats,
    machine_killed,
    batch_cut_at_commit,
    connections_used_up,
    valkey_flushed,
    valkey_away_under_limits,
    cap_reached,
)
