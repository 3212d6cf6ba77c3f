"""The dashboard's cards about calls: sums of the last seven days, never the calls themselves."""

import datetime as dt
from dataclasses import dataclass, field
from decimal import Decimal

from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone

from llmconfig.admin.charts import Bar, bar_chart
from llmconfig.admin.dashboard import Widget, register_widget
from llmconfig.admin.presentation import count, money
from metrics.figures import Question, ask

DAYS = 7
PERMISSION = "metrics.view_generationmetric"


@dataclass(slots=True)
class Day:
    """One day's sums. `cost` covers the priced calls only."""

    calls: int = 0
    cost: Decimal = Decimal(0)
    unpriced: int = 0
    failed: int = 0
    errors: dict[str, int] = field(default_factory=dict)


def last_days() -> dict[dt.date, Day]:
    """The last seven days in UTC, today last; days without calls are there too."""
    today = timezone.now().astimezone(dt.UTC).date()
    days = {today - dt.timedelta(days=back): Day() for back in reversed(range(DAYS))}
    since = dt.datetime.combine(min(days), dt.time(), dt.UTC)
    question = Question(
        since=since, until=since + dt.timedelta(days=DAYS), by=["outcome"], each_period=True
    )
    for row in ask(question):
        if row.period is None:
            continue
        day = days[row.period.astimezone(dt.UTC).date()]
        day.calls += row.figures.calls
        day.cost += row.figures.cost_usd or Decimal(0)
        day.unpriced += row.figures.unpriced
        day.failed += row.figures.failed
        if row.keys[0]:
            day.errors[str(row.keys[0])] = row.figures.calls
    return days


def calls_widget(request: HttpRequest) -> Widget | None:
    """Calls and cost today and over the week, and what went wrong."""
    if not request.user.has_perm(PERMISSION):
        return None
    days = last_days()
    week, today = list(days.values()), list(days.values())[-1]
    errors: dict[str, int] = {}
    for day in week:
        for code, number in day.errors.items():
            errors[code] = errors.get(code, 0) + number
    calls = sum(day.calls for day in week)
    # Cents suffice beside a day of a dollar or more.
    cents = max(day.cost for day in week) >= 1
    costs = [
        Bar(f"{day:%a %-d}", float(sums.cost), f"${sums.cost:.2f}" if cents else money(sums.cost))
        for day, sums in days.items()
    ]
    numbers = [Bar(f"{day:%a %-d}", sums.calls, count(sums.calls)) for day, sums in days.items()]
    return Widget(
        "nodewise/widgets/calls.html",
        {
            "calls": calls,
            "figures": (
                ("calls today", count(today.calls)),
                ("spent today", money(today.cost)),
                ("calls in 7 days", count(calls)),
                ("spent in 7 days", money(sum((day.cost for day in week), Decimal(0)))),
                ("failed", count(sum(day.failed for day in week))),
            ),
            "unpriced": sum(day.unpriced for day in week),
            "cost_chart": bar_chart("Cost by day, in US dollars", costs),
            "calls_chart": bar_chart("Calls by day", numbers),
            "errors": sorted(errors.items(), key=lambda pair: -pair[1])[:5],
            "list_url": reverse("admin:metrics_generationmetric_changelist"),
        },
        width=12,
    )


register_widget(calls_widget, rank=20)
