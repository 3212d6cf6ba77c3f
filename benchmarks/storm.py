"""Kills and stops workers in the middle of a batch, and counts what is left.

    make storm ARGS="--rows 3000 --kills 3 --faults 100"

Real Celery workers and beat, PostgreSQL, Valkey and an HTTP provider. Ends with exit 1 unless every
row was done exactly once and what the provider counted is what is recorded plus what was paid
twice.
"""

import os
import random
import signal
import subprocess
import sys
import time
from argparse import ArgumentParser, Namespace
from dataclasses import dataclass
from typing import Any

import django

POLL_SECONDS = 0.1
# A lease lasts 10 s, the reviver comes every 15; later rounds wait for retry_delay besides.
PATIENCE_SECONDS = 180.0
MARKER = "Storm Marker"


@dataclass(slots=True)
class Workers:
    """The worker that is running, and how often one was killed or stopped."""

    process: "subprocess.Popen[bytes]"
    kills: int = 0
    stops: int = 0


def main() -> None:
    """Run the storm and judge it."""
    options = _options()
    os.environ["LLM_BATCH_CONCURRENT"] = str(options.in_flight)
    django.setup()
    from benchmarks.database import ENRICHMENT, prepare, row_ids
    from benchmarks.provider import simulator
    from enrichment import batches, tasks

    with simulator() as provider:
        prepare(provider.url)
        _multiply(options.rows)
        provider.plan(**_plan(options, row_ids(options.rows)))
        batch = batches.create(ENRICHMENT, batches.Selection(ids=row_ids(options.rows)))
        tasks.start_lanes(batch)
        workers, beat = Workers(_celery("worker", "--concurrency", "2")), _celery("beat")
        began = time.monotonic()
        try:
            _ride_out(options, batch.pk, workers)
        finally:
            for each in (workers.process, beat):
                _signal(each, signal.SIGKILL)
        _judge(options, batch.pk, workers, provider, time.monotonic() - began)


def _options() -> Namespace:
    parser = ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--rows", type=int, default=3000)
    parser.add_argument("--kills", type=int, default=3)
    parser.add_argument("--stops", type=int, default=0, help="Workers stopped past their lease.")
    parser.add_argument("--faults", type=int, default=0, help="Faults in 1,000 requests.")
    parser.add_argument("--failing", action="store_true", help="One row always fails.")
    parser.add_argument("--in-flight", type=int, default=50, help="Calls in flight in one lane.")
    return parser.parse_args()


def _multiply(rows: int) -> None:
    """More listings than are shipped: the same ones under other ids."""
    from enrichment.models import Animal

    known = list(Animal.objects.exclude(description=""))
    copies = -(-rows // len(known)) - 1
    for copy in range(copies):
        for animal in known:
            animal.pk, animal.external_id = None, f"{animal.external_id}-{copy}"[:50]
        Animal.objects.bulk_create(known, batch_size=1000)


def _plan(options: Namespace, ids: list[int]) -> dict[str, Any]:
    """The simulator's plan; the row that always fails gets a name to know it by."""
    from enrichment.models import Animal

    plan: dict[str, Any] = {"rules": []}
    if options.failing:
        Animal.objects.filter(pk=ids[len(ids) // 2]).update(name=MARKER)
        plan["rules"] = [{"text": MARKER, "action": {"status": 500}}]
    if options.faults:
        kinds = ["429", "500", "disconnect", "cut", "garbage"]
        plan |= {"faults_per_1000": options.faults, "kinds": kinds, "seed": 1}
    return plan


def _celery(*command: str) -> "subprocess.Popen[bytes]":
    extra = ["--schedule", f"/tmp/storm-{os.getpid()}", "--pidfile="] if "beat" in command else []  # noqa: S108 - a scratch file of this run
    if "worker" in command:
        extra = ["--without-gossip", "--without-mingle"]
    celery = [sys.executable, "-W", "ignore", "-m", "celery", "--quiet", "-A", "project"]
    return subprocess.Popen(
        [*celery, *command, "--loglevel", "ERROR", *extra],
        start_new_session=True,
        env={**os.environ, "LOG_LEVEL": "ERROR"},
    )


def _signal(process: "subprocess.Popen[bytes]", signum: signal.Signals) -> None:
    """To the whole group at once: prefork children die with their parent."""
    try:
        os.killpg(process.pid, signum)
    except ProcessLookupError:
        return
    if signum == signal.SIGKILL:
        process.wait()


def _ride_out(options: Namespace, batch_id: Any, workers: Workers) -> None:
    """Hurt a worker at random shares of the work, then wait until the batch has ended."""
    from enrichment import batches
    from enrichment.models.batches import TERMINAL

    count = options.kills + options.stops
    marks = sorted(random.Random(1).uniform(0.1, 0.8) for _ in range(count))
    until = time.monotonic() + PATIENCE_SECONDS
    finished = -1
    while True:
        at = batches.progress(batch_id)
        if at.status in TERMINAL or at.status == "paused":
            return
        if at.finished != finished or at.waiting:  # or a later round is to come
            finished, until = at.finished, time.monotonic() + PATIENCE_SECONDS
        if time.monotonic() > until:
            sys.exit(f"No progress for {PATIENCE_SECONDS:.0f} s: {at}")
        if marks and at.finished >= marks[0] * at.total:
            marks.pop(0)
            _hurt(options, workers)
        time.sleep(POLL_SECONDS)


def _hurt(options: Namespace, workers: Workers) -> None:
    if workers.stops < options.stops:
        workers.stops += 1
        print("  worker stopped past its lease, another one started", flush=True)
        _signal(workers.process, signal.SIGSTOP)
        other = _celery("worker", "--concurrency", "2")
        time.sleep(12)
        _signal(workers.process, signal.SIGCONT)
        time.sleep(2)
        workers.process.terminate()  # the parent alone: it lets its lanes end
        workers.process = other
        return
    workers.kills += 1
    print("  worker killed, another one started", flush=True)
    _signal(workers.process, signal.SIGKILL)
    workers.process = _celery("worker", "--concurrency", "2")


def _judge(
    options: Namespace, batch_id: Any, workers: Workers, provider: Any, seconds: float
) -> None:
    from django.db.models import Count, Sum

    from enrichment import batches
    from enrichment.models import Animal, Batch, EnrichmentResult
    from llmconfig import snapshot
    from metrics.models import GenerationMetric

    at = batches.progress(batch_id)
    counted = provider.stats()
    results = EnrichmentResult.objects.filter(batch_id=batch_id)
    once = results.aggregate(all=Count("pk"), rows=Count("row_id", distinct=True))
    calls = GenerationMetric.objects.aggregate(rows=Count("pk"), cost=Sum("cost_usd"))
    lanes = snapshot.current().processing["concurrent_tasks"]
    write_at = snapshot.current().setting("LLM_BATCH_DEFAULT_SIZE")
    bound = (workers.kills + workers.stops) * lanes * (options.in_flight + write_at)
    failing = 1 if options.failing else 0
    applied = results.filter(state="applied").count()
    suggested = results.filter(state="suggested").count()
    # Cut or garbled answers are paid for, but don't say how much: their attempts tell of them.
    unreadable = counted["paid"] - at.calls - at.calls_repaid
    garbled = _attempts_that_ended("bad_reply")
    checks = {
        "every row has one result": once["all"] == once["rows"] == at.total,
        "all rows done but the one that always fails": at.failed == failing
        and at.done == at.total - failing == applied + suggested,
        "every applied row holds its text": Animal.objects.filter(
            enriched_description__isnull=False
        ).count()
        == applied,
        "the calls' cost is the batch's": calls["cost"] == at.cost_usd,
        "what was paid is what is recorded, what was paid twice, and answers that were garbled": 0
        <= unreadable
        <= garbled,
        f"paid twice at most what was in flight and one write a kill ({bound})": at.calls_repaid
        <= bound,
    }
    print(
        f"{at.total} rows, {workers.kills} workers killed, {workers.stops} stopped,"
        f" {options.faults} faults in 1,000; {seconds:.0f} s.\n"
        f"provider: {counted['paid']} answers paid of {counted['requests']} requests;"
        f" recorded: {at.calls} paid, {at.calls_repaid} paid twice, {unreadable} paid but garbled"
        f" (of {garbled} garbled replies); ${at.cost_usd}. {suggested} answers are suggestions."
    )
    if at.failed:
        failed = results.filter(state="failed").values_list("row_id", "reason")
        print("failed:", *(f"row {row}: {reason}" for row, reason in failed[:3]), sep="\n  ")
    print(Batch.objects.get(pk=batch_id).status, at.reason)
    for name, held in checks.items():
        print(f"  {'ok ' if held else 'NOT'} {name}")
    if not all(checks.values()):
        sys.exit(1)


def _attempts_that_ended(outcome: str) -> int:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM llm_generation_metrics m, jsonb_array_elements(m.attempts) a"
            " WHERE a ->> 'outcome' = %s",
            [outcome],
        )
        return int(cursor.fetchone()[0])


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")
    main()
