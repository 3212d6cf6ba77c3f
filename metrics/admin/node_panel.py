"""What a node's calls of the last seven days cost, and the last of them, on the node's own page."""

import datetime as dt
from urllib.parse import urlencode

from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext
from msgspec import Struct

from llmconfig.admin.kit.panels import Panel, register_node_panel
from llmconfig.admin.kit.presentation import moment
from llmconfig.configuration.known_costs import money
from llmconfig.configuration.numbers import count, milliseconds, percent
from metrics.admin.periods import DEFAULT_DAYS
from metrics.models import GenerationMetric
from metrics.queries import Figures, total
from metrics.questions import Grain, MetricsQuestion, start_of

SHOWN = 10


class CallLine(Struct, frozen=True):
    """One call as a line of the table."""

    page: str
    when: str
    model: str
    tokens: str
    cost: str
    took: str
    error_code: str


def node_panel(request: HttpRequest, node: str) -> Panel | None:
    """The last calls, and the sums of the week that ends today."""
    if not request.user.has_perm("metrics.view_generationmetric"):
        return None
    now = timezone.now()
    since = start_of(now, Grain.DAY) - dt.timedelta(days=DEFAULT_DAYS - 1)
    calls = GenerationMetric.objects.filter(created_at__gte=since, method_name=node)
    address = reverse("admin:metrics_generationmetric_changelist")
    context: dict[str, object] = {
        "lines": [_line(call) for call in calls.defer("attempts").order_by("-created_at")[:SHOWN]],
        "days": DEFAULT_DAYS,
        "list_url": f"{address}?{urlencode({'q': node, 'days': DEFAULT_DAYS})}",
    }
    if context["lines"]:
        context |= _sums(
            total(MetricsQuestion(since=since, until=now, only={"node": node})).figures
        )
    return Panel("nodewise/node_calls.html", context)


def _sums(sums: Figures) -> dict[str, object]:
    return {
        "figures": (
            (gettext("calls"), count(sums.calls)),
            (gettext("spent"), str(sums.cost)),
            (gettext("failed"), percent(sums.failed / sums.calls, 1)),
            (gettext("mean latency"), milliseconds(sums.average_latency_ms or 0)),
        ),
        "cost": sums.cost,
    }


def _line(call: GenerationMetric) -> CallLine:
    return CallLine(
        page=reverse("admin:metrics_generationmetric_change", args=[call.pk]),
        when=moment(call.created_at, seconds=True),
        model=f"{call.provider}/{call.model_used}" if call.provider else call.model_used,
        tokens=f"{count(call.tokens_input)} → {count(call.tokens_output)}",
        cost=money(call.cost_usd),
        took=milliseconds(call.latency_ms),
        error_code=call.error_code,
    )


register_node_panel(node_panel)
