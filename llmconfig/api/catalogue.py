"""What providers serve: models, their dated prices, and the tier that each serves."""

from typing import Any, cast
from uuid import UUID

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext
from drf_spectacular.utils import extend_schema_field
from rest_framework import generics, serializers
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from llmconfig.api.kit.bodies import NamedRowField, StrictModelSerializer, StrictSerializer
from llmconfig.api.kit.documentation import extend_schema
from llmconfig.api.kit.endpoints import (
    ConfigurationList,
    ConfigurationRow,
    Endpoint,
    Rows,
    Versioned,
)
from llmconfig.api.kit.versions import etag
from llmconfig.configuration import refused_parameters
from llmconfig.configuration.prices import row_in_force, take_over_many, unconfirmed
from llmconfig.models import ContextWindow, ModelPrice, PriceSource, Provider, ProviderModel
from llmconfig.models.catalogue import CONDITION_FIELDS, RATE_FIELDS
from llmconfig.roles import Role

MAX_TIER_LENGTH = 50


class PriceShownSerializer(serializers.ModelSerializer[ModelPrice]):
    """A price in US dollars per million tokens."""

    class Meta:
        model = ModelPrice
        fields = ("valid_from", *RATE_FIELDS, "source")


class ModelSerializer(StrictModelSerializer[ProviderModel]):
    """One model of a provider's catalogue."""

    provider = NamedRowField(slug_field="name", queryset=Provider.objects.all())
    price = serializers.SerializerMethodField(help_text="The one in force; null is unknown.")

    class Meta:
        model = ProviderModel
        fields = (
            "id", "provider", "model_id", "kind", "tier", "context_window", "max_output_tokens",
            "supports_streaming", "supports_temperature", "supports_json_schema", "supports_tools",
            "supports_logprobs",
            "is_active", "retires_at", "price", "updated_at",
        )  # fmt: skip
        # The table's constraints say the same, and say it for what the row would become.
        validators: tuple[Any, ...] = ()

    @extend_schema_field(PriceShownSerializer(allow_null=True))
    def get_price(self, model: ProviderModel) -> Any:
        """What calls are billed with now."""
        price = row_in_force(model)
        return None if price is None else PriceShownSerializer(price).data

    def validate_provider(self, provider: Provider) -> Provider:
        """Records and prices are a provider's: a model stays with it."""
        if self.instance is not None and provider != self.instance.provider:
            raise serializers.ValidationError(
                gettext("A model stays with its provider; add another one.")
            )
        return provider

    def validate_model_id(self, model_id: str) -> str:
        """References name a model by its id: it stays."""
        if self.instance is not None and model_id != self.instance.model_id:
            raise serializers.ValidationError(gettext("A model keeps its id; add another model."))
        return model_id


class PriceSerializer(StrictModelSerializer[ModelPrice]):
    """What a model costs from a moment on, in US dollars per million tokens."""

    provider = serializers.CharField(source="model.provider.name", read_only=True)
    model_id = serializers.CharField(source="model.model_id", read_only=True)

    class Meta:
        model = ModelPrice
        fields = (
            "id", "model", "provider", "model_id", "valid_from", *CONDITION_FIELDS, *RATE_FIELDS,
            "source", "created_at",
        )  # fmt: skip
        read_only_fields = ("source",)
        validators: tuple[Any, ...] = ()

    def validate_model(self, model: ProviderModel) -> ProviderModel:
        """A price stays with its model."""
        if self.instance is not None and model != self.instance.model:
            raise serializers.ValidationError(
                gettext("A price stays with its model; add another one.")
            )
        return model

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Only what a person entered is a person's to change."""
        if self.instance is not None and self.instance.source != PriceSource.MANUAL:
            raise serializers.ValidationError(
                gettext("This price was taken from {source}: add your own, which wins.").format(
                    source=self.instance.source
                )
            )
        return cast("dict[str, Any]", super().validate(attrs))


class TierSerializer(serializers.ModelSerializer[ContextWindow]):
    """A tier and its model; `tier:NAME` refers to it. Prices are of this moment."""

    reference = serializers.SerializerMethodField()

    class Meta:
        model = ContextWindow
        fields = (
            "tier", "reference", "model_name", "max_tokens", "cost_per_1m_input_usd",
            "cost_per_1m_output_usd", "supports_streaming", "is_active", "updated_at",
        )  # fmt: skip

    def get_reference(self, row: ContextWindow) -> str:
        """What nodes and types write to mean this tier."""
        return f"tier:{row.tier}"


class TierModelSerializer(StrictSerializer):
    """Which model a tier means from now on."""

    model = serializers.PrimaryKeyRelatedField[ProviderModel](
        queryset=ProviderModel.objects.select_related("provider"),
        help_text="Its id, as the list of models shows it.",
    )


class ModelList(ConfigurationList):
    """Lists the models of all providers, and adds one."""

    queryset = (
        ProviderModel.objects.select_related("provider")
        .prefetch_related("prices")
        .order_by("provider", "model_id")
    )
    serializer_class = ModelSerializer
    filterset_fields = ("provider__name", "kind", "tier", "is_active")
    ordering_fields = ("model_id", "provider", "updated_at", "context_window", "retires_at")


class ModelRow(ConfigurationRow):
    """One model. Removing it removes its prices, not the records of its calls."""

    queryset = ProviderModel.objects.select_related("provider")
    serializer_class = ModelSerializer
    lookup_field = "id"


class PriceList(ConfigurationList):
    """Dated prices: the newest that has begun is in force, and one that a person entered wins."""

    queryset = ModelPrice.objects.select_related("model__provider").order_by("model", "-valid_from")
    serializer_class = PriceSerializer
    filterset_fields = ("model", "model__provider__name", "source")
    ordering_fields = ("valid_from", "created_at")


class PriceRow(ConfigurationRow):
    """One price. Calls that were made keep the cost that they had."""

    queryset = ModelPrice.objects.select_related("model__provider")
    serializer_class = PriceSerializer
    lookup_field = "id"


class RefusedParameterSerializer(serializers.Serializer[Any]):
    """A part of requests that a model isn't sent, and how that is known."""

    parameter = serializers.CharField(
        help_text="As `temperature`, `role:developer` or `response_format:json_object`."
    )
    told = serializers.CharField(
        help_text="The provider's own words when it refused, or the page of its vendor."
    )
    found_at = serializers.DateTimeField(
        allow_null=True, help_text="When it was refused; null: known from the provider type."
    )


class RefusedParameters(Endpoint):
    """What a model was found to refuse. Calls leave it out or send its other form."""

    queryset = ProviderModel.objects.select_related("provider")
    write_role = Role.ADMINISTRATOR

    @extend_schema(responses=RefusedParameterSerializer(many=True))
    def get(self, request: Request, id: UUID) -> Response:  # noqa: A002 - the address says id
        """List what isn't sent to the model: known from its provider type, or learned."""
        found = refused_parameters.described(self._model(id))
        return Response(RefusedParameterSerializer(found, many=True).data)

    @extend_schema(request=None, responses={204: None})
    def delete(self, request: Request, id: UUID) -> Response:  # noqa: A002
        """Forget what was learned, so that all is sent again. What is refused again comes back."""
        model = self._model(id)
        with self.change(f"Cleared what {model} was found to refuse."):
            refused_parameters.clear(model)
        return Response(status=204)

    def _model(self, model_id: UUID) -> ProviderModel:
        found = ProviderModel.objects.select_related("provider").filter(pk=model_id).first()
        if found is None:
            raise NotFound(
                gettext("There is no model {model_id!r}.").format(model_id=str(model_id))
            )
        return found


class TakeOverSerializer(StrictSerializer):
    """Which models; blank for all that have no price of a person's or of genai-prices yet."""

    models = serializers.PrimaryKeyRelatedField[ProviderModel](
        queryset=ProviderModel.objects.select_related("provider"),
        many=True,
        required=False,
        help_text="Their ids. Left out: all models without a confirmed price.",
    )


class TakenOverSerializer(serializers.Serializer[Any]):
    """What came of it, as `provider/model`."""

    priced = serializers.ListField(child=serializers.CharField())
    unpriced = serializers.ListField(
        child=serializers.CharField(), help_text="genai-prices knows no price of these."
    )


class PriceTakeOver(Endpoint):
    """Suggested prices, used for many models at once."""

    queryset = ModelPrice.objects.none()
    write_role = Role.ADMINISTRATOR

    @extend_schema(request=TakeOverSerializer, responses=TakenOverSerializer)
    def post(self, request: Request) -> Response:
        """Use the suggested prices of these models, in one revision."""
        body = TakeOverSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        chosen = body.validated_data.get("models")
        models = list(unconfirmed() if chosen is None else chosen)
        with self.change("Used suggested prices."):
            priced = take_over_many(models)
        names = {str(model) for model in priced}
        rest = [str(model) for model in models if str(model) not in names]
        return Response({"priced": sorted(names), "unpriced": sorted(rest)})


class TierList(Rows, generics.ListAPIView[ContextWindow]):
    """Lists the tiers, each with the model that serves it."""

    queryset = ContextWindow.objects.all()
    serializer_class = TierSerializer
    ordering_fields = ("tier", "updated_at")


class TierRow(Versioned):
    """One tier: what it means. Whatever names `tier:NAME` follows at once."""

    @extend_schema(responses=TierSerializer)
    def get(self, request: Request, tier: str) -> Response:
        version = etag(self.traces(tier))
        return Response(TierSerializer(self.row(tier)).data, headers={"ETag": version})

    @extend_schema(request=TierModelSerializer, responses=TierSerializer)
    def put(self, request: Request, tier: str) -> Response:
        """Give the tier to a model, in one revision; the model that had it loses it."""
        if not tier.isprintable() or len(tier) > MAX_TIER_LENGTH:
            raise NotFound(gettext("No tier can have this name."))
        with transaction.atomic():
            holders = ProviderModel.objects.select_for_update().filter(tier=tier)
            held = list(holders)
            self.check_match(tier)
            body = TierModelSerializer(data=request.data)
            body.is_valid(raise_exception=True)
            model: ProviderModel = body.validated_data["model"]
            if not model.is_active:
                raise serializers.ValidationError(
                    {"model": gettext("{model} is not active.").format(model=model)}
                )
            with self.change(f"Gave the tier {tier} to {model}."):
                for each in held:
                    if each.pk != model.pk:
                        each.tier = None
                        each.save(update_fields=["tier", "updated_at"])
                model.tier = tier
                model.save(update_fields=["tier", "updated_at"])
            return self.shown(tier, TierSerializer(self.row(tier)).data)

    @extend_schema(request=None, responses={204: None})
    def delete(self, request: Request, tier: str) -> Response:
        """Take the tier from whatever model has it."""
        with transaction.atomic():
            self.row(tier)
            held = list(ProviderModel.objects.select_for_update().filter(tier=tier))
            self.check_match(tier)
            with self.change(f"Removed the tier {tier}."):
                for each in held:
                    each.tier = None
                    each.save(update_fields=["tier", "updated_at"])
        return Response(status=204)

    def row(self, tier: str) -> ContextWindow:
        row = ContextWindow.objects.filter(tier=tier).first() if tier.isprintable() else None
        if row is None:
            raise NotFound(
                gettext("There is no tier {tier!r}: PUT gives one to a model.").format(tier=tier)
            )
        return row

    def traces(self, row: str) -> Q:
        """Whatever model got or lost the tier, or changed while it had it."""
        table = ProviderModel._meta.db_table  # noqa: SLF001 - Django's API
        return Q(table_name=table) & (Q(before__tier=row) | Q(after__tier=row))
