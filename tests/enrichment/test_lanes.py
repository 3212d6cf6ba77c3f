"""The engine, in this process, against a real provider on loopback."""

import datetime as dt

import pytest
from django.db import connection
from django.db.models import Sum
from django.utils import timezone

from enrichment.batches import creation, lifecycle
from enrichment.batches.creation import Selection
from enrichment.batches.progress import progress_of
from enrichment.engine.lanes import LaneEnd, run_lane
from enrichment.errors import NotAllowedNow
from enrichment.listings.models import Animal
from enrichment.models import Batch, BatchChunk, BatchStatus, EnrichmentResult
from llmconfig.configuration.revisions import change
from llmconfig.models import LLMConfig
from metrics.models import GenerationMetric

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_batch_enriches_every_row_once(provider, simulator, make_animals):
    make_animals(60)
    batch = creation.create("description_cleaning", Selection())
    assert run_lane(batch.pk) == LaneEnd.FINISHED
    at = progress_of(batch.pk)
    assert (at.status, at.done, at.failed, at.calls) == ("completed", 60, 0, 60)
    assert Animal.objects.filter(enriched_description__contains="[sim:").count() == 60
    assert EnrichmentResult.objects.count() == GenerationMetric.objects.count() == 60
    assert simulator.stats()["paid"] == 60
    assert at.cost_usd == GenerationMetric.objects.aggregate(Sum("cost_usd"))["cost_usd__sum"]


def test_long_values_are_compressed_the_quick_way(provider, simulator, make_animals):
    simulator.control(left_out=0, marked=False)
    make_animals(1, description=" ".join(f"Bella was seen at mill {each}." for each in range(400)))
    run_lane(creation.create("description_cleaning", Selection()).pk)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_column_compression(value) FROM enrichment_results")
        assert cursor.fetchall() == [("lz4",)]
        cursor.execute("SHOW default_toast_compression")
        assert cursor.fetchone() == ("pglz",), "the session is as it was"


def test_a_second_batch_finds_nothing_to_do_until_an_input_changes(
    provider, simulator, make_animals
):
    rows = make_animals(3)
    run_lane(creation.create("description_cleaning", Selection()).pk)
    again = creation.create("description_cleaning", Selection())
    assert (again.rows_total, again.status) == (0, BatchStatus.COMPLETED)
    Animal.objects.filter(pk=rows[1].pk).update(description="Now she is calm.")
    third = creation.create("description_cleaning", Selection())
    assert BatchChunk.objects.get(batch=third).row_ids == [str(rows[1].pk)]


def test_an_empty_description_is_skipped_with_its_reason_and_not_sent(
    provider, simulator, make_animals
):
    make_animals(2)
    make_animals(3, description="")
    batch = creation.create("description_cleaning", Selection())
    run_lane(batch.pk)
    at = progress_of(batch.pk)
    assert (at.done, at.skipped, at.calls) == (2, 3, 2)
    assert EnrichmentResult.objects.filter(reason="The description is empty.").count() == 3


def test_translations_into_two_languages_stand_beside_each_other(provider, simulator, make_animals):
    make_animals(30)
    batch = creation.create("translation", Selection(variants=("es", "fr")))
    run_lane(batch.pk)
    assert progress_of(batch.pk).done == 60
    assert Animal.objects.filter(translations__has_keys=["es", "fr"]).count() == 30


def test_a_row_that_always_fails_fails_alone_and_with_its_reason(provider, simulator, make_animals):
    rows = make_animals(40)
    simulator.plan({"text": "Dog 17 likes", "action": {"status": 500}})
    batch = creation.create("description_cleaning", Selection())
    for _ in range(5):  # the first round and the three later ones
        run_lane(batch.pk)
    at = progress_of(batch.pk)
    assert (at.status, at.done, at.failed) == ("completed", 39, 1)
    failed = EnrichmentResult.objects.get(state="failed")
    assert failed.row_id == str(rows[17].pk)
    assert "http_500" in failed.reason
    assert Animal.objects.get(pk=rows[17].pk).enriched_description is None


def test_ten_per_cent_of_faults_lose_no_row(provider, simulator, make_animals):
    make_animals(300)
    simulator.plan(
        faults_per_1000=100, kinds=["429", "500", "disconnect", "cut", "garbage"], seed=7
    )
    batch = creation.create("dog_profiler", Selection())
    for _ in range(5):
        run_lane(batch.pk)
    at = progress_of(batch.pk)
    assert (at.status, at.done, at.failed) == ("completed", 300, 0)


def test_a_paused_batch_sends_nothing_and_goes_on_where_it_stopped(
    provider, simulator, make_animals
):
    make_animals(50)
    batch = creation.create("description_cleaning", Selection())
    lifecycle.pause(batch)
    assert run_lane(batch.pk) == LaneEnd.FINISHED
    assert simulator.requests == 0
    lifecycle.resume(batch)
    run_lane(batch.pk)
    assert progress_of(batch.pk).done == 50


def test_the_master_switch_pauses_the_batch_and_says_so(provider, simulator, make_animals):
    make_animals(5)
    batch = creation.create("description_cleaning", Selection())
    with change(source="shell"):
        LLMConfig.objects.update(enabled=False)
    run_lane(batch.pk)
    batch = Batch.objects.get()
    assert batch.status == BatchStatus.PAUSED
    assert "switched off" in batch.status_reason
    assert simulator.requests == 0
    with pytest.raises(NotAllowedNow, match="would only pause again"):
        lifecycle.resume(batch)


def test_what_is_left_is_told_by_the_pace_since_it_was_let_go_on(provider, make_animals):
    make_animals(100)
    batch = creation.create("description_cleaning", Selection())
    hours_ago = timezone.now() - dt.timedelta(hours=8)
    Batch.objects.update(status=BatchStatus.PAUSED, started_at=hours_ago)
    BatchChunk.objects.filter(pk=batch.chunks.order_by("id")[:1]).update(rows_done=40)
    batch.refresh_from_db()
    assert progress_of(batch.pk).eta_seconds is None
    lifecycle.resume(batch)
    BatchChunk.objects.filter(rows_done=40).update(rows_done=60)
    seconds_ago = timezone.now() - dt.timedelta(seconds=10)
    Batch.objects.update(status=BatchStatus.RUNNING, resumed_at=seconds_ago)
    at = progress_of(batch.pk)
    assert at.rows_per_second == pytest.approx(2, rel=0.1)
    assert at.eta_seconds == pytest.approx(20, rel=0.1)
