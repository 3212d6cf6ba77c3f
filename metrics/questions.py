"""Questions to the sums over calls: a time, what to tell apart, what to keep."""

import datetime as dt
from collections.abc import Mapping, Sequence
from enum import Enum
from types import MappingProxyType
from uuid import UUID
from zoneinfo import ZoneInfo

from django.contrib.auth import get_user_model
from django.db.models import IntegerField, TextChoices
from django.utils.translation import gettext
from msgspec import Struct, field

from llmconfig.configuration import time_zones
from metrics.errors import UnknownDimension

# As people name them, and the rollups' columns.
OF_ROLLUPS: Mapping[str, str] = MappingProxyType(
    {
        "node": "method_name",
        "type": "node_type",
        "provider": "provider",
        "model": "model_used",
        "tier": "tier",
        "organization": "organization_id",
        "service": "service_name",
        "operation": "operation_type",
        "outcome": "error_code",
    }
)
# What calls have in common beside that: their columns.
OF_CALLS: Mapping[str, str] = MappingProxyType(
    {
        "batch": "session_id",
        "user": "user_id",
        "key": "account",
        "end_user": "end_user",
        "tag": "tag",
    }
)
# Of these, what has sums of its own, each alone. End users have none: their callers' names for
# people are not to outlive the calls.
CALLERS = frozenset({"batch", "user", "key", "tag"})
DIMENSIONS: Mapping[str, str] = MappingProxyType({**OF_ROLLUPS, **OF_CALLS})
HOUR = dt.timedelta(hours=1)


class Others(Enum):
    """In place of a key: all callers together that an hour or day doesn't tell apart."""

    OTHERS = "others"

    def __str__(self) -> str:
        return gettext("all others")


OTHERS = Others.OTHERS
Key = str | int | UUID | None
FoundKey = Key | Others


class Grain(TextChoices):
    """The length of a period in a series: an hour or a day."""

    HOUR = "hour", "Hour"
    DAY = "day", "Day"


class MetricsQuestion(Struct, frozen=True, kw_only=True):
    """What to sum: calls from `since` up to, but without, `until`, both brought to whole periods.

    `by` and the keys of `only` are names of DIMENSIONS; `only` keeps calls with these values.
    `each_period` gives rows for each hour or day apart, `latencies` their distribution too.
    """

    since: dt.datetime
    until: dt.datetime
    by: Sequence[str] = ()
    only: Mapping[str, Key] = field(default_factory=dict)
    grain: Grain = Grain.DAY
    each_period: bool = False
    latencies: bool = False
    zone: ZoneInfo = field(default_factory=time_zones.default)  # whose days are meant

    @property
    def bounds(self) -> tuple[dt.datetime, dt.datetime]:
        """From when to when calls are summed: whole hours or days of the zone."""
        return whole_periods(self.since, self.until, self.grain, self.zone)

    @property
    def by_zone(self) -> bool:
        """Whether its days are others than UTC's."""
        return self.grain == Grain.DAY and self.zone.key != "UTC"

    def split_hours(self) -> list[dt.datetime]:
        """The hours of UTC in the middle of which a day of the zone begins, in its time."""
        since, until = self.bounds
        days = (until.astimezone(self.zone).date() - since.astimezone(self.zone).date()).days
        midnights = [(since + ahead * dt.timedelta(days=1)) for ahead in range(days + 1)]
        found = {each.astimezone(dt.UTC) for each in midnights}
        return sorted({start_of(each, Grain.HOUR) for each in found if each.minute or each.second})


def column(name: str) -> str:
    """The column that holds a dimension; raises UnknownDimension."""
    if name not in DIMENSIONS:
        raise UnknownDimension(
            gettext("There is no dimension {name!r}; there are {names}.").format(
                name=name, names=", ".join(DIMENSIONS)
            )
        )
    return "user_key" if name == "user" and users_have_text_keys() else DIMENSIONS[name]


def users_have_text_keys() -> bool:
    """Whether this project's users are known by something else than whole numbers."""
    key = get_user_model()._meta.pk  # noqa: SLF001 - Django's API
    return not isinstance(key, IntegerField)


def start_of(moment: dt.datetime, grain: Grain, zone: ZoneInfo | None = None) -> dt.datetime:
    """When the UTC hour of an aware moment begins, or its day in a zone, by default the usual one.

    A day's begin is in that zone, so that days can be added to it.
    """
    if grain == Grain.DAY:
        there = zone or time_zones.default()
        return time_zones.midnight(moment.astimezone(there).date(), there)
    return moment.astimezone(dt.UTC).replace(minute=0, second=0, microsecond=0)


def whole_periods(
    since: dt.datetime, until: dt.datetime, grain: Grain, zone: ZoneInfo | None = None
) -> tuple[dt.datetime, dt.datetime]:
    """A time brought to whole UTC hours or days of a zone, its last one included."""
    end = start_of(until, grain, zone)
    if end < until:
        end += HOUR if grain == Grain.HOUR else dt.timedelta(days=1)
    return start_of(since, grain, zone), end
