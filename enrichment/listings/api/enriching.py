"""Listings by their ids: one at once, or many as a batch."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from django.utils.translation import gettext
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from enrichment.api.batch_bodies import (
    MAX_IDS,
    BatchAnswerSerializer,
    BatchRequestSerializer,
    write_size_field,
)
from enrichment.api.batches import BatchList, set_going
from enrichment.api.enriching import (
    LANGUAGE_HELP,
    TYPE_HELP,
    Enrich,
    EnrichedSerializer,
    EnrichRequestSerializer,
    ProcessedSerializer,
)
from enrichment.api.failures import EnrichmentEndpoint
from enrichment.api.forecasts import BatchForecast, ForecastSerializer
from enrichment.batches import creation
from enrichment.batches.creation import Selection
from llmconfig.api.kit.bodies import MAX_KEY, StrictSerializer
from llmconfig.api.kit.documentation import extend_schema

DEFAULT_TYPE = "description_cleaning"


def type_field() -> serializers.CharField:
    """The kind of work; for listings it may be left out."""
    return serializers.CharField(
        max_length=50, required=False, default=DEFAULT_TYPE, help_text=TYPE_HELP
    )


def ids_field(**options: Any) -> serializers.ListField:
    """Keys of listings, each above 0."""
    return serializers.ListField(
        child=serializers.IntegerField(min_value=1, max_value=MAX_KEY),
        allow_empty=False,
        max_length=MAX_IDS,
        **options,
    )


class EnrichListingRequestSerializer(EnrichRequestSerializer):
    """One listing, one kind of work; `row_id` names a row of another table."""

    animal_id = serializers.IntegerField(min_value=1, max_value=MAX_KEY, required=False)
    processing_type = type_field()
    row_id = serializers.CharField(
        max_length=40, required=False, help_text="Instead of animal_id: the key in any table."
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if ("animal_id" in attrs) == ("row_id" in attrs):
            raise serializers.ValidationError(
                {"animal_id": gettext("Give this or row_id, one of the two.")}, code="required"
            )
        return attrs


class EnrichListing(Enrich):
    """Enriches one listing within the request."""

    request_serializer = EnrichListingRequestSerializer
    row_word = "animal"

    @extend_schema(
        request=EnrichListingRequestSerializer,
        responses={200: EnrichedSerializer, 503: EnrichedSerializer},
    )
    def post(self, request: Request) -> Response:
        """Enrich it and wait; where that fails the listing stays as it was."""
        return super().post(request)

    def key_of(self, given: dict[str, Any]) -> tuple[str, int | str]:
        """The listing's id, or another row's key."""
        if "animal_id" in given:
            return "animal_id", given["animal_id"]
        return super().key_of(given)


class BatchEnrichRequestSerializer(StrictSerializer):
    """The listings to enrich as a batch, by their ids."""

    animal_ids = ids_field()
    processing_type = type_field()
    batch_size = write_size_field()
    target_language = serializers.CharField(
        max_length=35, required=False, default="", help_text=f"For translations. {LANGUAGE_HELP}"
    )
    force = serializers.BooleanField(
        required=False, default=False, help_text="Also rows that are fresh."
    )


class BatchStartedSerializer(ProcessedSerializer):
    """How many rows it has, and where to look."""

    batch_id = serializers.UUIDField()


class BatchEnrich(EnrichmentEndpoint):
    """Listings by their ids, as a batch."""

    request_names: ClassVar[Mapping[str, Sequence[str]]] = {"ids": ("animal_ids",)}

    @extend_schema(
        request=BatchEnrichRequestSerializer,
        responses={202: BatchStartedSerializer},
    )
    def post(self, request: Request) -> Response:
        """Start it; the answer comes at once, the batch's own address tells how it goes."""
        wanted = BatchEnrichRequestSerializer(data=request.data)
        wanted.is_valid(raise_exception=True)
        given = wanted.validated_data
        selection = Selection(
            ids=given["animal_ids"], force=given["force"], variants=(given["target_language"],)
        )
        batch = creation.create(
            given["processing_type"],
            selection,
            write_size=given["batch_size"],
            user=self.caller,
        )
        body = {
            "success": True,
            "message": set_going(batch, asked=len(set(given["animal_ids"]))),
            "processed_count": 0,
            "failed_count": 0,
            "batch_id": str(batch.pk),
        }
        return Response(body, status=status.HTTP_202_ACCEPTED)


class ListingBatchRequestSerializer(BatchRequestSerializer):
    """Which rows: all that are stale, or fewer; listings by `animal_ids`."""

    animal_ids = ids_field(required=False, allow_null=True, default=None)


class ListingBatches(BatchList):
    """Lists all batches, and starts new ones over listings."""

    request_serializer = ListingBatchRequestSerializer

    @extend_schema(request=ListingBatchRequestSerializer, responses={202: BatchAnswerSerializer})
    def post(self, request: Request) -> Response:
        return super().post(request)


class ListingForecast(BatchForecast):
    """A batch of listings that is not made."""

    request_serializer = ListingBatchRequestSerializer

    @extend_schema(request=ListingBatchRequestSerializer, responses={200: ForecastSerializer})
    def post(self, request: Request, **kwargs: Any) -> Response:
        """Rows, tokens and cost of the batch of listings that this body would start."""
        return super().post(request, **kwargs)
