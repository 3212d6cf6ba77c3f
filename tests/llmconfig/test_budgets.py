"""Budgets held by real processes over PostgreSQL's ledger."""

import datetime as dt
import uuid
from decimal import Decimal

import pytest
from django.core.exceptions import ValidationError
from django.utils import timezone

from llmconfig import client
from llmconfig.admin.kit.writes import current_revision
from llmconfig.client.errors import BudgetExceeded, GenerationFailed
from llmconfig.client.types import Labels
from llmconfig.configuration import snapshot
from llmconfig.errors import ConfigurationError
from llmconfig.models import (
    Budget,
    BudgetHold,
    BudgetSpending,
    GatewayKey,
    GlobalConfig,
    RevisionChange,
)
from metrics.models import GenerationMetric

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def make_budget():
    def make(name="all", **fields):
        budget = Budget.objects.create(name=name, **fields)
        snapshot.expire()
        return budget

    return make


@pytest.fixture
def node(make_provider, make_node):
    make_provider(price=("1000", "1000"))
    return make_node("sim/gpt-4o-mini", default_max_tokens=40)


def spent(budget):
    return BudgetSpending.objects.get(budget=budget).spent_usd


def test_several_processes_end_at_the_budget_and_within_one_call_of_it(
    node, make_budget, simulator, callers
):
    """A tenth of a cent a token: a call may cost $0.05 and costs about half of it."""
    budget = make_budget(hard_limit_usd=1, period="total")
    simulator.control(latency_ms=20, output_tokens={"median": 20, "sigma": 0.4})
    results = callers(processes=4, calls=60, in_flight=13, max_tokens=40).results()
    tokens = simulator.stats()["tokens"]
    cost = Decimal(tokens["input"] + tokens["output"]) / 1000
    assert spent(budget) == cost == sum(Decimal(each["cost"]) for each in results)
    assert Decimal("0.93") < cost <= 1
    refused = next(each["message"] for each in results if each["message"])
    assert "“all”" in refused
    assert "hard limit" in refused
    assert not BudgetHold.objects.exists()


def test_a_refusal_is_a_matter_of_configuration_and_leaves_a_record(node, make_budget, ask):
    make_budget("nothing left", hard_limit_usd=0)
    collected = []
    with pytest.raises(BudgetExceeded, match="“nothing left”") as refused:
        client.generate(ask(), collect=lambda record, _: collected.append(record))
    assert isinstance(refused.value, ConfigurationError)
    assert refused.value.record is collected[0]
    assert collected[0].attempts[0].outcome == "budget_exceeded"
    assert collected[0].cost_usd == 0
    with pytest.raises(BudgetExceeded):
        client.generate(ask())
    assert GenerationMetric.objects.get().error_code == "budget_exceeded"


@pytest.mark.parametrize(
    ("scope", "value", "counts"),
    [
        ("everything", "", True),
        ("provider", "sim", True),
        ("provider", "other", False),
        ("node", "tag_rows", True),
        ("node", "other", False),
        ("organization", "7", True),
        ("organization", "8", False),
        ("batch", "00000000-0000-0000-0000-000000000005", True),
        ("batch", "00000000-0000-0000-0000-000000000006", False),
        ("account", "key-1", True),
        ("account", "key-2", False),
    ],
)
def test_a_budget_counts_the_calls_of_its_scope(node, make_budget, ask, scope, value, counts):
    budget = make_budget(scope=scope, scope_value=value, hard_limit_usd=100)
    labels = Labels(organization_id=7, session_id=uuid.UUID(int=5), account="key-1")
    cost = client.generate(ask(labels=labels)).record.cost_usd
    assert BudgetSpending.objects.filter(budget=budget).exists() is counts
    if counts:
        assert cost
        assert spent(budget) == cost


STARTS = {
    "day": lambda today: today,
    "month": lambda today: today.replace(day=1),
    "total": lambda _: dt.date(1970, 1, 1),
}


@pytest.mark.parametrize("period", STARTS)
def test_a_period_starts_anew(node, make_budget, ask, period):
    budget = make_budget(period=period, hard_limit_usd=1)
    before = STARTS[period](timezone.now().date())
    past = BudgetSpending.objects.create(
        budget=budget, period_start=before - dt.timedelta(days=31), spent_usd=1
    )
    client.generate(ask())
    after = STARTS[period](timezone.now().date())  # another one if it is midnight
    present = BudgetSpending.objects.exclude(pk=past.pk).get(budget=budget)
    assert present.spent_usd > 0
    assert present.period_start in {before, after}


def test_a_soft_limit_takes_the_cheaper_model(make_provider, node, make_budget, ask):
    make_provider("cheap", model_id="gpt-4.1-nano", price=("0.1", "0.4"))
    GlobalConfig.objects.create(interaction_type="reasoning", degrade_to="cheap/gpt-4.1-nano")
    make_budget("team", soft_limit_usd="0.000001", hard_limit_usd=5)
    first, second = client.generate(ask()).record, client.generate(ask()).record
    assert (first.model, second.model) == ("gpt-4o-mini", "gpt-4.1-nano")
    assert [(each.outcome, each.moved_on) for each in second.attempts] == [
        ("budget_soft", "degrade"),
        ("ok", ""),
    ]
    assert "“team”" in second.attempts[0].detail


def test_a_soft_limit_without_a_cheaper_model_lets_calls_go(node, make_budget, ask):
    make_budget(soft_limit_usd="0.000001")
    for _ in range(2):
        assert client.generate(ask()).record.model == "gpt-4o-mini"


def test_a_dear_target_is_passed_over_for_one_that_fits(make_provider, make_node, make_budget, ask):
    make_provider("dear", price=("1000", "1000"))
    make_provider("cheap", model_id="gpt-4.1-nano", price=("1", "1"))
    make_node("dear/gpt-4o-mini", "cheap/gpt-4.1-nano", default_max_tokens=40)
    make_budget(hard_limit_usd="0.01")
    record = client.generate(ask()).record
    assert [each.outcome for each in record.attempts] == ["budget_exceeded", "ok"]


def test_an_unpriced_model_is_refused_unless_the_budget_allows_it(
    make_provider, make_node, make_budget, ask, simulator
):
    make_provider(price=None)
    make_node("sim/gpt-4o-mini")
    budget = make_budget("strict", hard_limit_usd=100)
    with pytest.raises(BudgetExceeded, match="“strict” has a hard limit and gpt-4o-mini has no"):
        client.generate(ask())
    assert simulator.requests == 0
    Budget.objects.filter(pk=budget.pk).update(allow_unpriced=True)
    snapshot.expire()
    assert client.generate(ask()).text


def test_a_budget_tells_how_many_calls_its_sum_leaves_out(
    make_provider, make_node, make_budget, ask, simulator, admin_client
):
    make_provider(price=None)
    make_node("sim/gpt-4o-mini")
    budget = make_budget("open", hard_limit_usd=100, allow_unpriced=True)
    for _ in range(2):
        client.generate(ask())
    simulator.fail(status=400)  # not billed, so nothing is left out
    with pytest.raises(GenerationFailed):
        client.generate(ask())
    told = admin_client.get(f"/api/v1/llm/budgets/{budget.pk}").json()
    assert Decimal(told["spent_usd"]) == 0
    assert told["unpriced_calls"] == 2
    for page in ("", f"{budget.pk}/change/"):
        shown = admin_client.get(f"/admin/llmconfig/budget/{page}").content.decode()
        assert "$0.0000 and 2 unpriced calls" in shown
    assert "and 2 unpriced calls" in admin_client.get("/admin/").content.decode()


def test_what_failed_costs_nothing_and_what_may_have_been_billed_counts(
    node, make_budget, ask, simulator
):
    budget = make_budget(hard_limit_usd=100)
    simulator.fail(status=400)
    with pytest.raises(GenerationFailed):
        client.generate(ask())
    assert spent(budget) == 0
    simulator.fail_first(1, cut=0.5)
    made = client.generate(ask()).record
    cut, answered = made.attempts
    assert made.cost_usd is None  # nobody knows what the first one cost
    assert spent(budget) == cut.estimated_usd + answered.cost_usd


def test_a_killed_processs_holds_expire(node, make_budget, ask):
    budget = make_budget(hard_limit_usd="0.07", period="total")
    spending = BudgetSpending.objects.create(
        budget=budget, period_start=dt.date(1970, 1, 1), spent_usd=0
    )
    held = BudgetHold.objects.create(
        spending=spending,
        holder=uuid.uuid4(),
        held_usd="0.07",
        expires_at=timezone.now() + dt.timedelta(seconds=2),
    )
    record = client.generate(ask()).record
    assert record.attempts[0].waited_ms > 100
    assert timezone.now() >= held.expires_at
    assert not BudgetHold.objects.filter(pk=held.pk).exists()


def test_a_budget_costs_a_call_that_it_does_not_count_no_query(
    node, make_budget, ask, django_assert_num_queries
):
    make_budget(scope="organization", scope_value="8", hard_limit_usd=1)
    client.generate(ask())
    assert not BudgetSpending.objects.exists()


def test_budgets_are_configuration_with_history(make_budget):
    budget = make_budget(hard_limit_usd=1)
    change = RevisionChange.objects.get(table_name="llm_budgets")
    assert change.row_key == str(budget.pk)


@pytest.mark.parametrize(
    "fields",
    [
        {"scope": "node", "hard_limit_usd": 1},
        {"scope": "everything", "scope_value": "x", "hard_limit_usd": 1},
        {},
        {"soft_limit_usd": 2, "hard_limit_usd": 1},
    ],
)
def test_a_budget_that_makes_no_sense_is_refused(fields):
    with pytest.raises(ValidationError):
        Budget(name="odd", **fields).full_clean()


def test_the_admin_shows_what_is_spent(node, make_budget, ask, admin_client):
    make_budget("team", hard_limit_usd="0.00001", scope="node", scope_value="tag_rows")
    make_budget("all", soft_limit_usd="0.000001")
    client.generate(ask(node="sim/gpt-4o-mini"))
    page = admin_client.get("/admin/llmconfig/budget/").content.decode()
    assert "A node: <code>tag_rows</code>" in page
    assert "cheaper models" in page
    assert "open" in page


BUDGETS = "/admin/llmconfig/budget/"
FORM = {"name": "team", "is_enabled": "on", "period": "month", "hard_limit_usd": "5"}


def budget_form(**fields):
    return {**FORM, "_seen_revision": str(current_revision()), **fields}


def test_a_budgets_subject_is_chosen_from_what_there_is(node, ask, admin_client):
    GatewayKey.objects.create(name="website", prefix="nw-x", key_hash="x", allows_everything=True)
    page = admin_client.get(f"{BUDGETS}add/", {"applies_to": "account:website"}).content.decode()
    for value in ("everything", "provider:sim", "node:tag_rows", "account:website", "batch"):
        assert f'value="{value}"' in page, value
    assert '<option value="account:website" selected>' in page
    admin_client.post(f"{BUDGETS}add/", budget_form(applies_to="node:tag_rows", scope_value="x"))
    budget = Budget.objects.get()
    assert (budget.scope, budget.scope_value) == ("node", "tag_rows")
    # Saved untouched, it stays what it is.
    admin_client.post(f"{BUDGETS}{budget.pk}/change/", budget_form(applies_to="node:tag_rows"))
    budget.refresh_from_db()
    assert (budget.scope, budget.scope_value) == ("node", "tag_rows")


@pytest.mark.parametrize(
    ("applies_to", "value", "way_out"),
    [
        ("organization", "acme", "Give the organization&#x27;s number."),
        ("batch", "7", "Give the batch&#x27;s whole id"),
        ("batch", "", "Choose which one."),
        ("everything", "5", "choose above what this is one of"),
        ("node:gone", "", "Select a valid choice."),
    ],
)
def test_a_budget_that_can_match_nothing_is_refused(node, admin_client, applies_to, value, way_out):
    form = budget_form(applies_to=applies_to, scope_value=value)
    assert way_out in admin_client.post(f"{BUDGETS}add/", form).content.decode()
    assert not Budget.objects.exists()
