"""What starts by itself, and above all what doesn't."""

import datetime as dt
from itertools import pairwise

import pytest
from django.conf import settings as django_settings
from django.utils import timezone

from enrichment import tasks
from enrichment.batches import automatic, creation, lifecycle
from enrichment.batches.creation import Selection
from enrichment.batches.progress import progress_of
from enrichment.engine.lanes import run_lane
from enrichment.listings.models import Animal
from enrichment.models import Batch, EnrichmentResult
from llmconfig.configuration import snapshot
from llmconfig.models import LLMConfig, NodeConfiguration, Provider

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def begun(provider, simulator, make_animals):
    """A person has cleaned the descriptions of the first three listings; two more came in."""
    make_animals(3)
    run_lane(creation.create("description_cleaning", Selection()).pk)
    simulator.reset()
    return make_animals(2)


def rows_of(batch: Batch) -> list[str]:
    return [row for chunk in batch.chunks.order_by("id") for row in chunk.row_ids]


def test_an_import_alone_starts_nothing(provider, simulator, make_animals):
    make_animals(50)
    assert automatic.start_due() == []
    empty = creation.create("description_cleaning", Selection(ids=[10**9]))
    assert empty.status == "completed"
    unfinished = creation.create("dog_profiler", Selection(limit=1))
    lifecycle.cancel(unfinished)
    assert automatic.start_due() == []


@pytest.mark.parametrize("some", [Selection(limit=2), Selection(organization="rescue")])
def test_neither_does_a_trial_of_some_rows(provider, make_animals, some):
    make_animals(3)
    run_lane(creation.create("description_cleaning", some).pk)
    assert Batch.objects.get().status == "completed"
    assert EnrichmentResult.objects.exists()
    assert automatic.start_due() == []


def test_what_a_person_began_is_kept_up_for_new_and_changed_rows(begun, simulator):
    changed = Animal.objects.order_by("pk").first()
    Animal.objects.filter(pk=changed.pk).update(description="She is calm by now.")
    (batch,) = automatic.start_due()
    assert (batch.enrichment, batch.automatic, batch.created_by) == (
        "description_cleaning", True, None,
    )  # fmt: skip
    assert rows_of(batch) == [str(changed.pk), *(str(row.pk) for row in begun)]
    assert batch.priority < 0
    run_lane(batch.pk)
    assert simulator.stats()["paid"] == 3
    assert automatic.start_due() == []


def test_an_unfinished_batch_of_the_kind_holds_it_up(begun):
    (first,) = automatic.start_due()
    assert automatic.start_due() == []
    lifecycle.pause(first)
    assert automatic.start_due() == []
    lifecycle.cancel(first)
    assert len(automatic.start_due()) == 1


def test_a_run_takes_at_most_as_many_rows_as_the_setting_says(begun, make_animals, settings):
    settings.LLM_ENVIRONMENT = {**settings.LLM_ENVIRONMENT, "LLM_AUTO_BATCH_ROWS": 4}
    make_animals(20)
    (batch,) = automatic.start_due()
    assert batch.rows_total == 4


@pytest.mark.parametrize("column", ["enabled", "auto_enrichment"])
def test_a_switch_that_is_off_starts_nothing(begun, column):
    LLMConfig.objects.update(**{column: False})
    snapshot.expire()
    assert automatic.start_due() == []


def test_neither_does_a_feature_that_is_off_nor_a_node_that_nobody_answers(begun, settings):
    environment = settings.LLM_ENVIRONMENT
    settings.LLM_ENVIRONMENT = {**environment, "LLM_FEATURE_DESCRIPTION_CLEANING": False}
    assert automatic.start_due() == []
    settings.LLM_ENVIRONMENT = environment
    Provider.objects.update(is_enabled=False)
    snapshot.expire()
    assert automatic.start_due() == []


def test_rows_that_failed_are_left_alone_until_the_retry_delay_is_over(begun, simulator):
    LLMConfig.objects.update(max_retries=0, retry_delay=300)
    snapshot.expire()
    simulator.fail(status=400)
    (batch,) = automatic.start_due()
    run_lane(batch.pk)
    assert progress_of(batch.pk).failed == 2
    assert automatic.start_due() == []
    EnrichmentResult.objects.filter(state="failed").update(
        created_at=timezone.now() - dt.timedelta(seconds=301)
    )
    (again,) = automatic.start_due()
    assert rows_of(again) == rows_of(batch)


def test_tagging_has_a_switch_of_its_own(provider, make_animals):
    NodeConfiguration.objects.create(
        node_name="tagging", interaction_type="tagger", default_model="sim/gpt-4o-mini"
    )
    LLMConfig.objects.update(auto_enrichment=False, auto_tagging=True)
    snapshot.expire()
    make_animals(2)
    run_lane(creation.create("tagging", Selection()).pk)
    make_animals(1)
    (batch,) = automatic.start_due()
    assert (batch.enrichment, batch.rows_total) == ("tagging", 1)


def test_the_timer_starts_them_within_a_minute(begun):
    timed = django_settings.CELERY_BEAT_SCHEDULE["start-automatic-batches"]
    assert timed["task"] == tasks.start_automatic_batches.name
    assert timed["schedule"] == 30.0
    tasks.start_automatic_batches()
    assert Batch.objects.filter(automatic=True).count() == 1


def test_rows_are_taken_in_their_order(begun, make_animals):
    make_animals(30)
    (batch,) = automatic.start_due()
    keys = [int(row) for row in rows_of(batch)]
    assert all(before < after for before, after in pairwise(keys))
