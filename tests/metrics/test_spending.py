"""The page of spending: told apart in any way, beside the time before, down to its calls."""

import csv
import datetime as dt
import uuid
from io import StringIO

import pytest
from django.urls import reverse
from django.utils import timezone

from metrics import partitions
from metrics.models import WaitingDay
from tests.metrics.test_admin import listed, make_call
from tests.metrics.test_calls_page import signed_in

pytestmark = pytest.mark.django_db

PAGE = reverse("admin:metrics_spending")
CSV = reverse("admin:metrics_spending_csv")
BATCH = uuid.UUID(int=9)


@pytest.fixture
def client():
    return signed_in("ada", "viewer")


def lines(client, **asked):
    return {line["name"]: line for line in client.get(PAGE, asked).context["lines"]}


@pytest.mark.parametrize(
    ("by", "fields", "name"),
    [
        ("node", {"method_name": "tagging"}, "tagging"),
        ("model", {"provider": "azure", "model_used": "m"}, "azure/m"),
        ("provider", {"provider": "azure"}, "azure"),
        ("tier", {"tier": "local"}, "local"),
        ("organization", {"organization_id": 3}, "3"),
        ("key", {"account": "website"}, "website"),
        ("user", {"user_id": 5}, "5"),
        ("tag", {"tags": ["night", "eu"]}, "night"),
        ("batch", {"session_id": BATCH}, str(BATCH)),
    ],
)
def test_money_is_told_apart_and_each_line_leads_to_exactly_its_calls(client, by, fields, name):
    mine = make_call(cost_usd="0.75", **fields)
    make_call()
    found = lines(client, by=by)
    assert (found[name]["cost"], found[name]["calls"]) == ("$0.7500", "1")
    assert listed(client.get(found[name]["address"])) == [mine.pk]


def test_unpriced_is_never_nothing_and_the_time_before_stands_beside(client):
    make_call(cost_usd=None, method_name="alone")
    make_call(cost_usd="3")
    make_call(cost_usd="2", created_at=timezone.now() - dt.timedelta(days=7))
    found = lines(client, by="node", days="7")
    assert found["alone"]["cost"] == "unpriced"
    profiler = found["dog_profiler"]
    assert (profiler["cost"], profiler["before"], profiler["change"]) == ("$3.00", "$2.00", "+50%")
    figures = client.get(PAGE, {"by": "node", "days": "7"}).context["figures"]
    assert figures[0] == ("spent", "$3.00 + 1 unpriced", "+50%, priced calls only")


def test_days_are_those_of_the_stated_zone_in_page_and_file(client):
    noon = timezone.now().replace(hour=12, minute=0, second=0, microsecond=0)
    late = noon - dt.timedelta(days=3) + dt.timedelta(hours=11)  # 23:00 UTC, next day in Tokyo
    call = make_call(created_at=late, account="website")
    day = f"{late + dt.timedelta(days=1):%Y-%m-%d}"
    asked = {"by": "day", "from": day, "to": day, "tz": "Asia/Tokyo"}
    answer = client.get(PAGE, asked)
    assert "(Asia/Tokyo)" in answer.content.decode()
    (line,) = answer.context["lines"]
    assert listed(client.get(line["address"])) == [call.pk]
    file = client.get(CSV, asked | {"by": "key"})
    (row,) = csv.DictReader(StringIO(file.content.decode()))
    assert (row["day"], row["time_zone"], row["key"]) == (day, "Asia/Tokyo", "website")
    assert row["cost_usd"].startswith("0.25")


def test_the_charts_days_are_in_the_readers_language(client):
    now = timezone.now()
    year = now.year if now.month > 10 else now.year - 1
    then = dt.datetime(year, 10, 3, 12, tzinfo=dt.UTC)
    partitions.keep_ahead(now=then)
    make_call(created_at=then)
    asked = {"by": "node", "from": f"{year}-10-01", "to": f"{year}-10-05"}
    for language, month in (("de", "Okt"), ("en", "Oct")):
        page = client.get(PAGE, asked, headers={"accept-language": language})
        assert page.context["chart"].labels == tuple(f"{day} {month}" for day in range(1, 6))


def test_a_time_that_can_not_be_answered_says_the_way_out(client):
    WaitingDay.objects.create(day=timezone.now() - dt.timedelta(days=100))
    for asked in ({"from": "soon"}, {"from": "2031-02-01", "to": "2031-01-01"},
                  {"by": "tag", "days": "366"}):  # fmt: skip
        answer = client.get(PAGE, asked)
        assert answer.status_code == 200
        assert "Choose a shorter time." in answer.content.decode()
        assert client.get(CSV, asked).status_code == 400
    assert signed_in("nobody").get(PAGE).status_code == 403
    assert signed_in("nobody2").get(CSV).status_code == 403


def test_a_change_of_an_amount_is_no_order_to_change_it_in_german(client):
    """Django's own catalogue has “Change” as what a button does, and is asked first."""
    make_call(cost_usd="1")
    page = client.get(PAGE, {"by": "node"}, headers={"accept-language": "de"}).content.decode()
    assert ">Änderung</th>" in page


def test_an_empty_list_says_so_in_german(client):
    page = client.get(
        reverse("admin:metrics_alertrule_changelist"), headers={"accept-language": "de"}
    ).content.decode()
    assert "Noch keine Einträge: Alarmregeln." in page
