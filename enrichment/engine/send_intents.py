"""Commits which rows are about to be sent, so that a killed worker's open calls are known.

On the event loop itself, over a connection of its own: a thread would wait for Python's lock.
"""

import asyncio
import time
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.db import connection
from psycopg import AsyncConnection, OperationalError
from psycopg.errors import DeadlockDetected

from enrichment.engine.claims import LEASE_SECONDS, Claim
from enrichment.engine.db_sessions import (
    LOOK_AGAIN_SECONDS,
    PATIENCE_SECONDS,
    prepare_where_direct,
)

# One statement tells the database what is about to be sent, and us whether we still may: the lease
# must be ours and the batch not paused. It keeps the lease, too: what is announced is sent within
# that time, or announced anew. Nearly always it is about one chunk, which costs half.
_ONE = """
UPDATE enrichment_batch_chunks
SET started = %s, leased_until = clock_timestamp() + make_interval(secs => %s)
WHERE id = %s AND lease_token = %s
  AND EXISTS (SELECT FROM enrichment_batches WHERE id = %s AND status = 'running')
"""
_SEVERAL = """
WITH held AS (
    SELECT id FROM enrichment_batch_chunks WHERE id = ANY(%s) ORDER BY id FOR UPDATE
)
UPDATE enrichment_batch_chunks c
SET started = u.started, leased_until = clock_timestamp() + make_interval(secs => %s)
FROM held, unnest(%s::bigint[], %s::uuid[], %s::int[]) AS u(id, token, started)
WHERE c.id = held.id AND c.id = u.id AND c.lease_token = u.token
  AND EXISTS (SELECT FROM enrichment_batches WHERE id = %s AND status = 'running')
RETURNING c.id
"""
# Its commits needn't wait for the disk, as the death of a worker loses none.
_OWN = "SELECT set_config('synchronous_commit', 'off', false), pg_backend_pid()"
# These belong to Django's cursors, which are none for event loops.
_DJANGOS_OWN = frozenset({"cursor_factory", "context"})


class Announcer:
    """One lane's announcements; made in the lane's thread, everything else is for the loop."""

    def __init__(self, batch_id: UUID) -> None:
        self._batch_id = batch_id
        self._parameters: dict[str, Any] = {
            name: value
            for name, value in connection.get_connection_params().items()
            if name not in _DJANGOS_OWN
        }
        self._connection: AsyncConnection[Any] | None = None

    async def announce(self, started: Sequence[tuple[Claim, int]]) -> set[int]:
        """Commit how many rows of each chunk may be sent; returns the chunks that are still ours.

        Said again over a new session when its own is lost meanwhile, and where it gave way to the
        lane's own write of the same chunks. Raises psycopg.Error.
        """
        until = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                return await self._tell(started)
            except DeadlockDetected:
                if time.monotonic() >= until:
                    raise
            except OperationalError:
                lost = self._connection is None or self._connection.closed
                if not lost or time.monotonic() >= until:
                    raise
                self._connection = None
                await asyncio.sleep(LOOK_AGAIN_SECONDS)

    async def aclose(self) -> None:
        """Let go of the session; harmless when there is none."""
        if self._connection is not None:
            await self._connection.close()

    async def _connected(self) -> AsyncConnection[Any]:
        if self._connection is None:
            self._connection = await AsyncConnection.connect(**self._parameters, autocommit=True)
            cursor = await self._connection.execute(_OWN)
            _, backend = await cursor.fetchone() or (None, 0)
            prepare_where_direct(self._connection, backend)
        return self._connection

    async def _tell(self, started: Sequence[tuple[Claim, int]]) -> set[int]:
        connected = await self._connected()
        if len(started) == 1:
            claim, number = started[0]
            cursor = await connected.execute(
                _ONE, [number, LEASE_SECONDS, claim.chunk_id, claim.token, self._batch_id]
            )
            return {claim.chunk_id} if cursor.rowcount else set()
        chunks = [claim.chunk_id for claim, _ in started]
        cursor = await connected.execute(
            _SEVERAL,
            [
                chunks,
                LEASE_SECONDS,
                chunks,
                [claim.token for claim, _ in started],
                [number for _, number in started],
                self._batch_id,
            ],
        )
        return {row[0] for row in await cursor.fetchall()}
