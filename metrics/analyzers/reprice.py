"""Costs of past calls by today's list of prices, each by the price in force at its moment."""

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import groupby, islice
from typing import Any

from django.db import connection

from llmconfig.client.types import Usage
from llmconfig.configuration import prices, snapshot
from llmconfig.configuration.snapshot import Snapshot
from metrics.models import GenerationMetric

TOGETHER = 2000  # calls in one UPDATE
UPDATE = """
UPDATE llm_generation_metrics AS m
SET original_cost_usd =
        CASE WHEN m.repriced_at IS NULL THEN m.cost_usd ELSE m.original_cost_usd END,
    cost_usd = new.cost, repriced_at = now()
FROM unnest(%s::uuid[], %s::timestamptz[], %s::numeric[]) AS new (id, created_at, cost)
WHERE m.id = new.id AND m.created_at = new.created_at
"""


@dataclass(frozen=True, slots=True)
class Correction:
    """One call whose cost is another now; None is unknown."""

    id: Any
    created_at: dt.datetime
    provider: str
    model: str
    before: Decimal | None
    after: Decimal | None


@dataclass(frozen=True, slots=True)
class Corrected:
    """What became of one model's calls. Sums are of the priced ones, in US dollars."""

    provider: str
    model: str
    calls: int
    before: Decimal
    after: Decimal


def reprice(*, since: dt.datetime, until: dt.datetime, dry_run: bool) -> list[Corrected]:
    """Correct the calls of this time and say what changed; with `dry_run` only say.

    Safe to repeat: calls that are right already aren't touched.
    """
    found: dict[tuple[str, str], Corrected] = {}
    corrections = _corrections(since, until)
    while chunk := list(islice(corrections, TOGETHER)):
        if not dry_run:
            _store(chunk)
        for key, group in groupby(sorted(chunk, key=_answered_by), key=_answered_by):
            found[key] = _added(found.get(key), key, list(group))
    return sorted(found.values(), key=lambda each: (each.provider, each.model))


def _corrections(since: dt.datetime, until: dt.datetime) -> Iterator[Correction]:
    state = snapshot.current()
    calls = (
        GenerationMetric.objects.filter(created_at__gte=since, created_at__lt=until)
        .order_by()
        .only("created_at", "provider", "model_used", "cost_usd", "attempts")
    )
    for call in calls.iterator(chunk_size=TOGETHER):
        paid = [attempt for attempt in call.attempts if attempt.get("paid")]
        if not paid:
            continue
        costs = [_cost(state, attempt, call.created_at) for attempt in paid]
        known = [cost for cost in costs if cost is not None]
        after = sum(known, Decimal(0)) if len(known) == len(costs) else None
        if after != call.cost_usd:
            yield Correction(
                call.pk, call.created_at, call.provider, call.model_used, call.cost_usd, after
            )


def _cost(state: Snapshot, attempt: Mapping[str, Any], moment: dt.datetime) -> Decimal | None:
    """By the price of that moment; as it was recorded where there is none."""
    facts = state.models.get((attempt["provider"], attempt["model"]))
    cost = prices.cost(
        Usage(**attempt["usage"]), prices.price_at(facts.prices, moment) if facts else None
    )
    if cost is not None:
        return prices.at_batch_price(cost) if attempt.get("batch_price") else cost
    recorded = attempt.get("cost_usd")
    return None if recorded is None else Decimal(recorded)


def _store(chunk: Sequence[Correction]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            UPDATE,
            [
                [each.id for each in chunk],
                [each.created_at for each in chunk],
                [each.after for each in chunk],
            ],
        )


def _answered_by(correction: Correction) -> tuple[str, str]:
    return correction.provider, correction.model


def _added(sums: Corrected | None, key: tuple[str, str], group: Sequence[Correction]) -> Corrected:
    old = sums or Corrected(*key, 0, Decimal(0), Decimal(0))
    return Corrected(
        *key,
        old.calls + len(group),
        old.before + sum((each.before or Decimal(0) for each in group), Decimal(0)),
        old.after + sum((each.after or Decimal(0) for each in group), Decimal(0)),
    )
