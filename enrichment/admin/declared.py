"""Enrichments declared here: which columns, which prompt, which model, what holds answers back."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Model
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from enrichment import declaring
from enrichment.admin.batch_start import FRAGMENT
from enrichment.admin.chosen_rows import start_address
from enrichment.enrichments import names, tables
from enrichment.enrichments.contract import PromptText
from enrichment.enrichments.declared import FIRST_GATES, GATES, DeclaredKind
from enrichment.errors import BadDeclaration, BadSelection
from enrichment.models import DeclaredEnrichment
from enrichment.prompts import versions
from llmconfig.admin.kit.pages import list_page
from llmconfig.admin.kit.presentation import badge, link
from llmconfig.admin.kit.schema_field import SchemaField
from llmconfig.admin.kit.theme import CheckboxesWidget, SelectWidget, TextareaWidget
from llmconfig.admin.kit.writes import RevisionedAdmin
from llmconfig.models import NodeConfiguration

CODE = {"spellcheck": "false"}
COLUMNS = (
    "name", "label", "is_enabled", "reads", "writes", "node", "schema", "gates", "answers_in",
    "longest_answer", "longest_source",
)  # fmt: skip
KEPT_NAMES = ("name", "target")  # batches and results go by them


class DeclaredForm(forms.ModelForm):  # type: ignore[type-arg]  # generic only for the checker
    """One declaration with its wording; `table` is the one that it is about."""

    table = ""

    reads = forms.MultipleChoiceField(label=_("Reads"), widget=CheckboxesWidget)
    writes = forms.ChoiceField(label=_("Writes"), required=False, widget=SelectWidget)
    node = forms.ChoiceField(label=_("Node"), required=False, widget=SelectWidget)
    system = forms.CharField(
        label=_("Instructions"),
        required=False,
        widget=TextareaWidget(attrs={"rows": 4}),
        help_text=_("Applies to every row. <code>{{column}}</code> stands for the row's value."),
    )
    user = forms.CharField(
        label=_("Message"),
        widget=TextareaWidget(attrs={"rows": 6}),
        help_text=_(
            "About one row. Put each column between tags, such as "
            "<code>&lt;notes&gt;{{notes}}&lt;/notes&gt;</code>, so that the model takes it "
            "as data."
        ),
    )
    seen_wording = forms.IntegerField(required=False, widget=forms.HiddenInput)
    schema = SchemaField(label=_("JSON schema"), required=False)
    gates = forms.MultipleChoiceField(
        label=_("Gates"),
        required=False,
        widget=CheckboxesWidget,
        choices=[(name, label) for name, (label, _) in GATES.items()],
        initial=list(FIRST_GATES),
    )

    class Meta:
        model = DeclaredEnrichment
        fields = COLUMNS

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.kind: DeclaredKind | None = None
        if not self.instance.target:
            self.instance.target = self.table
        model = tables.model_of(self.instance.target)
        self._offer("reads", _titled(tables.readable(model)))
        self._offer(
            "writes",
            [
                ("", gettext("No column: only keep the result")),
                *_titled(tables.writable(model)),
            ],
        )
        nodes = NodeConfiguration.objects.values_list("node_name", flat=True)
        own = [("", gettext("Create a node with this name"))] if self.instance._state.adding else []  # noqa: SLF001
        self._offer("node", own + [(each, each) for each in nodes])
        for name in COLUMNS:
            column = DeclaredEnrichment._meta.get_field(name)  # noqa: SLF001 - documented
            if name in self.fields:
                self.fields[name].help_text = getattr(column, "help_text", "")
        if not self.instance._state.adding and "user" in self.fields:  # noqa: SLF001
            wording = declaring.wording_of(self.instance.name)
            seen = versions.number_in_use(self.instance.name)
            self.initial.update(system=wording.system, user=wording.user, seen_wording=seen)
        if self.initial.get("schema") is not None:
            self.fields["schema"].widget.attrs["rows"] = 12

    def _offer(self, name: str, choices: list[tuple[str, str]]) -> None:
        if name in self.fields:
            self.fields[name].choices = choices  # type: ignore[attr-defined]

    @property
    def wording(self) -> PromptText:
        """As it was typed; lines end as they are stored."""
        texts = (self.cleaned_data.get(each, "") for each in ("system", "user"))
        return PromptText(*(each.replace("\r\n", "\n").strip() for each in texts))

    def clean(self) -> dict[str, Any]:
        """Each refusal on the field it is about."""
        cleaned = super().clean() or self.cleaned_data
        if self.errors:
            return cleaned
        if not self.instance._state.adding:  # noqa: SLF001
            self._refuse_other_wording(cleaned.get("seen_wording"))
        row = DeclaredEnrichment(
            **{
                each: cleaned.get(each, getattr(self.instance, each))
                for each in ("target", *COLUMNS)
            }
        )
        try:
            self.kind = declaring.check(row, self.wording)
        except BadDeclaration as refusal:
            field = refusal.field if refusal.field in self.fields else None
            self.add_error(field, str(refusal))
        return cleaned

    def _refuse_other_wording(self, seen: int | None) -> None:
        """Prompts have versions in place of revisions, which the page compares itself."""
        present = versions.number_in_use(self.instance.name)
        if seen is not None and seen != present:
            self.add_error(
                "user",
                gettext(
                    "The prompt has changed since you opened this page: version {present} "
                    "is now in use. Your changes weren't saved; reload the page to see it."
                ).format(present=present),
            )


@admin.register(DeclaredEnrichment)
class DeclaredAdmin(RevisionedAdmin):
    """Enrichments of the project's own tables, without code."""

    form = DeclaredForm
    change_form_outer_after_template = "nodewise/declared.html"

    class Media:
        js = ("enrichment/declared.js",)

    list_display = ("label", "name", "target", "columns", "node", "state", "batches")
    list_filter = ("is_enabled", "target")
    search_fields = ("name", "label", "target")
    fieldsets = (
        (None, {"fields": ("label", "name", "is_enabled")}),
        (_("Columns"), {"fields": ("target", "reads", "writes")}),
        (
            _("Prompt"),
            {
                "fields": ("node", "system", "user", "seen_wording", "schema"),
                "description": _(
                    "Only <code>{{name}}</code> is replaced, by the row's value. Changing "
                    "the text makes the next version of the prompt."
                ),
            },
        ),
        (
            _("Gates"),
            {
                "fields": ("gates", "answers_in", "longest_answer"),
                "description": _(
                    "Answers that fail a gate wait in Review. So does every answer that is "
                    "truncated, empty or doesn't match the schema."
                ),
            },
        ),
        (_("Limits"), {"fields": ("longest_source",)}),
    )

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """Batches and results go by name and table."""
        return KEPT_NAMES if obj else ("target",)

    def get_form(
        self, request: HttpRequest, obj: Model | None = None, change: bool = False, **kwargs: Any
    ) -> Any:  # a form class
        """The form of one table, whose columns it offers."""
        form = super().get_form(request, obj, change=change, **kwargs)
        table = obj.target if isinstance(obj, DeclaredEnrichment) else _asked_for(request)
        return type(form.__name__, (form,), {"table": table})

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """First which table: its columns are the form's choices."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        if not tables.is_open(_asked_for(request)):
            return self._tables_page(request)
        return super().add_view(request, form_url, extra_context)

    def _tables_page(self, request: HttpRequest) -> HttpResponse:
        here = reverse("admin:enrichment_declaredenrichment_add")
        found = []
        for label in tables.labels():
            model = tables.model_of(label)
            found.append(
                {
                    "label": label,
                    "title": str(model._meta.verbose_name_plural),  # noqa: SLF001 - documented
                    "address": f"{here}?target={label}",
                    "page": list_page(model),
                    "columns": ", ".join(tables.readable(model)),
                }
            )
        context = {
            **self.admin_site.each_context(request),
            "title": gettext("Which table?"),
            "opts": self.opts,
            "tables": found,
        }
        return TemplateResponse(request, "nodewise/declared_tables.html", context)

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.preview_view)
        name = "enrichment_declaredenrichment_preview"
        return [path("preview/", view, name=name), *super().get_urls()]

    def preview_view(self, request: HttpRequest) -> HttpResponse:
        """What the form as it stands would send about one row; nothing is stored or sent."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        stored = request.GET.get("stored", "")
        obj = get_object_or_404(DeclaredEnrichment, pk=stored) if stored else None
        if not (
            self.has_change_permission(request, obj) if obj else self.has_add_permission(request)
        ):
            raise PermissionDenied
        if obj is None and not tables.is_open(_asked_for(request)):
            raise Http404
        form = self.get_form(request, obj, change=obj is not None)(request.POST, instance=obj)
        said: dict[str, Any] = {"errors": _told(form)}
        if form.is_valid() and form.kind is not None:
            try:
                row_id = request.POST.get("preview_row", "").strip()[:40]
                said = {"preview": declaring.preview(form.kind, row_id=row_id)}
            except BadSelection as refusal:
                said = {
                    "errors": [(gettext("Row"), str(refusal).partition(": ")[2] or str(refusal))]
                }
        if request.headers.get(FRAGMENT):
            return TemplateResponse(request, "nodewise/declared_preview.html", said)
        page = {
            **self.admin_site.each_context(request),
            "title": gettext("Preview"),
            "opts": self.opts,
        }
        return TemplateResponse(request, "nodewise/declared_preview_page.html", page | said)

    def fill_page(self, request: HttpRequest, obj: Model | None, context: dict[str, Any]) -> None:
        """With a look at what is sent, and the way to a batch."""
        row = obj if isinstance(obj, DeclaredEnrichment) else None
        may = self.has_change_permission(request, row) if row else self.has_add_permission(request)
        form = context["adminform"].form
        if may:
            query = f"stored={row.pk}" if row else f"target={_asked_for(request)}"
            address = reverse("admin:enrichment_declaredenrichment_preview")
            context["declared"] = {
                "preview": f"{address}?{query}",
                "form": f"{self.opts.model_name}_form",
                "examples": _examples(form.instance.target),
            }
        if row and row.name in names() and request.user.has_perm("enrichment.add_batch"):
            start = start_address(table=row.target, enrichment=row.name)
            context["declared_start"] = start

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """The row, its node and its wording, in one revision."""
        declaring.declare(obj, form.wording)

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """One whose batches haven't ended is kept."""
        found, counts, missing, protected = super().get_deleted_objects(objs, request)
        for row in objs:
            left = declaring.unfinished_batches(row)
            if left:
                protected = [
                    *protected,
                    ngettext(
                        "{enrichment} has {number} unfinished batch",
                        "{enrichment} has {number} unfinished batches",
                        left,
                    ).format(enrichment=row, number=left),
                ]
        return found, counts, missing, protected

    @admin.display(description=_("Columns"))
    def columns(self, row: DeclaredEnrichment) -> str:
        """What it reads, and where the answer goes."""
        target = row.writes or gettext("result only")
        return f"{', '.join(row.reads)} → {target}"

    @admin.display(description=_("State"), ordering="is_enabled")
    def state(self, row: DeclaredEnrichment) -> SafeString:
        """Whether batches can use it."""
        if row.name not in names():
            return badge(gettext("can't be used"), "danger")
        return badge(gettext("on"), "good") if row.is_enabled else badge(gettext("off"))

    @admin.display(description="")
    def batches(self, row: DeclaredEnrichment) -> SafeString:
        """Its batches."""
        return link(
            f"{reverse('admin:enrichment_batch_changelist')}?q={row.name}", gettext("Batches")
        )


def _asked_for(request: HttpRequest) -> str:
    return str(request.GET.get("target", ""))


def _titled(columns: Mapping[str, str]) -> list[tuple[str, str]]:
    """Choices that tell the column's name, which the prompt uses, and what people call it."""
    return [
        (name, name if title in {name, name.replace("_", " ")} else f"{name} ({title})")
        for name, title in columns.items()
    ]


def _told(form: Any) -> list[tuple[str, str]]:
    """A form's errors, each with its field's label."""
    return [
        (
            form.fields[name].label or name.replace("_", " ").capitalize()
            if name in form.fields
            else "",
            said,
        )
        for name, errors in form.errors.items()
        for said in errors
    ]


def _examples(target: str) -> str:
    """How the columns are named in a prompt."""
    return ", ".join(f"{{{{{each.lower()}}}}}" for each in tables.readable(tables.model_of(target)))
