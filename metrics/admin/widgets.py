"""The dashboard's cards about calls: sums of a period, never the calls themselves.

Every chart leads to the calls behind it, in the list of calls.
"""

import datetime as dt
from collections import Counter
from collections.abc import Mapping, Sequence
from decimal import Decimal
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from django.http import HttpRequest
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from msgspec import Struct

from llmconfig.admin.kit.charts import TONES, AxisPlace, Chart, Column, Line, Part, lines, stacked
from llmconfig.admin.kit.dashboard import Widget, register_widget
from llmconfig.admin.kit.presentation import changed, cost_changed
from llmconfig.configuration.known_costs import KnownCost, money
from llmconfig.configuration.known_costs import total as known_total
from llmconfig.configuration.numbers import count, milliseconds, percent, tick
from metrics import partitions
from metrics.admin.periods import DEFAULT_DAYS, last_days, name_of
from metrics.admin.viewers_zone import offered_zones, viewers_zone, zone_error
from metrics.analyzers.cost import forecast_month
from metrics.errors import Unanswerable
from metrics.queries import Figures, Row, added, ask_apart, classes_by_period, percentile, total
from metrics.questions import Grain, MetricsQuestion

PERMISSION = "metrics.view_generationmetric"
PERIODS = {1: _("24 hours"), 7: _("7 days"), 31: _("31 days"), 92: _("3 months")}
QUANTILES = (("p50", 0.5, 0), ("p95", 0.95, 1), ("p99", 0.99, 2))
NODES_SHOWN = 8
ERRORS_SHOWN = 8
NO_CALLS = KnownCost(Decimal(0))
ModelKey = tuple[str, str]  # provider and model


class ShownPeriod(Struct, frozen=True):
    """The period that the dashboard shows, in whole hours of UTC or days of the viewer's zone."""

    days: int
    grain: Grain
    starts: tuple[dt.datetime, ...]
    zone: ZoneInfo

    @property
    def length(self) -> dt.timedelta:
        return dt.timedelta(hours=1) if self.grain == Grain.HOUR else dt.timedelta(days=1)

    @property
    def since(self) -> dt.datetime:
        return self.starts[0]

    @property
    def until(self) -> dt.datetime:
        return self.starts[-1] + self.length

    def question(self) -> MetricsQuestion:
        """Everything in the period."""
        return MetricsQuestion(since=self.since, until=self.until, grain=self.grain, zone=self.zone)

    def question_before(self) -> MetricsQuestion:
        """Everything in as many hours or days before it."""
        since = self.since - len(self.starts) * self.length
        return MetricsQuestion(since=since, until=self.since, grain=self.grain, zone=self.zone)

    def label(self, start: dt.datetime) -> str:
        if self.grain == Grain.HOUR:
            return f"{start.astimezone(self.zone):%H:%M}"
        return date_format(start, "D j") if self.days <= 7 else date_format(start, "j M")

    def calls(self, start: dt.datetime | None = None, **filters: str) -> str:
        """The list of these calls: of the whole period, or of one hour or day."""
        days = str(self.days)
        if start is not None:
            days = name_of(start, self.zone, hour=self.grain == Grain.HOUR)
        address = reverse("admin:metrics_generationmetric_changelist")
        return f"{address}?{urlencode({'days': days, **filters})}"


class ShareEntry(Struct, frozen=True):
    """A line beside a chart: a model, node or error with its share of the whole."""

    name: str
    value: str
    link: str
    share: float = 0.0  # of 100
    tone: int = 0
    fill: str = "nw-fill"


def span_of(request: HttpRequest) -> ShownPeriod:
    """The period that the address asks for, else a week; in the viewer's zone."""
    asked = request.GET.get("days", "")
    days = int(asked) if asked in {str(each) for each in PERIODS} else DEFAULT_DAYS
    grain = Grain.HOUR if days == 1 else Grain.DAY
    number = 24 if days == 1 else days
    zone = viewers_zone(request)
    first = last_days(days, zone)
    length = dt.timedelta(hours=1) if grain == Grain.HOUR else dt.timedelta(days=1)
    starts = tuple(first + ahead * length for ahead in range(number))
    return ShownPeriod(days, grain, starts, zone)


def partitions_widget(request: HttpRequest) -> Widget | None:
    """The alarm that months for recording run out; nothing while there are enough."""
    if not request.user.has_perm(PERMISSION):
        return None
    alarms = partitions.alarms()
    if not alarms:
        return None
    return Widget("nodewise/widgets/partitions.html", {"alarms": alarms}, width=12)


def calls_widget(request: HttpRequest) -> Widget | None:
    """What was spent in the period, on what, beside the period before; time, errors, savings."""
    if not request.user.has_perm(PERMISSION):
        return None
    span = span_of(request)
    context: dict[str, object] = {
        "periods": [
            {"days": days, "label": label, "chosen": days == span.days}
            for days, label in PERIODS.items()
        ],
        "period": PERIODS[span.days],
        "days": span.days,
        "list_url": span.calls(),
        "by": "hour" if span.grain == Grain.HOUR else "day",
        "zone": span.zone.key,
        "zones": offered_zones(span.zone),
        "zone_error": zone_error(request),
    }
    whole = span.question()
    models, nodes, outcomes = ask_apart(
        whole, [("period", "provider", "model"), ("node",), ("outcome",)]
    )
    now = added([row.figures for row in models])
    context["calls"] = now.calls
    if not now.calls:
        context["longer"] = span.days != max(PERIODS)
        return Widget("nodewise/widgets/calls.html", context, width=12)
    context |= _costs(span, models, now) | _times(span, whole) | _savings(span, models, now)
    context |= {
        "nodes": _nodes(span, nodes),
        "errors": _errors(span, outcomes),
        "failed": now.failed,
        "failed_url": span.calls(outcome="failed"),
    }
    return Widget("nodewise/widgets/calls.html", context, width=12)


def _costs(span: ShownPeriod, models: Sequence[Row], now: Figures) -> dict[str, object]:
    before = total(span.question_before()).figures
    chart, legend = _cost_by_model(span, models)
    return {
        "figures": _figures(span, now, before),
        "cost": now.cost,
        "forecast": _forecast(span.zone),
        "chart": chart,
        "legend": legend,
    }


def _times(span: ShownPeriod, whole: MetricsQuestion) -> dict[str, object]:
    classes = classes_by_period(whole)
    together: Counter[int] = Counter()
    for each in classes.values():
        together.update(each)
    return {
        "latency": _latency(span, classes),
        "quantiles": [
            (name, tone, milliseconds(percentile(together, share) or 0))
            for name, share, tone in QUANTILES
        ],
    }


def _savings(span: ShownPeriod, models: Sequence[Row], now: Figures) -> dict[str, object]:
    return {
        "cache": _cache(span, models) if now.cache_hits else None,
        "saved": str(now.saved),
        "cache_hits": count(now.cache_hits),
        "cache_share": percent(now.cache_hits / now.calls, 1),
        "cached_url": span.calls(outcome="cached"),
        "cache_enabled_url": reverse("admin:llmconfig_llmconfig_changelist"),
    }


def _figures(
    span: ShownPeriod, now: Figures, before: Figures
) -> tuple[tuple[str, str, str, str], ...]:
    """Label, value, the change against the period before, and the calls behind it."""
    return (
        (gettext("spent"), str(now.cost), cost_changed(now.cost, before.cost), span.calls()),
        (gettext("calls"), count(now.calls), changed(now.calls, before.calls), span.calls()),
        (gettext("cost per call"), money(now.average_cost_usd), "", span.calls()),
        (gettext("failed"), percent(now.failed / now.calls, 1), "", span.calls(outcome="failed")),
        (gettext("cache hits"), percent(now.cache_hits / now.calls, 1), "",
         span.calls(outcome="cached")),
        (gettext("mean latency"), milliseconds(now.average_latency_ms or 0), "", span.calls()),
    )  # fmt: skip


def _forecast(zone: ZoneInfo) -> dict[str, str] | None:
    """What the month will cost, as it is shown; None where too little is known."""
    try:
        found = forecast_month(zone=zone)
    except Unanswerable:
        return None
    return {
        "expected": str(KnownCost(found.expected_usd, found.unpriced)),
        "low": money(found.low_usd),
        "high": money(found.high_usd),
    }


def _cost_by_model(span: ShownPeriod, rows: Sequence[Row]) -> tuple[Chart, list[ShareEntry]]:
    """The dearest models apart, the rest together; both the columns and what they stand for."""
    parts: dict[ModelKey, list[KnownCost]] = {}
    costs: dict[tuple[dt.datetime, ModelKey], KnownCost] = {}
    for row in rows:
        key = str(row.keys[0]), str(row.keys[1])
        parts.setdefault(key, []).append(row.figures.cost)
        if row.period is not None:
            costs[row.period.astimezone(dt.UTC), key] = row.figures.cost
    sums = {key: known_total(each) for key, each in parts.items()}
    ranked = sorted(sums, key=lambda key: -_height(sums[key]))
    apart = ranked if len(ranked) <= TONES else ranked[: TONES - 1]
    columns = [_cost_column(span, start, apart, ranked[len(apart) :], costs)
               for start in span.starts]  # fmt: skip
    everything = sum(_height(each) for each in sums.values()) or 1
    legend = [
        ShareEntry(_model(key), str(sums[key]), span.calls(by=key[0], model=key[1]),
              100 * _height(sums[key]) / everything, tone)
        for tone, key in enumerate(apart)
    ]  # fmt: skip
    if len(apart) < len(ranked):
        rest = known_total(sums[key] for key in ranked[len(apart) :])
        name = gettext("{number} more models").format(number=count(len(ranked) - len(apart)))
        share = 100 * _height(rest) / everything
        legend.append(ShareEntry(name, str(rest), span.calls(), share, TONES - 1))
    title = _title_of_costs(span, known_total(sums.values()).unpriced_calls)
    return stacked(title, columns, tick=tick), legend


def _title_of_costs(span: ShownPeriod, left_out: int) -> str:
    by_hour = span.grain == Grain.HOUR
    if not left_out:
        if by_hour:
            return gettext("Cost by hour and model, in US dollars")
        return gettext("Cost by day and model, in US dollars")
    title = (
        gettext("Cost by hour and model, in US dollars, without {number} unpriced calls")
        if by_hour
        else gettext("Cost by day and model, in US dollars, without {number} unpriced calls")
    )
    return title.format(number=count(left_out))


def _cost_column(
    span: ShownPeriod,
    start: dt.datetime,
    apart: Sequence[ModelKey],
    together: Sequence[ModelKey],
    costs: Mapping[tuple[dt.datetime, ModelKey], KnownCost],
) -> Column:
    label, moment = span.label(start), start.astimezone(dt.UTC)
    found = {key: costs.get((moment, key), NO_CALLS) for key in (*apart, *together)}
    parts = [
        Part(
            _height(found[key]),
            tone,
            f"{label}, {_model(key)}: {found[key]}",
            span.calls(start, by=key[0], model=key[1]),
        )
        for tone, key in enumerate(apart)
    ]
    rest = known_total(found[key] for key in together)
    if _height(rest):
        said = gettext("{time}, other models: {cost}").format(time=label, cost=rest)
        parts.append(Part(_height(rest), TONES - 1, said, span.calls(start)))
    return Column(label, tuple(parts))


def _height(cost: KnownCost) -> float:
    """What a chart can draw of a cost: its known part."""
    return float(cost.usd or 0)


def _nodes(span: ShownPeriod, rows: Sequence[Row]) -> list[ShareEntry]:
    """The dearest nodes, with their calls when they cost nothing."""
    most = max((_height(row.figures.cost) for row in rows), default=0.0) or 1.0
    return [
        ShareEntry(
            str(row.keys[0]),
            ngettext("{cost} · {calls} call", "{cost} · {calls} calls", row.figures.calls).format(
                cost=row.figures.cost, calls=count(row.figures.calls)
            ),
            span.calls(node=str(row.keys[0])),
            100 * _height(row.figures.cost) / most,
        )
        for row in rows[:NODES_SHOWN]
    ]


def _latency(span: ShownPeriod, classes: Mapping[dt.datetime, Counter[int]]) -> Chart:
    places, values = [], []
    for start in span.starts:
        counted = classes.get(start, Counter())
        found = [percentile(counted, share) for _, share, _ in QUANTILES]
        values.append(found)
        told = ", ".join(
            f"{name} {milliseconds(value)}"
            for (name, _, _), value in zip(QUANTILES, found, strict=True)
            if value is not None
        )
        told, label = told or gettext("no calls"), span.label(start)
        places.append(AxisPlace(label, f"{label}: {told}", span.calls(start)))
    series = [
        Line(name, tone, tuple(each[place] for each in values))
        for place, (name, _, tone) in enumerate(QUANTILES)
    ]
    return lines(gettext("Latency: p50, p95, p99"), places, series, tick=_time)


def _errors(span: ShownPeriod, rows: Sequence[Row]) -> list[ShareEntry]:
    failed = Counter({str(row.keys[0]): row.figures.calls for row in rows if row.keys[0]})
    most = max(failed.values(), default=1)
    return [
        ShareEntry(
            code, count(number), span.calls(outcome=code), 100 * number / most,
            fill="nw-fill-danger",
        )
        for code, number in failed.most_common(ERRORS_SHOWN)
    ]  # fmt: skip


def _cache(span: ShownPeriod, rows: Sequence[Row]) -> Chart:
    columns = []
    for start in span.starts:
        found = added([row.figures for row in rows if row.period == start])
        told = gettext("{number} answers, {money} saved").format(
            number=count(found.cache_hits), money=found.saved
        )
        label, link = span.label(start), span.calls(start, outcome="cached")
        columns.append(Column(label, (Part(found.cache_hits, 1, f"{label}: {told}", link),)))
    return stacked(gettext("Answers from the cache"), columns, tick=_whole)


def _model(key: tuple[str, str]) -> str:
    return "/".join(filter(None, key)) or gettext("none")


def _time(value: float) -> str:
    return milliseconds(value) if value else "0"


def _whole(value: float) -> str:
    """Half a call is no place on an axis."""
    return count(int(value)) if value == int(value) else ""


register_widget(partitions_widget, rank=4)
register_widget(calls_widget, rank=8)
