"""Rows of the price table under conditions: which one prices a call, by command, API and admin."""

import datetime as dt
from decimal import Decimal

import pytest
from django.urls import reverse

from llmconfig.client.types import ModelUsage, Usage, UsageDetails
from llmconfig.configuration import snapshot
from llmconfig.configuration.prices import cost, facts_of, price_at, worst_case
from llmconfig.diagnostics.discovery import discover_models
from llmconfig.models import ModelPrice, ProviderModel
from tests.api import caller
from tests.llmconfig.test_admin_providers import said, signed_in

pytestmark = pytest.mark.django_db

BEGIN = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
NOON = dt.datetime(2026, 6, 1, 12, tzinfo=dt.UTC)
NIGHT = dt.datetime(2026, 6, 1, 23, 30, tzinfo=dt.UTC)


def row(per_input, per_output, *, since=BEGIN, source="genai-prices", **more):
    amounts = {name: Decimal(value) for name, value in more.items() if isinstance(value, str)
               and name.endswith(("_1m", "_1k", "_hour"))}  # fmt: skip
    conditions = {name: value for name, value in more.items() if name not in amounts}
    return ModelPrice(
        valid_from=since, source=source, input_per_1m=Decimal(per_input),
        output_per_1m=Decimal(per_output), **conditions, **amounts,
    )  # fmt: skip


ROWS = [
    row("1", "10", cached_input_per_1m="0.1", web_search_per_1k="10"),
    row("2", "15", above_prompt_tokens=200_000, cached_input_per_1m="0.2"),
    row("3", "30", service_tier="priority"),
    row("0.4", "4", service_tier="batch", cached_input_per_1m="0.1"),
    row("0.5", "5", hours_from=dt.time(22), hours_until=dt.time(6)),
]
MILLION = 1_000_000


@pytest.mark.parametrize(
    ("usage", "tier", "moment", "dollars"),
    [
        (Usage(input=100_000, output=1000), "", NOON, "0.11"),
        (Usage(input=200_000), "", NOON, "0.2"),
        (Usage(input=200_001), "", NOON, "0.400002"),
        # The whole prompt's length decides, cached tokens included; all tokens have that price.
        (Usage(input=100_000, cached_input=150_000, output=1000), "", NOON, "0.245"),
        (Usage(input=100_000), "", NIGHT, "0.05"),
        (Usage(input=100_000), "priority", NIGHT, "0.3"),
        (Usage(input=100_000, cached_input=50_000), "batch", NOON, "0.045"),
        (Usage(input=100_000), "flex", NOON, "0.1"),
        (Usage(input=100_000), "fast", NOON, None),
        (Usage(input=10, details=UsageDetails(web_searches=4)), "", NOON, "0.04001"),
        (Usage(input=10, details=UsageDetails(web_searches=4)), "priority", NOON, None),
        (Usage(input=1000, details=UsageDetails(audio_input=900)), "", NOON, None),
        (Usage(cache_write=1000, details=UsageDetails(cache_write_1h=1000)), "", NOON, "0.002"),
        # A region's factor is for tokens alone.
        (
            Usage(
                input=100_000, output=1000, details=UsageDetails(inference_geo="us", web_searches=1)
            ),
            "",
            NOON,
            "0.131",
        ),
        (Usage(input=100_000, details=UsageDetails(inference_geo="us")), "batch", NOON, "0.044"),
        (Usage(input=100_000, details=UsageDetails(inference_geo="global")), "", NOON, "0.1"),
    ],
)
def test_the_conditions_decide(usage, tier, moment, dollars):
    found = cost(usage, price_at(facts_of(ROWS), moment), service_tier=tier, moment=moment)
    assert found == (None if dollars is None else Decimal(dollars))


def test_a_batch_without_a_row_costs_half():
    price = price_at(facts_of([ROWS[0]]), NOON)
    assert cost(Usage(input=MILLION), price, service_tier="batch") == Decimal("0.5")
    searched = Usage(input=MILLION, details=UsageDetails(web_searches=100))
    assert cost(searched, price, service_tier="batch") == Decimal("1.5")
    held = worst_case(Usage(input=MILLION), price, service_tier="batch", web_searches=100)
    assert held == Decimal("1.5")


def test_what_another_model_took_has_its_own_price():
    price, dear = (price_at(facts_of([each]), NOON) for each in (ROWS[0], row("5", "25")))
    beside = (ModelUsage("dear", Usage(input=1000, output=2000)),)
    usage = Usage(input=10_000, output=100, details=UsageDetails(beside=beside))
    listed = {"dear": dear}.get
    assert cost(usage, price, price_of=listed) == Decimal("0.066")
    assert cost(usage, price, service_tier="batch", price_of=listed) == Decimal("0.033")
    assert cost(usage, price, price_of=lambda _: None) is None
    assert cost(usage, price) is None


def test_a_persons_row_wins_and_ends_the_suggested_conditions():
    mine = row("7", "70", since=NOON, source="manual")
    facts = facts_of([*ROWS, mine])
    late = Usage(input=300_000)
    assert cost(late, price_at(facts, NOON), moment=NOON) == Decimal("2.1")
    before = NOON - dt.timedelta(days=1)
    assert cost(late, price_at(facts, before), moment=before) == Decimal("0.6")


def test_a_persons_condition_stands_beside_a_suggested_price():
    mine = row("9", "90", since=NOON, source="manual", service_tier="priority")
    newer = row("1", "10", since=NOON + dt.timedelta(days=9))
    facts = facts_of([*ROWS, mine, newer])
    later = NOON + dt.timedelta(days=10)
    assert cost(Usage(input=MILLION), price_at(facts, later), service_tier="priority") == 9
    assert cost(Usage(input=300_000), price_at(facts, later)) == Decimal("0.3")


@pytest.mark.parametrize(
    ("asked", "dollars"),
    [
        ({}, "0.11"),
        ({"service_tier": "priority"}, "0.33"),
        ({"service_tier": "batch"}, "0.11"),
        ({"hour_cache": True}, "0.21"),
        ({"web_searches": 5}, None),
        ({"inference_geo": "us"}, "0.121"),
        ({"inference_geo": "us", "service_tier": "priority"}, "0.363"),
        ({"service_tier": "fast"}, None),
    ],
)
def test_the_dearest_price_that_can_apply_is_held(asked, dollars):
    """Also where a reply may name another tier than was asked for, and at any hour."""
    rows = [each for each in ROWS if not each.above_prompt_tokens]
    price = price_at(facts_of(rows), NOON)
    found = worst_case(Usage(input=100_000, output=1000), price, **asked)
    assert found == (None if dollars is None else Decimal(dollars))


def test_discovered_models_have_their_suggested_price_at_once(make_provider, simulator):
    simulator.control(models=[{"id": "gpt-4o"}, {"id": "house-model"}])
    provider = make_provider(model_id="gpt-4o-mini", price=None)
    discover_models(provider, source="shell")
    sources = {*ModelPrice.objects.values_list("model__model_id", "source")}
    assert ("gpt-4o", "suggested") in sources
    assert "house-model" not in {name for name, _ in sources}
    assert snapshot.load().models["sim", "gpt-4o"].prices
    discover_models(provider, source="shell")
    assert {*ModelPrice.objects.values_list("model__model_id", "source")} == sources


def test_one_request_takes_over_many(make_provider, simulator):
    simulator.control(models=[{"id": "gpt-4o"}, {"id": "house-model"}])
    provider = make_provider(model_id="gpt-4o-mini", price=("7", "70"))
    discover_models(provider, source="shell")
    answer = caller("administrator").post("/api/v1/llm/prices/take-over", {}, format="json")
    assert answer.status_code == 200, answer.content
    assert answer.json() == {"priced": ["sim/gpt-4o"], "unpriced": ["sim/house-model"]}
    assert {*ModelPrice.objects.values_list("source", flat=True)} == {"manual", "genai-prices"}
    answer = caller("viewer").post("/api/v1/llm/prices/take-over", {}, format="json")
    assert answer.status_code == 403


@pytest.mark.parametrize(
    ("time", "dollars"),  # api-docs.deepseek.com, pricing of 2025: half price from 16:30 to 00:30
    [("00:29", "0.135"), ("00:30", "0.27"), ("16:29", "0.27"), ("16:30", "0.135")],
)
def test_prices_by_the_hour_are_taken_over_with_their_hours(make_provider, time, dollars):
    """Whatever hour it is when they are."""
    make_provider(
        "d", "custom", model_id="deepseek-chat", price=None,
        api_base_url="https://api.deepseek.com/v1",
    )  # fmt: skip
    answer = caller("administrator").post("/api/v1/llm/prices/take-over", {}, format="json")
    assert answer.json() == {"priced": ["d/deepseek-chat"], "unpriced": []}
    moment = dt.datetime.fromisoformat(f"2026-11-20T{time}+00:00")
    price = price_at(snapshot.load().models["d", "deepseek-chat"].prices, moment)
    assert cost(Usage(input=1_000_000), price, moment=moment) == Decimal(dollars)


def test_the_admin_takes_over_many_and_shows_conditions_in_words(make_provider):
    make_provider(model_id="gpt-5.4", price=None)
    model = ProviderModel.objects.get()
    administrator = signed_in("administrator")
    listed = reverse("admin:llmconfig_providermodel_changelist")
    assert "unpriced" in administrator.get(listed).content.decode()
    chosen = {"action": "use_suggested_prices", "_selected_action": [str(model.pk)]}
    page = administrator.post(listed, chosen, follow=True)
    assert "1 model has its suggested price now" in said(page)
    shown = administrator.get(
        reverse("admin:llmconfig_providermodel_change", args=[model.pk])
    ).content.decode()
    assert "at the priority tier: Prompt $5; Answer $30" in shown
    assert "for prompts of more than 272,000 tokens" in shown
    assert "in provider batches" in shown
