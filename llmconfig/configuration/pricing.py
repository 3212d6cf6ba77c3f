"""What tokens cost: a price with its conditions, and the arithmetic of a call. Pure: no database.

Money is `Decimal`, in US dollars. An unknown price is None, never 0. A price is a list of rates
that holds from a moment on; beside it stand the rates that hold under conditions: for longer
prompts, at a service tier (`priority`, `flex`, `fast`, `batch`), at hours of the day (UTC).
"""

import datetime as dt
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from msgspec import Struct

from llmconfig.configuration.counted_tokens import Details, Tokens

PER = Decimal(1_000_000)
PER_THOUSAND = Decimal(1000)
SECONDS_PER_HOUR = Decimal(3600)
DIGITS = Decimal("1E-10")
NOTHING, ONE = Decimal(0), Decimal(1)
BATCH = "batch"  # the tier of a provider's own batches
# Of the listed price, what OpenAI and Anthropic ask for their batches; where no row says more.
BATCH_SHARE = Decimal("0.5")
# Cheaper than the standard tier or the same, so that its price is an upper bound: OpenAI, Groq.
NOT_DEARER = frozenset({"flex"})
# Anthropic's Opus 4.6 and later, all tokens: platform.claude.com, data residency (2026-11).
GEO_FACTORS = {"us": Decimal("1.1")}
# docs.anthropic.com, prompt caching: an entry that is kept for an hour costs twice the input price.
HOUR_CACHE_FACTOR = 2


# Gives another model of the same provider its price by its id; None where it has none.
PriceOf = Callable[[str], "PriceFacts | None"]


class _Rates(Struct, frozen=True):
    """A price brought to dollars per token, with its fallbacks already taken."""

    input: Decimal | None
    cached_input: Decimal | None
    cache_write: Decimal | None
    output: Decimal | None
    reasoning: Decimal | None
    cache_write_1h: Decimal | None
    audio_input: Decimal | None
    audio_cached: Decimal | None
    audio_output: Decimal | None
    image_input: Decimal | None
    image_cached: Decimal | None
    image_output: Decimal | None
    audio_second: Decimal | None
    web_search: Decimal | None
    request: Decimal | None


@dataclass(frozen=True, slots=True)
class PriceFacts:
    """US dollars per million tokens from a moment on; None is unknown.

    `audio_hour` is for an hour of audio, `web_search` and `request` for a thousand. `variants` hold
    under the conditions that they name, the most specific first; they have no variants.
    """

    valid_from: dt.datetime
    input: Decimal | None
    output: Decimal | None
    cached_input: Decimal | None
    cache_write: Decimal | None
    cache_write_1h: Decimal | None = field(default=None, hash=False)
    reasoning: Decimal | None = field(default=None, hash=False)
    audio_input: Decimal | None = field(default=None, hash=False)
    audio_cached: Decimal | None = field(default=None, hash=False)
    audio_output: Decimal | None = field(default=None, hash=False)
    image_input: Decimal | None = field(default=None, hash=False)
    image_cached: Decimal | None = field(default=None, hash=False)
    image_output: Decimal | None = field(default=None, hash=False)
    audio_hour: Decimal | None = field(default=None, hash=False)
    web_search: Decimal | None = field(default=None, hash=False)
    request: Decimal | None = field(default=None, hash=False)
    service_tier: str = ""
    above_prompt_tokens: int = 0
    hours: tuple[dt.time, dt.time] | None = None
    source: str = field(default="", hash=False)
    variants: tuple["PriceFacts", ...] = field(default=(), hash=False)
    rates: _Rates = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "rates", _rates(self))

    @property
    def tiers(self) -> set[str]:
        """The service tiers that have rates of their own."""
        return {each.service_tier for each in self.variants}

    def takes(self, prompt_tokens: int) -> bool:
        """Whether a prompt of this length is within the condition."""
        return not self.above_prompt_tokens or prompt_tokens > self.above_prompt_tokens

    def holds_at(self, moment: dt.datetime | None) -> bool:
        """Whether this moment's time of day, in UTC, is within the hours."""
        if self.hours is None:
            return True
        if moment is None:
            return False
        begins, ends = self.hours
        now = moment.astimezone(dt.UTC).time()
        return begins <= now < ends if begins < ends else now >= begins or now < ends


def price_at(prices: Sequence[PriceFacts], when: dt.datetime) -> PriceFacts | None:
    """The price in force: the first of `prices` (newest first) that had begun by `when`."""
    for price in prices:
        if price.valid_from <= when:
            return price
    return None


def cost(
    usage: Tokens,
    price: PriceFacts | None,
    *,
    service_tier: str = "",
    moment: dt.datetime | None = None,
    price_of: PriceOf | None = None,
) -> Decimal | None:
    """Dollars for these tokens, to ten digits; None when a price that they need is unknown.

    `service_tier` is the one that the reply names, else the one asked for, `batch` for a provider's
    own batch; `moment` when the call was made, for prices by the hour; `price_of` prices what other
    models took for the answer. Tokens read from or written to the provider's cache cost as other
    input where the price names nothing else; reasoning costs as output; a cache entry for an hour
    twice the input. Audio, drawn pictures and searches without a price are unknown, and so is a
    tier that is not listed, but for `flex` (the standard price, at most too high) and `batch`
    (half of what tokens cost).
    """
    if price is None:
        return None
    if not service_tier and not price.variants:
        amount = _amount(usage, price.rates)
    else:
        row = applying(price, _prompt(usage), service_tier, moment)
        amount = None if row is None else _amount(usage, row.rates, _share(row, service_tier))
    if amount is None or usage.details is None or not usage.details.beside:
        return amount
    tier = service_tier if service_tier == BATCH else ""  # the others are the answering model's
    for other in usage.details.beside:
        listed = None if price_of is None else price_of(other.model)
        more = cost(other.usage, listed, service_tier=tier, moment=moment)
        if more is None:
            return None
        amount += more
    return amount


def cost_of_calls(
    usage: Tokens,
    price: PriceFacts | None,
    *,
    calls: int,
    service_tier: str = "",
    moment: dt.datetime | None = None,
) -> Decimal | None:
    """Dollars for the tokens of several calls together, to ten digits; None as in `cost`.

    The rates are those for their mean prompt: the sum of many short prompts is no long one.
    """
    if price is None:
        return None
    number = max(calls, 1)
    row = applying(price, _prompt(usage) // number, service_tier, moment)
    amount = None if row is None else _amount(usage, row.rates, _share(row, service_tier))
    if row is None or amount is None:
        return None
    return (amount + (number - 1) * (row.rates.request or NOTHING)).quantize(DIGITS)


def applying(
    price: PriceFacts, prompt_tokens: int, service_tier: str, moment: dt.datetime | None
) -> PriceFacts | None:
    """The rates for a prompt of this length, at this tier and moment; None if none are listed.

    For `batch` and cheaper tiers that have no rates of their own, those of the standard tier.
    """
    tier = service_tier
    if tier and tier not in price.tiers:
        if tier != BATCH and tier not in NOT_DEARER:
            return None
        tier = ""
    for each in price.variants:
        if each.service_tier == tier and each.takes(prompt_tokens) and each.holds_at(moment):
            return each
    return price


def worst_case(
    usage: Tokens,
    price: PriceFacts | None,
    *,
    service_tier: str = "",
    hour_cache: bool = False,
    media: bool = False,
    web_searches: int = 0,
    inference_geo: str = "",
) -> Decimal | None:
    """What these tokens cost at most, by the dearest rates that can apply.

    As if the whole prompt was written to the cache (for an hour if `hour_cache`), as audio or
    pictures if `media`, at any hour of the day, and at the tier that is asked for or the standard
    one, whichever is dearer: a provider may serve another than it was asked for.
    """
    if price is None:
        return None
    prompt = _prompt(usage)
    rows = [price]
    if price.variants or service_tier:
        wanted = {"", service_tier}
        rows += [
            each for each in price.variants if each.service_tier in wanted and each.takes(prompt)
        ]
        if service_tier and applying(price, prompt, service_tier, None) is None:
            return None
    if web_searches and any(each.rates.web_search is None for each in rows):
        return None
    amounts = [_most(usage, each.rates, hour_cache=hour_cache, media=media) for each in rows]
    known = [each for each in amounts if each is not None]
    if len(known) < len(amounts):
        return None
    most = max(known) * GEO_FACTORS.get(inference_geo, ONE)
    only_batch = service_tier == BATCH and BATCH not in price.tiers
    beside = max(_beside_tokens(each.rates, web_searches) for each in rows)
    return ((most * BATCH_SHARE if only_batch else most) + beside).quantize(DIGITS)


def at_batch_price(cost: Decimal) -> Decimal:
    """What a provider's own batch asks for what costs this much live, where no row says more."""
    return (cost * BATCH_SHARE).quantize(DIGITS)


def _prompt(usage: Tokens) -> int:
    return usage.input + usage.cached_input + usage.cache_write


def _share(row: PriceFacts, service_tier: str) -> Decimal | None:
    """What of its rates for tokens is asked, None for all: half in a batch that has no rates."""
    return BATCH_SHARE if service_tier == BATCH and row.service_tier != BATCH else None


def _amount(usage: Tokens, rates: _Rates, share: Decimal | None = None) -> Decimal | None:
    if usage.details is not None:
        return _amount_by_details(usage, usage.details, rates, share)
    total = NOTHING
    for tokens, rate in (
        (usage.input, rates.input),
        (usage.output, rates.output),
        (usage.cached_input, rates.cached_input),
        (usage.cache_write, rates.cache_write),
        (usage.reasoning, rates.reasoning),
    ):
        if tokens:
            if rate is None:
                return None
            total += tokens * rate
    if share is not None:
        total *= share
    return (total if rates.request is None else total + rates.request).quantize(DIGITS)


def _amount_by_details(
    usage: Tokens, found: Details, rates: _Rates, share: Decimal | None
) -> Decimal | None:
    """The same; searches and the request itself have one price everywhere and in batches, too."""
    by_time = found.audio_seconds > 0 and rates.audio_second is not None
    total = NOTHING
    for number, rate in (
        (usage.input - found.audio_input - found.image_input, rates.input),
        (usage.output - found.audio_output - found.image_output, rates.output),
        (usage.cached_input - found.audio_cached - found.image_cached, rates.cached_input),
        (usage.cache_write - found.cache_write_1h, rates.cache_write),
        (usage.reasoning, rates.reasoning),
        (found.cache_write_1h, rates.cache_write_1h),
        (0 if by_time else found.audio_input, rates.audio_input),
        (found.audio_seconds if by_time else 0, rates.audio_second),
        (found.audio_cached, rates.audio_cached),
        (found.audio_output, rates.audio_output),
        (found.image_input, rates.image_input),
        (found.image_cached, rates.image_cached),
        (found.image_output, rates.image_output),
    ):
        if number:
            if rate is None:
                return None
            total += number * rate
    if share is not None:
        total *= share
    total *= GEO_FACTORS.get(found.inference_geo, ONE)
    if found.web_searches:
        if rates.web_search is None:
            return None
        total += found.web_searches * rates.web_search
    return (total if rates.request is None else total + rates.request).quantize(DIGITS)


def _most(usage: Tokens, rates: _Rates, *, hour_cache: bool, media: bool) -> Decimal | None:
    prompts = [rates.input, rates.cache_write, rates.cache_write_1h if hour_cache else None]
    answers = [rates.output, rates.reasoning]
    if media:
        prompts += [rates.audio_input, rates.image_input]
        answers += [rates.audio_output, rates.image_output]
    if rates.input is None or rates.output is None:
        return None
    total = _prompt(usage) * _dearest(prompts)
    return total + (usage.output + usage.reasoning) * _dearest(answers)


def _beside_tokens(rates: _Rates, web_searches: int) -> Decimal:
    return web_searches * (rates.web_search or NOTHING) + (rates.request or NOTHING)


def _dearest(rates: Iterable[Decimal | None]) -> Decimal:
    return max(each for each in rates if each is not None)


def _rates(price: PriceFacts) -> _Rates:
    cached = _or(price.cached_input, price.input)
    hour = price.cache_write_1h
    if hour is None and price.input is not None:
        hour = price.input * HOUR_CACHE_FACTOR
    by_token = (
        price.input,
        cached,
        _or(price.cache_write, price.input),
        price.output,
        _or(price.reasoning, price.output),
        hour,
        price.audio_input,
        _or(price.audio_cached, price.audio_input),
        price.audio_output,
        _or(price.image_input, price.input),
        _or(price.image_cached, cached),
        price.image_output,
    )
    rates = [_divided(each, PER) for each in by_token]
    rates.append(_divided(price.audio_hour, SECONDS_PER_HOUR))
    rates += [_divided(each, PER_THOUSAND) for each in (price.web_search, price.request)]
    return _Rates(*rates)


def _or(price: Decimal | None, other: Decimal | None) -> Decimal | None:
    return other if price is None else price


def _divided(price: Decimal | None, number: Decimal) -> Decimal | None:
    return None if price is None else price / number
