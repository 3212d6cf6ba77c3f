"""Starting a batch in the admin: which rows, what it will cost, a trial, and *Start*."""

import datetime as dt
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.contrib.auth.models import Group, User
from django.core.management import call_command
from django.db import transaction
from django.test import Client
from django.urls import reverse
from redis import Redis

from enrichment.engine.lanes import run_lane
from enrichment.listings.models import Animal
from enrichment.models import Batch, EnrichmentResult
from llmconfig.configuration import snapshot
from llmconfig.models import LLMConfig
from llmconfig.roles import ensure_roles
from metrics.models import GenerationMetric

pytestmark = pytest.mark.django_db(transaction=True)

STALE = ("never", "undone", "input")


@pytest.fixture
def operator(client: Client) -> Client:
    """Who may start batches, and not change the configuration."""
    ensure_roles()
    user = User.objects.create_user("olga", is_staff=True)
    user.groups.add(Group.objects.get(name="operator"))
    client.force_login(user)
    return client


def asked(client: Client, do: str, **given: Any) -> Any:
    filled = {"enrichment": "description_cleaning", "stale": STALE, "transport": "live"}
    return client.post(
        reverse("admin:enrichment_batch_add"), {**filled, **given, "do": do}, follow=True
    )


@pytest.mark.parametrize(
    ("given", "rows"),
    [
        ({}, 12),
        ({"limit": "5"}, 5),
        ({"organization": "rescue"}, 12),
        ({"enrichment": "translation", "languages": "es, de"}, 24),
        ({"query": "q=Dog+1", "table": "listings.Animal"}, 3),
        ({"rows": "first", "table": "listings.Animal"}, 1),
    ],
    ids=["all", "limit", "organization", "languages", "filter", "ticked"],
)
def test_the_forecast_and_the_batch_are_of_the_rows_that_were_chosen(
    provider, simulator, make_animals, operator, given, rows
):
    make_animals(12)
    if given.get("rows") == "first":
        given = given | {"rows": str(Animal.objects.order_by("pk")[0].pk)}
    shown = asked(operator, "forecast", **given)
    assert shown.context["forecast"]["rows"] == rows
    assert "In eight of ten cases" in shown.content.decode()
    assert not Batch.objects.exists()
    asked(operator, "start", **given)
    batch = Batch.objects.get()
    assert (batch.rows_total, batch.created_by.username) == (rows, "olga")
    assert batch.params["whole_table"] is (given.keys() <= {"enrichment", "languages"})


@pytest.mark.parametrize(("language", "typed"), [("de", "2,5"), ("es", "2,5"), ("en", "2.5")])
def test_a_cap_is_typed_as_the_reader_writes_numbers(
    provider, simulator, make_animals, operator, language, typed
):
    make_animals(1)
    operator.defaults["HTTP_ACCEPT_LANGUAGE"] = language
    asked(operator, "start", max_cost_usd=typed)
    assert Batch.objects.get().max_cost_usd == Decimal("2.5")


def test_its_terms_are_those_of_the_form(provider, simulator, make_animals, operator):
    make_animals(1)
    asked(operator, "start", max_cost_usd="2.5", priority="7", force="on", stale=["never"])
    batch = Batch.objects.get()
    assert (batch.max_cost_usd, batch.priority, batch.force) == (Decimal("2.5"), 7, True)
    assert batch.params["stale"] == ["never"]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"organization": "nobody"}, "there is none with the slug"),
        ({"limit": "0"}, "greater than or equal to 1"),
        ({"enrichment": "translation"}, "Enter at least one language"),
        ({"enrichment": "translation", "languages": "es, x1"}, "no BCP 47 language tag"),
        ({"enrichment": "translation", "languages": "xx"}, "no BCP 47 language tag"),
        ({"enrichment": "translation", "languages": "es, jp"}, "Did you mean ja?"),
        ({"stale": []}, "Choose at least one reason"),
        ({"max_cost_usd": "-1"}, "greater than or equal to 0.000001"),
        ({"transport": "provider_batch", "within_hours": "2"}, "needs OpenAI or Anthropic"),
        ({"rows": "many", "table": "listings.Animal"}, "is no key of listings.Animal"),
        ({"query": "cleaned__x=1", "table": "listings.Animal"}, "filters can"),
        ({"query": "q=a"}, "there is no table"),
        ({"enrichment": "respond"}, "Select a valid choice"),
    ],
)
def test_what_makes_no_batch_is_refused_in_words_and_keeps_what_was_typed(
    provider, simulator, make_animals, operator, given, words
):
    make_animals(1)
    answer = asked(operator, "start", **{"priority": "3", **given})
    assert words in answer.content.decode()
    assert answer.context["form"]["priority"].value() == "3"
    assert not Batch.objects.exists()


def test_the_forecast_names_the_field_that_it_refuses(provider, make_animals, operator):
    make_animals(1)
    text = asked(operator, "forecast", limit="0", max_cost_usd="-2").content.decode()
    assert "Row limit: Ensure this value is greater" in text
    assert "Cap (USD): Ensure this value is greater" in text


def test_a_trial_shows_answers_and_writes_nothing(provider, simulator, make_animals, operator):
    make_animals(1, description="")  # is skipped: it needs no call
    animals = make_animals(5)
    text = asked(operator, "try").content.decode()
    assert all(each.name in text for each in animals[:3])
    assert animals[3].name not in text.partition("batch-trial")[2]
    assert "would be written" in text or "would wait for review" in text
    assert GenerationMetric.objects.count() == 3
    assert not EnrichmentResult.objects.exists()
    assert not Animal.objects.filter(enriched_description__isnull=False).exists()


def test_a_trial_tells_why_a_row_fails(provider, simulator, make_animals, operator):
    make_animals(1)
    simulator.plan({"text": "Dog", "action": {"status": 400}})
    assert "http_400" in asked(operator, "try").content.decode()


def test_ticked_rows_and_a_filtered_list_lead_to_the_form(
    provider, simulator, make_animals, operator
):
    animals = make_animals(4)
    page = reverse("admin:listings_animal_changelist")
    ticked = {"action": "start_batch", "_selected_action": [each.pk for each in animals[:2]]}
    answer = operator.post(page, ticked)
    given = parse_qs(urlsplit(answer["Location"]).query)
    assert given["rows"] == [f"{animals[0].pk},{animals[1].pk}"]
    shown = operator.get(answer["Location"]).content.decode()
    assert "2 chosen: Dog 0, Dog 1" in shown
    answer = operator.post(f"{page}?q=Dog+3", {**ticked, "select_across": "1"})
    given = parse_qs(urlsplit(answer["Location"]).query)
    assert (given["query"], given["table"]) == (["q=Dog+3"], ["listings.Animal"])


def test_the_rest_of_a_filter_that_was_started_runs(provider, simulator, make_animals, operator):
    make_animals(12)
    asked(operator, "start", query="q=Dog+1", table="listings.Animal")
    run_lane(Batch.objects.get().pk)
    done = Animal.objects.filter(enriched_description__isnull=False)
    assert set(done.values_list("name", flat=True)) <= {"Dog 1", "Dog 10", "Dog 11"}
    assert EnrichmentResult.objects.count() == 3


def test_a_table_that_no_enrichment_writes_to_has_no_such_page(operator):
    assert asked(operator, "start", table="auth.User", rows="1").status_code == 404
    assert not Batch.objects.exists()


def test_while_calls_are_off_the_page_leads_to_the_switch_and_not_to_a_shell(
    provider, simulator, make_animals, operator, admin_client
):
    make_animals(1)
    LLMConfig.objects.update(enabled=False)
    snapshot.expire()
    for client, way in (
        (operator, "An administrator can enable them"),
        (admin_client, reverse("admin:llmconfig_llmconfig_changelist")),
    ):
        shown = asked(client, "forecast").content.decode().partition("batch-start")[0]
        assert "LLM calls are disabled." in shown
        assert way in shown.rpartition("nw-off")[2]
        assert "manage.py" not in asked(client, "try").content.decode()


def test_a_batch_that_no_worker_takes_up_says_so_and_is_worked_off_in_a_shell(
    provider, simulator, make_animals, operator
):
    make_animals(2)
    asked(operator, "start")
    batch = Batch.objects.get()
    page = reverse("admin:enrichment_batch_change", args=[batch.pk])
    assert "No worker" not in operator.get(page).content.decode()
    Batch.objects.update(created_at=batch.created_at - dt.timedelta(minutes=1))
    shown = operator.get(page).content.decode()
    assert f"manage.py llm_batch work {str(batch.pk)[:8]}" in shown
    assert f'data-events="/api/llm/batches/{batch.pk}/events"' in shown
    call_command("llm_batch", "work", str(batch.pk)[:8])
    batch.refresh_from_db()
    assert batch.status == "completed"


def test_workers_are_told_of_a_batch_once_it_is_stored_under_atomic_requests(
    provider, make_animals, operator, settings
):
    queue = Redis.from_url(settings.REDIS_URL)
    make_animals(2)
    with transaction.atomic():  # as ATOMIC_REQUESTS opens one around the page
        shown = asked(operator, "start").content.decode()
        assert "Started description_cleaning" in shown
        assert queue.llen("celery") == 0
    assert queue.llen("celery") > 0


def test_a_viewer_can_neither_see_the_form_nor_the_action(client, make_animals):
    ensure_roles()
    make_animals(1)
    user = User.objects.create_user("vera", is_staff=True)
    user.groups.add(Group.objects.get(name="viewer"))
    client.force_login(user)
    assert client.get(reverse("admin:enrichment_batch_add")).status_code == 403
    assert asked(client, "start").status_code == 403
    assert (
        "Enrich …" not in client.get(reverse("admin:listings_animal_changelist")).content.decode()
    )
