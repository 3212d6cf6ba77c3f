"""Runs over a node with a cascade: the promise kept, every call counted, comparison with the dear
model's run."""

import os
import signal
import subprocess
import sys
import time
from decimal import Decimal
from typing import Any

import pytest
from django.db.models import Sum

from enrichment.errors import BadSelection
from enrichment.evaluations import run_states, runs, sets
from enrichment.evaluations.comparison import compare
from enrichment.evaluations.run_cascade import AT_ONCE, figures_of
from enrichment.evaluations.run_states import totals_of
from enrichment.evaluations.runs import RunOrder
from enrichment.evaluations.sets import CaseSource
from enrichment.listings.models import Animal
from enrichment.models import EvaluationRun, EvaluationSet
from llmconfig.configuration import snapshot
from llmconfig.models import Budget, NodeConfiguration
from metrics.models import GenerationMetric
from tests.api import caller
from tests.database import database_url
from tests.enrichment.model_prices import price_cheap_and_dear

pytestmark = pytest.mark.django_db(transaction=True)
NODE = "description_cleaning"
ROWS = 300
DEAR = RunOrder(model="sim/gpt-4o")


@pytest.fixture
def made(cascaded: Any, make_animals: Any) -> EvaluationSet:
    """A set of three hundred listings; both models have a price."""
    price_cheap_and_dear()
    NodeConfiguration.objects.filter(node_name=NODE).update(cascade_target=0.8)
    snapshot.expire()
    make_animals(ROWS)
    return sets.make_set("texts", NODE, CaseSource(limit=ROWS))


def carried_out(made: EvaluationSet, order: RunOrder) -> EvaluationRun:
    return runs.carry_out(runs.begin(made, order, user=None).pk)


def test_it_keeps_what_scores_well_and_is_compared_with_the_dear_models_run(made, simulator):
    run = carried_out(made, RunOrder())
    figures, totals = figures_of(run), totals_of(run)
    assert (run.status, totals.answered) == ("done", ROWS)
    assert ROWS * 0.15 < figures.kept < ROWS
    through = run.answers.exclude(cascade=None)  # all, unless audits have stopped it
    assert figures.rows == figures.cheap_calls == through.count()
    ways = dict.fromkeys(("cheap", "audit", "dear"), 0)
    for answer in through:
        ways[answer.cascade["way"]] += 1
        model = "gpt-4o-mini" if answer.cascade["way"] == "cheap" else "gpt-4o"
        assert answer.model_used == model
    assert ways["cheap"] == figures.kept
    assert ways["audit"] == figures.audited
    assert figures.dear_calls == ROWS - figures.kept
    calls = figures.cheap_calls + figures.dear_calls
    assert simulator.stats()["paid"] == calls == GenerationMetric.objects.count()
    cost = GenerationMetric.objects.aggregate(Sum("cost_usd"))["cost_usd__sum"]
    assert totals.cost_usd == figures.cheap_usd + figures.dear_usd == cost
    assert figures.saving.usd > 0
    dear = carried_out(made, DEAR)
    assert figures_of(dear) is None
    found = compare(run, dear)
    assert 0 < found.differing <= ROWS * 0.3  # half as much again as the target bears
    assert totals_of(dear).cost_usd > totals.cost_usd
    assert not Animal.objects.exclude(enriched_description=None).exists()


def test_useless_scores_leave_nearly_all_to_the_dear_model(made, simulator):
    NodeConfiguration.objects.filter(node_name=NODE).update(cascade_target=0.95)
    snapshot.expire()
    simulator.control(errs={"gpt-4o-mini": {"share": 0.5, "telling": 0}})
    run = carried_out(made, RunOrder())
    figures = figures_of(run)
    assert figures.phase in {"not_worth_it", "stopped"}
    assert figures.dear_calls == ROWS - figures.kept >= ROWS * 0.7


def test_a_killed_process_loses_a_block_and_counts_what_is_kept(made, simulator):
    run = runs.begin(made, RunOrder(), user=None)
    simulator.control(latency_ms=200)  # or it might be done before anybody looks
    command = [sys.executable, "manage.py", "llm_evaluate", "continue", str(run.pk)]
    process = subprocess.Popen(
        command,
        env={**os.environ, "DATABASE_URL": database_url(), "LLM_EGRESS_ALLOW": "127.0.0.1"},
        start_new_session=True,
    )
    deadline = time.monotonic() + 200
    while run.answers.count() < 20:
        assert time.monotonic() < deadline
        assert process.poll() is None
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    while simulator.stats()["in_flight"]:
        time.sleep(0.02)
    simulator.control(latency_ms=0)
    assert figures_of(run).rows == run.answers.exclude(cascade=None).count() < ROWS
    run = runs.carry_out(run.pk)
    figures = figures_of(run)
    assert (run.status, totals_of(run).answered) == ("done", ROWS)
    assert figures.rows == run.answers.exclude(cascade=None).count()
    recorded = GenerationMetric.objects.count()
    assert recorded == figures.cheap_calls + figures.dear_calls
    assert recorded <= simulator.stats()["paid"] <= recorded + 2 * AT_ONCE


@pytest.mark.parametrize(("score", "share"), [("agreement", 2), ("gates", 1)])
def test_other_scores_take_their_calls(made, simulator, score, share):
    NodeConfiguration.objects.filter(node_name=NODE).update(cascade_score=score)
    snapshot.expire()
    few = sets.make_set("few", NODE, CaseSource(limit=20))
    run = carried_out(few, RunOrder())
    figures = figures_of(run)
    assert figures.cheap_calls == 20 * share
    assert simulator.stats()["paid"] == figures.cheap_calls + figures.dear_calls


@pytest.mark.parametrize("score", ["logprobs", "agreement"])
def test_what_was_paid_before_a_budget_was_used_up_is_recorded_and_counted(made, simulator, score):
    values = {"cascade_score": score, "default_max_tokens": 110}
    NodeConfiguration.objects.filter(node_name=NODE).update(**values)
    budget = Budget.objects.create(
        name="all", scope="everything", period="day", hard_limit_usd="0.015"
    )
    snapshot.expire()
    few = sets.make_set("few", NODE, CaseSource(limit=30))
    run = carried_out(few, RunOrder())
    assert (run.status, "budget" in run.status_reason) == ("stopped", True)
    recorded = GenerationMetric.objects.exclude(cost_usd=None).filter(error_code="")
    figures, totals = figures_of(run), totals_of(run)
    paid = simulator.stats()["paid"]
    assert 0 < totals.answered < paid == recorded.count()
    assert figures.rows == totals.answered == run.answers.exclude(cascade=None).count()
    assert figures.cheap_calls > totals.answered  # some were paid before the dear call was refused
    assert totals.cost_usd == recorded.aggregate(Sum("cost_usd"))["cost_usd__sum"]
    budget.delete()
    snapshot.expire()
    run_states.proceed(run)
    run = runs.carry_out(run.pk)
    assert (run.status, figures_of(run).rows) == ("done", 30)
    assert figures_of(run).cheap_calls + figures_of(run).dear_calls == simulator.stats()["paid"]


def test_one_that_rests_says_why_and_asks_the_own_model(made, simulator):
    NodeConfiguration.objects.filter(node_name=NODE).update(cascade_score="confidence")
    snapshot.expire()
    few = sets.make_set("few", NODE, CaseSource(limit=3))
    run = carried_out(few, RunOrder())
    assert "state no confidence" in figures_of(run).said
    assert set(run.answers.values_list("model_used", "cascade")) == {("gpt-4o", None)}
    assert simulator.stats()["paid"] == 3


def test_at_batch_price_it_is_refused_by_the_field(made, simulator):
    with pytest.raises(BadSelection, match="through the node's cascade call by call") as refused:
        runs.begin(made, RunOrder(transport="provider_batch"), user=None)
    assert refused.value.field == "transport"
    assert runs.foresee(made, RunOrder()).cascade.model == "sim/gpt-4o-mini"
    assert runs.foresee(made, DEAR).cascade is None


def test_api_and_admin_show_which_rows_went_where(made, admin_client):
    few = sets.make_set("few", NODE, CaseSource(limit=12))
    run, dear = (carried_out(few, order) for order in (RunOrder(), DEAR))
    operator = caller("operator")
    told = operator.get(f"/api/llm/evaluations/runs/{run.pk}").json()["cascade"]
    assert (told["rows"], told["cheap_calls"], Decimal(told["cheap_usd"]) > 0) == (12, 12, True)
    address = f"?first={run.pk}&second={dear.pk}"
    pair = operator.get(f"/api/llm/evaluations/comparison{address}").json()["cases"][0]
    assert (pair["first_cascade"]["way"], pair["second_cascade"]) == ("dear", None)
    admin = "/admin/enrichment"
    page = admin_client.get(f"{admin}/evaluationrun/{run.pk}/change/").text
    assert "calls of the cheaper model" in page
    answers = admin_client.get(f"{admin}/evaluationanswer/?run__id__exact={run.pk}").text
    assert "was asked first and scored" in answers
    compared = admin_client.get(f"{admin}/evaluationrun/comparison/{address}").text
    assert "sim/gpt-4o-mini first" in compared
    assert "was asked first and scored" in compared
