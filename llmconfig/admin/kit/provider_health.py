"""How providers are doing, on their list and pages: the app that watches calls registers here."""

from collections.abc import Callable
from typing import Any

from django.contrib import admin
from django.db.models import Model, QuerySet
from django.db.models.expressions import Combinable
from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from msgspec import Struct

from llmconfig.admin.kit.panels import Panel


class HealthView(Struct, frozen=True):
    """What a provider's row gets by `value`, in the list's own query, and how that is shown.

    `badge` is for the list; `panel` for the provider's page, which stands under its connection;
    `failing` counts those that fail, for the sidebar.
    """

    value: Callable[[], Combinable]
    badge: Callable[[Any], SafeString]
    panel: Callable[[Any], Panel]
    failing: Callable[[HttpRequest], int]


_VIEWS: list[HealthView] = []


def register_health_view(view: HealthView) -> None:
    """Show this on the providers' list and pages, in place of what was registered before."""
    _VIEWS[:] = [view]


def failing(request: HttpRequest) -> int:
    """How many providers fail now, as far as somebody watches them."""
    return _VIEWS[0].failing(request) if _VIEWS else 0


def with_health(rows: "QuerySet[Any]") -> "QuerySet[Any]":
    """The same providers with what is known of each one's health, for `badge_of`."""
    return rows.annotate(health_found=_VIEWS[0].value()) if _VIEWS else rows


def badge_of(provider: Any) -> SafeString:
    """How a provider of `with_health` is doing; blank where nobody watches providers."""
    return _VIEWS[0].badge(provider.health_found) if _VIEWS else SafeString("")


class ShowsHealth:
    """For the page of providers; without a registered view it adds nothing."""

    def get_queryset(self, request: HttpRequest) -> Any:
        """With what is known of each provider's health."""
        return with_health(super().get_queryset(request))  # type: ignore[misc]  # of ModelAdmin

    def get_list_display(self, request: HttpRequest) -> Any:
        """The health stands beside the status."""
        shown = list(super().get_list_display(request))  # type: ignore[misc]  # of ModelAdmin
        if _VIEWS:
            shown.insert(shown.index("status") + 1, "health")
        return shown

    @admin.display(description=_("Health"))
    def health(self, provider: Any) -> SafeString:
        """Whether it answers, by the calls of the last minutes."""
        return badge_of(provider)

    def fill_page(self, request: HttpRequest, obj: Model | None, context: dict[str, Any]) -> None:
        """With a panel about its health; a new provider has none yet."""
        if obj is not None and _VIEWS:
            context["health_panel"] = _VIEWS[0].panel(getattr(obj, "health_found", None))
        super().fill_page(request, obj, context)  # type: ignore[misc]  # of ModelAdmin
