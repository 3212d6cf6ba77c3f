"""Rows whose inputs are the same are asked once, and all are written."""

from decimal import Decimal

import pytest
from django.db import IntegrityError, connection
from django.db.models import Sum

from enrichment.batches import creation
from enrichment.batches.creation import Selection
from enrichment.batches.progress import progress_of
from enrichment.batches.staleness import ALL_REASONS, stale_rows
from enrichment.engine import submissions
from enrichment.engine.lanes import run_lane
from enrichment.enrichments import get
from enrichment.forecast import forecast
from enrichment.listings.models import Animal
from enrichment.models import BatchChunk, EnrichmentResult, ProviderBatchSubmission
from metrics.models import GenerationMetric
from tests.enrichment.provider_batches import AT_ONCE, AT_PROVIDER, HELD_MS, until_completed

pytestmark = pytest.mark.django_db(transaction=True)
SAME = {"name": "Rex", "description": "Rex likes to run and play ball with everybody."}


@pytest.fixture
def thirty_of_a_hundred(make_animals):
    """A hundred listings: 65 different ones, and five texts seven times each."""
    make_animals(65)
    for number in range(5):
        text = f"Rex number {number} likes to run and play ball."
        make_animals(7, name=f"Rex {number}", description=text)


def test_thirty_per_cent_of_repeated_texts_are_thirty_per_cent_fewer_calls(
    provider, simulator, thirty_of_a_hundred
):
    said = forecast("description_cleaning", Selection())
    assert (said.rows, said.calls) == (100, 70)
    batch = creation.create("description_cleaning", Selection())
    run_lane(batch.pk)
    at = progress_of(batch.pk)
    assert (at.status, at.done, at.failed, at.calls) == ("completed", 100, 0, 70)
    assert simulator.stats()["paid"] == GenerationMetric.objects.count() == 70
    assert Animal.objects.filter(enriched_description__contains="[sim:").count() == 100
    assert EnrichmentResult.objects.filter(state="applied").count() == 100
    shared = EnrichmentResult.objects.filter(cost_usd=0)
    assert shared.count() == 30
    known = set(GenerationMetric.objects.values_list("correlation_id", flat=True))
    assert {each.correlation_id for each in shared} <= known
    assert {each.model_used for each in shared} == {"gpt-4o-mini"}
    costs = EnrichmentResult.objects.aggregate(total=Sum("cost_usd"))["total"]
    assert at.cost_usd == costs > Decimal(0)


def test_rows_that_shared_a_call_are_stale_each_by_itself(provider, simulator, thirty_of_a_hundred):
    run_lane(creation.create("description_cleaning", Selection()).pk)
    enrichment = get("description_cleaning")
    assert not stale_rows(enrichment, reasons=ALL_REASONS).exists()
    changed = Animal.objects.filter(name="Rex 0").order_by("pk").last()
    Animal.objects.filter(pk=changed.pk).update(description="Rex is old now, and sleeps.")
    assert list(stale_rows(enrichment, reasons=ALL_REASONS)) == [changed]


def test_rows_that_are_alike_stand_in_one_chunk_wherever_they_are(provider, make_animals):
    rows = []
    for _ in range(30):
        rows += make_animals(1, **SAME)
        make_animals(3)
    creation.create("description_cleaning", Selection())
    chunks = [set(chunk.row_ids) for chunk in BatchChunk.objects.all()]
    assert sum(bool({str(row.pk) for row in rows} & chunk) for chunk in chunks) == 1
    assert sum(map(len, chunks)) == 120


def test_a_refused_call_fails_all_rows_that_share_it(provider, simulator, make_animals):
    make_animals(4, **SAME)
    make_animals(30)
    simulator.plan({"text": "Rex likes", "action": {"status": 400}, "times": 1})
    batch = creation.create("description_cleaning", Selection())
    run_lane(batch.pk)
    at = progress_of(batch.pk)
    assert (at.done, at.failed) == (30, 4)
    assert GenerationMetric.objects.count() == 31
    assert (
        EnrichmentResult.objects.filter(state="failed").values("correlation_id").distinct().count()
        == 1
    )


def test_rows_of_two_organizations_or_with_other_binding_columns_share_nothing(
    provider, simulator, make_animals
):
    make_animals(2, **SAME)
    _, second = Animal.objects.order_by("pk")
    second.organization = type(second.organization).objects.create(
        external_id="o2", slug="other", name="Other"
    )
    second.save()
    batch = creation.create("description_cleaning", Selection())
    run_lane(batch.pk)
    assert progress_of(batch.pk).calls == 2


def test_a_provider_batch_asks_once_as_well(vendor, simulator, thirty_of_a_hundred):
    batch = creation.create("description_cleaning", Selection(), terms=AT_PROVIDER)
    until_completed(batch)
    at = progress_of(batch.pk)
    assert (at.done, at.failed, at.calls) == (100, 0, 70)
    assert sum(len(each.rows) for each in ProviderBatchSubmission.objects.all()) == 70
    assert Animal.objects.filter(enriched_description__contains="[sim:").count() == 100
    assert EnrichmentResult.objects.filter(cost_usd=0).count() == 30


def test_a_row_that_changes_at_the_provider_leaves_the_others_their_answer(
    vendor, simulator, make_animals
):
    make_animals(3, **SAME)
    simulator.control(batch_ms=HELD_MS)
    batch = creation.create("description_cleaning", Selection(), terms=AT_PROVIDER)
    submissions.advance(settle=AT_ONCE)
    changed = Animal.objects.order_by("pk").last()
    Animal.objects.filter(pk=changed.pk).update(description="Rex is old now, and sleeps a lot.")
    simulator.control(batch_ms=50)
    until_completed(batch)
    at = progress_of(batch.pk)
    assert (at.done, at.failed, at.calls) == (3, 0, 2)
    assert not stale_rows(get("description_cleaning"), reasons=ALL_REASONS).exists()


def test_an_answer_that_a_failed_lane_left_on_disk_serves_all_rows_that_share_it(
    provider, simulator, make_animals, tmp_path, settings
):
    settings.LLM_SPOOL_DIR = str(tmp_path / "spool")
    make_animals(12, **SAME)
    make_animals(4)
    batch = creation.create("description_cleaning", Selection())
    with connection.cursor() as cursor:
        cursor.execute(
            "ALTER TABLE enrichment_results ADD CONSTRAINT closed CHECK (false) NOT VALID"
        )
        try:
            with pytest.raises(IntegrityError, match="closed"):
                run_lane(batch.pk)
        finally:
            cursor.execute("ALTER TABLE enrichment_results DROP CONSTRAINT closed")
    assert simulator.stats()["paid"] == 5
    BatchChunk.objects.filter(status="leased").update(leased_until="2000-01-01T00:00Z")
    run_lane(batch.pk)
    at = progress_of(batch.pk)
    assert (at.status, at.done, at.failed, at.calls) == ("completed", 16, 0, 5)
    assert simulator.stats()["paid"] == GenerationMetric.objects.count() == 5
    assert at.calls_repaid == 0
    shared = EnrichmentResult.objects.filter(cost_usd=0)
    assert shared.values("correlation_id").distinct().count() == 1
    assert shared.count() == 11
