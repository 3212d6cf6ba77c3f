"""A batch whose workers reach PostgreSQL through PgBouncer in transaction mode, one of them killed.

Needs the server `pgbouncer` on the PATH, which no package brings: `make pooler`.
"""

import os
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest
from django.db import connection

from enrichment import tasks
from enrichment.batches import creation
from enrichment.batches.creation import Selection
from enrichment.batches.progress import progress_of
from enrichment.models import BatchChunk, EnrichmentResult
from metrics.models import GenerationMetric
from tests.database import database_url
from tests.enrichment.test_killed_workers import _kill, _settled, _until, worker

pytestmark = [pytest.mark.timeout(300), pytest.mark.pooler, pytest.mark.django_db(transaction=True)]
SERVER_CONNECTIONS = 4  # fewer than the workers' threads have of their own
CONFIGURATION = """
[databases]
{name} = host={host} port={port} dbname={name} user={user} password={password}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {own_port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = {connections}
server_idle_timeout = 600
"""


@pytest.fixture
def pooled(tmp_path: Path) -> Iterator[str]:
    """The address of the test's database through PgBouncer."""
    program = shutil.which("pgbouncer") or "/usr/sbin/pgbouncer"
    assert Path(program).exists(), "install pgbouncer"
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    configuration = tmp_path / "pgbouncer.ini"
    address = urlsplit(database_url())
    text = CONFIGURATION.format(
        name=address.path.strip("/"),
        host=address.hostname,
        port=address.port,
        user=address.username,
        password=address.password,
        own_port=port,
        connections=SERVER_CONNECTIONS,
    )
    configuration.write_text(text)
    through = f"postgres://any:any@127.0.0.1:{port}{address.path}"
    process = subprocess.Popen([program, "-q", "-u", "nobody", configuration])
    try:
        for _ in range(100):
            try:
                psycopg.connect(through).close()
                break
            except psycopg.OperationalError:
                time.sleep(0.1)
        yield through
    finally:
        process.terminate()
        process.wait(10)


@pytest.fixture
def bustle(pooled: str) -> Iterator[None]:
    """Others at the pooler, so that hardly two transactions of one client share a session."""
    over = threading.Event()

    def others() -> None:
        with psycopg.connect(pooled, autocommit=True, prepare_threshold=None) as client:
            while not over.is_set():
                client.execute("SELECT pg_sleep(0.003)")

    threads = [threading.Thread(target=others) for _ in range(SERVER_CONNECTIONS - 1)]
    for thread in threads:
        thread.start()
    yield
    over.set()
    for thread in threads:
        thread.join()


def held_locks() -> int:
    """Session locks that somebody still holds in this database."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted AND database ="
            " (SELECT oid FROM pg_database WHERE datname = current_database())"
        )
        (number,) = cursor.fetchone()
    return int(number)


def no_lock_is_left() -> None:
    """Wait until no lane's place is held any more; fails when one stays with nobody's session."""
    deadline = time.monotonic() + 20
    while held_locks():
        assert time.monotonic() < deadline, "a lane's place is held by nobody's session"
        time.sleep(0.2)


def test_a_batch_with_a_kill_through_a_pooler_in_transaction_mode(
    pooled: str, bustle: None, provider: Any, simulator: Any, make_animals: Any
) -> None:
    make_animals(600)
    simulator.control(latency_ms=100)
    batch = creation.create("description_cleaning", Selection(), write_size=5)
    tasks.start_lanes(batch)
    variables: dict[str, Any] = {"DATABASE_URL": pooled, "DATABASE_SESSION_URL": database_url()}
    with worker(lanes=2, **variables) as first:
        _until(lambda at: at.done >= 100, batch)
        _kill(first)
    no_lock_is_left()  # the server has seen that its client is gone
    BatchChunk.objects.filter(status="leased").update(leased_until="2000-01-01T00:00Z")  # its end
    tasks.revive_stalled_batches()
    with worker(lanes=2, **variables):
        at = _until(lambda at: at.status == "completed", batch, seconds=120)
    assert (at.done, at.failed, at.total) == (600, 0, 600)
    assert EnrichmentResult.objects.values("row_id").distinct().count() == 600
    assert GenerationMetric.objects.count() == 600
    assert _settled(simulator)["paid"] == 600 + progress_of(batch.pk).calls_repaid
    no_lock_is_left()


def test_check_tells_of_a_pooler_that_nothing_leads_past(pooled: str) -> None:
    for more, told in (({}, True), ({"DATABASE_SESSION_URL": database_url()}, False)):
        done = checked({"DATABASE_URL": pooled, **more})
        assert ("llmconfig.W005" in done) is told, done


def checked(variables: dict[str, str]) -> str:
    """What `manage.py check --database default` says."""
    done = subprocess.run(
        [sys.executable, "manage.py", "check", "--database", "default"],
        env=os.environ | variables, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    return done.stdout + done.stderr
