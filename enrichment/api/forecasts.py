"""What a batch would cost, before it is made."""

from typing import Any, ClassVar

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from enrichment.api.batch_bodies import (
    NAMES_IN_BATCHES,
    BatchRequestSerializer,
    selection_of,
    terms_of,
)
from enrichment.api.failures import EnrichmentEndpoint
from enrichment.batches.creation import check_order
from enrichment.enrichments import get
from enrichment.forecast import CascadeForecast, Forecast, Quantiles, forecast
from llmconfig.api.kit.bodies import StrictSerializer
from llmconfig.api.kit.documentation import extend_schema
from llmconfig.roles import Role


class QuantilesSerializer(serializers.Serializer[Quantiles]):
    """The figure is below the first in one case of ten, below the last in nine."""

    p10 = serializers.FloatField()
    p50 = serializers.FloatField()
    p90 = serializers.FloatField()


class CascadeForecastSerializer(serializers.Serializer[CascadeForecast]):
    """What it would cost with the node's cheaper model asked first."""

    model = serializers.CharField(help_text="The cheaper model's reference.")
    cost_usd = QuantilesSerializer(allow_null=True, help_text="Null: `basis` says why.")
    basis = serializers.CharField(help_text="What the figures rest on, in a sentence.")


class ForecastSerializer(serializers.Serializer[Forecast]):
    """Money is US dollars, null when the model has no known price."""

    rows = serializers.IntegerField(help_text="Rows that need work.")
    calls = serializers.IntegerField(help_text="Fewer: some rows have nothing to be asked about.")
    provider = serializers.CharField()
    model = serializers.CharField()
    tokens_input = QuantilesSerializer()
    tokens_output = QuantilesSerializer()
    cost_usd = QuantilesSerializer(allow_null=True)
    cost_provider_batch_usd = QuantilesSerializer(
        allow_null=True, help_text="As a batch of the provider's own."
    )
    batch_price_assumed = serializers.BooleanField(
        help_text="The price list has no price for batches: half of the other one is assumed."
    )
    past_calls = serializers.IntegerField(help_text="That the lengths of answers come from.")
    basis = serializers.CharField(help_text="What the figures rest on, in a sentence.")
    cascade = CascadeForecastSerializer(
        allow_null=True, help_text="Null: the node has none; the other figures are without it."
    )


class BatchForecast(EnrichmentEndpoint):
    """A batch that is not made."""

    write_role = Role.VIEWER  # nothing is written and nobody called
    request_serializer: ClassVar[type[StrictSerializer]] = BatchRequestSerializer
    request_names = NAMES_IN_BATCHES

    @extend_schema(request=BatchRequestSerializer, responses={200: ForecastSerializer})
    def post(self, request: Request, **kwargs: Any) -> Response:
        """Rows, tokens and cost of the batch that this body would start."""
        wanted = self.request_serializer(data=request.data)
        wanted.is_valid(raise_exception=True)
        given = wanted.validated_data
        check_order(
            get(given["processing_type"]), write_size=given["batch_size"], terms=terms_of(given)
        )
        found = forecast(given["processing_type"], selection_of(given))
        return Response(ForecastSerializer(found).data)
