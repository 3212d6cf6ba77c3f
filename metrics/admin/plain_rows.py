"""Lists of many rows and nothing to tick: their table in a tenth of the theme's markup and time."""

import datetime as dt
from collections.abc import Callable, Iterator
from typing import Any

from django.contrib.admin.templatetags.admin_list import result_headers
from django.contrib.admin.utils import display_for_field, lookup_field, quote
from django.urls import reverse
from django.utils.html import conditional_escape, escape
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

from llmconfig.admin.kit.presentation import NOTHING, badge, moment
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
        (lead, shown), *others = [
            (f' class="field-{name}"', self._column(str(name))) for name in self.list_display
        ]
        for row in self.result_list:
            first = f'<a href="{escape(page(row))}">{conditional_escape(shown(row))}</a>'
            cells = "".join(
                f"<td{style}>{conditional_escape(show(row))}</td>" for style, show in others
            )
            # Names of our own, and what was escaped above.
            yield mark_safe(f'<th scope="row"{lead}>{first}</th>{cells}')  # noqa: S308

    def _page_of_row(self) -> Callable[[Any], str]:
        """The address of a row's page, which leads back to the same filters."""
        name = f"admin:{self.opts.app_label}_{self.opts.model_name}_change"
        address = reverse(name, args=[KEY], current_app=self.model_admin.admin_site.name)
        before, _key, after = address.partition(KEY)
        kept = f"?{self.preserved_filters}" if self.preserved_filters else ""
        return lambda row: f"{before}{quote(row.pk)}{after}{kept}"

    def _column(self, name: str) -> Callable[[Any], Any]:
        """What a row shows in a column, found once for all rows: a field or the page's method."""
        column = next((each for each in self.opts.get_fields() if each.name == name), None)
        if column is not None:
            return lambda row: _of_field(getattr(row, name), column)
        method = getattr(self.model_admin, name, None)
        if method is None:  # the row's own method
            return lambda row: _as_text(lookup_field(name, row, self.model_admin)[2])
        if getattr(method, "boolean", False):
            good, bad = badge(_("yes"), "good"), badge(_("no"), "danger")
            return lambda row: good if method(row) else bad
        return lambda row: _as_text(method(row))


def _of_field(value: Any, column: Any) -> Any:
    return (
        _as_text(value)
        if isinstance(value, dt.datetime)
        else display_for_field(value, column, NOTHING)
    )


def _as_text(value: Any) -> Any:
    if isinstance(value, dt.datetime):
        return moment(value, seconds=True)  # calls of one minute are many
    return NOTHING if value is None else value
