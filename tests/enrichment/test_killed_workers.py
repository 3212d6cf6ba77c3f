"""Real Celery workers, killed in the middle of a batch: nothing lost, nothing recorded twice, and
what was paid twice is counted."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from django.db import connection, transaction

from enrichment import tasks
from enrichment.batches import creation
from enrichment.batches.creation import Selection
from enrichment.batches.progress import Progress, progress_of
from enrichment.engine import claims
from enrichment.engine.lanes import run_lane
from enrichment.listings.models import Animal
from enrichment.models import Batch, BatchChunk, EnrichmentResult
from llmconfig.configuration import snapshot
from llmconfig.models import LLMConfig
from metrics.models import GenerationMetric
from tests.database import database_url
from tests.waiting import until

pytestmark = pytest.mark.django_db(transaction=True)

ROOT = Path(__file__).resolve().parents[2]
IN_FLIGHT = 20
WRITE_SIZE = 5


@contextmanager
def worker(
    *, lanes: int = 1, pool: str = "prefork", folder: Path = ROOT, **variables: str
) -> Iterator["subprocess.Popen[bytes]"]:
    """A Celery worker on the test's database and broker, in a process group of its own."""
    environment = {
        **os.environ,
        "DATABASE_URL": database_url(),
        "LLM_BATCH_CONCURRENT": str(IN_FLIGHT),
        "LLM_EGRESS_ALLOW": "127.0.0.1",
        **variables,
    }
    process = subprocess.Popen(
        [
            *(
                sys.executable,
                "-m",
                "celery",
                "-A",
                "project",
                "worker",
                "--concurrency",
                str(lanes),
            ),
            *("--pool", pool, "--loglevel", "WARNING", "--without-gossip", "--without-mingle"),
        ],
        env=environment,
        cwd=folder,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        _kill(process)


def _kill(process: "subprocess.Popen[bytes]") -> None:
    """The whole group at once, as when a machine loses its power."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _until(true: Callable[[Progress], bool], batch: Batch, *, seconds: float = 200) -> Progress:
    def found() -> Progress | None:
        at = progress_of(batch.pk)
        return at if true(at) else None

    at = until(found, seconds)
    assert at is not None
    return at


def _settled(simulator: Any) -> dict[str, Any]:
    """The simulator's counts once nothing more is coming."""
    stats: dict[str, Any] = simulator.stats()
    while stats["in_flight"]:
        time.sleep(0.02)
        stats = simulator.stats()
    return stats


def hold(simulator: Any, batch: Batch, *, calls: int, hold_ms: int = 3000) -> None:
    """Have so many calls under way that take long, and all that was answered before written.

    Or whoever is killed now might have nothing that gets lost, or more than a write of it.
    """
    simulator.control(latency_ms=hold_ms)

    def held() -> bool:
        stats = simulator.stats()
        return bool(stats["in_flight"] >= calls and stats["paid"] == progress_of(batch.pk).calls)

    until(held)


@pytest.fixture
def one_lane(provider: Any) -> None:
    LLMConfig.objects.filter(pk=1).update(concurrent_tasks=1)
    snapshot.expire()


def test_a_killed_worker_loses_no_row_and_what_was_paid_twice_is_counted(
    one_lane, simulator, make_animals
):
    make_animals(600)
    simulator.control(latency_ms=100)
    batch = creation.create("description_cleaning", Selection(), write_size=WRITE_SIZE)
    tasks.start_lanes(batch)
    with worker() as first:
        _until(lambda at: at.done >= 100, batch)
        hold(simulator, batch, calls=IN_FLIGHT)
        _kill(first)
    simulator.control(latency_ms=100)
    recorded = EnrichmentResult.objects.count()
    paid_by_the_first = _settled(simulator)["paid"]
    lost = paid_by_the_first - recorded
    assert 0 < lost <= IN_FLIGHT + WRITE_SIZE

    BatchChunk.objects.filter(status="leased").update(leased_until="2000-01-01T00:00Z")  # its end
    tasks.revive_stalled_batches()
    with worker():
        at = _until(lambda at: at.status == "completed", batch)
    assert (at.done, at.failed, at.total) == (600, 0, 600)
    assert EnrichmentResult.objects.values("row_id").distinct().count() == 600
    assert Animal.objects.filter(enriched_description__isnull=False).count() == 600
    assert GenerationMetric.objects.count() == EnrichmentResult.objects.count() == 600
    # What had been answered is on disk; only what was under way is paid twice.
    assert at.calls_repaid <= min(lost, IN_FLIGHT)
    assert _settled(simulator)["paid"] == at.calls + at.calls_repaid == 600 + at.calls_repaid


def test_a_worker_stopped_past_its_lease_records_nothing_when_it_wakes(
    one_lane, simulator, make_animals
):
    make_animals(200)
    simulator.control(latency_ms=100)
    batch = creation.create("description_cleaning", Selection(), write_size=WRITE_SIZE)
    tasks.start_lanes(batch)
    with worker() as sleeper:
        _until(lambda at: at.done >= 40, batch)
        os.killpg(sleeper.pid, signal.SIGSTOP)
        with connection.cursor() as cursor:  # its place, and any row that it has locked
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory'"
                " AND pid <> pg_backend_pid() AND database ="
                " (SELECT oid FROM pg_database WHERE datname = current_database())"
            )
        BatchChunk.objects.filter(status="leased").update(leased_until="2000-01-01T00:00Z")
        # The session that was ended may linger; the chunk is another lane's all the same.
        _until(lambda _: run_lane(batch.pk) == "finished", batch)
        os.killpg(sleeper.pid, signal.SIGCONT)
        at = _until(lambda at: at.status == "completed", batch)
    assert (at.done, at.failed) == (200, 0)
    assert EnrichmentResult.objects.count() == 200
    assert GenerationMetric.objects.count() == 200


def test_a_row_that_kills_its_worker_is_parked_and_the_rest_is_done(
    one_lane, simulator, make_animals
):
    rows = make_animals(30)
    batch = creation.create("description_cleaning", Selection(), write_size=WRITE_SIZE)
    poison = str(rows[7].pk)
    for _ in range(3):
        _die_with(batch, poison)
    while run_lane(batch.pk) != "finished":
        pass
    at = progress_of(batch.pk)
    assert (at.done, at.failed) == (29, 1)
    parked = EnrichmentResult.objects.get(state="failed")
    assert parked.row_id == poison
    assert "parked" in parked.reason


def _die_with(batch: Batch, poison: str) -> None:
    """What a worker leaves behind that dies as soon as it has sent the poisonous row."""
    Batch.objects.filter(pk=batch.pk).update(status="running")
    while True:
        with transaction.atomic():
            claim = claims.claim(batch.pk, idle=True)
        assert claim is not None
        sent = claim.row_ids.index(poison) + 1 if poison in claim.row_ids else 0
        if sent:
            break
        with transaction.atomic():
            claims.release([claim])
            BatchChunk.objects.filter(pk=claim.chunk_id).update(due_at="2100-01-01T00:00Z")
    BatchChunk.objects.filter(pk=claim.chunk_id).update(
        started=sent, leased_until="2000-01-01T00:00Z"
    )
    BatchChunk.objects.filter(batch=batch).update(due_at="2000-01-01T00:00Z")
