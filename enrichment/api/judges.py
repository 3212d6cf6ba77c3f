"""Judges: held against reviewers' verdicts, and asked about two runs."""

from typing import Any, ClassVar

from rest_framework import generics, serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from enrichment.api.enriching import TYPE_HELP
from enrichment.api.failures import EnrichmentEndpoint
from enrichment.evaluations import judges
from enrichment.judging import agreement_in_words
from enrichment.lane_queue import start_calibration
from enrichment.models import JudgeCalibration
from llmconfig.api.kit.bodies import StrictSerializer, UserField
from llmconfig.api.kit.documentation import extend_schema
from llmconfig.api.kit.endpoints import Rows
from llmconfig.roles import Role

MAX_VERDICTS = 1_000


class CalibrationRequestSerializer(StrictSerializer):
    """Whose judge is held against how many verdicts."""

    processing_type = serializers.CharField(max_length=50, help_text=TYPE_HELP)
    verdicts = serializers.IntegerField(
        required=False, default=100, min_value=10, max_value=MAX_VERDICTS
    )


class JudgeCalibrationSerializer(serializers.ModelSerializer[JudgeCalibration]):
    """How far a judge agrees with reviewers; kappa is null where they can't tell."""

    processing_type = serializers.CharField(source="enrichment", read_only=True)
    created_by = UserField(read_only=True)
    said = serializers.SerializerMethodField(help_text="The same in a sentence.")

    class Meta:
        model = JudgeCalibration
        fields = (
            "id", "processing_type", "model", "status", "status_reason", "verdicts", "both_good",
            "both_bad", "judge_good", "judge_bad", "kappa", "kappa_low", "kappa_high", "pairs",
            "pairs_right", "pairs_swayed", "swayed_to_first", "cost_usd", "unpriced", "said",
            "created_by", "created_at", "finished_at",
        )  # fmt: skip

    def get_said(self, row: JudgeCalibration) -> str:
        return agreement_in_words(row)


class JudgeList(EnrichmentEndpoint, Rows, generics.ListAPIView[JudgeCalibration]):
    """Lists calibrations of judges, the newest first, and starts one."""

    queryset = JudgeCalibration.objects.select_related("created_by")
    serializer_class = JudgeCalibrationSerializer
    write_role: ClassVar[Role] = Role.OPERATOR
    filterset_fields = ("enrichment", "status")
    ordering_fields = ("created_at",)

    @extend_schema(
        request=CalibrationRequestSerializer, responses={202: JudgeCalibrationSerializer}
    )
    def post(self, request: Request) -> Response:
        """Hold an enrichment's judge against reviewers' verdicts."""
        wanted = CalibrationRequestSerializer(data=request.data)
        wanted.is_valid(raise_exception=True)
        given: dict[str, Any] = wanted.validated_data
        row = judges.begin_calibration(
            given["processing_type"], wanted=given["verdicts"], user=self.caller
        )
        start_calibration(row)
        return Response(JudgeCalibrationSerializer(row).data, status=status.HTTP_202_ACCEPTED)
