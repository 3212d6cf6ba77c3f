"""Experiments: their arms, and starting and stopping them."""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import models
from django.db.models import Model
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path, reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from llmconfig.admin.kit.confirmation import ask, is_confirmed
from llmconfig.admin.kit.listed_models import ListedModelsForm
from llmconfig.admin.kit.panels import doubts, experiment_panels
from llmconfig.admin.kit.presentation import badge, in_a_line
from llmconfig.admin.kit.theme import TabularInline, TextareaWidget
from llmconfig.admin.kit.writes import RevisionedAdmin
from llmconfig.configuration import experiments
from llmconfig.errors import ChangeRefused
from llmconfig.models import Experiment, ExperimentArm, ExperimentStatus

if TYPE_CHECKING:
    from django_stubs_ext import StrPromise

MOVES: "dict[str, tuple[Callable[..., Any], StrPromise]]" = {
    "start": (experiments.start, _("{experiment} started.")),
    "stop": (experiments.stop, _("{experiment} stopped.")),
}
TONES = {ExperimentStatus.RUNNING: "good", ExperimentStatus.STOPPED: "plain"}


class ArmInline(TabularInline):
    """The arms of an experiment, on its page."""

    model = ExperimentArm
    form = ListedModelsForm
    fields = (
        "name", "weight", "model", "provider", "temperature", "max_tokens",
        "allow_unlisted_models",
    )  # fmt: skip
    extra = 0
    verbose_name_plural = _("Variants (leave one without overrides as the control)")

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return not _runs(obj) and super().has_add_permission(request, obj)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """What is compared stays as it is while it is compared."""
        return not _runs(obj) and super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return not _runs(obj) and super().has_delete_permission(request, obj)


def _runs(experiment: Experiment | None) -> bool:
    return experiment is not None and experiment.status == ExperimentStatus.RUNNING


@admin.register(Experiment)
class ExperimentAdmin(RevisionedAdmin):
    """Comparisons of arms on a node."""

    change_form_outer_before_template = "nodewise/experiment.html"
    list_display = ("name", "node", "mode", "state", "arm_names", "started_at", "stopped_at")
    list_filter = ("status", "mode")
    list_select_related = ("node",)
    search_fields = ("name", "description", "node__node_name")
    autocomplete_fields = ("node",)
    inlines = (ArmInline,)
    actions = ("start", "stop")
    formfield_overrides = {models.TextField: {"widget": TextareaWidget(attrs={"rows": 3})}}
    fieldsets = (
        (
            None,
            {
                "fields": ("name", "node", "mode", "description"),
                "description": _(
                    "A call takes part when its caller gives a key, such as a row's ID; a key "
                    "always gets the same variant."
                ),
            },
        ),
        (
            _("Gates"),
            {
                "fields": (
                    "fewest_calls", "most_quality_loss", "most_cost_increase",
                    "most_latency_increase",
                ),
                "description": _("What a variant must not exceed against the control."),
            },
        ),
    )  # fmt: skip

    def get_queryset(self, request: HttpRequest) -> Any:
        """With the arms, for the list."""
        return super().get_queryset(request).prefetch_related("arms")

    def dependent_rows(self, obj: Any) -> Any:
        """The arms are edited on the same page."""
        return obj.arms.only("pk")

    def get_urls(self) -> list[URLPattern]:
        """The addresses of an experiment's buttons."""
        view = self.admin_site.admin_view(self.move_view)
        name = "llmconfig_experiment_move"
        return [path("<uuid:experiment_id>/move/", view, name=name), *super().get_urls()]

    def move_view(self, request: HttpRequest, experiment_id: Any) -> HttpResponse:
        """“Start”, “Stop” or “Promote” was pressed."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        if not self.has_change_permission(request):
            raise PermissionDenied
        experiment = get_object_or_404(Experiment, pk=experiment_id)
        arm, move = request.POST.get("arm", ""), request.POST.get("move")
        if move == "promote":
            against = doubts(experiment.name, arm)
            if against and not is_confirmed(request):
                return ask(
                    request,
                    question=gettext("Promote {arm} although its figures speak against it?").format(
                        arm=arm
                    ),
                    details=against,
                    verb=gettext("Promote it anyway"),
                    back=reverse("admin:llmconfig_experiment_change", args=[experiment.pk]),
                )
            said = gettext("{experiment} promoted: {arm} is now the model of {node}.").format(
                experiment=experiment.name, arm=arm, node=experiment.node
            )
            self._move(request, experiment, partial(experiments.promote, arm=arm), said)
        elif move in MOVES:
            self._move_by_name(request, experiment, move)
        return HttpResponseRedirect(
            reverse("admin:llmconfig_experiment_change", args=[experiment.pk])
        )

    def fill_page(self, request: HttpRequest, obj: Model | None, context: dict[str, Any]) -> None:
        """With its state, its buttons, and what the other apps know of it."""
        if isinstance(obj, Experiment):
            context["experiment"] = obj
            context["state"] = self.state(obj)
            context["promotable"] = [arm for arm in obj.arms.all() if not arm.is_control]
            context["may_move"] = self.has_change_permission(request)
            context["experiment_panels"] = experiment_panels(request, obj.name)

    @admin.action(description=_("Start"), permissions=["change"])
    def start(self, request: HttpRequest, queryset: Any) -> None:
        """Divide the nodes' calls among the arms."""
        for experiment in queryset:
            self._move_by_name(request, experiment, "start")

    @admin.action(description=_("Stop"), permissions=["change"])
    def stop(self, request: HttpRequest, queryset: Any) -> None:
        """Give the nodes' own values back to all their calls."""
        for experiment in queryset:
            self._move_by_name(request, experiment, "stop")

    def _move_by_name(self, request: HttpRequest, experiment: Experiment, name: str) -> None:
        move, done = MOVES[name]
        self._move(request, experiment, move, done.format(experiment=experiment.name))

    def _move(
        self,
        request: HttpRequest,
        experiment: Experiment,
        move: Callable[..., Any],
        done: str,
    ) -> None:
        try:
            move(experiment.name, source="admin", user=request.user)
        except ChangeRefused as refusal:
            messages.error(request, str(refusal))
        else:
            messages.success(request, done)

    @admin.display(description=_("State"), ordering="status")
    def state(self, experiment: Experiment) -> SafeString:
        tone = TONES.get(ExperimentStatus(experiment.status), "info")
        return badge(in_a_line(experiment.get_status_display()), tone)

    @admin.display(description=_("Variants"))
    def arm_names(self, experiment: Experiment) -> str:
        return ", ".join(f"{arm.name} ({arm.weight})" for arm in experiment.arms.all())


@admin.register(ExperimentArm)
class ExperimentArmAdmin(RevisionedAdmin):
    """Single arms; mostly edited on their experiment's page."""

    list_display = ("name", "experiment", "weight", "model", "temperature", "max_tokens")
    list_select_related = ("experiment",)
    search_fields = ("name", "experiment__name", "model")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """As on its experiment's page."""
        runs = obj is not None and _runs(obj.experiment)
        return not runs and super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        runs = obj is not None and _runs(obj.experiment)
        return not runs and super().has_delete_permission(request, obj)
