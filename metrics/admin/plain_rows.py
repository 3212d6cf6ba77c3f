"""Lists of many rows and nothing to tick: their table in a tenth of the theme's markup and time."""

import datetime as dt
from collections.abc import Callable, Iterator
from typing import Any

from django.contrib.admin.templatetags.admin_list import result_headers
from django.contrib.admin.utils import display_for_field, lookup_field, quote
from django.urls import reverse
from django.utils import timezone
from django.utils.html import conditional_escape, format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

from llmconfig.admin.kit.presentation import NOTHING, badge
from llmconfig.admin.kit.theme import ChangeList

KEY = "-key-"


class PlainChangeList(ChangeList):
    """Django's, for `nodewise/plain_rows.html`: the first column leads to the row's page."""

    def headers(self) -> list[dict[str, Any]]:
        """Django's own: texts and addresses to sort by."""
        return list(result_headers(self))

    def rows(self) -> Iterator[SafeString]:
        """Each row as the cells of a table, all that a person said escaped."""
        page = self._page_of_row()
        fields = [(str(name), f' class="field-{name}"') for name in self.list_display]
        for row in self.result_list:
            (first, style), *others = fields
            lead = format_html('<a href="{}">{}</a>', page(row), self._shown(row, first))
            cells = "".join(
                f"<td{style}>{conditional_escape(self._shown(row, name))}</td>"
                for name, style in others
            )
            # Names of our own, and what was escaped above.
            yield mark_safe(f'<th scope="row"{style}>{lead}</th>{cells}')  # noqa: S308

    def _page_of_row(self) -> Callable[[Any], str]:
        """The address of a row's page, which leads back to the same filters."""
        name = f"admin:{self.opts.app_label}_{self.opts.model_name}_change"
        address = reverse(name, args=[KEY], current_app=self.model_admin.admin_site.name)
        before, _key, after = address.partition(KEY)
        kept = f"?{self.preserved_filters}" if self.preserved_filters else ""
        return lambda row: f"{before}{quote(row.pk)}{after}{kept}"

    def _shown(self, row: Any, name: str) -> Any:
        column, display, value = lookup_field(name, row, self.model_admin)
        if isinstance(value, dt.datetime):
            return f"{timezone.localtime(value):%Y-%m-%d %H:%M:%S}"  # calls of one minute are many
        if column is not None:
            return display_for_field(value, column, NOTHING)
        if getattr(display, "boolean", False):
            return badge(_("yes"), "good") if value else badge(_("no"), "danger")
        return NOTHING if value is None else value
