"""Sums by period and dimension, as pages and reports show them."""

import datetime as dt
import math
import random
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metrics import questions, rollups
from metrics.errors import UnknownDimension
from metrics.queries import ask, ask_apart, percentile, total
from metrics.questions import Grain, MetricsQuestion
from metrics.recording import record_call
from tests.metrics.calls import TEXTS, a_record

pytestmark = pytest.mark.django_db

NOW = dt.datetime.now(dt.UTC)
DAY = dt.timedelta(days=1)


def record(**changes):
    record_call(a_record(**{"created_at": NOW, **changes}), TEXTS)


def today(**changes):
    return MetricsQuestion(**{"since": NOW, "until": NOW + dt.timedelta(seconds=1), **changes})


@pytest.fixture(params=[False, True], ids=["not-rolled-up", "rolled-up"])
def roll(request):
    return rollups.roll_up if request.param else lambda: None


def test_calls_are_summed_by_what_is_asked_for(roll):
    record(model="a", cost_usd=Decimal(2))
    record(model="a", cost_usd=Decimal(1), error_code="timeout")
    record(model="b", cost_usd=None)
    record(model="b", cost_usd=Decimal(9), created_at=NOW - DAY)
    roll()
    first, second = ask(today(by=["model"]))
    assert (first.keys, first.figures.cost_usd, first.figures.failed) == (("a",), Decimal(3), 1)
    assert (second.keys, second.figures.cost_usd, second.figures.unpriced) == (("b",), None, 1)
    assert total(today()).figures.calls == 3
    assert total(today(only={"model": "b"})).figures.calls == 1
    assert total(today(only={"outcome": ""})).figures.calls == 2
    days = ask(today(since=NOW - DAY, each_period=True))
    assert [(day.period, day.figures.calls) for day in days] == [
        (questions.start_of(NOW - DAY, Grain.DAY), 1),
        (questions.start_of(NOW, Grain.DAY), 3),
    ]


def test_hours_are_apart_where_asked_for(roll):
    start = questions.start_of(NOW, Grain.DAY)
    for hour in (0, 0, 5):
        record(created_at=start + dt.timedelta(hours=hour, minutes=59))
    roll()
    found = ask(MetricsQuestion(since=start, until=start + DAY, grain=Grain.HOUR, each_period=True))
    assert [(row.period.hour, row.figures.calls) for row in found] == [(0, 2), (5, 1)]


def test_calls_without_an_organization_can_be_asked_for():
    record()
    assert total(today(only={"organization": None})).figures.calls == 0
    assert total(today(only={"organization": 7})).figures.calls == 1


def test_no_calls_are_zeros_and_no_cost():
    nothing = total(today(latencies=True))
    assert (nothing.figures.calls, nothing.figures.cost_usd) == (0, None)
    assert nothing.percentile(0.5) is None
    assert nothing.figures.average_latency_ms is None


def test_an_unknown_dimension_is_refused_by_name():
    with pytest.raises(UnknownDimension, match="'colour'; there are node, type"):
        ask(today(by=["colour"]))


def test_percentiles_come_from_the_rollup_at_most_five_percent_off(roll):
    chance = random.Random(5)
    times = sorted(math.exp(chance.gauss(5, 1.2)) for _ in range(200))
    for latency in times:
        record(latency_ms=latency)
    roll()
    (row,) = ask(today(latencies=True))
    for share in (0.5, 0.9, 0.99):
        exact = times[math.ceil(share * len(times)) - 1]
        assert row.percentile(share) == pytest.approx(exact, rel=0.05)
    assert row.figures.average_latency_ms == pytest.approx(sum(times) / len(times))


@given(st.dictionaries(st.integers(0, 255), st.integers(1, 9), min_size=1))
def test_percentiles_rise_with_their_share(classes):
    found = [percentile(classes, share / 10) for share in range(11)]
    assert found == sorted(each for each in found if each is not None)


def test_several_groupings_say_the_same_as_each_alone(roll):
    record(model="a", node="n", cost_usd=Decimal(2))
    record(model="a", node="m", error_code="timeout")
    record(model="b", node="n", created_at=NOW - DAY, cost_usd=None)
    roll()
    whole = today(since=NOW - DAY)
    groupings = [("period", "model"), ("node",), ("outcome", "organization")]
    by_model, by_node, by_outcome = ask_apart(whole, groupings)
    alone = ask(today(since=NOW - DAY, by=["model"], each_period=True))
    assert sorted(by_model, key=str) == sorted(alone, key=str)
    assert by_node == ask(today(since=NOW - DAY, by=["node"]))
    assert by_outcome == ask(today(since=NOW - DAY, by=["outcome", "organization"]))
