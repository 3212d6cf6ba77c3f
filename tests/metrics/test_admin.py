"""Calls and their texts in the admin: large tables that no page may count or read whole."""

import datetime as dt
import re
import uuid

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from llmconfig.configuration import time_zones
from llmconfig.configuration.revisions import change
from llmconfig.diagnostics import health
from llmconfig.models import Budget, NodeConfiguration, Provider, ProviderModel, Revision
from metrics import rollups
from metrics.models import GenerationHistory, GenerationMetric

pytestmark = pytest.mark.django_db

HOSTILE = "<script>window.ran = 1</script>"
CALLS = reverse("admin:metrics_generationmetric_changelist")


@pytest.fixture
def client():
    client = Client()
    client.force_login(User.objects.create_superuser("ada"))
    return client


def make_call(**fields):
    return GenerationMetric.objects.create(
        **{
            "created_at": timezone.now(),
            "correlation_id": uuid.uuid4(),
            "node_type": "enricher",
            "service_name": "enrichment",
            "method_name": "dog_profiler",
            "model_used": "gpt-4o",
            "provider": "openai",
            "cost_usd": "0.25",
        }
        | fields
    )


def listed(answer):
    return [row.pk for row in answer.context["cl"].result_list]


def sql_of(counted):
    return [each["sql"] for each in counted.captured_queries]


@pytest.mark.usefixtures("known_configuration")
def test_a_list_of_calls_counts_nothing_and_is_bounded_in_time(
    client, django_assert_max_num_queries
):
    for _ in range(12):
        make_call()
    health.count_serious()  # each process judges the configuration once, not each page
    # Session, user, views; the list and its sums, each with its own time limit.
    with django_assert_max_num_queries(18) as counted:
        assert client.get(CALLS).status_code == 200
    asked = [sql for sql in sql_of(counted) if '"llm_generation_metrics"' in sql]
    assert asked
    assert all("COUNT(" not in sql.upper() for sql in asked)
    assert all('"created_at" >=' in sql for sql in asked)


@pytest.mark.usefixtures("known_configuration")
def test_no_list_loads_the_texts(client, django_assert_max_num_queries):
    GenerationHistory.objects.create(
        created_at=timezone.now(), correlation_id=uuid.uuid4(), node_type="enricher",
        method_name="x", prompt_text="p", generated_code="g",
    )  # fmt: skip
    health.count_serious()
    with django_assert_max_num_queries(10) as counted:
        client.get(reverse("admin:metrics_generationhistory_changelist"))
    assert not any(re.search("prompt_text|generated_code", sql) for sql in sql_of(counted))


def test_pages_name_an_interaction_type_as_the_page_of_nodes_does(client):
    call = make_call()
    texts = GenerationHistory.objects.create(
        created_at=call.created_at, correlation_id=call.correlation_id, node_type="enricher",
        method_name="x", prompt_text="p", generated_code="g",
    )  # fmt: skip
    gone = make_call(node_type="of_an_old_release")
    listing = reverse("admin:metrics_generationhistory_changelist")
    german = {"accept-language": "de"}
    for address, says in (
        (listing, "Anreicherer"),
        (reverse("admin:metrics_generationhistory_change", args=[texts.pk]), "Anreicherer"),
        (CALLS, "Anreicherer"),
        (reverse("admin:metrics_generationmetric_change", args=[call.pk]), "Anreicherer"),
        (reverse("admin:metrics_generationmetric_change", args=[gone.pk]), "of_an_old_release"),
    ):
        page = client.get(address, headers=german).content.decode()
        without_filters = re.sub("<option.*?</option>", "", page, flags=re.DOTALL)
        assert re.search(rf">\s*{says}\s*<", without_filters)


def test_a_week_is_shown_unless_more_is_asked_for(client):
    now = timezone.now()
    recent = make_call()
    older = make_call(created_at=now - dt.timedelta(days=8)) if now.day > 8 else None
    assert listed(client.get(CALLS)) == [recent.pk]
    if older is not None:
        assert listed(client.get(CALLS, {"days": "31"})) == [recent.pk, older.pk]
    assert listed(client.get(CALLS, {"days": "nonsense"})) == [recent.pk]


def test_calls_are_found_by_outcome_and_by_their_batch(client):
    batch = uuid.uuid4()
    good = make_call(session_id=batch)
    bad = make_call(error_code="timeout", cost_usd=None)
    assert listed(client.get(CALLS, {"outcome": "failed"})) == [bad.pk]
    assert listed(client.get(CALLS, {"outcome": "unpriced"})) == [bad.pk]
    assert listed(client.get(CALLS, {"q": str(batch)})) == [good.pk]
    assert set(listed(client.get(CALLS, {"q": "dog_"}))) == {good.pk, bad.pk}


def test_calls_and_texts_are_found_by_what_their_caller_said(client):
    mine = {"account": "website", "end_user": "rex", "tags": ["dogs", "night shift"]}
    call = make_call(**mine, metadata={HOSTILE: HOSTILE}, tool_calls=["find_dog"])
    make_call(account="app")
    texts = GenerationHistory.objects.create(
        created_at=call.created_at, correlation_id=call.correlation_id, node_type="enricher",
        method_name="x", prompt_text="p", generated_code="", **mine,
        tool_calls=[{"function": {"name": "find_dog", "arguments": HOSTILE}}],
    )  # fmt: skip
    history = reverse("admin:metrics_generationhistory_changelist")
    for asked in ("key:website", "user:rex", "tag:night shift"):
        assert listed(client.get(CALLS, {"q": asked})) == [call.pk]
        assert listed(client.get(history, {"q": asked})) == [texts.pk]
    assert listed(client.get(CALLS, {"q": "tag:night"})) == []
    for row, name in ((call, "metric"), (texts, "history")):
        page = client.get(reverse(f"admin:metrics_generation{name}_change", args=[row.pk]))
        shown = page.content.decode()
        assert "?q=tag%3Anight+shift" in shown
        assert "find_dog" in shown
        assert HOSTILE not in shown


def test_a_call_shows_its_attempts_and_leads_to_its_texts(client):
    attempts = [{"provider": "openai", "model": "m", "outcome": "http_429", "latency_ms": 3.2,
                 "moved_on": "retry", "detail": HOSTILE}]  # fmt: skip
    call = make_call(attempts=attempts)
    texts = GenerationHistory.objects.create(
        created_at=call.created_at, correlation_id=call.correlation_id, node_type="enricher",
        method_name="x", prompt_text=HOSTILE, generated_code="An answer.",
    )  # fmt: skip
    page = client.get(reverse("admin:metrics_generationmetric_change", args=[call.pk]))
    address = reverse("admin:metrics_generationhistory_change", args=[texts.pk])
    assert "http_429" in page.content.decode()
    assert address in page.content.decode()
    assert HOSTILE not in page.content.decode()
    shown = client.get(address).content.decode()
    assert "An answer." in shown
    assert HOSTILE not in shown


PAGES_OF_SUMS = (
    "/admin/", "/admin/?days=1", "/admin/?days=7", "/admin/?days=31", "/admin/?days=92",
    reverse("admin:metrics_hourlyrollup_changelist"),
    reverse("admin:metrics_dailyrollup_changelist"),
    reverse("admin:metrics_overviewrollup_changelist"),
)  # fmt: skip


@pytest.mark.usefixtures("known_configuration")
@pytest.mark.parametrize("rolled_up", [False, True])
@pytest.mark.parametrize("page", PAGES_OF_SUMS)
def test_dashboards_read_only_sums(client, django_assert_max_num_queries, page, rolled_up):
    make_call()
    make_call(cost_usd=None, error_code="timeout")
    make_call(cost_usd=0, cache_hit=True, saved_usd="0.5")
    if rolled_up:
        rollups.roll_up()
    with django_assert_max_num_queries(40) as counted:
        assert client.get(page).status_code == 200
    asked = sql_of(counted)
    assert any("llm_metrics_" in sql for sql in asked)
    read = '(FROM|JOIN) "?llm_generation_(metrics|history)'
    assert not any(re.search(read, sql) for sql in asked)


def test_the_dashboard_tells_cost_time_errors_and_savings_and_leads_to_the_calls(client):
    make_call()
    make_call(cost_usd=None, error_code="timeout")
    make_call(cost_usd=0, cache_hit=True, saved_usd="0.5")
    text = client.get("/admin/").content.decode()
    today = f"{timezone.now():%Y-%m-%d}"
    for part in (
        "$0.2500", "1 unpriced", "Cost by day and model", "Latency by day", "openai/gpt-4o",
        f"{CALLS}?days={today}&amp;by=openai&amp;model=gpt-4o",
        f"{CALLS}?days=7&amp;outcome=timeout",
        f"{CALLS}?days=7&amp;node=dog_profiler", "$0.5000", "33.3% of all", "No budget yet.",
    ):  # fmt: skip
        assert part in text, part
    hours = client.get("/admin/?days=1").content.decode()
    assert "Cost by hour and model" in hours
    assert f"{CALLS}?days={timezone.now():%Y-%m-%dT%H}&amp;by=openai" in hours


def test_what_has_no_price_is_never_shown_as_nothing_on_the_overview(client):
    """A model of unpriced calls alone beside one of which some calls are priced."""
    make_call(cost_usd=None, model_used="house", method_name="alone", tokens_total=1234,
              tokens_input=1234)  # fmt: skip
    make_call()
    make_call(cost_usd=None)
    make_call(cost_usd=0, cache_hit=True, saved_usd=None)
    text = client.get("/admin/").content.decode()
    for part in (
        "$0.2500 + 2 unpriced", "$0.2500 + 1 unpriced", "openai/house <b>unpriced</b>",
        "unpriced · 1 call", "2 calls (1,234 tokens) without a known price, not counted",
        reverse("admin:metrics_unpriced"), "without 2 unpriced calls", "<b>unpriced</b><span>saved",
        "<b>$0.1250",
    ):  # fmt: skip
        assert part in text, part
    assert "<b>$0<" not in text


def test_the_overview_is_of_the_viewers_zone_which_is_kept(client):
    there = time_zones.named("Pacific/Kiritimati")  # 14 hours ahead
    midnight = time_zones.midnight(timezone.now().astimezone(there).date(), there)
    make_call(created_at=midnight, model_used="today")
    make_call(created_at=midnight - dt.timedelta(minutes=1), model_used="yesterday")
    text = client.get("/admin/", {"tz": there.key}).content.decode()
    assert text.count(f"({there.key})") == 2
    name = f"{midnight:%Y-%m-%d}%40Pacific%2FKiritimati"
    assert f"{CALLS}?days={name}&amp;by=openai&amp;model=today" in text
    [shown] = client.get(f"{CALLS}?days={name}").context["cl"].result_list
    assert shown.model_used == "today"
    assert f"({there.key})" in client.get("/admin/").content.decode()
    wrong = client.get("/admin/", {"tz": "Mars/Base"}).content.decode()
    assert "&#x27;Mars/Base&#x27; is no time zone; write one such as Europe/Berlin" in wrong
    assert f"({there.key})" in wrong


UNPRICED = reverse("admin:metrics_unpriced")


def test_unpriced_models_are_listed_and_their_past_calls_priced(client):
    with change(source="seed"):
        provider = Provider.objects.create(name="openai", provider_type="custom")
        model = ProviderModel.objects.create(provider=provider, model_id="house")
    usage = {"input": 2_000_000, "output": 0}
    attempt = {"provider": "openai", "model": "house", "outcome": "ok", "paid": True,
               "usage": usage, "cost_usd": None, "cost_source": "unknown"}  # fmt: skip
    call = make_call(
        cost_usd=None, model_used="house", tokens_input=2_000_000, tokens_total=2_000_000,
        attempts=[attempt],
    )  # fmt: skip
    make_call(cost_usd=None, model_used="strange", provider="gone")
    page = client.get(UNPRICED).content.decode()
    for part in (
        "house", "2,000,000", "strange", "unpriced", "Set its price",
        reverse("admin:llmconfig_providermodel_change", args=[model.pk]),
        f"{CALLS}?days=31&amp;outcome=unpriced&amp;by=openai&amp;model=house",
    ):  # fmt: skip
        assert part in page, part
    assert "Price past calls" not in page
    asked = {"provider": "openai", "model": "house", "days": "31"}
    told = client.post(UNPRICED, asked, follow=True).content.decode()
    assert "No call of openai/house could be priced" in told
    with change(source="seed"):
        model.prices.create(
            valid_from=timezone.now() - dt.timedelta(days=1), input_per_1m=3, output_per_1m=5
        )
    assert "Price past calls" in client.get(UNPRICED).content.decode()
    told = client.post(UNPRICED, asked, follow=True).content.decode()
    assert "1 call of openai/house is priced now: $6.00." in told
    call.refresh_from_db()
    assert call.cost_usd == 6
    page = client.get(UNPRICED).content.decode()
    assert "house" not in page.split('id="content"')[-1].split("priced now")[-1]


def test_who_may_only_look_prices_no_past_calls():
    viewer, person = Client(), User.objects.create_user("vera", is_staff=True)
    person.groups.set([Group.objects.get(name="viewer")])
    viewer.force_login(person)
    make_call(cost_usd=None)
    assert viewer.get(UNPRICED).status_code == 200
    assert viewer.post(UNPRICED, {"provider": "openai", "model": "gpt-4o"}).status_code == 403
    stranger = Client()
    stranger.force_login(User.objects.create_user("nobody", is_staff=True))
    assert stranger.get(UNPRICED).status_code == 403


def test_every_link_of_a_chart_lists_the_calls_behind_it(client):
    mine = make_call()
    make_call(model_used="another")
    failed = make_call(error_code="timeout", method_name="another")
    cached = make_call(cache_hit=True, provider="second")
    today = f"{timezone.now():%Y-%m-%d}"
    every = [cached.pk, failed.pk, mine.pk]
    assert listed(client.get(CALLS, {"days": today, "model": "gpt-4o"})) == every
    assert listed(client.get(CALLS, {"days": f"{today}T{timezone.now():%H}", "by": "second"})) == [
        cached.pk
    ]
    assert listed(client.get(CALLS, {"outcome": "timeout"})) == [failed.pk]
    assert listed(client.get(CALLS, {"outcome": "cached"})) == [cached.pk]
    assert listed(client.get(CALLS, {"node": "another"})) == [failed.pk]
    assert listed(client.get(CALLS, {"days": "2020-02-30"})) != []
    page = client.get(CALLS, {"days": "2020-02-28"})
    assert (listed(page), "28 February 2020 UTC" in page.content.decode()) == ([], True)


def test_without_calls_the_dashboard_says_what_to_do(client):
    text = client.get("/admin/").content.decode()
    assert "No calls in the last 7 days." in text
    assert "Start a batch, or let your" in text
    assert "Latency by" not in text


def test_a_budget_is_shown_with_what_it_has_spent(client):
    budget = Budget.objects.create(name="all of it", hard_limit_usd=4)
    today = timezone.now().date()
    budget.spending.create(period_start=today.replace(day=1), spent_usd=1)
    text = client.get("/admin/").content.decode()
    assert "$1.00 of $4.00" in text
    assert 'width="25.00"' in text
    assert "$3.00 left, too early to tell" in text
    listed = client.get("/admin/llmconfig/budget/").content.decode()
    assert "$3.0000" in listed
    assert "too early to tell" in listed


@pytest.mark.usefixtures("known_configuration")
def test_a_node_shows_its_last_calls_and_what_they_cost(client, django_assert_max_num_queries):
    node = NodeConfiguration.objects.create(node_name="dog_profiler", interaction_type="enricher")
    make_call()
    failed = make_call(cost_usd=None, error_code="timeout", provider="second")
    make_call(method_name="another", cost_usd="9")
    address = reverse("admin:llmconfig_nodeconfiguration_change", args=[node.pk])
    health.count_serious()
    with django_assert_max_num_queries(30) as counted:
        text = client.get(address).content.decode()
    asked = [sql for sql in sql_of(counted) if "llm_generation_metrics" in sql]
    assert len(asked) == 1  # the last calls; the figures come from sums
    assert '"created_at" >=' in asked[0]
    for part in ("50.0%", "$0.2500", "1 unpriced", "second/gpt-4o", f"{CALLS}?q=dog_profiler"):
        assert part in text
    assert reverse("admin:metrics_generationmetric_change", args=[failed.pk]) in text
    assert "$9" not in text


def test_a_node_without_calls_says_so(client):
    node = NodeConfiguration.objects.create(node_name="fresh", interaction_type="enricher")
    page = client.get(reverse("admin:llmconfig_nodeconfiguration_change", args=[node.pk]))
    assert "No calls yet." in page.content.decode()


def test_a_call_says_what_was_left_out_and_by_which_configuration(client):
    with change(source="seed"):
        NodeConfiguration.objects.create(node_name="dog_profiler", interaction_type="enricher")
    revision = Revision.objects.latest("number")
    call = make_call(dropped_params=["temperature"], config_revision=revision.number)
    page = client.get(reverse("admin:metrics_generationmetric_change", args=[call.pk]))
    text = page.content.decode()
    assert ">temperature</span>" in text
    assert reverse("admin:llmconfig_revision_change", args=[revision.pk]) in text


def test_attempts_that_raw_sql_wrote_break_no_page(client):
    for odd in ({"not": "a list"}, ["text", {"usage": 7, "cost_usd": "?", "paid": True}]):
        call = make_call(attempts=odd, dropped_params=odd)
        page = client.get(reverse("admin:metrics_generationmetric_change", args=[call.pk]))
        assert page.status_code == 200
