"""A time filter that is always on, so that a page reads few partitions of the call tables."""

import datetime as dt
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from llmconfig.admin.kit.theme import DropdownFilter
from llmconfig.configuration import time_zones

DEFAULT_DAYS = 7
HOUR_FORMAT = "%Y-%m-%dT%H"
DAY_FORMAT = "%Y-%m-%d"


class PeriodFilter(DropdownFilter):
    """Calls of the last days, a week unless something else is chosen; or of one UTC day or hour."""

    title = "period"
    parameter_name = "days"
    all_option = None
    moment = "created_at"  # the column

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[Any, str]]:
        """In days; the day or hour that a chart led to stands first."""
        chosen = request.GET.get(self.parameter_name, "")
        start = span_of(chosen)
        told = []
        if start is not None:
            hour = f", {start[0]:%H:00} to {start[1]:%H:00}" if "T" in chosen else ""
            told = [(chosen, f"{start[0]:%-d %B %Y}{hour} {start[0].tzinfo}")]
        return [
            *told,
            ("1", "Last 24 hours"),
            ("7", "Last 7 days"),
            ("31", "Last 31 days"),
            ("92", "Last 3 months"),
            ("366", "Last 12 months"),
        ]

    def value(self) -> str:
        """The chosen number of days, day or hour."""
        chosen = super().value()
        return chosen if chosen in {days for days, _ in self.lookup_choices} else str(DEFAULT_DAYS)

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Bounded by constants, so that PostgreSQL plans only the partitions it needs."""
        span = span_of(self.value())
        if span is not None:
            return queryset.filter(
                **{f"{self.moment}__gte": span[0], f"{self.moment}__lt": span[1]}
            )
        since = timezone.now() - dt.timedelta(days=int(self.value()))
        return queryset.filter(**{f"{self.moment}__gte": since})


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
