"""The requests of one call in words: what came of each, and why the call moved on."""

from collections.abc import Iterable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from msgspec import Struct

from llmconfig.client.types import ESTIMATED, REPORTED, UNKNOWN
from llmconfig.configuration.known_costs import money
from llmconfig.configuration.numbers import count, milliseconds

MEANINGS = {
    "ok": "",
    "cached": _("answered from the cache"),
    "cooling": _("cooling down after failures"),
    "limited": _("its rate limits would have delayed the call"),
    "limits_unknown": _("its rate limits can't be kept without Redis"),
    "budget_exceeded": _("a budget's hard limit would be exceeded"),
    "budget_soft": _("a budget's soft limit is reached"),
    "deadline": _("the call ran out of time"),
    "cancelled": _("the caller disconnected"),
    "timeout": _("no complete reply in time"),
    "connection": _("could not connect"),
    "bad_reply": _("the reply could not be read"),
    "invalid_answer": _("the answer doesn't match the schema"),
    "quota_exhausted": _("the account's quota is exhausted"),
    "egress_refused": _("requests to this address are not allowed"),
    "http_400": _("the request was refused"),
    "http_401": _("the key was refused"),
    "http_403": _("the key may not do this"),
    "http_404": _("no such model or address at the provider"),
    "http_429": _("too many requests"),
    "http_500": _("an error at the provider"),
    "http_502": _("an error at the provider"),
    "http_503": _("the provider is overloaded"),
    "http_529": _("the provider is overloaded"),
}
ANSWERED = frozenset({"ok", "cached"})
MOVES = {
    "retry": _("retried"),
    "adjust": _("retried without what it refused"),
    "repair": _("sent back once with the error"),
    "fallback": _("moved on to the next model"),
    "degrade": _("moved on to the cheaper model"),
}


class AttemptLine(Struct, frozen=True):
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
    ended = gettext("answered") if good else gettext("call ended")
    return AttemptLine(
        asked=f"{attempt.get('provider', '')}/{attempt.get('model', '')}",
        outcome=outcome,
        good=good,
        meaning=str(MEANINGS.get(outcome, "")),
        then=str(MOVES.get(moved_on, moved_on) or ended),
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
    return f"{count(round(sent))} → {count(round(made))}" if sent or made else ""


def _sum(usage: Mapping[str, Any], names: Iterable[str]) -> float:
    return sum(_number(usage.get(name)) for name in names)


def _cost(attempt: Mapping[str, Any]) -> str:
    """What it cost and where that comes from; what is unknown is said so."""
    source = str(attempt.get("cost_source") or "")
    estimated = _amount(attempt.get("estimated_usd"))
    if source == ESTIMATED and estimated is not None:
        return gettext("about {cost}, estimated").format(cost=money(estimated))
    if not attempt.get("paid"):
        return gettext("unknown") if source == UNKNOWN else ""
    told = money(_amount(attempt.get("cost_usd")))
    return gettext("{cost}, reported").format(cost=told) if source == REPORTED else told


def _amount(value: object) -> Decimal | None:
    try:
        return None if value is None else Decimal(str(value))
    except InvalidOperation:
        return None
