"""Runs at batch price, killed at every step: each answer kept and paid for once, at half."""

import io
import json
import time
from decimal import Decimal
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db.models import Sum

from enrichment.errors import BadSelection
from enrichment.evaluations import run_states, runs, sets
from enrichment.evaluations.at_provider import rounds
from enrichment.evaluations.comparison import compare
from enrichment.evaluations.recorded import RecordedSource
from enrichment.evaluations.runs import RunOrder
from enrichment.evaluations.sets import CaseSource
from enrichment.models import EvaluationRun, Prompt, ProviderBatchSubmission
from llmconfig import client
from llmconfig.client.types import Call, Message
from llmconfig.configuration import snapshot
from llmconfig.models import Budget, BudgetHold
from metrics.models import GenerationMetric
from tests.api import caller
from tests.enrichment.provider_batches import AT_ONCE
from tests.enrichment.test_submissions import STEPS, Killed

pytestmark = pytest.mark.django_db(transaction=True)
NODE = "description_cleaning"
HALF = RunOrder(transport="provider_batch")
CASES = 4


@pytest.fixture
def begun(vendor: Any, make_animals: Any) -> EvaluationRun:
    """A run at batch price over four listings."""
    make_animals(CASES)
    made = sets.make_set("texts", NODE, CaseSource())
    return runs.begin(made, HALF, user=None)


def kill_at(wanted: str) -> bool:
    """Advance until that step is reached and die there; tells whether it was."""

    def step(done: str) -> None:
        if done == wanted:
            raise Killed

    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        try:
            rounds.advance(step=step, settle=AT_ONCE)
        except Killed:
            return True
        time.sleep(0.02)
    return False


def until(run: EvaluationRun, status: str = "done") -> EvaluationRun:
    """Do what beat and a worker do until it has this status."""
    deadline = time.monotonic() + 120
    while run.status != status:
        assert time.monotonic() < deadline, run.status_reason
        rounds.advance(settle=AT_ONCE)
        for each in runs.unattended():
            runs.carry_out(each.pk)
        run.refresh_from_db()
        time.sleep(0.02)
    return run


def paid() -> Decimal:
    found: Decimal = GenerationMetric.objects.aggregate(Sum("cost_usd"))["cost_usd__sum"]
    return found


@pytest.mark.parametrize("killed_at", STEPS)
def test_a_death_at_any_step_keeps_and_pays_each_answer_once(begun, simulator, killed_at):
    limit = Budget.objects.create(name="Nights", hard_limit_usd=Decimal(5))
    snapshot.expire()
    assert kill_at(killed_at)
    run = until(begun)
    totals = run_states.totals_of(run)
    assert (totals.answered, totals.passed, totals.unpriced) == (CASES, CASES, 0)
    assert simulator.stats()["paid"] == GenerationMetric.objects.count() == CASES
    assert GenerationMetric.objects.filter(service_name="evaluation").count() == CASES
    call = GenerationMetric.objects.first()
    live = (call.tokens_input * Decimal(1) + call.tokens_output * Decimal(10)) / 1_000_000
    assert call.cost_usd == live / 2
    assert totals.cost_usd == paid() == limit.spending.get().spent_usd
    assert not BudgetHold.objects.exists()
    assert ProviderBatchSubmission.objects.get().state == "applied"


def test_it_is_compared_with_a_live_run_that_costs_twice_as_much(begun, simulator):
    half = until(begun)
    whole = runs.carry_out(runs.begin(half.evaluation_set, RunOrder(), user=None).pk)
    found = compare(half, whole)
    assert (len(found.cases), found.differing) == (CASES, 0)
    costs = [run_states.totals_of(each).cost_usd for each in (half, whole)]
    assert costs[0] * 2 == costs[1]


def test_a_provider_without_a_batch_interface_is_refused_by_the_field(
    vendor, make_provider, make_animals
):
    make_provider("own", "local")
    make_animals(1)
    made = sets.make_set("texts", NODE, CaseSource())
    order = RunOrder(model="own/gpt-4o-mini", transport="provider_batch")
    with pytest.raises(BadSelection, match="own has no batch interface") as refused:
        runs.begin(made, order, user=None)
    assert refused.value.field == "transport"
    with pytest.raises(BadSelection, match="pigeon"):
        runs.begin(made, RunOrder(transport="pigeon"), user=None)
    with pytest.raises(CommandError, match="no batch interface"):
        call_command(
            "llm_evaluate", "run", "texts", "--model", order.model, "--transport", order.transport
        )
    body = {"set": "texts", "model": order.model, "transport": order.transport}
    for address in ("runs", "runs/forecast"):
        answer = caller("operator").post(f"/api/llm/evaluations/{address}", body, format="json")
        assert answer.status_code == 400, answer.content
        assert "no batch interface" in answer.content.decode()
    assert not EvaluationRun.objects.exists()


def test_what_has_no_answer_there_goes_live_and_says_so(begun, simulator):
    simulator.control(batch_ms=50, batch_expire_at=0.5)
    assert kill_at("applied")
    begun.refresh_from_db()
    assert "rows go on one by one, at the full price" in begun.status_reason
    run = until(begun)
    assert run_states.totals_of(run).answered == simulator.stats()["paid"] == CASES
    assert len(set(run.answers.values_list("cost_usd", flat=True))) > 1


def test_a_stopped_run_is_cancelled_there_and_handed_over_again_when_it_goes_on(begun, simulator):
    simulator.control(batch_ms=60_000)
    rounds.advance()
    run_states.stop(begun)
    deadline = time.monotonic() + 120
    while ProviderBatchSubmission.objects.get().state != "repeated":
        assert time.monotonic() < deadline
        rounds.advance()
        time.sleep(0.02)
    assert simulator.stats()["paid"] == 0
    simulator.control(batch_ms=50)
    begun.refresh_from_db()
    run_states.proceed(begun)
    run = until(begun)
    assert ProviderBatchSubmission.objects.filter(state="applied").count() == 1
    assert run_states.totals_of(run).answered == simulator.stats()["paid"] == CASES


def test_a_full_queue_is_waited_for_and_each_answer_paid_once(begun, simulator):
    simulator.control(batch_ms=20_000, batch_queue=1)
    other = runs.begin(begun.evaluation_set, HALF, user=None)
    rounds.advance(settle=AT_ONCE)
    simulator.control(batch_ms=50)
    for run in (begun, other):
        assert run_states.totals_of(until(run)).answered == CASES
    assert simulator.stats()["paid"] == 2 * CASES
    live = (call.cost_usd for call in GenerationMetric.objects.all())
    assert len(set(live)) == 1  # all at half the price


@pytest.mark.parametrize("vendor", ["openai"], indirect=True)
def test_what_is_refused_there_goes_live_under_a_cap_that_pays_for_it(begun, simulator):
    simulator.plan({"path": "/v1/files*", "action": {"status": 403}})
    rounds.advance()
    begun.refresh_from_db()
    assert "4 rows go on one by one, at the full price" in begun.status_reason
    run = until(begun)
    assert ProviderBatchSubmission.objects.get().state == "failed"
    again = RunOrder(transport="provider_batch", max_cost_usd=run_states.totals_of(run).cost_usd)
    capped = until(runs.begin(run.evaluation_set, again, user=None), "stopped")
    assert "its cap of" in capped.status_reason
    assert not capped.answers.exists()


@pytest.mark.parametrize("vendor", ["openai"], indirect=True)
def test_recorded_calls_are_asked_again_at_half_the_price(vendor, simulator):
    message: Message = {"role": "user", "content": "What is one and one?"}
    client.generate(Call(node=NODE, messages=[message]))
    source = CaseSource(calls=RecordedSource(NODE))
    run = until(runs.begin(sets.make_set("asked", "", source), HALF, user=None))
    assert run.answers.get().state == "applied"
    first, again = GenerationMetric.objects.order_by("created_at")
    assert again.cost_usd * 2 == first.cost_usd


def test_the_version_that_was_handed_over_is_the_one_that_is_recorded(begun):
    assert kill_at("noted")
    Prompt.objects.create(
        enrichment=NODE, version=9, system="", user="{{description}}", is_active=True
    )
    assert set(until(begun).answers.values_list("prompt_version", flat=True)) == {0}


def test_a_cap_hands_over_what_it_surely_pays_and_stops(vendor, make_animals, simulator):
    make_animals(CASES)
    made = sets.make_set("texts", NODE, CaseSource())
    order = RunOrder(transport="provider_batch", max_cost_usd=Decimal("0.000001"))
    run = until(runs.begin(made, order, user=None), "stopped")
    assert "as part of a provider's batch" in run.status_reason
    assert simulator.stats()["paid"] == 0


def test_what_the_provider_lost_waits_for_a_person(begun, simulator):
    simulator.control(batch_ms=60_000)
    rounds.advance()
    simulator.plan(
        {"path": "/v1/batches/*", "action": {"status": 404}},
        {"path": "/v1/messages/batches/*", "action": {"status": 404}},
    )
    run = until(begun, "stopped")
    assert "may have billed them already" in run.status_reason
    assert runs.unattended() == []
    simulator.plan()
    run_states.proceed(run)
    assert run_states.totals_of(until(run)).answered == CASES


def test_api_and_command_start_stop_and_go_on_with_it(vendor, make_animals, simulator):
    make_animals(2)
    sets.make_set("texts", NODE, CaseSource())
    operator = caller("operator")
    body = {"set": "texts", "transport": "provider_batch"}
    made = operator.post("/api/llm/evaluations/runs", body, format="json")
    assert (made.status_code, made.json()["transport"]) == (202, "provider_batch")
    key = made.json()["id"]

    def said(verb: str) -> dict[str, Any]:
        out = io.StringIO()
        call_command("llm_evaluate", verb, key, "--json", stdout=out)
        told: dict[str, Any] = json.loads(out.getvalue())
        return told

    assert said("stop")["status"] == "stopped"
    told = said("continue")
    assert (told["status"], told["answered"]) == ("done", 2)
    assert simulator.stats()["paid"] == 2
    with pytest.raises(CommandError, match="has ended"):
        said("stop")


@pytest.mark.parametrize("vendor", ["openai"], indirect=True)
def test_the_admin_begins_one_shows_what_is_there_and_deletes_none_under_way(
    vendor, make_provider, make_animals, simulator, admin_client
):
    make_provider("own", "local")
    make_animals(2)
    made = sets.make_set("texts", NODE, CaseSource())
    add = "/admin/enrichment/evaluationrun/add/"
    form = {"set": str(made.pk), "transport": "provider_batch"}
    refused = admin_client.post(add, {**form, "model": "own/gpt-4o-mini"})
    assert "no batch interface" in " ".join(refused.context["form"].errors["transport"])
    assert admin_client.post(add, form).status_code == 302
    simulator.control(batch_ms=60_000)
    rounds.advance()
    run = EvaluationRun.objects.get()
    page = admin_client.get(f"/admin/enrichment/evaluationrun/{run.pk}/change/").text
    assert ProviderBatchSubmission.objects.get().external_id in page
    for table, key in (("evaluationrun", run.pk), ("evaluationset", made.pk)):
        chosen = {"action": "delete_selected", "_selected_action": [key], "post": "yes"}
        answer = admin_client.post(f"/admin/enrichment/{table}/", chosen)
        assert "stop it first" in answer.text
    assert EvaluationRun.objects.filter(pk=run.pk).exists()
