"""Rows that a person chose in a list, by ticking them or by the list's filters, as a query."""

from collections.abc import Sequence
from copy import copy
from typing import Any

from django.apps import apps
from django.contrib import admin
from django.contrib.admin import helpers
from django.contrib.admin.options import IncorrectLookupParameters
from django.core.exceptions import ImproperlyConfigured, PermissionDenied, SuspiciousOperation
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponseRedirect, QueryDict
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.safestring import SafeString
from django.utils.text import capfirst
from django.utils.translation import gettext, gettext_lazy
from django.utils.translation import gettext_lazy as _
from msgspec import Struct

from enrichment.enrichments import get, names
from enrichment.enrichments.contract import Enrichment
from enrichment.errors import BadSelection
from llmconfig.admin.kit.presentation import link

NAMES_SHOWN = 5


class ChosenRows(Struct, frozen=True):
    """Rows of one table: those ticked (`ids`), or those that a list's `query` string shows.

    `ids` None and `query` blank: all rows. `table` is app.Model, blank for any enrichment's.
    """

    table: str = ""
    ids: tuple[str, ...] | None = None
    query: str = ""

    @classmethod
    def of(cls, given: Any) -> "ChosenRows":
        """From a request's parameters."""
        ids = tuple(dict.fromkeys(filter(None, str(given.get("rows", "")).split(","))))
        return cls(str(given.get("table", "")), ids or None, str(given.get("query", "")))

    @property
    def enrichments(self) -> list[Enrichment]:
        """Those that write to the table in batches."""
        found = (get(name) for name in names())
        return [each for each in found if each.in_batches and self.table in {"", each.target}]

    def within(self, request: HttpRequest) -> "QuerySet[Any] | None":
        """The rows that the list shows; None where no list was filtered. Raises BadSelection."""
        if not self.query:
            return None
        model = _model(self.table)
        pages = admin.site._registry.get(model)  # noqa: SLF001 - no public way before Django 5
        if pages is None or not pages.has_view_permission(request):
            raise PermissionDenied
        asked = copy(request)
        asked.method, asked.GET = "GET", QueryDict(self.query)
        try:
            return pages.get_changelist_instance(asked).get_queryset(asked)
        except (IncorrectLookupParameters, SuspiciousOperation, ImproperlyConfigured):
            raise BadSelection(
                gettext("rows: the list's filters can't be read. Open the list and choose again."),
                field="ids",
            ) from None

    def describe(self) -> str:
        """Which rows these are, in words."""
        if self.ids is not None:
            shown = list(_named(self.table, self.ids[:NAMES_SHOWN]))
            more = len(self.ids) - len(shown)
            number, names = len(self.ids), ", ".join(shown)
            if not names:
                return gettext("{number} chosen").format(number=number)
            if more <= 0:
                return gettext("{number} chosen: {names}").format(number=number, names=names)
            return gettext("{number} chosen: {names} and {more} more").format(
                number=number, names=names, more=more
            )
        if not self.table:
            return ""
        plural = str(_model(self.table)._meta.verbose_name_plural)  # noqa: SLF001 - documented
        if self.query:
            return gettext("{rows}, filtered by: {query}").format(
                rows=capfirst(plural), query=self.query
            )
        return gettext("All {rows}").format(rows=plural)


def _model(table: str) -> type[Model]:
    """The model of app.Model; raises BadSelection for what is none."""
    try:
        return apps.get_model(table)
    except (LookupError, ValueError):
        raise BadSelection(
            gettext("table: there is no table {table}.").format(table=repr(table)), field="ids"
        ) from None


def _named(table: str, ids: Sequence[str]) -> list[str]:
    try:
        rows = _model(table)._default_manager.filter(pk__in=ids)  # noqa: SLF001 - documented
        return [str(row) for row in rows]
    except (BadSelection, ValueError, TypeError):
        return []


def start_address(
    *,
    table: str,
    ids: Sequence[str] = (),
    query: str = "",
    page: str = "admin:enrichment_batch_add",
    **more: str,
) -> str:
    """The page that starts a batch, or another one of ours, filled with these rows."""
    given = {"table": table, "rows": ",".join(ids), "query": query, **more}
    chosen = {name: value for name, value in given.items() if value}
    return f"{reverse(page)}?{urlencode(chosen)}"


class EnrichedRows:
    """For the list of a table that is enriched: an action, and a link on each row.

    Stand it before the admin class: `class AnimalAdmin(EnrichedRows, ModelAdmin)`, and put
    `enrich_link` into `list_display`.
    """

    actions: Any = ("start_batch", "make_set")
    model: type[Model]

    def has_enrich_permission(self, request: HttpRequest) -> bool:
        """Whoever may start batches."""
        return request.user.has_perm("enrichment.add_batch")

    @admin.action(description=_("Enrich …"), permissions=["enrich"])
    def start_batch(self, request: HttpRequest, queryset: "QuerySet[Any]") -> HttpResponseRedirect:
        """To the page that starts a batch: with the ticked rows, or all that the filter shows."""
        return HttpResponseRedirect(self._with_rows(request, "admin:enrichment_batch_add"))

    def has_make_set_permission(self, request: HttpRequest) -> bool:
        """Whoever may make sets."""
        return request.user.has_perm("enrichment.add_evaluationset")

    @admin.action(description=gettext_lazy("Make a test set …"), permissions=["make_set"])
    def make_set(self, request: HttpRequest, queryset: "QuerySet[Any]") -> HttpResponseRedirect:
        """To the page that makes a set: with the ticked rows, or all that the filter shows."""
        return HttpResponseRedirect(self._with_rows(request, "admin:enrichment_evaluationset_add"))

    def _with_rows(self, request: HttpRequest, page: str) -> str:
        table = self.model._meta.label  # noqa: SLF001 - Django's documented name
        if request.POST.get("select_across") == "1":
            # A list without filters means the whole table, which is kept up from then on.
            return start_address(table=table, query=request.GET.urlencode(), page=page)
        ids = request.POST.getlist(helpers.ACTION_CHECKBOX_NAME)
        return start_address(table=table, ids=ids, page=page)

    def get_list_display(self, request: HttpRequest) -> Any:
        """Without the rows' link for those who may not start batches."""
        columns = super().get_list_display(request)  # type: ignore[misc]  # the admin class's
        if self.has_enrich_permission(request):
            return columns
        return [each for each in columns if each != "enrich_link"]

    @admin.display(description="")
    def enrich_link(self, row: Any) -> SafeString:
        """Starts with this one row."""
        table = self.model._meta.label  # noqa: SLF001 - Django's documented name
        return link(start_address(table=table, ids=[str(row.pk)]), gettext("Enrich"))
