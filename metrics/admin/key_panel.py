"""What an API key's calls cost, on the key's own page."""

from urllib.parse import urlencode

from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext

from llmconfig.admin.kit.panels import Panel, register_key_panel
from llmconfig.configuration.numbers import count
from metrics.admin.periods import last_days
from metrics.admin.viewers_zone import viewers_zone
from metrics.bounded import bounded
from metrics.errors import TookTooLong
from metrics.queries import total
from metrics.questions import MetricsQuestion

DAYS = 31


def key_panel(request: HttpRequest, key: str) -> Panel | None:
    """Its sums of the last days; no figures when summing them takes too long."""
    if not request.user.has_perm("metrics.view_generationmetric"):
        return None
    zone = viewers_zone(request)
    question = MetricsQuestion(
        since=last_days(DAYS, zone), until=timezone.now(), zone=zone, only={"key": key}
    )
    address = reverse("admin:metrics_generationmetric_changelist")
    context: dict[str, object] = {
        "days": DAYS, "list_url": f"{address}?{urlencode({'key': key, 'days': DAYS})}",
    }  # fmt: skip
    try:
        with bounded():
            sums = total(question).figures
    except TookTooLong:
        return Panel("nodewise/key_spending.html", context)
    context["figures"] = (
        (gettext("spent"), str(sums.cost)),
        (gettext("calls"), count(sums.calls)),
        (gettext("failed"), count(sums.failed)),
    )
    return Panel("nodewise/key_spending.html", context)


register_key_panel(key_panel)
