"""Prompts: another wording is always another version, so that results keep theirs."""

from typing import Any

from django import forms
from django.contrib import admin
from django.db import transaction
from django.http import HttpRequest
from django.urls import URLPattern
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from enrichment import declaring
from enrichment.admin.workbench import workbench_urls
from enrichment.enrichments import get, names
from enrichment.errors import BadPrompt, UnknownEnrichment
from enrichment.facts import source_rules
from enrichment.models import Prompt
from enrichment.prompts import versions
from enrichment.prompts.selection import compile_prompt, offered_names
from llmconfig.admin.kit.presentation import badge
from llmconfig.admin.kit.theme import ModelAdmin, SelectWidget


class PromptForm(forms.ModelForm):  # type: ignore[type-arg]  # generic only for the checker
    """A version of a prompt; its `{{name}}`s are checked against what the enrichment offers."""

    class Meta:
        model = Prompt
        fields = ("enrichment", "organization_id", "system", "user", "is_active", "note")

    def clean(self) -> dict[str, Any]:
        """Refuse names that no row could fill."""
        cleaned = super().clean() or {}
        name = cleaned.get("enrichment") or self.instance.enrichment
        key = cleaned.get("organization_id")
        if key is not None and not _organization_name(name, key):
            self.add_error(
                "organization_id",
                gettext("{name} has no organization {key}.").format(key=key, name=name),
            )
        texts = {field: cleaned.get(field, "") for field in ("system", "user")}
        reworded = {"system", "user"} & set(self.changed_data)
        if not (cleaned.get("is_active") or reworded) and self._was_only_wording():
            self.add_error(
                "is_active",
                gettext("It is the only prompt in use: put another one into use instead."),
            )
        try:
            for field, text in texts.items():
                try:
                    kind = get(name)
                    compile_prompt(
                        kind, system="", user=text, version=0, facts=source_rules.offered(kind)
                    )
                except BadPrompt as refusal:
                    self.add_error(field, str(refusal))
        except UnknownEnrichment as refusal:
            self.add_error("enrichment", str(refusal))
        return cleaned

    def _was_only_wording(self) -> bool:
        stored = Prompt.objects.filter(pk=self.instance.pk).first()
        return stored is not None and declaring.only_wording(stored)

    def _get_validation_exclusions(self) -> set[str]:
        """Not that only one is active: saving this one turns the others off."""
        return {*super()._get_validation_exclusions(), "is_active"}  # type: ignore[misc]  # Django's own hook, untyped


@admin.register(Prompt)
class PromptAdmin(ModelAdmin):
    """What each enrichment says to the model; a version that exists is never reworded."""

    form = PromptForm
    list_before_template = "nodewise/prompts_head.html"
    change_form_outer_before_template = "nodewise/prompt_head.html"
    list_display = ("enrichment", "for_whom", "version", "state", "labelled", "note", "created_at")
    list_filter = ("enrichment", "is_active")
    search_fields = ("enrichment", "note", "=organization_id")
    fieldsets = (
        (None, {"fields": ("enrichment", "organization_id", "version", "is_active", "note")}),
        (
            _("Text"),
            {
                "fields": ("offered", "system", "user"),
                "description": _(
                    "Only <code>{{name}}</code> is replaced, by the row's value. Saving a "
                    "changed text makes the next version; results keep the number of "
                    "theirs."
                ),
            },
        ),
    )

    def get_urls(self) -> list[URLPattern]:
        """With the workbench."""
        return [*workbench_urls(), *super().get_urls()]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """The wording of a version stays; the number is counted here."""
        if obj is None:
            return ("version", "offered")
        return ("version", "offered", "enrichment", "organization_id")

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """The enrichments that there are, as a choice."""
        if db_field.name == "enrichment":
            choices = [
                ("", gettext("Select value")),
                *((name, get(name).label) for name in names()),
            ]
            return forms.ChoiceField(
                label=gettext("Enrichment"),
                choices=choices,
                widget=SelectWidget(),
                help_text=db_field.help_text,
            )
        return super().formfield_for_dbfield(db_field, request, **kwargs)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Another wording becomes the next version; one that is turned on turns the others off."""
        with transaction.atomic():
            version = versions.next_version(obj.enrichment)
            if change and {"system", "user"} & set(form.changed_data):
                obj.pk, change = None, False
                obj._state.adding = True  # noqa: SLF001 - Django's way to copy a row
            if not change:
                obj.version = version
            if obj.is_active:
                versions.turn_off(obj.enrichment, obj.organization_id, but=obj.pk)
            super().save_model(request, obj, form, change)

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """A declared enrichment keeps the wording that it has."""
        found, counts, missing, protected = super().get_deleted_objects(objs, request)
        kept = [str(each) for each in objs if declaring.only_wording(each)]
        return (
            found,
            counts,
            missing,
            [*protected, *(gettext("{prompt} is in use").format(prompt=each) for each in kept)],
        )

    @admin.display(description=_("For"), ordering="organization_id")
    def for_whom(self, prompt: Prompt) -> str:
        key = prompt.organization_id
        if key is None:
            return gettext("all organizations")
        return _organization_name(prompt.enrichment, key) or gettext(
            "organization {key} (deleted)"
        ).format(key=key)

    @admin.display(description=_("State"), ordering="is_active")
    def state(self, prompt: Prompt) -> SafeString:
        """Whether it is the one in use."""
        return badge(gettext("in use"), "good") if prompt.is_active else badge(gettext("off"))

    @admin.display(description=_("Labels"))
    def labelled(self, prompt: Prompt) -> SafeString:
        """Names by which processes find it."""
        return format_html_join(" ", "{}", ((badge(each),) for each in prompt.labels))

    @admin.display(description=_("Available names"))
    def offered(self, prompt: Prompt) -> SafeString:
        """What a row offers to this enrichment's prompts."""
        chosen = [prompt.enrichment] if prompt.enrichment in names() else names()
        return format_html_join(
            "", "<div>{}: {}</div>", ((get(name).label, _names_of(name)) for name in chosen)
        )


def _organization_name(enrichment: str, key: int) -> str:
    """Blank where there is no such organization."""
    found = get(enrichment).organizations if enrichment in names() else None
    return found.names([key]).get(key, "") if found else ""


def _names_of(enrichment: str) -> str:
    kind = get(enrichment)
    offered = sorted(offered_names(kind)) + sorted(source_rules.offered(kind))
    return ", ".join(f"{{{{{name}}}}}" for name in offered)
