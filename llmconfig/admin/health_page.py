"""Configuration health: what `llm_validate` finds, each with the page where it is put right."""

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext

from llmconfig.admin.kit.dashboard import Widget, register_widget
from llmconfig.admin.kit.pages import row_page
from llmconfig.configuration import snapshot
from llmconfig.diagnostics import health

PERMISSION = "llmconfig.view_llmconfig"


def health_view(request: HttpRequest) -> HttpResponse:
    """All problems, the serious ones first."""
    if not request.user.has_perm(PERMISSION):
        raise PermissionDenied
    state = snapshot.current()
    found = sorted(health.problems(state), key=lambda each: not each.is_serious)
    return TemplateResponse(
        request,
        "nodewise/health.html",
        {
            **admin.site.each_context(request),
            "title": gettext("Configuration health"),
            "enabled": bool(state.processing.get("enabled")),
            "problems": [
                {
                    "subject": each.subject,
                    "text": each.text,
                    "serious": each.is_serious,
                    "page": row_page(type(each.row), each.row.pk) if each.row else "",
                }
                for each in found
            ],
        },
    )


def health_badge(request: HttpRequest) -> int:
    """How many serious problems there are, for the sidebar."""
    return health.count_serious()


def health_widget(request: HttpRequest) -> Widget | None:
    """A line on the overview while something is wrong, once calls are enabled: before that the
    first steps say what is missing.
    """
    if not request.user.has_perm(PERMISSION) or not snapshot.current().processing.get("enabled"):
        return None
    number = health.count_serious()
    if not number:
        return None
    return Widget(
        "nodewise/widgets/health.html",
        {"number": number, "page": reverse("admin:llm_health")},
        width=12,
    )


register_widget(health_widget, rank=2)
