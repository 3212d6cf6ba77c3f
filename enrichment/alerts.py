"""What there is to tell of batches and of review; metrics sends it to whom its rules name."""

from collections.abc import Iterable
from typing import Any

from django.db.models import Count, QuerySet, Sum
from django.db.models.functions import Coalesce
from django.utils.translation import gettext_lazy as _

from enrichment.models import Batch, BatchStatus
from llmconfig.runtime import database_clock
from metrics.alerts.events import MAX_AGE, AlertEvent, EventKind


def paused() -> Iterable[AlertEvent]:
    """Batches that paused by themselves and still are; each pause is another."""
    from enrichment.batches.lifecycle import BY_A_PERSON  # noqa: PLC0415 - it brings the client

    for batch in Batch.objects.filter(status=BatchStatus.PAUSED).exclude(
        status_reason__startswith=BY_A_PERSON
    ):
        yield AlertEvent(
            subject=batch.enrichment,
            level=str(batch.pk),
            occurrence=str(batch.resumed_at or batch.created_at),
            title=f"Batch {batch} is paused",
            text=f"The batch {batch} over {batch.rows_total:,} rows is paused:"
            f" {batch.status_reason or 'no reason is given'}{_how_it_goes_on(batch)}",
        )


def _how_it_goes_on(batch: Batch) -> str:
    """Blank where the batch's own reason says it."""
    return "" if batch.awaits_budget is not None else " It goes on when somebody resumes it."


def failed() -> Iterable[AlertEvent]:
    """Batches that ended within a day with rows that failed for good."""
    for batch in _completed().filter(failures__gt=0):
        rows = "1 row" if batch.failures == 1 else f"{batch.failures:,} rows"
        yield _ended(batch, f"Batch {batch} ended, and {rows} failed")


def completed() -> Iterable[AlertEvent]:
    """Batches that ended within a day and wrote all their rows."""
    for batch in _completed().filter(failures=0):
        yield _ended(batch, f"Batch {batch} is completed")


def waiting_for_review() -> Iterable[AlertEvent]:
    """Enrichments whose suggestions wait for a person, told once a day."""
    from enrichment import review  # noqa: PLC0415 - it brings the client

    counted = review.queue().order_by().values("enrichment").annotate(suggestions=Count("pk"))
    for each in counted.order_by("enrichment"):
        name, number = each["enrichment"], each["suggestions"]
        words = "1 suggestion waits" if number == 1 else f"{number:,} suggestions wait"
        yield AlertEvent(
            subject=name,
            occurrence=f"{database_clock.now():%Y-%m-%d}",
            title=f"{words} for review: {name}",
            text=f"{words} for review in the enrichment {name}.",
        )


def _completed() -> "QuerySet[Any]":
    recent = Batch.objects.filter(
        status=BatchStatus.COMPLETED, finished_at__gt=database_clock.now() - MAX_AGE
    )
    return recent.annotate(failures=Coalesce(Sum("chunks__rows_failed"), 0))


def _ended(batch: Batch, title: str) -> AlertEvent:
    return AlertEvent(
        subject=batch.enrichment,
        level=str(batch.pk),
        occurrence=str(batch.finished_at),
        title=title,
        text=f"{title}. It had {batch.rows_total:,} rows.",
        happened_at=batch.finished_at,
    )


KINDS = (
    EventKind("batch_paused", _("A batch pauses by itself"), paused),
    EventKind("batch_failed", _("A batch ends with rows that failed"), failed),
    EventKind("batch_completed", _("A batch is completed without failed rows"), completed),
    EventKind("review_waiting", _("Suggestions wait for review"), waiting_for_review),
)
