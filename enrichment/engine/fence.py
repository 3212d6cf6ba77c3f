"""What a write asks and counts first: whether its chunks are still ours, and what it adds to them.

Outcomes of chunks that another lane has taken over are dropped, so nothing is recorded twice.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from decimal import Decimal
from uuid import UUID

from django.db.backends.utils import CursorWrapper
from msgspec import Struct

from enrichment.engine.claims import LEASE_SECONDS, Claim
from enrichment.engine.items import Outcome
from enrichment.models import ResultState
from llmconfig.client.types import ANSWERED, CallRecord
from metrics.binary_sql import execute_bound

# It tells the batch's state, too: a look that each write would need besides.
_FENCE = """
WITH held AS (
    SELECT id FROM enrichment_batch_chunks WHERE id = ANY(%(ids)s::bigint[]) ORDER BY id FOR UPDATE
), ours AS (
    UPDATE enrichment_batch_chunks c SET
        leased_until = clock_timestamp() + make_interval(secs => %(seconds)s),
        rows_done = c.rows_done + u.done, rows_failed = c.rows_failed + u.failed,
        rows_skipped = c.rows_skipped + u.skipped, calls = c.calls + u.calls,
        tokens = c.tokens + u.tokens, cost_usd = c.cost_usd + u.cost,
        unpriced_calls = c.unpriced_calls + u.unpriced,
        unpriced_tokens = c.unpriced_tokens + u.unpriced_tokens
    FROM held, unnest(%(ids)s::bigint[], %(tokens)s::uuid[], %(done)s::int[], %(failed)s::int[],
                      %(skipped)s::int[], %(calls)s::int[], %(used)s::bigint[],
                      %(cost)s::numeric[], %(unpriced)s::int[], %(unpriced_tokens)s::bigint[])
         AS u(id, token, done, failed, skipped, calls, tokens, cost, unpriced, unpriced_tokens)
    WHERE c.id = held.id AND c.id = u.id AND c.lease_token = u.token
    RETURNING c.id
)
SELECT ARRAY(SELECT id FROM ours),
       EXISTS (SELECT FROM enrichment_batches WHERE id = %(batch)s::uuid AND status = 'running')
"""


class Fenced(Struct, frozen=True):
    """What a write found: the chunks that are still ours, and whether the batch is running."""

    ours: frozenset[int]
    running: bool


class _Counts(Struct):
    """What one write adds to a chunk's counters."""

    done: int = 0
    failed: int = 0
    skipped: int = 0
    calls: int = 0
    tokens: int = 0
    cost: Decimal = Decimal(0)
    unpriced: int = 0
    unpriced_tokens: int = 0


def gets_later_round(outcome: Outcome, later_rounds: int) -> bool:
    """Whether a failure is tried again in a later round instead of being recorded now."""
    claim = outcome.item.claim
    return outcome.retriable and claim is not None and claim.round < later_rounds


def fence(
    cursor: CursorWrapper,
    outcomes: Sequence[Outcome],
    held: Iterable[Claim],
    later_rounds: int,
    *,
    batch_id: UUID,
) -> Fenced:
    """Check that the held chunks are ours, keep their leases, and add what the outcomes come to.

    To be called first in the transaction that stores the outcomes. `later_rounds` is how many
    further rounds a failed row gets.
    """
    counts: dict[int, _Counts] = defaultdict(_Counts)
    for outcome in outcomes:
        if outcome.item.claim is not None:
            _count(counts[outcome.item.claim.chunk_id], outcome, later_rounds)
    chunks = {claim.chunk_id: claim for claim in held}
    ordered = [(claim, counts[claim.chunk_id]) for _, claim in sorted(chunks.items())]
    ((ours, running),) = execute_bound(
        cursor,
        _FENCE,
        {
            "ids": _array(claim.chunk_id for claim, _ in ordered),
            "seconds": LEASE_SECONDS,
            "tokens": _array(claim.token for claim, _ in ordered),
            "done": _array(each.done for _, each in ordered),
            "failed": _array(each.failed for _, each in ordered),
            "skipped": _array(each.skipped for _, each in ordered),
            "calls": _array(each.calls for _, each in ordered),
            "used": _array(each.tokens for _, each in ordered),
            "cost": _array(each.cost for _, each in ordered),
            "unpriced": _array(each.unpriced for _, each in ordered),
            "unpriced_tokens": _array(each.unpriced_tokens for _, each in ordered),
            "batch": batch_id,
        },
    )
    return Fenced(frozenset(ours), running)


def _array(values: Iterable[object]) -> str:
    """An array's text, whose parameter is of one type whatever the numbers are."""
    return "{" + ",".join(map(str, values)) + "}"


def _count(counts: _Counts, outcome: Outcome, later_rounds: int) -> None:
    if outcome.unfinished:
        pass  # its row is counted when it has ended
    elif outcome.state == ResultState.SKIPPED:
        counts.skipped += 1
    elif outcome.state != ResultState.FAILED:
        counts.done += 1
    elif not gets_later_round(outcome, later_rounds):
        counts.failed += 1
    if outcome.record is not None:
        _count_call(counts, outcome.record)
    for record, _ in outcome.beside:
        _count_call(counts, record)


def _count_call(counts: _Counts, record: CallRecord) -> None:
    paid = sum(attempt.paid for attempt in record.attempts)
    counts.calls += paid
    tokens = record.usage.tokens_input + record.usage.tokens_output
    counts.tokens += tokens
    if record.cost_usd is not None:
        counts.cost += record.cost_usd
    elif paid or any(each.outcome in ANSWERED for each in record.attempts):
        counts.unpriced += 1
        counts.unpriced_tokens += tokens
