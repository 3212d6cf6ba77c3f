"""Costs of past calls by today's list of prices, each by the price in force at its moment.

What a provider reported is never touched, nor what was estimated, nor an attempt without usage.
Budgets that counted the calls move by the same difference.
"""

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from itertools import groupby, islice
from typing import Any

import orjson
from django.db import connection
from msgspec import Struct, convert, field

from llmconfig import provider_types
from llmconfig.client.traffic.budget_corrections import Counted, Line, Moved, move
from llmconfig.client.traffic.budget_scopes import BudgetLabels
from llmconfig.client.types import ANSWERED, ESTIMATED, PRICED, REPORTED, Usage
from llmconfig.configuration import prices, revisions, snapshot
from llmconfig.configuration.pricing import PriceOf
from llmconfig.configuration.snapshot import Snapshot
from metrics.models import GenerationMetric

TOGETHER = 2000  # calls in one UPDATE
UPDATE = """
UPDATE llm_generation_metrics AS m
SET original_cost_usd =
        CASE WHEN m.repriced_at IS NULL THEN m.cost_usd ELSE m.original_cost_usd END,
    cost_usd = new.cost, attempts = new.attempts, repriced_at = now()
FROM unnest(%s::uuid[], %s::timestamptz[], %s::numeric[], %s::jsonb[])
    AS new (id, created_at, cost, attempts)
WHERE m.id = new.id AND m.created_at = new.created_at
"""
FIELDS = (
    "created_at", "provider", "model_used", "cost_usd", "attempts", "method_name",
    "organization_id", "session_id", "account",
)  # fmt: skip
NOTHING = Decimal(0)


class Correction(Struct, frozen=True):
    """One call whose cost is another now; None is unknown. `moves` are its budgets' differences."""

    id: Any
    created_at: dt.datetime
    provider: str
    model: str
    before: Decimal | None
    after: Decimal | None
    attempts: list[dict[str, Any]]
    moves: tuple[tuple[Line, Decimal], ...]


class Corrected(Struct, frozen=True):
    """What became of one model's calls. Sums are of the priced ones, in US dollars."""

    provider: str
    model: str
    calls: int = 0
    before: Decimal = NOTHING
    after: Decimal = NOTHING
    unpriced_before: int = 0
    unpriced_after: int = 0


class Repriced(Struct):
    """What a correction came to: by model, and by budget and period."""

    models: list[Corrected] = field(default_factory=list)
    budgets: list[Moved] = field(default_factory=list)


def reprice(
    *,
    since: dt.datetime,
    until: dt.datetime,
    dry_run: bool,
    unpriced_of: tuple[str, str] | None = None,
) -> Repriced:
    """Correct the calls of this time and say what changed; with `dry_run` only say.

    With `unpriced_of`, a provider and a model, only calls that it answered and that have no cost.
    Safe to repeat: calls that are right already aren't touched. Calls and budgets are corrected in
    the same transactions, which the history keeps.
    """
    models: dict[tuple[str, str], Corrected] = {}
    lines: dict[Line, Decimal] = {}
    budgets: dict[tuple[str, dt.date], Moved] = {}
    corrections = _corrections(since, until, unpriced_of)
    while chunk := list(islice(corrections, TOGETHER)):
        for correction in chunk:
            for line, amount in correction.moves:
                lines[line] = lines.get(line, NOTHING) + amount
        for key, group in groupby(sorted(chunk, key=_answered_by), key=_answered_by):
            models[key] = _added(models.get(key) or Corrected(*key), list(group))
        if not dry_run:
            for moved in _store(chunk, lines):
                first = budgets.get((moved.budget, moved.period_start), moved)
                budgets[moved.budget, moved.period_start] = Moved(
                    moved.budget, moved.period_start, first.before, moved.after
                )
            lines.clear()
    told = move(lines, dry_run=True) if dry_run else budgets.values()
    return Repriced(
        sorted(models.values(), key=lambda each: (each.provider, each.model)),
        sorted(told, key=lambda each: (each.budget, each.period_start)),
    )


def _corrections(
    since: dt.datetime, until: dt.datetime, unpriced_of: tuple[str, str] | None
) -> Iterator[Correction]:
    state = snapshot.current()
    counted = Counted(state)
    calls = (
        GenerationMetric.objects.filter(created_at__gte=since, created_at__lt=until)
        .order_by()
        .only(*FIELDS)
    )
    if unpriced_of is not None:
        provider, model = unpriced_of
        calls = calls.filter(cost_usd=None, provider=provider, model_used=model)
    for call in calls.iterator(chunk_size=TOGETHER):
        attempts, moves = _attempts(state, counted, call)
        if not attempts:
            continue
        after = _total(attempts)
        if after != call.cost_usd or moves:
            yield Correction(
                id=call.pk,
                created_at=call.created_at,
                provider=call.provider,
                model=call.model_used,
                before=call.cost_usd,
                after=after,
                attempts=attempts,
                moves=tuple(moves),
            )


def _attempts(
    state: Snapshot, counted: Counted, call: GenerationMetric
) -> tuple[list[dict[str, Any]], list[tuple[Line, Decimal]]]:
    """The attempts with their costs by the list, and by how much budgets move; none to correct."""
    attempts: list[dict[str, Any]] = []
    moves: list[tuple[Line, Decimal]] = []
    listed = False
    for attempt in call.attempts:
        cost = _cost(state, attempt, call.created_at)
        if cost is None:
            attempts.append(attempt)
            continue
        listed = True
        recorded = _recorded(attempt)
        if cost != recorded:
            caller = BudgetLabels(
                provider=attempt["provider"],
                node=call.method_name,
                organization=str(call.organization_id or ""),
                batch=str(call.session_id or ""),
                account=call.account,
            )
            difference = cost - (recorded or NOTHING)
            moves += [(line, difference) for line in counted.lines(caller, call.created_at)]
        attempts.append({**attempt, "cost_usd": f"{cost:f}", "cost_source": PRICED})
    return (attempts if listed else []), moves


def _cost(state: Snapshot, attempt: Mapping[str, Any], moment: dt.datetime) -> Decimal | None:
    """By the price of that moment; None for what the list doesn't decide."""
    source = attempt.get("cost_source") or ""
    usage = usage_of(attempt.get("usage"))
    if not attempt.get("paid") or usage is None or source in {REPORTED, ESTIMATED}:
        return None
    provider = state.providers.get(attempt["provider"])
    if not source and provider is not None and _reports(provider.provider_type):
        return None
    facts = state.models.get((attempt["provider"], attempt["model"]))
    return prices.cost(
        usage,
        prices.price_at(facts.prices, moment) if facts else None,
        service_tier=prices.BATCH
        if attempt.get("batch_price")
        else attempt.get("service_tier", ""),
        moment=moment,
        price_of=_price_of(state, attempt["provider"], moment),
    )


def _price_of(state: Snapshot, provider: str, moment: dt.datetime) -> PriceOf:
    """The prices of a provider's models at that moment."""

    def price_of(model: str) -> prices.PriceFacts | None:
        facts = state.models.get((provider, model))
        return prices.price_at(facts.prices, moment) if facts else None

    return price_of


def _reports(provider_type: str) -> bool:
    """Whether a provider's replies tell what they cost: then a cost without a source is theirs."""
    return provider_types.get(provider_type).price_list == "openrouter"


def usage_of(stored: object) -> Usage | None:
    """The usage in an attempt's JSON; None if there is none, or nothing was counted."""
    if not isinstance(stored, Mapping):
        return None
    usage = convert(stored, Usage)
    return usage if usage != Usage() else None


def _recorded(attempt: Mapping[str, Any]) -> Decimal | None:
    recorded = attempt.get("cost_usd")
    return None if recorded is None else Decimal(recorded)


def _total(attempts: Sequence[Mapping[str, Any]]) -> Decimal | None:
    """What the call cost; unknown if any part of it is."""
    total = NOTHING
    for attempt in attempts:
        billed = attempt.get("paid") or attempt.get("outcome") in ANSWERED
        if billed or attempt.get("cost_source") == ESTIMATED:
            cost = _recorded(attempt)
            if cost is None:
                return None
            total += cost
    return total


def _store(chunk: Sequence[Correction], lines: Mapping[Line, Decimal]) -> list[Moved]:
    """Write corrected calls and move the budgets, in one transaction and revision."""
    message = f"Corrected the costs of {len(chunk)} calls by the prices as listed."
    with revisions.change(source="shell", message=message), connection.cursor() as cursor:
        cursor.execute(
            UPDATE,
            [
                [each.id for each in chunk],
                [each.created_at for each in chunk],
                [each.after for each in chunk],
                [orjson.dumps(each.attempts).decode() for each in chunk],
            ],
        )
        return move(lines, dry_run=False)


def _answered_by(correction: Correction) -> tuple[str, str]:
    return correction.provider, correction.model


def _added(old: Corrected, group: Sequence[Correction]) -> Corrected:
    return Corrected(
        provider=old.provider,
        model=old.model,
        calls=old.calls + len(group),
        before=old.before + sum((each.before or NOTHING for each in group), NOTHING),
        after=old.after + sum((each.after or NOTHING for each in group), NOTHING),
        unpriced_before=old.unpriced_before + sum(each.before is None for each in group),
        unpriced_after=old.unpriced_after + sum(each.after is None for each in group),
    )
