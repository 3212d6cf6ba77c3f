"""The processing settings, one row: what runs at all, and with how much."""

from typing import Any

from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from msgspec import Struct

from llmconfig import project_settings
from llmconfig.admin.kit.listed_models import ListedModelsForm
from llmconfig.admin.kit.presentation import badge
from llmconfig.admin.kit.writes import RevisionedAdmin
from llmconfig.configuration import snapshot
from llmconfig.configuration.process_settings import above_their_most, definitions
from llmconfig.diagnostics.first_steps import seeded_settings
from llmconfig.models import LLMConfig
from llmconfig.models.processing import SINGLE_ROW_ID


class SettingInForce(Struct, frozen=True):
    """One process setting as it is now."""

    variable: str
    help: str
    value: Any
    origin: str
    overrules: bool  # the environment goes before the page


def settings_in_force() -> list[SettingInForce]:
    """All of them, with where each value comes from."""
    state = snapshot.current()
    return [
        SettingInForce(
            variable=each.variable,
            help=str(each.help),
            value=state.setting(each.variable),
            overrules=each.variable in project_settings.process_values(),
            origin=(
                gettext("environment")
                if each.variable in project_settings.process_values()
                else gettext("this page")
                if each.column
                else gettext("default")
            ),
        )
        for each in definitions()
    ]


def overruled_columns() -> dict[str, str]:
    """Columns of the row that the environment overrules, with the variable that does."""
    return {
        each.column: each.variable
        for each in definitions()
        if each.column and each.variable in project_settings.process_values()
    }


def overruling(column: str) -> SafeString:
    """What the environment sets instead of a column, and by which variable."""
    variable = overruled_columns()[column]
    value = project_settings.process_values()[variable]
    return format_html(
        "{} {}", value, badge(gettext("set by {variable}").format(variable=variable), "info")
    )


class LLMConfigForm(ListedModelsForm):
    """The row; what is changed has to hold beside the environment's settings."""

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean()
        changed = {name: self.cleaned_data.get(name) for name in self.changed_data}
        for field, reason in above_their_most(changed).items():
            self.add_error(field, reason)
        return cleaned


@admin.register(LLMConfig)
class LLMConfigAdmin(RevisionedAdmin):
    """The single row, which nobody adds or deletes."""

    form = LLMConfigForm
    change_form_outer_after_template = "nodewise/process_settings.html"
    fieldsets = (
        (None, {"fields": ("enabled",)}),
        (_("Automatic work"), {"fields": ("auto_tagging", "auto_enrichment")}),
        (_("External facts"), {"fields": ("external_enrichment",)}),
        (
            _("Models, unless an interaction type or node names one"),
            {
                "fields": (
                    "provider", "model_tagger", "model_enricher", "model_analytics",
                    "model_responder", "allow_unlisted_models",
                )
            },
        ),
        (
            _("Last resort"),
            {
                "fields": ("backup_provider", "backup_model"),
                "description": _("Tried when everything else failed. Set both or neither."),
            },
        ),
        (
            _("Batches"),
            {"fields": ("batch_size", "concurrent_tasks", "max_retries", "retry_delay")},
        ),
        (
            _("Answers"),
            {"fields": ("cache_responses", "min_confidence_tagging", "min_confidence_entity")},
        ),
    )  # fmt: skip

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """A column that the environment overrules is shown by what overrules it."""
        shown = {column: f"{column}_overruled" for column in overruled_columns()}
        return tuple(
            (name, {**part, "fields": tuple(shown.get(str(each), each) for each in part["fields"])})
            for name, part in super().get_fieldsets(request, obj)
        )

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return tuple(f"{column}_overruled" for column in overruled_columns())

    @admin.display(description=_("Batch size"))
    def batch_size_overruled(self, row: LLMConfig) -> SafeString:
        """The environment's value, and the variable to change instead."""
        return overruling("batch_size")

    @admin.display(description=_("Cache responses"))
    def cache_responses_overruled(self, row: LLMConfig) -> SafeString:
        return overruling("cache_responses")

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """There is no list of one row: go to it."""
        if request.user.has_perm("llmconfig.change_llmconfig"):
            seeded_settings()  # the row is there from the start
        elif not LLMConfig.objects.filter(pk=SINGLE_ROW_ID).exists():
            messages.warning(request, gettext("An administrator has to set Nodewise up first."))
            return HttpResponseRedirect(reverse("admin:index"))
        address = reverse("admin:llmconfig_llmconfig_change", args=[SINGLE_ROW_ID])
        return HttpResponseRedirect(address)

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """With the table of all process settings below the form."""
        context = {"settings_in_force": settings_in_force(), **(extra_context or {})}
        return super().changeform_view(request, object_id, form_url, context)
