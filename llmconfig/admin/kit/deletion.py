"""Before a row is deleted, what names it is told: that goes on naming it, and finds nothing."""

from collections.abc import Iterable
from typing import Any

from django.contrib import messages
from django.http import HttpRequest
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext

from llmconfig.admin.kit.pages import row_page
from llmconfig.admin.kit.presentation import link
from llmconfig.configuration.uses import Use

MAX_USES = 20


class TellsUses:
    """For pages whose rows others name by name, so that no foreign key protects them."""

    def uses(self, row: Any) -> list[Use]:
        """What names the row."""
        raise NotImplementedError

    def get_deleted_objects(self, objs: Iterable[Any], request: HttpRequest) -> Any:
        """What goes with them; the page that asks also says what would be left without them."""
        if request.POST.get("post") is None:
            for row in objs:
                found = self.uses(row)
                if found:
                    messages.warning(request, _told(row, found))
        return super().get_deleted_objects(objs, request)  # type: ignore[misc]  # of ModelAdmin


def _told(row: Any, found: list[Use]) -> SafeString:
    named = format_html_join(", ", "{}", ((_linked(use),) for use in found[:MAX_USES]))
    if len(found) <= MAX_USES:
        text = gettext("{row} is used by {uses}. They would point to nothing: change them first.")
        return format_html(text, row=row, uses=named)
    text = gettext(
        "{row} is used by {uses} and {number} more. They would point to nothing: change them first."
    )
    return format_html(text, row=row, uses=named, number=len(found) - MAX_USES)


def _linked(use: Use) -> SafeString:
    page = row_page(type(use.row), use.row.pk)
    return link(page, use.words) if page else format_html("{}", use.words)
