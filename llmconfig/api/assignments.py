"""Which model serves what: interaction types, nodes, users' choices."""

from collections.abc import Mapping
from typing import Any, ClassVar, cast

from django.db import transaction
from django.forms import model_to_dict
from django.utils.translation import gettext
from rest_framework import generics, serializers
from rest_framework.exceptions import NotFound, PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response

from llmconfig.api.kit.bodies import ListedModelsSerializer, NamedRowField, UserField
from llmconfig.api.kit.documentation import extend_schema
from llmconfig.api.kit.endpoints import ConfigurationList, ConfigurationRow, Rows, Versioned
from llmconfig.api.kit.versions import etag
from llmconfig.configuration import node_names
from llmconfig.configuration.cascade_rules import refuse_unworkable
from llmconfig.configuration.listing import ALLOWED
from llmconfig.errors import ChangeRefused
from llmconfig.models import (
    GlobalConfig,
    InteractionType,
    NodeConfiguration,
    UserConfig,
)
from llmconfig.roles import RANK, Role, User, rank_of, username_field


class InteractionSerializer(ListedModelsSerializer[GlobalConfig]):
    """The defaults of one interaction type."""

    class Meta:
        model = GlobalConfig
        fields = (
            "interaction_type", "model", "temperature", "max_tokens", "fallbacks", "degrade_to",
            "degrade_after_seconds", "allow_unlisted_models", "updated_at",
        )  # fmt: skip
        read_only_fields = ("interaction_type",)


class NodeSerializer(ListedModelsSerializer[NodeConfiguration]):
    """One named place in an application that calls a model."""

    class Meta:
        model = NodeConfiguration
        fields = (
            "id", "node_name", "interaction_type", "provider", "default_model",
            "default_temperature", "default_max_tokens", "langsmith_tracing", "description",
            "azure_model", "azure_temperature", "azure_max_tokens", "fallbacks", "cascade_model",
            "cascade_score", "cascade_target", "cascade_miss", "cascade_audits", "judge_rubric",
            "judge_model", "apply_after", "allow_unlisted_models", "created_at", "updated_at",
        )  # fmt: skip

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Refuse a cascade that can't work."""
        attrs = super().validate(attrs)
        old = {} if self.instance is None else model_to_dict(self.instance)
        try:
            refuse_unworkable({**old, **attrs}, old)
        except ChangeRefused as refusal:
            raise serializers.ValidationError({refusal.field: str(refusal)}) from refusal
        return attrs

    def validate_node_name(self, name: str) -> str:
        """Applications call a node by its name, and it may hide nothing that has the name."""
        if self.instance is not None:
            if name != self.instance.node_name:
                raise serializers.ValidationError(
                    gettext("A node keeps its name; add another node.")
                )
            return name
        try:
            node_names.refuse_taken(name)
        except ChangeRefused as refusal:
            raise serializers.ValidationError(str(refusal)) from refusal
        return name


class UserConfigSerializer(ListedModelsSerializer[UserConfig]):
    """One user's own choice for an interaction type or a node."""

    user = UserField(
        required=False,
        help_text="Whose choice; your own unless given. Only administrators set others'.",
    )
    node = NamedRowField(
        slug_field="node_name",
        queryset=NodeConfiguration.objects.all(),
        required=False,
        allow_null=True,
        help_text="Set this or the interaction type, not both.",
    )

    class Meta:
        model = UserConfig
        fields = (
            "id", "user", "interaction_type", "node", "model", "temperature", "max_tokens",
            "allow_unlisted_models", "created_at", "updated_at",
        )  # fmt: skip
        # The table's constraints say the same, and know which half of the pair is in use.
        validators: ClassVar[list[Any]] = []

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Raises PermissionDenied for somebody else's row."""
        caller = cast("User", self.context["request"].user)
        if self.instance is None:
            attrs.setdefault("user", caller)
        refuse_others(caller, attrs.get("user", caller))
        return cast("dict[str, Any]", super().validate(attrs))


class InteractionList(Rows, generics.ListAPIView[GlobalConfig]):
    """The defaults of every interaction type."""

    queryset = GlobalConfig.objects.all()
    serializer_class = InteractionSerializer
    ordering_fields = ("interaction_type", "updated_at")


class InteractionRow(Versioned):
    """The defaults of one interaction type."""

    @extend_schema(responses=InteractionSerializer)
    def get(self, request: Request, interaction_type: str) -> Response:
        """Show them, with a version that is never newer than what is shown."""
        version = etag(self.traces(self.row(interaction_type)))
        body = InteractionSerializer(self.row(interaction_type)).data
        return Response(body, headers={"ETag": version})

    @extend_schema(request=InteractionSerializer, responses=InteractionSerializer)
    def put(self, request: Request, interaction_type: str) -> Response:
        """Replace them all: what the body leaves out becomes blank."""
        blank: dict[str, Any] = {
            "model": "",
            "temperature": None,
            "max_tokens": None,
            "fallbacks": [],
            "degrade_to": "",
            "degrade_after_seconds": None,
            "allow_unlisted_models": False,
        }
        return self._write(request, interaction_type, blank=blank)

    @extend_schema(request=InteractionSerializer, responses=InteractionSerializer)
    def patch(self, request: Request, interaction_type: str) -> Response:
        return self._write(request, interaction_type, blank={})

    def _write(self, request: Request, name: str, *, blank: Mapping[str, Any]) -> Response:
        with transaction.atomic():
            row = self.row(name, lock=True)
            self.check_match(row)
            data = request.data
            if blank and isinstance(data, Mapping):
                data = {ALLOWED: False, **data}  # what is left out becomes blank
            serializer = InteractionSerializer(row, data=data, partial=True)
            serializer.is_valid(raise_exception=True)
            with self.change(f"Changed the interaction type {name}."):
                serializer.save(**{**blank, **serializer.validated_data})
            return self.shown(row, serializer.data)

    def row(self, name: str, *, lock: bool = False) -> GlobalConfig:
        """The stored row, or a blank one of a known type; raises NotFound."""
        if name not in InteractionType.values:
            known = ", ".join(InteractionType.values)
            raise NotFound(
                gettext("There is no interaction type {name!r}; there are {known}.").format(
                    name=name, known=known
                )
            )
        rows = GlobalConfig.objects.filter(interaction_type=name)
        return (rows.select_for_update() if lock else rows).first() or GlobalConfig(
            interaction_type=name
        )


class NodeList(ConfigurationList):
    """Named places in applications that call a model."""

    queryset = NodeConfiguration.objects.all()
    serializer_class = NodeSerializer
    filterset_fields = ("interaction_type", "provider", "langsmith_tracing")
    ordering_fields = ("node_name", "interaction_type", "updated_at")


class NodeRow(ConfigurationRow):
    """Shows, changes and removes one node, found by its name."""

    queryset = NodeConfiguration.objects.all()
    serializer_class = NodeSerializer
    lookup_field = "node_name"


class UserConfigList(ConfigurationList):
    """Lists the choices that users made for themselves, and adds one."""

    queryset = UserConfig.objects.select_related("user", "node").order_by("user", "id")
    serializer_class = UserConfigSerializer
    filterset_fields = (f"user__{username_field()}", "interaction_type", "node__node_name")
    ordering_fields = ("user", "interaction_type", "updated_at")
    write_role: ClassVar[Role] = Role.VIEWER  # one's own; the serializer refuses others'


class UserConfigRow(ConfigurationRow):
    """Shows, changes and removes one user's choice."""

    queryset = UserConfig.objects.select_related("user", "node")
    serializer_class = UserConfigSerializer
    lookup_field = "id"
    write_role: ClassVar[Role] = Role.VIEWER

    def get_object(self) -> UserConfig:
        """Anybody's to read, one's own to write; raises PermissionDenied."""
        row = cast("UserConfig", super().get_object())
        if self.request.method not in {"GET", "HEAD"}:
            refuse_others(self.caller, row.user)
        return row


def refuse_others(caller: User, owner: User) -> None:
    """Raises PermissionDenied unless it is one's own choice, or one is an administrator."""
    if owner.pk != caller.pk and rank_of(caller) < RANK[Role.ADMINISTRATOR]:
        raise PermissionDenied(gettext("Only administrators set other users' choices."))
