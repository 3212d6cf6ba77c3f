"""Two releases at once: workers go on under later migrations, and wait for their own.

There is no released version yet whose wheel could stand for "the release before", and a clone may
have no history. So the later release is simulated: every table of ours gets columns that this
release doesn't know. `make rolling OLD=<commit>` runs an earlier commit's worker instead.
"""

import os
import subprocess
import tarfile
import time
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.apps import apps
from django.core.management import CommandError, call_command
from django.db import connection

from enrichment import tasks
from enrichment.batches import creation, lifecycle
from enrichment.batches.creation import Selection
from enrichment.batches.progress import progress_of
from enrichment.models import Batch, EnrichmentResult
from llmconfig.roles import APPS
from metrics.models import GenerationMetric
from project.management.commands import prepare
from tests.database import database_url
from tests.enrichment.test_killed_workers import _settled, _until, worker

pytestmark = pytest.mark.django_db(transaction=True)
ROOT = Path(__file__).resolve().parents[2]


def tables() -> list[str]:
    """Ours, of this project's models."""
    return sorted(
        {
            model._meta.db_table
            for model in apps.get_models(include_auto_created=True)
            if model._meta.app_label in APPS and model._meta.managed
        }
    )


def change(statement: str) -> None:
    """Run a statement for every table of ours, each in a transaction of its own."""
    with connection.cursor() as cursor:
        for table in tables():
            cursor.execute(statement.format(table=table))


@pytest.fixture
def later_release():
    """Adds what a later release might, and takes it away again."""
    columns = (
        "ADD COLUMN of_later text NOT NULL DEFAULT 'x', ADD COLUMN of_later_too bigint,"
        " ADD COLUMN later_still timestamptz NOT NULL DEFAULT now()"
    )
    yield lambda: change(f"ALTER TABLE {{table}} {columns}")
    drop = ("of_later", "of_later_too", "later_still")
    change("ALTER TABLE {table} " + ", ".join(f"DROP COLUMN IF EXISTS {name}" for name in drop))


def whole(batch: Batch, simulator: Any, rows: int) -> None:
    """Each row was worked on once, and each call paid once."""
    at = progress_of(batch.pk)
    assert (at.done, at.failed, at.total) == (rows, 0, rows)
    assert EnrichmentResult.objects.values("row_id").distinct().count() == rows
    assert EnrichmentResult.objects.count() == GenerationMetric.objects.count() == rows
    assert _settled(simulator)["paid"] == rows


def test_a_worker_goes_on_while_a_later_releases_columns_are_added(
    later_release: Any, provider: Any, simulator: Any, make_animals: Any
) -> None:
    make_animals(300)
    simulator.control(latency_ms=100)
    batch = creation.create("description_cleaning", Selection(), write_size=5)
    tasks.start_lanes(batch)
    with worker():
        _until(lambda at: at.done >= 50, batch)
        later_release()
        before = progress_of(batch.pk).done
        _until(lambda at: at.status == "completed", batch)
    assert before < 300
    whole(batch, simulator, 300)


def test_a_worker_that_is_ahead_of_its_migrations_pays_for_nothing_and_goes_on_after_them(
    provider: Any, simulator: Any, make_animals: Any
) -> None:
    make_animals(10)
    batch = creation.create("description_cleaning", Selection())
    call_command("migrate", "metrics", "0003", verbosity=0)
    try:
        with worker():
            tasks.start_lanes(batch)
            at = _until(lambda at: at.status == "paused", batch)
        assert "user_key" in Batch.objects.get(pk=batch.pk).status_reason
        assert (at.done, simulator.stats()["paid"]) == (0, 0)
    finally:
        call_command("migrate", "metrics", verbosity=0)
    lifecycle.resume(batch)
    tasks.start_lanes(batch)
    with worker():
        _until(lambda at: at.status == "completed", batch)
    whole(batch, simulator, 10)


def test_a_deadlock_with_a_worker_does_not_end_the_migrations(
    capfd: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The migration holds one table and wants another, which a session has that wants the first."""
    monkeypatch.setattr(
        prepare, "LOCK_TIMEOUT", "0"
    )  # deadlocks are found later here than elsewhere
    call_command("migrate", "enrichment", "0021", verbosity=0)
    first, second = "enrichment_batch_cascades", "enrichment_run_cascades"
    try:
        with psycopg.connect(database_url()) as worker, ThreadPoolExecutor(1) as threads:
            worker.execute("SET deadlock_timeout = '1h'")  # so that the migration gives way
            worker.execute(f"SELECT count(*) FROM {second}")
            asks = threads.submit(_when_waited_for, worker, second, f"SELECT count(*) FROM {first}")
            call_command("prepare", verbosity=0)
            asks.result()
    finally:
        call_command("migrate", "enrichment", verbosity=0)
    assert "deadlock" in capfd.readouterr().err
    assert "dear_squares" in _columns(first)


def test_a_table_that_others_keep_locked_holds_up_no_one_for_long(
    capfd: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who waits for a lock makes all wait that come after; so it gives up and says why."""
    call_command("migrate", "enrichment", "0021", verbosity=0)
    monkeypatch.setattr(prepare, "MAX_TRIES", 2)
    monkeypatch.setattr(prepare, "LOCK_TIMEOUT", "200ms")
    try:
        with psycopg.connect(database_url()) as worker:
            worker.execute("SELECT count(*) FROM enrichment_run_cascades")
            with pytest.raises(CommandError, match="2 times: end what holds it"):
                call_command("prepare", verbosity=0)
        assert "trying again" in capfd.readouterr().err
        call_command("prepare", verbosity=0)
    finally:
        call_command("migrate", "enrichment", verbosity=0)
    assert "dear_squares" in _columns("enrichment_batch_cascades")


def _when_waited_for(worker: psycopg.Connection, table: str, statement: str) -> None:
    with psycopg.connect(database_url(), autocommit=True) as onlooker:
        while not onlooker.execute(
            "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = %s::regclass", [table]
        ).fetchone()[0]:
            time.sleep(0.02)
    worker.execute(statement)
    worker.rollback()


def _columns(table: str) -> list[str]:
    with connection.cursor() as cursor:
        return [each.name for each in connection.introspection.get_table_description(cursor, table)]


@pytest.mark.history
def test_an_earlier_commits_worker_goes_on_with_this_commits_tables(
    tmp_path: Path, provider: Any, simulator: Any, make_animals: Any
) -> None:
    commit = os.environ["OLD_RELEASE"]
    packed = subprocess.run(
        ["git", "archive", commit], cwd=ROOT, capture_output=True, check=True
    ).stdout
    with tarfile.open(fileobj=BytesIO(packed)) as archive:
        archive.extractall(tmp_path, filter="data")
    make_animals(300)
    simulator.control(latency_ms=100)
    batch = creation.create("description_cleaning", Selection(), write_size=5)
    tasks.start_lanes(batch)
    with worker(folder=tmp_path, PYTHONPATH=str(tmp_path)):
        _until(lambda at: at.status == "completed", batch)
    whole(batch, simulator, 300)
