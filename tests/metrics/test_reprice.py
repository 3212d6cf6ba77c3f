"""A corrected price corrects past costs, and both figures are kept."""

import datetime as dt
from dataclasses import replace
from decimal import Decimal
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from llmconfig.configuration import snapshot
from llmconfig.models import ModelPrice, Provider, ProviderModel
from metrics import rollups
from metrics.models import GenerationMetric
from metrics.queries import Question, total
from metrics.recording import record_call
from tests.metrics.calls import ANSWERED, TEXTS, a_record

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
    assert total(Question(since=now, until=now)).figures.cost_usd == AFTER
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
