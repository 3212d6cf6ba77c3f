"""What calls would have cost on another model, and what the month will cost, in US dollars."""

import datetime as dt
import math
from calendar import monthrange
from collections.abc import Sequence
from decimal import Decimal
from statistics import fmean, stdev
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import Count, Max, Min, Sum
from django.utils.translation import gettext
from msgspec import Struct

from llmconfig.client.types import Usage
from llmconfig.configuration import prices, snapshot, time_zones
from llmconfig.configuration.facts import ModelFacts
from llmconfig.models import ModelKind, ProviderModel
from metrics.errors import Unanswerable
from metrics.models import GenerationMetric
from metrics.queries import Figures, ask, total
from metrics.questions import Grain, MetricsQuestion, start_of

DAY = dt.timedelta(days=1)
PAST_DAYS = 28
MIN_DAYS = 3  # of their kind, before a spread is believed
Z_OF_80_PERCENT = 1.2816


class WhatIf(Struct, frozen=True):
    """The same tokens at another model's price of today.

    `cost_usd` is what the priced calls cost; the difference is None while some have no price.
    Another model cuts texts into other tokens and answers at another length, so this is a guide.
    """

    provider: str
    model: str
    calls: int
    unpriced: int
    unpriced_tokens: int
    cost_usd: Decimal | None
    would_cost_usd: Decimal

    @property
    def difference_usd(self) -> Decimal | None:
        """Above nought: the other model is dearer."""
        if self.unpriced or self.cost_usd is None:
            return None
        return self.would_cost_usd - self.cost_usd


class MonthForecast(Struct, frozen=True):
    """What this month will cost at its end: four times in five between `low` and `high`.

    The month is the zone's. `spent_usd` is of the priced calls, None if no call has a price.
    """

    spent_usd: Decimal | None
    expected_usd: Decimal
    low_usd: Decimal
    high_usd: Decimal
    days_seen: int
    unpriced: int  # calls of this month whose cost isn't in any figure
    unpriced_tokens: int
    time_zone: str


class _Days(Struct, frozen=True):
    """Past days of one kind: workdays or weekends."""

    mean: float
    spread: float
    number: int


def what_if(question: MetricsQuestion, *, provider: str, model: str) -> WhatIf:
    """What the calls of a question would have cost there; raises Unanswerable without a price."""
    facts = snapshot.current().models.get((provider, model))
    found = _elsewhere(total(question).figures, facts) if facts else None
    if found is None:
        raise Unanswerable(
            gettext("{provider}/{model} has no known price: enter one, or name another.").format(
                provider=provider, model=model
            )
        )
    return found


def what_if_anywhere(question: MetricsQuestion) -> list[WhatIf]:
    """The same for each chat model of the catalogue whose price is known, the cheapest first."""
    sums = total(question).figures
    models = [each for each in snapshot.current().models.values() if each.kind == ModelKind.CHAT]
    found = [each for facts in models if (each := _elsewhere(sums, facts))]
    return sorted(found, key=lambda each: (each.would_cost_usd, each.provider, each.model))


def _elsewhere(sums: Figures, facts: ModelFacts) -> WhatIf | None:
    """These tokens on that model; None while its price isn't known."""
    usage = Usage(
        input=sums.tokens_input - sums.tokens_cached_input - sums.tokens_cache_write,
        cached_input=sums.tokens_cached_input,
        cache_write=sums.tokens_cache_write,
        output=sums.tokens_output - sums.tokens_reasoning,
        reasoning=sums.tokens_reasoning,
    )
    price = prices.price_at(facts.prices, dt.datetime.now(dt.UTC))
    cost = prices.cost_of_calls(usage, price, calls=sums.calls - sums.cache_hits)
    if cost is None:
        return None
    return WhatIf(
        facts.provider, facts.model_id, sums.calls, sums.unpriced, sums.unpriced_tokens,
        sums.cost.usd, cost,
    )  # fmt: skip


class Unpriced(Struct, frozen=True):
    """A model's calls without a cost, and what they would have cost, US dollars.

    `priced_by` says by which price: `table` (the calls were before it), `suggestion` (nobody uses
    it yet), or blank where nobody knows one.
    """

    provider: str
    model: str
    calls: int
    tokens: int
    would_cost_usd: Decimal | None
    priced_by: str
    first_seen: dt.datetime
    last_seen: dt.datetime


def unpriced(*, since: dt.datetime, until: dt.datetime) -> list[Unpriced]:
    """The models whose calls of this time have no cost, those with most calls first."""
    rows = (
        GenerationMetric.objects.filter(cost_usd=None, created_at__gte=since, created_at__lt=until)
        .order_by()
        .values("provider", "model_used")
        .annotate(
            calls=Count("pk"),
            prompt=Sum("tokens_input"),
            cached=Sum("tokens_cached_input"),
            written=Sum("tokens_cache_write"),
            answer=Sum("tokens_output"),
            thought=Sum("tokens_reasoning"),
            first=Min("created_at"),
            last=Max("created_at"),
        )
    )
    found = [_unpriced({**row}) for row in rows]
    return sorted(found, key=lambda each: (-each.calls, each.provider, each.model))


def _unpriced(row: dict[str, Any]) -> Unpriced:
    usage = Usage(
        input=row["prompt"] - row["cached"] - row["written"],
        cached_input=row["cached"],
        cache_write=row["written"],
        output=row["answer"] - row["thought"],
        reasoning=row["thought"],
    )
    now, name = dt.datetime.now(dt.UTC), (row["provider"], row["model_used"])
    facts = snapshot.current().models.get(name)
    calls = row["calls"]
    price = prices.price_at(facts.prices, now) if facts else None
    cost = prices.cost_of_calls(usage, price, calls=calls)
    source = "table" if cost is not None else ""
    model = None
    if cost is None:
        model = (
            ProviderModel.objects.filter(provider__name=name[0], model_id=name[1])
            .select_related("provider")
            .first()
        )
    if model is not None:
        listed = prices.facts_of(prices.suggested_rows(model))
        cost = prices.cost_of_calls(usage, prices.price_at(listed, now), calls=calls)
        source = "suggestion" if cost is not None else ""
    tokens = usage.tokens_input + usage.tokens_output
    return Unpriced(
        *name, calls, tokens, cost if tokens else None, source, row["first"], row["last"]
    )


def forecast_month(
    *, now: dt.datetime | None = None, zone: ZoneInfo | None = None
) -> MonthForecast:
    """The month's cost by the last four weeks, workdays and weekends apart.

    Days and the month are of `zone`, by default the usual one. Days on which no call has a price
    are left out: they cost who knows what, not nothing. Raises Unanswerable until calls of at
    least three whole days have a price.
    """
    moment, there = now or dt.datetime.now(dt.UTC), zone or time_zones.default()
    today = start_of(moment, Grain.DAY, there)
    month = today.replace(day=1)
    past = _costs_by_day(today - PAST_DAYS * DAY, today, there)
    if len(past) < MIN_DAYS:
        raise Unanswerable(
            gettext(
                "A forecast needs {min_days} whole days since the first call with a price; "
                "there are {number}."
            ).format(min_days=MIN_DAYS, number=len(past))
        )
    so_far = total(MetricsQuestion(since=month, until=moment, zone=there)).figures
    spent = float(so_far.cost.usd or 0)
    length = monthrange(month.year, month.month)[1]
    left = {today: 1 - (moment - today) / DAY}
    left |= {today + ahead * DAY: 1.0 for ahead in range(1, length - today.day + 1)}
    rest, variance = _rest(past, left)
    reach = Z_OF_80_PERCENT * math.sqrt(variance)
    return MonthForecast(
        spent_usd=None if so_far.cost.usd is None else _money(spent),
        expected_usd=_money(spent + rest),
        low_usd=_money(spent + max(rest - reach, 0)),
        high_usd=_money(spent + rest + reach),
        days_seen=len(past),
        unpriced=so_far.unpriced,
        unpriced_tokens=so_far.unpriced_tokens,
        time_zone=there.key,
    )


def _costs_by_day(
    since: dt.datetime, until: dt.datetime, zone: ZoneInfo
) -> dict[dt.datetime, float]:
    """Each whole day's cost from the first day with one on, but for those of unpriced calls only.

    Quiet days cost nothing.
    """
    rows = ask(MetricsQuestion(since=since, until=until, each_period=True, zone=zone))
    found = {row.period.date(): row.figures.cost.usd for row in rows if row.period is not None}
    first = min((day for day, cost in found.items() if cost), default=None)
    if first is None:
        return {}
    last = until.astimezone(zone).date()
    costs = {}
    for ahead in range((last - first).days):
        day = first + ahead * DAY
        cost = found.get(day, Decimal(0))
        if cost is not None:
            costs[time_zones.midnight(day, zone)] = float(cost)
    return costs


def _rest(past: dict[dt.datetime, float], left: dict[dt.datetime, float]) -> tuple[float, float]:
    """What the rest of the month costs, and its variance: of the days, and of their known mean."""
    rest = variance = 0.0
    for weekend in (False, True):
        kind = _kind(past, weekend=weekend)
        shares = [share for day, share in left.items() if _is_weekend(day) is weekend]
        days = sum(shares)
        rest += days * kind.mean
        variance += kind.spread**2 * (sum(s**2 for s in shares) + days**2 / kind.number)
    return rest, variance


def _kind(past: dict[dt.datetime, float], *, weekend: bool) -> _Days:
    """Of the days of that kind, or of all while there are too few."""
    alike: Sequence[float] = [cost for day, cost in past.items() if _is_weekend(day) is weekend]
    costs = alike if len(alike) >= MIN_DAYS else list(past.values())
    return _Days(fmean(costs), stdev(costs), len(costs))


def _is_weekend(day: dt.datetime) -> bool:
    return day.weekday() >= 5


def _money(amount: float) -> Decimal:
    return Decimal(amount).quantize(Decimal("0.0001"))
