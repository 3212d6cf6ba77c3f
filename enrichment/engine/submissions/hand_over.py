"""Begins a chunk's submission: records what is meant, and holds its cost."""

import datetime as dt
from collections.abc import Sequence
from decimal import Decimal
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Exists, OuterRef, QuerySet, Sum
from django.db.models.functions import Now

from enrichment.batches import lifecycle
from enrichment.batches.progress import spent_by, unpriced_cap
from enrichment.engine.duplicates import told_apart
from enrichment.engine.items import Item, answer_all, load_items
from enrichment.engine.submissions import fall_back, scoring, two_rounds
from enrichment.engine.submissions.calls import (
    AS_SENT,
    as_sent,
    call_of,
    chunk_of,
    custom_id,
    items_of,
    node_of,
    row_of,
    sharing,
)
from enrichment.engine.submissions.costs import fitting, most_of
from enrichment.engine.submissions.scoring import HandedTo
from enrichment.enrichments import get
from enrichment.enrichments.contract import Enrichment
from enrichment.facts import store
from enrichment.models import (
    Batch,
    BatchChunk,
    ChunkStage,
    ChunkStatus,
    ProviderBatchSubmission,
    SubmissionState,
)
from enrichment.models.batches import UNFINISHED, WORKABLE
from llmconfig.client.provider_batches import BatchRequest, money
from llmconfig.client.provider_batches.answers import body_of, target_of
from llmconfig.client.traffic import budget_ledger
from llmconfig.client.traffic.budget_ledger import BudgetVerdict
from llmconfig.configuration import snapshot
from llmconfig.configuration.resolution import Target
from llmconfig.errors import ConfigurationError

MAX_QUEUE_PAUSE = dt.timedelta(hours=1)
# A chunk that found the queue full so often although nothing of ours was in it, is too large.
FULL_UNTIL_HALVED = 3
MAX_QUEUED = dt.timedelta(hours=48)


def due_chunks() -> "QuerySet[BatchChunk]":
    """Chunks that wait to be handed over, those of high priority first."""
    unfinished = ProviderBatchSubmission.objects.filter(
        chunk=OuterRef("pk"), state__in=list(UNFINISHED)
    )
    return (
        BatchChunk.objects.filter(
            ~Exists(unfinished),
            status=ChunkStatus.AWAY,
            due_at__lte=Now(),
            batch__status__in=WORKABLE,
        )
        .select_related("batch")
        .order_by("-batch__priority", "id")
    )


@transaction.atomic
def intend(chunk: BatchChunk) -> ProviderBatchSubmission | None:
    """Record what is about to be handed over, and hold its cost in the budgets and the cap.

    A chunk that can't be handed over goes on live; one that a budget or its batch's cap has no
    room for waits, and where there never will be any, its batch pauses. Of a chunk that is too
    dear for the cap, as many rows are handed over as fit.
    """
    chunk.batch = Batch.objects.select_for_update().get(pk=chunk.batch_id)
    if chunk.batch.status not in WORKABLE:
        return None  # an earlier chunk of this round has paused it
    enrichment = get(chunk.batch.enrichment)
    chunk.refresh_from_db(fields=["row_ids"])  # another chunk of this round may have taken some
    if _is_the_cascades(chunk, enrichment):
        return None
    asked = _asked(chunk, enrichment)
    items = list(load_items(enrichment, chunk.row_ids, variant=chunk.variant))
    if chunk.stage == ChunkStage.SCORE:
        items = scoring.with_answers(chunk, items)
    sent, shared = told_apart(
        item for item in items if item.settled is None and item.prompt is not None
    )
    if asked.cheap and shared:  # for the dear model: one error there would be several
        alike = {*shared, *(each.row_id for others in shared.values() for each in others)}
        two_rounds.part(chunk, sorted(alike), ChunkStage.DEAR)
        items = [item for item in items if item.row_id not in alike]
        sent, shared = [item for item in sent if item.row_id not in alike], {}
    if asked.target is None or not sent:
        why = "The node's first model isn't OpenAI's or Anthropic's any more."
        fall_back.open_chunk(chunk, enrichment, why=why if sent else "")
        return None
    submission = ProviderBatchSubmission(
        chunk=chunk,
        provider=asked.target.provider.name,
        model=asked.target.model_id,
        asks_cheap=asked.cheap,
    )
    if chunk.batch.max_cost_usd is not None:
        sent = _within_cap(submission, enrichment, sent, asked.target, chunk.batch.max_cost_usd)
        if not sent:
            return None
    submission.rows = [row_of(item, shared.get(item.row_id, ())) for item in sent]
    calls = (call_of(submission, enrichment, item) for item in sent)
    answer = money.commit(calls, asked.target, snapshot.current(), holder=submission.pk)
    if answer.verdict is BudgetVerdict.REFUSED:
        why = f"{answer.why[:1].upper()}{answer.why[1:]}."
        lifecycle.pause_for(chunk.batch, why, shortage=answer.shortage)
    if answer.verdict is not BudgetVerdict.GRANTED:
        return None
    _keep_only(chunk, submission, items)
    submission.save(force_insert=True)
    return submission


def _is_the_cascades(chunk: BatchChunk, enrichment: Enrichment) -> bool:
    """Whether a chunk isn't to be handed over now: cheap answers that wait for others, or have
    nothing to score."""
    if chunk.stage == ChunkStage.KEPT:
        two_rounds.settle_kept(chunk, enrichment)
        return True
    if chunk.stage == ChunkStage.SCORE:
        return not scoring.prepare(chunk, enrichment)
    if chunk.stage == ChunkStage.WAIT:
        if two_rounds.is_learning(chunk):
            return True
        two_rounds.decide(chunk, enrichment)
    return False


def _asked(chunk: BatchChunk, enrichment: Enrichment) -> HandedTo:
    """Whom a chunk's rows are handed over to."""
    if chunk.stage == ChunkStage.SCORE:
        return scoring.asked(chunk, enrichment)
    cheap = two_rounds.first_target(chunk, enrichment)
    return HandedTo(cheap or _dear_target(enrichment), cheap=cheap is not None)


def _dear_target(enrichment: Enrichment) -> Target | None:
    try:
        return target_of(enrichment.node, snapshot.current())
    except ConfigurationError:
        return None


def _within_cap(
    submission: ProviderBatchSubmission,
    enrichment: Enrichment,
    sent: Sequence[Item],
    target: Target,
    cap: Decimal,
) -> list[Item]:
    """The rows from the front that surely fit into what the cap has left.

    None while others are under way, which may cost less than they might; pauses the batch where
    nothing is under way and not even one row fits.
    """
    batch = chunk_of(submission).batch
    calls = (call_of(submission, enrichment, item) for item in sent)
    node = node_of(submission, enrichment)
    most = most_of(calls, target, node=node, at_batch_price=True)
    if most is None:
        lifecycle.pause_for(batch, unpriced_cap(cap, target.model_id))
        return []
    used = spent_by(batch.pk)
    # Answers whose cost nobody knows count as the dearest.
    unknown = BatchChunk.objects.filter(batch=batch).aggregate(Sum("unpriced_calls"))
    doubtful = max(most) * (unknown["unpriced_calls__sum"] or 0)
    room = cap - used.cost_usd - used.held_usd - doubtful
    fits, submission.held_usd = fitting(most, room)
    if fits == len(sent):
        return list(sent)
    if _under_way(batch.pk):
        return []
    if not fits:
        lifecycle.pause_for(
            batch,
            f"The next row may cost up to ${most[0]:.4f} as part of a provider's batch, and its"
            f" cap of ${cap.normalize():f} has ${max(room, Decimal(0)):.4f} left. Resume it with a"
            " higher one.",
        )
    return list(sent[:fits])


def _under_way(batch_id: UUID) -> bool:
    """Whether rows of the batch are at a provider or with lanes."""
    at_provider = ProviderBatchSubmission.objects.filter(
        chunk__batch_id=batch_id, state__in=list(UNFINISHED)
    )
    with_lanes = BatchChunk.objects.filter(
        batch_id=batch_id, status__in=[ChunkStatus.OPEN, ChunkStatus.LEASED]
    )
    return at_provider.exists() or with_lanes.exists()


def _keep_only(
    chunk: BatchChunk, submission: ProviderBatchSubmission, items: Sequence[Item]
) -> None:
    """Move the rows that need calls and don't get them here to another chunk."""
    served = {row for each in submission.rows for row in (each[0], *sharing(each))}
    left = [item.row_id for item in items if item.settled is None and item.row_id not in served]
    if left:
        two_rounds.part(chunk, left, chunk.stage)


def requests_of(submission: ProviderBatchSubmission, enrichment: Enrichment) -> list[BatchRequest]:
    """The calls of the rows that still are as they were when it was intended.

    A row that lacks a fact it needs is left out, and so goes on live.
    """
    configuration = snapshot.current()
    chunk = chunk_of(submission)
    items = items_of(submission, enrichment, chunk.row_ids)
    if chunk.stage == ChunkStage.SCORE:
        items = {item.row_id: item for item in scoring.with_answers(chunk, items.values())}
    items |= _with_facts([item for item in items.values() if item.settled is None])
    return [
        BatchRequest(
            custom_id(submission, place),
            body_of(call_of(submission, enrichment, items[row[0]]), configuration),
        )
        for place, row in enumerate(submission.rows)
        if row[:AS_SENT] == as_sent(items[row[0]])
        and items[row[0]].settled is None
        and not items[row[0]].asks
    ]


def _with_facts(items: list[Item]) -> dict[str, Item]:
    """Those whose facts could be had; these are kept, for the answers are judged by them."""
    found = [each for each in answer_all(items) if isinstance(each, Item)]
    with transaction.atomic(), connection.cursor() as cursor:
        store.remember(cursor, [each for item in found for each in item.facts])
    return {item.row_id: item for item in found}


@transaction.atomic
def wait_for_queue(
    submission: ProviderBatchSubmission, detail: str, *, settle: dt.timedelta
) -> None:
    """End a submission that found the provider's queue full; its chunk is handed over again later.

    First after `settle`, then after twice as long each time, up to an hour. A chunk that doesn't
    fit into an empty queue is halved. After 48 hours its batch pauses and says why.
    """
    ended = ProviderBatchSubmission.objects.filter(
        pk=submission.pk, state__in=list(UNFINISHED)
    ).update(
        state=SubmissionState.REPEATED,
        detail=f"The provider's queue was full, so it is handed over again. {detail}".strip(),
    )
    if not ended:
        return
    budget_ledger.settle_commitment({}, holder=submission.pk)
    chunk = chunk_of(submission)
    tries = chunk.submissions.filter(state=SubmissionState.REPEATED)
    full = tries.count()
    chunk.due_at = Now() + queue_pause(full, settle)
    chunk.save(update_fields=["due_at"])
    others = ProviderBatchSubmission.objects.filter(
        provider=submission.provider, model=submission.model, state__in=list(UNFINISHED)
    )
    if full >= FULL_UNTIL_HALVED and len(chunk.row_ids) > 1 and not others.exists():
        two_rounds.part(chunk, chunk.row_ids[len(chunk.row_ids) // 2 :], chunk.stage)
    since = chunk.batch.resumed_at or chunk.batch.created_at
    if tries.filter(created_at__gte=since, created_at__lt=Now() - MAX_QUEUED).exists():
        lifecycle.pause_for(
            chunk.batch,
            f"The queue of {submission.provider} for {submission.model} has been full for over"
            f" {MAX_QUEUED.total_seconds() / 3600:.0f} hours. Resume it to wait on, or cancel it"
            f" and begin one with the transport live. {detail}".strip(),
        )


def queue_pause(tries: int, settle: dt.timedelta) -> dt.timedelta:
    """How long to wait after so many tries that found the queue full."""
    pause: dt.timedelta = min(settle * 2 ** min(tries - 1, 10), MAX_QUEUE_PAUSE)
    return pause


def handed_over_before(chunk: BatchChunk) -> int:
    """How often a chunk was handed over in vain."""
    return chunk.submissions.filter(state=SubmissionState.REPEATED).count()
