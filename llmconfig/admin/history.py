"""Every change of the configuration: who, when, from where, and field by field what."""

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Count, Model
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from msgspec import Struct

from llmconfig.admin.kit.presentation import NOTHING, badge, link
from llmconfig.admin.kit.writes import SEEN, ReadOnlyAdmin, current_revision
from llmconfig.configuration.rollback import RowChange, preview, roll_back
from llmconfig.errors import ChangeRefused
from llmconfig.models import ConfigVersion, Provider, Revision, RevisionChange
from llmconfig.roles import RANK, Role, rank_of, username_field

TABLES = {
    "llm_providers": (_("provider"), ("name",)),
    "llm_provider_models": (_("model"), ("model_id",)),
    "llm_model_prices": (_("price"), ("valid_from",)),
    "llm_global_config": (_("interaction type"), ("interaction_type",)),
    "llm_node_configuration": (_("node"), ("node_name",)),
    "llm_user_config": (_("user override"), ("interaction_type", "node_id")),
    "llm_config": (_("processing settings"), ()),
    "llm_budgets": (_("budget"), ("name",)),
    "llm_budget_ledger": (_("spending of the budget"), ("budget", "period_start")),
    "llm_experiments": (_("experiment"), ("name",)),
    "llm_experiment_arms": (_("variant"), ("name",)),
}
# Moves with every save and tells nothing.
UNTOLD = frozenset({"id", "created_at", "updated_at", "synced_values", "validated_at"})
SOURCE_TONES = {"admin": "info", "api": "info", "yaml": "good", "sql": "warning"}


class FieldDiff(Struct, frozen=True):
    """One field on both sides, as text."""

    name: str
    before: str
    after: str

    @property
    def differs(self) -> bool:
        """Whether a person sees a difference."""
        return self.before != self.after


class RowDiff(Struct, frozen=True):
    """One row that a revision touched."""

    kind: str
    name: str
    verb: str
    tone: str
    fields: tuple[FieldDiff, ...]


def diffs(changes: Iterable[RevisionChange | RowChange]) -> list[RowDiff]:
    """What changes did, with providers by their names; what is blank on both sides is left out."""
    providers = {str(key): name for key, name in Provider.objects.values_list("pk", "name")}
    return [diff(each, providers) for each in changes]


def diff(
    change: RevisionChange | RowChange, providers: Mapping[str, str] = MappingProxyType({})
) -> RowDiff:
    """What a change did, in words that a person knows the row by."""
    before, after = _named(change.before, providers), _named(change.after, providers)
    kind, name_fields = TABLES.get(change.table_name, (change.table_name, ()))
    row = after or before
    name = next((str(row[each]) for each in name_fields if row.get(each)), "")
    verb, tone = gettext("changed"), "info"
    if not before:
        verb, tone = gettext("added"), "good"
    elif not after:
        verb, tone = gettext("removed"), "danger"
    names = [name for name in {**before, **after} if name not in UNTOLD]
    return RowDiff(
        kind=str(kind),
        name=name,
        verb=verb,
        tone=tone,
        fields=tuple(
            told
            for each in names
            if (told := FieldDiff(each, _text(before.get(each)), _text(after.get(each)))).differs
        ),
    )


def _named(row: Mapping[str, Any] | None, providers: Mapping[str, str]) -> dict[str, Any]:
    """A row with its provider's name, if it is known, in place of the key."""
    told = dict(row or {})
    key = str(told.get("provider_id", ""))
    if key in providers:
        told["provider"] = providers[key]
        del told["provider_id"]
    return told


def _text(value: Any) -> str:
    if value in (None, "", []):
        return ""
    if isinstance(value, bool):
        return gettext("yes") if value else gettext("no")
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def source_badge(revision: Revision) -> SafeString:
    """The surface that a revision came from, as a badge."""
    return badge(revision.source, SOURCE_TONES.get(revision.source, "plain"))


@admin.register(Revision)
class RevisionAdmin(ReadOnlyAdmin):
    """The numbered states of the configuration, newest first."""

    list_display = ("number", "created_at", "who", "origin", "message", "rows")
    list_filter = ("source", "created_at")
    list_select_related = ("user",)
    search_fields = ("message", f"user__{username_field()}")
    date_hierarchy = "created_at"
    show_full_result_count = False
    fieldsets = ((None, {"fields": ("number", "created_at", "who", "origin", "message")}),)
    readonly_fields = ("who", "origin")
    change_form_outer_after_template = "nodewise/revision_diff.html"

    def get_queryset(self, request: HttpRequest) -> Any:
        """With the number of rows that changed."""
        return super().get_queryset(request).annotate(rows_changed=Count("changes"))

    @admin.display(description=_("Changed by"), ordering=f"user__{username_field()}")
    def who(self, revision: Revision) -> str | SafeString:
        """The person, if one was signed in."""
        return str(revision.user) if revision.user else NOTHING

    @admin.display(description=_("Source"), ordering="source")
    def origin(self, revision: Revision) -> SafeString:
        return source_badge(revision)

    @admin.display(description=_("Rows"), ordering="rows_changed")
    def rows(self, revision: Any) -> int:
        """How many rows it added, changed or removed."""
        return int(revision.rows_changed)

    def fill_page(self, request: HttpRequest, obj: Model | None, context: dict[str, Any]) -> None:
        """With the diff of each row, and for administrators the way back to this state."""
        if isinstance(obj, Revision):
            context["row_diffs"] = diffs(obj.changes.all())
            if self.has_roll_back_permission(request) and obj.pk != current_revision():
                context["roll_back_to"] = obj.pk

    def has_roll_back_permission(self, request: HttpRequest) -> bool:
        return rank_of(request.user) >= RANK[Role.ADMINISTRATOR]

    def get_urls(self) -> list[URLPattern]:
        """The page that shows what a rollback would do, and does it."""
        view = self.admin_site.admin_view(self.roll_back_view)
        return [path("<int:number>/roll-back/", view, name="llm_roll_back"), *super().get_urls()]

    def roll_back_view(self, request: HttpRequest, number: int) -> HttpResponse:
        """Show the difference to now; a POST writes it, unless the state has moved on."""
        if not self.has_roll_back_permission(request):
            raise PermissionDenied
        revision = get_object_or_404(Revision, pk=number)
        refusal = ""
        if request.method == "POST":
            refusal = self._roll_back(request, revision)
            if not refusal:
                return HttpResponseRedirect(reverse("admin:llmconfig_revision_changelist"))
        seen = current_revision()
        planned = preview(number)
        context = {
            **self.admin_site.each_context(request),
            "title": gettext("Roll back to revision {number}").format(number=number),
            "opts": self.opts,
            "revision": revision,
            "refusal": refusal,
            "notes": planned.notes,
            "row_diffs": diffs(planned.changes),
            "seen_name": SEEN,
            "seen_revision": seen,
        }
        return TemplateResponse(request, "nodewise/roll_back.html", context)

    def _roll_back(self, request: HttpRequest, revision: Revision) -> str:
        """Do it; what is given back says why not."""
        seen = request.POST.get(SEEN, "")
        if not seen.isdigit():
            return gettext(
                "This form is incomplete: it doesn't say which revision it shows. Open the page"
                " again."
            )
        user = request.user if request.user.is_authenticated else None
        try:
            done = roll_back(revision.pk, source="admin", user=user, seen=int(seen))
        except ChangeRefused as refused:
            return str(refused)
        for note in done.notes:
            messages.warning(request, note)
        messages.success(
            request,
            gettext("Rolled back to revision {number}.").format(number=done.to),
        )
        return ""


@admin.register(RevisionChange)
class RevisionChangeAdmin(ReadOnlyAdmin):
    """Single rows of the history: search a row's key to see all that ever happened to it."""

    list_display = ("row", "verb", "fields_changed", "in_revision")
    list_filter = ("table_name",)
    list_select_related = ("revision",)
    search_fields = ("=row_key",)
    show_full_result_count = False
    ordering = ("-id",)
    fieldsets = ((None, {"fields": ("in_revision", "table_name", "row_key", "before", "after")}),)
    readonly_fields = ("in_revision",)

    @admin.display(description=_("Row"))
    def row(self, change: RevisionChange) -> str:
        """Return the kind and name of the changed row, as people know them."""
        told = diff(change)
        return f"{told.kind} {told.name}".strip()

    @admin.display(description=_("What"))
    def verb(self, change: RevisionChange) -> SafeString:
        told = diff(change)
        return badge(told.verb, told.tone)

    @admin.display(description=_("Fields"))
    def fields_changed(self, change: RevisionChange) -> str:
        return ", ".join(each.name for each in diff(change).fields)

    @admin.display(description=_("Revision"), ordering="revision")
    def in_revision(self, change: RevisionChange) -> SafeString:
        """The revision that it belongs to."""
        address = reverse("admin:llmconfig_revision_change", args=[change.revision_id])
        return link(address, f"{change.revision_id} ({change.revision.source})")


@admin.register(ConfigVersion)
class ConfigVersionAdmin(ReadOnlyAdmin):
    """The number of the state in force; processes compare its token with theirs."""

    list_display = ("revision", "token")
    fieldsets = ((None, {"fields": ("revision", "token")}),)
