"""Batches: started, watched and controlled."""

import logging
from typing import Any, ClassVar

from django.db.models import QuerySet, Sum
from django.http import Http404
from drf_spectacular.utils import extend_schema
from kombu.exceptions import OperationalError
from rest_framework import generics, serializers, status
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from enrichment.api.enriching import LANGUAGE_HELP, TYPE_HELP
from enrichment.api.failures import EnrichmentEndpoint
from enrichment.batches import creation, lifecycle
from enrichment.batches.creation import AUTO, MAX_PRIORITY, Selection, Terms
from enrichment.batches.progress import Progress, progress_of
from enrichment.batches.staleness import ALL_REASONS, DEFAULT_REASONS, Reason
from enrichment.batches.undo import undo
from enrichment.models import Batch, EnrichmentResult, ResultState, Transport
from enrichment.tasks import start_lanes
from llmconfig.api.kit.bodies import MAX_KEY, StrictSerializer
from llmconfig.api.kit.endpoints import Rows

logger = logging.getLogger(__name__)

MAX_IDS = 10_000
MAX_LANGUAGES = 20
LEFT_SHOWN = 20
# The chunks' counters, summed for a page of batches in its one query.
SUMS = {name: Sum(f"chunks__{name}") for name in ("rows_done", "rows_failed", "rows_skipped")}


def write_size_field() -> serializers.IntegerField:
    """How many finished rows start a write."""
    return serializers.IntegerField(
        required=False,
        allow_null=True,
        min_value=1,
        default=None,
        help_text="Finished rows that start a write, at most LLM_BATCH_MAX_SIZE.",
    )


def cap_field() -> serializers.DecimalField:
    """The most that a batch may cost."""
    return serializers.DecimalField(
        max_digits=16,
        decimal_places=10,
        required=False,
        allow_null=True,
        default=None,
        help_text="US dollars; the batch pauses when they are spent.",
    )


class BatchRequestSerializer(StrictSerializer):
    """Which rows: all that are stale, or fewer."""

    processing_type = serializers.CharField(max_length=50, help_text=TYPE_HELP)
    organization = serializers.SlugField(
        max_length=100,
        required=False,
        default="",
        help_text="The slug of the organization whose rows they are.",
    )
    limit = serializers.IntegerField(
        required=False, allow_null=True, default=None, min_value=1, max_value=MAX_KEY
    )
    row_ids = serializers.ListField(
        child=serializers.CharField(max_length=40),
        required=False,
        allow_null=True,
        default=None,
        allow_empty=False,
        max_length=MAX_IDS,
        help_text="The rows' keys in their table.",
    )
    stale = serializers.MultipleChoiceField(
        choices=sorted(ALL_REASONS),
        required=False,
        default={each.value for each in DEFAULT_REASONS},
        allow_empty=False,
        help_text="Why rows need work; prompt and model count only when asked for.",
    )
    target_languages = serializers.ListField(
        child=serializers.CharField(max_length=35),
        required=False,
        allow_empty=False,
        max_length=MAX_LANGUAGES,
        help_text=f"For translations. {LANGUAGE_HELP}",
    )
    batch_size = write_size_field()
    max_cost_usd = cap_field()
    priority = serializers.IntegerField(
        required=False,
        default=0,
        min_value=-MAX_PRIORITY,
        max_value=MAX_PRIORITY,
        help_text="The higher, the earlier it gets workers.",
    )
    transport = serializers.ChoiceField(
        choices=[*Transport.values, AUTO],
        required=False,
        default=Transport.LIVE.value,
        help_text="provider_batch costs half and takes up to a day; auto chooses.",
    )
    within_hours = serializers.FloatField(
        required=False,
        allow_null=True,
        default=None,
        min_value=0,
        help_text="For auto: when it has to be done. Blank: any time.",
    )
    force = serializers.BooleanField(
        required=False, default=False, help_text="Also rows that are fresh."
    )


class ResumeRequestSerializer(StrictSerializer):
    """On which terms it goes on."""

    max_cost_usd = cap_field()


def selection_of(given: dict[str, Any]) -> Selection:
    """The rows that a checked body means."""
    return Selection(
        organization=given["organization"],
        limit=given["limit"],
        ids=given.get("animal_ids") or given["row_ids"],
        force=given["force"],
        stale=frozenset(Reason(each) for each in given["stale"]),
        variants=tuple(dict.fromkeys(given.get("target_languages", [""]))),
    )


class BatchSerializer(serializers.ModelSerializer[Batch]):
    """One batch as a list shows it."""

    processing_type = serializers.CharField(source="enrichment", read_only=True)
    created_by = serializers.SlugRelatedField[Any](slug_field="username", read_only=True)
    transport = serializers.CharField(read_only=True, help_text="live or provider_batch.")
    rows_done = serializers.IntegerField(read_only=True, allow_null=True)
    rows_failed = serializers.IntegerField(read_only=True, allow_null=True)
    rows_skipped = serializers.IntegerField(read_only=True, allow_null=True)

    class Meta:
        model = Batch
        fields = (
            "id", "processing_type", "params", "status", "status_reason", "force", "write_size",
            "max_cost_usd", "priority", "transport", "automatic", "rows_total", "rows_done",
            "rows_failed", "rows_skipped", "created_by", "created_at", "started_at", "finished_at",
        )  # fmt: skip


class ProgressSerializer(serializers.Serializer[Progress]):
    """How far it is. Rates are rows per second, money is US dollars."""

    total = serializers.IntegerField()
    finished = serializers.IntegerField(help_text="Rows that need nothing more.")
    done = serializers.IntegerField()
    failed = serializers.IntegerField()
    skipped = serializers.IntegerField()
    waiting = serializers.IntegerField(help_text="Failed rows that get a later round.")
    calls = serializers.IntegerField()
    calls_repaid = serializers.IntegerField(help_text="Calls paid again after a worker died.")
    tokens = serializers.IntegerField()
    cost_usd = serializers.DecimalField(max_digits=16, decimal_places=10)
    unpriced_calls = serializers.IntegerField()
    seconds = serializers.FloatField()
    rows_per_second = serializers.FloatField()
    eta_seconds = serializers.FloatField(allow_null=True)
    next_due_at = serializers.DateTimeField(allow_null=True)


class BatchDetailSerializer(BatchSerializer):
    """With its progress as of now."""

    progress = serializers.SerializerMethodField()

    class Meta:
        model = Batch
        fields = (*BatchSerializer.Meta.fields, "progress")

    @extend_schema(responses=ProgressSerializer)
    def get_progress(self, batch: Batch) -> dict[str, Any]:
        """One sum over the chunks."""
        return dict(ProgressSerializer(progress_of(batch.pk)).data)


class BatchAnswerSerializer(BatchDetailSerializer):
    """With what was done, in words."""

    message = serializers.CharField(read_only=True)

    class Meta:
        model = Batch
        fields = (*BatchDetailSerializer.Meta.fields, "message")


class FailureRowSerializer(serializers.ModelSerializer[EnrichmentResult]):
    """A row that failed, and why."""

    class Meta:
        model = EnrichmentResult
        fields = ("row_id", "variant", "reason", "model_used", "correlation_id", "created_at")


class BatchRows(EnrichmentEndpoint, Rows):
    """What the batches' addresses share."""

    # Django drops a model's own ordering where it groups.
    queryset = (
        Batch.objects.select_related("created_by").annotate(**SUMS).order_by("-created_at", "id")
    )
    serializer_class = BatchSerializer


class BatchList(BatchRows, generics.ListAPIView[Batch]):
    """All batches, newest first."""

    request_serializer: ClassVar[type[StrictSerializer]] = BatchRequestSerializer
    filterset_fields = ("status", "enrichment")
    ordering_fields = ("created_at", "rows_total", "finished_at")

    @extend_schema(request=BatchRequestSerializer, responses={202: BatchAnswerSerializer})
    def post(self, request: Request) -> Response:
        """Select rows and start."""
        wanted = self.request_serializer(data=request.data)
        wanted.is_valid(raise_exception=True)
        given = wanted.validated_data
        batch = creation.create(
            given["processing_type"],
            selection_of(given),
            write_size=given["batch_size"],
            terms=Terms(
                max_cost_usd=given["max_cost_usd"],
                priority=given["priority"],
                transport=given["transport"],
                within_hours=given["within_hours"],
            ),
            user=self.caller,
        )
        return Response(answered(batch, set_going(batch)), status=status.HTTP_202_ACCEPTED)


class BatchRow(BatchRows, generics.RetrieveAPIView[Batch]):
    """One batch and how far it is."""

    serializer_class = BatchDetailSerializer
    lookup_field = "id"


class BatchControl(BatchRows):
    """Pause, resume or cancel."""

    lookup_field = "id"

    @extend_schema(request=None, responses=BatchAnswerSerializer)
    def post(self, request: Request, **kwargs: Any) -> Response:
        """Do it; 409 where the batch's state rules it out."""
        batch = Batch.objects.filter(pk=kwargs["id"]).first()
        if batch is None:
            raise NotFound(f"There is no batch {kwargs['id']}.")
        message = self.control(batch)
        return Response(answered(batch, message))

    def control(self, batch: Batch) -> str:
        """Change the batch's state; what to tell about it. Raises NotAllowedNow."""
        raise NotImplementedError


class PauseBatch(BatchControl):
    """Hold a batch."""

    def control(self, batch: Batch) -> str:
        """Send nothing more; what is in flight is still written."""
        lifecycle.pause(batch)
        return "Paused; what was in flight is still written."


class ResumeBatch(BatchControl):
    """Let a paused batch go on."""

    @extend_schema(request=ResumeRequestSerializer, responses=BatchAnswerSerializer)
    def post(self, request: Request, **kwargs: Any) -> Response:
        """Go on where it stopped; one whose cap is spent needs a higher one in the body."""
        return super().post(request, **kwargs)

    def control(self, batch: Batch) -> str:
        """Under the cap that the body names, if it names one."""
        wanted = ResumeRequestSerializer(data=self.request.data)
        wanted.is_valid(raise_exception=True)
        lifecycle.resume(batch, max_cost_usd=wanted.validated_data["max_cost_usd"])
        return set_going(batch)


class CancelBatch(BatchControl):
    """End a batch."""

    def control(self, batch: Batch) -> str:
        """End it; what is written stays."""
        lifecycle.cancel(batch)
        return "Cancelled; what was written stays."


class RetryBatch(BatchControl):
    """Another try for the rows of a completed batch that failed."""

    def control(self, batch: Batch) -> str:
        """Put them into new chunks and go on."""
        rows = lifecycle.retry_failed(batch)
        return f"{rows} failed rows are tried again. {set_going(batch)}"


class UndoBatch(BatchControl):
    """Take back what an ended batch wrote."""

    def control(self, batch: Batch) -> str:
        """Put the values from before back; rows that were changed since are left."""
        report = undo(batch)
        shown = "; ".join(
            f"row {left.row_id} {left.variant}".strip() for left in report.left[:LEFT_SHOWN]
        )
        return f"{report} Left: {shown}." if shown else str(report)


class BatchFailures(EnrichmentEndpoint, Rows, generics.ListAPIView[EnrichmentResult]):
    """The rows of a batch that failed, with their reasons."""

    queryset = EnrichmentResult.objects.all()
    serializer_class = FailureRowSerializer
    ordering_fields = ("id", "row_id")

    def get_queryset(self) -> QuerySet[EnrichmentResult]:
        """Of the addressed batch; raises NotFound."""
        if "id" in self.kwargs and not Batch.objects.filter(pk=self.kwargs["id"]).exists():
            raise Http404
        return EnrichmentResult.objects.filter(
            batch_id=self.kwargs.get("id"), state=ResultState.FAILED
        ).order_by("id")


def set_going(batch: Batch, *, asked: int | None = None) -> str:
    """Queue the batch's lanes; what to tell about it."""
    where = f"/api/llm/batches/{batch.pk} tells how far it is."
    left_out = f" {asked - batch.rows_total} need no work or don't exist." if asked else ""
    if not batch.rows_total:
        return f"No row needs work: fresh rows are left alone unless forced. {where}"
    if asked is None or asked <= batch.rows_total:
        left_out = ""
    try:
        start_lanes(batch)
    except OperationalError:
        logger.warning("%s: the broker can't be reached; the reviver will start it.", batch)
        return (
            f"Batch of {batch.rows_total} rows is stored and waits: the broker can't be reached."
            f" It starts by itself when that is back.{left_out} {where}"
        )
    return f"Batch of {batch.rows_total} rows started.{left_out} {where}"


def answered(batch: Batch, message: str) -> dict[str, Any]:
    """A batch as its own address shows it, and what was done."""
    row = BatchRow.queryset.get(pk=batch.pk)
    return {**BatchDetailSerializer(row).data, "message": message}
