"""Sources of facts: configuration, written by administrators; a source is tried by operators."""

from typing import Any, ClassVar

from django.utils.translation import gettext
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from enrichment.api.failures import EnrichmentEndpoint
from enrichment.facts import fetching, source_rules
from enrichment.facts.fetching import Refreshed, Trial
from enrichment.models import FactSource
from llmconfig.api.kit.bodies import StrictModelSerializer, StrictSerializer
from llmconfig.api.kit.documentation import extend_schema
from llmconfig.api.kit.endpoints import ConfigurationList, ConfigurationRow, Rows
from llmconfig.api.kit.errors import Conflict
from llmconfig.roles import Role


class FactSourceSerializer(StrictModelSerializer[FactSource]):
    """A source of facts: its address, its bounds and how long answers stay fresh."""

    class Meta:
        model = FactSource
        fields = (
            "name", "description", "target", "url_template", "header_name", "header_scheme",
            "secret_ref", "pointer", "max_characters", "max_bytes", "timeout_seconds",
            "max_concurrency", "ttl_seconds", "without", "is_enabled", "created_at", "updated_at",
        )  # fmt: skip

    def validate_name(self, name: str) -> str:
        """Prompts name a source by its name: it stays."""
        if self.instance is not None and name != self.instance.name:
            raise serializers.ValidationError(
                gettext("A source keeps its name; add another source.")
            )
        return name

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """The rules of enrichment.facts; raises BadSource naming the field."""
        stored = self.instance or FactSource()
        asked = ("target", "url_template", "header_name", "secret_ref")
        source_rules.check_source(
            **{each: attrs.get(each, getattr(stored, each)) for each in asked}
        )
        source_rules.refuse_secret_for_new_host(
            stored,
            url_template=attrs.get("url_template", stored.url_template),
            secret_ref=attrs.get("secret_ref", stored.secret_ref),
            reference_given="secret_ref" in attrs,
        )
        super().validate(attrs)
        return attrs


class TryRequestSerializer(StrictSerializer):
    """The row to ask about; blank takes the newest."""

    row_id = serializers.CharField(
        max_length=40, required=False, default="", help_text="Left out: the newest row."
    )


class TrialSerializer(serializers.Serializer[Trial]):
    """What it says about a row now."""

    row_id = serializers.CharField()
    url = serializers.CharField(help_text="What was asked; blank when nothing could be.")
    value = serializers.CharField(help_text="What prompts would get.")
    problem = serializers.CharField(help_text="Why there is no fact; blank when there is one.")


class RefreshRequestSerializer(StrictSerializer):
    """Whether to ask only for facts past their time, or for all."""

    everything = serializers.BooleanField(
        required=False, default=False, help_text="Also what is within its time to live."
    )


class RefreshedSerializer(serializers.Serializer[Refreshed]):
    """How many facts were asked for anew, changed and failed."""

    asked = serializers.IntegerField()
    changed = serializers.IntegerField(help_text="Their rows are stale by `facts` now.")
    failed = serializers.IntegerField()


class _Sources(EnrichmentEndpoint, Rows):
    """What all of these addresses share."""

    queryset = FactSource.objects.all()
    serializer_class = FactSourceSerializer
    lookup_field = "name"
    write_role: ClassVar[Role] = Role.ADMINISTRATOR


class FactSourceList(_Sources, ConfigurationList):
    """HTTP addresses that know something about rows."""

    filterset_fields = ("target", "is_enabled")
    ordering_fields = ("name", "created_at")


class FactSourceRow(_Sources, ConfigurationRow):
    """Shows, changes and removes one source of facts."""

    def check_removable(self, row: FactSource) -> None:
        """Raise Conflict while a prompt in force names it."""
        uses = source_rules.uses_of(row)
        if uses:
            raise Conflict(
                gettext("{name} is in use by {names}: change that first, or disable it.").format(
                    name=row.name, names=", ".join(uses[:10])
                )
            )


class TryFactSource(_Sources):
    """A look at what it says."""

    write_role: ClassVar[Role] = Role.OPERATOR
    more_error_statuses = frozenset({"404"})

    @extend_schema(request=TryRequestSerializer, responses=TrialSerializer)
    def post(self, request: Request, name: str) -> Response:
        """Ask about one row; nothing is kept."""
        asked = TryRequestSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        return Response(
            TrialSerializer(fetching.try_out(self.get_object(), **asked.validated_data)).data
        )


class RefreshFacts(_Sources):
    """Asks a source anew for the facts that it has answered."""

    write_role: ClassVar[Role] = Role.OPERATOR
    more_error_statuses = frozenset({"404"})

    @extend_schema(request=RefreshRequestSerializer, responses=RefreshedSerializer)
    def post(self, request: Request, name: str) -> Response:
        """Ask anew for what is past its time to live; rows whose facts changed become stale."""
        asked = RefreshRequestSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        return Response(
            RefreshedSerializer(fetching.refresh(self.get_object(), **asked.validated_data)).data
        )
