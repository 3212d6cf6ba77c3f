"""Spending: what calls cost in a time, told apart in any way, beside the time before."""

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.formats import date_format
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from msgspec import Struct

from llmconfig.admin.kit.charts import TONES, Chart, Column, Part, stacked
from llmconfig.admin.kit.presentation import changed, cost_changed
from llmconfig.configuration.known_costs import KnownCost, money
from llmconfig.configuration.known_costs import total as total_cost
from llmconfig.configuration.numbers import count, tick
from llmconfig.runtime.records import replace
from metrics.admin.periods import SINCE, UNTIL, last_days, moment_of, name_of
from metrics.admin.viewers_zone import offered_zones, viewers_zone, zone_error
from metrics.bounded import bounded
from metrics.caller_rollups import MAX_APART
from metrics.csv_export import csv_lines
from metrics.errors import TookTooLong, Unanswerable
from metrics.queries import Figures, Row, ask, total
from metrics.questions import OTHERS, Grain, MetricsQuestion, start_of
from metrics.ranking import CostOfPeriod, Keys, by_period, most_expensive, same_groups

if TYPE_CHECKING:
    from django_stubs_ext import StrPromise

PERMISSION = "metrics.view_generationmetric"
PERIODS = {7: _("7 days"), 31: _("31 days"), 92: _("3 months"), 366: _("12 months")}
USUAL_DAYS = 31
MAX_LINES = 100
MAX_DAYS = 1100
CALLS_LIST = "admin:metrics_generationmetric_changelist"


class Told(Struct, frozen=True):
    """A way to tell calls apart: dimensions, and by which filters the list of calls finds them."""

    label: "StrPromise"
    title: "StrPromise"
    dimensions: tuple[str, ...]
    filters: tuple[str, ...]


WAYS: Mapping[str, Told] = {
    "day": Told(_("Day"), _("Spending by day, in US dollars"), (), ()),
    "node": Told(_("Node"), _("Spending by day and node, in US dollars"), ("node",), ("node",)),
    "model": Told(
        _("Model"),
        _("Spending by day and model, in US dollars"),
        ("provider", "model"),
        ("by", "model"),
    ),
    "provider": Told(
        _("Provider"), _("Spending by day and provider, in US dollars"), ("provider",), ("by",)
    ),
    "tier": Told(_("Tier"), _("Spending by day and tier, in US dollars"), ("tier",), ("tier",)),
    "organization": Told(
        _("Organization"),
        _("Spending by day and organization, in US dollars"),
        ("organization",),
        ("organization",),
    ),
    "key": Told(_("API key"), _("Spending by day and API key, in US dollars"), ("key",), ("key",)),
    "user": Told(_("User"), _("Spending by day and user, in US dollars"), ("user",), ("user",)),
    "tag": Told(_("Tag"), _("Spending by day and tag, in US dollars"), ("tag",), ("tag",)),
    "batch": Told(
        _("Batch"), _("Spending by day and batch, in US dollars"), ("batch",), ("session",)
    ),
}


class AskedSpending(Struct, frozen=True):
    """What the address asks for: whole days of a zone, and how to tell calls apart."""

    since: dt.datetime
    until: dt.datetime
    zone: ZoneInfo
    by: str
    days: int  # 0: bounds of its own

    @property
    def way(self) -> Told:
        return WAYS[self.by]

    def question(self) -> MetricsQuestion:
        return MetricsQuestion(since=self.since, until=self.until, zone=self.zone)

    def question_before(self) -> MetricsQuestion:
        """The same question about as many days before these."""
        since = self.since - dt.timedelta(days=len(self.starts()))
        return MetricsQuestion(since=since, until=self.since, zone=self.zone)

    def starts(self) -> list[dt.datetime]:
        """When each of its days begins."""
        days = (self.until.astimezone(self.zone) - self.since).days
        found = [self.since + ahead * dt.timedelta(days=1) for ahead in range(max(days, 0) + 2)]
        return [each for each in found if each < self.until]

    def address(self, **changes: str) -> str:
        """The same, but for what is changed."""
        kept = {"by": self.by, "days": str(self.days)}
        if not self.days:
            last = self.until - dt.timedelta(seconds=1)
            kept = {"by": self.by, "from": f"{self.since:%Y-%m-%d}", "to": f"{last:%Y-%m-%d}"}
        return f"?{urlencode(kept | changes)}"

    def calls(self, keys: Sequence[object], start: dt.datetime | None = None) -> str:
        """The list of these calls; blank where no filter finds them: without a key, or others."""
        if any(key in {None, "", OTHERS} for key in keys):
            return ""
        filters = dict(zip(self.way.filters, map(str, keys), strict=True))
        if start is not None:
            time = {"days": name_of(start, self.zone, hour=False)}
        else:
            time = {SINCE: self.since.isoformat(), UNTIL: self.until.isoformat()}
        return f"{reverse(CALLS_LIST)}?{urlencode(time | filters)}"


def asked_spending(request: HttpRequest) -> AskedSpending:
    """What the address asks for, the usual in place of what can't be understood.

    Raises Unanswerable for days that can't be.
    """
    zone = viewers_zone(request)
    by = request.GET.get("by", "")
    by = by if by in WAYS else "model"
    try:
        first = moment_of(request.GET.get("from", ""), zone)
        last = moment_of(request.GET.get("to", ""), zone)
    except ValueError:
        raise Unanswerable(gettext("from, to: enter days such as 2031-04-11.")) from None
    tomorrow = start_of(dt.datetime.now(dt.UTC), Grain.DAY, zone) + dt.timedelta(days=1)
    if first is None:
        asked = request.GET.get("days", "")
        days = int(asked) if asked in {str(each) for each in PERIODS} else USUAL_DAYS
        return AskedSpending(last_days(days, zone), tomorrow, zone, by, days)
    since = start_of(first, Grain.DAY, zone)
    until = tomorrow
    if last is not None:
        until = start_of(last, Grain.DAY, zone) + dt.timedelta(days=1)
    if not since < until:
        raise Unanswerable(gettext("from: choose a day before the last one."))
    if until - since > dt.timedelta(days=MAX_DAYS):
        raise Unanswerable(gettext("from: choose at most {number} days.").format(number=MAX_DAYS))
    return AskedSpending(since, until, zone, by, 0)


def spending_view(request: HttpRequest) -> HttpResponse:
    """Sums, a chart by day, and a line for each group, the most expensive first."""
    if not request.user.has_perm(PERMISSION):
        raise PermissionDenied
    try:
        asked = asked_spending(request)
        with bounded():
            found = _found(asked)
            chart = None if found.too_many else _chart(asked, found)
    except (Unanswerable, TookTooLong) as refusal:
        messages.warning(
            request, gettext("{refusal} Choose a shorter time.").format(refusal=refusal)
        )
        usual = AskedSpending(
            last_days(USUAL_DAYS, viewers_zone(request)), dt.datetime.now(dt.UTC),
            viewers_zone(request), "model", USUAL_DAYS,
        )  # fmt: skip
        return TemplateResponse(request, "nodewise/spending.html", _frame(request, usual))
    context = _frame(request, asked) | {
        "lines": _lines(asked, found),
        "more": max(found.number - MAX_LINES, 0),
        "figures": _figures(found.now, found.whole_before),
        "cost": found.now.cost,
        "chart": chart,
        "title_of_chart": asked.way.title,
        "legend": _legend(asked, found),
        "others": found.others,
        "most_apart": count(MAX_APART),
    }
    return TemplateResponse(request, "nodewise/spending.html", context)


def spending_csv(request: HttpRequest) -> HttpResponse:
    """Each day and group as a line, in the zone that the file names."""
    if not request.user.has_perm(PERMISSION):
        raise PermissionDenied
    try:
        asked = asked_spending(request)
        with bounded():
            by = asked.way.dimensions
            apart = ask(replace(asked.question(), by=by, each_period=True))
    except (Unanswerable, TookTooLong) as refusal:
        text = gettext("{refusal} Choose a shorter time.").format(refusal=refusal)
        return HttpResponse(f"{text}\n", status=400, content_type="text/plain; charset=utf-8")
    header = ["day", "time_zone", *asked.way.dimensions, *MEASURES]
    lines = csv_lines(header, _csv_rows(asked, apart))
    answer = HttpResponse("".join(lines), content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = 'attachment; filename="spending.csv"'
    return answer


MEASURES = (
    "cost_usd", "unpriced_calls", "calls", "failed", "cache_hits", "tokens_input", "tokens_output",
)  # fmt: skip


def _csv_rows(asked: AskedSpending, apart: Sequence[Row]) -> Iterator[list[object]]:
    for row in sorted(apart, key=lambda row: (row.period, [str(each) for each in row.keys])):
        day = f"{row.period.astimezone(asked.zone):%Y-%m-%d}" if row.period else ""
        sums = row.figures
        keys = [None if key is None else str(key) for key in row.keys]
        yield [
            day, asked.zone.key, *keys, sums.cost_usd, sums.unpriced, sums.calls, sums.failed,
            sums.cache_hits, sums.tokens_input, sums.tokens_output,
        ]  # fmt: skip


class SpendingFound(Struct, frozen=True, kw_only=True):
    """What the page shows: the first groups, and those of them that the chart draws by day.

    By day alone, each day is a group. By tag a call counts with each of its tags, so the whole is
    not the sum of the groups.
    """

    now: Figures
    whole_before: Figures
    groups: Sequence[Row]
    number: int  # of groups
    before: Mapping[Keys, KnownCost]
    apart: Sequence[CostOfPeriod]
    rest: Mapping[dt.datetime, KnownCost]
    others: bool = False  # whether one of the groups is of all others
    too_many: bool = False  # groups and days for a chart

    @property
    def drawn(self) -> Sequence[Row]:
        """The groups with a colour of their own."""
        return self.groups if self.number <= TONES else self.groups[: TONES - 1]


def _found(asked: AskedSpending) -> SpendingFound:
    question = replace(asked.question(), by=asked.way.dimensions)
    before = asked.question_before()
    now, whole_before = total(asked.question()).figures, total(before).figures
    if not question.by:
        days = ask(replace(question, each_period=True))
        return SpendingFound(
            now=now, whole_before=whole_before, groups=days, number=len(days), before={},
            apart=[CostOfPeriod(row.period, (), row.figures.cost) for row in days if row.period],
            rest={},
        )  # fmt: skip
    ranked = most_expensive(question, most=MAX_LINES)
    found = SpendingFound(
        now=now, whole_before=whole_before, groups=ranked.rows, number=ranked.number,
        others=ranked.others, apart=(), rest={},
        before=same_groups(replace(before, by=question.by), [row.keys for row in ranked.rows]),
    )  # fmt: skip
    try:
        with bounded():
            apart, rest = by_period(question, [row.keys for row in found.drawn])
    except TookTooLong:
        return replace(found, too_many=True)
    return replace(found, apart=apart, rest=rest)


def _frame(request: HttpRequest, asked: AskedSpending) -> dict[str, Any]:
    """What the page shows whatever was found."""
    last = asked.until - dt.timedelta(seconds=1)
    return {
        **admin.site.each_context(request),
        "title": gettext("Spending"),
        "periods": [(asked.address(days=str(n)), label, n == asked.days)
                    for n, label in PERIODS.items()],
        "ways": [(asked.address(by=name), way.label, name == asked.by)
                 for name, way in WAYS.items()],
        "by": asked.by,
        "label": asked.way.label,
        "first": f"{asked.since:%Y-%m-%d}",
        "last": f"{last.astimezone(asked.zone):%Y-%m-%d}",
        "zone": asked.zone.key,
        "zones": offered_zones(asked.zone),
        "zone_error": zone_error(request),
        "csv_url": reverse("admin:metrics_spending_csv") + asked.address(),
    }  # fmt: skip


def _figures(now: Figures, before: Figures) -> list[tuple[str, str, str]]:
    """Label, value, and the change against as many days before."""
    return [
        (gettext("spent"), str(now.cost), cost_changed(now.cost, before.cost)),
        (gettext("spent in the period before"), str(before.cost), ""),
        (gettext("calls"), count(now.calls), changed(now.calls, before.calls)),
        (gettext("cost per call"), money(now.average_cost_usd), ""),
        (gettext("tokens in"), count(now.tokens_input), ""),
        (gettext("tokens out"), count(now.tokens_output), ""),
    ]


def _lines(asked: AskedSpending, found: SpendingFound) -> list[dict[str, Any]]:
    most = max((float(row.figures.cost.usd or 0) for row in found.groups), default=0.0) or 1.0
    lines = []
    for row in found.groups[:MAX_LINES]:
        start = row.period.astimezone(asked.zone) if row.period else None
        was = found.before.get(row.keys)
        lines.append(
            {
                "name": date_format(start, "j M Y") if start else _name(row.keys),
                "address": asked.calls(row.keys, start),
                "cost": str(row.figures.cost),
                "share": f"{100 * float(row.figures.cost.usd or 0) / most:.2f}",
                "before": str(was) if was is not None else "",
                "change": cost_changed(row.figures.cost, was),
                "calls": count(row.figures.calls),
                "failed": count(row.figures.failed),
                "tokens": f"{count(row.figures.tokens_input)} → {count(row.figures.tokens_output)}",
            }
        )
    return lines


def _name(keys: Sequence[object]) -> str:
    return "/".join(str(key) for key in keys if key not in {None, ""}) or gettext("none")


def _chart(asked: AskedSpending, found: SpendingFound) -> Chart:
    """The most expensive groups by day, the rest together."""
    tones = {row.keys: tone for tone, row in enumerate(found.drawn)} if asked.way.dimensions else {}
    days: dict[dt.datetime, list[tuple[int, CostOfPeriod]]] = {}
    for each in found.apart:
        day = days.setdefault(each.period.astimezone(dt.UTC), [])
        day.append((tones.get(each.keys, 0), each))
    rest = {start.astimezone(dt.UTC): cost for start, cost in found.rest.items()}
    name = _rest_name(found)
    columns = []
    for start in asked.starts():
        label, moment = date_format(start, "j M"), start.astimezone(dt.UTC)
        parts = [
            _part(asked, label, tone, _name(one.keys), one.cost, asked.calls(one.keys, start))
            for tone, one in sorted(days.get(moment, []), key=lambda each: each[0])
        ]
        if moment in rest:
            parts.append(_part(asked, label, TONES - 1, name, rest[moment], ""))
        columns.append(Column(label, tuple(parts)))
    return stacked(str(asked.way.title), columns, tick=tick)


def _part(
    asked: AskedSpending, label: str, tone: int, name: str, cost: KnownCost, address: str
) -> Part:
    said = f"{label}: {cost}" if asked.by == "day" else f"{label}, {name}: {cost}"
    return Part(float(cost.usd or 0), tone, said, address)


def _rest_name(found: SpendingFound) -> str:
    return gettext("{number} more").format(number=count(found.number - len(found.drawn)))


def _legend(asked: AskedSpending, found: SpendingFound) -> list[dict[str, Any]]:
    if not asked.way.dimensions:
        return []
    legend = [
        {"name": _name(row.keys), "value": str(row.figures.cost), "tone": tone,
         "address": asked.calls(row.keys)}
        for tone, row in enumerate(found.drawn)
    ]  # fmt: skip
    if found.rest:
        rest = total_cost(found.rest.values())
        legend.append(
            {"name": _rest_name(found), "value": str(rest), "tone": TONES - 1, "address": ""}
        )
    return legend


def spending_urls() -> list[URLPattern]:
    """The addresses of the page and its file."""
    view = admin.site.admin_view
    return [
        path("spending/", view(spending_view), name="metrics_spending"),
        path("spending.csv", view(spending_csv), name="metrics_spending_csv"),
    ]
