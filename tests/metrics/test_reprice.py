"""A corrected price corrects past costs, and both figures are kept."""

import datetime as dt
from decimal import Decimal
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from llmconfig.client.types import ModelUsage, Usage, UsageDetails
from llmconfig.configuration import snapshot
from llmconfig.models import (
    Budget,
    BudgetSpending,
    ModelPrice,
    Provider,
    ProviderModel,
    RevisionChange,
)
from llmconfig.runtime.records import replace
from metrics import rollups
from metrics.models import GenerationMetric
from metrics.queries import total
from metrics.questions import MetricsQuestion
from metrics.recording import record_call
from tests.metrics.calls import ANSWERED, TEXTS, USAGE, a_record

pytestmark = pytest.mark.django_db

BEFORE = Decimal("0.0000001")
# 950 tokens in at 1 and 215 out at 10 dollars for a million.
AFTER = Decimal("0.0031000000")


@pytest.fixture
def a_price():
    provider = Provider.objects.create(
        name="openrouter", provider_type="custom", api_base_url="http://127.0.0.1:1/v1"
    )
    model = ProviderModel.objects.create(provider=provider, model_id="qwen-32b")
    ModelPrice.objects.create(
        model=model,
        valid_from=dt.datetime(2020, 1, 1, tzinfo=dt.UTC),
        input_per_1m=Decimal(1),
        output_per_1m=Decimal(10),
    )
    snapshot.expire()


def reprice(*arguments):
    out = StringIO()
    call_command("llm_reprice", *arguments, stdout=out)
    return out.getvalue()


def figures():
    call = GenerationMetric.objects.get()
    return call.original_cost_usd, call.cost_usd, call.repriced_at is not None


def record(**changes):
    record_call(a_record(**changes), TEXTS)


def test_a_providers_batch_keeps_its_discount(a_price):
    record(attempts=(replace(ANSWERED, batch_price=True),), cost_usd=BEFORE)
    assert f"${AFTER / 2} after." in reprice()
    assert figures() == (BEFORE, AFTER / 2, True)
    assert "Every cost agrees" in reprice()


def test_a_dry_run_says_the_difference_and_changes_nothing(a_price):
    record()
    said = reprice("--dry-run")
    assert f"$0.0000001000 before, ${AFTER} after." in said
    assert figures() == (None, BEFORE, False)


def test_both_figures_are_kept_and_the_sums_follow(a_price):
    record()
    rollups.roll_up()
    assert "Corrected 1 calls of openrouter/qwen-32b" in reprice()
    assert figures() == (BEFORE, AFTER, True)
    now = dt.datetime.now(dt.UTC)
    assert total(MetricsQuestion(since=now, until=now)).figures.cost_usd == AFTER
    assert reprice() == "Every cost agrees with the prices.\n"


@pytest.mark.django_db(transaction=True)  # a transaction moves the configuration's version once
def test_the_first_figure_survives_a_second_correction(a_price):
    record()
    reprice()
    ModelPrice.objects.update(output_per_1m=Decimal(20))
    snapshot.expire()
    reprice()
    assert figures() == (BEFORE, AFTER + Decimal("0.00215"), True)


def test_a_call_that_had_no_price_gets_one(a_price):
    record(cost_usd=None)
    reprice()
    assert figures() == (None, AFTER, True)


def test_without_a_price_now_the_recorded_cost_stays():
    record()
    assert reprice() == "Every cost agrees with the prices.\n"


def test_calls_before_the_time_and_calls_that_nobody_was_paid_for_stay(a_price):
    record(attempts=())
    record(created_at=dt.datetime.now(dt.UTC) - dt.timedelta(days=3))
    assert reprice("--days", "2") == "Every cost agrees with the prices.\n"
    with pytest.raises(CommandError, match="--days: give 1 to"):
        reprice("--days", "0")


def a_budget(**changes):
    row = Budget.objects.create(
        name="all", scope="everything", period="month", soft_limit_usd=Decimal(10), **changes
    )
    Budget.objects.update(created_at=dt.datetime(2026, 1, 1, tzinfo=dt.UTC))
    spending = BudgetSpending.objects.create(
        budget=row, period_start=dt.datetime.now(dt.UTC).date().replace(day=1), spent_usd=Decimal(5)
    )
    snapshot.expire()
    return spending


@pytest.mark.parametrize(
    "changes",
    [
        {"cost_source": "reported"},
        {"cost_source": "estimated", "estimated_usd": BEFORE},
        {"usage": Usage()},
    ],
)
def test_what_the_list_does_not_decide_stays(a_price, changes):
    """A reported or estimated cost, and an attempt that nobody counted."""
    record(attempts=(replace(ANSWERED, **changes),))
    assert reprice() == "Every cost agrees with the prices.\n"
    assert figures() == (None, BEFORE, False)


def test_an_unknown_cost_is_never_told_as_zero(a_price):
    unknown = replace(ANSWERED, cost_usd=None, cost_source="unknown")
    record(attempts=(unknown,), cost_usd=None)
    assert f"unpriced before, ${AFTER} after." in reprice()


@pytest.mark.django_db(transaction=True)  # a transaction is one revision
def test_budgets_move_by_the_same_difference_and_the_history_says_so(a_price):
    spending = a_budget()
    record(attempts=(replace(ANSWERED, cost_usd=Decimal(3)),), cost_usd=Decimal(3))
    after = Decimal(5) - Decimal(3) + AFTER
    assert f"Would move the budget “all” from {spending.period_start}:" in reprice("--dry-run")
    spending.refresh_from_db()
    assert spending.spent_usd == 5
    assert f"$5.0000000000 before, ${after} after." in reprice()
    spending.refresh_from_db()
    assert spending.spent_usd == after
    change = RevisionChange.objects.get(table_name="llm_budget_ledger")
    assert change.after["spent_usd"] == float(after)
    assert change.before["budget"] == "all"
    assert "Corrected the costs of 1 calls" in change.revision.message
    reprice()
    spending.refresh_from_db()
    assert spending.spent_usd == after


@pytest.mark.parametrize(
    ("scope", "value", "moves"),
    [
        ("provider", "openrouter", True),
        ("provider", "openai", False),
        ("node", "description_cleaning", True),
        ("organization", "7", True),
        ("account", "team-a", True),
        ("account", "team-b", False),
    ],
)
def test_only_the_budgets_that_counted_a_call_move(a_price, scope, value, moves):
    spending = a_budget()
    Budget.objects.update(scope=scope, scope_value=value)
    snapshot.expire()
    labels = replace(a_record().labels, account="team-a")
    record(attempts=(replace(ANSWERED, cost_usd=Decimal(3)),), cost_usd=Decimal(3), labels=labels)
    reprice()
    spending.refresh_from_db()
    assert (spending.spent_usd != 5) == moves


def test_a_tier_and_details_are_priced_as_they_were(a_price):
    """The attempt's own tier and what of its tokens has a price of its own."""
    model = ProviderModel.objects.get()
    for tier, factor in (("priority", 2), ("batch", 0)):
        ModelPrice.objects.create(
            model=model,
            valid_from=dt.datetime(2021, 1, 1, tzinfo=dt.UTC),
            service_tier=tier,
            input_per_1m=Decimal(factor),
            output_per_1m=Decimal(10 * factor),
            web_search_per_1k=Decimal(10),
        )
    snapshot.expire()
    usage = replace(USAGE, details=UsageDetails(cache_write_1h=50, web_searches=3))
    record(attempts=(replace(ANSWERED, usage=usage, service_tier="priority"),))
    reprice()
    # 900 at 2, 50 for an hour at 4, 215 at 20 for a million; 3 searches at 10 for a thousand.
    assert figures()[1] == Decimal("0.0363000000")


def test_what_other_models_took_is_priced_anew(a_price):
    """An advisor's tokens at its own price, both in a region that costs a tenth more."""
    advisor = ProviderModel.objects.create(provider=Provider.objects.get(), model_id="advisor")
    ModelPrice.objects.create(
        model=advisor, valid_from=dt.datetime(2021, 1, 1, tzinfo=dt.UTC), input_per_1m=5,
        output_per_1m=25,
    )  # fmt: skip
    snapshot.expire()
    region = UsageDetails(inference_geo="us")
    beside = (ModelUsage("advisor", Usage(input=1000, output=2000, details=region)),)
    plain = replace(USAGE, details=None)
    usage = replace(USAGE, details=UsageDetails(inference_geo="us", beside=beside))
    record(attempts=(replace(ANSWERED, usage=plain),))
    record(attempts=(replace(ANSWERED, usage=usage),))
    reprice()
    without, costs = sorted(each.cost_usd or 0 for each in GenerationMetric.objects.all())
    assert costs == without * Decimal("1.1") + Decimal("0.0605")
