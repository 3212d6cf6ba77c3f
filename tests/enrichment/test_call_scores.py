"""Scores of two calls for single calls and rows: one call more, and each paid call recorded."""

from decimal import Decimal
from typing import Any

import pytest
from django.db.models import Sum

from enrichment.call_cascades import windows
from enrichment.cascades.steering import Phase, from_json, to_json
from enrichment.enrichments import get
from enrichment.judging import judge_of
from enrichment.models import CallCascade, EnrichmentResult, JudgeCalibration
from enrichment.single import enrich_row
from llmconfig import client
from llmconfig.client.errors import GenerationFailed
from llmconfig.client.types import Call
from llmconfig.configuration import snapshot
from llmconfig.gateway.answer_headers import cost_of
from llmconfig.models import NodeConfiguration, ProviderModel
from llmconfig.runtime.records import replace
from metrics.models import GenerationMetric
from tests.enrichment.test_call_cascades import CALLS, answers, calls
from tests.enrichment.test_cascades import NODE, calls_by_model
from tests.enrichment.test_judges import bench, is_bad, judging  # noqa: F401 - fixtures
from tests.waiting import until

pytestmark = pytest.mark.django_db(transaction=True)
CHEAP, DEAR = "gpt-4o-mini", "gpt-4o"
ROWS = 12


def scored_by(score: str, **changed: Any) -> None:
    """The node's cascade goes by this score; both models have a price."""
    for model, price in ((CHEAP, 1), (DEAR, 20)):
        row = ProviderModel.objects.get(model_id=model)
        row.prices.all().delete()
        row.prices.create(valid_from="2020-01-01T00:00Z", input_per_1m=price, output_per_1m=price)
    NodeConfiguration.objects.filter(node_name=NODE).update(cascade_score=score, **changed)
    snapshot.expire()


def keeping(threshold: int) -> None:
    """The node's window keeps cheap answers from this bin on, and audits few."""
    facts = snapshot.current().nodes[NODE].cascade
    assert facts is not None
    windows.look(NODE, facts, price=0.1)
    row = CallCascade.objects.get()
    state = replace(from_json(row.state), phase=Phase.KEEPING, threshold=threshold, share=0.05)
    row.state = to_json(state)
    row.save()


def spent() -> Decimal:
    return Decimal(GenerationMetric.objects.aggregate(Sum("cost_usd"))["cost_usd__sum"])


def answered() -> int:
    return GenerationMetric.objects.filter(error_code="").count()


def test_two_samples_score_single_calls(cascaded, simulator, make_animals):
    scored_by("agreement")
    simulator.control(errs={CHEAP: {"share": 0.1, "telling": 3}})
    make_animals(CALLS)
    made = answers(calls())
    kept = [each for each in made if each.cascade.way == "kept"]
    others = [each for each in made if each.cascade.way != "kept"]
    assert len(kept) > 10
    assert {each.record.model for each in kept} == {CHEAP}
    assert calls_by_model() == {CHEAP: 2 * CALLS, DEAR: len(others)}
    assert simulator.stats()["paid"] == GenerationMetric.objects.count()
    assert sum(filter(None, map(cost_of, made))) == spent()
    assert all(each.cascade.beside_usd > 0 for each in kept)
    until(lambda: from_json(CallCascade.objects.get().state).settled == CALLS)


def test_a_judge_scores_single_calls_once_it_is_calibrated(bench, simulator, make_animals):  # noqa: F811 - a fixture
    scored_by("judge", cascade_model=f"sim/{CHEAP}", cascade_target=0.9)
    make_animals(ROWS)
    asked = calls()
    rests = client.generate(asked[0])
    assert (rests.cascade.way, rests.record.model) == ("rests", DEAR)
    assert "isn't calibrated" in rests.cascade.why
    judge = judge_of(get(NODE))
    assert judge is not None
    JudgeCalibration.objects.create(
        enrichment=NODE, judge=judge.key, wanted=40, status="done", kappa=0.9, kappa_low=0.8,
        kappa_high=1.0,
    )  # fmt: skip
    keeping(threshold=80)
    made = answers(asked)
    kept = [each for each in made if each.cascade.way == "kept"]
    assert kept
    assert not any(is_bad(each.text) for each in kept)
    assert len(bench.bodies) == len(made)
    by_model = calls_by_model()
    assert by_model == {CHEAP: ROWS, "judge-1": ROWS, DEAR: 1 + ROWS - len(kept)}
    image: Any = {
        "role": "user",
        "content": [{"type": "image_url", "image_url": {"url": "data:x"}}],
    }
    with_image = client.generate(replace(asked[0], messages=[*asked[0].messages, image]))
    assert "reads texts alone" in with_image.cascade.why


def test_a_node_that_no_enrichment_asks_has_no_judge_that_may_decide(bench, provider):  # noqa: F811 - a fixture
    NodeConfiguration.objects.create(
        node_name="elsewhere", default_model=f"sim/{DEAR}", cascade_model=f"sim/{CHEAP}",
        cascade_score="judge", judge_rubric="Short.", judge_model="bench/judge-1",
    )  # fmt: skip
    snapshot.expire()
    call = Call(node="elsewhere", messages=[{"role": "user", "content": "Hi"}], cascades=True)
    assert "No enrichment asks this node" in client.generate(call).cascade.why


@pytest.mark.parametrize("score", ["agreement", "gates", "logprobs"])
def test_a_row_goes_through_the_cascade_and_costs_all_its_calls(
    cascaded, simulator, make_animals, score
):
    scored_by(score)
    keeping(threshold=80)
    for animal in make_animals(ROWS):
        assert enrich_row(NODE, animal.pk).state == "applied"
    results = EnrichmentResult.objects.all()
    kept = results.filter(cascade__way="cheap")
    assert kept.exists()
    assert set(kept.values_list("model_used", flat=True)) == {CHEAP}
    asked = 2 if score == "agreement" else 1
    assert calls_by_model() == {CHEAP: asked * ROWS} | (
        {DEAR: ROWS - kept.count()} if kept.count() < ROWS else {}
    )
    assert simulator.stats()["paid"] == GenerationMetric.objects.count()
    assert results.aggregate(Sum("cost_usd"))["cost_usd__sum"] == spent()
    assert GenerationMetric.objects.filter(metadata__cascade="kept").count() == asked * kept.count()


@pytest.mark.parametrize("fails", [1, 2, 3])
def test_what_fails_midway_is_recorded_and_leaves_the_row_as_it_was(
    cascaded, simulator, make_animals, fails
):
    """The cheap call, the second one or the own model's is refused for good."""
    scored_by("agreement")
    keeping(threshold=10_000)
    (animal,) = make_animals(1)
    simulator.plan({"every": fails, "times": 1, "action": {"status": 400}})
    found = enrich_row(NODE, animal.pk)
    assert found.state == ("failed" if fails == 3 else "applied")
    expected = {1: {CHEAP: 1, DEAR: 1}, 2: {CHEAP: 2, DEAR: 1}, 3: {CHEAP: 2, DEAR: 1}}
    assert calls_by_model() == expected[fails]
    paid = simulator.stats()["paid"]
    assert paid == answered() == sum(expected[fails].values()) - 1
    assert EnrichmentResult.objects.get().cost_usd == spent()
    if fails == 3:
        (call,) = calls()
        simulator.plan({"every": 3, "times": 1, "action": {"status": 400}})
        with pytest.raises(GenerationFailed):
            client.generate(call)
        until(lambda: GenerationMetric.objects.count() == 6)  # stored without waiting
        assert simulator.stats()["paid"] == answered()
