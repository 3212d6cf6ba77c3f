"""A session, conversation or batch: its calls as a timeline."""

import datetime as dt
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import DateTimeField, ExpressionWrapper, F, Max, Min, Value
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext

from llmconfig.configuration.known_costs import money
from llmconfig.configuration.numbers import count, duration, milliseconds
from metrics.admin.periods import SINCE, UNTIL
from metrics.admin.viewers_zone import viewers_zone
from metrics.bounded import bounded
from metrics.errors import TookTooLong, Unanswerable
from metrics.models import GenerationMetric
from metrics.queries import total
from metrics.questions import MetricsQuestion

MAX_SHOWN = 200


def session_page(session: UUID) -> str:
    """The address of a session's page."""
    return reverse("admin:metrics_session", args=[session])


def session_view(request: HttpRequest, session: UUID) -> HttpResponse:
    """The first calls in the order in which they began, and the sums of all."""
    if not request.user.has_perm("metrics.view_generationmetric"):
        raise PermissionDenied
    try:
        with bounded():
            return _page(request, session)
    except (TookTooLong, Unanswerable):
        return _too_slow(request, session)


def _too_slow(request: HttpRequest, session: UUID) -> HttpResponse:
    """The way to its newest calls."""
    calls = f"{reverse('admin:metrics_generationmetric_changelist')}?"
    days = (("1", gettext("The last 24 hours")), ("7", gettext("The last 7 days")))
    narrower = [
        (label, calls + urlencode({"days": number, "session": str(session)}))
        for number, label in days
    ]
    context = {**admin.site.each_context(request), "title": _title(session)}
    return TemplateResponse(request, "nodewise/too_slow.html", context | {"narrower": narrower})


def _title(session: UUID) -> str:
    return gettext("Session {session}").format(session=session)


def _page(request: HttpRequest, session: UUID) -> HttpResponse:
    calls = GenerationMetric.objects.filter(session_id=session)
    # The sum keeps the planner from walking the index of times for the ends of one session.
    moment = ExpressionWrapper(
        F("created_at") + Value(dt.timedelta(0)), output_field=DateTimeField()
    )
    ends = calls.aggregate(first=Min(moment), last=Max(moment))
    if ends["first"] is None:
        raise Http404(
            gettext("Session {session} has no calls, or they are no longer kept.").format(
                session=session
            )
        )
    shown = list(
        calls.filter(created_at__gte=ends["first"]).defer("attempts").order_by("created_at", "pk")
        [:MAX_SHOWN]
    )  # fmt: skip
    since, until = ends["first"], ends["last"] + dt.timedelta(seconds=1)
    sums = total(MetricsQuestion(since=since, until=until, only={"batch": session})).figures
    asked = {SINCE: since.isoformat(), UNTIL: until.isoformat(), "session": str(session)}
    context = {
        **admin.site.each_context(request),
        "title": _title(session),
        "zone": viewers_zone(request).key,
        "figures": [
            (gettext("calls"), count(sums.calls)),
            (gettext("cost"), str(sums.cost)),
            (gettext("tokens in"), count(sums.tokens_input)),
            (gettext("tokens out"), count(sums.tokens_output)),
            (gettext("failed"), count(sums.failed)),
            (
                gettext("from its first call to its last"),
                duration((until - since).total_seconds() - 1),
            ),
        ],
        "lines": timeline(shown),
        "more": sums.calls - len(shown),
        "list_url": f"{reverse('admin:metrics_generationmetric_changelist')}?{urlencode(asked)}",
    }
    with timezone.override(viewers_zone(request)):
        return TemplateResponse(request, "nodewise/session.html", context).render()


def timeline(calls: Sequence[GenerationMetric]) -> list[dict[str, Any]]:
    """Each call with its place, in hundredths of the time that these calls took together."""
    first = calls[0].created_at
    ends = [(call.created_at - first).total_seconds() + call.latency_ms / 1000 for call in calls]
    whole = max(ends) or 1.0
    return [
        {
            "page": reverse("admin:metrics_generationmetric_change", args=[call.pk]),
            "when": call.created_at,
            "node": call.method_name,
            "model": f"{call.provider}/{call.model_used}" if call.provider else call.model_used,
            "tokens": f"{count(call.tokens_input)} → {count(call.tokens_output)}",
            "cost": money(call.cost_usd),
            "took": milliseconds(call.latency_ms),
            "error_code": call.error_code,
            "x": f"{100 * (call.created_at - first).total_seconds() / whole:.2f}",
            "width": f"{max(100 * call.latency_ms / 1000 / whole, 0.4):.2f}",
        }
        for call in calls
    ]


def session_urls() -> list[URLPattern]:
    """The address of a session's page."""
    view = admin.site.admin_view(session_view)
    return [path("session/<uuid:session>/", view, name="metrics_session")]
