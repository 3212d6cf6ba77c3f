"""Providers: their rows, a test of the connection, and their models."""

from typing import Any, ClassVar

from django.db.models import QuerySet
from django.utils.translation import gettext
from rest_framework import generics, serializers
from rest_framework.request import Request
from rest_framework.response import Response

from llmconfig.api.catalogue import ModelSerializer
from llmconfig.api.kit.bodies import NO_SPACES, StrictModelSerializer
from llmconfig.api.kit.documentation import extend_schema
from llmconfig.api.kit.endpoints import ConfigurationList, ConfigurationRow, Rows
from llmconfig.api.kit.errors import Conflict, Unavailable
from llmconfig.configuration import provider_rules as rules
from llmconfig.configuration import secret_references
from llmconfig.configuration.uses import uses_of_provider
from llmconfig.diagnostics import discovery
from llmconfig.models import Provider, ProviderModel
from llmconfig.roles import Role
from llmconfig.secrets import Secret

# What a test once found no longer holds when one of these changes.
TESTED_FIELDS = frozenset({"provider_type", "api_base_url", "secret_ref", "api_version"})


class ProviderSerializer(StrictModelSerializer[Provider]):
    """A provider. The key goes in and never comes out."""

    api_key = serializers.CharField(
        write_only=True,
        required=False,
        allow_blank=True,
        max_length=2000,
        validators=[NO_SPACES],
        help_text="Stored encrypted, and in no answer. Blank removes the stored key.",
    )
    has_key = serializers.SerializerMethodField(help_text="Whether a key is stored.")

    class Meta:
        model = Provider
        fields = (
            "id", "name", "provider_type", "api_base_url", "api_key", "has_key", "key_last4",
            "secret_ref", "api_version", "timeout_seconds", "priority", "weight", "is_enabled",
            "max_concurrency", "requests_per_minute", "tokens_per_minute", "hold_seconds",
            "validated_at", "validation_error", "created_at", "updated_at",
        )  # fmt: skip
        read_only_fields = ("key_last4", "validated_at", "validation_error")

    def get_has_key(self, provider: Provider) -> bool:
        return bool(provider.api_key)

    def validate_name(self, name: str) -> str:
        """References name a provider by its name: it stays."""
        if self.instance is not None and name != self.instance.name:
            raise serializers.ValidationError(
                gettext("A provider keeps its name; add another provider.")
            )
        return name

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """The provider rules; raises ChangeRefused naming the field."""
        stored = self.instance or Provider()
        kind = attrs.get("provider_type", stored.provider_type)
        address = attrs.get("api_base_url", stored.api_base_url)
        reference = attrs.get("secret_ref", stored.secret_ref)
        rules.check_base_url(kind, address)
        secret_references.check(reference)
        has_key = bool(attrs.get("api_key", stored.api_key))
        rules.check_one_key_source(has_key=has_key, secret_ref=reference)
        rules.refuse_key_for_new_host(
            stored,
            provider_type=kind,
            api_base_url=address,
            key_given="api_key" in attrs,
            reference_given="secret_ref" in attrs,
        )
        key = attrs.pop("api_key", None)
        super().validate({**attrs, "api_key": "stored" if has_key else ""})
        return attrs if key is None else {**attrs, "api_key": key}

    def create(self, validated_data: dict[str, Any]) -> Provider:
        """A new row with its key."""
        key = validated_data.pop("api_key", "")
        provider = Provider(**validated_data)
        provider.set_key(Secret(key))
        provider.save()
        return provider

    def update(self, instance: Provider, validated_data: dict[str, Any]) -> Provider:
        """What is named, and the key if given."""
        if "api_key" in validated_data:
            instance.set_key(Secret(validated_data.pop("api_key")))
            instance.validated_at, instance.validation_error = None, ""
        if TESTED_FIELDS & validated_data.keys():
            instance.validated_at, instance.validation_error = None, ""
        return super().update(instance, validated_data)


class CheckedSerializer(serializers.Serializer[discovery.ConnectionCheck]):
    """What a test of the connection found."""

    ok = serializers.BooleanField()
    detail = serializers.CharField(help_text="What is wrong; blank if nothing is.")
    models_seen = serializers.IntegerField(help_text="How many models the provider lists.")


class DiscoveredSerializer(serializers.Serializer[discovery.Discovered]):
    """What became of the models that a provider lists."""

    added = serializers.ListField(child=serializers.CharField())
    updated = serializers.ListField(child=serializers.CharField())
    missing = serializers.ListField(
        child=serializers.CharField(), help_text="In the catalogue here, but not listed there."
    )
    seen = serializers.IntegerField()


class ProviderList(ConfigurationList):
    """Accounts at servers that serve models."""

    queryset = Provider.objects.all()
    serializer_class = ProviderSerializer
    filterset_fields = ("provider_type", "is_enabled")
    ordering_fields = ("name", "priority", "created_at")


class ProviderRow(ConfigurationRow):
    """Shows, changes and removes one provider."""

    queryset = Provider.objects.all()
    serializer_class = ProviderSerializer
    lookup_field = "id"

    def check_removable(self, row: Provider) -> None:
        """Raise Conflict while something names the provider."""
        uses = [each.words for each in uses_of_provider(row)]
        if uses:
            shown = ", ".join(uses[:10]) + (f" and {len(uses) - 10} more" if uses[10:] else "")
            raise Conflict(
                gettext("{name} is in use by {shown}: change that first, or disable it.").format(
                    name=row.name, shown=shown
                )
            )


class ProviderCheck(Rows):
    """Tests the connection to a provider with its stored key."""

    queryset = Provider.objects.all()
    serializer_class = ProviderSerializer
    lookup_field = "id"
    write_role: ClassVar[Role] = Role.OPERATOR

    @extend_schema(request=None, responses=CheckedSerializer)
    def post(self, request: Request, **kwargs: Any) -> Response:
        """Ask the provider for its list of models, which no provider bills."""
        result = discovery.check_provider(self.get_object())
        return Response(CheckedSerializer(result).data)


class ProviderModels(Rows, generics.ListAPIView[ProviderModel]):
    """Lists the models in a provider's catalogue."""

    queryset = ProviderModel.objects.all()
    serializer_class = ModelSerializer
    filterset_fields = ("kind", "tier", "is_active")
    ordering_fields = ("model_id", "updated_at", "context_window")
    more_error_statuses = frozenset({"503"})

    def get_queryset(self) -> QuerySet[ProviderModel]:
        return (
            ProviderModel.objects.filter(provider=self.provider())
            .select_related("provider")
            .prefetch_related("prices")
            .order_by("model_id")
        )

    def provider(self) -> Provider:
        return generics.get_object_or_404(Provider.objects.all(), id=self.kwargs["id"])

    @extend_schema(request=None, responses=DiscoveredSerializer)
    def post(self, request: Request, **kwargs: Any) -> Response:
        """Read the provider's own list: new models are added, blank values filled in."""
        try:
            result = discovery.discover_models(self.provider(), source="api", user=self.caller)
        except discovery.ListingFailed as failure:
            raise Unavailable(str(failure)) from None
        return Response(DiscoveredSerializer(result).data)
