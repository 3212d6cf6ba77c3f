"""What is left of each budget, and until when it lasts if money goes on being spent as so far."""

import datetime as dt
from decimal import Decimal
from typing import Any

from django.db.models import OuterRef, Subquery
from django.utils import timezone
from msgspec import Struct

from llmconfig.client.traffic.budget_ledger import running_now
from llmconfig.configuration import time_zones
from llmconfig.models import Budget, BudgetPeriod, BudgetSpending
from llmconfig.runtime.records import replace

# What was spent in less than this of a period says nothing about the rest of it.
MIN_SPENDING_SEEN = {
    BudgetPeriod.DAY: dt.timedelta(hours=1),
    BudgetPeriod.MONTH: dt.timedelta(days=1),
    BudgetPeriod.TOTAL: dt.timedelta(days=1),
}
FURTHEST = dt.timedelta(days=366)


class Outlook(Struct, frozen=True):
    """US dollars of the period that runs now, against the hard limit or, without one, the soft.

    `runs_out_at` is None when nothing is left, when the money lasts until `renews_at` (or a year,
    for a budget that never starts anew), and while it is too early to say, which `early` tells.
    """

    spent_usd: Decimal
    limit_usd: Decimal
    left_usd: Decimal
    renews_at: dt.datetime | None
    runs_out_at: dt.datetime | None = None
    early: bool = False
    unpriced_calls: int = 0  # of the period, in no sum: nobody knows their price

    @property
    def share(self) -> float:
        """What is spent of the limit, of 100 at most."""
        if not self.limit_usd:
            return 100.0
        return min(float(100 * self.spent_usd / self.limit_usd), 100.0)


def with_spending(budgets: Any) -> Any:
    """The budgets with what the period that runs now has cost, as `spent_now`, and by how many
    calls nobody knows how much, as `unpriced_now`."""
    running = BudgetSpending.objects.filter(running_now(), budget=OuterRef("pk"))
    return budgets.annotate(
        spent_now=Subquery(running.values("spent_usd")),
        unpriced_now=Subquery(running.values("unpriced_calls")),
    )


def outlook(budget: Budget, *, now: dt.datetime | None = None) -> Outlook:
    """Of a budget that `with_spending` gave; one without it has spent nothing."""
    moment = (now or timezone.now()).astimezone(dt.UTC)
    spent = Decimal(getattr(budget, "spent_now", None) or 0)
    limit = budget.soft_limit_usd if budget.hard_limit_usd is None else budget.hard_limit_usd
    limit = limit or Decimal(0)
    began, renews = _period(budget, moment)
    unpriced = getattr(budget, "unpriced_now", None) or 0
    left = max(limit - spent, Decimal(0))
    found = Outlook(spent, limit, left, renews, unpriced_calls=unpriced)
    seen = moment - began
    if not found.left_usd or not spent:
        return found
    if seen < MIN_SPENDING_SEEN[BudgetPeriod(budget.period)]:
        return replace(found, early=True)
    lasts = float(found.left_usd / spent) * seen.total_seconds()
    until = (renews or moment + FURTHEST) - moment
    if lasts >= until.total_seconds():
        return found
    ends = moment + dt.timedelta(seconds=lasts)
    return replace(found, runs_out_at=ends)


def _period(budget: Budget, now: dt.datetime) -> tuple[dt.datetime, dt.datetime | None]:
    """When what is counted began, no earlier than the budget was made, and when it starts anew."""
    zone = time_zones.default()
    midnight = time_zones.midnight(now.astimezone(zone).date(), zone)
    if budget.period == BudgetPeriod.TOTAL:
        return budget.created_at, None
    if budget.period == BudgetPeriod.DAY:
        return max(midnight, budget.created_at), midnight + dt.timedelta(days=1)
    first = midnight.replace(day=1)
    next_month = (first + dt.timedelta(days=32)).replace(day=1)
    return max(first, budget.created_at), next_month
