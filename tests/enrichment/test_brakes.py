"""What stops a batch by itself: its cap on cost, and its error budget; and what goes first."""

import fcntl
import os
import resource
import sys
from decimal import Decimal
from typing import Any

import pytest
from django.core.management import CommandError, call_command, load_command_class
from django.urls import reverse
from django.utils.html import escape

from enrichment.batches import creation, lifecycle
from enrichment.batches.creation import Selection, Terms
from enrichment.batches.progress import progress_of
from enrichment.engine.lanes import run_lane
from enrichment.engine.reaper import lanes_to_queue
from enrichment.engine.stop_conditions import Brakes
from enrichment.errors import BadSelection, NotAllowedNow
from enrichment.models import Batch, BatchStatus
from llmconfig.configuration import snapshot
from llmconfig.models import (
    Budget,
    BudgetPeriod,
    BudgetScope,
    BudgetSpending,
    LLMConfig,
    ModelPrice,
    NodeConfiguration,
)
from tests.api import caller

pytestmark = pytest.mark.django_db(transaction=True)

IN_FLIGHT = 10  # LLM_BATCH_CONCURRENT's default
WRITE_SIZE = 5


@pytest.fixture
def one_round(provider):
    LLMConfig.objects.filter(pk=1).update(max_retries=0, concurrent_tasks=1)
    snapshot.expire()


@pytest.fixture
def capped(one_round, simulator, make_animals):
    """A batch of 300 rows that may cost as much as 40 of them, after it ran into that cap."""
    simulator.control(output_tokens={"median": 100, "sigma": 0})
    make_animals(301)
    run_lane(creation.create("description_cleaning", Selection(limit=1)).pk)
    each = progress_of(Batch.objects.get().pk).cost_usd
    assert each is not None
    batch = creation.create(
        "description_cleaning", Selection(), terms=Terms(max_cost_usd=each * 40)
    )
    run_lane(batch.pk)
    batch.refresh_from_db()
    return batch


def test_a_cap_pauses_its_batch_with_the_reason_and_holds_what_is_in_flight(capped, simulator):
    at = progress_of(capped.pk)
    assert at.status == BatchStatus.PAUSED
    assert "cap" in at.reason
    assert "spent" in at.reason
    assert 36 <= at.done <= 42  # the rows' texts differ a little
    assert simulator.stats()["paid"] == at.calls + 1


def test_a_spent_cap_lets_nobody_resume_without_a_higher_one(capped, simulator):
    with pytest.raises(NotAllowedNow, match="higher"):
        lifecycle.resume(capped)
    assert capped.status == BatchStatus.PAUSED
    with pytest.raises(CommandError, match="higher"):
        call_command("llm_batch", "resume", str(capped.pk))
    operator = caller("operator")
    address = f"/api/llm/batches/{capped.pk}/resume"
    assert operator.post(address, format="json").status_code == 409
    answer = operator.post(address, {"max_cost_usd": "1000"}, format="json")
    assert answer.status_code == 200, answer.content
    assert answer.json()["max_cost_usd"] == "1000.0000000000"
    run_lane(capped.pk)
    assert progress_of(capped.pk).done == 300


def test_a_lane_that_outlives_the_pause_goes_by_the_cap_that_its_batch_was_resumed_with(capped):
    of_a_lane_that_ends = Brakes(Batch.objects.get(pk=capped.pk))
    cap = capped.max_cost_usd
    assert "is spent" in of_a_lane_that_ends.reason([])
    lifecycle.resume(capped, max_cost_usd=cap * 10)
    of_a_lane_that_ends.look_at = 0.0  # a second later
    assert of_a_lane_that_ends.reason([]) == ""
    room = of_a_lane_that_ends.room()
    assert room is not None
    assert room > 100


def test_a_cap_can_not_be_kept_where_a_price_is_unknown_until_one_is_entered(
    one_round, simulator, make_animals
):
    make_animals(100)
    price = ModelPrice.objects.get()
    ModelPrice.objects.all().delete()
    snapshot.expire()
    batch = creation.create("description_cleaning", Selection(), terms=Terms(Decimal(5)))
    run_lane(batch.pk)
    batch.refresh_from_db()
    assert batch.status == BatchStatus.PAUSED
    assert "unknown" in batch.status_reason
    assert progress_of(batch.pk).done <= 2 * IN_FLIGHT + 2 * WRITE_SIZE
    price.save(force_insert=True)
    snapshot.expire()
    lifecycle.resume(batch)
    run_lane(batch.pk)
    assert progress_of(batch.pk).done == 100


def test_a_batch_pauses_when_more_than_its_share_of_rows_fails_and_counts_anew_when_resumed(
    one_round, simulator, make_animals
):
    make_animals(300)
    simulator.fail(status=400)
    batch = creation.create("description_cleaning", Selection())
    run_lane(batch.pk)
    at = progress_of(batch.pk)
    assert at.status == BatchStatus.PAUSED
    assert "LLM_BATCH_ERROR_BUDGET" in at.reason
    assert "http_400" in at.reason
    assert 50 <= at.failed <= 50 + IN_FLIGHT + 2 * WRITE_SIZE
    simulator.reset()
    batch.refresh_from_db()
    lifecycle.resume(batch)
    run_lane(batch.pk)
    again = progress_of(batch.pk)
    assert (again.status, again.failed) == ("completed", at.failed)
    assert again.done == 300 - at.failed


def test_failures_that_wait_for_a_later_round_count_as_well(
    provider, simulator, make_animals, settings
):
    settings.LLM_ENVIRONMENT = {**settings.LLM_ENVIRONMENT, "LLM_COOLDOWN_FAILURES": 0}
    LLMConfig.objects.filter(pk=1).update(max_retries=3, retry_delay=300)
    snapshot.expire()
    make_animals(200)
    simulator.fail(status=500)
    batch = creation.create("description_cleaning", Selection())
    run_lane(batch.pk)
    at = progress_of(batch.pk)
    assert (at.status, at.failed) == ("paused", 0)
    assert simulator.stats()["distinct"] < 120


def test_a_cause_that_comes_late_is_not_outweighed_by_what_went_well(
    one_round, simulator, make_animals
):
    make_animals(900)
    simulator.plan(*[{"text": f"Dog {n}", "action": {"status": 400}} for n in (5, 6, 7, 8)])
    batch = creation.create("description_cleaning", Selection())
    run_lane(batch.pk)
    at = progress_of(batch.pk)
    assert at.status == BatchStatus.PAUSED
    assert at.failed / (at.done + at.failed) < 0.5
    assert at.done >= 400


def test_the_share_is_a_setting(one_round, simulator, make_animals, settings):
    settings.LLM_ENVIRONMENT = {**settings.LLM_ENVIRONMENT, "LLM_BATCH_ERROR_BUDGET": 1.0}
    make_animals(120)
    simulator.fail(status=400)
    batch = creation.create("description_cleaning", Selection())
    run_lane(batch.pk)
    at = progress_of(batch.pk)
    assert (at.status, at.failed) == ("completed", 120)


def test_lanes_of_a_higher_priority_are_queued_first(provider, make_animals):
    make_animals(3)
    low, middle, high = (
        creation.create(
            "description_cleaning", Selection(force=True), terms=Terms(priority=priority)
        )
        for priority in (-5, 0, 5)
    )
    assert list(lanes_to_queue()) == [high.pk, middle.pk, low.pk]


@pytest.mark.parametrize(
    ("terms", "field"),
    [
        (Terms(max_cost_usd=Decimal(0)), "max_cost_usd"),
        (Terms(max_cost_usd=Decimal(10**9)), "max_cost_usd"),
        (Terms(priority=101), "priority"),
    ],
)
def test_terms_that_make_no_sense_are_refused_by_name(provider, make_animals, terms, field):
    make_animals(1)
    with pytest.raises(BadSelection, match=field):
        creation.create("description_cleaning", Selection(), terms=terms)


def test_command_and_api_take_the_terms(provider, make_animals):
    make_animals(2)
    call_command("enrich_descriptions", "--inline", "--json", "--max-cost", "$2.50", "--priority=3")
    body = {"processing_type": "dog_profiler", "max_cost_usd": "0.75", "priority": 7}
    answer = caller("operator").post("/api/llm/batches", body, format="json")
    assert answer.status_code == 202, answer.content
    found = set(Batch.objects.values_list("max_cost_usd", "priority"))
    assert found == {(Decimal("2.5"), 3), (Decimal("0.75"), 7)}
    with pytest.raises(CommandError, match="max-cost"):
        call_command("enrich_descriptions", "--max-cost", "much")


@pytest.mark.parametrize(
    ("flags", "told"),
    [
        (["--inline", "--detach"], "--detach waits for none: drop one"),
        (["--within", "3"], "--within is for --transport auto"),
        (["--within", "3", "--transport", "live", "--dry-run"], "--within is for"),
    ],
)
def test_flags_that_would_be_ignored_are_refused(provider, make_animals, flags, told):
    make_animals(1)
    with pytest.raises(CommandError, match=told):
        call_command("enrich_descriptions", *flags)
    assert not Batch.objects.exists()


def test_a_typed_s_pauses_also_where_the_terminal_is_a_high_file_descriptor(
    provider, make_animals, monkeypatch
):
    make_animals(1)
    batch = creation.create("description_cleaning", Selection())
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, 4096)), hard))
    ours, theirs = os.openpty()
    high = fcntl.fcntl(theirs, fcntl.F_DUPFD, 1024)
    os.close(theirs)
    command: Any = load_command_class("enrichment.listings", "enrich_descriptions")
    try:
        with os.fdopen(high) as terminal:
            monkeypatch.setattr(sys, "stdin", terminal)
            command._pause_if_asked(batch)
            batch.refresh_from_db()
            assert batch.status == "pending"
            os.write(ours, b"s\n")
            command._pause_if_asked(batch)
    finally:
        os.close(ours)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    batch.refresh_from_db()
    assert batch.status == "paused"


def test_a_spent_budget_pauses_the_batch_with_its_name_until_it_is_raised(
    one_round, simulator, make_animals, admin_client
):
    simulator.control(output_tokens={"median": 100, "sigma": 0})
    NodeConfiguration.objects.update(default_max_tokens=110)  # or one call's worst case is $0.04
    snapshot.expire()
    make_animals(121)
    run_lane(creation.create("description_cleaning", Selection(limit=1)).pk)
    each = progress_of(Batch.objects.get().pk).cost_usd
    assert each is not None
    batch = creation.create("description_cleaning", Selection())
    budget = Budget.objects.create(
        name="this batch",
        scope=BudgetScope.BATCH,
        scope_value=str(batch.pk),
        period=BudgetPeriod.TOTAL,
        hard_limit_usd=each * 40,
    )
    snapshot.expire()
    run_lane(batch.pk)
    at = progress_of(batch.pk)
    assert at.status == BatchStatus.PAUSED
    assert "this batch" in at.reason
    page = admin_client.get(reverse("admin:enrichment_batch_change", args=[batch.pk]))
    assert escape(at.reason) in page.content.decode()
    spent = BudgetSpending.objects.get(budget=budget).spent_usd
    assert each * 20 < spent <= each * 40
    assert spent == at.cost_usd
    assert (at.failed, simulator.stats()["paid"]) == (0, at.calls + 1)
    assert not lanes_to_queue()  # nothing goes on by itself
    budget.hard_limit_usd = each * 400
    budget.save()
    snapshot.expire()
    lifecycle.resume(batch)
    run_lane(batch.pk)
    at = progress_of(batch.pk)
    assert (at.status, at.done) == (BatchStatus.COMPLETED, 120)
    assert BudgetSpending.objects.get(budget=budget).spent_usd == at.cost_usd
