"""A batch is taken back: values from before return, what people wrote since stays."""

import json
import time
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from enrichment.batches import creation, lifecycle
from enrichment.batches.creation import Selection
from enrichment.batches.progress import progress_of
from enrichment.batches.undo import EDITED, GONE, REPLACED, undo
from enrichment.engine.lanes import run_lane
from enrichment.errors import NotAllowedNow
from enrichment.listings.models import Animal
from enrichment.models import Batch, BatchChunk, BatchStatus, EnrichmentResult, ResultState
from tests.api import caller
from tests.enrichment.saying import model_says

pytestmark = pytest.mark.django_db(transaction=True)


def cleaned(*, force=False):
    batch = creation.create("description_cleaning", Selection(force=force))
    run_lane(batch.pk)
    batch.refresh_from_db()
    return batch


def texts():
    return list(Animal.objects.order_by("pk").values_list("enriched_description", flat=True))


def test_values_from_before_return_with_their_model(provider, simulator, make_animals):
    make_animals(30)
    Animal.objects.filter(name="Dog 1").update(enriched_description="By hand, before.")
    batch = cleaned()
    assert all("[sim:" in text for text in texts())
    report = undo(batch)
    assert (report.undone, report.left) == (30, [])
    assert texts()[1] == "By hand, before."
    assert set(texts()) == {None, "By hand, before."}
    assert set(Animal.objects.values_list("llm_processed_at", "llm_model_used")) == {(None, None)}
    assert set(EnrichmentResult.objects.values_list("state", flat=True)) == {ResultState.UNDONE}
    assert "30 rows have their values from before" in batch.status_reason


def test_rows_that_a_person_edited_since_are_left_and_listed(provider, simulator, make_animals):
    make_animals(25)
    batch = cleaned()
    edited = list(Animal.objects.order_by("pk")[3:6])
    for animal in edited:
        Animal.objects.filter(pk=animal.pk).update(enriched_description="By hand.")
    gone = Animal.objects.order_by("pk")[10]
    Animal.objects.filter(pk=gone.pk).delete()
    report = undo(batch)
    assert report.undone == 21
    assert {(each.row_id, each.reason) for each in report.left} == {
        *((str(animal.pk), EDITED) for animal in edited),
        (str(gone.pk), GONE),
    }
    assert texts().count("By hand.") == 3
    assert EnrichmentResult.objects.filter(state="applied").count() == 4


def test_what_a_later_batch_wrote_stands_even_if_it_is_the_same(provider, simulator, make_animals):
    make_animals(3)
    first = cleaned()
    before = texts()
    second = cleaned(force=True)
    assert texts() == before  # the model said the same again
    report = undo(first)
    assert (report.undone, {each.reason for each in report.left}) == (0, {REPLACED})
    assert texts() == before
    assert undo(second).undone == 3
    assert texts() == before  # the first one's values, which were there before the second
    assert undo(first).undone == 3
    assert texts() == [None] * 3


def test_undoing_twice_changes_nothing_more(provider, simulator, make_animals):
    make_animals(3)
    batch = cleaned()
    undo(batch)
    assert undo(batch).undone == 0


def test_one_language_goes_and_the_others_stay(provider, simulator, make_animals):
    make_animals(5)
    spanish = creation.create("translation", Selection(variants=("es",)))
    run_lane(spanish.pk)
    both = creation.create("translation", Selection(variants=("fr", "pt-BR")))
    run_lane(both.pk)
    both.refresh_from_db()
    assert undo(both).undone == 10
    assert all(set(animal.translations or ()) == {"es"} for animal in Animal.objects.all())
    spanish.refresh_from_db()
    undo(spanish)
    assert set(Animal.objects.values_list("translations", flat=True)) == {None}


def test_an_undone_row_is_done_again_when_asked(provider, simulator, make_animals):
    make_animals(3)
    undo(cleaned())
    assert cleaned().rows_total == 3
    assert all("[sim:" in text for text in texts())


def test_suggestions_of_the_batch_are_discarded(provider, simulator, make_animals):
    make_animals(2)
    model_says("description_cleaning", "Dog likes to run at 99 and play with the ball all day")
    batch = cleaned()
    assert undo(batch).discarded == 2
    assert set(EnrichmentResult.objects.values_list("state", flat=True)) == {ResultState.UNDONE}


def test_a_batch_that_may_still_write_is_not_undone(provider, simulator, make_animals):
    make_animals(3)
    batch = creation.create("description_cleaning", Selection())
    with pytest.raises(NotAllowedNow, match="cancel it, then undo it"):
        undo(batch)
    lifecycle.cancel(batch)
    BatchChunk.objects.update(status="leased", leased_until="2100-01-01T00:00Z")
    with pytest.raises(NotAllowedNow, match="still come back"):
        undo(batch)


def failing_batch(simulator, make_animals):
    rows = make_animals(25)
    simulator.plan({"text": "Dog 7 likes", "action": {"status": 400}})
    batch = cleaned()
    assert progress_of(batch.pk).failed == 1
    return batch, rows[7]


def test_failed_rows_are_tried_again_in_the_same_batch(provider, simulator, make_animals):
    batch, row = failing_batch(simulator, make_animals)
    simulator.reset()
    assert lifecycle.retry_failed(batch) == 1
    assert batch.status == BatchStatus.PENDING
    at = progress_of(batch.pk)
    assert (at.done, at.failed, at.total) == (24, 0, 25)
    run_lane(batch.pk)
    at = progress_of(batch.pk)
    assert (at.status, at.done, at.failed, at.total) == ("completed", 25, 0, 25)
    assert simulator.requests == 1
    assert "[sim:" in (Animal.objects.get(pk=row.pk).enriched_description or "")


def test_a_row_that_fails_again_is_counted_once(provider, simulator, make_animals):
    batch, _ = failing_batch(simulator, make_animals)
    lifecycle.retry_failed(batch)
    run_lane(batch.pk)
    at = progress_of(batch.pk)
    assert (at.status, at.done, at.failed) == ("completed", 24, 1)
    assert EnrichmentResult.objects.filter(state="failed").count() == 1


def test_there_must_be_something_to_retry(provider, simulator, make_animals):
    make_animals(2)
    batch = cleaned()
    with pytest.raises(NotAllowedNow, match="has no failed rows"):
        lifecycle.retry_failed(batch)
    for status, way_out in (
        ("paused", "is paused. Resume it"),
        ("running", "once it is completed"),
        ("cancelled", "Start another: it takes the rows that failed"),
    ):
        Batch.objects.update(status=status)
        with pytest.raises(NotAllowedNow, match=way_out):
            lifecycle.retry_failed(batch)


def test_a_new_batch_takes_what_a_cancelled_one_left(provider, simulator, make_animals):
    """As the refusal to retry a cancelled batch says."""
    batch, _ = failing_batch(simulator, make_animals)
    Batch.objects.filter(pk=batch.pk).update(status="cancelled")
    assert creation.create("description_cleaning", Selection()).rows_total == 1


def command(*words):
    out = StringIO()
    call_command("llm_batch", *words, stdout=out)
    return out.getvalue()


def test_the_command_lists_shows_and_controls(provider, simulator, make_animals):
    make_animals(3)
    batch = creation.create("description_cleaning", Selection())
    key = str(batch.pk)
    assert key in command("list")
    assert json.loads(command("list", "--json"))[0]["batch_id"] == key
    assert "paused" in command("pause", key[:13])
    assert "pending" in command("resume", key)
    run_lane(batch.pk)
    shown = json.loads(command("show", key, "--json"))
    assert (shown["done"], shown["enrichment"]) == (3, "description_cleaning")
    Animal.objects.filter(name="Dog 0").update(enriched_description="By hand.")
    assert "  row " not in command("show", key)
    assert "completed. 3 done" in command("show", key)
    told = json.loads(command("undo", key, "--json"))
    assert told["undone"] == 2
    assert told["left"][0]["reason"] == EDITED
    again = command("undo", key)
    assert "Left as changed since: 1 row." in again
    assert f"  row {told['left'][0]['row_id']}: {EDITED}" in again
    for words, why in (
        (("pause",), "say which batch"),
        (("pause", "zz"), "no batch begins"),
        (("cancel", key), "can't be cancelled"),
        (("retry", key), "no failed rows"),
    ):
        with pytest.raises(CommandError, match=why):
            command(*words)


def test_the_command_retries(provider, simulator, make_animals):
    batch, _ = failing_batch(simulator, make_animals)
    assert json.loads(command("retry", str(batch.pk), "--json"))["retried"] == 1


def test_the_api_undoes_and_retries(provider, simulator, make_animals):
    batch, _ = failing_batch(simulator, make_animals)
    operator, address = caller("operator"), f"/api/llm/batches/{batch.pk}"
    assert caller("viewer").post(f"{address}/undo").status_code == 403
    undone = operator.post(f"{address}/undo")
    assert "24 rows have their values from before" in undone.json()["message"]
    assert set(texts()) == {None}
    retried = operator.post(f"{address}/retry").json()
    assert retried["message"].startswith("Retrying 1 failed row.")
    again = operator.post(f"{address}/retry")
    assert (again.status_code, again.json()["code"]) == (409, "not_allowed_now")


def test_an_undo_right_after_a_batch_takes_time_in_step_with_its_rows(provider, make_animals):
    """The planner's statistics know nothing of rows that are this new, and take them for one."""
    _applied(500, make_animals)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE enrichment_results, animals")
    seconds = {rows: _seconds_to_undo(rows, make_animals) for rows in (200, 200, 2_000)}
    assert seconds[2_000] / seconds[200] < 15, seconds  # 40 where it grows with their square


def _seconds_to_undo(rows, make_animals):
    batch = _applied(rows, make_animals)
    began = time.perf_counter()
    assert undo(batch).undone == rows
    return time.perf_counter() - began


def _applied(rows, make_animals):
    """A batch that has ended, made without its calls."""
    animals = make_animals(rows, enriched_description="Cleaned.")
    batch = Batch.objects.create(enrichment="description_cleaning", status=BatchStatus.COMPLETED)
    EnrichmentResult.objects.bulk_create(
        EnrichmentResult(
            batch=batch,
            enrichment=batch.enrichment,
            target="listings.Animal",
            row_id=str(animal.pk),
            state=ResultState.APPLIED,
            value="Cleaned.",
        )
        for animal in animals
    )
    return batch
