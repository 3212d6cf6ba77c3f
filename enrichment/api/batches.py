"""Batches: started, watched and controlled."""

import logging
from typing import Any, ClassVar

from django.db.models import QuerySet, Sum
from django.http import Http404
from django.utils.translation import gettext
from rest_framework import generics, status
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from enrichment.api.batch_bodies import (
    NAMES_IN_BATCHES,
    BatchAnswerSerializer,
    BatchDetailSerializer,
    BatchRequestSerializer,
    BatchSerializer,
    FailureRowSerializer,
    ResumeRequestSerializer,
    selection_of,
    terms_of,
)
from enrichment.api.failures import EnrichmentEndpoint
from enrichment.batches import creation, lifecycle
from enrichment.batches.progress import counted
from enrichment.batches.undo import undo
from enrichment.errors import NoWorkers
from enrichment.lane_queue import start_lanes
from enrichment.models import Batch, EnrichmentResult, ResultState
from llmconfig.api.kit.bodies import StrictSerializer
from llmconfig.api.kit.documentation import extend_schema
from llmconfig.api.kit.endpoints import Rows

logger = logging.getLogger(__name__)
LEFT_SHOWN = 20
# The chunks' counters, summed for a page of batches in its one query.
SUMS = {name: Sum(f"chunks__{name}") for name in ("rows_done", "rows_failed", "rows_skipped")}


class BatchRows(EnrichmentEndpoint, Rows):
    """What the addresses of batches have in common: rows, sums and order."""

    # Django drops a model's own ordering where it groups.
    queryset = (
        Batch.objects.select_related("created_by").annotate(**SUMS).order_by("-created_at", "id")
    )
    serializer_class = BatchSerializer


class BatchList(BatchRows, generics.ListAPIView[Batch]):
    """Lists all batches, the newest first, and starts new ones."""

    request_serializer: ClassVar[type[StrictSerializer]] = BatchRequestSerializer
    request_names = NAMES_IN_BATCHES
    filterset_fields = ("status", "enrichment")
    ordering_fields = ("created_at", "rows_total", "finished_at")

    @extend_schema(request=BatchRequestSerializer, responses={202: BatchAnswerSerializer})
    def post(self, request: Request) -> Response:
        wanted = self.request_serializer(data=request.data)
        wanted.is_valid(raise_exception=True)
        given = wanted.validated_data
        batch = creation.create(
            given["processing_type"],
            selection_of(given),
            write_size=given["batch_size"],
            terms=terms_of(given),
            user=self.caller,
        )
        return Response(answered(batch, set_going(batch)), status=status.HTTP_202_ACCEPTED)


class BatchRow(BatchRows, generics.RetrieveAPIView[Batch]):
    """One batch and how far it is."""

    serializer_class = BatchDetailSerializer
    lookup_field = "id"


class BatchControl(BatchRows):
    """The base of the addresses that pause, resume, cancel, retry or undo a batch."""

    lookup_field = "id"

    @extend_schema(request=None, responses=BatchAnswerSerializer)
    def post(self, request: Request, **kwargs: Any) -> Response:
        """Do it; 409 where the batch's state rules it out."""
        batch = Batch.objects.filter(pk=kwargs["id"]).first()
        if batch is None:
            raise NotFound(gettext("There is no batch {id}.").format(id=kwargs["id"]))
        message = self.control(batch)
        return Response(answered(batch, message))

    def control(self, batch: Batch) -> str:
        """Change the batch's state; what to tell about it. Raises NotAllowedNow."""
        raise NotImplementedError


class PauseBatch(BatchControl):
    """Pauses a batch: nothing more is sent."""

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
    """Ends a batch; what is written stays."""

    def control(self, batch: Batch) -> str:
        """End it; what is written stays."""
        lifecycle.cancel(batch)
        return "Cancelled; what was written stays."


class RetryBatch(BatchControl):
    """Another try for the rows of a completed batch that failed."""

    def control(self, batch: Batch) -> str:
        """Put them into new chunks and go on."""
        rows = lifecycle.retry_failed(batch)
        return f"Retrying {counted(rows, 'failed row')}. {set_going(batch)}"


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
    except NoWorkers as error:
        logger.warning("%s waits, the reviver will start it: %s", batch, error)
        return (
            f"Batch of {counted(batch.rows_total, 'row')} is stored and waits. {error}"
            f" It starts by itself when workers can be told.{left_out} {where}"
        )
    return f"Batch of {counted(batch.rows_total, 'row')} started.{left_out} {where}"


def answered(batch: Batch, message: str) -> dict[str, Any]:
    """A batch as its own address shows it, and what was done."""
    row = BatchRow.queryset.get(pk=batch.pk)
    return {**BatchDetailSerializer(row).data, "message": message}
