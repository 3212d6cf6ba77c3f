"""Rows that get no answer at half the price go on one by one, at the full price.

That is said before it happens. Where the batch's cap or a budget could be passed by it, or rows
could be paid for twice, the batch pauses: letting it go on is a person's decision.
"""

import logging
from collections.abc import Sequence
from decimal import Decimal
from uuid import UUID, uuid4

from django.db import transaction
from django.db.models.functions import Now

from enrichment.batches import lifecycle
from enrichment.batches.progress import spent_by, unpriced_cap
from enrichment.engine.items import call_for, load_items
from enrichment.engine.submissions.costs import most_of
from enrichment.enrichments import get
from enrichment.enrichments.contract import Enrichment
from enrichment.errors import EnrichmentError
from enrichment.models import (
    BatchChunk,
    BatchStatus,
    ChunkStage,
    ChunkStatus,
    ProviderBatchSubmission,
    SubmissionState,
)
from enrichment.models.batches import UNFINISHED
from llmconfig.client.provider_batches import money
from llmconfig.client.traffic import budget_ledger
from llmconfig.client.traffic.budget_ledger import BudgetVerdict
from llmconfig.client.types import Call
from llmconfig.configuration import snapshot
from llmconfig.configuration.resolution import Target, resolve
from llmconfig.errors import ConfigurationError

logger = logging.getLogger(__name__)


@transaction.atomic
def give_up(submission: ProviderBatchSubmission, detail: str, *, billed: bool = False) -> None:
    """End a submission from which no more answers come: what it held is free, its rows go live.

    What was written of it before stays, and is settled. `billed` says that the provider may have
    billed the other rows too: then a person decides whether they are paid for again.
    """
    ours = ProviderBatchSubmission.objects.select_for_update().get(pk=submission.pk)
    if ours.state not in UNFINISHED:
        return
    ours.state, ours.detail = SubmissionState.FAILED, detail
    ours.save(update_fields=["state", "detail"])
    settle(ours)
    chunk = BatchChunk.objects.select_related("batch").get(submissions=ours)
    if chunk.status != ChunkStatus.AWAY:
        return
    if chunk.stage == ChunkStage.SCORE:  # without a score the dear model answers, at half the price
        BatchChunk.objects.filter(pk=chunk.pk).update(stage=ChunkStage.WAIT, due_at=Now())
        return
    try:
        enrichment = get(chunk.batch.enrichment)
    except EnrichmentError:  # it is gone from the code; its lanes pause the batch
        BatchChunk.objects.filter(pk=chunk.pk).update(status=ChunkStatus.OPEN)
        return
    open_chunk(chunk, enrichment, why=detail, billed=billed)


def settle(submission: ProviderBatchSubmission) -> None:
    """Turn what a submission holds in the budgets into what its answers have cost."""
    spent = {int(key): Decimal(cost) for key, cost in submission.costs.items()}
    budget_ledger.settle_commitment(spent, holder=submission.pk)


def open_chunk(
    chunk: BatchChunk, enrichment: Enrichment, *, why: str, billed: bool = False
) -> None:
    """Leave a chunk to the lanes. A blank `why` says that its rows need no calls."""
    BatchChunk.objects.filter(pk=chunk.pk).update(status=ChunkStatus.OPEN)
    if why:
        tell(chunk, enrichment, unrecorded(chunk), why=why, billed=billed)


def unrecorded(chunk: BatchChunk) -> list[str]:
    """The rows of a chunk of which nothing is written yet."""
    written = set(
        chunk.batch.results.filter(variant=chunk.variant, row_id__in=chunk.row_ids).values_list(
            "row_id", flat=True
        )
    ) | set(chunk.failed_ids)
    return [row for row in chunk.row_ids if row not in written]


def tell(
    chunk: BatchChunk,
    enrichment: Enrichment,
    rows: Sequence[str],
    *,
    why: str,
    billed: bool = False,
) -> None:
    """Say that these rows go on live; pause the batch where that could pass a limit, or pay twice.

    To be called in the transaction that leaves them to the lanes.
    """
    if not rows or chunk.batch.status == BatchStatus.CANCELLED:
        return
    number = f"{len(rows)} row goes" if len(rows) == 1 else f"{len(rows)} rows go"
    said = f"{number} on one by one, at the full price: {why}"
    logger.warning("Batch %s: %s", chunk.batch_id, said)
    limit = _limit_passed(chunk, enrichment, rows)
    if limit:
        said = f"{said} {limit} Resume it to go on under that limit, or raise the limit first."
    elif billed:
        said = f"{said} The provider may have billed them already. Resume it to go on all the same."
    lifecycle.tell(chunk.batch_id, said, pause_too=bool(limit) or billed)


def _limit_passed(chunk: BatchChunk, enrichment: Enrichment, rows: Sequence[str]) -> str:
    """The cap or budget that these rows could pass, in a sentence; blank if there is none."""
    cap, configuration = chunk.batch.max_cost_usd, snapshot.current()
    if cap is None and not configuration.budgets:
        return ""
    try:
        target = resolve(enrichment.node, snapshot=configuration).targets[0]
    except ConfigurationError:
        return ""  # then nobody is called
    items = load_items(enrichment, rows, variant=chunk.variant)
    calls = [
        call_for(enrichment, item, session_id=chunk.batch_id)
        for item in items
        if item.settled is None and item.prompt is not None
    ]
    if cap is not None:
        found = _cap_passed(chunk.batch_id, cap, enrichment, calls, target)
        if found:
            return found
    return budget_passed(calls, target)


def _cap_passed(
    batch_id: UUID, cap: Decimal, enrichment: Enrichment, calls: Sequence[Call], target: Target
) -> str:
    most = most_of(calls, target, node=enrichment.node, at_batch_price=False)
    if most is None:
        return unpriced_cap(cap, target.model_id)
    used = spent_by(batch_id)
    left = max(cap - used.cost_usd - used.held_usd, Decimal(0))
    if sum(most) <= left:
        return ""
    return (
        f"They may cost up to ${sum(most):.4f}; the batch's cap of ${cap.normalize():f} has"
        f" ${left:.4f} left."
    )


def budget_passed(calls: Sequence[Call], target: Target) -> str:
    """Why the budgets have no room for these calls at the full price; blank where they have.

    Asks them for all of it at once, and gives it back: for a caller within a transaction.
    """
    probe = transaction.savepoint()
    answer = money.commit(calls, target, snapshot.current(), holder=uuid4(), at_batch_price=False)
    transaction.savepoint_rollback(probe)
    if answer.verdict is not BudgetVerdict.REFUSED:
        return ""
    return f"{answer.why[:1].upper()}{answer.why[1:]}."
