"""How often confidences were right, and a threshold for a wanted precision at one click."""

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.http import urlencode
from django.utils.translation import gettext

from enrichment.calibration import Calibration, calibrations
from enrichment.enrichments import get, names
from enrichment.enrichments.contract import Enrichment
from llmconfig.configuration import revisions
from llmconfig.configuration.numbers import decimal, percent
from llmconfig.models import LLMConfig
from llmconfig.models.processing import SINGLE_ROW_ID

PRECISIONS = (0.8, 0.9, 0.95, 0.98, 0.99)
DEFAULT_PRECISION = 0.95
MAY_VIEW, MAY_SET = "enrichment.view_enrichmentresult", "llmconfig.change_llmconfig"


def _with_floor() -> list[Enrichment]:
    return [get(name) for name in names() if get(name).confidence_floor]


def _precision(given: str) -> float:
    return next((each for each in PRECISIONS if str(each) == given), DEFAULT_PRECISION)


def calibration_view(request: HttpRequest) -> HttpResponse:
    """Show each model's calibration; a POST sets an enrichment's least confidence."""
    if not request.user.has_perm(MAY_VIEW):
        raise PermissionDenied
    if request.method == "POST":
        return _set(request)
    precision = _precision(request.GET.get("precision", ""))
    groups = [
        {
            "enrichment": enrichment,
            "floor": enrichment.floor(),
            "models": calibrations(enrichment, precision=precision),
        }
        for enrichment in _with_floor()
    ]
    return TemplateResponse(
        request,
        "nodewise/calibration.html",
        {
            **admin.site.each_context(request),
            "title": gettext("Confidence"),
            "groups": groups,
            "precision": precision,
            "precisions": [(each, percent(each)) for each in PRECISIONS],
            "percent": round(100 * precision),
            "may_set": request.user.has_perm(MAY_SET),
        },
    )


def _set(request: HttpRequest) -> HttpResponse:
    """The threshold is worked out again: what was shown may be old."""
    if not request.user.has_perm(MAY_SET):
        raise PermissionDenied
    precision = _precision(request.POST.get("precision", ""))
    found = _found(request.POST, precision)
    if found is None or found.floor is None:
        messages.warning(request, gettext("The decisions no longer support this threshold."))
    else:
        enrichment, user = get(found.enrichment), request.user
        _write(enrichment, found.floor, user, precision)
        messages.success(
            request,
            gettext("{enrichment}: parts below {floor} now wait for review.").format(
                enrichment=enrichment.label, floor=decimal(found.floor)
            ),
        )
    query = urlencode({"precision": str(precision)})
    return HttpResponseRedirect(f"{reverse('admin:enrichment_calibration')}?{query}")


def _found(given: Any, precision: float) -> Calibration | None:
    """The calibration that a form names."""
    wanted = (given.get("enrichment"), given.get("model"), given.get("source"))
    return next(
        (
            each
            for enrichment in _with_floor()
            if enrichment.name == wanted[0]
            for each in calibrations(enrichment, precision=precision)
            if (each.enrichment, each.model, each.source) == wanted
        ),
        None,
    )


def _write(enrichment: Enrichment, floor: float, user: Any, precision: float) -> None:
    message = f"{enrichment.name}: least confidence for a precision of {precision:g}"
    with revisions.change(user=user, source="admin", message=message):
        LLMConfig.objects.filter(pk=SINGLE_ROW_ID).update(**{enrichment.confidence_floor: floor})


def calibration_urls() -> list[URLPattern]:
    """The page's address, below the results'."""
    view = admin.site.admin_view(calibration_view)
    return [path("confidence/", view, name="enrichment_calibration")]
