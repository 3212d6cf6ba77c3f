"""The time zone in which a person reads the dashboard: chosen by `?tz=`, kept for their session."""

from zoneinfo import ZoneInfo

from django.http import HttpRequest

from llmconfig.configuration import time_zones

KEPT_AS = "nodewise_time_zone"
# A few of each part of the world; any other name of the tz database is taken, too.
OFFERED = (
    "UTC", "America/Los_Angeles", "America/New_York", "America/Sao_Paulo", "Europe/London",
    "Europe/Berlin", "Europe/Istanbul", "Africa/Lagos", "Africa/Nairobi", "Asia/Dubai",
    "Asia/Kolkata", "Asia/Singapore", "Asia/Shanghai", "Asia/Tokyo", "Australia/Adelaide",
    "Australia/Sydney", "Pacific/Auckland",
)  # fmt: skip


def viewers_zone(request: HttpRequest) -> ZoneInfo:
    """The zone that the address names, which is kept; else the one kept before, else the usual one.

    A name that is no zone changes nothing: `zone_error` says so.
    """
    asked = request.GET.get("tz", "").strip()
    if asked and not zone_error(request):
        request.session[KEPT_AS] = asked
    try:
        return time_zones.named(request.session[KEPT_AS])
    except (KeyError, ValueError, TypeError):
        return time_zones.default()


def zone_error(request: HttpRequest) -> str:
    """What is wrong with the zone that the address names; blank if nothing is."""
    asked = request.GET.get("tz", "").strip()
    if not asked:
        return ""
    try:
        time_zones.named(asked)
    except ValueError as error:
        return str(error)
    return ""


def offered_zones(chosen: ZoneInfo) -> list[str]:
    """Names to choose from: the usual one first."""
    return list(dict.fromkeys([time_zones.default().key, chosen.key, *OFFERED]))
