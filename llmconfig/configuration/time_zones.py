"""The time zone whose days figures and budgets are told by: LLM_TIME_ZONE, else Django's own."""

import datetime as dt
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.utils import timezone

from llmconfig import project_settings

UTC = ZoneInfo("UTC")


def default() -> ZoneInfo:
    """The installation's zone."""
    chosen = project_settings.process_values().get("LLM_TIME_ZONE")
    return named(str(chosen or timezone.get_default_timezone_name()))


@lru_cache(maxsize=64)
def named(name: str) -> ZoneInfo:
    """The zone of a name such as Europe/Berlin; raises ValueError that says what to write."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(
            f"{name[:60]!r} is no time zone; write one such as Europe/Berlin or UTC."
        ) from None


def midnight(day: dt.date, zone: ZoneInfo) -> dt.datetime:
    """When a day begins there. Days added to it give midnights, over changes of the clock too."""
    return dt.datetime.combine(day, dt.time(), zone)
