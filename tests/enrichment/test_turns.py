"""Several batches, one provider's limits: each gets its share of the calls, by its priority."""

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connections

from enrichment.batches import creation, lifecycle
from enrichment.batches.creation import Selection, Terms
from enrichment.batches.progress import progress_of
from enrichment.engine import shift, turns
from enrichment.engine.lanes import LaneEnd, run_lane
from enrichment.models import Batch, EnrichmentResult
from llmconfig.configuration import snapshot
from llmconfig.models import LLMConfig

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def few_at_a_time(provider: Any, simulator: Any, settings: Any) -> None:
    """Lanes of four calls in flight, at a provider that takes 50 ms."""
    simulator.control(latency_ms=50)
    settings.LLM_ENVIRONMENT = {**settings.LLM_ENVIRONMENT, "LLM_BATCH_CONCURRENT": 4}
    LLMConfig.objects.filter(pk=1).update(concurrent_tasks=2)
    snapshot.expire()


@pytest.fixture
def patient_calls(provider: Any, settings: Any) -> None:
    """Calls that come again when they are told to, however late."""
    changed = {"LLM_RETRY_MAX_DELAY": 60, "LLM_COOLDOWN_FAILURES": 0}
    settings.LLM_ENVIRONMENT = {**settings.LLM_ENVIRONMENT, **changed}
    snapshot.expire()


@pytest.fixture
def patient(patient_calls: None, settings: Any) -> None:
    """Of those one in flight."""
    settings.LLM_ENVIRONMENT = {**settings.LLM_ENVIRONMENT, "LLM_BATCH_CONCURRENT": 1}
    snapshot.expire()


def batches_of(rows: list[Any], *priorities: int, size: int = 60) -> list[Batch]:
    return [
        creation.create(
            "description_cleaning",
            Selection(ids=[row.pk for row in rows[number * size : (number + 1) * size]]),
            terms=Terms(priority=priority),
            write_size=2,
        )
        for number, priority in enumerate(priorities)
    ]


def answered(batches: list[Batch]) -> list[int]:
    return [progress_of(each.pk).calls for each in batches]


def work_until(batches: list[Batch], calls: int, *, workers: int = 1) -> None:
    """Workers' shifts, until so many answers have come."""

    def works() -> None:
        try:
            while sum(answered(batches)) < calls:
                shift.work(batches[0].pk, seconds=0.5)
        finally:
            connections.close_all()

    if workers == 1:
        while sum(answered(batches)) < calls:
            shift.work(batches[0].pk, seconds=0.5)
        return
    with ThreadPoolExecutor(workers) as pool:
        for ended in [pool.submit(works) for _ in range(workers)]:
            ended.result()


def test_batches_share_two_workers_by_the_weight_of_their_priorities(
    few_at_a_time, simulator, make_animals
):
    batches = batches_of(make_animals(640), 5, 0, 0, -5, size=160)
    work_until(batches, 110, workers=2)
    got = answered(batches)
    assert max(got) < 160, "A batch that has ended no longer takes its share."
    weights = [turns.weight_of(each.priority) for each in batches]
    for calls, weight in zip(got, weights, strict=True):
        assert abs(calls - sum(got) * weight / sum(weights)) <= 3 * 4, got
    assert got[0] > got[1] > got[3] > 0


def test_who_joins_late_or_was_paused_catches_up_for_no_time_before(
    few_at_a_time, simulator, make_animals
):
    rows = make_animals(480)
    early, paused = batches_of(rows, 0, 0, size=240)
    late = creation.create("translation", Selection(variants=("es",)), write_size=2)
    lifecycle.pause(late)
    lifecycle.pause(paused)
    work_until([early], 60)
    lifecycle.resume(paused)
    lifecycle.resume(late)
    before = answered([early, paused, late])
    assert before[1:] == [0, 0]
    work_until([early, paused, late], 60 + 48)
    got = [now - then for now, then in zip(answered([early, paused, late]), before, strict=True)]
    assert max(got) - min(got) <= 3 * 4, got
    assert min(got) > 0


def test_a_batch_that_is_always_sent_away_does_not_keep_the_worker(
    patient, simulator, make_animals
):
    """It is served nothing, and of more weight; yet the other one gets its turns."""
    sent_away, other = batches_of(make_animals(80), 5, 0, size=40)
    simulator.plan(
        *(
            {"text": f"Dog {number} likes", "action": {"status": 429, "retry_after": 1.2}}
            for number in range(40)
        )
    )
    work_until([other], 3)
    assert progress_of(sent_away.pk).done == 0
    assert progress_of(other.pk).calls >= 3


def test_a_row_in_a_long_pause_holds_no_place(patient, simulator, make_animals):
    """With one call in flight at most, the others go on while the first waits as it was told."""
    rows = make_animals(12)
    simulator.plan({"text": "Dog 0 likes", "times": 1, "action": {"status": 429, "retry_after": 3}})
    batch = creation.create("description_cleaning", Selection(), write_size=1)
    run_lane(batch.pk)
    assert progress_of(batch.pk).done == 12
    order = list(EnrichmentResult.objects.order_by("id").values_list("row_id", flat=True))
    assert order.index(str(rows[0].pk)) > 3


def test_a_lane_whose_time_is_over_keeps_no_worker_for_a_row_in_a_long_pause(
    patient_calls, simulator, make_animals
):
    """Timers wait behind lanes: those that tell of an outage, too."""
    make_animals(3)
    simulator.plan(
        {"text": "Dog 0 likes", "times": 1, "action": {"status": 429, "retry_after": 45}}
    )
    batch = creation.create("description_cleaning", Selection(), write_size=1)
    began = time.monotonic()
    run_lane(batch.pk, seconds=1)
    assert time.monotonic() - began < 35
    at = progress_of(batch.pk)
    assert (at.done, at.failed) == (2, 0)


def test_a_row_in_a_later_long_pause_does_not_keep_the_worker(
    few_at_a_time, patient_calls, simulator, make_animals
):
    """It goes back to its chunk once; the next time it is seen to its end."""
    rows = make_animals(20)
    sent_away, _ = batches_of(rows, 0, 0, size=10)
    sent_away_row = "Dog 0 likes"
    simulator.plan(
        {"text": sent_away_row, "times": 1, "action": {"status": 429, "retry_after": 1}},
        {"text": sent_away_row, "times": 1, "action": {"status": 429, "retry_after": 8}},
    )
    assert run_lane(sent_away.pk, yields=True) == LaneEnd.WAITING
    at = progress_of(sent_away.pk)
    assert 0 < at.done < 10
    assert (at.failed, at.waiting) == (0, 0)
    assert run_lane(sent_away.pk) == LaneEnd.FINISHED
    at = progress_of(sent_away.pk)
    assert (at.done, at.calls, at.calls_repaid) == (10, 10, 0)
