"""Whether calls cost much more than usual: the last 24 hours beside the days before them."""

import datetime as dt
from collections.abc import Iterable
from decimal import Decimal

from django.utils import timezone

from llmconfig.configuration.known_costs import money
from metrics.alerts.events import AlertEvent
from metrics.queries import ask
from metrics.questions import Grain, MetricsQuestion, start_of

USUAL_DAYS = 7
MIN_DAYS = 3  # with known costs; before that nothing is usual yet
TIMES = 3  # of what a day usually costs
MIN_USD = Decimal(1)  # beyond the usual: less is no news


def current() -> Iterable[AlertEvent]:
    """The last 24 hours' spending if it is a spike; once a day."""
    until = start_of(timezone.now(), Grain.HOUR) + dt.timedelta(hours=1)
    spent = _spent(until - dt.timedelta(days=1), until)
    before = [
        _spent(until - dt.timedelta(days=back + 1), until - dt.timedelta(days=back))
        for back in range(1, USUAL_DAYS + 1)
    ]
    known = [each for each in before if each]
    if len(known) < MIN_DAYS:
        return
    usual = sum(known, Decimal(0)) / len(known)
    if spent < TIMES * usual or spent - usual < MIN_USD:
        return
    yield AlertEvent(
        subject="everything",
        level=f"{TIMES} times",
        occurrence=f"{timezone.now():%Y-%m-%d}",
        title=f"Spending is {spent / usual:.1f} times the usual",
        text=f"The last 24 hours cost {money(spent)}; a day of the week before cost"
        f" {money(usual)} on average, as far as prices are known. Metrics → Spending says on what.",
    )


def _spent(since: dt.datetime, until: dt.datetime) -> Decimal:
    """What the priced calls of a time cost, from the sums by hour."""
    rows = ask(MetricsQuestion(since=since, until=until, grain=Grain.HOUR))
    return sum((row.figures.cost_usd or Decimal(0) for row in rows), Decimal(0))
