import datetime as dt
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmconfig.client.types import Usage
from llmconfig.configuration.prices import cost, price_at, suggested_prices, suggested_rows
from llmconfig.configuration.pricing import PriceFacts
from llmconfig.models import Provider, ProviderModel

NOW = dt.datetime(2026, 11, 21, tzinfo=dt.UTC)

counts = st.integers(min_value=0, max_value=10**9)
usages = st.builds(Usage, counts, counts, counts, counts, counts)
rates = st.one_of(
    st.none(), st.decimals(min_value=0, max_value=1000, places=6, allow_nan=False)
)  # fmt: skip


def price(*amounts, valid_from=NOW):
    padded = [None if each is None else Decimal(each) for each in amounts]
    per_input, per_output, cached, written = (*padded, None, None, None)[:4]
    return PriceFacts(valid_from, per_input, per_output, cached, written)


prices = st.builds(price, rates, rates, rates, rates)


@given(usages, prices)
def test_the_cost_is_the_sum_of_its_buckets_or_unknown(usage, facts):
    """Each bucket at its own rate, cache buckets at the input's where they have none."""
    buckets = [
        (usage.input, facts.input),
        (usage.cached_input, facts.input if facts.cached_input is None else facts.cached_input),
        (usage.cache_write, facts.input if facts.cache_write is None else facts.cache_write),
        (usage.output, facts.output),
        (usage.reasoning, facts.output),
    ]
    unknown = any(tokens and rate is None for tokens, rate in buckets)
    made = cost(usage, facts)
    if unknown:
        assert made is None
    else:
        exact = sum((tokens * (rate or 0) for tokens, rate in buckets), Decimal(0)) / 1_000_000
        assert made is not None
        assert abs(made - exact) <= Decimal("5E-11")
        assert made.as_tuple().exponent == -10


@given(usages, usages)
def test_two_calls_cost_what_their_sum_costs(one, other):
    facts = price("0.15", "0.6", "0.075", "0.2")
    both = Usage(
        one.input + other.input,
        one.cached_input + other.cached_input,
        one.cache_write + other.cache_write,
        one.output + other.output,
        one.reasoning + other.reasoning,
    )
    parts = [cost(each, facts) or Decimal(0) for each in (one, other)]
    assert abs((cost(both, facts) or Decimal(0)) - sum(parts)) <= Decimal("2E-10")


def test_no_price_is_an_unknown_cost_and_zero_is_free():
    assert cost(Usage(input=1), None) is None
    assert cost(Usage(input=1), price(None, None)) is None
    assert cost(Usage(input=1), price("0", None)) == 0
    assert cost(Usage(), price(None, None)) == 0


def test_the_newest_price_that_has_begun_is_in_force():
    old = price("1", "1", valid_from=NOW - dt.timedelta(days=9))
    new = price("2", "2", valid_from=NOW)
    coming = price("3", "3", valid_from=NOW + dt.timedelta(days=9))
    newest_first = (coming, new, old)
    assert price_at(newest_first, NOW) is new
    assert price_at(newest_first, NOW - dt.timedelta(seconds=1)) is old
    assert price_at(newest_first, NOW - dt.timedelta(days=10)) is None


@pytest.mark.parametrize(
    ("provider_type", "model_id"),
    [
        ("openai", "gpt-4o-mini"),
        ("anthropic", "claude-haiku-4-5"),
        ("azure_openai", "gpt-4o"),
        ("openrouter", "anthropic/claude-sonnet-4.5"),
    ],
)
def test_known_models_have_a_suggested_price(provider_type, model_id):
    found = suggested_prices(provider_type, model_id)
    assert found is not None
    assert found.input
    assert found.output
    assert found.input < found.output
    assert found.context_window


@pytest.mark.parametrize(
    ("provider_type", "model_id"),
    [("openai", "no-such-model"), ("local", "llama3"), ("custom", "gpt-4o"), ("openai", "")],
)
def test_what_nobody_lists_has_no_suggestion(provider_type, model_id):
    assert suggested_prices(provider_type, model_id) is None


REGIONS = [
    ("openai", "gpt-5.4-mini", "https://api.openai.com/v1", "https://eu.api.openai.com/v1", "1.1"),
    ("openai", "gpt-6.1-terra", "https://api.openai.com/v1", "https://us.api.openai.com/v1", "1.1"),
    ("openai", "gpt-5.2", "https://api.openai.com/v1", "https://eu.api.openai.com/v1", "1"),
    ("openai", "gpt-5.4", "https://api.openai.com/v1", "https://proxy.example/v1", "1"),
    ("custom", "grok-4.6", "https://api.x.ai/v1", "https://us.api.x.ai/v1", "1.1"),
]


@pytest.mark.parametrize(("kind", "model_id", "list_url", "url", "factor"), REGIONS)
def test_a_regions_address_asks_more_for_tokens_alone(kind, model_id, list_url, url, factor):
    """Each with its source in the module."""

    def rows(address):
        provider = Provider(name="p", provider_type=kind, api_base_url=address)
        return suggested_rows(ProviderModel(provider=provider, model_id=model_id))

    listed, regional = rows(list_url), rows(url)
    assert listed
    assert len(regional) == len(listed)
    for one, other in zip(listed, regional, strict=True):
        for name in ("input_per_1m", "output_per_1m", "cached_input_per_1m", "reasoning_per_1m"):
            amount = getattr(one, name)
            assert getattr(other, name) == (None if amount is None else amount * Decimal(factor))
        assert other.web_search_per_1k == one.web_search_per_1k
    told = suggested_prices(kind, model_id, base_url=url)
    known = suggested_prices(kind, model_id, base_url=list_url)
    assert told.input == known.input * Decimal(factor)
