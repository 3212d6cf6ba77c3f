"""What tokens cost: the price in force at a moment, the cost of a usage, and suggested prices.

Money is `Decimal`, in US dollars. An unknown price is None, never 0.
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import Protocol

from django.utils import timezone

from llmconfig import provider_types
from llmconfig.configuration.snapshot import PriceFacts
from llmconfig.models import ModelPrice, PriceSource, ProviderModel

PER = Decimal(1_000_000)
DIGITS = Decimal("1E-10")
BATCH_SHARE = Decimal("0.5")  # of the listed price, what OpenAI and Anthropic ask for their batches


class Tokens(Protocol):
    """Token counts in disjoint buckets; `client.records.Usage` is one."""

    @property
    def input(self) -> int:
        """Prompt tokens of neither cache bucket."""

    @property
    def cached_input(self) -> int:
        """Read from the provider's cache."""

    @property
    def cache_write(self) -> int:
        """Written to it."""

    @property
    def output(self) -> int:
        """Answer tokens without reasoning."""

    @property
    def reasoning(self) -> int:
        """Thought, not shown."""


@dataclass(frozen=True, slots=True)
class SuggestedPrice:
    """What genai-prices knows of a model: dollars per million tokens, and its context window."""

    input: Decimal | None
    output: Decimal | None
    cached: Decimal | None
    cache_write: Decimal | None
    context_window: int | None


@dataclass(frozen=True, slots=True)
class _Rates:
    """A price brought to dollars per token, with its fallbacks already taken."""

    input: Decimal | None
    cached_input: Decimal | None
    cache_write: Decimal | None
    output: Decimal | None


def price_at(prices: Sequence[PriceFacts], when: dt.datetime) -> PriceFacts | None:
    """The price in force: the first of `prices` (newest first) that had begun by `when`."""
    for price in prices:
        if price.valid_from <= when:
            return price
    return None


def cost(usage: Tokens, price: PriceFacts | None) -> Decimal | None:
    """Dollars for these tokens, to ten digits; None when a price that they need is unknown.

    Tokens read from or written to the provider's cache cost as other input where the price names
    nothing else; reasoning costs as output.
    """
    if price is None:
        return None
    rates = _rates(price)
    total = Decimal(0)
    for tokens, rate in (
        (usage.input, rates.input),
        (usage.output + usage.reasoning, rates.output),
        (usage.cached_input, rates.cached_input),
        (usage.cache_write, rates.cache_write),
    ):
        if tokens:
            if rate is None:
                return None
            total += tokens * rate
    return total.quantize(DIGITS)


def at_batch_price(cost: Decimal) -> Decimal:
    """What a provider's own batch asks for what costs this much live."""
    return (cost * BATCH_SHARE).quantize(DIGITS)


def worst_case(usage: Tokens, price: PriceFacts | None) -> Decimal | None:
    """What these tokens cost at most: as if all prompt tokens were written to the cache."""
    if price is None:
        return None
    rates = _rates(price)
    dearest = [each for each in (rates.input, rates.cache_write) if each is not None]
    if rates.input is None or rates.output is None:
        return None
    output = usage.output + usage.reasoning
    return (usage.input * max(dearest) + output * rates.output).quantize(DIGITS)


@lru_cache(maxsize=1024)
def _rates(price: PriceFacts) -> _Rates:
    cached = price.input if price.cached_input is None else price.cached_input
    written = price.input if price.cache_write is None else price.cache_write
    return _Rates(*map(_per_token, (price.input, cached, written, price.output)))


def _per_token(per_million: Decimal | None) -> Decimal | None:
    return None if per_million is None else per_million / PER


def suggested_prices(provider_type: str, model_id: str) -> SuggestedPrice | None:
    """What the installed genai-prices lists today, None if it doesn't know the model.

    Makes no network call. Where a price depends on the prompt's length, it is the one of short
    prompts.
    """
    from genai_prices.data_snapshot import get_snapshot  # noqa: PLC0415 - 0.2 s, and rarely needed

    listed = provider_types.get(provider_type).price_list
    if not listed:
        return None
    try:
        _, model = get_snapshot().find_provider_model(model_id, None, listed, None)
    except LookupError:
        return None
    price = model.get_prices(dt.datetime.now(dt.UTC))
    return SuggestedPrice(
        input=_base(price.input_mtok),
        output=_base(price.output_mtok),
        cached=_base(price.cache_read_mtok),
        cache_write=_base(price.cache_write_mtok),
        context_window=model.context_window,
    )


def row_in_force(model: ProviderModel) -> ModelPrice | None:
    """The row that prices the model's calls now: a person's rows, if there are any, win."""
    rows = sorted(model.prices.all(), key=lambda row: row.valid_from, reverse=True)
    manual = [row for row in rows if row.source == PriceSource.MANUAL]
    now = timezone.now()
    return next((row for row in manual or rows if row.valid_from <= now), None)


def take_over(model: ProviderModel) -> ModelPrice | None:
    """Store what genai-prices suggests as the model's price from now on, inside `change()`.

    None, and nothing stored, if it knows no price of the model.
    """
    found = suggested_prices(model.provider.provider_type, model.model_id)
    if found is None or (found.input is None and found.output is None):
        return None
    return ModelPrice.objects.create(
        model=model,
        valid_from=timezone.now(),
        input_per_1m=found.input,
        output_per_1m=found.output,
        cached_input_per_1m=found.cached,
        cache_write_per_1m=found.cache_write,
        source=PriceSource.GENAI_PRICES,
    )


def _base(amount: object) -> Decimal | None:
    """A plain price, or the lowest step of one that depends on the prompt's length."""
    plain = getattr(amount, "base", amount)
    return plain if isinstance(plain, Decimal) else None
