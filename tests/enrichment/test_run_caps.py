"""A run goes on under a higher cap once it has spent its own; a judge scores a run's cascade."""

from decimal import Decimal
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from enrichment.enrichments import get
from enrichment.errors import BadSelection, NotAllowedNow
from enrichment.evaluations import run_states, runs, sets
from enrichment.evaluations.run_cascade import figures_of
from enrichment.evaluations.run_states import totals_of
from enrichment.evaluations.runs import RunOrder
from enrichment.evaluations.sets import CaseSource
from enrichment.judging import judge_of
from enrichment.models import EvaluationRun, JudgeCalibration
from llmconfig.configuration import snapshot
from llmconfig.models import NodeConfiguration, ProviderModel
from metrics.models import GenerationMetric
from tests.api import caller
from tests.enrichment.test_judges import bench, is_bad, judging  # noqa: F401 - fixtures

pytestmark = pytest.mark.django_db(transaction=True)
NODE = "description_cleaning"
CAP = Decimal("0.0001")
ROWS = 24


@pytest.fixture
def capped(cascaded: Any, make_animals: Any, settings: Any) -> EvaluationRun:
    """A run of the own model that has stopped at its cap, after a few rows of 24."""
    settings.LLM_ENVIRONMENT = {**settings.LLM_ENVIRONMENT, "LLM_BATCH_CONCURRENT": 4}
    priced()
    make_animals(ROWS)
    made = sets.make_set("texts", NODE, CaseSource(limit=ROWS))
    order = RunOrder(model="sim/gpt-4o", max_cost_usd=CAP)
    run = runs.carry_out(runs.begin(made, order, user=None).pk)
    assert (run.status, run.status_reason) == ("stopped", "Its cap of $0.0001 is spent.")
    return run


def priced() -> None:
    for model, price in (("gpt-4o-mini", 1), ("gpt-4o", 40)):
        row = ProviderModel.objects.get(model_id=model)
        row.prices.all().delete()
        row.prices.create(valid_from="2020-01-01T00:00Z", input_per_1m=price, output_per_1m=price)
    snapshot.expire()


def test_it_goes_on_under_a_higher_cap_alone_and_asks_nothing_twice(capped, simulator):
    asked = simulator.stats()["paid"]
    with pytest.raises(NotAllowedNow, match=r"its cap of \$0.0001; continue it with a higher one"):
        run_states.proceed(capped)
    with pytest.raises(BadSelection, match="not above 0"):
        run_states.proceed(capped, max_cost_usd=Decimal(0))
    with pytest.raises(NotAllowedNow):
        run_states.proceed(capped, max_cost_usd=CAP / 2)
    run_states.proceed(capped, max_cost_usd=Decimal(5))
    run = runs.carry_out(capped.pk)
    assert (run.status, run.max_cost_usd, totals_of(run).answered) == ("done", Decimal(5), ROWS)
    assert 0 < asked < simulator.stats()["paid"] == ROWS == GenerationMetric.objects.count()


def test_the_api_takes_the_cap_with_continue(capped):
    operator, address = caller("operator"), f"/api/llm/evaluations/runs/{capped.pk}/continue"
    refused = operator.post(address, {}, format="json")
    assert refused.status_code == 409, refused.content
    assert "higher one" in refused.text
    assert operator.post(address, {"max_cost_usd": -1}, format="json").status_code == 400
    taken = operator.post(address, {"max_cost_usd": "5"}, format="json")
    assert (taken.status_code, Decimal(taken.json()["max_cost_usd"])) == (200, Decimal(5))
    assert taken.json()["status"] in {"waiting", "running", "done"}


def test_the_admin_asks_for_the_cap_beside_continue(capped, admin_client):
    page = f"/admin/enrichment/evaluationrun/{capped.pk}/change/"
    assert 'name="max_cost_usd" value="0.0001"' in " ".join(admin_client.get(page).text.split())
    control = f"/admin/enrichment/evaluationrun/{capped.pk}/control/proceed/"
    told = admin_client.post(control, {"max_cost_usd": "0.0001"}, follow=True).text
    assert "continue it with a higher one" in told
    told = admin_client.post(control, {"max_cost_usd": "five"}, follow=True).text
    assert "A cap is a number of US dollars." in told
    admin_client.post(control, {"max_cost_usd": "5"})
    capped.refresh_from_db()
    assert (capped.status == "stopped", capped.max_cost_usd) == (False, 5)


def test_the_command_takes_the_cap_with_continue(capped, capsys):
    with pytest.raises(CommandError, match="--max-cost"):
        call_command("llm_evaluate", "continue", str(capped.pk))
    call_command("llm_evaluate", "continue", str(capped.pk), "--max-cost", "5")
    assert f"{ROWS}" in capsys.readouterr().out


def test_a_judge_scores_the_cheap_answers_of_a_run(bench, simulator, make_animals):  # noqa: F811 - a fixture
    rows = 100
    priced()
    row = ProviderModel.objects.get(model_id="judge-1")
    row.prices.create(valid_from="2020-01-01T00:00Z", input_per_1m=1, output_per_1m=1)
    NodeConfiguration.objects.filter(node_name=NODE).update(
        cascade_model="sim/gpt-4o-mini", cascade_score="judge", cascade_target=0.5
    )
    snapshot.expire()
    make_animals(rows)
    judge = judge_of(get(NODE))
    assert judge is not None
    JudgeCalibration.objects.create(
        enrichment=NODE, judge=judge.key, wanted=40, status="done", kappa=0.9, kappa_low=0.8,
        kappa_high=1.0,
    )  # fmt: skip
    made = sets.make_set("texts", NODE, CaseSource(limit=rows))
    run = runs.carry_out(runs.begin(made, RunOrder(), user=None).pk)
    figures, through = figures_of(run), run.answers.exclude(cascade=None)
    assert (run.status, run.answers.count()) == ("done", rows)
    assert figures.kept > 10
    kept = through.filter(cascade__way="cheap")
    assert kept.count() == figures.kept
    # A third of the cheap answers are bad, and the score tells which.
    assert {is_bad(str(each.value)) for each in kept if each.cascade["score"] < 0.5} <= {True}
    assert {is_bad(str(each.value)) for each in kept if each.cascade["score"] > 0.5} == {False}
    assert len(bench.bodies) == through.count()
    assert figures.cheap_calls == 2 * through.count()
    calls = figures.cheap_calls + figures.dear_calls
    assert GenerationMetric.objects.count() == calls
    assert simulator.stats()["paid"] + len(bench.bodies) == calls
    assert totals_of(run).cost_usd == figures.cheap_usd + figures.dear_usd
