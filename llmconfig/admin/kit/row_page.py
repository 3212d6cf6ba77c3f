"""A row's page: what stands on it beside Django's form."""

from typing import Any

from django.db.models import Model
from django.http import HttpRequest, HttpResponse


class FillsPage:
    """For admin classes, before Django's own: one hook adds to what the page's templates get."""

    def fill_page(self, request: HttpRequest, obj: Model | None, context: dict[str, Any]) -> None:
        """Add to the page's context; a row that isn't stored yet is None."""

    def render_change_form(
        self,
        request: HttpRequest,
        context: dict[str, Any],
        add: bool = False,
        change: bool = False,
        form_url: str = "",
        obj: Model | None = None,
    ) -> HttpResponse:
        """Django's page with what `fill_page` added."""
        self.fill_page(request, obj, context)
        page: HttpResponse = super().render_change_form(  # type: ignore[misc]  # of ModelAdmin
            request, context, add, change, form_url, obj
        )
        return page
