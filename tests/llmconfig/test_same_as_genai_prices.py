"""Prices taken over from genai-prices give what genai-prices gives, or a difference we explain.

The differences are the rows of the last table in docs/usage-forms.md.
"""

import datetime as dt
import random
from decimal import Decimal

import pytest
from genai_prices import Usage as TheirUsage
from genai_prices.data_snapshot import get_snapshot
from genai_prices.types import TimeOfDateConstraint

from llmconfig.client.types import Usage, UsageDetails
from llmconfig.configuration.prices import cost, facts_of, price_at
from llmconfig.configuration.suggestions import CONTEXTS, suggested_rows
from llmconfig.models import Provider, ProviderModel

pytestmark = pytest.mark.django_db

CENT = Decimal("0.01")
EACH = 50
FAMILIES = {
    "openai": ("openai", "", 10),
    "anthropic": ("anthropic", "", 8),
    "openrouter": ("openrouter", "", 8),
    "google": ("custom", "https://generativelanguage.googleapis.com/v1beta/openai", 5),
    "deepseek": ("custom", "https://api.deepseek.com/v1", 3),
    "x-ai": ("custom", "https://api.x.ai/v1", 3),
    "mistral": ("custom", "https://api.mistral.ai/v1", 3),
}
MOMENTS = [
    dt.datetime(2026, 11, 28, hour, 30, tzinfo=dt.UTC) for hour in (0, 1, 3, 5, 8, 12, 20)
] + [dt.datetime(2026, 6, 1, 2, 0, tzinfo=dt.UTC)]


def models():
    """40 of them, those with most conditions first."""
    for listed in get_snapshot().providers:
        if listed.id not in FAMILIES:
            continue
        kind, url, number = FAMILIES[listed.id]
        provider = Provider(name=listed.id, provider_type=kind, api_base_url=url)
        found = 0
        for known in sorted(listed.models, key=_conditions, reverse=True):
            row = ProviderModel(provider=provider, model_id=known.id)
            rows = suggested_rows(row)
            if found < number and rows and rows[-1].output_per_1m is not None:
                found += 1
                yield listed, known, facts_of(rows)


def _conditions(model):
    return len(model.price_variants or ()) + (
        len(model.prices) if isinstance(model.prices, list) else 1
    )


def a_usage(source, listed):
    """One; what the model has no price for only seldom."""
    size = source.choice((100, 5_000, 150_000, 250_000, 400_000))
    fresh, cached, written, shown, thought = (source.randrange(size) for _ in range(5))
    known = source.random() < 0.9  # only what has a price
    hour = source.choice((0, 0, written))
    searches = source.choice((0, 0, 3))
    hour = 0 if known and listed.cache_write_1h_mtok is None else hour
    searches = 0 if known and listed.web_searches_kcount is None else searches
    details = UsageDetails(cache_write_1h=hour, web_searches=searches)
    return Usage(fresh, cached, written, shown, thought, details if hour or searches else None)


def as_theirs(usage):
    details = usage.details or UsageDetails()
    return TheirUsage(
        input_tokens=usage.tokens_input,
        cache_read_tokens=usage.cached_input,
        cache_write_tokens=usage.cache_write,
        cache_write_1h_tokens=details.cache_write_1h,
        output_tokens=usage.tokens_output,
        output_reasoning_tokens=usage.reasoning,
        web_searches=details.web_searches,
    )


def explained(known, usage, tier, moment):
    """Why ours may differ: a name of the document's cases, blank if it may not."""
    listed = known.get_prices(moment, CONTEXTS[tier])
    details = usage.details or UsageDetails()
    if details.web_searches and listed.web_searches_kcount is None:
        return "no price"
    if details.cache_write_1h and listed.cache_write_1h_mtok is None:
        return "an hour's cache"
    variants = [
        each
        for each in known.price_variants or ()
        if CONTEXTS[tier].items() >= set(each.when.items())
    ]
    begun = [each for each in variants if each.constraint is None or each.constraint.active(moment)]
    if tier and not begun:
        return "tier without a price"
    hours = isinstance(known.prices, list) and any(
        isinstance(each.constraint, TimeOfDateConstraint) for each in known.prices
    )
    if hours and moment < MOMENTS[0]:
        return "before the hours' first day"
    return ""


def test_two_thousand_usages_of_forty_models_cost_the_same_to_the_cent():
    source = random.Random(10)
    compared, reasons, seen = 0, set(), 0
    for listed, known, facts in models():
        seen += 1
        for _ in range(EACH):
            moment = source.choice(MOMENTS)
            usage = a_usage(source, known.get_prices(moment))
            tier = source.choice(("", *facts[0].tiers, *source.choices(list(CONTEXTS), k=1)))
            reason = explained(known, usage, tier, moment)
            ours = cost(usage, price_at(facts, moment), service_tier=tier, moment=moment)
            theirs = known.calc_price(
                as_theirs(usage),
                listed,
                genai_request_timestamp=moment,
                price_context=CONTEXTS[tier],
            ).total_price
            if reason:
                reasons.add(reason)
                continue
            compared += 1
            assert ours is not None, (known.id, tier, usage)
            assert abs(ours - theirs) < CENT, (known.id, tier, moment, usage, ours, theirs)
            assert abs(ours - theirs) <= Decimal("1E-9"), (known.id, tier, ours, theirs)
    assert seen == 40
    assert compared > 1400
    assert reasons == {
        "no price", "an hour's cache", "tier without a price", "before the hours' first day",
    }  # fmt: skip
