"""One row at once."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from rest_framework import serializers, status
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from enrichment.api.failures import EnrichmentEndpoint
from enrichment.errors import BadSelection
from enrichment.models import ResultState
from enrichment.single import SingleResult, enrich_row
from llmconfig.api.kit.bodies import StrictSerializer
from llmconfig.api.kit.documentation import extend_schema

LANGUAGE_HELP = "BCP 47, such as es, pt-BR or zh-Hant."
TYPE_HELP = "The enrichment's name, such as description_cleaning or one of your own."


class EnrichRequestSerializer(StrictSerializer):
    """One row, one kind of work."""

    row_id = serializers.CharField(max_length=40, help_text="The row's key in its table.")
    processing_type = serializers.CharField(max_length=50, help_text=TYPE_HELP)
    target_language = serializers.CharField(
        max_length=35, required=False, default="", help_text=f"For translations. {LANGUAGE_HELP}"
    )


class ProcessedSerializer(serializers.Serializer[Any]):
    """How it went, in counts and words."""

    success = serializers.BooleanField()
    message = serializers.CharField()
    processed_count = serializers.IntegerField()
    failed_count = serializers.IntegerField()


class EnrichedSerializer(ProcessedSerializer):
    """The same of one row, with what was written."""

    state = serializers.ChoiceField(
        ResultState.choices, help_text="Only what is applied stands in the row."
    )
    value = serializers.JSONField(
        allow_null=True, help_text="What was written, or is suggested; null where there is nothing."
    )


class Enrich(EnrichmentEndpoint):
    """Enriches one row within the request."""

    more_error_statuses = frozenset({"404"})
    request_serializer: ClassVar[type[StrictSerializer]] = EnrichRequestSerializer
    request_names: ClassVar[Mapping[str, Sequence[str]]] = {"ids": ("animal_id", "row_id")}
    row_word: ClassVar[str] = "row"  # what messages call a row

    @extend_schema(
        request=EnrichRequestSerializer,
        responses={200: EnrichedSerializer, 503: EnrichedSerializer},
    )
    def post(self, request: Request) -> Response:
        """Enrich it and wait; where that fails the row stays as it was."""
        wanted = self.request_serializer(data=request.data)
        wanted.is_valid(raise_exception=True)
        given = wanted.validated_data
        field, key = self.key_of(given)
        try:
            result = enrich_row(
                given["processing_type"],
                key,
                variant=given["target_language"],
                user=self.caller,
            )
        except BadSelection as error:
            if error.field == "row_id":
                raise NotFound(str(error).replace("row_id", field, 1)) from None
            raise
        return _processed(result, self.row_word)

    def key_of(self, given: dict[str, Any]) -> tuple[str, int | str]:
        """The name of the field that tells the row, and the row's key."""
        return "row_id", given["row_id"]


def _processed(result: SingleResult, word: str) -> Response:
    done = result.state in {ResultState.APPLIED, ResultState.SUGGESTED}
    failed = result.state == ResultState.FAILED
    messages = {
        ResultState.APPLIED: f"{word.capitalize()} enriched successfully",
        ResultState.SUGGESTED: f"The answer is kept as a suggestion: {result.reason}",
        ResultState.SKIPPED: f"Nothing to do: {result.reason}",
        ResultState.FAILED: f"The {word} stays as it was: {result.reason}",
    }
    message = messages[result.state]
    if result.waits_in_part:
        message = (
            f"{word.capitalize()} enriched in part; the rest waits for review: {result.reason}"
        )
    body = {
        "success": not failed,
        "message": message,
        "processed_count": int(done),
        "failed_count": int(failed),
        "state": result.state,
        "value": result.value,
    }
    return Response(
        body, status=status.HTTP_503_SERVICE_UNAVAILABLE if failed else status.HTTP_200_OK
    )
