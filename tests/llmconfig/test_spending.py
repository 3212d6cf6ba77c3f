"""What is left of budgets, and until when it lasts."""

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest

from llmconfig.admin.budgets import until
from llmconfig.client.traffic.budget_outlook import outlook
from llmconfig.models import Budget

LONG_AGO = dt.datetime(2030, 1, 1, tzinfo=dt.UTC)
NOON = dt.datetime(2031, 4, 11, 12, tzinfo=dt.UTC)  # 10.5 of April's 30 days are over


def seen(spent, *, now=NOON, made=LONG_AGO, **fields):
    budget: Any = Budget(name="b", created_at=made, **({"hard_limit_usd": Decimal(100)} | fields))
    budget.spent_now = spent
    return outlook(budget, now=now)


def test_money_that_goes_too_fast_runs_out_within_its_period():
    found = seen(Decimal(42))  # 4 a day, so 58 last 14.5 days
    assert found.left_usd == 58
    assert found.runs_out_at == NOON + dt.timedelta(days=14.5)
    assert found.renews_at == dt.datetime(2031, 5, 1, tzinfo=dt.UTC)
    assert until(found) == "spent on 26 Apr 2031 at this rate"


def test_money_that_lasts_until_the_next_period_has_no_end():
    found = seen(Decimal(35))  # exactly until the month's end
    assert (found.runs_out_at, found.early) == (None, False)
    assert until(found) == "enough until 1 May 2031"


@pytest.mark.parametrize(
    ("period", "now", "ends"),
    [
        ("day", NOON, NOON + dt.timedelta(hours=8)),
        ("total", LONG_AGO + dt.timedelta(days=30), LONG_AGO + dt.timedelta(days=50)),
        ("total", LONG_AGO + dt.timedelta(days=600), None),  # 400 days more
    ],
)
def test_each_period_has_its_own_rate(period, now, ends):
    assert seen(Decimal(60), period=period, now=now).runs_out_at == ends


def test_a_budget_made_within_the_period_counts_from_then():
    made = NOON - dt.timedelta(days=2)
    assert seen(Decimal(40), made=made).runs_out_at == NOON + dt.timedelta(days=3)


@pytest.mark.parametrize(
    ("spent", "fields", "told"),
    [
        (Decimal(100), {}, "spent, resets on 1 May 2031"),
        (Decimal(200), {"period": "total"}, "spent"),
        (Decimal(0), {"hard_limit_usd": Decimal(0)}, "spent, resets on 1 May 2031"),
        (None, {}, "nothing spent"),
        (Decimal(1), {"made": NOON - dt.timedelta(hours=23)}, "too early to tell"),
        (
            Decimal(1),
            {"period": "day", "now": NOON.replace(hour=0)},
            "too early to tell",
        ),
        (Decimal(1), {"period": "total"}, "enough for over a year"),
    ],
)
def test_the_outlook_is_told_in_words(spent, fields, told):
    found = seen(spent, **fields)
    assert until(found) == told
    assert found.runs_out_at is None


def test_the_soft_limit_counts_where_there_is_no_hard_one():
    found = seen(Decimal(5), hard_limit_usd=None, soft_limit_usd=Decimal(20))
    assert (found.left_usd, found.share) == (15, 25.0)


def test_what_goes_beyond_the_limit_is_no_more_than_all_of_it():
    found = seen(Decimal(101))
    assert (found.left_usd, found.share) == (0, 100.0)
