"""Batches at the provider, killed at every step: each result applied and paid for once."""

import datetime as dt
import time
from decimal import Decimal
from uuid import uuid4

import pytest
from django.core.management import call_command
from django.db.models import Sum
from django.utils import timezone

from enrichment.batches import creation, lifecycle
from enrichment.batches.creation import Selection, Terms
from enrichment.batches.progress import progress_of
from enrichment.engine import submissions
from enrichment.errors import BadSelection
from enrichment.listings.models import Animal
from enrichment.models import Batch, EnrichmentResult, ProviderBatchSubmission
from llmconfig.configuration import snapshot
from llmconfig.models import Budget, BudgetHold, BudgetSpending
from metrics.analyzers.reprice import reprice
from metrics.models import GenerationMetric
from tests.api import caller
from tests.enrichment.provider_batches import AT_ONCE, AT_PROVIDER, until_completed

pytestmark = pytest.mark.django_db(transaction=True)
STEPS = ("intended", "submitted", "noted", "ended", "read", "written", "applied")
ROWS = 6


class Killed(BaseException):
    """The process dies here."""


def kill_at(wanted: str) -> bool:
    """Advance until that step is reached and die there; tells whether it was."""

    def step(done: str) -> None:
        if done == wanted:
            raise Killed

    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        try:
            submissions.advance(step=step, settle=AT_ONCE)
        except Killed:
            return True
        time.sleep(0.05)
    return False


@pytest.mark.parametrize("killed_at", STEPS)
def test_a_death_at_any_step_applies_and_pays_each_result_once(
    vendor, simulator, make_animals, killed_at
):
    make_animals(ROWS)
    batch = creation.create("description_cleaning", Selection(), terms=AT_PROVIDER)
    assert kill_at(killed_at)
    until_completed(batch)
    at = progress_of(batch.pk)
    assert (at.done, at.failed, at.calls) == (ROWS, 0, ROWS)
    assert simulator.stats()["paid"] == ROWS
    assert EnrichmentResult.objects.count() == GenerationMetric.objects.count() == ROWS
    assert Animal.objects.filter(enriched_description__contains="[sim:").count() == ROWS
    assert at.cost_usd == GenerationMetric.objects.aggregate(Sum("cost_usd"))["cost_usd__sum"]
    assert ProviderBatchSubmission.objects.count() == 1


def test_an_intention_is_left_alone_while_its_request_may_be_on_its_way(
    vendor, simulator, make_animals
):
    make_animals(ROWS)
    creation.create("description_cleaning", Selection(), terms=AT_PROVIDER)
    assert kill_at("intended")
    submissions.advance()
    assert ProviderBatchSubmission.objects.get().state == "intended"
    assert simulator.requests == 0


def test_an_intention_of_a_cancelled_batch_is_never_handed_over(vendor, simulator, make_animals):
    make_animals(ROWS)
    batch = creation.create("description_cleaning", Selection(), terms=AT_PROVIDER)
    assert kill_at("intended")
    lifecycle.cancel(batch)
    submissions.advance(settle=AT_ONCE)
    assert ProviderBatchSubmission.objects.get().state == "failed"
    assert simulator.stats()["paid"] == 0


def test_what_a_provider_refuses_goes_live(vendor, simulator, make_animals):
    make_animals(ROWS)
    simulator.plan(
        {"path": "/v1/files*", "action": {"status": 403}},
        {"path": "/v1/messages/batches*", "action": {"status": 403}},
    )
    batch = creation.create("description_cleaning", Selection(), terms=AT_PROVIDER)
    until_completed(batch)
    assert progress_of(batch.pk).done == ROWS
    submission = ProviderBatchSubmission.objects.get()
    assert (submission.state, submission.external_id) == ("failed", "")
    assert "403" in submission.detail


def test_a_result_costs_half_of_a_live_one(vendor, make_animals):
    make_animals(ROWS)
    until_completed(creation.create("description_cleaning", Selection(), terms=AT_PROVIDER))
    call = GenerationMetric.objects.first()
    live = (call.tokens_input * Decimal(1) + call.tokens_output * Decimal(10)) / 1_000_000
    assert call.cost_usd == live / 2
    now = timezone.now()
    assert reprice(since=now - dt.timedelta(hours=1), until=now, dry_run=True).models == []


def test_what_expires_at_the_provider_is_done_live(vendor, simulator, make_animals):
    simulator.control(batch_ms=50, batch_expire_at=0.5)
    make_animals(ROWS)
    batch = creation.create("description_cleaning", Selection(), terms=AT_PROVIDER)
    until_completed(batch)
    at = progress_of(batch.pk)
    assert (at.done, at.calls) == (ROWS, ROWS)
    assert simulator.stats()["paid"] == ROWS
    costs = set(GenerationMetric.objects.values_list("cost_usd", flat=True))
    assert len(costs) > 1  # half and whole price


def test_what_fails_at_the_provider_is_tried_live(vendor, simulator, make_animals):
    make_animals(ROWS)
    simulator.plan({"text": "Dog 3 likes", "times": 1, "action": {"status": 500}})
    batch = creation.create("description_cleaning", Selection(), terms=AT_PROVIDER)
    until_completed(batch)
    assert progress_of(batch.pk).done == ROWS


def test_a_row_that_changes_meanwhile_is_paid_and_done_again(vendor, simulator, make_animals):
    rows = make_animals(ROWS)
    batch = creation.create("description_cleaning", Selection(), terms=AT_PROVIDER)
    assert kill_at("ended")
    Animal.objects.filter(pk=rows[2].pk).update(description="Now she is calm and plays ball.")
    until_completed(batch)
    at = progress_of(batch.pk)
    assert (at.done, at.failed, at.calls) == (ROWS, 0, ROWS + 1)
    changed = Animal.objects.get(pk=rows[2].pk)
    assert "calm" in str(changed.enriched_description)


def test_cancelling_cancels_at_the_provider(vendor, simulator, make_animals):
    simulator.control(batch_ms=60_000)
    make_animals(ROWS)
    batch = creation.create("description_cleaning", Selection(), terms=AT_PROVIDER)
    submissions.advance()
    lifecycle.cancel(batch)
    deadline = time.monotonic() + 120
    while ProviderBatchSubmission.objects.get().state != "applied":
        assert time.monotonic() < deadline
        submissions.advance()
        time.sleep(0.05)
    assert (progress_of(batch.pk).status, simulator.stats()["paid"]) == ("cancelled", 0)


def test_command_and_api_choose_the_transport(vendor, make_animals):
    make_animals(2)
    call_command("generate_profiles", "--detach", "--transport", "provider_batch")
    body = {"processing_type": "description_cleaning", "transport": "auto", "within_hours": 30}
    answer = caller("operator").post("/api/llm/batches", body, format="json")
    assert answer.status_code == 202, answer.content
    assert answer.json()["transport"] == "provider_batch"
    assert set(Batch.objects.values_list("transport", flat=True)) == {"provider_batch"}


def test_auto_takes_the_saving_unless_time_speaks_against_it(vendor, make_animals):
    make_animals(1)

    def transport(**terms) -> str:
        made = creation.create("description_cleaning", Selection(), terms=Terms(**terms))
        return made.transport

    assert transport(transport="auto") == "provider_batch"
    assert transport(transport="auto", within_hours=12) == "live"
    assert transport(transport="auto", max_cost_usd=Decimal(1)) == "provider_batch"
    with pytest.raises(BadSelection, match="transport"):
        transport(transport="pigeon")


def budget(limit: str, **where) -> Budget:
    made = Budget.objects.create(name="Night runs", hard_limit_usd=Decimal(limit), **where)
    snapshot.expire()
    return made


def cost() -> Decimal:
    return sum(
        (
            cost or Decimal(0)
            for cost in GenerationMetric.objects.values_list("cost_usd", flat=True)
        ),
        Decimal(0),
    )


@pytest.mark.parametrize("killed_at", ["intended", "submitted", "written", "applied"])
def test_a_budget_holds_the_worst_case_and_counts_the_true_cost_once(
    vendor, make_animals, killed_at
):
    make_animals(ROWS)
    limit = budget("5")
    batch = creation.create("description_cleaning", Selection(), terms=AT_PROVIDER)
    assert kill_at(killed_at)
    if killed_at != "applied":
        held = BudgetHold.objects.get()
        assert 0 < held.held_usd < 5
        assert not BudgetSpending.objects.exclude(spent_usd=0).exists()
    until_completed(batch)
    assert not BudgetHold.objects.exists()
    assert limit.spending.get().spent_usd == cost() > 0


def test_a_budget_without_room_pauses_before_anything_is_handed_over(
    vendor, simulator, make_animals
):
    make_animals(ROWS)
    budget("0.000001")
    batch = creation.create("description_cleaning", Selection(), terms=AT_PROVIDER)
    submissions.advance()
    batch.refresh_from_db()
    assert (batch.status, ProviderBatchSubmission.objects.count()) == ("paused", 0)
    assert batch.status_reason.startswith("The budget “Night runs” has spent $0.0000")
    assert not BudgetHold.objects.exists()
    assert simulator.stats()["paid"] == 0
    Budget.objects.update(hard_limit_usd=5)
    snapshot.expire()
    lifecycle.resume(batch)
    until_completed(batch)
    assert EnrichmentResult.objects.filter(state="applied").count() == ROWS


def test_what_others_hold_makes_a_batch_wait_and_not_pause(vendor, make_animals):
    make_animals(ROWS)
    limit = budget("1")
    line = limit.spending.create(period_start=timezone.now().date().replace(day=1))
    other = line.holds.create(
        holder=uuid4(), held_usd=Decimal(1), expires_at=timezone.now() + dt.timedelta(hours=1)
    )
    batch = creation.create("description_cleaning", Selection(), terms=AT_PROVIDER)
    submissions.advance()
    assert not ProviderBatchSubmission.objects.exists()
    assert progress_of(batch.pk).status == "running"
    other.delete()
    until_completed(batch)
    assert limit.spending.get().spent_usd == cost()
