"""The requests of one call in words: what came of each, and why the call moved on."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from llmconfig.admin.kit.presentation import milliseconds
from llmconfig.client.types import ESTIMATED, REPORTED, UNKNOWN
from llmconfig.configuration.known_costs import money

MEANINGS = {
    "ok": "",
    "cached": "an earlier answer to the same request",
    "cooling": "left alone for a while after failures",
    "limited": "its limits would have held the call up",
    "limits_unknown": "its limits can't be kept without Redis",
    "budget_exceeded": "a budget's hard limit would be passed",
    "budget_soft": "a budget's soft limit is reached",
    "deadline": "the call's time was over",
    "cancelled": "the caller left",
    "timeout": "no whole reply in time",
    "connection": "no connection",
    "bad_reply": "the reply made no sense",
    "invalid_answer": "the answer does not fit the schema",
    "quota_exhausted": "the account's quota is exhausted",
    "egress_refused": "requests may not go to this address",
    "http_400": "the request was refused",
    "http_401": "the key was refused",
    "http_403": "the key may not do this",
    "http_404": "no such model or address there",
    "http_429": "too many requests",
    "http_500": "an error at the provider",
    "http_502": "an error at the provider",
    "http_503": "the provider is overloaded",
    "http_529": "the provider is overloaded",
}
ANSWERED = frozenset({"ok", "cached"})
MOVES = {
    "retry": "asked again",
    "adjust": "asked again without what it refused",
    "repair": "sent back once with the complaint",
    "fallback": "went on to the next target",
    "degrade": "went on to the cheaper model",
}


@dataclass(frozen=True, slots=True)
class AttemptLine:
    """One request to a provider, as a line of a table."""

    asked: str
    outcome: str
    good: bool
    meaning: str
    then: str
    took: str
    tokens: str
    cost: str
    detail: str


def attempt_lines(attempts: object) -> list[AttemptLine]:
    """From the stored JSON or its like; what raw SQL may have put there instead is left out."""
    if not isinstance(attempts, list | tuple):
        return []
    return [_line(each) for each in attempts if isinstance(each, Mapping)]


def _line(attempt: Mapping[str, Any]) -> AttemptLine:
    outcome, moved_on = str(attempt.get("outcome", "")), str(attempt.get("moved_on") or "")
    good = outcome in ANSWERED
    ended = "answered" if good else "ended the call"
    return AttemptLine(
        asked=f"{attempt.get('provider', '')}/{attempt.get('model', '')}",
        outcome=outcome,
        good=good,
        meaning=MEANINGS.get(outcome, ""),
        then=MOVES.get(moved_on, moved_on) or ended,
        took=milliseconds(_number(attempt.get("latency_ms"))),
        tokens=_tokens(attempt.get("usage")),
        cost=_cost(attempt),
        detail=str(attempt.get("detail") or ""),
    )


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) else 0.0


def _tokens(usage: object) -> str:
    if not isinstance(usage, Mapping):
        return ""
    sent = _sum(usage, ("input", "cached_input", "cache_write"))
    made = _sum(usage, ("output", "reasoning"))
    return f"{sent:,.0f} → {made:,.0f}" if sent or made else ""


def _sum(usage: Mapping[str, Any], names: Iterable[str]) -> float:
    return sum(_number(usage.get(name)) for name in names)


def _cost(attempt: Mapping[str, Any]) -> str:
    """What it cost and where that comes from; what is unknown is said so."""
    source = str(attempt.get("cost_source") or "")
    estimated = _amount(attempt.get("estimated_usd"))
    if source == ESTIMATED and estimated is not None:
        return f"about {money(estimated)}, estimated"
    if not attempt.get("paid"):
        return "unknown" if source == UNKNOWN else ""
    told = money(_amount(attempt.get("cost_usd")))
    return f"{told}, reported" if source == REPORTED else told


def _amount(value: object) -> Decimal | None:
    try:
        return None if value is None else Decimal(str(value))
    except InvalidOperation:
        return None
