"""What wasn't paid: answers from the cache, providers' batches, and providers' own caches."""

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal

from django.db import connection

from llmconfig.client.types import Usage
from llmconfig.configuration import prices, snapshot
from metrics.errors import Unanswerable
from metrics.queries import MAX_DAYS_OF_CALLS, Grain, MetricsQuestion, ask, whole_periods

# The calls tell what batches were: the rollups don't.
SAVED = """
SELECT count(*) FILTER (WHERE cache_hit), count(*) FILTER (WHERE cache_hit AND saved_usd IS NULL),
    sum(saved_usd) FILTER (WHERE cache_hit), count(*) FILTER (WHERE batched),
    count(*) FILTER (WHERE batched AND cost_usd IS NULL), sum(cost_usd) FILTER (WHERE batched)
FROM (
    SELECT cache_hit, saved_usd, cost_usd, attempts @> '[{"batch_price": true}]' AS batched
    FROM llm_generation_metrics WHERE created_at >= %s AND created_at < %s
) AS calls
"""
# A batch asks for BATCH_SHARE of the price, so this many times what was paid was saved.
SAVED_PER_PAID = (1 - prices.BATCH_SHARE) / prices.BATCH_SHARE


@dataclass(frozen=True, slots=True)
class Saving:
    """One way of not paying. `number` counts calls, or tokens for `prompt_cache`.

    `unpriced` of them have no known price and are not in `saved_usd`, which is None when none has.
    """

    way: str
    number: int
    unpriced: int
    saved_usd: Decimal | None


def savings(*, since: dt.datetime, until: dt.datetime) -> list[Saving]:
    """By `response_cache`, `provider_batches` and `prompt_cache`, of calls of whole UTC days.

    The last one is by today's prices: what tokens in providers' caches cost less than other input,
    after what writing them there cost more. Reads the calls; raises Unanswerable for too long.
    """
    if until - since > dt.timedelta(days=MAX_DAYS_OF_CALLS):
        raise Unanswerable(f"Savings are read from the calls: ask for {MAX_DAYS_OF_CALLS} days.")
    with connection.cursor() as cursor:
        cursor.execute(SAVED, whole_periods(since, until, Grain.DAY))
        hits, unknown_hits, saved, batched, unpriced, paid = cursor.fetchone()
    return [
        Saving("response_cache", hits, unknown_hits, saved),
        Saving("provider_batches", batched, unpriced, paid and paid * SAVED_PER_PAID),
        _by_prompt_caches(since, until),
    ]


def _by_prompt_caches(since: dt.datetime, until: dt.datetime) -> Saving:
    """By model, at the price of now."""
    now = dt.datetime.now(dt.UTC)
    models = snapshot.current().models
    tokens = unpriced = 0
    saved: Decimal | None = None
    for row in ask(MetricsQuestion(since=since, until=until, by=("provider", "model"))):
        read, written = row.figures.tokens_cached_input, row.figures.tokens_cache_write
        if not read + written:
            continue
        tokens += read
        facts = models.get((str(row.keys[0]), str(row.keys[1])))
        price = prices.price_at(facts.prices, now) if facts else None
        plain = prices.cost(Usage(input=read + written), price)
        cached = prices.cost(Usage(cached_input=read, cache_write=written), price)
        if plain is None or cached is None:
            unpriced += read
        else:
            saved = (saved or Decimal(0)) + plain - cached
    return Saving("prompt_cache", tokens, unpriced, saved)
