"""Suggestions and decisions on them, and answers to adopters' questions."""

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiParameter
from rest_framework import generics, serializers
from rest_framework.request import Request
from rest_framework.response import Response

from enrichment import review
from enrichment.api.failures import EnrichmentEndpoint
from enrichment.enrichments import get
from enrichment.models import EnrichmentResult
from enrichment.review import Suggestion
from llmconfig.api.kit.bodies import StrictSerializer, UserField
from llmconfig.api.kit.documentation import extend_schema
from llmconfig.api.kit.endpoints import Rows

MAX_FEEDBACK_LENGTH = 2_000


class GateFindingSerializer(serializers.Serializer[Any]):
    """One objection of a gate to an answer."""

    code = serializers.CharField(help_text="Stable; the queue's `reason_code` takes it.")
    text = serializers.CharField()
    data = serializers.JSONField(help_text="What was found, by the code.")  # type: ignore[assignment]  # the name of a field is the API's


class SuggestionSerializer(serializers.Serializer[Suggestion]):
    """An answer that waits for a person, beside the value that the row has now."""

    id = serializers.IntegerField(source="result.pk")
    processing_type = serializers.CharField(source="result.enrichment")
    target = serializers.CharField(source="result.target", help_text="The table.")
    row_id = serializers.CharField(source="result.row_id")
    variant = serializers.CharField(source="result.variant", help_text="The language, if any.")
    reason = serializers.CharField(source="result.reason", help_text="Which gates it failed.")
    findings = GateFindingSerializer(source="result.findings", many=True, allow_null=True)
    confidence = serializers.FloatField(source="result.confidence", allow_null=True)
    confidence_source = serializers.CharField(source="result.confidence_source")
    model_used = serializers.CharField(source="result.model_used")
    batch_id = serializers.UUIDField(source="result.batch_id", allow_null=True)
    created_at = serializers.DateTimeField(source="result.created_at")
    current = serializers.JSONField(help_text="The value that the row has now.")
    made_from = serializers.CharField(
        source="source", help_text="The text that the answer was made from."
    )
    proposed = serializers.JSONField(help_text="The value that the row has by accepting.")
    waiting = serializers.JSONField(
        allow_null=True,
        help_text="The fields that the decision is about, where the others of the answer are"
        " applied; null: it is about the whole value. A finding's `data.field` is its field.",
    )
    input_changed = serializers.BooleanField(help_text="Then it can only be rejected.")


class DecisionSerializer(StrictSerializer):
    """What a reviewer may say about it."""

    feedback = serializers.CharField(
        required=False, default="", allow_blank=True, max_length=MAX_FEEDBACK_LENGTH
    )


class EditSerializer(DecisionSerializer):
    """The value that the reviewer writes in place of the model's."""

    value = serializers.JSONField(
        help_text="A text, or JSON in the shape of the proposed value; where fields wait, an object"
        " of these."
    )


class DecidedSerializer(serializers.ModelSerializer[EnrichmentResult]):
    """The result as it stands after the decision."""

    processing_type = serializers.CharField(source="enrichment", read_only=True)
    reviewed_by = UserField(read_only=True)

    class Meta:
        model = EnrichmentResult
        fields = (
            "id", "processing_type", "row_id", "variant", "state", "value", "reviewed_by",
            "reviewed_at",
        )  # fmt: skip


class ReviewQueue(EnrichmentEndpoint, Rows, generics.ListAPIView[EnrichmentResult]):
    """Lists the results that wait for a person's decision."""

    queryset = EnrichmentResult.objects.all()
    serializer_class = SuggestionSerializer
    filterset_fields = ("batch", "row_id", "variant")
    ordering_fields = ("id",)

    def get_queryset(self) -> "QuerySet[EnrichmentResult]":
        name = self.request.query_params.get("processing_type", "")
        code = self.request.query_params.get("reason_code", "")
        return review.queue(enrichment=get(name).name if name else "", code=code)

    @extend_schema(
        parameters=[
            OpenApiParameter("processing_type", str, description="Only this kind."),
            OpenApiParameter(
                "reason_code", str, description="Only what waits for this finding's code."
            ),
        ]
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """A page of suggestions, each beside its row."""
        page = self.paginate_queryset(self.filter_queryset(self.get_queryset()))
        shown = [SuggestionSerializer(each).data for each in review.with_rows(page or ())]
        return self.get_paginated_response(shown)


class Decision(EnrichmentEndpoint):
    """The base of the addresses that accept, edit or reject a result."""

    more_error_statuses = frozenset({"404", "409"})

    def given(self, request: Request, form: type[DecisionSerializer]) -> dict[str, Any]:
        checked = form(data=request.data)
        checked.is_valid(raise_exception=True)
        return dict(checked.validated_data)


class AcceptSuggestion(Decision):
    """Writes the suggested value, or the fields that wait, into its row."""

    @extend_schema(request=DecisionSerializer, responses=DecidedSerializer)
    def post(self, request: Request, id: int) -> Response:  # noqa: A002 - the address's word
        """Write it to its row; 409 when the row or the suggestion has changed."""
        given = self.given(request, DecisionSerializer)
        return Response(DecidedSerializer(review.accept(id, user=self.caller, **given)).data)


class EditSuggestion(Decision):
    """Writes the reviewer's own value into the row."""

    @extend_schema(request=EditSerializer, responses=DecidedSerializer)
    def post(self, request: Request, id: int) -> Response:  # noqa: A002 - the address's word
        """Write another value to the row; 409 when the row or the suggestion has changed."""
        given = self.given(request, EditSerializer)
        return Response(DecidedSerializer(review.edit(id, user=self.caller, **given)).data)


class RejectSuggestion(Decision):
    """Drops the suggestion and leaves the row as it is."""

    @extend_schema(request=DecisionSerializer, responses=DecidedSerializer)
    def post(self, request: Request, id: int) -> Response:  # noqa: A002 - the address's word
        """Leave the row as it is; 409 when it was decided already."""
        given = self.given(request, DecisionSerializer)
        return Response(DecidedSerializer(review.reject(id, user=self.caller, **given)).data)
