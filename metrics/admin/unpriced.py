"""Models whose calls have no known cost: how much that is, their price, and pricing past calls."""

import datetime as dt
from decimal import Decimal
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from llmconfig.configuration.known_costs import KnownCost, money, total
from llmconfig.configuration.numbers import count
from llmconfig.configuration.revisions import change
from llmconfig.models import Provider, ProviderModel
from metrics.admin.viewers_zone import viewers_zone
from metrics.analyzers.cost import Unpriced, unpriced
from metrics.analyzers.reprice import reprice
from metrics.models import GenerationMetric
from metrics.questions import Grain, start_of

PERMISSION = "metrics.view_generationmetric"
TO_PRICE = "llmconfig.add_modelprice"
PERIODS = {7: _("7 days"), 31: _("31 days"), 92: _("3 months"), 366: _("12 months")}
USUAL_DAYS = 31
MAX_AT_ONCE = 50_000  # calls that a button prices while a person waits
PRICED_BY = {"table": _("at its current price"), "suggestion": _("at the suggested price"), "": ""}


def unpriced_view(request: HttpRequest) -> HttpResponse:
    """The list; a POST prices the past calls of one model by the prices as they are listed now."""
    if not request.user.has_perm(PERMISSION):
        raise PermissionDenied
    values = request.POST if request.method == "POST" else request.GET
    asked = values.get("days", "")
    days = int(asked) if asked in {str(each) for each in PERIODS} else USUAL_DAYS
    zone, now = viewers_zone(request), timezone.now()
    since = start_of(now, Grain.DAY, zone) - dt.timedelta(days=days - 1)
    if request.method == "POST":
        if not request.user.has_perm(TO_PRICE):
            raise PermissionDenied
        name = values.get("provider", ""), values.get("model", "")
        _price_past_calls(request, name, since=since, until=now)
        return HttpResponseRedirect(f"{reverse('admin:metrics_unpriced')}?days={days}")
    found = unpriced(since=since, until=now)
    context = {
        **admin.site.each_context(request),
        "title": gettext("Unpriced models"),
        "days": days,
        "periods": PERIODS,
        "zone": zone.key,
        "lines": [_line(each, days) for each in found],
        "cost": total(KnownCost(None, each.calls, each.tokens) for each in found),
        "may_price": request.user.has_perm(TO_PRICE),
    }
    with timezone.override(zone):
        return TemplateResponse(request, "nodewise/unpriced_models.html", context).render()


def unpriced_urls() -> list[URLPattern]:
    """The address of the page about models without a price."""
    return [path("unpriced/", admin.site.admin_view(unpriced_view), name="metrics_unpriced")]


def _price_past_calls(
    request: HttpRequest, name: tuple[str, str], *, since: dt.datetime, until: dt.datetime
) -> None:
    """As `llm_reprice` does it, for the calls of one model that have no cost."""
    shown = "/".join(filter(None, name))
    waiting = GenerationMetric.objects.filter(
        created_at__gte=since, created_at__lt=until, cost_usd=None, provider=name[0],
        model_used=name[1],
    ).order_by()  # fmt: skip
    if len(waiting.values_list("pk")[: MAX_AT_ONCE + 1]) > MAX_AT_ONCE:
        messages.warning(
            request,
            gettext(
                "{model} has more than {number} such calls in this period: choose a shorter"
                " one, or run `manage.py llm_reprice`."
            ).format(model=shown, number=count(MAX_AT_ONCE)),
        )
        return
    message = f"Priced calls of {shown} that had no cost, by the prices as listed."
    user = request.user if request.user.is_authenticated else None
    with change(source="admin", user=user, message=message):
        done = reprice(since=since, until=until, dry_run=False, unpriced_of=name).models
    priced = sum(each.calls - each.unpriced_after for each in done)
    if not priced:
        messages.warning(
            request,
            gettext(
                "No call of {model} could be priced: enter a price that applies from before"
                " its calls. Calls without token counts stay unpriced."
            ).format(model=shown),
        )
        return
    cost = sum((each.after for each in done), Decimal(0))
    messages.success(
        request,
        ngettext(
            "{number} call of {model} is priced now: {cost}.",
            "{number} calls of {model} are priced now: {cost}.",
            priced,
        ).format(number=count(priced), model=shown, cost=money(cost)),
    )


def _line(each: Unpriced, days: int) -> dict[str, Any]:
    """As the table shows it."""
    calls = reverse("admin:metrics_generationmetric_changelist")
    filters = {"days": str(days), "outcome": "unpriced", "by": each.provider, "model": each.model}
    wanted = {name: value for name, value in filters.items() if value}
    return {
        "provider": each.provider,
        "model": each.model,
        "calls": count(each.calls),
        "tokens": count(each.tokens),
        "would_cost": money(each.would_cost_usd),
        "priced_by": PRICED_BY[each.priced_by],
        "can_be_priced": each.priced_by == "table",
        "first_seen": each.first_seen,
        "last_seen": each.last_seen,
        "calls_url": f"{calls}?{urlencode(wanted)}",
        "price_url": _price_page(each),
    }


def _price_page(each: Unpriced) -> str:
    """Where its price is entered: its page in the catalogue, or the form that adds it there."""
    model = ProviderModel.objects.filter(
        provider__name=each.provider, model_id=each.model
    ).first()  # fmt: skip
    if model is not None:
        return reverse("admin:llmconfig_providermodel_change", args=[model.pk])
    provider = Provider.objects.filter(name=each.provider).first()
    if provider is None:
        return ""
    wanted = urlencode({"provider": str(provider.pk), "model_id": each.model})
    return f"{reverse('admin:llmconfig_providermodel_add')}?{wanted}"
