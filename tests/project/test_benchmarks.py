"""`python -m benchmarks`, with a few rows; figures are never asserted."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest

from benchmarks.database import row_ids
from benchmarks.http_messages import ends_at
from benchmarks.profile import ELSEWHERE, by_part, shares
from enrichment.listings.models import Animal, Organization

ROOT = Path(__file__).resolve().parents[2]
DOCUMENT = ROOT / "docs" / "performance.md"


@pytest.fixture
def empty_database() -> Iterator[str]:
    """The address of a database of its own."""
    address = os.environ["DATABASE_URL"]
    name = f"benchmarks_{uuid4().hex[:8]}"
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
        yield f"{address.rpartition('/')[0]}/{name}"
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


def test_what_runs_in_a_peers_environment_needs_nothing_of_ours():
    program = f"import sys; sys.path.insert(0, {str(ROOT)!r}); import benchmarks.peer_programs"
    ran = subprocess.run(  # without site-packages, which the peer's own take the place of
        [sys.executable, "-I", "-S", "-c", program], capture_output=True, text=True, check=False
    )
    assert not ran.returncode, ran.stderr


def run(*options: str, database: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: PLW1510 - the tests look at the exit code
        [sys.executable, "-m", "benchmarks", *options],
        env=os.environ | {"DATABASE_URL": database},
        capture_output=True,
        text=True,
        timeout=280,
    )


def test_a_quick_run_measures_every_contestant_and_writes_no_document(empty_database):
    before = DOCUMENT.read_bytes()
    ran = run("--quick", database=empty_database)
    assert ran.returncode == 0, ran.stderr
    for title in (
        "Nodewise",
        "Nodewise: the same over 120 rows",
        "openai SDK",
        "bare aiohttp",
        "one call at a time",
    ):
        assert f"| {title}" in ran.stdout.replace("**", "")
    assert "times as fast as one call at a time" in ran.stdout
    assert DOCUMENT.read_bytes() == before


def test_a_database_with_tables_is_refused_in_one_line(empty_database):
    with psycopg.connect(empty_database, autocommit=True) as connection:
        connection.execute("CREATE TABLE precious (id int)")
    ran = run("--quick", database=empty_database)
    assert ran.returncode == 1
    assert "give an empty one" in ran.stderr.splitlines()[-1]
    with psycopg.connect(empty_database) as connection:
        tables = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        assert tables.fetchall() == [("precious",)]


def test_a_sample_counts_for_the_innermost_part_and_who_waits_for_none():
    ours = f"judged ({ROOT}/enrichment/engine/items.py:270)"
    gate = f"objections ({ROOT}/enrichment/quality/gates/form.py:12)"
    loop, pool = "thread (12): llm-calls", "thread (13): uvloop_0"
    found = by_part(
        [
            f"{loop};run (/usr/lib/python3.11/threading.py:982);{ours};{gate} 3",
            f"{loop};{ours};execute (/x/site-packages/psycopg/cursor.py:97) 1",
            f"{loop};main (/usr/lib/python3.11/runpy.py:88) 1",
            f"{loop};Read while it changed.",
            "a line of some text",
            f"{pool};_worker (/usr/lib/python3.11/concurrent/futures/thread.py:81) 40",
            f"{pool};_worker (/usr/lib/python3.11/concurrent/futures/thread.py:83);{ours};{gate} 2",
        ]
    )
    gates = "gates: what the source doesn't have, or the answer lost; languages"
    psycopg = "psycopg: talking to PostgreSQL"
    assert found == {"llm-calls": {gates: 3, psycopg: 1, ELSEWHERE: 1}, "uvloop_0": {gates: 2}}
    # Each thread's CPU is spread over its own samples, so that a waiting one weighs no more.
    assert shares(found, {"llm-calls": 5.0, "uvloop_0": 5.0}) == pytest.approx(
        {gates: 0.8, psycopg: 0.1, ELSEWHERE: 0.1}
    )


@pytest.mark.django_db
def test_of_listings_that_say_the_same_a_batch_to_be_measured_has_the_first():
    organization = Organization.objects.create(external_id="o1", slug="rescue", name="Rescue")
    told = [("Rex", "Runs."), ("Rex", "Runs."), ("Rex", "Sleeps."), ("Ida", "Runs."), ("Ida", "")]
    made = [
        Animal.objects.create(
            organization=organization, external_id=str(at), name=name, description=text
        )
        for at, (name, text) in enumerate(told)
    ]
    assert row_ids(9) == [made[0].pk, made[2].pk, made[3].pk]
    assert row_ids(2) == [made[0].pk, made[2].pk]


@pytest.mark.parametrize(
    "message",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc",
        b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length:0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
        b"GET / HTTP/1.1\r\nhost: a\r\n\r\n",
    ],
)
def test_a_message_has_ended_with_its_last_byte_and_no_earlier(message):
    assert ends_at(message) == len(message)
    assert not any(ends_at(message[:at]) for at in range(len(message)))
