"""A judge that may decide looks at texts before they are applied: off by default, and capped."""

import re
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from enrichment.batches import creation, undo
from enrichment.batches.creation import Selection
from enrichment.engine.applying import NOT_JUDGED_YET
from enrichment.engine.lanes import run_lane
from enrichment.engine.second_opinions import JUDGED_WRONG, NOT_ASKED, RELEASED
from enrichment.forecast import forecast
from enrichment.listings.models import Animal
from enrichment.models import Batch, EnrichmentResult, JudgeCalibration
from enrichment.quality.gates.wording import OTHER_WORDS
from enrichment.single import enrich_row
from llmconfig.configuration import snapshot
from llmconfig.models import NodeConfiguration, Provider, ProviderModel
from llmconfig.secrets import Secret
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
from tests.loopback import loopback

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
def test_a_forecast_counts_what_the_judge_is_asked(bench, make_animals, settings):
    begun(make_animals)
    for model in ProviderModel.objects.all():
        model.prices.all().delete()
        model.prices.create(
            valid_from=timezone.now() - timedelta(days=1),
            input_per_1m=1_000 if model.model_id == "judge-1" else 1,
            output_per_1m=1_000 if model.model_id == "judge-1" else 1,
        )
    snapshot.expire()
    without = forecast(NODE, Selection()).cost_usd
    costs = []
    for calls in (ROWS // 4, ROWS):
        allow(settings, calls)
        costs.append(forecast(NODE, Selection()).cost_usd)
    assert without.p50 < costs[0].p10
    assert 2 < costs[1].p50 / costs[0].p50 < 8


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


class Cleaner:
    """Answers with the listing, one word exchanged; the judge finds a doubled word bad."""

    def __init__(self, before: str, after: str) -> None:
        self.before, self.after = before, after

    def __call__(self, body: Any) -> tuple[int, dict[str, Any]]:
        asked = body["messages"][-1]["content"]
        told = re.findall(r"<listing>\n(.*?)\n</listing>", asked, re.DOTALL)[0]
        message = {"role": "assistant", "content": told.replace(self.before, self.after)}
        return 200, {
            "id": "1", "object": "chat.completion", "created": 1, "model": "cleaner-1",
            "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 50, "completion_tokens": 10, "total_tokens": 60},
        }  # fmt: skip


SOCIABLE = "Rex is a sociable dog who likes long walks by the river in the evening."


@contextmanager
def cleaned(after: str, *, before: str = "a sociable"):
    """A model that exchanges words of every row's text, in place of the node's."""
    Animal.objects.update(description=SOCIABLE)
    with loopback(Cleaner(before, after)) as served:
        row = Provider(name="cleaner", provider_type="custom", api_base_url=f"{served.url}/v1")
        row.set_key(Secret("key-of-the-cleaner"))
        row.save()
        ProviderModel.objects.create(provider=row, model_id="cleaner-1")
        NodeConfiguration.objects.filter(node_name=NODE).update(default_model="cleaner/cleaner-1")
        snapshot.expire()
        yield


def codes_of(result):
    return [each["code"] for each in result.findings or ()]


@STORED
def test_a_judge_releases_what_is_held_for_another_word_alone(bench, make_animals, settings):
    begun(make_animals)
    allow(settings, 1_000)
    with cleaned("an outgoing"):
        results, calls = finished()
    assert calls == len(results) == ROWS
    assert {each.state for each in results} == {"applied"}
    assert all(codes_of(each) == [RELEASED, OTHER_WORDS] for each in results)
    said = results[0].findings[0]["data"]
    assert (said["judge"], said["codes"]) == ("judge-1", [OTHER_WORDS])
    assert "outgoing" in Animal.objects.first().enriched_description
    batch = Batch.objects.get()
    undo.undo(batch)
    assert not Animal.objects.filter(enriched_description__contains="outgoing").exists()


@STORED
def test_one_row_is_released_too(bench, make_animals, settings):
    begun(make_animals)
    allow(settings, 5)
    with cleaned("an outgoing"):
        row = Animal.objects.first()
        assert row is not None
        assert enrich_row(NODE, row.pk).state == "applied"
    assert codes_of(EnrichmentResult.objects.get()) == [RELEASED, OTHER_WORDS]


@STORED
def test_what_the_judge_finds_wrong_stays_held_with_both_reasons(bench, make_animals, settings):
    begun(make_animals)
    allow(settings, 1_000)
    with cleaned("an outgoing outgoing"):
        results, calls = finished()
    assert calls == ROWS
    assert {each.state for each in results} == {"suggested"}
    assert all(codes_of(each) == [JUDGED_WRONG, OTHER_WORDS] for each in results)


@STORED
@pytest.mark.parametrize("after", ["not a sociable", "a bonded"])
def test_nothing_else_that_a_gate_holds_is_shown_to_the_judge(bench, make_animals, settings, after):
    begun(make_animals)
    allow(settings, 1_000)
    with cleaned(after):
        results, calls = finished()
    assert calls == 0
    assert {each.state for each in results} == {"suggested"}


@STORED
def test_where_all_are_reviewed_no_judge_releases(bench, make_animals, settings):
    begun(make_animals)
    allow(settings, 1_000)
    NodeConfiguration.objects.filter(node_name=NODE).update(apply_after="review")
    with cleaned("an outgoing"):
        results, calls = finished()
    assert calls == 0
    assert all(codes_of(each) == [OTHER_WORDS] for each in results)
