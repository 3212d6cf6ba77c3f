"""A judge that may decide looks at texts before they are applied: off by default, and capped."""

from enrichment.batches import creation
from enrichment.batches.creation import Selection
from enrichment.engine.applying import NOT_JUDGED_YET
from enrichment.engine.lanes import run_lane
from enrichment.engine.second_opinions import JUDGED_WRONG, NOT_ASKED
from enrichment.listings.models import Animal
from enrichment.models import EnrichmentResult, JudgeCalibration
from enrichment.single import enrich_row
from llmconfig.configuration import snapshot
from llmconfig.models import NodeConfiguration
from metrics.models import GenerationMetric
from tests.enrichment.test_judges import (
    NODE,
    STORED,
    bench,
    calibrated,
    is_bad,
    judging,
    reviewed,
)

__all__ = ["bench", "judging"]
ROWS = 40


def allow(settings, calls):
    settings.LLM_ENVIRONMENT = {**settings.LLM_ENVIRONMENT, "LLM_JUDGE_CALLS_PER_BATCH": calls}
    snapshot.expire()


def begun(make_animals, *, calibrate=True):
    make_animals(ROWS)
    NodeConfiguration.objects.filter(node_name=NODE).update(default_model="sim/gpt-4o-mini")
    snapshot.expire()
    if calibrate:
        reviewed(ROWS)
        calibrated()
        EnrichmentResult.objects.all().delete()


def finished():
    batch = creation.create(NODE, Selection())
    run_lane(batch.pk, seconds=120)
    calls = GenerationMetric.objects.filter(session_id=batch.pk, model_used="judge-1").count()
    return list(EnrichmentResult.objects.all()), calls


@STORED
def test_without_the_setting_nobody_is_asked(bench, make_animals):
    begun(make_animals)
    results, calls = finished()
    assert (len(results), calls) == (ROWS, 0)
    assert any(is_bad(each.value) for each in results if each.state == "applied")


@STORED
def test_what_the_judge_finds_wrong_waits_with_its_reason(bench, make_animals, settings):
    begun(make_animals)
    allow(settings, 1_000)
    results, calls = finished()
    applied = [each for each in results if each.state == "applied"]
    held = [each for each in results if JUDGED_WRONG in str(each.findings)]
    assert applied
    assert not [each for each in applied if is_bad(each.value)]
    assert held
    assert all(is_bad(each.value) and "(90 % sure): r" in each.reason for each in held)
    assert calls == len(applied) + len(held)


@STORED
def test_a_batch_asks_no_more_than_its_cap(bench, make_animals, settings):
    begun(make_animals)
    allow(settings, 5)
    results, calls = finished()
    assert (len(results), calls) == (ROWS, 5)


@STORED
def test_a_judge_that_may_not_decide_is_not_asked(bench, make_animals, settings):
    begun(make_animals, calibrate=False)
    assert not JudgeCalibration.objects.exists()
    allow(settings, 5)
    assert finished()[1] == 0


@STORED
def test_what_the_judge_could_not_be_asked_about_waits(
    bench, make_animals, settings, monkeypatch, judging
):
    begun(make_animals)
    allow(settings, 5)
    monkeypatch.setattr(type(judging), "__call__", lambda *_: (400, {"error": {"message": "no"}}))
    row = Animal.objects.first()
    assert row is not None
    found = enrich_row(NODE, row.pk)
    assert found.state == "suggested"
    assert "could not be asked" in found.reason
    assert NOT_ASKED in str(EnrichmentResult.objects.get().findings)


@STORED
def test_where_a_judge_must_have_seen_them_only_what_it_found_good_is_applied(
    bench, make_animals, settings
):
    begun(make_animals)
    allow(settings, 5)
    NodeConfiguration.objects.filter(node_name=NODE).update(apply_after="judge")
    snapshot.expire()
    results, calls = finished()
    applied = [each for each in results if each.state == "applied"]
    waits = [each for each in results if NOT_JUDGED_YET in str(each.findings)]
    assert 0 < len(applied) <= calls == 5
    assert not [each for each in applied if is_bad(each.value)]
    assert len(waits) == ROWS - 5
    assert all("read it beside the source" in each.reason for each in waits)
