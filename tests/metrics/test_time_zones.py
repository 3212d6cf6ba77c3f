"""Days of a time zone: sums over both changes of its clock, what is stated, budgets."""

import datetime as dt
import json
from decimal import Decimal

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection

from llmconfig.client.traffic.budget_ledger import period_start
from llmconfig.configuration import time_zones
from metrics import partitions, rollups
from metrics.queries import ask
from metrics.questions import MetricsQuestion
from metrics.recording import record_call
from tests.api import caller
from tests.metrics.calls import TEXTS, a_record

pytestmark = pytest.mark.django_db
UTC = dt.UTC
BASE = "/api/v1/llm/metrics"


def calls_at(*moments):
    """A call of one dollar at each of these times, written in UTC."""
    for each in moments:
        moment = dt.datetime.fromisoformat(f"{each}+00:00")
        partitions.keep_ahead(now=moment)
        record_call(
            a_record(created_at=moment, cost_usd=Decimal(1), cache_hit=True, saved_usd=Decimal(1)),
            TEXTS,
        )


# Zone, calls in UTC, and the cost of each day there: the hours around its midnights and changes.
DAYS = {
    "Berlin, clocks forward": (
        "Europe/Berlin",
        ["2027-03-27T22:59", "2027-03-27T23:00", "2027-03-28T21:59", "2027-03-28T22:00"],
        {"2027-03-27": 1, "2027-03-28": 2, "2027-03-29": 1},
    ),
    "Berlin, clocks back": (
        "Europe/Berlin",
        ["2026-10-24T21:59", "2026-10-24T22:00", "2026-10-25T22:59", "2026-10-25T23:00"],
        {"2026-10-24": 1, "2026-10-25": 2, "2026-10-26": 1},
    ),
    "New York, clocks forward": (
        "America/New_York",
        ["2027-03-14T04:59", "2027-03-14T05:00", "2027-03-15T03:59", "2027-03-15T04:00"],
        {"2027-03-13": 1, "2027-03-14": 2, "2027-03-15": 1},
    ),
    "New York, clocks back": (
        "America/New_York",
        ["2026-11-01T03:59", "2026-11-01T04:00", "2026-11-02T04:59", "2026-11-02T05:00"],
        {"2026-10-31": 1, "2026-11-01": 2, "2026-11-02": 1},
    ),
    "a day that begins between two hours": (
        "Asia/Kolkata",
        ["2026-11-01T18:29", "2026-11-01T18:30", "2026-11-02T18:29", "2026-11-02T18:30"],
        {"2026-11-01": 1, "2026-11-02": 2, "2026-11-03": 1},
    ),
    "Adelaide, half hours and clocks forward": (
        "Australia/Adelaide",
        ["2027-10-02T14:29", "2027-10-02T14:30", "2027-10-03T13:29", "2027-10-03T13:30"],
        {"2027-10-02": 1, "2027-10-03": 2, "2027-10-04": 1},
    ),
    "three quarters of an hour": (
        "Asia/Kathmandu",
        ["2026-11-01T18:14", "2026-11-01T18:15", "2026-11-02T18:14", "2026-11-02T18:15"],
        {"2026-11-01": 1, "2026-11-02": 2, "2026-11-03": 1},
    ),
    "UTC": (
        "UTC",
        ["2026-11-01T23:59", "2026-11-02T00:00", "2026-11-02T23:59", "2026-11-03T00:00"],
        {"2026-11-01": 1, "2026-11-02": 2, "2026-11-03": 1},
    ),
}


@pytest.fixture(params=DAYS)
def days(request):
    zone, moments, costs = DAYS[request.param]
    calls_at(*moments)
    return zone, moments, costs


def test_each_day_of_a_zone_has_its_own_calls(days):
    zone, moments, costs = days
    there = time_zones.named(zone)
    found = ask(
        MetricsQuestion(
            since=dt.datetime.fromisoformat(f"{moments[0]}+00:00"),
            until=dt.datetime.fromisoformat(f"{moments[-1]}+00:00") + dt.timedelta(minutes=1),
            each_period=True,
            zone=there,
        )
    )
    assert {f"{row.period:%Y-%m-%d}": row.figures.cost_usd for row in found} == costs
    assert all(f"{row.period:%H:%M}" == "00:00" for row in found)


def test_the_api_sums_by_the_viewers_days_and_states_zone_and_bounds(days):
    zone, moments, costs = days
    asked = {"since": f"{moments[0]}Z", "until": f"{moments[-1]}:30Z", "time_zone": zone}
    answer = caller("viewer").get(f"{BASE}/series", asked).json()
    got = {each["period"][:10]: int(Decimal(each["cost_usd"])) for each in answer["results"]}
    assert got == costs
    assert answer["time_zone"] == zone
    assert answer["since"].startswith(f"{min(costs)}T00:00:00")
    last = dt.date.fromisoformat(max(costs)) + dt.timedelta(days=1)
    assert answer["until"].startswith(f"{last}T00:00:00")
    export = caller("viewer").get("/api/v1/llm/metrics/series.csv", asked)
    assert export["X-Time-Zone"] == zone
    assert [line[:10] for line in export.content.decode().splitlines()[1:]] == sorted(costs)


def test_days_that_begin_between_two_hours_are_summed_from_the_rollups_of_the_other_hours(
    django_assert_num_queries,
):
    """The hours that are split between two days, and only those, are read from the calls."""
    calls_at("2026-11-01T18:10", "2026-11-01T18:40", "2026-11-01T19:00", "2026-11-02T18:29")
    rollups.roll_up()
    # A call that the rollup knows and the table has lost is counted, a split hour's is not.
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE llm_generation_metrics DISABLE TRIGGER USER")
        cursor.execute("DELETE FROM llm_generation_metrics")
        cursor.execute("ALTER TABLE llm_generation_metrics ENABLE TRIGGER USER")
    since = dt.datetime(2026, 11, 1, tzinfo=UTC)
    question = MetricsQuestion(
        since=since,
        until=since + dt.timedelta(days=2),
        each_period=True,
        latencies=True,
        zone=time_zones.named("Asia/Kolkata"),
    )
    with django_assert_num_queries(2 + 1):  # the sums and their latencies, SET LOCAL
        [row] = ask(question)
    assert (f"{row.period:%Y-%m-%d}", row.figures.calls) == ("2026-11-02", 1)
    assert sum(row.classes.values()) == 1


def test_the_command_states_the_zone_of_every_answer_and_answers_by_it(capsys):
    """A call of the last minutes before midnight in Kiritimati is of its day there alone."""
    there = time_zones.named("Pacific/Kiritimati")
    today = dt.datetime.now(there).date()
    before = time_zones.midnight(today, there) - dt.timedelta(minutes=5)
    calls_at(f"{before.astimezone(UTC):%Y-%m-%dT%H:%M}")
    capsys.readouterr()
    call_command("llm_costs", days=1, time_zone=there.key)
    assert "No calls" in capsys.readouterr().out
    call_command("llm_costs", days=2, time_zone=there.key)
    told = capsys.readouterr()
    assert "qwen-32b" in told.out
    assert told.err == f"Days are of {there.key}.\n"
    for days, hits in ((1, 0), (2, 1)):
        call_command("llm_costs", days=days, time_zone=there.key, savings=True, json=True)
        cache, *_ = json.loads(capsys.readouterr().out)
        assert (cache["way"], cache["number"]) == ("response_cache", hits)


def test_a_zone_that_is_none_is_refused_by_name():
    answer = caller("viewer").get(f"{BASE}/breakdown", {"time_zone": "Mars/Olympus"})
    assert answer.status_code == 400
    assert answer.json()["error"]["field"] == "time_zone"
    with pytest.raises(CommandError, match="--time-zone"):
        call_command("llm_costs", time_zone="../../etc/passwd")


def test_the_setting_is_the_zone_of_those_who_name_none(settings, capsys):
    settings.LLM_ENVIRONMENT = {**settings.LLM_ENVIRONMENT, "LLM_TIME_ZONE": "Asia/Tokyo"}
    answer = caller("viewer").get(f"{BASE}/breakdown").json()
    assert answer["time_zone"] == "Asia/Tokyo"
    assert answer["since"].endswith("T00:00:00+09:00")
    now = dt.datetime.now(UTC)
    calls_at(f"{now:%Y-%m-%dT%H:%M}")
    capsys.readouterr()
    call_command("llm_costs", daily=True, json=True)
    [row] = json.loads(capsys.readouterr().out)
    assert row["day"] == str(now.astimezone(time_zones.named("Asia/Tokyo")).date())


@pytest.mark.parametrize(
    ("zone", "moment", "day", "month"),
    [
        ("UTC", "2026-10-31T23:30", "2026-10-31", "2026-10-01"),
        ("Europe/Berlin", "2026-10-31T23:30", "2026-11-01", "2026-11-01"),
        ("Europe/Berlin", "2026-10-24T22:00", "2026-10-25", "2026-10-01"),
        ("America/New_York", "2026-11-01T03:30", "2026-10-31", "2026-10-01"),
    ],
)
def test_a_budgets_day_and_month_are_the_zones(settings, zone, moment, day, month):
    settings.LLM_ENVIRONMENT = {**settings.LLM_ENVIRONMENT, "LLM_TIME_ZONE": zone}
    at = dt.datetime.fromisoformat(f"{moment}+00:00")
    assert str(period_start("day", at)) == day
    assert str(period_start("month", at)) == month
