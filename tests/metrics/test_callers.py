"""Sums by key, user, tag and batch say what the calls say: late ones, unpriced ones, any zone."""

import datetime as dt
import random
from collections import defaultdict
from decimal import Decimal
from importlib import import_module
from uuid import UUID

import pytest
from django.db import connection
from django.urls import reverse

from llmconfig.configuration import time_zones
from llmconfig.runtime.records import replace
from metrics import caller_rollups, partitions, rollups
from metrics.caller_rollups import MAX_APART
from metrics.errors import Unanswerable
from metrics.models import (
    DailyCallers,
    DailyRollup,
    GenerationMetric,
    HourlyCallers,
    WaitingDay,
)
from metrics.queries import Figures, ask, ask_apart, total
from metrics.questions import OTHERS, Grain, MetricsQuestion, start_of
from metrics.tasks import roll_up
from tests.api import caller
from tests.metrics.test_admin import CALLS, make_call
from tests.metrics.test_calls_page import signed_in, totals

pytestmark = pytest.mark.django_db

DAY = dt.timedelta(days=1)
HOUR = dt.timedelta(hours=1)
BATCHES = [None, UUID(int=1), UUID(int=2)]
PRICES = [None, "0", "0.0000000001", "123.456", "7"]
OF_CALL = {
    "key": lambda call: [call.account],
    "user": lambda call: [call.user_id],
    "batch": lambda call: [call.session_id],
    "tag": lambda call: sorted(set(call.tags)) if call.tags else [None],
}


def noon():
    """Of the first day of this month, so that days before it are in another partition."""
    return partitions.month_start(dt.datetime.now(dt.UTC)) + 12 * HOUR


def a_call(**fields):
    return GenerationMetric(
        correlation_id=UUID(int=5), node_type="enricher", method_name="x", model_used="x", **fields
    )


def any_call(chance):
    hit, output = chance.random() < 0.2, chance.randrange(9)
    return a_call(
        created_at=noon() + chance.randrange(-30, 30) * HOUR + chance.random() * HOUR,
        account=chance.choice(["", "web", "=sum", "night"]),
        user_id=chance.choice([None, 1, 2, 3]),
        session_id=chance.choice(BATCHES),
        tags=chance.choice([None, ["eu"], ["eu", "night"], ["eu", "eu"]]),
        cost_usd=chance.choice(PRICES),
        error_code=chance.choice(["", "", "timeout"]),
        cache_hit=hit,
        saved_usd=chance.choice(PRICES) if hit else None,
        latency_ms=chance.uniform(0, 5000),
        tokens_input=30,
        tokens_output=output,
        tokens_total=30 + output,
    )


def known(values):
    found = [value for value in values if value is not None]
    return sum(found) if found else None


def summed(calls):
    """The calls one by one, as `Figures` has them; latencies to a thousandth."""
    unpriced = [call for call in calls if call.cost_usd is None]
    hits = [call for call in calls if call.cache_hit]
    return Figures(
        calls=len(calls),
        failed=sum(call.error_code != "" for call in calls),
        unpriced=len(unpriced),
        unpriced_tokens=sum(call.tokens_total for call in unpriced),
        cache_hits=len(hits),
        unpriced_hits=sum(call.saved_usd is None for call in hits),
        tokens_input=sum(call.tokens_input for call in calls),
        tokens_output=sum(call.tokens_output for call in calls),
        cost_usd=known(call.cost_usd for call in calls),
        saved_usd=known(call.saved_usd for call in calls),
        latency_sum_ms=round(sum(call.latency_ms for call in calls), 3),
    )


def comparable(figures):
    return replace(figures, latency_sum_ms=round(figures.latency_sum_ms, 3))


def of_calls(question, name, *, apart):
    since, until = question.bounds
    groups = defaultdict(list)
    for call in GenerationMetric.objects.filter(created_at__gte=since, created_at__lt=until):
        period = start_of(call.created_at, question.grain, question.zone) if apart else None
        for key in OF_CALL[name](call):
            groups[period, key].append(call)
    return {group: summed(calls) for group, calls in groups.items()}


def told(rows):
    found = {(row.period, *row.keys): comparable(row.figures) for row in rows}
    assert len(found) == len(rows)
    return found


def assert_sums_are_those_of_the_calls(question, names):
    for name in names:
        by = replace(question, by=[name])
        truth = of_calls(question, name, apart=True)
        assert told(ask(replace(by, each_period=True))) == truth
        apart, groups = ask_apart(question, [("period", name), (name,)])
        assert told(apart) == truth
        whole = of_calls(question, name, apart=False)
        assert told(groups) == told(ask(by)) == whole
        for (_, key), figures in whole.items():
            assert comparable(total(replace(question, only={name: key})).figures) == figures


def question_of(zone, **more):
    since, until = noon() - 2 * DAY, noon() + 2 * DAY
    times = {"since": since, "until": until, "zone": time_zones.named(zone), **more}
    return MetricsQuestion(**times)


def reads_no_call(question):
    """Whether an answer is still the same where the calls are hidden from those who ask."""
    before = ask(question)
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE llm_generation_metrics DISABLE TRIGGER USER")
        cursor.execute("SAVEPOINT hidden")
        cursor.execute("DELETE FROM llm_generation_metrics")
        after = ask(question)
        cursor.execute("ROLLBACK TO SAVEPOINT hidden")
        cursor.execute("ALTER TABLE llm_generation_metrics ENABLE TRIGGER USER")
    return before == after


@pytest.mark.parametrize(
    ("seed", "names", "more"),
    [
        (1, ["key", "user"], {"zone": "UTC"}),
        (2, ["tag", "batch"], {"zone": "UTC"}),
        (3, ["key", "tag"], {"zone": "Europe/Berlin"}),
        (4, ["user", "tag"], {"zone": "Asia/Kolkata"}),
        (5, ["batch"], {"zone": "Pacific/Kiritimati"}),
        (6, ["user"], {"zone": "UTC", "grain": Grain.HOUR}),
        (7, ["key"], {"zone": "America/New_York", "since": noon(), "until": noon() + HOUR}),
    ],
)
def test_sums_by_caller_are_those_of_the_calls_whatever_comes_late_or_goes(seed, names, more):
    chance = random.Random(seed)
    for _ in range(2):
        # Many of them go into hours that were summed up before.
        GenerationMetric.objects.bulk_create([any_call(chance) for _ in range(30)])
        gone = chance.sample(list(GenerationMetric.objects.values_list("pk", flat=True)), 3)
        GenerationMetric.objects.filter(pk__in=gone[:1]).delete()
        GenerationMetric.objects.filter(pk__in=gone[1:]).update(
            cost_usd=None, created_at=noon() - DAY, account="late"
        )
        assert_sums_are_those_of_the_calls(question_of(**more), names[:1])  # not up to date yet
        assert rollups.roll_up() > 0
        assert_sums_are_those_of_the_calls(question_of(**more), names)


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin"])
def test_days_by_caller_are_read_from_sums_alone(zone):
    make_call(account="web", created_at=noon())
    roll_up()
    question = MetricsQuestion(
        since=noon() - 300 * DAY, until=noon() + DAY, zone=time_zones.named(zone), by=["key"]
    )
    assert reads_no_call(question)
    assert reads_no_call(replace(question, each_period=True))
    assert reads_no_call(replace(question, by=[], only={"key": "web"}, latencies=True))
    assert total(replace(question, by=[], only={"key": "web"})).figures.calls == 1


def test_percentiles_of_a_caller_come_from_its_own_calls():
    for latency in (10.0, 20.0, 4000.0):
        make_call(account="web", latency_ms=latency)
    make_call(account="night", latency_ms=9.0)
    roll_up()
    now = dt.datetime.now(dt.UTC)
    question = MetricsQuestion(since=now - DAY, until=now, by=["key"], latencies=True)
    rows = {row.keys[0]: row for row in ask(question)}
    assert rows["web"].percentile(1.0) == pytest.approx(4000, rel=0.05)
    assert sum(rows["web"].classes.values()) == 3


def test_several_callers_or_a_caller_and_a_model_are_summed_from_calls_of_a_bounded_time():
    make_call(account="web", user_id=3, model_used="small")
    roll_up()
    now = dt.datetime.now(dt.UTC)
    for by, only in (
        (["key", "model"], {}), (["key"], {"model": "small"}), (["user"], {"key": "web"}),
        (["end_user"], {}),
    ):  # fmt: skip
        question = MetricsQuestion(since=now - DAY, until=now, by=by, only=only)
        assert sum(row.figures.calls for row in ask(question)) == 1
        with pytest.raises(Unanswerable, match="at most 92 days"):
            ask(replace(question, since=now - 93 * DAY))


def make_users(number, *, at, least="0.01"):
    """As many calls of as many users, each more expensive than the one before."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO llm_generation_metrics (created_at, correlation_id, node_type,"
            " service_name, method_name, provider, model_used, user_id, cost_usd)"
            " SELECT %s, gen_random_uuid(), 'enricher', 'x', 'x', 'x', 'x', n, %s + n / 1000.0"
            " FROM generate_series(1, %s) AS n",
            [at, Decimal(least), number],
        )


def test_of_very_many_users_the_dearest_are_told_apart_and_the_rest_are_others():
    make_users(MAX_APART + 5, at=noon())
    make_call(created_at=noon(), user_id=None, cost_usd=None)
    roll_up()
    for table in (HourlyCallers, DailyCallers):
        users = table.objects.filter(kind="user")
        assert users.count() == MAX_APART + 2  # with the others, and calls without a user
        assert set(users.filter(others=False).values_list("value", flat=True)) == {
            None, *(str(number) for number in range(6, MAX_APART + 6))
        }  # fmt: skip
    question = MetricsQuestion(since=noon(), until=noon() + HOUR, by=["user"])
    rows = {row.keys[0]: row.figures for row in ask(question)}
    assert (rows[OTHERS].calls, rows[OTHERS].cost_usd) == (5, Decimal("0.065"))
    assert rows[None].unpriced == 1
    assert sum(each.calls for each in rows.values()) == MAX_APART + 6
    assert (
        sum(each.cost_usd or 0 for each in rows.values())
        == total(replace(question, by=[])).figures.cost_usd
    )
    # One user's sum is exact even so: it is read from the calls.
    for user in (1, MAX_APART):
        alone = total(replace(question, by=[], only={"user": user})).figures
        assert alone.calls == 1
        assert alone.cost_usd == Decimal("0.01") + Decimal(user) / 1000
    # A late call brings a user out of the others.
    make_call(created_at=noon(), user_id=1, cost_usd=9)
    roll_up()
    rows = {row.keys[0]: row.figures for row in ask(question)}
    assert (rows[1].calls, rows[1].cost_usd) == (2, Decimal("9.011"))
    assert rows[OTHERS].calls == 5


def forget_callers():
    """As a database is that the version before has filled."""
    HourlyCallers.objects.all().delete()
    DailyCallers.objects.all().delete()
    migration = import_module("metrics.migrations.0011_sums_by_caller")
    with connection.cursor() as cursor:
        cursor.execute(migration.WAIT)


def test_days_from_before_are_summed_up_day_by_day_and_answered_from_the_calls_until_then():
    for ahead in range(3):
        make_call(account="web", created_at=noon() - ahead * DAY)
    rollups.roll_up()
    forget_callers()
    days = {start_of(noon() - ahead * DAY, Grain.DAY) for ahead in range(3)}
    assert set(WaitingDay.objects.filter(day__in=days).values_list("day", flat=True)) == days
    question = MetricsQuestion(since=noon() - 3 * DAY, until=noon() + DAY, by=["key"])
    long = replace(question, since=noon() - 200 * DAY)
    for left in (2, 1, 0):
        (row,) = ask(question)
        assert (row.keys, row.figures.calls) == (("web",), 3)
        with pytest.raises(Unanswerable, match="still being computed"):
            ask(long)
        assert caller_rollups.catch_up(seconds=0) == 1  # ended after a day; goes on with the next
        due = WaitingDay.objects.filter(not_before__lte=dt.datetime.now(dt.UTC))
        assert due.count() == left
    assert caller_rollups.catch_up() == 0
    (row,) = ask(long)
    assert row.figures.calls == 3
    assert reads_no_call(long)


def test_what_the_version_before_still_summed_up_after_the_migration_is_healed_an_hour_later():
    make_call(account="web")
    rollups.roll_up()
    forget_callers()
    caller_rollups.catch_up()
    DailyCallers.objects.all().delete()  # summed up by a process that knew no callers
    later = WaitingDay.objects.all()
    assert later.count() == 2  # today and yesterday
    later.update(not_before=dt.datetime.now(dt.UTC) - HOUR)
    roll_up()
    assert DailyCallers.objects.get(kind="key").calls == 1
    assert not WaitingDay.objects.exists()


def test_days_whose_calls_are_gone_are_others_so_that_no_cost_is_missing():
    long_ago = dt.datetime(2020, 3, 5, 6, 7, tzinfo=dt.UTC)
    partitions.keep_ahead(now=long_ago)
    make_call(account="web", created_at=long_ago, error_code="timeout", cost_usd=2)
    make_call(account="web", created_at=long_ago, cost_usd=None)
    rollups.roll_up()
    forget_callers()
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE llm_generation_metrics_2020_03")
    assert caller_rollups.catch_up() == 1
    question = MetricsQuestion(since=long_ago, until=long_ago + HOUR, by=["key"])
    for grain in Grain:
        (row,) = ask(replace(question, grain=grain))
        assert row.keys == (OTHERS,)
        assert (row.figures.calls, row.figures.failed, row.figures.unpriced) == (2, 1, 1)
        assert row.figures.cost_usd == 2
    WaitingDay.objects.create(day=start_of(long_ago, Grain.DAY))
    caller_rollups.catch_up()  # again changes nothing
    assert DailyCallers.objects.filter(kind="key").count() == 1
    assert [day.calls for day in DailyRollup.objects.all()] == [1, 1]


def test_the_api_tells_the_others_apart_from_none():
    make_users(MAX_APART + 1, at=dt.datetime.now(dt.UTC))
    roll_up()
    answer = caller("viewer").get("/api/v1/llm/metrics/breakdown", {"by": "user"}).json()
    others = [row for row in answer["results"] if row["others"]]
    assert [(row["dimensions"], row["calls"]) for row in others] == [({"user": None}, 1)]
    assert others[0]["p95_latency_ms"] is not None


def test_the_page_shows_the_others_and_leads_nowhere_from_them():
    make_users(MAX_APART + 1, at=dt.datetime.now(dt.UTC))
    roll_up()
    client = signed_in("ada", "viewer")
    page = reverse("admin:metrics_spending")
    answer = client.get(page, {"by": "user"})
    assert "keeps its 1,000 most expensive entries" in answer.content.decode()
    file = client.get(reverse("admin:metrics_spending_csv"), {"by": "user"}).content.decode()
    (line,) = [line for line in file.splitlines() if "all others" in line]
    assert ",0.0110000000,0,1," in line
    assert "most expensive entries" not in client.get(page, {"by": "key"}).content.decode()


def test_the_list_of_calls_takes_its_sums_by_caller_from_the_rollups():
    client = signed_in("ada", is_superuser=True)
    make_call(account="web", user_id=5, tags=["eu"], tier="local")
    roll_up()
    for name, value in (("key", "web"), ("user", "5"), ("tag", "eu"), ("tier", "local")):
        answer = client.get(CALLS, {name: value, "days": "366"})
        with connection.execute_wrapper(refuse_the_calls):
            assert totals(answer)["calls"] == "1"


def refuse_the_calls(execute, sql, params, many, context):
    assert "llm_generation_metrics" not in sql
    return execute(sql, params, many, context)
