"""How far a batch is, and what it has used up."""

import datetime as dt
from decimal import Decimal
from uuid import UUID

from django.db import connection
from msgspec import Struct, field

from enrichment.batches.silence import ChunkCounts, why_silent
from enrichment.models import (
    Batch,
    BatchStatus,
)
from enrichment.models.batches import TERMINAL
from llmconfig.configuration.known_costs import KnownCost


def counted(number: int, noun: str) -> str:
    """For people, such as `1 row` or `3,000 failed rows`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


class Spent(Struct, frozen=True):
    """What a batch has used up by now, summed over its chunks.

    A row counts as tried, and perhaps as failed, once in each round.
    """

    tries: int
    failures: int
    cost_usd: Decimal
    held_usd: Decimal  # what its rows at providers may cost at most, where it has a cap
    repaid: int  # calls whose answers a dead worker took with it


class Progress(Struct, frozen=True):
    """How far a batch is. Rates are rows per second; money is US dollars.

    `cost_usd` is of the priced calls, None where none is known to have a price.
    """

    status: str
    reason: str
    total: int
    done: int
    failed: int
    skipped: int
    waiting: int  # rows that failed and are due for a later round
    calls: int
    calls_repaid: int
    tokens: int
    cost_usd: Decimal | None
    unpriced_calls: int
    unpriced_tokens: int
    seconds: float
    rows_per_second: float
    eta_seconds: float | None
    next_due_at: dt.datetime | None = field(default=None)
    waits_for: str = ""  # why it makes no progress, after some seconds

    @property
    def finished(self) -> int:
        """How many rows need nothing more: done, failed for good or skipped."""
        return self.done + self.failed + self.skipped

    @property
    def total_processed(self) -> int:
        """The same as `finished`, in the words of a batch's result."""
        return self.finished

    @property
    def success_rate(self) -> float | None:
        """The share of rows done among those tried, from 0 to 1; None before the first."""
        tried = self.done + self.failed
        return self.done / tried if tried else None

    @property
    def processing_time(self) -> float:
        """Seconds from its start to its end, or until now."""
        return self.seconds

    @property
    def cost(self) -> KnownCost:
        """The cost, and which calls are not in it because they have no price."""
        return KnownCost(self.cost_usd, self.unpriced_calls, self.unpriced_tokens)


_SPENT = """
SELECT coalesce(sum(rows_done + rows_failed + cardinality(failed_ids)), 0),
       coalesce(sum(rows_failed + cardinality(failed_ids)), 0),
       coalesce(sum(cost_usd), 0),
       (SELECT coalesce(sum(s.held_usd), 0) FROM enrichment_provider_submissions s
        JOIN enrichment_batch_chunks c ON c.id = s.chunk_id
        WHERE c.batch_id = %s AND s.state IN ('intended', 'submitted')),
       coalesce(sum(calls_repaid), 0)
FROM enrichment_batch_chunks WHERE batch_id = %s
"""


def unpriced_cap(cap: Decimal, model: str) -> str:
    """Why a batch with a cap can't go on with a model whose price nobody knows."""
    return (
        f"Its cap of ${cap.normalize():f} can't be kept: the price of {model} is unknown. Enter"
        " one, or start a batch without a cap."
    )


def spent_by(batch_id: UUID) -> Spent:
    """What a batch has used of its cap and its error budget."""
    with connection.cursor() as cursor:
        cursor.execute(_SPENT, [batch_id, batch_id])
        return Spent(*cursor.fetchone())


_TOTALS = """
SELECT coalesce(sum(rows_done), 0), coalesce(sum(rows_failed), 0), coalesce(sum(rows_skipped), 0),
       coalesce(sum(cardinality(row_ids)) FILTER (WHERE round > 0 AND status = 'open'), 0),
       coalesce(sum(calls), 0), coalesce(sum(calls_repaid), 0), coalesce(sum(tokens), 0),
       coalesce(sum(cost_usd), 0), coalesce(sum(unpriced_calls), 0),
       coalesce(sum(unpriced_tokens), 0),
       min(due_at) FILTER (WHERE status = 'open' AND due_at > now()),
       clock_timestamp(),
       count(*) FILTER (WHERE status = 'leased' AND leased_until > clock_timestamp()),
       count(*) FILTER (WHERE status IN ('open', 'leased') AND due_at <= clock_timestamp()
                        AND (leased_until IS NULL OR leased_until < clock_timestamp())),
       count(*) FILTER (WHERE status = 'away')
FROM enrichment_batch_chunks WHERE batch_id = %s
"""


def of_chunks(cost_usd: Decimal, unpriced_calls: int, unpriced_tokens: int = 0) -> KnownCost:
    """The cost from chunks' columns, which begin at 0: with unpriced calls that is unknown."""
    known = None if unpriced_calls and not cost_usd else cost_usd
    return KnownCost(known, unpriced_calls, unpriced_tokens)


def progress_of(batch_id: UUID) -> Progress:
    """Sum up the chunks: a few hundred narrow rows, whatever the size of the batch."""
    batch = Batch.objects.get(pk=batch_id)
    with connection.cursor() as cursor:
        cursor.execute(_TOTALS, [batch_id])
        found = cursor.fetchone()
    done, failed, skipped, waiting, calls, repaid, tokens, cost, unpriced = found[:9]
    unpriced_tokens, due, now, in_work, claimable, away = found[9:]
    standing = ChunkCounts(now, in_work, claimable, away, due)
    seconds = 0.0
    if batch.started_at:
        seconds = ((batch.finished_at or standing.now) - batch.started_at).total_seconds()
    finished = done + failed + skipped
    rate = _pace(batch, finished, standing.now)
    left = batch.rows_total - finished
    return Progress(
        status=batch.status,
        reason=batch.status_reason,
        total=batch.rows_total,
        done=done,
        failed=failed,
        skipped=skipped,
        waiting=waiting,
        calls=calls,
        calls_repaid=repaid,
        tokens=int(tokens),  # PostgreSQL's sum of whole numbers is a decimal
        cost_usd=of_chunks(cost, unpriced).usd,
        unpriced_calls=unpriced,
        unpriced_tokens=int(unpriced_tokens),
        seconds=seconds,
        rows_per_second=rate,
        eta_seconds=left / rate if rate and batch.status not in TERMINAL else None,
        next_due_at=due,
        waits_for=why_silent(batch, standing),
    )


def _pace(batch: Batch, finished: int, now: dt.datetime) -> float:
    """Rows a second since it was last let go on; 0 while it stands still."""
    since = batch.resumed_at or batch.started_at
    if since is None or batch.status == BatchStatus.PAUSED:
        return 0.0
    seconds = ((batch.finished_at or now) - since).total_seconds()
    return max(0, finished - batch.finished_before) / seconds if seconds > 0 else 0.0
