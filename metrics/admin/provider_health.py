"""How a provider is doing, on its page and in the list: answering, errors, cooling until."""

import datetime as dt
from collections.abc import Mapping
from typing import Any

from django.contrib import admin
from django.db import connection
from django.db.models import OuterRef, QuerySet, Subquery
from django.db.models.expressions import Combinable
from django.db.models.functions import JSONObject
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from llmconfig.admin.kit.dashboard import Widget, register_widget
from llmconfig.admin.kit.panels import Panel
from llmconfig.admin.kit.presentation import badge, in_a_line
from llmconfig.admin.kit.provider_health import HealthView, register_health_view
from llmconfig.admin.kit.writes import ReadOnlyAdmin
from llmconfig.configuration.numbers import count
from llmconfig.models import Provider
from metrics.models import ProviderHealth, ProviderState

FIELDS = ("state", "requests", "errors", "reason", "cooling_until", "outage_began_at", "checked_at")
# The timer looks every 15 seconds; what is older than this is not how things are.
MAX_AGE = dt.timedelta(minutes=5)
NOT_WATCHED = _("not watched")
TONES = {
    ProviderState.UNKNOWN: "plain",
    ProviderState.ANSWERING: "good",
    ProviderState.FAILING: "danger",
}
Found = Mapping[str, Any] | None  # FIELDS of the row by name; None where there is no row


def health_value() -> Combinable:
    """The health of a query's providers as one value."""
    rows = ProviderHealth.objects.filter(provider=OuterRef("name"))
    return Subquery(rows.values(found=JSONObject(**{name: name for name in FIELDS})))


def health_badge(found: Found) -> SafeString:
    """Its state, and below it what failed of the last 15 minutes and until when it cools down."""
    found = _current(found)
    if found is None:
        return badge(NOT_WATCHED)
    words = ", ".join(filter(None, (_errors(found), _cooling(found))))
    if not words:
        return _state(found)
    return format_html('{} <span class="nw-subtle">{}</span>', _state(found), words)


def health_panel(found: Found) -> Panel:
    """The same in a card, with the last failure and since when it fails."""
    found = _current(found)
    if found is None:
        return Panel("nodewise/provider_health.html", {"state": badge(NOT_WATCHED)})
    failing = found["state"] == ProviderState.FAILING
    context = {
        "state": _state(found),
        "number": found["requests"],
        "requests": count(found["requests"]),
        "errors": count(found["errors"]),
        "cooling": _cooling(found),
        "since": _moment(found["outage_began_at"]) if failing else None,
        "reason": found["reason"] if failing or found["errors"] else "",
        "checked": _checked(found),
        "rules_url": reverse("admin:metrics_alertrule_changelist"),
    }
    return Panel("nodewise/provider_health.html", context)


FAILING = "SELECT count(*) FROM llm_provider_health WHERE state = %s AND checked_at >= %s"


def failing_providers() -> "QuerySet[ProviderHealth]":
    """Those that fail, by what the timer found last."""
    lately = timezone.now() - MAX_AGE
    return ProviderHealth.objects.filter(state=ProviderState.FAILING, checked_at__gte=lately)


def failing_count(request: HttpRequest) -> int:
    """How many fail, for the sidebar of every page: asked in fewer steps than a queryset's."""
    with connection.cursor() as cursor:
        cursor.execute(FAILING, [ProviderState.FAILING, timezone.now() - MAX_AGE])
        number: int = cursor.fetchone()[0]
    return number


def outage_widget(request: HttpRequest) -> Widget | None:
    """Which providers fail, since when and why; no card while all answer."""
    if not request.user.has_perm("llmconfig.view_provider"):
        return None
    rows = {row.provider: row for row in failing_providers()}
    if not rows:
        return None
    failing = [
        {
            "name": provider.name,
            "page": reverse("admin:llmconfig_provider_change", args=[provider.pk]),
            "since": rows[provider.name].outage_began_at,
            "reason": rows[provider.name].reason,
        }
        for provider in Provider.objects.filter(name__in=rows).order_by("name")
    ]
    return Widget("nodewise/widgets/outages.html", {"failing": failing}, width=12)


def _current(found: Found) -> Found:
    """What is known, unless it is too old."""
    checked = _moment(found["checked_at"]) if found else None
    return found if checked is not None and timezone.now() - checked < MAX_AGE else None


def _state(found: Mapping[str, Any]) -> SafeString:
    state = ProviderState(found["state"])
    return badge(in_a_line(state.label), TONES[state])


def _errors(found: Mapping[str, Any]) -> str:
    if not found["errors"]:
        return ""
    return gettext("{errors} of {requests} failed in 15 min").format(
        errors=count(found["errors"]), requests=count(found["requests"])
    )


def _cooling(found: Mapping[str, Any]) -> str:
    until = _moment(found["cooling_until"])
    if until is None or until <= timezone.now():
        return ""
    return gettext("cooling until {time} UTC").format(time=f"{until.astimezone(dt.UTC):%H:%M:%S}")


def _checked(found: Mapping[str, Any]) -> str:
    when = _moment(found["checked_at"])
    return "" if when is None else f"{when.astimezone(dt.UTC):%H:%M:%S} UTC"


def _moment(text: str | None) -> dt.datetime | None:
    """A time as PostgreSQL writes it into JSON."""
    return parse_datetime(text) if text else None


register_health_view(HealthView(health_value, health_badge, health_panel, failing_count))
register_widget(outage_widget, rank=1)


@admin.register(ProviderHealth)
class ProviderHealthAdmin(ReadOnlyAdmin):
    """What the timer found of each provider; a provider's own page says it in words."""

    list_display = ("provider", "state", "requests", "errors", "cooling_until", "checked_at")
    list_filter = ("state",)
