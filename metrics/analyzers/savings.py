"""What wasn't paid: answers from the cache, providers' batches, and providers' own caches; and what
apps above know to have saved, such as cascades."""

import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from zoneinfo import ZoneInfo

from django.db import connection
from django.utils.translation import gettext
from msgspec import Struct

from llmconfig.client.types import Usage
from llmconfig.configuration import prices, snapshot, time_zones
from llmconfig.configuration.facts import ModelFacts
from metrics.errors import Unanswerable
from metrics.queries import ask
from metrics.query_sources import MAX_DAYS_OF_CALLS
from metrics.questions import Grain, MetricsQuestion, whole_periods

# The calls tell what batches were: the rollups don't.
FROM_CACHE = """
SELECT count(*), count(*) FILTER (WHERE saved_usd IS NULL), sum(saved_usd)
FROM llm_generation_metrics WHERE cache_hit AND created_at >= %s AND created_at < %s
"""
# Together what has one price: calls of one model and hour, on the same side of each step by the
# prompt's length.
IN_BATCHES = """
SELECT provider, model_used, min(created_at), count(*), sum(tokens_input),
    sum(tokens_cached_input), sum(tokens_cache_write), sum(tokens_output), sum(tokens_reasoning)
FROM llm_generation_metrics
WHERE created_at >= %s AND created_at < %s AND attempts @> '[{"batch_price": true}]'
GROUP BY provider, model_used, date_trunc('hour', created_at, 'UTC'),
    width_bucket(tokens_input, %s::int[])
"""


class Saving(Struct, frozen=True):
    """One way of not paying. `number` counts calls, or tokens for `prompt_cache`.

    `unpriced` of them have no known price and are not in `saved_usd`, which is None when none has.
    An estimate has a range that holds in 8 of 10 cases, and the node that it is of.
    """

    way: str
    number: int
    unpriced: int
    saved_usd: Decimal | None
    node: str = ""
    low_usd: Decimal | None = None
    high_usd: Decimal | None = None


SavingsSource = Callable[[dt.datetime, dt.datetime], list[Saving]]
_sources: list[SavingsSource] = []


def register(source: SavingsSource) -> None:
    """Have it tell what it saved from one time to before another; the last one counts."""
    _sources[:] = [source]


def savings(
    *, since: dt.datetime, until: dt.datetime, zone: ZoneInfo | None = None
) -> list[Saving]:
    """By `response_cache`, `provider_batches`, `prompt_cache` and, for each node that has one, by
    `cascade`, of calls of whole days.

    Days are of `zone`, by default the usual one. Batches saved what their tokens cost less at the
    batch price that the price list had at their time; where it names none, nothing is claimed. The
    last one is by today's prices: what tokens in providers' caches cost less than other input,
    after what writing them there cost more. Reads the calls; raises Unanswerable for too long.
    """
    if until - since > dt.timedelta(days=MAX_DAYS_OF_CALLS):
        raise Unanswerable(
            gettext("Savings are read from the calls: ask for {max_days_of_calls} days.").format(
                max_days_of_calls=MAX_DAYS_OF_CALLS
            )
        )
    there = zone or time_zones.default()
    bounds = whole_periods(since, until, Grain.DAY, there)
    with connection.cursor() as cursor:
        cursor.execute(FROM_CACHE, bounds)
        hits, unknown_hits, saved = cursor.fetchone()
    return [
        Saving("response_cache", hits, unknown_hits, saved),
        _by_batches(*bounds),
        _by_prompt_caches(since, until, there),
        *(each for source in _sources for each in source(*bounds)),
    ]


def _by_batches(since: dt.datetime, until: dt.datetime) -> Saving:
    """By the prices of their time: listed for other calls, less listed for batches."""
    models = snapshot.current().models
    steps = {
        each.above_prompt_tokens + 1  # dearer from there on
        for facts in models.values()
        for price in facts.prices
        for each in price.variants
        if each.above_prompt_tokens
    }
    number = unpriced = 0
    saved: Decimal | None = None
    with connection.cursor() as cursor:
        cursor.execute(IN_BATCHES, [since, until, sorted(steps)])
        rows = cursor.fetchall()
    for provider, model, moment, calls, *tokens in rows:
        number += calls
        read, cached, written, answer, thought = tokens
        usage = Usage(read - cached - written, cached, written, answer - thought, thought)
        facts = models.get((provider, model))
        less = _less_in_batches(usage, facts, moment, calls) if facts else None
        if less is None:
            unpriced += calls
        else:
            saved = (saved or Decimal(0)) + less
    return Saving("provider_batches", number, unpriced, saved)


def _less_in_batches(
    usage: Usage, facts: ModelFacts, moment: dt.datetime, calls: int
) -> Decimal | None:
    """What these tokens cost less in a batch, None where the list has no price for either."""
    price = prices.price_at(facts.prices, moment)
    if price is None or prices.BATCH not in price.tiers:
        return None
    live, batched = (
        prices.cost_of_calls(usage, price, calls=calls, service_tier=tier, moment=moment)
        for tier in ("", prices.BATCH)
    )
    return None if live is None or batched is None else live - batched


def _by_prompt_caches(since: dt.datetime, until: dt.datetime, zone: ZoneInfo) -> Saving:
    """By model, at the price of now."""
    now = dt.datetime.now(dt.UTC)
    models = snapshot.current().models
    tokens = unpriced = 0
    saved: Decimal | None = None
    question = MetricsQuestion(since=since, until=until, by=("provider", "model"), zone=zone)
    for row in ask(question):
        read, written = row.figures.tokens_cached_input, row.figures.tokens_cache_write
        if not read + written:
            continue
        tokens += read
        facts = models.get((str(row.keys[0]), str(row.keys[1])))
        price = prices.price_at(facts.prices, now) if facts else None
        calls = row.figures.calls
        plain = prices.cost_of_calls(Usage(input=read + written), price, calls=calls)
        cached = prices.cost_of_calls(
            Usage(cached_input=read, cache_write=written), price, calls=calls
        )
        if plain is None or cached is None:
            unpriced += read
        else:
            saved = (saved or Decimal(0)) + plain - cached
    return Saving("prompt_cache", tokens, unpriced, saved)
