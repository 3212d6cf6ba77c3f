"""What people do around a batch while it runs: it ends in a state that its page explains."""

from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import connections, transaction
from django.urls import reverse

from enrichment import tasks
from enrichment.batches import creation, lifecycle
from enrichment.batches.creation import Selection
from enrichment.batches.progress import progress_of
from enrichment.engine.db_sessions import LaneSlot
from enrichment.engine.lanes import run_lane
from enrichment.listings.models import Animal, Organization
from enrichment.models import Batch, BatchStatus, EnrichmentResult, Prompt
from llmconfig.configuration import snapshot
from llmconfig.configuration.revisions import change
from llmconfig.models import LLMConfig, NodeConfiguration, Provider, ProviderModel
from tests.enrichment.test_sessions import in_background
from tests.waiting import until

pytestmark = pytest.mark.django_db(transaction=True)

ROWS = 200


@pytest.fixture
def page(client) -> Any:
    """What a batch's page says."""
    client.force_login(User.objects.create_superuser("ada"))

    def read(batch: Batch) -> str:
        answer = client.get(reverse("admin:enrichment_batch_change", args=[batch.pk]))
        assert answer.status_code == 200
        return str(answer.content.decode())

    return read


@pytest.fixture
def running(provider, simulator, make_animals) -> Any:
    """Starts a batch, lets something happen when some of its rows are done, and ends it."""
    LLMConfig.objects.update(concurrent_tasks=1)
    snapshot.expire()
    make_animals(ROWS)
    simulator.control(latency_ms=30)

    def surprised_by(surprise: Any) -> Batch:
        batch = creation.create("description_cleaning", Selection(), write_size=5)
        lane = in_background(batch.pk)
        until(lambda: lane.done() or progress_of(batch.pk).done >= ROWS * 0.2)
        surprise()
        snapshot.expire()
        lane.result(60)
        while run_lane(batch.pk) not in {"finished", "full"}:
            pass
        batch.refresh_from_db()
        return batch

    return surprised_by


def done(batch: Batch) -> tuple[str, int, int]:
    at = progress_of(batch.pk)
    return at.status, at.done, at.failed


def test_the_provider_is_deleted(running, page, provider):
    other = Provider(name="other", provider_type="openai")
    other.save()

    def delete() -> None:
        with change(source="shell"):
            LLMConfig.objects.update(provider=other)
            provider.delete()

    batch = running(delete)
    assert batch.status == BatchStatus.PAUSED
    assert "sim/gpt-4o-mini" in batch.status_reason
    assert batch.status_reason[:40] in page(batch)
    assert EnrichmentResult.objects.filter(state="failed").count() == 0


def test_the_node_gets_another_model(running, page, provider):
    def edit() -> None:
        ProviderModel.objects.create(provider=provider, model_id="gpt-4o")
        with change(source="shell"):
            NodeConfiguration.objects.filter(node_name="description_cleaning").update(
                default_model="sim/gpt-4o"
            )

    batch = running(edit)
    assert done(batch) == ("completed", ROWS, 0)
    models = set(EnrichmentResult.objects.values_list("model_used", flat=True))
    assert models == {"gpt-4o-mini", "gpt-4o"}
    assert " unpriced" in page(batch)


def test_the_organization_is_deleted_with_its_rows(running, page):
    batch = running(lambda: Organization.objects.all().delete())
    at = progress_of(batch.pk)
    assert (at.status, at.failed, at.finished) == ("completed", 0, ROWS)
    assert at.skipped > 0
    assert "skipped" in page(batch)
    gone = EnrichmentResult.objects.filter(state="skipped")
    assert set(gone.values_list("reason", flat=True)) == {"The row no longer exists."}


def test_some_rows_are_deleted(running, page):
    batch = running(_delete_half)
    at = progress_of(batch.pk)
    assert (at.status, at.failed, at.finished) == ("completed", 0, ROWS)
    assert "completed" in page(batch)


def _delete_half() -> None:
    last = Animal.objects.order_by("-pk").values_list("pk", flat=True)[: ROWS // 2]
    Animal.objects.filter(pk__in=list(last)).delete()


def test_its_prompt_is_deleted(running, page):
    Prompt.objects.filter(enrichment="description_cleaning").delete()
    Prompt.objects.create(
        enrichment="description_cleaning", version=90, user="Tidy: {{description}}", is_active=True
    )
    batch = running(lambda: Prompt.objects.filter(version=90).delete())
    assert done(batch) == ("completed", ROWS, 0)
    versions = set(EnrichmentResult.objects.values_list("prompt_version", flat=True))
    assert 90 in versions
    assert len(versions) == 2
    assert "completed" in page(batch)


def test_its_prompt_asks_for_what_the_code_offers_no_more(provider, make_animals, page):
    make_animals(3)
    batch = creation.create("description_cleaning", Selection())
    Prompt.objects.filter(enrichment="description_cleaning").delete()
    Prompt.objects.create(
        enrichment="description_cleaning", version=90, user="Tidy: {{text}}", is_active=True
    )
    assert run_lane(batch.pk) == "finished"
    batch.refresh_from_db()
    assert batch.status == BatchStatus.PAUSED
    assert "{{text}} is not offered" in page(batch)
    assert EnrichmentResult.objects.filter(state="failed").count() == 0


def test_its_kind_of_work_is_switched_off(running, page, settings):
    batch = creation.create("dog_profiler", Selection())
    settings.LLM_ENVIRONMENT = {**settings.LLM_ENVIRONMENT, "LLM_FEATURE_DOG_PROFILER": False}
    snapshot.expire()
    run_lane(batch.pk)
    batch.refresh_from_db()
    assert batch.status == BatchStatus.PAUSED
    assert "LLM_FEATURE_DOG_PROFILER" in page(batch)
    settings.LLM_ENVIRONMENT = {**settings.LLM_ENVIRONMENT, "LLM_FEATURE_DOG_PROFILER": True}
    snapshot.expire()
    lifecycle.resume(batch)
    assert run_lane(batch.pk) == "finished"
    assert done(batch) == ("completed", ROWS, 0)


def test_its_kind_of_work_is_gone_from_the_code(running, page):
    batch = creation.create("description_cleaning", Selection())
    Batch.objects.update(enrichment="tail_wagging")
    run_lane(batch.pk)
    batch.refresh_from_db()
    assert batch.status == BatchStatus.PAUSED
    assert "tail_wagging" in batch.status_reason
    assert "tail_wagging" in page(batch)


def test_its_pace_is_changed(running, page, settings):
    def change_settings() -> None:
        settings.LLM_ENVIRONMENT = {
            **settings.LLM_ENVIRONMENT,
            "LLM_BATCH_CONCURRENT": 3,
            "LLM_DEADLINE_SECONDS": 20.0,
        }

    assert done(running(change_settings)) == ("completed", ROWS, 0)


def test_its_lanes_are_started_twice(running, simulator, page):
    def start_again() -> None:
        batch = Batch.objects.get()
        tasks.start_lanes(batch)
        assert run_lane(batch.pk) == "full"  # what a second start comes to
        assert not LaneSlot(batch.pk).take()

    assert done(running(start_again)) == ("completed", ROWS, 0)
    assert simulator.stats()["paid"] == ROWS


def test_the_same_is_started_twice(provider, simulator, make_animals, page):
    make_animals(30)
    first = creation.create("description_cleaning", Selection(limit=20))
    second = creation.create("description_cleaning", Selection())
    third = creation.create("description_cleaning", Selection())
    assert (first.rows_total, second.rows_total, third.rows_total) == (20, 10, 0)
    assert third.status == BatchStatus.COMPLETED
    assert f"{second.pk}" in page(third)
    assert creation.create("description_cleaning", Selection(force=True)).rows_total == 30
    for batch in (first, second):
        assert run_lane(batch.pk) == "finished"
    assert simulator.stats()["paid"] == 30


def test_the_same_is_started_at_the_same_moment(provider, make_animals):
    make_animals(30)
    with transaction.atomic():
        first = creation.create("description_cleaning", Selection())
        second = in_background_create()
        assert not second.done()
    assert (first.rows_total, second.result(30)) == (30, 0)


def in_background_create() -> "Future[int]":
    def create() -> int:
        try:
            return creation.create("description_cleaning", Selection()).rows_total
        finally:
            connections.close_all()

    executor = ThreadPoolExecutor(1)
    future = executor.submit(create)
    executor.shutdown(wait=False)
    return future


def test_a_failed_row_that_waits_for_its_later_round_is_in_work_too(
    provider, simulator, make_animals
):
    make_animals(3)
    LLMConfig.objects.update(retry_delay=300)
    snapshot.expire()
    simulator.plan({"text": "Dog 1 likes", "action": {"status": 500}})
    batch = creation.create("description_cleaning", Selection())
    run_lane(batch.pk)
    assert progress_of(batch.pk).waiting == 1
    assert creation.create("description_cleaning", Selection()).rows_total == 0
    call_command("llm_batch", "cancel", str(batch.pk))
    assert creation.create("description_cleaning", Selection()).rows_total == 1
