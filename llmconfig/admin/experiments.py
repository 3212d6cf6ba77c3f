"""Experiments: their arms, and starting and stopping them."""

from typing import Any

from django.contrib import admin, messages
from django.db import models
from django.http import HttpRequest
from django.utils.safestring import SafeString

from llmconfig import experiments
from llmconfig.admin.presentation import badge
from llmconfig.admin.theme import TabularInline, TextareaWidget
from llmconfig.admin.writes import RevisionedAdmin
from llmconfig.errors import ChangeRefused
from llmconfig.models import Experiment, ExperimentArm, ExperimentStatus

TONES = {ExperimentStatus.RUNNING: "good", ExperimentStatus.STOPPED: "plain"}


class ArmInline(TabularInline):
    """The sides that are compared."""

    model = ExperimentArm
    fields = ("name", "weight", "model", "provider", "temperature", "max_tokens")
    extra = 0
    verbose_name_plural = "Arms (one that overrides nothing is the control)"


@admin.register(Experiment)
class ExperimentAdmin(RevisionedAdmin):
    """Comparisons of arms on a node."""

    list_display = ("name", "node", "state", "arm_names", "started_at", "stopped_at")
    list_filter = ("status",)
    list_select_related = ("node",)
    search_fields = ("name", "description", "node__node_name")
    autocomplete_fields = ("node",)
    inlines = (ArmInline,)
    actions = ("start", "stop")
    readonly_fields = ("state", "started_at", "stopped_at")
    formfield_overrides = {models.TextField: {"widget": TextareaWidget(attrs={"rows": 3})}}
    fieldsets = (
        (
            None,
            {
                "fields": ("name", "node", "description"),
                "description": "A call takes part when its caller gives a key, such as a row's id;"
                " a key stays in its arm.",
            },
        ),
        ("State", {"fields": ("state", "started_at", "stopped_at")}),
    )

    def get_queryset(self, request: HttpRequest) -> Any:
        """With the arms, for the list."""
        return super().get_queryset(request).prefetch_related("arms")

    def dependent_rows(self, obj: Any) -> Any:
        """The arms are edited on the same page."""
        return obj.arms.only("pk")

    @admin.action(description="Start", permissions=["change"])
    def start(self, request: HttpRequest, queryset: Any) -> None:
        """Divide the nodes' calls among the arms."""
        self._each(request, queryset, experiments.start, "started")

    @admin.action(description="Stop", permissions=["change"])
    def stop(self, request: HttpRequest, queryset: Any) -> None:
        """Give the nodes' own values back to all their calls."""
        self._each(request, queryset, experiments.stop, "stopped")

    def _each(self, request: HttpRequest, queryset: Any, move: Any, done: str) -> None:
        for experiment in queryset:
            try:
                move(experiment.name, source="admin", user=request.user)
            except ChangeRefused as refusal:
                messages.error(request, str(refusal))
            else:
                messages.success(request, f"{experiment.name} {done}.")

    @admin.display(description="State", ordering="status")
    def state(self, experiment: Experiment) -> SafeString:
        """Draft, running or stopped."""
        tone = TONES.get(ExperimentStatus(experiment.status), "info")
        return badge(experiment.get_status_display().lower(), tone)

    @admin.display(description="Arms")
    def arm_names(self, experiment: Experiment) -> str:
        """The arms with their weights."""
        return ", ".join(f"{arm.name} ({arm.weight})" for arm in experiment.arms.all())


@admin.register(ExperimentArm)
class ExperimentArmAdmin(RevisionedAdmin):
    """Single arms; mostly edited on their experiment's page."""

    list_display = ("name", "experiment", "weight", "model", "temperature", "max_tokens")
    list_select_related = ("experiment",)
    search_fields = ("name", "experiment__name", "model")
