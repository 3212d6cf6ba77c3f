"""A batch's status moves in one module, by one table, and its first start stays."""

import ast
from pathlib import Path

import pytest
from django.conf import settings

from enrichment.batches import creation, lifecycle
from enrichment.batches.creation import Selection
from enrichment.engine import lane_failures
from enrichment.engine.lanes import run_lane
from enrichment.errors import NotAllowedNow
from enrichment.models import Batch, BatchStatus, Transport

pytestmark = pytest.mark.django_db(transaction=True)

MOVED_BY = {
    BatchStatus.RUNNING: lambda batch: lifecycle.start(batch.pk),
    BatchStatus.PAUSED: lifecycle.pause,
    BatchStatus.CANCELLED: lifecycle.cancel,
    BatchStatus.COMPLETED: lambda batch: lifecycle.complete_if_done(batch.pk),
}


@pytest.mark.parametrize("before", BatchStatus)
@pytest.mark.parametrize("after", MOVED_BY)
def test_a_batch_moves_by_the_table_only(before: BatchStatus, after: BatchStatus) -> None:
    batch = Batch.objects.create(enrichment="tagging", status=before)
    try:
        MOVED_BY[after](batch)
    except NotAllowedNow as refused:
        assert after.label.lower() in str(refused)  # noqa: PT017 - one of two allowed ends
    batch.refresh_from_db()
    may = before in lifecycle.MOVES[after]
    assert batch.status == (after if may else before)


@pytest.mark.parametrize("before", BatchStatus)
def test_only_a_paused_batch_is_resumed(before: BatchStatus) -> None:
    batch = Batch.objects.create(enrichment="tagging", status=before)
    if before == BatchStatus.PAUSED:
        lifecycle.resume(batch)
        assert batch.status == BatchStatus.PENDING
    else:
        with pytest.raises(NotAllowedNow):
            lifecycle.resume(batch)
        assert batch.status == before


@pytest.mark.parametrize("transport", Transport)
def test_the_first_start_stays_over_pause_and_resume(transport: Transport) -> None:
    batch = Batch.objects.create(enrichment="tagging", transport=transport)
    lifecycle.start(batch.pk)
    batch.refresh_from_db()
    first = batch.started_at
    lifecycle.pause(batch)
    lifecycle.resume(batch)
    lifecycle.start(batch.pk)
    batch.refresh_from_db()
    assert first is not None
    assert batch.started_at == first
    assert batch.status == BatchStatus.RUNNING


def test_a_retried_batch_keeps_its_start_and_has_no_end(simulator, provider, make_animals) -> None:
    make_animals(1)
    simulator.fail(status=400)
    batch = creation.create("description_cleaning", Selection())
    run_lane(batch.pk)
    batch.refresh_from_db()
    assert batch.status == BatchStatus.COMPLETED
    first = batch.started_at
    lifecycle.retry_failed(batch)
    assert (batch.status, batch.started_at, batch.finished_at) == (
        BatchStatus.PENDING,
        first,
        None,
    )


def test_a_second_reason_joins_the_first_of_a_paused_batch() -> None:
    batch = Batch.objects.create(enrichment="tagging")
    lifecycle.tell(batch.pk, "Two rows go on one by one.", pause_too=False)
    batch.refresh_from_db()
    assert (batch.status, batch.status_reason) == ("pending", "Two rows go on one by one.")
    lifecycle.pause(batch, reason="Its cap is spent.")
    lifecycle.tell(batch.pk, "One more row goes on.", pause_too=True)
    batch.refresh_from_db()
    assert batch.status_reason == "Its cap is spent. One more row goes on."


def test_a_reason_of_before_a_batch_was_resumed_pauses_it_no_more() -> None:
    batch = Batch.objects.create(enrichment="tagging", status=BatchStatus.RUNNING)
    of_a_lane = Batch.objects.get(pk=batch.pk)
    for _ in range(2):
        lifecycle.pause_for(of_a_lane, "Its budget is used up.")
        batch.refresh_from_db()
        assert (batch.status, batch.status_reason) == ("paused", "Its budget is used up.")
        lifecycle.resume(batch)
        for reason in ("Its budget is used up.", "Its cap is spent."):
            lifecycle.pause_for(of_a_lane, reason)
            batch.refresh_from_db()
            assert (batch.status, batch.status_reason) == ("pending", "")
        of_a_lane = Batch.objects.get(pk=batch.pk)  # the next one


def test_a_lane_that_failed_before_its_batch_was_resumed_says_nothing_of_it_now() -> None:
    batch = Batch.objects.create(enrichment="tagging", status=BatchStatus.RUNNING)
    stale = Batch.objects.get(pk=batch.pk)
    lifecycle.pause(batch)
    lifecycle.resume(batch)
    for _ in range(3):
        assert not lane_failures.note(stale, RuntimeError("Its code is broken."))
    assert not lane_failures.note(batch, RuntimeError("Its code is broken."))
    batch.refresh_from_db()
    assert batch.status == BatchStatus.PENDING
    assert lane_failures.note(batch, RuntimeError("Its code is broken."))
    batch.refresh_from_db()
    assert "failed twice" in batch.status_reason


def test_no_other_module_writes_a_batchs_status() -> None:
    """Neither `batch.status = …` nor `Batch.objects….update(status=…)` stands elsewhere."""
    allowed = {"lifecycle.py", "creation.py"}  # an empty batch is made completed
    found = []
    for path in (Path(settings.BASE_DIR) / "enrichment").rglob("*.py"):
        if path.name in allowed or "migrations" in path.parts:
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and node.func.attr in {"update", "create", "save"}
            ):
                names = [ast.unparse(each.value) for each in node.keywords if each.arg == "status"]
                found += [path.name for name in names if "BatchStatus" in name]
            if isinstance(node, ast.Assign) and "BatchStatus." in ast.unparse(node.value):
                found += [
                    path.name
                    for target in node.targets
                    if isinstance(target, ast.Attribute) and target.attr == "status"
                ]
    assert not found
