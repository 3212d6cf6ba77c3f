"""Which model serves what: nodes, interaction types and users' own choices."""

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import PermissionDenied
from django.db import models
from django.db.models import Model
from django.forms import model_to_dict
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from llmconfig.admin.explain import explain_node
from llmconfig.admin.health_page import health_view
from llmconfig.admin.kit.change_cost import cost_response
from llmconfig.admin.kit.checklist import step_view
from llmconfig.admin.kit.listed_models import ListedModelsForm
from llmconfig.admin.kit.panels import node_panels
from llmconfig.admin.kit.presentation import NOTHING, badge
from llmconfig.admin.kit.theme import TextareaWidget
from llmconfig.admin.kit.writes import RevisionedAdmin
from llmconfig.admin.playground import answer_view, may_call, playground_url, playground_view
from llmconfig.admin.settings_page import settings_cost_view, settings_view
from llmconfig.configuration import node_names
from llmconfig.configuration.cascade_rules import refuse_unworkable
from llmconfig.configuration.cost_of_changes import is_estimated
from llmconfig.errors import ChangeRefused
from llmconfig.models import GlobalConfig, NodeConfiguration, UserConfig
from llmconfig.roles import username_field


class ExplainedAdmin(RevisionedAdmin):
    """A page that also shows where each value in force comes from."""

    change_form_outer_before_template = "nodewise/explanation.html"
    change_form_outer_after_template = "nodewise/cost_card.html"
    formfield_overrides = {
        models.TextField: {"widget": TextareaWidget(attrs={"rows": 3})},
        ArrayField: {"widget": TextareaWidget(attrs={"rows": 2})},
    }

    def explained_name(self, obj: Any) -> str:
        """The name that the resolver knows the row by."""
        return str(obj)

    def fill_page(self, request: HttpRequest, obj: Model | None, context: dict[str, Any]) -> None:
        """With the explanation of the stored row; a new one has none yet."""
        if obj is not None:
            name = self.explained_name(obj)
            context["explanation"] = explain_node(name)
            context["playground_url"] = playground_url(name) if may_call(request) else ""
            if is_estimated() and self.has_change_permission(request, obj):
                context["cost_url"] = reverse(self._cost_address, args=[obj.pk])
                context["cost_form"] = f"{self.opts.model_name}_form"

    @property
    def _cost_address(self) -> str:
        return f"admin:{self.opts.app_label}_{self.opts.model_name}_cost"

    def get_urls(self) -> list[URLPattern]:
        """With the cost of what the row's form would change."""
        view = self.admin_site.admin_view(self.cost_view)
        name = self._cost_address.partition(":")[2]
        return [path("<path:object_id>/change/cost/", view, name=name), *super().get_urls()]

    def cost_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """What the form as it was sent would have cost on past calls; saves nothing."""
        obj = self.get_object(request, object_id)
        if obj is None:
            raise Http404
        if not self.has_change_permission(request, obj):
            raise PermissionDenied
        back = reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_change", args=[obj.pk])
        if request.method != "POST":
            return HttpResponseRedirect(back)
        form = self.get_form(request, obj, change=True)(request.POST, instance=obj)
        return cost_response(request, [form], back=back)


class NodeForm(ListedModelsForm):
    """A node's row; a new one may not hide what has its name, and its cascade has to work."""

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean()
        given = self.cleaned_data if cleaned is None else cleaned
        stored = model_to_dict(self.instance)
        old = stored if self.instance.pk else {}
        try:
            refuse_unworkable({**stored, **given}, old)
        except ChangeRefused as refusal:
            self.add_error(refusal.field if refusal.field in self.fields else None, str(refusal))
        return cleaned

    def clean_node_name(self) -> str:
        name = str(self.cleaned_data["node_name"])
        try:
            node_names.refuse_taken(name)
        except ChangeRefused as refusal:
            raise forms.ValidationError(str(refusal)) from refusal
        return name


@admin.register(NodeConfiguration)
class NodeAdmin(ExplainedAdmin):
    """Named places in an application that call a model."""

    form = NodeForm
    change_form_outer_after_template = "nodewise/node_panels.html"

    list_display = (
        "node_name", "interaction_type", "model_here", "temperature_here", "max_tokens_here",
        "traced", "updated_at",
    )  # fmt: skip
    list_filter = ("interaction_type", "langsmith_tracing")
    search_fields = ("node_name", "description", "default_model", "provider")
    fieldsets = (
        (None, {"fields": ("node_name", "description", "interaction_type")}),
        (
            _("Model"),
            {
                "fields": (
                    "default_model", "provider", "default_temperature", "default_max_tokens",
                    "fallbacks", "allow_unlisted_models",
                ),
                "description": _(
                    "Blank fields come from the interaction type, then from the processing "
                    "settings; the table above shows the result."
                ),
            },
        ),
        (
            _("Cascade"),
            {
                "fields": (
                    "cascade_model", "cascade_score", "cascade_target", "cascade_miss",
                    "cascade_audits",
                ),
                "description": _(
                    "A cheaper model is asked first, and the node's own model where that "
                    "answer isn't good enough. Each batch learns the threshold as it runs; "
                    "single calls learn it together."
                ),
            },
        ),
        (
            _("Judge"),
            {
                "fields": ("judge_rubric", "judge_model"),
                "description": _(
                    "A model that judges this node's answers, in comparisons of runs and as a "
                    "cascade's score. It decides nothing until it is calibrated against "
                    "reviewers' verdicts."
                ),
            },
        ),
        (
            _("Applying answers"),
            {
                "fields": ("apply_after",),
                "description": _(
                    "What the gates object to always waits for a reviewer. Gates compare words; "
                    "whether a translation says the same takes a judge or a person."
                ),
            },
        ),
        (
            _("On Azure"),
            {
                "fields": ("azure_model", "azure_temperature", "azure_max_tokens"),
                "classes": ("collapse",),
                "description": _("Used instead of the values above when the target is an Azure"
                " provider."),
            },
        ),
        (_("Tracing"), {"fields": ("langsmith_tracing",)}),
    )  # fmt: skip

    def fill_page(self, request: HttpRequest, obj: Model | None, context: dict[str, Any]) -> None:
        """With what the other apps know of it."""
        super().fill_page(request, obj, context)
        if isinstance(obj, NodeConfiguration):
            context["node_panels"] = node_panels(request, obj.node_name)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """Applications call a node by its name: it keeps it."""
        return ("node_name",) if obj is not None else ()

    @admin.display(description=_("Model"), ordering="default_model")
    def model_here(self, node: NodeConfiguration) -> str | SafeString:
        """The node's own model; a dash when it inherits."""
        return node.default_model or NOTHING

    @admin.display(description=_("Traced"), ordering="langsmith_tracing")
    def traced(self, node: NodeConfiguration) -> SafeString:
        """Whether its calls leave traces; that they don't is nothing wrong."""
        return badge(gettext("on"), "good") if node.langsmith_tracing else NOTHING

    @admin.display(description=_("Temperature"), ordering="default_temperature")
    def temperature_here(self, node: NodeConfiguration) -> float | SafeString:
        """The node's own temperature; a dash when it inherits."""
        return NOTHING if node.default_temperature is None else node.default_temperature

    @admin.display(description=_("Max tokens"), ordering="default_max_tokens")
    def max_tokens_here(self, node: NodeConfiguration) -> int | SafeString:
        """The node's own limit; a dash when it inherits."""
        return NOTHING if node.default_max_tokens is None else node.default_max_tokens


@admin.register(GlobalConfig)
class GlobalConfigAdmin(ExplainedAdmin):
    """The defaults of each interaction type; LLM settings edits all of them at once."""

    form = ListedModelsForm
    list_display = ("interaction_type", "model", "temperature", "max_tokens", "updated_at")
    search_fields = ("interaction_type", "model")
    fieldsets = (
        (None, {"fields": ("interaction_type",)}),
        (
            _("Defaults"),
            {
                "fields": (
                    "model",
                    "temperature",
                    "max_tokens",
                    "fallbacks",
                    "allow_unlisted_models",
                )
            },
        ),
        (_("Cheaper"), {"fields": ("degrade_to", "degrade_after_seconds")}),
    )

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """A row stays the row of its type."""
        return ("interaction_type",) if obj else ()

    def get_urls(self) -> list[URLPattern]:
        """The settings page and the playground live beside this table, which has no entry itself:
        the sidebar marks every entry whose address the page's begins with."""
        pages = (
            ("settings/", settings_view, "llm_settings"),
            ("settings/cost/", settings_cost_view, "llm_settings_cost"),
            ("health/", health_view, "llm_health"),
            ("first-steps/<slug:name>/", step_view, "llm_first_step"),
            ("playground/", playground_view, "llm_playground"),
            ("playground/answer/", answer_view, "llm_playground_answer"),
        )
        return [
            *(path(at, self.admin_site.admin_view(view), name=name) for at, view, name in pages),
            *super().get_urls(),
        ]


@admin.register(UserConfig)
class UserConfigAdmin(RevisionedAdmin):
    """Users' own choices: the most specific layer that is stored."""

    form = ListedModelsForm
    list_display = ("user", "interaction_type", "node", "model", "temperature", "max_tokens")
    list_filter = ("interaction_type",)
    list_select_related = ("user", "node")
    search_fields = (f"user__{username_field()}", "node__node_name", "model")
    autocomplete_fields = ("node",)
    raw_id_fields = ("user",)
    fieldsets = (
        (
            None,
            {
                "fields": ("user", "interaction_type", "node"),
                "description": _(
                    "Who it is for, and what it applies to: one interaction type or one node."
                ),
            },
        ),
        (
            _("Override"),
            {"fields": ("model", "temperature", "max_tokens", "allow_unlisted_models")},
        ),
    )
