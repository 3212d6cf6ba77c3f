"""What there is to tell of budgets, of what ends soon, and of months that calls are recorded in."""

import datetime as dt
from collections.abc import Iterable

from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from llmconfig.client.traffic.budget_ledger import period_start
from llmconfig.client.traffic.budget_outlook import outlook, with_spending
from llmconfig.configuration import retirement
from llmconfig.configuration.known_costs import money
from llmconfig.models import Budget, GatewayKey
from metrics import partitions
from metrics.alerts import cost_spike, provider_health
from metrics.alerts.events import AlertEvent, EventKind

THRESHOLDS = (100, 80, 50)  # percent of a budget's limit
KEY_NOTICE = dt.timedelta(days=14)


def budgets() -> Iterable[AlertEvent]:
    """Enabled budgets by the highest threshold that they have passed in the period that runs."""
    for budget in with_spending(Budget.objects.filter(is_enabled=True)):
        seen = outlook(budget)
        passed = next((each for each in THRESHOLDS if seen.spent_usd and seen.share >= each), None)
        if passed is None:
            continue
        limit = "hard limit" if budget.hard_limit_usd is not None else "soft limit"
        yield AlertEvent(
            subject=budget.name,
            level=f"{passed} %",
            occurrence=f"{period_start(budget.period)} {seen.limit_usd.normalize():f}",
            title=f"Budget {budget.name}: {passed} % is spent",
            text=f"The budget {budget.name} has spent {money(seen.spent_usd)} of its {limit} of"
            f" {money(seen.limit_usd)} ({budget.get_period_display().lower()}).",
        )


def expiring_keys() -> Iterable[AlertEvent]:
    """Enabled keys of `/v1` that expire within 14 days, or have within one."""
    now = timezone.now()
    soon = GatewayKey.objects.filter(
        is_enabled=True, expires_at__gt=now - dt.timedelta(days=1), expires_at__lte=now + KEY_NOTICE
    )
    for key in soon:
        over = key.expires_at is not None and key.expires_at <= now
        verb = "has expired" if over else "expires"
        yield AlertEvent(
            subject=key.name,
            level="expired" if over else "expiring",
            occurrence=str(key.expires_at),
            title=f"API key {key.name} {verb} {_day(key.expires_at)}",
            text=f"The API key {key.name} {verb} on {_day(key.expires_at)}. Calls with it are"
            " refused from then on: make another in time, or move the date.",
        )


def retiring_models() -> Iterable[AlertEvent]:
    """Active models that their provider retires within 90 days, or has retired."""
    for model in retirement.retiring_models().filter(provider__is_enabled=True):
        name = f"{model.provider.name}/{model.model_id}"
        words = retirement.describe(model.retires_at)
        yield AlertEvent(
            subject=name,
            level="retired" if words.startswith("was") else "retiring",
            occurrence=str(model.retires_at),
            title=f"{name} {words}",
            text=f"The model {name} {words}: choose another for what uses it.",
        )


def missing_partitions() -> Iterable[AlertEvent]:
    """Tables of calls that have fewer months ahead than they should."""
    for alarm in partitions.alarms():
        table, _, words = alarm.partition(":")
        yield AlertEvent(
            subject=table,
            occurrence=f"{partitions.utc_now():%Y-%m-%d}",
            title=f"{table} is running out of months",
            text=f"{table}:{words}",
        )


def _day(moment: dt.datetime | None) -> str:
    return "" if moment is None else f"{moment.astimezone(dt.UTC):%-d %B %Y, %H:%M UTC}"


KINDS = (
    EventKind("provider_outage", _("A provider fails, or answers again"), provider_health.current),
    EventKind("budget", _("A budget is spent to 50, 80 or 100 %"), budgets),
    EventKind("cost_spike", _("A day costs three times the usual"), cost_spike.current),
    EventKind("key_expiring", _("An API key expires within 14 days"), expiring_keys),
    EventKind("model_retiring", _("A model is retired within 90 days"), retiring_models),
    EventKind("partitions", _("The tables of calls run out of months"), missing_partitions),
)
