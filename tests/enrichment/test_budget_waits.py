"""A batch that a spent budget paused goes on by itself once the budget has room again."""

import datetime as dt
from decimal import Decimal

import pytest
from django.core.management import CommandError, call_command
from django.db.models import F
from django.urls import reverse

from enrichment import alerts, tasks
from enrichment.batches import creation, lifecycle
from enrichment.batches.creation import Selection
from enrichment.batches.progress import progress_of
from enrichment.engine.lanes import run_lane
from enrichment.models import Batch, BatchStatus
from llmconfig.configuration import snapshot
from llmconfig.models import Budget, BudgetPeriod, BudgetSpending, LLMConfig, NodeConfiguration

pytestmark = pytest.mark.django_db(transaction=True)


ROWS = 90


@pytest.fixture
def budget(provider, simulator, make_animals):
    """Room for some of the rows, and not for all."""
    simulator.control(output_tokens={"median": 100, "sigma": 0})
    NodeConfiguration.objects.update(default_max_tokens=110)
    make_animals(ROWS + 1)
    snapshot.expire()
    first = creation.create("description_cleaning", Selection(limit=1))
    run_lane(first.pk)
    gone = Budget.objects.create(name="gone", scope="everything", hard_limit_usd=1)
    gone.delete()  # so that a budget has another id than its line in the ledger
    made = Budget.objects.create(
        name="team",
        scope="everything",
        period=BudgetPeriod.DAY,
        hard_limit_usd=progress_of(first.pk).cost_usd * 40,
    )
    snapshot.expire()
    return made


@pytest.fixture
def paused(budget):
    """A batch that the budget paused."""
    batch = creation.create("description_cleaning", Selection())
    run_lane(batch.pk)
    batch.refresh_from_db()
    assert batch.status == BatchStatus.PAUSED
    assert 0 < progress_of(batch.pk).done < ROWS
    return batch


def revived(batch):
    """Its status after the reviver has looked."""
    tasks.revive_stalled_batches()
    batch.refresh_from_db()
    return batch.status


def raise_limit(budget):
    budget.hard_limit_usd = 5
    budget.save()
    snapshot.expire()


def test_it_goes_on_when_the_limit_is_raised(paused, budget):
    assert revived(paused) == BatchStatus.PAUSED  # nothing has changed, so nothing is tried
    assert "goes on by itself when the limit is raised" in paused.status_reason
    raise_limit(budget)
    assert revived(paused) == BatchStatus.PENDING
    run_lane(paused.pk)
    at = progress_of(paused.pk)
    assert (at.status, at.done, at.reason) == (BatchStatus.COMPLETED, ROWS, "")
    assert BudgetSpending.objects.get().spent_usd == at.cost_usd


def test_it_goes_on_in_the_next_period_and_says_when_that_is(paused, budget):
    tomorrow = dt.datetime.now(dt.UTC).date() + dt.timedelta(days=1)
    assert f"next period, from {tomorrow} 00:00 UTC on" in paused.status_reason
    BudgetSpending.objects.update(period_start=F("period_start") - dt.timedelta(days=1))
    assert revived(paused) == BatchStatus.PENDING


@pytest.mark.parametrize("change", [{"is_enabled": False}, {"hard_limit_usd": None}, None])
def test_a_budget_that_forbids_nothing_any_more_holds_up_nothing(paused, budget, change):
    if change is None:
        budget.delete()
    else:
        Budget.objects.update(soft_limit_usd=Decimal("0.001"), **change)
    assert revived(paused) == BatchStatus.PENDING


def test_one_that_a_person_keeps_paused_stays_so(paused, budget, admin_client):
    page = reverse("admin:enrichment_batch_change", args=[paused.pk])
    assert "Keep paused" in admin_client.get(page).content.decode()
    admin_client.post(reverse("admin:enrichment_batch_control", args=[paused.pk, "hold"]))
    assert "Keep paused" not in admin_client.get(page).content.decode()
    paused.refresh_from_db()
    assert paused.status_reason == lifecycle.BY_A_PERSON
    raise_limit(budget)
    assert revived(paused) == BatchStatus.PAUSED
    lifecycle.resume(paused)
    assert paused.status == BatchStatus.PENDING


def test_while_all_calls_are_off_it_stays_paused_with_its_reason(paused, budget):
    said = paused.status_reason
    LLMConfig.objects.update(enabled=False)
    raise_limit(budget)
    assert revived(paused) == BatchStatus.PAUSED
    assert paused.status_reason == said


def test_a_price_that_nobody_knows_waits_for_a_person(budget):
    NodeConfiguration.objects.update(default_model="sim/gpt-none", allow_unlisted_models=True)
    snapshot.expire()
    batch = creation.create("description_cleaning", Selection())
    run_lane(batch.pk)
    raise_limit(budget)
    assert revived(batch) == BatchStatus.PAUSED
    assert "no known price" in batch.status_reason
    assert "by itself" not in batch.status_reason


def test_the_command_tells_of_no_failed_rows_where_none_failed(paused):
    with pytest.raises(CommandError, match="is paused") as told:
        call_command("enrich_descriptions", "--inline", "--limit=1", "--force")
    assert "failed row" not in str(told.value)
    assert "The admin lists them" not in str(told.value)


def test_the_alert_says_that_nobody_needs_to_resume_it(paused):
    (told,) = alerts.paused()
    assert "goes on by itself" in told.text
    assert "somebody resumes it" not in told.text
    Batch.objects.update(awaits_budget=None, awaits_usd=None)
    (told,) = alerts.paused()
    assert told.text.endswith("It goes on when somebody resumes it.")
