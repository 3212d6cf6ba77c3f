"""The list of calls: filters, order, sums, search in texts, saved views, CSV, sessions."""

import csv
import datetime as dt
import uuid
from contextlib import suppress
from io import StringIO

import psycopg
import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth.models import Group, Permission, User
from django.core.management import call_command
from django.db import OperationalError, connection, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from llmconfig.roles import group_name
from metrics import partitions
from metrics.bounded import bounded
from metrics.errors import TookTooLong
from metrics.models import GenerationHistory, GenerationMetric, SavedView
from tests.database import database_url
from tests.metrics.test_admin import CALLS, listed, make_call

pytestmark = pytest.mark.django_db

TEXTS = reverse("admin:metrics_generationhistory_changelist")
SESSION = uuid.UUID(int=7)


def signed_in(name, *groups, **user):
    client = Client()
    person = User.objects.create_user(name, is_staff=True, **user)
    person.groups.add(*(Group.objects.get(name=group_name(each)) for each in groups))
    client.force_login(person)
    return client


@pytest.fixture
def client():
    return signed_in("ada", is_superuser=True)


def make_texts(call, prompt="Describe a dog.", answer="A dog.", **fields):
    return GenerationHistory.objects.create(
        created_at=call.created_at, correlation_id=call.correlation_id, node_type="enricher",
        method_name=call.method_name, prompt_text=prompt, generated_code=answer, **fields,
    )  # fmt: skip


def totals(answer):
    return dict(answer.context["cl"].totals())


MINE = {
    "account": "website", "user_id": 5, "organization_id": 3, "end_user": "rex", "tags": ["dogs"],
    "session_id": SESSION, "experiment": "short", "experiment_arm": "b", "cost_usd": "0.75",
    "latency_ms": 2500.0,
}  # fmt: skip


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("key", "website"), ("user", "5"), ("organization", "3"), ("end_user", "rex"),
        ("tag", "dogs"), ("session", str(SESSION)), ("experiment", "short"), ("arm", "b"),
        ("cost_from", "0.5"), ("latency_from", "2.5"),
    ],
)  # fmt: skip
def test_each_typed_filter_keeps_its_calls_and_sums_them(client, name, value):
    mine = make_call(**MINE)
    make_call(latency_ms=100.0)
    answer = client.get(CALLS, {name: value})
    assert listed(answer) == [mine.pk]
    assert (totals(answer)["calls"], totals(answer)["cost"]) == ("1", "$0.7500")


@pytest.mark.parametrize(
    ("name", "value", "way_out"),
    [
        ("cost_to", "much", "Enter a number such as 0.25."),
        ("session", "x", "Enter the whole ID"),
        ("user", "x", "Enter its number."),
        ("since", "yesterday", "Enter a time such as"),
        ("until", "0001-01-01", "Enter a time such as"),
    ],
)
def test_a_filter_that_can_not_be_read_shows_nothing_and_says_why(client, name, value, way_out):
    make_call()
    answer = client.get(CALLS, {name: value})
    assert listed(answer) == []
    assert answer.content.decode().count(way_out) == 2  # as a message and beside its box


def test_any_time_can_be_asked_for_and_stands_above_the_period(client):
    now = timezone.now()
    early, late = make_call(created_at=now - dt.timedelta(minutes=90)), make_call()
    border = (now - dt.timedelta(hours=1)).isoformat()
    assert listed(client.get(CALLS, {"since": border, "days": "7"})) == [late.pk]
    assert listed(client.get(CALLS, {"until": border})) == [early.pk]


def test_calls_are_sorted_by_cost_latency_and_tokens_and_unpriced_is_below_nothing(client):
    dear = make_call(cost_usd="2", latency_ms=1.0, tokens_input=1, tokens_total=1)
    free = make_call(cost_usd="0", latency_ms=3.0, tokens_input=2, tokens_total=2)
    unpriced = make_call(cost_usd=None, latency_ms=2.0, tokens_input=3, tokens_total=3)
    columns = client.get(CALLS).context["cl"].list_display
    place = {name: columns.index(name) for name in ("tokens", "cost", "took")}
    by_cost = listed(client.get(CALLS, {"o": f"-{place['cost']}"}))
    assert by_cost == [dear.pk, free.pk, unpriced.pk]
    assert listed(client.get(CALLS, {"o": f"-{place['took']}"}))[0] == free.pk
    assert listed(client.get(CALLS, {"o": f"-{place['tokens']}"}))[0] == unpriced.pk


@pytest.mark.parametrize("outcome", ["", "ok", "failed", "timeout", "unpriced"])
def test_the_sums_are_those_of_the_calls_whether_they_are_kept_or_made(client, outcome):
    make_call(tokens_input=5, tokens_total=5)
    make_call(error_code="timeout", cost_usd=None)
    partitions.keep_ahead(months_back=2)
    make_call(created_at=timezone.now() - dt.timedelta(days=40))
    kept = client.get(CALLS, {"outcome": outcome, "model": "gpt-4o"})
    made = client.get(CALLS, {"outcome": outcome, "model": "gpt-4o", "q": "dog_"})
    assert totals(kept) == totals(made)
    assert totals(kept)["calls"] == str(len(listed(kept)))


def test_each_figure_of_the_overview_leads_to_exactly_its_calls(client):
    now = timezone.now()
    for hours in (0, 22, 30, 24 * 6, 24 * 7 + 1):
        make_call(created_at=now - dt.timedelta(hours=hours))
    for days in ("1", "7", "31"):
        overview = client.get("/admin/", {"days": days, "tz": "Pacific/Auckland"})
        card = next(w for w in overview.context["widgets"] if "figures" in w.context)
        for label, value, _, address in card.context["figures"]:
            if label == "calls":
                assert totals(client.get(address))["calls"] == value
                assert len(listed(client.get(address))) == int(value)


def test_prompts_and_answers_are_searched_by_words(client):
    rex, bella = make_call(), make_call()
    make_texts(rex, prompt="Tell me of Rex, a Labrador.", answer="Rex likes children.")
    make_texts(bella, answer="Bella sleeps.")
    assert listed(client.get(CALLS, {"q": "text:labrador children"})) == [rex.pk]
    assert listed(client.get(CALLS, {"q": "text:sleeps or cat"})) == [bella.pk]
    assert listed(client.get(CALLS, {"q": "text:dog -bella"})) == []
    assert len(listed(client.get(TEXTS, {"q": "labrador"}))) == 1


def test_who_may_not_read_texts_neither_sees_nor_searches_them():
    call = make_call()
    texts = make_texts(call, prompt="a secret", tool_calls=[{"arguments": "a secret"}])
    page = reverse("admin:metrics_generationhistory_change", args=[texts.pk])
    reader = signed_in("reader", "viewer", "reader")
    for role in ("viewer", "operator"):
        blind = signed_in(role, role)
        assert "a secret" not in blind.get(page).content.decode()
        assert listed(blind.get(CALLS, {"q": "text:secret"})) == []
        assert listed(blind.get(TEXTS, {"q": "secret"})) == []
        assert listed(blind.get(CALLS)) == [call.pk]
    assert reader.get(page).content.decode().count("a secret") > 1  # the prompt and the tool call
    assert listed(reader.get(CALLS, {"q": "text:secret"})) == [call.pk]


@pytest.mark.django_db(transaction=True)
def test_the_index_of_texts_is_built_month_by_month_used_and_dropped(client):
    make_texts(make_call(), prompt="labrador")
    call_command("llm_text_index")
    call_command("llm_text_index")  # again: nothing is left to do
    try:
        with connection.cursor() as cursor:
            cursor.execute("SET enable_seqscan = off")
            cursor.execute(
                "EXPLAIN SELECT FROM llm_generation_history WHERE llm_text_words(prompt_text,"
                " generated_code) @@ websearch_to_tsquery('simple', 'x')"
            )
            plan = "\n".join(line for (line,) in cursor.fetchall())
            cursor.execute("RESET enable_seqscan")
        assert "_words" in plan
        assert "Seq Scan" not in plan
        assert len(listed(client.get(TEXTS, {"q": "labrador"}))) == 1
    finally:
        call_command("llm_text_index", drop=True)


@pytest.mark.parametrize("only", [{"user_id": 5}, {"user_key": "ada"}])
def test_one_users_calls_are_found_among_many_newer_ones_by_an_index(only):
    make_call(**only)
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO llm_generation_metrics (correlation_id, service_name, model_used,"
            " node_type, method_name, user_id, user_key) SELECT gen_random_uuid(), 's', 'm',"
            " 'enricher', 'n', 6, 'bob' FROM generate_series(1, 2000)"
        )
        cursor.execute("ANALYZE llm_generation_metrics")
    plan = GenerationMetric.objects.filter(**only).order_by("-created_at")[:50].explain()
    assert f"{next(iter(only))}_created_at_idx" in plan


@pytest.mark.django_db(transaction=True)
def test_a_query_that_takes_too_long_is_ended_and_the_page_says_how_to_narrow_it(client, settings):
    patient = settings.LLM_ENVIRONMENT
    settings.LLM_ENVIRONMENT = {**patient, "LLM_CALLS_QUERY_MS": 50}
    with psycopg.connect(**connection.get_connection_params() | {"cursor_factory": None}) as other:
        other.execute("LOCK TABLE llm_generation_metrics IN ACCESS EXCLUSIVE MODE")
        answer = client.get(CALLS, {"key": "website", "o": "6"})
        export = "".join(read(client.get(reverse("admin:metrics_calls_csv"))))
        other.rollback()
    text = answer.content.decode()
    assert "takes too long" in text
    assert "?key=website&amp;o=6&amp;days=1" in text
    assert "ask for a shorter time" in export
    settings.LLM_ENVIRONMENT = patient
    assert client.get(CALLS).context["cl"].totals()


def read(answer):
    async def pieces():
        return [piece.decode() async for piece in answer.streaming_content]

    return async_to_sync(pieces)()


def test_the_csv_has_all_that_is_filtered_and_no_formula(client):
    make_call(account="other")
    with connection.cursor() as cursor:  # more than one piece of the file
        cursor.execute(
            "INSERT INTO llm_generation_metrics (correlation_id, node_type, service_name,"
            " method_name, model_used, account, tags) SELECT gen_random_uuid(), 'enricher', 'x',"
            " 'x', 'm', '=1+1', '{a,b}' FROM generate_series(1, 2100)"
        )
    mine = GenerationMetric.objects.filter(account="=1+1")
    answer = client.get(reverse("admin:metrics_calls_csv"), {"key": "=1+1"})
    rows = list(csv.DictReader(StringIO("".join(read(answer)))))
    assert {row["correlation_id"] for row in rows} == {str(call.correlation_id) for call in mine}
    assert len(rows) == len(mine)
    assert (rows[0]["account"], rows[0]["tags"]) == ("'=1+1", "a b")


def test_a_view_is_kept_for_oneself_or_for_all_by_those_who_may():
    viewer, operator = signed_in("v", "viewer"), signed_in("o", "operator")
    save = reverse("admin:metrics_view_save")
    mine = {"name": "Failures", "query": "outcome=failed&days=7"}
    assert viewer.post(save, mine).url == f"{CALLS}?outcome=failed&days=7"
    assert viewer.post(save, mine | {"shared": "on"}).status_code == 403
    operator.post(save, {"name": "Dear", "query": "cost_from=1", "shared": "on"})
    own, shared = SavedView.objects.order_by("pk")
    seen = viewer.get(CALLS).content.decode()
    assert f"{CALLS}?outcome=failed&amp;days=7" in seen
    assert f"{CALLS}?cost_from=1" in seen
    assert f"{CALLS}?outcome=failed" not in operator.get(CALLS).content.decode()
    removal = "admin:metrics_view_remove"
    assert viewer.post(reverse(removal, args=[shared.pk])).status_code == 403
    assert viewer.post(reverse(removal, args=[own.pk])).status_code == 302
    assert list(SavedView.objects.all()) == [shared]
    assert "name: enter a name" in viewer.post(
        save, {"name": "", "query": ""}, follow=True
    ).content.decode()  # fmt: skip


def test_a_session_shows_its_calls_as_a_timeline(client):
    start = timezone.now() - dt.timedelta(minutes=5)
    calls = [
        make_call(
            session_id=SESSION, created_at=start + dt.timedelta(seconds=number), latency_ms=2000.0,
            cost_usd=None if number else "0.5",
        )
        for number in range(3)
    ]  # fmt: skip
    make_call(session_id=uuid.uuid4())
    page = reverse("admin:metrics_session", args=[SESSION])
    answer = client.get(page)
    lines = answer.context["lines"]
    assert [(line["x"], line["width"]) for line in lines] == [
        ("0.00", "50.00"), ("25.00", "50.00"), ("50.00", "50.00"),
    ]  # fmt: skip
    assert "$0.5000 + 2 unpriced" in answer.content.decode()
    assert len(listed(client.get(answer.context["list_url"]))) == 3
    assert page in client.get(lines[0]["page"]).content.decode()
    assert calls[0].pk.hex in lines[0]["page"].replace("-", "")
    assert client.get(reverse("admin:metrics_session", args=[uuid.uuid4()])).status_code == 404
    assert signed_in("nobody").get(page).status_code == 403


def test_the_reader_of_texts_is_a_group_of_its_own():
    reader = Group.objects.get(name=group_name("reader"))
    may = Permission.objects.get(codename="read_generationhistory")
    assert set(reader.permissions.all()) == {may}
    assert set(Group.objects.filter(permissions=may).values_list("name", flat=True)) == {
        group_name("reader"), group_name("administrator"),
    }  # fmt: skip
    assert GenerationMetric.objects.count() == 0


@pytest.mark.django_db(transaction=True)
def test_a_session_of_too_many_calls_says_where_its_newest_are(client, settings):
    make_call(session_id=SESSION)
    settings.LLM_ENVIRONMENT = {**settings.LLM_ENVIRONMENT, "LLM_CALLS_QUERY_MS": 50}
    page = reverse("admin:metrics_session", args=[SESSION])
    with psycopg.connect(database_url()) as other:
        other.execute("LOCK TABLE llm_generation_metrics IN ACCESS EXCLUSIVE MODE")
        text = client.get(page).content.decode()
    assert "takes too long" in text
    assert f"{CALLS}?days=7&amp;session={SESSION}" in text


@pytest.mark.django_db(transaction=True)
def test_a_query_that_was_ended_is_told_also_where_somebody_has_hidden_it(settings):
    settings.LLM_ENVIRONMENT = {**settings.LLM_ENVIRONMENT, "LLM_CALLS_QUERY_MS": 50}
    hidden = suppress(OperationalError)
    with pytest.raises(TookTooLong), bounded(), hidden, connection.cursor() as cursor:
        cursor.execute("SELECT pg_sleep(60)")
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


@pytest.mark.parametrize("place", [4, 5, 6])  # tokens, cost, latency
def test_an_index_gives_the_first_calls_in_each_order(client, place):
    make_call()
    for sign in ("-", ""):
        shown = client.get(CALLS, {"days": "366", "o": f"{sign}{place}"}).context["cl"]
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off")
            plan = shown.queryset[:51].explain()
        assert "Presorted Key" in plan, plan
