"""Prices as genai-prices lists them, brought to rows of the price table. No network call.

Its data are dated rows, hours of the day, steps by the prompt's length, and variants by service
tier, speed and batch; docs/usage-forms.md says where ours differ from its own arithmetic, and why.
"""

import datetime as dt
import re
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from msgspec import Struct

from llmconfig import provider_types
from llmconfig.configuration.price_lists import is_plain
from llmconfig.models import ModelPrice, PriceSource, ProviderModel

if TYPE_CHECKING:
    from genai_prices.types import ConditionalPrice, ModelInfo
    from genai_prices.types import ModelPrice as ListedPrice

ALWAYS = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)  # of what is listed without a first day
FIELDS = {
    "input_mtok": "input_per_1m",
    "output_mtok": "output_per_1m",
    "cache_read_mtok": "cached_input_per_1m",
    "cache_write_mtok": "cache_write_per_1m",
    "cache_write_1h_mtok": "cache_write_1h_per_1m",
    "output_reasoning_mtok": "reasoning_per_1m",
    "input_audio_mtok": "audio_input_per_1m",
    "cache_audio_read_mtok": "audio_cached_per_1m",
    "output_audio_mtok": "audio_output_per_1m",
    "input_image_mtok": "image_input_per_1m",
    "cache_image_read_mtok": "image_cached_per_1m",
    "output_image_mtok": "image_output_per_1m",
    "input_audio_hours": "audio_per_hour",
    "web_searches_kcount": "web_search_per_1k",
    "requests_kcount": "request_per_1k",
}
# What a variant of a price is for, by our names of the tiers.
CONTEXTS = {
    "": {"service_tier": "default"},
    "priority": {"service_tier": "priority"},
    "flex": {"service_tier": "flex"},
    "fast": {"service_tier": "fast", "speed": "fast"},
    "batch": {"processing": "batch"},
}
TIERED_KEYS = {("service_tier", "priority"): "priority", ("service_tier", "flex"): "flex",
               ("service_tier", "fast"): "fast", ("speed", "fast"): "fast",
               ("processing", "batch"): "batch"}  # fmt: skip


class Surcharge(Struct, frozen=True):
    """What a vendor asks more for tokens at its addresses in a region, of some models."""

    hosts: re.Pattern[str]
    list_host: str  # whose list it is on top of
    models: re.Pattern[str]
    factor: Decimal


SURCHARGES = (
    # Models since 2026-03-05: developers.openai.com, guide to data residency (2026-11)
    Surcharge(
        re.compile(r"[a-z]{2}\.api\.openai\.com"),
        "api.openai.com",
        re.compile(r"gpt-(?:5\.(?:[4-9]|\d\d)|[6-9]|\d\d).*"),
        Decimal("1.1"),
    ),
    # Grok in the United States: docs.x.ai, regional endpoints (2026-11)
    Surcharge(re.compile(r"us\.api\.x\.ai"), "api.x.ai", re.compile(".*"), Decimal("1.1")),
)


class SuggestedPrice(Struct, frozen=True):
    """What genai-prices knows of a model: dollars per million tokens, and its context window."""

    input: Decimal | None
    output: Decimal | None
    cached: Decimal | None
    cache_write: Decimal | None
    context_window: int | None


def suggested_prices(
    provider_type: str, model_id: str, *, base_url: str = ""
) -> SuggestedPrice | None:
    """What the installed genai-prices lists today, None if it doesn't know the model.

    Where a price has conditions, it is the one without them: short prompts, the standard tier.
    """
    model = _listed(provider_type, model_id, base_url)
    if model is None:
        return None
    now, surcharge = dt.datetime.now(dt.UTC), _surcharge(base_url, model_id)
    rows = [row for row in _rows(model, surcharge) if row.valid_from <= now]
    base = next((row for row in reversed(rows) if is_plain(row)), ModelPrice())
    return SuggestedPrice(
        input=base.input_per_1m,
        output=base.output_per_1m,
        cached=base.cached_input_per_1m,
        cache_write=base.cache_write_per_1m,
        context_window=model.context_window,
    )


def suggested_rows(
    model: ProviderModel,
    *,
    source: str = PriceSource.GENAI_PRICES,
    since: dt.datetime | None = None,
) -> list[ModelPrice]:
    """The model's prices as unsaved rows, oldest first; none if genai-prices knows none.

    With `since` only what holds from then on, dated so, and what is announced for later.
    """
    provider = model.provider
    listed = _listed(provider.provider_type, model.model_id, provider.api_base_url)
    if listed is None:
        return []
    rows = list(_rows(listed, _surcharge(provider.api_base_url, model.model_id)))
    if since is not None:
        begun = [row.valid_from for row in rows if row.valid_from <= since]
        newest = max(begun, default=since)
        rows = [row for row in rows if row.valid_from >= newest]
        for row in rows:
            row.valid_from = max(row.valid_from, since)
    for row in rows:
        row.model, row.source = model, source
    return rows


def _listed(provider_type: str, model_id: str, base_url: str) -> "ModelInfo | None":
    from genai_prices.data_snapshot import get_snapshot  # noqa: PLC0415 - 0.2 s, and rarely needed

    kind = provider_types.get(provider_type)
    listed = kind.price_list or None
    # A server without a list of its own may be a vendor's that genai-prices knows by its address.
    by_address = _list_address(base_url) or None if listed is None and not kind.free else None
    if listed is None and by_address is None:
        return None
    try:
        return get_snapshot().find_provider_model(model_id, None, listed, by_address)[1]
    except LookupError:
        return None


def _regional(base_url: str) -> Surcharge | None:
    host = urlsplit(base_url).hostname or ""
    return next((each for each in SURCHARGES if each.hosts.fullmatch(host)), None)


def _list_address(base_url: str) -> str:
    """The address by which genai-prices knows the vendor of a region's address."""
    regional = _regional(base_url)
    return base_url if regional is None else f"https://{regional.list_host}/v1"


def _surcharge(base_url: str, model_id: str) -> Decimal | None:
    """The factor of the listed price of tokens, None for the price itself."""
    regional = _regional(base_url)
    return regional.factor if regional and regional.models.fullmatch(model_id) else None


def _rows(model: "ModelInfo", surcharge: Decimal | None = None) -> Iterator[ModelPrice]:
    """All rows, oldest first; a list that says the same as the one before is left out."""
    before: list[tuple[object, ...]] = []
    for moment in _moments(model):
        rows = list(_list_from(model, moment))
        if surcharge is not None:
            rows = [_dearer(row, surcharge) for row in rows]
        rates_now = [_values_of(row) for row in rows]
        if rows and rates_now != before:
            yield from rows
        before = rates_now


def _moments(model: "ModelInfo") -> list[dt.datetime]:
    """When any of its prices changes, the beginning first."""
    from genai_prices.types import StartDateConstraint  # noqa: PLC0415 - see `_listed`

    constraints = [each.constraint for each in _conditional(model)]
    constraints += [each.constraint for each in model.price_variants or ()]
    dates = {each.start_date for each in constraints if isinstance(each, StartDateConstraint)}
    return [ALWAYS, *(_midnight(each) for each in sorted(dates) if _midnight(each) > ALWAYS)]


def _midnight(day: dt.date) -> dt.datetime:
    return dt.datetime(day.year, day.month, day.day, tzinfo=dt.UTC)


def _conditional(model: "ModelInfo") -> "Sequence[ConditionalPrice]":
    from genai_prices.types import ConditionalPrice  # noqa: PLC0415 - see `_listed`

    listed = model.prices
    return listed if isinstance(listed, list) else [ConditionalPrice(prices=listed)]


def _list_from(model: "ModelInfo", moment: dt.datetime) -> Iterator[ModelPrice]:
    """The rows of the list that holds from this moment on."""
    base: ListedPrice | None = None
    hours: list[tuple[tuple[dt.time, dt.time], ListedPrice]] = []
    for each in _conditional(model):
        constraint = each.constraint
        if constraint is None:
            base, hours = each.prices, []
        elif hasattr(constraint, "start_date"):
            if not constraint.active(moment):
                break  # hours that stand behind it began with it, on their first day
            base, hours = each.prices, []
        else:
            times = (_utc(constraint.start_time), _utc(constraint.end_time))
            hours.append((times, each.prices))
    if base is None:
        return
    for tier in _tiers(model, moment):
        overlay = _overlay(model, moment, tier)
        yield from _steps(base, overlay, moment, tier, None)
        for times, listed in hours:
            yield from _steps(listed, overlay, moment, tier, times)


def _utc(time: dt.time) -> dt.time:
    if time.tzinfo is None:
        return time
    return dt.datetime.combine(dt.date(1970, 1, 2), time).astimezone(dt.UTC).time()


def _tiers(model: "ModelInfo", moment: dt.datetime) -> list[str]:
    """The standard tier first, then those that have a variant by then."""
    found = [""]
    for variant in model.price_variants or ():
        if variant.constraint is not None and not variant.constraint.active(moment):
            continue
        for item in variant.when.items():
            tier = TIERED_KEYS.get(item)
            if tier is not None and len(variant.when) == 1 and tier not in found:
                found.append(tier)
    return found


def _overlay(model: "ModelInfo", moment: dt.datetime, tier: str) -> dict[str, object]:
    """What a tier's variants say instead; the first that names a price wins."""
    found: dict[str, object] = {}
    context = CONTEXTS[tier]
    for variant in model.price_variants or ():
        if variant.constraint is not None and not variant.constraint.active(moment):
            continue
        if all(context.get(key) == value for key, value in variant.when.items()):
            for name, price in variant.prices.__dict__.items():
                if price is not None:
                    found.setdefault(name, price)
    return found


def _steps(
    listed: "ListedPrice",
    overlay: dict[str, object],
    moment: dt.datetime,
    tier: str,
    hours: tuple[dt.time, dt.time] | None,
) -> Iterator[ModelPrice]:
    """A row for prompts of any length, and one for each step above it."""
    amounts = {**listed.__dict__, **overlay}
    starts = {step.start for each in amounts.values() for step in getattr(each, "tiers", ())}
    for above in [0, *sorted(starts - {0})]:
        rates = {
            field: _at(amounts.get(name), above)
            for name, field in FIELDS.items()
            if amounts.get(name) is not None
        }
        if any(rate is not None for rate in rates.values()):
            yield ModelPrice(
                valid_from=moment,
                service_tier=tier,
                above_prompt_tokens=above,
                hours_from=None if hours is None else hours[0],
                hours_until=None if hours is None else hours[1],
                **rates,
            )


def _dearer(row: ModelPrice, factor: Decimal) -> ModelPrice:
    """With the price of tokens times the factor; searches and requests cost the same."""
    for name in FIELDS.values():
        listed = getattr(row, name)
        if name.endswith("_per_1m") and listed is not None:
            setattr(row, name, listed * factor)
    return row


def _at(amount: object, above: int) -> Decimal | None:
    """A price for prompts of more tokens than this."""
    base = getattr(amount, "base", amount)
    found = base if isinstance(base, Decimal) else None
    for step in getattr(amount, "tiers", ()):
        if above and step.start <= above:
            found = step.price
    return found


def _values_of(row: ModelPrice) -> tuple[object, ...]:
    names = (*FIELDS.values(), "service_tier", "above_prompt_tokens", "hours_from", "hours_until")
    return tuple(getattr(row, name) for name in names)
