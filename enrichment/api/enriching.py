"""One listing or one text at once, and how much is enriched (seed 3)."""

from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers, status
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from enrichment.api.failures import EnrichmentEndpoint
from enrichment.enrichments.listing_text import MAX_CHARACTERS, plain
from enrichment.errors import BadSelection
from enrichment.models import Organization, ResultState
from enrichment.single import SingleResult, enrich_row, translate_text
from enrichment.statistics import Statistics, statistics
from llmconfig.api.kit.bodies import MAX_KEY, StrictSerializer

LANGUAGE_HELP = "BCP 47, such as es, pt-BR or zh-Hant."
TYPE_HELP = "description_cleaning, dog_profiler, translation, or one of your own."


class EnrichRequestSerializer(StrictSerializer):
    """One listing, one kind of work."""

    animal_id = serializers.IntegerField(min_value=1, max_value=MAX_KEY, required=False)
    row_id = serializers.CharField(
        max_length=40, required=False, help_text="Instead of animal_id: the key in any table."
    )
    processing_type = serializers.CharField(max_length=50, help_text=TYPE_HELP)
    target_language = serializers.CharField(
        max_length=35, required=False, default="", help_text=f"For translations. {LANGUAGE_HELP}"
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """One of the two keys."""
        if ("animal_id" in attrs) == ("row_id" in attrs):
            raise serializers.ValidationError(
                {"animal_id": "Give this or row_id, one of the two."}, code="required"
            )
        return attrs


class ProcessedSerializer(serializers.Serializer[Any]):
    """What became of the listings; seed 3's shape."""

    success = serializers.BooleanField()
    message = serializers.CharField()
    processed_count = serializers.IntegerField()
    failed_count = serializers.IntegerField()


class TranslateRequestSerializer(StrictSerializer):
    """A text that is in no table."""

    text = serializers.CharField(max_length=MAX_CHARACTERS)
    target_language = serializers.CharField(max_length=35, help_text=LANGUAGE_HELP)
    source_language = serializers.CharField(
        max_length=35, required=False, default="", allow_blank=True, help_text=LANGUAGE_HELP
    )


class TranslatedSerializer(serializers.Serializer[Any]):
    """The translation; without success the text as it was, and the reason."""

    success = serializers.BooleanField()
    message = serializers.CharField()
    translated_text = serializers.CharField()
    target_language = serializers.CharField()
    source_language = serializers.CharField(allow_blank=True)


class StatisticsSerializer(serializers.Serializer[Statistics]):
    """Counts of listings, and shares in per cent with one digit."""

    total_animals = serializers.IntegerField()
    enriched_descriptions = serializers.IntegerField()
    dog_profiles = serializers.IntegerField()
    with_translations = serializers.IntegerField()
    enrichment_coverage = serializers.FloatField()
    profile_coverage = serializers.FloatField()
    translation_coverage = serializers.FloatField()


class Enrich(EnrichmentEndpoint):
    """One listing, now."""

    more_error_statuses = frozenset({"404"})

    @extend_schema(
        request=EnrichRequestSerializer,
        responses={200: ProcessedSerializer, 503: ProcessedSerializer},
    )
    def post(self, request: Request) -> Response:
        """Enrich it and wait; where that fails the listing stays as it was."""
        wanted = EnrichRequestSerializer(data=request.data)
        wanted.is_valid(raise_exception=True)
        given = wanted.validated_data
        try:
            result = enrich_row(
                given["processing_type"],
                given.get("row_id") or given["animal_id"],
                variant=given["target_language"],
                user=self.caller,
            )
        except BadSelection as error:
            if error.field == "animal_id":
                raise NotFound(str(error)) from None
            raise
        return _processed(result)


class Translate(EnrichmentEndpoint):
    """One text, now."""

    @extend_schema(
        request=TranslateRequestSerializer,
        responses={200: TranslatedSerializer, 503: TranslatedSerializer},
    )
    def post(self, request: Request) -> Response:
        """Translate it and wait; where that fails the text comes back with the reason."""
        wanted = TranslateRequestSerializer(data=request.data)
        wanted.is_valid(raise_exception=True)
        given = wanted.validated_data
        if not plain(given["text"]):
            raise BadSelection("There is no text in it, only markup.", field="text")
        found = translate_text(
            given["text"],
            target_language=given["target_language"],
            source_language=given["source_language"],
            user=self.caller,
        )
        body = {
            "success": not found.reason,
            "message": found.reason or "Text translated successfully",
            "translated_text": found.text,
            "target_language": given["target_language"],
            "source_language": given["source_language"],
        }
        return Response(
            body,
            status=status.HTTP_503_SERVICE_UNAVAILABLE if found.reason else status.HTTP_200_OK,
        )


class Stats(EnrichmentEndpoint):
    """How much is enriched."""

    more_error_statuses = frozenset({"400", "404"})

    @extend_schema(
        parameters=[OpenApiParameter("organization_id", int, description="Only this rescue's.")],
        responses=StatisticsSerializer,
    )
    def get(self, request: Request) -> Response:
        """Count all listings, or one organization's."""
        return Response(
            StatisticsSerializer(statistics(organization_id=_organization_id(request))).data
        )


def _organization_id(request: Request) -> int | None:
    raw = request.query_params.get("organization_id", "")
    if not raw:
        return None
    field = serializers.IntegerField(min_value=1, max_value=MAX_KEY)
    try:
        organization_id = int(field.run_validation(raw))
    except serializers.ValidationError as error:
        raise serializers.ValidationError({"organization_id": error.detail}) from None
    if not Organization.objects.filter(pk=organization_id).exists():
        raise NotFound(f"organization_id: there is no organization {organization_id}.")
    return organization_id


def _processed(result: SingleResult) -> Response:
    done = result.state in {ResultState.APPLIED, ResultState.SUGGESTED}
    failed = result.state == ResultState.FAILED
    messages = {
        ResultState.APPLIED: "Animal enriched successfully",
        ResultState.SUGGESTED: f"The answer is kept as a suggestion: {result.reason}",
        ResultState.SKIPPED: f"Nothing to do: {result.reason}",
        ResultState.FAILED: f"The animal stays as it was: {result.reason}",
    }
    body = {
        "success": not failed,
        "message": messages[result.state],
        "processed_count": int(done),
        "failed_count": int(failed),
    }
    return Response(
        body, status=status.HTTP_503_SERVICE_UNAVAILABLE if failed else status.HTTP_200_OK
    )
