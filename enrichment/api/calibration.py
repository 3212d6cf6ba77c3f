"""How often a confidence was right, and which threshold holds a wanted precision."""

from typing import Any, ClassVar

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from enrichment.api.failures import EnrichmentEndpoint
from enrichment.calibration import Calibration, ConfidenceBand, calibrations
from enrichment.enrichments import get
from llmconfig.api.kit.bodies import StrictSerializer
from llmconfig.api.kit.documentation import extend_schema

DEFAULT_PRECISION = 0.95
MIN_PRECISION, MAX_PRECISION = 0.5, 0.999


class CalibrationQuerySerializer(StrictSerializer):
    """Of which enrichment, and which precision is wanted."""

    processing_type = serializers.CharField(max_length=50, help_text="An enrichment's name.")
    precision = serializers.FloatField(
        default=DEFAULT_PRECISION,
        min_value=MIN_PRECISION,
        max_value=MAX_PRECISION,
        help_text="The share of the parts at or above the threshold that must be right.",
    )


class ConfidenceBandSerializer(serializers.Serializer[ConfidenceBand]):
    """Parts with a confidence in this band; `low` to `high` is the 95 % interval of the share."""

    least = serializers.FloatField()
    below = serializers.FloatField()
    parts = serializers.IntegerField()
    right = serializers.IntegerField()
    share = serializers.FloatField(allow_null=True)
    low = serializers.FloatField()
    high = serializers.FloatField()


class CalibrationSerializer(serializers.Serializer[Calibration]):
    """What reviewers' decisions say of one model's confidence."""

    processing_type = serializers.CharField(source="enrichment")
    model = serializers.CharField()
    confidence_source = serializers.CharField(source="source")
    parts = serializers.IntegerField(help_text="That reviewers have decided on.")
    bands = ConfidenceBandSerializer(many=True)
    precision = serializers.FloatField()
    floor = serializers.FloatField(
        allow_null=True, help_text="The proposed threshold; null: none is known to hold it."
    )
    kept = serializers.FloatField(help_text="The share of the parts at or above the threshold.")


class ConfidenceCalibration(EnrichmentEndpoint):
    """How often confidences were right."""

    query_serializer: ClassVar[type[StrictSerializer]] = CalibrationQuerySerializer

    @extend_schema(
        parameters=[CalibrationQuerySerializer],
        responses={200: CalibrationSerializer(many=True)},
    )
    def get(self, request: Request, **kwargs: Any) -> Response:
        """One entry for each model and source of its confidence."""
        wanted = self.query_serializer(data=request.query_params.dict())
        wanted.is_valid(raise_exception=True)
        given = wanted.validated_data
        found = calibrations(get(given["processing_type"]), precision=given["precision"])
        return Response([CalibrationSerializer(each).data for each in found])
