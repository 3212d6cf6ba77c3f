"""How providers' batches end: gone, overdue, turned away, too dear; each alone, and told."""

import datetime as dt
import time
from decimal import Decimal
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone

from enrichment.batches import creation, lifecycle
from enrichment.batches.creation import Selection, Terms
from enrichment.batches.progress import progress_of
from enrichment.engine import submissions
from enrichment.listings.models import Animal
from enrichment.models import Batch, ProviderBatchSubmission
from llmconfig.configuration import snapshot
from llmconfig.models import Budget, BudgetHold
from metrics.models import GenerationMetric
from tests.enrichment.provider_batches import AT_ONCE, AT_PROVIDER, HELD_MS, until, until_completed

pytestmark = pytest.mark.django_db(transaction=True)
ROWS = 6
HALF = {"attempts__contains": [{"batch_price": True}]}


def capped(cap: str) -> Terms:
    return Terms(transport="provider_batch", max_cost_usd=Decimal(cap))


def away(status: int) -> tuple[dict[str, Any], dict[str, Any]]:
    """Rules by which neither vendor has the batch any more."""
    return (
        {"path": "/v1/batches/*", "action": {"status": status}},
        {"path": "/v1/messages/batches/*", "action": {"status": status}},
    )


def handed_over(make_animals, simulator) -> Batch:
    """A batch that its provider works on for minutes, with its cost held in a budget."""
    simulator.control(batch_ms=600_000)
    Budget.objects.create(name="Nights", hard_limit_usd=Decimal(5))
    snapshot.expire()
    make_animals(ROWS)
    batch = creation.create("description_cleaning", Selection(), terms=AT_PROVIDER)
    submissions.advance()
    assert ProviderBatchSubmission.objects.get().state == "submitted"
    assert BudgetHold.objects.exists()
    return batch


@pytest.mark.parametrize("status", [404, 410])
def test_a_batch_that_its_provider_lost_asks_before_its_rows_are_paid_again(
    vendor, simulator, make_animals, status
):
    batch = handed_over(make_animals, simulator)
    simulator.plan(*away(status))
    submissions.advance(settle=AT_ONCE)
    at = progress_of(batch.pk)
    assert at.status == "paused"
    assert "6 rows go on one by one, at the full price" in at.reason
    assert "may have billed them already" in at.reason
    assert ProviderBatchSubmission.objects.get().state == "failed"
    assert not BudgetHold.objects.exists()
    lifecycle.resume(batch)
    until_completed(batch)
    assert progress_of(batch.pk).done == ROWS
    assert not GenerationMetric.objects.filter(**HALF).exists()


@pytest.mark.parametrize("status", [404, 410])
def test_a_lost_batch_that_is_being_cancelled_ends_and_holds_nothing(
    vendor, simulator, make_animals, status
):
    batch = handed_over(make_animals, simulator)
    lifecycle.cancel(batch)
    simulator.plan(*away(status))
    submissions.advance(settle=AT_ONCE)
    assert ProviderBatchSubmission.objects.get().state == "failed"
    assert not BudgetHold.objects.exists()
    assert progress_of(batch.pk).status == "cancelled"


def test_a_provider_that_does_not_know_a_young_batch_is_asked_again(
    vendor, simulator, make_animals
):
    handed_over(make_animals, simulator)
    simulator.plan(*away(404))
    submissions.advance()
    submission = ProviderBatchSubmission.objects.get()
    assert submission.state == "submitted"
    assert submission.detail.startswith("It waits for the provider:")
    simulator.plan()
    submissions.advance()
    assert ProviderBatchSubmission.objects.get().detail == ""


@pytest.mark.parametrize("cancelled", [False, True])
@pytest.mark.parametrize("answers", [200, 503])
def test_two_days_are_the_end_whatever_the_provider_says(
    vendor, simulator, make_animals, cancelled, answers
):
    batch = handed_over(make_animals, simulator)
    if cancelled:
        lifecycle.cancel(batch)
    if answers != 200:
        simulator.plan(*away(answers))
    ProviderBatchSubmission.objects.update(created_at=timezone.now() - dt.timedelta(hours=49))
    submissions.advance(settle=AT_ONCE)
    submission = ProviderBatchSubmission.objects.get()
    assert submission.state == "failed"
    assert "48 hours" in submission.detail
    assert not BudgetHold.objects.exists()
    assert progress_of(batch.pk).status == ("cancelled" if cancelled else "paused")


def test_what_was_answered_before_a_cancellation_is_written(vendor, simulator, make_animals):
    make_animals(ROWS)
    simulator.control(batch_ms=600)
    batch = creation.create("description_cleaning", Selection(), terms=AT_PROVIDER)
    submissions.advance()
    deadline = time.monotonic() + 120
    while not simulator.stats()["paid"]:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    lifecycle.cancel(batch)
    while ProviderBatchSubmission.objects.get().state != "applied":
        assert time.monotonic() < deadline
        submissions.advance()
        time.sleep(0.05)
    paid = simulator.stats()["paid"]
    at = progress_of(batch.pk)
    assert (at.status, at.done, at.calls) == ("cancelled", paid, paid)


def test_one_broken_submission_holds_up_no_other(vendor, simulator, make_animals):
    make_animals(ROWS)
    simulator.control(batch_ms=HELD_MS)
    broken = creation.create("description_cleaning", Selection(), terms=AT_PROVIDER)
    submissions.advance()
    ProviderBatchSubmission.objects.update(rows=[7], created_at=timezone.now())
    simulator.control(batch_ms=50)
    good = creation.create("translation", Selection(variants=("es",)), terms=AT_PROVIDER)
    until_completed(good)
    assert progress_of(good.pk).done == ROWS
    stuck = ProviderBatchSubmission.objects.get(chunk__batch=broken)
    while not stuck.detail:  # its own comes later: the provider works on it for longer
        submissions.advance(settle=AT_ONCE)
        stuck.refresh_from_db()
    assert "an error of Nodewise's: TypeError" in stuck.detail


def test_chunks_that_found_the_queue_full_are_handed_over_again(vendor, simulator, make_animals):
    simulator.control(batch_ms=HELD_MS, batch_queue=1)
    make_animals(45)
    batch = creation.create("description_cleaning", Selection(), terms=AT_PROVIDER)
    submissions.advance(settle=AT_ONCE)
    simulator.control(batch_ms=100)
    until_completed(batch)
    assert progress_of(batch.pk).done == simulator.stats()["paid"] == 45
    assert GenerationMetric.objects.filter(**HALF).count() == 45
    if vendor.provider_type == "openai":
        turned_away = ProviderBatchSubmission.objects.filter(state="repeated")
        assert turned_away.exists()
        assert all("queue was full" in each.detail for each in turned_away)


@pytest.mark.parametrize("vendor", ["openai"], indirect=True)
def test_a_full_queue_is_left_alone_for_longer_and_longer(vendor, simulator, make_animals):
    simulator.control(batch_ms=60, batch_queue=0)
    make_animals(ROWS)
    batch = creation.create("description_cleaning", Selection(), terms=AT_PROVIDER)
    deadline = time.monotonic() + 120
    while not ProviderBatchSubmission.objects.filter(state="repeated").exists():
        assert time.monotonic() < deadline
        submissions.advance()
        time.sleep(0.05)
    submissions.advance()
    assert ProviderBatchSubmission.objects.count() == 1
    wait = batch.chunks.get().due_at - timezone.now()
    assert dt.timedelta(seconds=50) < wait <= dt.timedelta(seconds=60)


def test_a_cap_bounds_what_is_left_to_the_provider(vendor, simulator, make_animals):
    make_animals(ROWS)
    simulator.control(batch_ms=HELD_MS)
    batch = creation.create("description_cleaning", Selection(), terms=capped("0.05"))
    submissions.advance()
    first = ProviderBatchSubmission.objects.get()
    simulator.control(batch_ms=50)
    assert 0 < first.held_usd <= Decimal("0.05")
    assert 0 < len(first.rows) < ROWS
    until_completed(batch)
    at = progress_of(batch.pk)
    assert (at.done, at.calls) == (ROWS, ROWS)
    assert at.cost_usd < Decimal("0.05")
    assert GenerationMetric.objects.filter(**HALF).count() == ROWS


def test_a_cap_without_room_for_a_row_pauses_before_anything_is_handed_over(
    vendor, simulator, make_animals
):
    make_animals(ROWS)
    batch = creation.create("description_cleaning", Selection(), terms=capped("0.0001"))
    submissions.advance()
    at = progress_of(batch.pk)
    assert at.status == "paused"
    assert "its cap of $0.0001 has $0.0001 left" in at.reason
    assert not ProviderBatchSubmission.objects.exists()
    assert simulator.stats()["paid"] == 0
    lifecycle.resume(batch, max_cost_usd=Decimal(5))
    until_completed(batch)
    assert progress_of(batch.pk).done == ROWS


@pytest.mark.parametrize("limit", ["cap", "budget"])
def test_the_full_price_is_asked_for_where_it_could_pass_a_limit(
    vendor, simulator, make_animals, limit
):
    simulator.plan({"text": "likes", "times": ROWS, "action": {"status": 500}})
    make_animals(ROWS)
    simulator.control(batch_ms=HELD_MS)
    probe = creation.create("description_cleaning", Selection(), terms=capped("500"))
    submissions.advance()
    held = ProviderBatchSubmission.objects.get().held_usd
    bound = held * Decimal("1.5")  # room for all rows at half the price, not at the full one
    if limit == "cap":
        Batch.objects.filter(pk=probe.pk).update(max_cost_usd=bound)
    else:
        Budget.objects.create(name="Nights", hard_limit_usd=bound)
        snapshot.expire()
    simulator.control(batch_ms=50)
    until(probe, "paused")
    at = progress_of(probe.pk)
    assert "at the full price" in at.reason
    assert ("cap of" if limit == "cap" else "The budget “Nights”") in at.reason
    assert (at.calls, simulator.stats()["paid"]) == (0, 0)
    if limit == "budget":
        Budget.objects.update(hard_limit_usd=5)
        snapshot.expire()
    lifecycle.resume(probe, max_cost_usd=Decimal(500))
    until_completed(probe)
    assert progress_of(probe.pk).done == ROWS


def test_a_cap_needs_a_known_price(vendor, simulator, make_animals):
    make_animals(2)
    batch = creation.create("description_cleaning", Selection(), terms=capped("1"))
    vendor.models.get(model_id="gpt-4o-mini").prices.all().delete()
    snapshot.expire()
    submissions.advance()
    at = progress_of(batch.pk)
    assert at.status == "paused"
    assert "the price of gpt-4o-mini is unknown" in at.reason
    assert simulator.stats()["paid"] == 0


def test_answers_of_unknown_cost_use_up_a_cap(vendor, simulator, make_animals):
    simulator.control(batch_ms=HELD_MS, batch_faults=["no_usage"])
    make_animals(ROWS)
    batch = creation.create("description_cleaning", Selection(), terms=capped("500"))
    submissions.advance()
    held = ProviderBatchSubmission.objects.get().held_usd
    lifecycle.cancel(batch)
    simulator.control(batch_ms=50)
    again = creation.create(
        "description_cleaning", Selection(force=True), terms=capped(str(held / ROWS * 2))
    )
    until(again, "paused")
    at = progress_of(again.pk)
    assert (at.done, at.unpriced_calls) == (2, 1)
    assert "Resume it with a higher one." in at.reason


def test_the_page_of_a_batch_tells_of_each_submission(
    vendor, simulator, make_animals, admin_client
):
    batch = handed_over(make_animals, simulator)
    simulator.plan(*away(410))
    submissions.advance(settle=AT_ONCE)
    page = admin_client.get(reverse("admin:enrichment_batch_change", args=[batch.pk]))
    shown = page.content.decode()
    submission = ProviderBatchSubmission.objects.get()
    assert submission.external_id in shown
    assert "Ended without results; rows continue one by one" in shown
    assert "have it any more" in shown
    listed = admin_client.get(
        reverse("admin:enrichment_providerbatchsubmission_changelist")
        + f"?chunk__batch__id__exact={batch.pk}"
    )
    assert submission.external_id in listed.content.decode()


def test_rows_that_are_gone_meanwhile_end_with_the_rest(vendor, simulator, make_animals):
    rows = make_animals(ROWS)
    simulator.control(batch_ms=HELD_MS)
    batch = creation.create("description_cleaning", Selection(), terms=AT_PROVIDER)
    submissions.advance()
    Animal.objects.filter(pk=rows[0].pk).delete()
    simulator.control(batch_ms=50)
    until_completed(batch)
    at = progress_of(batch.pk)
    assert (at.done, at.skipped, at.failed) == (ROWS - 1, 1, 0)
