"""Lanes whose database goes away, and lanes that stand still: nothing lost, no place kept."""

import os
import signal
import time
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from uuid import UUID, uuid4

import psycopg
import pytest
from django.db import connection, connections

from enrichment import tasks
from enrichment.batches import creation
from enrichment.batches.creation import Selection
from enrichment.batches.progress import progress_of
from enrichment.engine import writing
from enrichment.engine.claims import Claim
from enrichment.engine.db_sessions import LaneSlot, end_stopped, lock_key, prepare_where_direct
from enrichment.engine.items import Outcome, load_items
from enrichment.engine.lanes import run_lane
from enrichment.enrichments import get
from enrichment.listings.models import Animal
from enrichment.models import BatchChunk, EnrichmentResult, ResultState
from llmconfig.configuration import snapshot
from llmconfig.models import LLMConfig
from metrics.binary_sql import execute_bound
from metrics.models import GenerationMetric
from tests.database import database_url
from tests.enrichment.test_killed_workers import worker
from tests.llmconfig.database_door import door
from tests.waiting import until

pytestmark = pytest.mark.django_db(transaction=True)

ROWS = 300


@pytest.fixture
def one_lane(provider):
    LLMConfig.objects.filter(pk=1).update(concurrent_tasks=1)
    snapshot.expire()


def in_background(batch_id) -> "Future[str]":
    """A lane in a thread of its own, whose connection ends with it."""

    def run() -> str:
        try:
            return str(run_lane(batch_id))
        finally:
            connections.close_all()

    executor = ThreadPoolExecutor(1)
    future = executor.submit(run)
    executor.shutdown(wait=False)
    return future


def _has_done(batch_id: UUID, rows: float) -> bool:
    return progress_of(batch_id).done >= rows


def end_all_sessions() -> None:
    """What a restarted server does to everybody."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


def test_a_lane_outlives_its_sessions_and_pays_nothing_twice(one_lane, simulator, make_animals):
    make_animals(ROWS)
    simulator.control(latency_ms=50)
    batch = creation.create("description_cleaning", Selection(), write_size=5)
    lane = in_background(batch.pk)
    for share in (0.1, 0.3, 0.5, 0.7):
        until(partial(_has_done, batch.pk, share * ROWS))
        end_all_sessions()
    assert lane.result(60) == "finished"
    at = progress_of(batch.pk)
    assert (at.status, at.done, at.failed, at.calls_repaid) == ("completed", ROWS, 0, 0)
    assert EnrichmentResult.objects.count() == GenerationMetric.objects.count() == ROWS
    assert Animal.objects.filter(enriched_description__contains="[sim:").count() == ROWS
    assert simulator.stats()["paid"] == at.calls == ROWS


def test_calls_go_on_by_the_last_configuration_while_the_database_is_away(
    one_lane, simulator, make_animals
):
    """Calls that already left must not fail because nobody can look for a newer revision."""
    known = snapshot.current()
    snapshot.expire()
    connection.ensure_connection()
    with psycopg.connect(database_url(), autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(%s)", [connection.connection.info.backend_pid])
    assert snapshot.current() is known
    connection.close()


def test_a_stopped_workers_place_is_another_lanes_when_its_lease_is_over(
    one_lane, simulator, make_animals
):
    make_animals(200)
    simulator.control(latency_ms=100)
    batch = creation.create("description_cleaning", Selection(), write_size=5)
    tasks.start_lanes(batch)
    with worker() as sleeper:
        until(lambda: progress_of(batch.pk).done >= 40)
        os.killpg(sleeper.pid, signal.SIGSTOP)
        stopped = time.monotonic()
        assert run_lane(batch.pk) == "full"
        until(lambda: goes_on_without(batch.pk) == "finished")
        waited = time.monotonic() - stopped
        os.killpg(sleeper.pid, signal.SIGCONT)
        until(lambda: not live_lanes(batch.pk))  # it has woken and seen that it is over
    at = progress_of(batch.pk)
    assert (at.status, at.done, at.failed) == ("completed", 200, 0)
    assert EnrichmentResult.objects.count() == GenerationMetric.objects.count() == 200
    assert waited < 110


def goes_on_without(batch_id) -> str:
    """A lane beside one that was stopped, perhaps in mid-write: timers look after that one."""
    end_stopped(batch_id)
    return str(run_lane(batch_id))


def live_lanes(batch_id) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND classid = %s AND granted",
            [lock_key(batch_id)],
        )
        return [row[0] for row in cursor.fetchall()]


def test_a_lane_that_stops_in_the_middle_of_a_write_loses_its_locks(provider, make_animals):
    make_animals(3)
    batch = creation.create("description_cleaning", Selection())
    chunk = BatchChunk.objects.get()
    stopped = psycopg.connect(database_url())
    stopped.execute("SELECT pg_advisory_lock(%s, 0)", [lock_key(batch.pk)])
    stopped.execute("SELECT FROM enrichment_batch_chunks WHERE id = %s FOR UPDATE", [chunk.pk])
    writing_on = stopped.cursor().copy("COPY enrichment_results (batch_id) FROM STDIN")
    writing_on.__enter__()
    assert run_lane(batch.pk) == "waiting"  # in another place; the chunk is locked
    end_stopped(batch.pk, silent_s=60)
    assert len(live_lanes(batch.pk)) == 1  # it may still go on
    end_stopped(batch.pk, silent_s=0)
    until(lambda: not live_lanes(batch.pk))
    stopped.close()
    assert run_lane(batch.pk) == "finished"
    assert progress_of(batch.pk).done == 3


def test_a_place_ends_silent_sessions_only_while_it_is_held(provider, make_animals):
    make_animals(1)
    place = LaneSlot(creation.create("description_cleaning", Selection()).pk)
    assert place.take()
    assert timeouts() == ["10s", "10s"]
    place.give_back()
    assert timeouts() == ["0", "0"]
    assert place.take()
    place.give_back()


def timeouts() -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT current_setting(name) FROM unnest(%s::text[]) AS name",
            [["idle_session_timeout", "idle_in_transaction_session_timeout"]],
        )
        return [row[0] for row in cursor.fetchall()]


def test_what_a_write_has_stored_is_known_afterwards(one_lane, simulator, make_animals):
    """Whose connection ends in the moment of the commit can't know whether it happened."""
    rows = make_animals(6)
    LLMConfig.objects.filter(pk=1).update(retry_delay=300)
    snapshot.expire()
    simulator.plan({"text": "Dog 2 likes", "action": {"status": 500}})
    batch = creation.create("description_cleaning", Selection(ids=[row.pk for row in rows[:5]]))
    run_lane(batch.pk)
    chunk = BatchChunk.objects.get(round=0)
    claim = Claim(chunk.pk, uuid4(), "", 0, tuple(chunk.row_ids), alone=False, parked=False)
    enrichment = get("description_cleaning")
    outcomes = [
        Outcome(item, ResultState.APPLIED)
        for item in load_items(enrichment, [str(row.pk) for row in rows], variant="", claim=claim)
    ]
    found = writing.recorded(enrichment, outcomes, batch_id=batch.pk)
    assert found == {(str(row.pk), "") for row in rows[:5]}  # one of them for its later round


def test_a_batch_outlives_a_database_that_takes_no_more_connections(
    one_lane, simulator, make_animals
):
    make_animals(ROWS)
    simulator.control(latency_ms=50)
    batch = creation.create("description_cleaning", Selection(), write_size=5)
    tasks.start_lanes(batch)
    with door() as way, worker(DATABASE_URL=way.url):
        until(partial(_has_done, batch.pk, 20))
        way.fill()  # the sessions that there are go on
        until(partial(_has_done, batch.pk, progress_of(batch.pk).done + 40))
        way.close()  # and now they are gone too
        way.fill()
        time.sleep(3)
        way.open()
        until(partial(_has_done, batch.pk, ROWS), seconds=200)
        until(lambda: progress_of(batch.pk).status == "completed")
    at = progress_of(batch.pk)
    assert (at.failed, at.calls_repaid) == (0, 0)
    assert EnrichmentResult.objects.count() == GenerationMetric.objects.count() == ROWS
    assert simulator.stats()["paid"] == at.calls == ROWS


PREPARED = "SELECT count(*) FROM pg_prepared_statements WHERE strpos(statement, %s) > 0"


def _prepared(what):
    with connection.cursor() as cursor:
        for number in range(5):
            execute_bound(cursor, f"SELECT %(number)s::int AS {what}", {"number": number})
        cursor.execute(PREPARED, [f"AS {what}"])
        return cursor.fetchone()[0]


def test_statements_are_prepared_in_a_lanes_own_session_alone(provider):
    assert _prepared("before") == 0
    place = LaneSlot(uuid4())
    assert place.take()
    assert _prepared("meanwhile") == 1
    place.give_back()
    assert _prepared("afterwards") == 0


def test_nothing_is_prepared_where_a_pooler_answers(provider):
    connection.ensure_connection()
    session = connection.connection
    prepare_where_direct(session, session.info.backend_pid + 1)
    assert _prepared("pooled") == 0
