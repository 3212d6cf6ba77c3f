"""Claiming chunks: leases, what dead workers left behind, and rows that kill.

Every time here is the database's, so that clocks of workers don't matter.
"""

import datetime as dt
import uuid
from collections.abc import Mapping, Sequence
from typing import NamedTuple
from uuid import UUID

from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper
from django.db.models import Value
from django.db.models.functions import Now
from msgspec import Struct

from enrichment.db_lookups import array_literal
from enrichment.engine import answer_spool, sent_log
from enrichment.engine.answer_spool import KeptAnswer
from enrichment.models import BatchChunk, ChunkStage, ChunkStatus

LEASE_SECONDS = 10
DEATHS_UNTIL_ALONE = 2
DEATHS_UNTIL_PARKED = 3

# A chunk whose workers died twice is only taken by a lane that has nothing else in flight.
_CLAIM = """
SELECT id, batch_id, variant, round, stage, row_ids, failed_ids, status = 'leased', lease_token,
       started, deaths, rows_done + rows_failed + rows_skipped > 0
FROM enrichment_batch_chunks
WHERE batch_id = %s AND due_at <= clock_timestamp()
  AND (status = 'open' OR (status = 'leased' AND leased_until < clock_timestamp()))
  AND (deaths < %s OR %s)
ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED
"""
_SETTLED = """
SELECT row_id FROM enrichment_results
WHERE batch_id = %s AND variant = %s AND row_id = ANY(%s::text[])
"""
_LEASE = """
UPDATE enrichment_batch_chunks
SET status = 'leased', lease_token = %s, row_ids = %s::text[], started = 0, deaths = %s,
    leased_until = clock_timestamp() + make_interval(secs => %s),
    calls_repaid = calls_repaid + %s
WHERE id = %s
"""
_REORDER = """
UPDATE enrichment_batch_chunks SET row_ids = %s::text[] WHERE id = %s AND lease_token = %s
"""


class Claim(Struct, frozen=True):
    """A chunk under our lease, with the rows that still need work, in order.

    `kept` are answers that another lane was given for some of them and didn't write. `dear`: a
    cascade asks its dear model alone.
    """

    chunk_id: int
    token: UUID
    variant: str
    round: int
    row_ids: tuple[str, ...]
    alone: bool
    parked: bool
    kept: tuple[KeptAnswer, ...] = ()
    dear: bool = False


class _Chunk(NamedTuple):
    """A chunk as _CLAIM finds it. `has_results`: rows of it are counted, so they have results."""

    id: int
    batch_id: UUID
    variant: str
    round: int
    stage: str
    row_ids: list[str]
    failed_ids: list[str]
    was_leased: bool
    lease_token: UUID | None
    started: int
    deaths: int
    has_results: bool


def claim(batch_id: UUID, *, idle: bool) -> Claim | None:
    """Take the next chunk, or None. `idle` says that the lane has nothing else in flight.

    To be called in a transaction, which also holds what the caller does first with the rows.
    A chunk whose lease ran out lost its worker: its started rows without a result were paid for
    in vain, and are counted. After the second death they go on one at a time.
    """
    with connection.cursor() as cursor:
        cursor.execute(_CLAIM, [batch_id, DEATHS_UNTIL_ALONE, idle])
        found = cursor.fetchone()
        if found is None:
            return None
        chunk = _Chunk(*found)
        kept = answer_spool.kept(chunk.lease_token) if chunk.lease_token is not None else ()
        remaining, lost = _left_of(cursor, chunk, {each.row_id: each for each in kept})
        deaths = chunk.deaths
        if chunk.was_leased:
            deaths += 1 if lost else 0
            if deaths >= DEATHS_UNTIL_ALONE and len(remaining) > 1:
                remaining, deaths = _split_off(chunk, remaining, lost, deaths=deaths), 0
        else:
            lost = []
        token = uuid.uuid4()
        cursor.execute(
            _LEASE, [token, array_literal(remaining), deaths, LEASE_SECONDS, len(lost), chunk.id]
        )
        if chunk.lease_token is not None and kept:
            _hand_on(chunk.lease_token, token)
    return Claim(
        chunk_id=chunk.id,
        token=token,
        variant=chunk.variant,
        round=chunk.round,
        row_ids=tuple(remaining),
        alone=deaths >= DEATHS_UNTIL_ALONE,
        parked=deaths >= DEATHS_UNTIL_PARKED,
        kept=_of_rows(kept, remaining),
        dear=chunk.round > 0 or chunk.stage == ChunkStage.DEAR,
    )


def _of_rows(kept: Sequence[KeptAnswer], rows: Sequence[str]) -> tuple[KeptAnswer, ...]:
    wanted = set(rows)
    return tuple({each.row_id: each for each in kept if each.row_id in wanted}.values())


def _hand_on(token: UUID, other: UUID) -> None:
    """The kept answers go over to the new lease, whether or not its claim is committed."""
    answer_spool.share(token, other)
    transaction.on_commit(lambda: answer_spool.drop([token]))


def _left_of(
    cursor: CursorWrapper, chunk: _Chunk, kept: Mapping[str, KeptAnswer]
) -> tuple[list[str], list[str]]:
    """Rows that need work, and those of them that were sent and have no kept answer: lost calls.

    Where a cascade's cheap answer is kept, it is the dear model's call that may be lost: it is
    noted behind the rows' first calls.
    """
    settled = set(chunk.failed_ids)
    if chunk.has_results:  # counted in the transaction that stored them
        cursor.execute(_SETTLED, [chunk.batch_id, chunk.variant, array_literal(chunk.row_ids)])
        settled.update(row for (row,) in cursor.fetchall())
    remaining = [row for row in chunk.row_ids if row not in settled]
    noted = sent_log.noted(chunk.lease_token) if chunk.lease_token is not None else None
    lost = []
    # A crash of the database may have taken the last announcements back; notes know what left.
    begun = chunk.row_ids if noted is not None else chunk.row_ids[: chunk.started]
    for position, row in enumerate(begun):
        if row in settled or (row in kept and not kept[row].unfinished):
            continue
        call = position + len(chunk.row_ids) if row in kept else position
        if noted is None or call in noted:
            lost.append(row)
    return remaining, lost


def _split_off(
    chunk: _Chunk, remaining: Sequence[str], suspects: Sequence[str], *, deaths: int
) -> list[str]:
    """Give each suspect a chunk of its own, so that the one that kills is found."""
    BatchChunk.objects.bulk_create(
        BatchChunk(
            batch_id=chunk.batch_id,
            variant=chunk.variant,
            round=chunk.round,
            row_ids=[row],
            deaths=deaths,
            stage=chunk.stage,
        )
        for row in suspects
    )
    accused = set(suspects)
    return [row for row in remaining if row not in accused]


def reorder(claim: Claim, row_ids: Sequence[str]) -> None:
    """Have the rows that will be sent come first: `started` counts from the front."""
    with connection.cursor() as cursor:
        cursor.execute(_REORDER, [array_literal(row_ids), claim.chunk_id, claim.token])


def release(claims: Sequence[Claim]) -> None:
    """Give chunks back that aren't finished; nothing of theirs is in flight any more."""
    BatchChunk.objects.filter(lease_token__in=[each.token for each in claims]).update(
        status=ChunkStatus.OPEN, lease_token=None, leased_until=None, started=0
    )


def extend(claims: Sequence[Claim]) -> None:
    """Keep the leases for as long again."""
    until = Now() + Value(dt.timedelta(seconds=LEASE_SECONDS))
    BatchChunk.objects.filter(lease_token__in=[each.token for each in claims]).update(
        leased_until=until
    )
