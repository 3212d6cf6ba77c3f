"""Pause, cancel and the master switch: 2 s later nothing arrives at the provider any more."""

import os
import signal
import time
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.urls import reverse

from enrichment import tasks
from enrichment.batches import creation, lifecycle
from enrichment.batches.creation import Selection
from enrichment.batches.progress import progress_of
from enrichment.engine.lanes import run_lane
from enrichment.models import Batch, BatchChunk, EnrichmentResult
from llmconfig.configuration import snapshot
from llmconfig.models import LLMConfig, Provider
from metrics.models import GenerationMetric
from tests.api import caller
from tests.enrichment.test_killed_workers import hold, worker
from tests.enrichment.test_sessions import goes_on_without, in_background
from tests.waiting import until

pytestmark = pytest.mark.django_db(transaction=True)

LANES = 2
IN_FLIGHT = 100  # in each lane
AT_ONCE = 50  # the provider's limit: the others wait for their turn
HEARD_WITHIN = 2.0
ROWS = 1000
MORE_ROWS = 3000  # for those that are pressed again and again
PRESSES = 3

Control = Callable[[Batch], object]


def by_command(verb: str) -> Control:
    return lambda batch: call_command("llm_batch", verb, str(batch.pk))


def by_api(verb: str) -> Control:
    def press(batch: Batch) -> None:
        answer = caller("operator").post(f"/api/llm/batches/{batch.pk}/{verb}", format="json")
        assert answer.status_code == 200, answer.content

    return press


def by_admin(verb: str) -> Control:
    def press(batch: Batch) -> None:
        client = Client()
        client.force_login(
            User.objects.get_or_create(username="a", is_superuser=True, is_staff=True)[0]
        )
        address = reverse("admin:enrichment_batch_control", args=[batch.pk, verb])
        assert client.post(address, {"confirmed": "yes"}).status_code == 302

    return press


def switch_by_api(_batch: Batch) -> None:
    answer = caller("administrator").patch(
        "/api/v1/llm/settings", {"enabled": False}, format="json"
    )
    assert answer.status_code == 200, answer.content


def switch_by_sql(_batch: Batch) -> None:
    with connection.cursor() as cursor:
        cursor.execute("UPDATE llm_config SET enabled = false")


@pytest.fixture
def limited(provider: Any, simulator: Any, make_animals: Any) -> None:
    """A busy provider: few calls at a time are let in, and some have to be tried again."""
    Provider.objects.update(max_concurrency=AT_ONCE)
    LLMConfig.objects.update(concurrent_tasks=LANES)
    snapshot.expire()
    simulator.control(latency_ms=200)
    simulator.plan(faults_per_1000=100, kinds=["500"], seed=3)
    make_animals(ROWS)


def pressed_at_work(
    batch: Batch, press: Control, simulator: Any, *, again: Callable[[Batch], Batch]
) -> Batch:
    """Press it amid the work and look at what arrives from then on; gives the batch it was.

    Where the machine itself was late for a moment, it is pressed `again`, at most PRESSES times.
    """
    late = _lateness(batch, press, simulator)
    for _ in range(PRESSES - 1):
        if late <= HEARD_WITHIN:
            break
        batch = again(batch)
        late = _lateness(batch, press, simulator)
    assert late <= HEARD_WITHIN, f"The last request arrived {late:.1f} s later."
    batch.refresh_from_db()
    return batch


def _lateness(batch: Batch, press: Control, simulator: Any) -> float:
    """How many seconds after the press the last request arrived."""
    before = simulator.requests
    until(lambda: simulator.requests >= before + 4 * AT_ONCE)
    press(batch)
    pressed = time.time()
    until(lambda: time.time() > pressed + HEARD_WITHIN + 1.5)
    last = float(simulator.stats()["last_arrival"])
    until(lambda: not lifecycle.in_work(batch))
    return last - pressed


def begun(enrichment: str) -> Batch:
    batch = creation.create(enrichment, Selection(), write_size=25)
    tasks.start_lanes(batch)
    return batch


def begun_anew(batch: Batch) -> Batch:
    return begun(batch.enrichment)


def resumed(batch: Batch) -> Batch:
    LLMConfig.objects.update(enabled=True)
    by_api("resume")(batch)
    return batch


def test_two_seconds_after_pause_cancel_or_the_switch_no_request_arrives(
    limited, simulator, make_animals
):
    make_animals(MORE_ROWS)
    with worker(lanes=LANES, LLM_BATCH_CONCURRENT=str(IN_FLIGHT)):
        batch = begun("description_cleaning")
        for way in (by_command, by_api, by_admin):
            batch = pressed_at_work(batch, way("pause"), simulator, again=resumed)
            assert (batch.status, batch.status_reason) == ("paused", "Paused by a person.")
            way("resume")(batch)
        for switch in (switch_by_api, switch_by_sql):
            batch = pressed_at_work(batch, switch, simulator, again=resumed)
            assert batch.status == "paused"
            assert "switched off" in batch.status_reason
            resumed(batch)
        pressed_at_work(batch, by_api("cancel"), simulator, again=begun_anew)
        for way in (by_command, by_admin):
            batch = begun("dog_profiler")
            batch = pressed_at_work(batch, way("cancel"), simulator, again=begun_anew)
            assert batch.status == "cancelled"
    paid, results = simulator.stats()["paid"], EnrichmentResult.objects
    assert results.filter(state="failed").count() == 0
    assert paid == sum(progress_of(each.pk).calls for each in Batch.objects.all())
    assert results.count() <= GenerationMetric.objects.count()


def test_calls_that_waited_for_a_limit_when_their_worker_died_were_not_paid_twice(
    limited, simulator
):
    simulator.reset()
    simulator.control(latency_ms=300)
    Provider.objects.update(max_concurrency=10)
    LLMConfig.objects.update(concurrent_tasks=1)
    snapshot.expire()
    batch = creation.create("description_cleaning", Selection(limit=100), write_size=5)
    tasks.start_lanes(batch)
    with worker(LLM_BATCH_CONCURRENT="60"):
        until(lambda: progress_of(batch.pk).done >= 20)
        hold(simulator, batch, calls=10)
    until(lambda: not simulator.stats()["in_flight"])
    simulator.control(latency_ms=300)
    lost = simulator.stats()["paid"] - progress_of(batch.pk).calls
    # In flight, and what a slow machine hasn't written yet, by portions of 5; 50 more waited.
    assert 0 < lost <= 10 + 4 * 5
    BatchChunk.objects.filter(status="leased").update(leased_until="2000-01-01T00:00Z")
    until(lambda: run_lane(batch.pk) == "finished")
    at = progress_of(batch.pk)
    assert (at.status, at.done) == ("completed", 100)
    assert at.calls_repaid <= lost  # answers that had come were on disk
    assert simulator.stats()["paid"] == at.calls + at.calls_repaid


def test_a_small_batch_gets_its_share_beside_a_large_one(limited, simulator, settings):
    settings.LLM_ENVIRONMENT = {**settings.LLM_ENVIRONMENT, "LLM_BATCH_CONCURRENT": 60}
    simulator.reset()
    simulator.control(latency_ms=50)
    Provider.objects.update(max_concurrency=20)
    snapshot.expire()
    large = creation.create("description_cleaning", Selection(), write_size=10)
    small = creation.create("dog_profiler", Selection(limit=100), write_size=10)
    first = in_background(large.pk)
    until(lambda: progress_of(large.pk).done >= 100)
    before = progress_of(large.pk).done
    other = in_background(small.pk)
    until(lambda: progress_of(small.pk).done == 100)
    meanwhile = progress_of(large.pk).done - before
    assert other.result(30) == "finished"
    assert 0 < meanwhile <= 300
    lifecycle.cancel(large)
    first.result(30)


def test_calls_that_waited_in_a_stopped_worker_are_not_sent_when_it_wakes(limited, simulator):
    simulator.reset()
    simulator.control(latency_ms=300)
    Provider.objects.update(max_concurrency=10)
    snapshot.expire()
    batch = creation.create("description_cleaning", Selection(limit=100), write_size=5)
    tasks.start_lanes(batch)
    with worker(LLM_BATCH_CONCURRENT="60") as process:
        until(lambda: progress_of(batch.pk).done >= 20)
        os.killpg(process.pid, signal.SIGSTOP)
        until(lambda: not simulator.stats()["in_flight"])
        BatchChunk.objects.filter(status="leased").update(leased_until="2000-01-01T00:00Z")
        until(lambda: goes_on_without(batch.pk) == "finished")
        paid = simulator.stats()["paid"]
        os.killpg(process.pid, signal.SIGCONT)
        woken = time.monotonic()
        until(lambda: time.monotonic() > woken + 2)
    at = progress_of(batch.pk)
    assert (at.status, at.done) == ("completed", 100)
    assert simulator.stats()["paid"] == paid == at.calls + at.calls_repaid
