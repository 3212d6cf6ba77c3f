"""What reports say of past calls is what happened, and chance is not taken for a difference."""

import datetime as dt
import random
from decimal import Decimal

import pytest

from llmconfig.configuration import snapshot
from llmconfig.models import ModelPrice, Provider, ProviderModel
from metrics.analyzers.cost import forecast_month, what_if
from metrics.analyzers.intervals import Share
from metrics.analyzers.quality import Grouping, quality
from metrics.errors import Unanswerable
from metrics.feedback import record_decision
from metrics.models import OverviewRollup
from metrics.questions import MetricsQuestion
from metrics.recording import record_call
from tests.metrics.calls import TEXTS, a_record

NOW = dt.datetime.now(dt.UTC)
SOON = NOW + dt.timedelta(minutes=1)
TODAY = MetricsQuestion(since=NOW, until=SOON)


def record(**changes):
    made = a_record(**{"created_at": NOW, "cache_hit": False, "saved_usd": None, **changes})
    record_call(made, TEXTS)
    return made


def a_price():
    provider = Provider.objects.create(
        name="other", provider_type="custom", api_base_url="http://127.0.0.1:1/v1"
    )
    model = ProviderModel.objects.create(provider=provider, model_id="small")
    ModelPrice.objects.create(
        model=model,
        valid_from=dt.datetime(2020, 1, 1, tzinfo=dt.UTC),
        input_per_1m=Decimal(1),
        output_per_1m=Decimal(10),
        cached_input_per_1m=Decimal("0.1"),
    )
    snapshot.expire()


@pytest.mark.django_db
def test_another_model_is_priced_over_the_same_tokens_each_counted_once():
    a_price()
    for _ in range(2):
        record(cost_usd=Decimal("0.01"))
    found = what_if(TODAY, provider="other", model="small")
    # A call: 800 plain and 50 written at 1, 100 cached at 0.1, 215 out at 10, for a million.
    assert found.would_cost_usd == Decimal("0.0030100000") * 2
    assert found.difference_usd == found.would_cost_usd - Decimal("0.02")


@pytest.mark.django_db
def test_no_difference_is_claimed_while_calls_have_no_price():
    a_price()
    record(cost_usd=None)
    record(cost_usd=Decimal(1))
    found = what_if(TODAY, provider="other", model="small")
    assert (found.unpriced, found.difference_usd) == (1, None)
    with pytest.raises(Unanswerable, match="other/none has no known price"):
        what_if(TODAY, provider="other", model="none")


def spend(day, amount):
    OverviewRollup.objects.create(
        period_start=day, calls=1, unpriced=0, cache_hits=0, cost_usd=Decimal(repr(amount)),
        latency_sum_ms=1, latency_buckets=[0], latency_counts=[1], tokens_input=0,
        tokens_output=0, tokens_cached_input=0, tokens_cache_write=0, tokens_reasoning=0,
    )  # fmt: skip


@pytest.mark.django_db
def test_even_days_are_forecast_exactly():
    moment = dt.datetime(2031, 4, 11, 12, tzinfo=dt.UTC)
    start = moment.replace(hour=0)
    for back in range(1, 29):
        spend(start - dt.timedelta(days=back), 2.0)
    spend(start, 1.0)
    found = forecast_month(now=moment)
    assert found.spent_usd == 21
    assert found.low_usd == found.expected_usd == found.high_usd == 60
    assert found.days_seen == 28


@pytest.mark.django_db
def test_four_months_in_five_end_within_the_forecast():
    chance = random.Random(3)
    moment = dt.datetime(2031, 4, 11, tzinfo=dt.UTC)
    within = 0
    for _ in range(60):
        OverviewRollup.objects.all().delete()
        costs = {}
        for day in range(-28, 20):
            weekend = (moment + dt.timedelta(days=day)).weekday() >= 5
            costs[day] = max(chance.gauss(2 if weekend else 9, 1.5), 0.01)
        for day in range(-28, 0):
            spend(moment + dt.timedelta(days=day), costs[day])
        found = forecast_month(now=moment)
        truth = sum(cost for day, cost in costs.items() if day >= -10)
        within += found.low_usd <= truth <= found.high_usd
    assert 40 <= within <= 57


@pytest.mark.django_db
def test_too_few_days_make_no_forecast():
    record(cost_usd=Decimal(1))
    with pytest.raises(Unanswerable, match="needs 3 whole days"):
        forecast_month()


@pytest.mark.django_db
def test_quality_is_told_by_node_and_by_model():
    good = record(node="a", model="big")
    bad = record(node="a", model="small")
    record(node="b", model="big", error_code="timeout")
    record_decision(good.correlation_id, near=NOW, accepted=True)
    record_decision(bad.correlation_id, near=NOW, accepted=False, edited=True)
    nodes = quality(since=NOW, until=SOON, by=Grouping.NODE)
    assert [(each.name, each.passed, each.accepted, each.edited) for each in nodes] == [
        ("a", Share(2, 2), Share(1, 2), Share(1, 2)),
        ("b", Share(0, 1), Share(0, 0), Share(0, 0)),
    ]
    models = quality(since=NOW, until=SOON, by=Grouping.MODEL)
    assert [(each.name, each.passed) for each in models] == [
        ("openrouter/big", Share(1, 2)),
        ("openrouter/small", Share(1, 1)),
    ]


def test_wilsons_interval_is_the_published_one():
    # Newcombe (1998), table I: 81 of 263, 15 of 148, 0 of 20, 1 of 29.
    for hits, number, low, high in (
        (81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ):  # fmt: skip
        share = Share(hits, number)
        assert (share.low, share.high) == pytest.approx((low, high), abs=0.0001)
    assert (Share(0, 0).value, Share(0, 0).low, Share(0, 0).high) == (None, 0.0, 1.0)
