"""The one module that moves a batch from one status to another.

    pending ──> running ──> completed
       ^  │        │  │         │
       │  └─> paused <┘         │ retry_failed
       └──────┘│                │
       ^       └──> cancelled   │
       └────────────────────────┘

Each move is one conditional UPDATE, so that of two that happen at once only one wins.
"""

import logging
from collections.abc import Mapping
from contextlib import suppress
from decimal import Decimal
from types import MappingProxyType
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import F, QuerySet, Value
from django.db.models.functions import Coalesce, Concat, Now, Right, Trim
from django.utils.translation import gettext

from enrichment import signals
from enrichment.batches import budget_waits
from enrichment.batches.chunks import chunk_size, cut
from enrichment.batches.creation import Terms, check_terms
from enrichment.batches.progress import progress_of, spent_by
from enrichment.errors import NotAllowedNow
from enrichment.models import Batch, BatchChunk, BatchStatus, ChunkStatus, ResultState
from enrichment.models.batches import TERMINAL, WORKABLE
from llmconfig.client.types import BudgetShortage
from llmconfig.configuration import snapshot

logger = logging.getLogger(__name__)

# From which status a batch may come to each.
MOVES: Mapping[BatchStatus, frozenset[BatchStatus]] = MappingProxyType(
    {
        BatchStatus.PENDING: frozenset({BatchStatus.PAUSED, BatchStatus.COMPLETED}),
        BatchStatus.RUNNING: frozenset({BatchStatus.PENDING}),
        BatchStatus.PAUSED: WORKABLE,
        BatchStatus.CANCELLED: frozenset({*WORKABLE, BatchStatus.PAUSED}),
        BatchStatus.COMPLETED: frozenset({BatchStatus.RUNNING}),
    }
)
MAX_REASON = 2000  # characters
BY_A_PERSON = "Paused by a person."
AWAITS_NOTHING: Mapping[str, Any] = MappingProxyType({"awaits_budget": None, "awaits_usd": None})


def start(batch_id: UUID) -> None:
    """Mark a waiting batch as running; one that runs already, or has ended, stays as it is.

    `started_at` is set once: over every pause and resume it stays the first start.
    """
    _move(batch_id, BatchStatus.RUNNING, reason="", started_at=Coalesce("started_at", Now()))


def pause(batch: Batch, *, reason: str = BY_A_PERSON) -> None:
    """Send nothing more; what is in flight is still written. Raises NotAllowedNow.

    A batch that a spent budget has paused no longer goes on by itself.
    """
    waiting = Batch.objects.filter(
        pk=batch.pk, status=BatchStatus.PAUSED, awaits_budget__isnull=False
    )
    if waiting.update(status_reason=reason, **AWAITS_NOTHING):
        batch.refresh_from_db()
        return
    _move_or_refuse(batch, BatchStatus.PAUSED, reason)


def pause_for(batch: Batch, reason: str, *, shortage: BudgetShortage | None = None) -> None:
    """Pause a batch that runs or waits for a worker until a person has looked after it.

    With a budget's `shortage` only until that has room again (`go_on_within_budgets`). `batch` as
    it was read before the reason came up: one that a person has resumed since goes on, for they
    know better than the older reason.
    """
    not_resumed = Batch.objects.filter(resumed_at=batch.resumed_at)
    awaited = AWAITS_NOTHING
    if shortage is not None:
        reason = f"{reason} {budget_waits.until_when(shortage)}"
        awaited = {"awaits_budget": shortage.budget_id, "awaits_usd": shortage.needs_usd}
    moved = _move(batch.pk, BatchStatus.PAUSED, reason=reason, among=not_resumed, **awaited)
    said = "is paused" if moved else "was resumed, paused or ended before it could be paused"
    logger.warning("Batch %s %s: %s", batch.pk, said, reason)


def tell(batch_id: UUID, text: str, *, pause_too: bool) -> None:
    """Say something on a batch's page; one that is paused keeps what it says already.

    `pause_too` pauses a batch that runs or waits: what is said has just come up.
    """
    paused = Batch.objects.filter(pk=batch_id, status=BatchStatus.PAUSED)
    both = Trim(Concat("status_reason", Value(" "), Value(text)))
    if paused.update(status_reason=Right(both, MAX_REASON)):
        return
    if pause_too:
        pause_for(Batch.objects.get(pk=batch_id), text)
    else:
        Batch.objects.filter(pk=batch_id, status__in=WORKABLE).update(status_reason=text)


@transaction.atomic
def resume(batch: Batch, *, max_cost_usd: Decimal | None = None) -> None:
    """Go on where it stopped, perhaps under another cap in US dollars; the caller queues lanes.

    Its error budget counts anew. Raises NotAllowedNow, also while its cap is spent or all calls
    are off, and BadSelection for a cap that is none.
    """
    check_terms(Terms(max_cost_usd=max_cost_usd))
    cap = batch.max_cost_usd if max_cost_usd is None else max_cost_usd
    used = spent_by(batch.pk)
    if batch.status == BatchStatus.PAUSED and cap is not None and used.cost_usd >= cap:
        raise NotAllowedNow(
            gettext(
                "Batch {batch} has spent ${cost_usd} of its cap of ${cap}; resume it with a "
                "higher one (max_cost_usd, --max-cost)."
            ).format(batch=batch.pk, cost_usd=f"{used.cost_usd:.4f}", cap=f"{cap.normalize():f}")
        )
    if batch.status == BatchStatus.PAUSED and _calls_are_off():
        raise NotAllowedNow(
            gettext(
                "LLM calls are switched off: batch {batch} would only pause again. Turn on "
                "“enabled” in the processing settings first."
            ).format(batch=batch.pk)
        )
    _move_or_refuse(batch, BatchStatus.PENDING, "", before=BatchStatus.PAUSED)
    batch.max_cost_usd = cap
    batch.save(update_fields=["max_cost_usd"])
    _count_anew(batch)


def go_on_within_budgets() -> None:
    """Resume the batches that a spent budget paused and whose budget has room again.

    One that may not go on for another reason, its cap or calls that are off, stays paused.
    """
    for batch in budget_waits.have_room():
        with suppress(NotAllowedNow):
            resume(batch)
            logger.info("Batch %s goes on: its budget has room again.", batch.pk)


def cancel(batch: Batch) -> None:
    """End it; what is written stays. Raises NotAllowedNow."""
    _move_or_refuse(batch, BatchStatus.CANCELLED, "Cancelled by a person.", finished_at=Now())


def complete_if_done(batch_id: UUID) -> bool:
    """Complete a running batch that has no open chunk; returns whether it did."""
    unfinished = BatchChunk.objects.filter(batch_id=batch_id).exclude(status=ChunkStatus.DONE)
    if unfinished.exists():
        return False
    return _move(batch_id, BatchStatus.COMPLETED, finished_at=Now())


@transaction.atomic
def retry_failed(batch: Batch) -> int:
    """Give the failed rows of a completed batch another try; the caller queues lanes.

    Returns how many there are. Raises NotAllowedNow; a batch that is not completed may still hold
    its failed rows in a chunk.
    """
    now = Batch.objects.select_for_update().get(pk=batch.pk)
    failed = now.results.filter(state=ResultState.FAILED)
    if now.status != BatchStatus.COMPLETED or not failed.exists():
        raise NotAllowedNow(_why_no_retry(now.status).format(batch=batch.pk))
    total = 0
    for variant in list(failed.order_by("variant").values_list("variant", flat=True).distinct()):
        keys = failed.filter(variant=variant).order_by("id").values_list("row_id", flat=True)
        total += cut(now, variant, list(keys), size=chunk_size(len(keys)))
    failed.delete()
    now.chunks.filter(status=ChunkStatus.DONE).update(rows_failed=0)
    _move_or_refuse(now, BatchStatus.PENDING, "", before=BatchStatus.COMPLETED, finished_at=None)
    _count_anew(now)
    batch.refresh_from_db()
    return total


def _why_no_retry(status: str) -> str:
    """A sentence with `{batch}`: why its rows aren't tried again, and what can be done instead."""
    if status == BatchStatus.COMPLETED:
        return gettext("Batch {batch} has no failed rows; there is nothing to try again.")
    if status == BatchStatus.CANCELLED:
        return gettext(
            "Batch {batch} was cancelled, which is final. Start another: it takes the rows that"
            " failed or were never done."
        )
    if status == BatchStatus.PAUSED:
        return gettext(
            "Batch {batch} is paused. Resume it: its failed rows can be tried again once it is"
            " completed."
        )
    return gettext(
        "Batch {batch} is still at work: its failed rows can be tried again once it is completed."
    )


def in_work(batch: Batch) -> bool:
    """Whether a worker still holds rows of it, as for some seconds after a cancel."""
    return batch.chunks.filter(status=ChunkStatus.LEASED, leased_until__gt=Now()).exists()


def _count_anew(batch: Batch) -> None:
    """Have error budget and pace count what comes, not what was."""
    used = spent_by(batch.pk)
    batch.tries_before, batch.failures_before = used.tries, used.failures
    batch.repaid_before, batch.lane_failure = used.repaid, ""
    batch.finished_before, batch.resumed_at = progress_of(batch.pk).finished, Now()
    batch.save(
        update_fields=[
            "tries_before",
            "failures_before",
            "repaid_before",
            "lane_failure",
            "finished_before",
            "resumed_at",
        ]
    )
    batch.refresh_from_db(fields=["resumed_at"])


def _move(
    batch_id: UUID,
    status: BatchStatus,
    *,
    reason: str | None = None,
    before: BatchStatus | None = None,
    among: "QuerySet[Batch] | None" = None,
    **columns: Any,
) -> bool:
    """Move a batch if its status allows it; returns whether it did.

    Without a reason the old one stays. `before` narrows the statuses that it may come from, `among`
    the batches.
    """
    columns["status_reason"] = F("status_reason") if reason is None else reason
    if status != BatchStatus.RUNNING:  # when it goes on, it catches up for no time before
        columns["served"] = None
    allowed = MOVES[status] if before is None else MOVES[status] & {before}
    batches = Batch.objects.all() if among is None else among
    found = batches.filter(pk=batch_id, status__in=list(allowed))
    moved = bool(found.update(status=status, **{**AWAITS_NOTHING, **columns}))
    if moved:
        signals.tell(batch_id, status)
    return moved


def _move_or_refuse(
    batch: Batch,
    status: BatchStatus,
    reason: str,
    *,
    before: BatchStatus | None = None,
    **columns: Any,
) -> None:
    moved = _move(batch.pk, status, reason=reason, before=before, **columns)
    batch.refresh_from_db()
    if not moved:
        raise NotAllowedNow(_refusal(batch, status))


def _calls_are_off() -> bool:
    """Whether a person has switched them off, asked anew: they may just have been turned on."""
    snapshot.expire()
    state = snapshot.current()
    return bool(state.processing) and not state.allows_calls


_VERBS = {
    BatchStatus.PENDING: "set going",
    BatchStatus.RUNNING: "worked on",
    BatchStatus.PAUSED: "paused",
    BatchStatus.CANCELLED: "cancelled",
    BatchStatus.COMPLETED: "completed",
}


def _refusal(batch: Batch, status: BatchStatus) -> str:
    """Why a batch can't be moved, and whether it ever can."""
    ended = ", which is final" if batch.status in TERMINAL else ""
    return (
        f"Batch {batch.pk} is {batch.get_status_display().lower()}{ended};"
        f" it can't be {_VERBS[status]}."
    )
