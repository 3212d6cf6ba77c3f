"""A time filter that is always on, so that a page reads few partitions of the call tables.

Its periods are the overview's: whole days of the reader's zone, or the last 24 whole hours. So the
list behind a figure has exactly the calls that were counted.
"""

import datetime as dt
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from msgspec import Struct

from llmconfig.admin.kit.theme import DropdownFilter
from llmconfig.admin.kit.typed_filter import TypedField, TypedFilter
from llmconfig.configuration import time_zones
from metrics.admin.viewers_zone import viewers_zone
from metrics.questions import Grain, start_of

DEFAULT_DAYS = 7
YEARS = range(1970, 9000)  # spans around others would leave the calendar
HOUR_FORMAT = "%Y-%m-%dT%H"
DAY_FORMAT = "%Y-%m-%d"
PERIOD, SINCE, UNTIL = "days", "since", "until"  # in the address
CHOICES = (
    ("1", _("Last 24 hours")),
    ("7", _("Last 7 days")),
    ("31", _("Last 31 days")),
    ("92", _("Last 3 months")),
    ("366", _("Last 12 months")),
)


class AskedTime(Struct, frozen=True):
    """From `since` up to, but without, `until`; None: still going on."""

    since: dt.datetime
    until: dt.datetime | None = None

    def conditions(self, column: str, *, slack: dt.timedelta = dt.timedelta(0)) -> dict[str, Any]:
        """As keywords of a queryset's `filter`; constants, so that few partitions are planned."""
        found: dict[str, Any] = {f"{column}__gte": self.since - slack}
        if self.until is not None:
            found[f"{column}__lt"] = self.until + slack
        return found


def asked_span(request: HttpRequest) -> AskedTime:
    """The time that the address asks for: its own bounds, a day, an hour, or so many last days."""
    zone = viewers_zone(request)
    bounds = {}
    for name in (SINCE, UNTIL):
        try:
            bounds[name] = moment_of(request.GET.get(name, ""), zone)
        except ValueError:
            bounds[name] = None  # the filter says what is wrong with it
    since, until = bounds[SINCE], bounds[UNTIL]
    chosen = request.GET.get(PERIOD, "")
    if since is None and until is not None:
        return AskedTime(until - dt.timedelta(days=_days(chosen)), until)
    if since is not None:
        return AskedTime(since, until)
    span = span_of(chosen)
    if span is not None:
        return AskedTime(*span)
    return AskedTime(last_days(_days(chosen), zone))


def _days(chosen: str) -> int:
    return int(chosen) if chosen in dict(CHOICES) else DEFAULT_DAYS


def last_days(days: int, zone: ZoneInfo) -> dt.datetime:
    """When the last so many days begin, today included; for one day, the last 24 hours."""
    if days == 1:
        return start_of(timezone.now(), Grain.HOUR) - dt.timedelta(hours=23)
    return start_of(timezone.now(), Grain.DAY, zone) - dt.timedelta(days=days - 1)


def moment_of(text: str, zone: ZoneInfo) -> dt.datetime | None:
    """A day or time of that zone, or one that says its own offset; None for a blank text.

    Raises ValueError with the way out.
    """
    if not text.strip():
        return None
    way_out = gettext("Enter a time such as 2031-04-11T09:30.")
    try:
        found = dt.datetime.fromisoformat(text.strip())
        found = found.replace(tzinfo=zone) if found.tzinfo is None else found
        found = found.astimezone(dt.UTC)
    except (ValueError, OverflowError):
        raise ValueError(way_out) from None
    if found.year not in YEARS:
        raise ValueError(way_out)
    return found


class PeriodFilter(DropdownFilter):
    """Calls of the last days, a week unless something else is chosen; or of one day or hour."""

    title = _("period")
    parameter_name = PERIOD
    all_option = None
    moment = "created_at"  # the column

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[Any, str]]:
        """In days; the day or hour that a chart led to stands first."""
        chosen = request.GET.get(self.parameter_name, "")
        start = span_of(chosen)
        told = []
        if start is not None:
            told = [(chosen, _in_words(start, hour="T" in chosen))]
        return [*told, *((days, str(label)) for days, label in CHOICES)]

    def value(self) -> str:
        """The chosen number of days, day or hour."""
        chosen = super().value()
        return chosen if chosen in {days for days, _ in self.lookup_choices} else str(DEFAULT_DAYS)

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Bounded also where the bounds stand in the filter below this one."""
        return queryset.filter(**asked_span(request).conditions(self.moment))


class TimesFilter(TypedFilter):
    """Any time; what is given here stands above the period."""

    title = _("time")

    def fields(self, request: HttpRequest) -> tuple[TypedField, ...]:
        """In the reader's zone."""
        zone = viewers_zone(request)

        def read(text: str) -> dt.datetime | None:
            return moment_of(text, zone)

        def shown(text: str) -> str:
            moment = moment_of(text, zone)
            return f"{moment.astimezone(zone):%Y-%m-%dT%H:%M}" if moment else ""

        return tuple(
            TypedField(name, f"{label} ({zone.key})", read, kind="datetime-local", shown=shown)
            for name, label in ((SINCE, gettext("From")), (UNTIL, gettext("Up to")))
        )


def _in_words(span: tuple[dt.datetime, dt.datetime], *, hour: bool) -> str:
    """A day or hour that a chart led to, with its zone."""
    start, end = span
    day = date_format(start, "j F Y")
    if not hour:
        return f"{day} {start.tzinfo}"
    return gettext("{day}, {start} to {end} {zone}").format(
        day=day, start=f"{start:%H:00}", end=f"{end:%H:00}", zone=start.tzinfo
    )


def name_of(start: dt.datetime, zone: ZoneInfo, *, hour: bool) -> str:
    """The name under which `span_of` finds the day of a zone, or the hour, that begins then."""
    if hour:
        return f"{start.astimezone(dt.UTC):{HOUR_FORMAT}}"
    abroad = "" if zone.key == time_zones.default().key else f"@{zone.key}"
    return f"{start:{DAY_FORMAT}}{abroad}"


def span_of(text: str) -> tuple[dt.datetime, dt.datetime] | None:
    """Begin and end of a day (2031-04-11, 2031-04-11@Asia/Tokyo) or of an hour in UTC
    (2031-04-11T09), else None.
    """
    text, _, zone = text.partition("@")
    for form, length in ((DAY_FORMAT, dt.timedelta(days=1)), (HOUR_FORMAT, dt.timedelta(hours=1))):
        try:
            start = dt.datetime.strptime(text, form).replace(tzinfo=dt.UTC)
            if form == DAY_FORMAT:
                there = time_zones.named(zone) if zone else time_zones.default()
                start = time_zones.midnight(start.date(), there)
            return start, start + length
        except (ValueError, OverflowError):
            continue
    return None
