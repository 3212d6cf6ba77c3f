"""A text translated, a question answered, and how much of the listings is enriched."""

from typing import Any

from django.utils.translation import gettext
from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers, status
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from enrichment.api.enriching import LANGUAGE_HELP
from enrichment.api.failures import EnrichmentEndpoint
from enrichment.api.review import GateFindingSerializer
from enrichment.errors import BadSelection
from enrichment.listings.enrichments.respond import MAX_QUESTION_LENGTH
from enrichment.listings.models import Organization
from enrichment.listings.responding import answer_question
from enrichment.listings.statistics import Statistics, statistics
from enrichment.listings.translating import translate_text
from enrichment.plain_text import MAX_CHARACTERS, plain
from llmconfig.api.kit.bodies import MAX_KEY, StrictSerializer
from llmconfig.api.kit.documentation import extend_schema


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
    needs_review = serializers.BooleanField(
        help_text="Whether a listing's translation would wait for a reviewer instead of being"
        " written; read this one before it is used."
    )
    findings = GateFindingSerializer(
        many=True, help_text="Why: what the gates found, or that nobody has found it good yet."
    )
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


class Translate(EnrichmentEndpoint):
    """Translates one text within the request."""

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
            raise BadSelection(gettext("There is no text in it, only markup."), field="text")
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
            "needs_review": bool(found.findings),
            "findings": GateFindingSerializer(found.findings, many=True).data,
            "target_language": given["target_language"],
            "source_language": given["source_language"],
        }
        return Response(
            body,
            status=status.HTTP_503_SERVICE_UNAVAILABLE if found.reason else status.HTTP_200_OK,
        )


class Stats(EnrichmentEndpoint):
    """Counts how many listings are enriched, of all or of one organization."""

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
        raise NotFound(
            gettext("organization_id: there is no organization {organization_id}.").format(
                organization_id=organization_id
            )
        )
    return organization_id


class QuestionSerializer(StrictSerializer):
    """An adopter's question about a listing."""

    animal_id = serializers.IntegerField(min_value=1, max_value=MAX_KEY)
    question = serializers.CharField(max_length=MAX_QUESTION_LENGTH)


class ReplySerializer(serializers.Serializer[Any]):
    """The answer; without success the reason why none may be shown."""

    success = serializers.BooleanField()
    message = serializers.CharField()
    answer = serializers.CharField(allow_blank=True)


class RespondToQuestion(EnrichmentEndpoint):
    """One question, answered from the listing alone."""

    more_error_statuses = frozenset({"404"})

    @extend_schema(
        request=QuestionSerializer, responses={200: ReplySerializer, 503: ReplySerializer}
    )
    def post(self, request: Request) -> Response:
        """Ask the model and wait; an answer that fails a gate is held back."""
        wanted = QuestionSerializer(data=request.data)
        wanted.is_valid(raise_exception=True)
        try:
            reply = answer_question(**_asked(wanted.validated_data), user=self.caller)
        except BadSelection as error:
            if error.field == "animal_id":
                raise NotFound(str(error)) from None
            raise
        body = {
            "success": not reply.reason,
            "message": reply.reason or "Question answered successfully",
            "answer": reply.text,
        }
        failed = status.HTTP_503_SERVICE_UNAVAILABLE
        return Response(body, status=failed if reply.reason else status.HTTP_200_OK)


def _asked(given: dict[str, Any]) -> dict[str, Any]:
    return {"row_id": given["animal_id"], "question": given["question"]}
