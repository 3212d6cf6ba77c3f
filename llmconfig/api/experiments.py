"""Experiments: their arms and gates, starting and stopping them, taking an arm over."""

from typing import Any

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from llmconfig.api.kit.bodies import (
    NamedRowField,
    StrictModelSerializer,
    StrictSerializer,
    refuse_models,
)
from llmconfig.api.kit.documentation import extend_schema
from llmconfig.api.kit.endpoints import ConfigurationList, ConfigurationRow, Rows, Versioned
from llmconfig.configuration import experiments
from llmconfig.models import (
    Experiment,
    ExperimentArm,
    ExperimentStatus,
    NodeConfiguration,
)
from llmconfig.roles import Role

MAX_ARMS = 20


class ExperimentArmSerializer(StrictModelSerializer[ExperimentArm]):
    """One side: its share of the keys, and what it overrides on the node."""

    class Meta:
        model = ExperimentArm
        fields = (
            "name", "weight", "model", "provider", "temperature", "max_tokens",
            "allow_unlisted_models",
        )  # fmt: skip


class ExperimentSerializer(StrictModelSerializer[Experiment]):
    """A comparison of arms on one node."""

    node = NamedRowField(slug_field="node_name", queryset=NodeConfiguration.objects.all())
    arms = ExperimentArmSerializer(
        many=True,
        required=False,
        help_text="All of them: an arm that is left out is removed, one of the same name keeps its"
        " keys.",
    )

    class Meta:
        model = Experiment
        fields = (
            "id", "name", "node", "description", "mode", "fewest_calls", "most_quality_loss",
            "most_cost_increase", "most_latency_increase", "status", "promoted_arm", "arms",
            "started_at", "stopped_at", "created_at", "updated_at",
        )  # fmt: skip
        read_only_fields = ("status", "promoted_arm", "started_at", "stopped_at")

    def validate_arms(self, arms: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Each name once, and at least two while calls are divided among them."""
        if len(arms) > MAX_ARMS:
            raise serializers.ValidationError(
                gettext("An experiment has at most {max_arms} arms.").format(max_arms=MAX_ARMS)
            )
        names = [each["name"] for each in arms]
        if len(set(names)) != len(names):
            raise serializers.ValidationError(gettext("Two arms have the same name."))
        running = self.instance is not None and self.instance.status == ExperimentStatus.RUNNING
        stored = (
            {} if self.instance is None else {arm.name: arm for arm in self.instance.arms.all()}
        )
        if running and _changes(arms, stored):
            raise serializers.ValidationError(experiments.RUNNING_ARMS)
        for each in arms:
            held = stored.get(each["name"])
            old = {} if held is None else {"model": held.model, "provider": held.provider}
            refuse_models(ExperimentArm, each, old)
        return arms

    def create(self, validated_data: dict[str, Any]) -> Experiment:
        """The experiment with its arms, as a draft."""
        arms = validated_data.pop("arms", [])
        experiment = Experiment.objects.create(**validated_data)
        for each in arms:
            ExperimentArm.objects.create(experiment=experiment, **each)
        return experiment

    def update(self, instance: Experiment, validated_data: dict[str, Any]) -> Experiment:
        """What is named; arms by their names."""
        arms = validated_data.pop("arms", None)
        experiment = super().update(instance, validated_data)
        if arms is not None:
            experiment.arms.exclude(name__in=[each["name"] for each in arms]).delete()
            for each in arms:
                ExperimentArm.objects.update_or_create(
                    experiment=experiment, name=each["name"], defaults=BLANK_ARM | each
                )
        return experiment


def _changes(arms: list[dict[str, Any]], stored: dict[str, ExperimentArm]) -> bool:
    """Whether these aren't the stored arms as they are."""
    if {each["name"] for each in arms} != stored.keys():
        return True
    return any(
        getattr(stored[each["name"]], field) != value
        for each in arms
        for field, value in (BLANK_ARM | each).items()
    )


# What an arm has where the body says nothing.
BLANK_ARM = {
    "weight": 1,
    "model": "",
    "provider": "",
    "temperature": None,
    "max_tokens": None,
    "allow_unlisted_models": False,
}


class WithArms(Versioned):
    """Experiments, of whose version their arms are a part."""

    def traces(self, row: Any) -> Q:
        table = ExperimentArm._meta.db_table  # noqa: SLF001 - Django's API
        of_this = Q(before__experiment_id=str(row.pk)) | Q(after__experiment_id=str(row.pk))
        return super().traces(row) | (Q(table_name=table) & of_this)


class ExperimentList(ConfigurationList):
    """Lists the experiments on nodes, and adds one."""

    queryset = Experiment.objects.select_related("node").prefetch_related("arms").order_by("name")
    serializer_class = ExperimentSerializer
    filterset_fields = ("node__node_name", "status")
    ordering_fields = ("name", "created_at", "started_at")


class ExperimentRow(WithArms, ConfigurationRow):
    """One experiment, by its name. Records of its calls keep its name when it is removed."""

    queryset = Experiment.objects.select_related("node")
    serializer_class = ExperimentSerializer
    lookup_field = "name"


class StartExperiment(WithArms, Rows):
    """Lets an experiment divide its node's calls."""

    queryset = Experiment.objects.select_related("node")
    serializer_class = ExperimentSerializer
    lookup_field = "name"
    write_role = Role.ADMINISTRATOR
    move = staticmethod(experiments.start)

    @extend_schema(request=None, responses=ExperimentSerializer)
    def post(self, request: Request, **kwargs: Any) -> Response:
        """Do it; raises ChangeRefused with the reason."""
        with transaction.atomic():
            row = self.get_object()
            self.check_match(row)
            moved = type(self).move(row.name, source="api", user=self.caller)
            return self.shown(moved, self.get_serializer(moved).data)


class StopExperiment(StartExperiment):
    """Gives the node's own values back to all its calls."""

    move = staticmethod(experiments.stop)


class PromoteSerializer(StrictSerializer):
    """The arm whose values become the node's own."""

    arm = serializers.CharField(help_text="What it overrides becomes the node's own.")


class PromoteArm(WithArms, Rows):
    """Makes an arm's values the node's own and stops the experiment."""

    queryset = Experiment.objects.select_related("node")
    serializer_class = ExperimentSerializer
    lookup_field = "name"
    write_role = Role.ADMINISTRATOR

    @extend_schema(request=PromoteSerializer, responses=ExperimentSerializer)
    def post(self, request: Request, **kwargs: Any) -> Response:
        """Do it; raises ChangeRefused with the reason."""
        body = PromoteSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        with transaction.atomic():
            row = self.get_object()
            self.check_match(row)
            arm = body.validated_data["arm"]
            moved = experiments.promote(row.name, arm, source="api", user=self.caller)
            return self.shown(moved, self.get_serializer(moved).data)
