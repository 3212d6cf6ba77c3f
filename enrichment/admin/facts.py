"""Sources of facts, with a look at what they say about a row."""

from collections.abc import Iterable
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import models
from django.db.models import Count, Max, Model
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path, reverse
from django.utils.safestring import SafeString
from django.utils.text import Truncator
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from enrichment.errors import BadSelection, BadSource
from enrichment.facts import fetching, questions, source_rules
from enrichment.models import Fact, FactSource
from llmconfig.admin.kit.presentation import badge, link
from llmconfig.admin.kit.theme import SelectWidget, TextWidget
from llmconfig.admin.kit.writes import ReadOnlyAdmin, RevisionedAdmin
from llmconfig.configuration import snapshot

OPERATE = "enrichment.change_batch"  # what operators may


class FactSourceForm(forms.ModelForm):  # type: ignore[type-arg]  # generic only for the checker
    """A source's row, held to the rules of enrichment.facts."""

    reference_again = forms.CharField(
        label=_("Secret reference, again"),
        required=False,
        max_length=500,
        strip=True,
        widget=TextWidget(attrs={"autocomplete": "off", "spellcheck": "false"}),
        help_text=_("Needed when scheme, host or port changes: the secret is sent there."),
    )

    class Meta:
        model = FactSource
        fields = ("name", "target", "url_template", "header_name", "secret_ref")

    def clean(self) -> dict[str, Any]:
        """Each refusal on the field it is about."""
        cleaned = super().clean() or {}
        asked = ("target", "url_template", "header_name", "secret_ref")
        if set(asked) & self.errors.keys():
            return cleaned
        try:
            values = {each: cleaned.get(each, getattr(self.instance, each)) for each in asked}
            source_rules.check_source(**values)
            reference, again = values["secret_ref"], cleaned.get("reference_again", "")
            if again and again != reference:
                raise BadSource(
                    gettext(
                        "This is not the reference above: enter the same one, or leave this blank."
                    ),
                    field="reference_again",
                )
            # The form sends the stored reference along: given again it is in a field of its own.
            source_rules.refuse_secret_for_new_host(
                self.instance,
                url_template=values["url_template"],
                secret_ref=reference,
                reference_given=bool(again) or reference != self.instance.secret_ref,
            )
        except BadSource as refusal:
            self.add_error(refusal.field, str(refusal))
        return cleaned


@admin.register(FactSource)
class FactSourceAdmin(RevisionedAdmin):
    """Where facts for prompts come from."""

    form = FactSourceForm
    list_display = ("name", "description", "state", "url_template", "kept", "last_asked")
    list_filter = ("is_enabled", "target")
    search_fields = ("name", "description", "url_template")
    actions = ("refresh_selected",)
    change_form_outer_before_template = "nodewise/fact_source.html"
    formfield_overrides = {models.URLField: {"assume_scheme": "https"}}
    fieldsets = (
        (
            None,
            {
                "fields": ("name", "description", "is_enabled"),
                "description": _(
                    "Prompts use its response as <code>{{fact_NAME}}</code> while external "
                    "enrichment is on in the processing settings."
                ),
            },
        ),
        (_("Prompt"), {"fields": ("target", "url_template")}),
        (_("Key"), {"fields": ("header_name", "header_scheme", "secret_ref")}),
        (_("Part used"), {"fields": ("pointer", "max_characters", "without")}),
        (
            _("Limits"),
            {"fields": ("ttl_seconds", "timeout_seconds", "max_bytes", "max_concurrency")},
        ),
    )

    def get_queryset(self, request: HttpRequest) -> Any:
        """With how many facts are kept, and when the last one came."""
        rows = super().get_queryset(request)
        return rows.annotate(facts_kept=Count("facts"), asked_at=Max("facts__fetched_at"))

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """Prompts name a source by its name: it stays."""
        return ("name",) if obj else ()

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """The reference's second field only where there is one to be entered again."""
        shown = super().get_fieldsets(request, obj)
        if obj is None or not obj.secret_ref or not self.has_change_permission(request, obj):
            return shown
        fields = ("header_name", "header_scheme", "secret_ref", "reference_again")
        return tuple(
            (name, {**part, "fields": fields} if name == "Key" else part) for name, part in shown
        )

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """The tables that there are, as a choice; an address in one line."""
        if db_field.name == "target":
            choices = [(name, name) for name in source_rules.tables()]
            return forms.ChoiceField(
                label=gettext("Table"),
                choices=choices,
                initial=db_field.default,
                widget=SelectWidget(),
                help_text=db_field.help_text,
            )
        if db_field.name == "url_template":
            kwargs["widget"] = TextWidget(attrs={"spellcheck": "false"})
        return super().formfield_for_dbfield(db_field, request, **kwargs)

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """A source that a prompt in force names is kept; facts go without saying."""
        _, counts, missing, protected = super().get_deleted_objects(objs, request)
        for source in objs:
            uses = source_rules.uses_of(source)
            if uses:
                protected = [
                    *protected,
                    gettext("{source} is in use by {uses}").format(
                        source=source, uses=", ".join(uses[:10])
                    ),
                ]
        return [str(each) for each in objs], counts, missing - {gettext("fact")}, protected

    def has_operate_permission(self, request: HttpRequest) -> bool:
        """Operators may ask; it changes no configuration."""
        return request.user.has_perm(OPERATE)

    def get_urls(self) -> list[URLPattern]:
        return [
            path(
                f"<uuid:source_id>/{verb}/",
                self.admin_site.admin_view(view),
                name=f"enrichment_factsource_{verb}",
            )
            for verb, view in (("try", self.try_view), ("refresh", self.refresh_view))
        ] + super().get_urls()

    def response_post_save_add(self, request: HttpRequest, obj: Any) -> HttpResponseRedirect:
        """To its page, where it can be tried."""
        return _to_page(obj)

    def try_view(self, request: HttpRequest, source_id: Any) -> HttpResponse:
        """“Ask” was pressed; what it says stands on its page again."""
        source = self._pressed(request, source_id)
        if isinstance(source, HttpResponse):
            return source
        row_id = request.POST.get("row_id", "").strip()
        try:
            trial = fetching.try_out(source, row_id=row_id[:40])
        except BadSelection as refusal:
            messages.error(request, str(refusal))
            return _to_page(source)
        if trial.problem:
            asked = gettext("Requested: {url}").format(url=trial.url) if trial.url else ""
            messages.error(request, f"{trial.problem} {asked}".strip())
        else:
            messages.success(
                request,
                gettext("Row {row}: {url} returned {value}").format(
                    row=trial.row_id, url=trial.url, value=trial.value
                ),
            )
        return _to_page(source)

    def refresh_view(self, request: HttpRequest, source_id: Any) -> HttpResponse:
        source = self._pressed(request, source_id)
        if isinstance(source, HttpResponse):
            return source
        self.refresh_selected(request, [source])
        return _to_page(source)

    def _pressed(self, request: HttpRequest, source_id: Any) -> "FactSource | HttpResponse":
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        if not self.has_operate_permission(request):
            raise PermissionDenied
        return get_object_or_404(FactSource, pk=source_id)

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """No transaction is open while sources are asked."""
        if request.POST.get("action") in self.actions:
            return super(RevisionedAdmin, self).changelist_view(request, extra_context)
        return super().changelist_view(request, extra_context)

    @admin.action(description=_("Discard stored facts"), permissions=["operate"])
    def refresh_selected(self, request: HttpRequest, queryset: Iterable[FactSource]) -> None:
        """Rows whose facts changed are stale by `facts` afterwards."""
        for source in queryset:
            messages.success(request, f"{source}: {fetching.refresh(source, everything=True)}")

    def fill_page(self, request: HttpRequest, obj: Model | None, context: dict[str, Any]) -> None:
        """With the card that asks it; a new source has none yet."""
        if isinstance(obj, FactSource):
            context["fact_source"] = {
                "source": obj,
                "name": f"{{{{{questions.PREFIX}{obj.name}}}}}",
                "switched_on": snapshot.current().processing.get("external_enrichment", False),
                "may_ask": self.has_operate_permission(request),
                "uses": source_rules.uses_of(obj),
                "kept": obj.facts.count(),
                "latest": obj.facts.order_by("-fetched_at")[:5],
            }

    @admin.display(description=_("State"), ordering="is_enabled")
    def state(self, source: FactSource) -> SafeString:
        return badge(gettext("on"), "good") if source.is_enabled else badge(gettext("off"))

    @admin.display(description=_("Facts kept"), ordering="facts_kept")
    def kept(self, source: Any) -> SafeString:
        """How many addresses it has been asked at, with a link to what it said."""
        address = reverse("admin:enrichment_fact_changelist")
        return link(f"{address}?source__id__exact={source.pk}", source.facts_kept)

    @admin.display(description=_("Last request"), ordering="asked_at")
    def last_asked(self, source: Any) -> Any:
        return source.asked_at


@admin.register(Fact)
class FactAdmin(ReadOnlyAdmin):
    """The facts that sources have answered, newest first; read only."""

    list_display = ("source", "url", "said", "fetched_at")
    list_filter = ("source",)
    list_select_related = ("source",)
    search_fields = ("url",)
    show_full_result_count = False

    @admin.display(description=_("Response"))
    def said(self, fact: Fact) -> str:
        return Truncator(fact.value).chars(120) or gettext("nothing")


def _to_page(source: FactSource) -> HttpResponseRedirect:
    return HttpResponseRedirect(reverse("admin:enrichment_factsource_change", args=[source.pk]))
