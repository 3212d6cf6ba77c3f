"""Keeps a window of calls in flight on the client's event loop.

The lane's thread feeds items and takes outcomes; everything between runs on the loop. Before rows
are sent, their chunk's `started` is committed, so a killed worker's open calls are known.
"""

import asyncio
import logging
import threading
from collections import deque
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

from django.db import DatabaseError, InterfaceError, connection

from enrichment import facts
from enrichment.engine.claims import Claim
from enrichment.engine.items import Item, Outcome, answered, call_for, failed, judged, without_fact
from enrichment.engine.sessions import persistently
from enrichment.enrichments.contract import Enrichment
from enrichment.errors import FactMissing
from enrichment.models import ResultState
from llmconfig import client
from llmconfig.client.recording import Texts
from llmconfig.client.records import CallRecord
from llmconfig.errors import ConfigurationError, GenerationFailed, GenerationRefused

logger = logging.getLogger(__name__)

# One statement tells the database what is about to be sent, and us whether we still may: the lease
# must be ours and the batch not paused. Nearly always it is about one chunk, which costs half.
_ANNOUNCE_ONE = """
UPDATE enrichment_batch_chunks SET started = %s
WHERE id = %s AND lease_token = %s
  AND EXISTS (SELECT FROM enrichment_batches WHERE id = %s AND status = 'running')
"""
_ANNOUNCE = """
UPDATE enrichment_batch_chunks c SET started = u.started
FROM unnest(%s::bigint[], %s::uuid[], %s::int[]) AS u(id, token, started)
WHERE c.id = u.id AND c.lease_token = u.token
  AND EXISTS (SELECT FROM enrichment_batches WHERE id = %s AND status = 'running')
RETURNING c.id
"""


class Pump:
    """The calls of one lane. All public methods are for the lane's thread."""

    def __init__(
        self,
        enrichment: Enrichment,
        *,
        batch_id: UUID,
        window: int,
        wanted: int,
        use_cache: bool,
        announcer: ThreadPoolExecutor,
    ) -> None:
        self.enrichment = enrichment
        self.batch_id = batch_id
        self.window = window
        self.wanted = wanted  # outcomes that wake the lane
        self.use_cache = use_cache
        self.stop_reason: ConfigurationError | None = None
        self.failure: Exception | None = None  # why nothing can be announced, and so sent
        # Rows queued below which the lane is woken to claim more; 0 when there is nothing to claim.
        self.refill_below = 0
        self._announcer = announcer
        self._waiting: deque[tuple[Claim, Item]] = deque()
        self._outcomes: deque[Outcome] = deque()
        self._session: object = None  # the announcer's
        self._started: dict[int, int] = {}
        self._in_flight = 0
        self._being_written = 0
        self._dispatching = False
        self._stopped = False
        self._wake = threading.Event()
        self._tasks: set[asyncio.Task[None]] = set()

    def feed(self, claim: Claim, items: Sequence[Item]) -> None:
        """Queue a chunk's rows; they are sent in this order as the window allows."""
        self._waiting.extend((claim, item) for item in items)
        asks = [asked for item in items for asked in item.asks]
        if asks:
            client.loop.call_soon(facts.begin, asks)
        client.loop.call_soon(self._dispatch)

    def stop_sending(self) -> None:
        """Send nothing more; calls in flight still come back."""
        self._stopped = True
        client.loop.call_soon(self._drop_waiting)

    @property
    def backlog(self) -> int:
        """Rows that are queued but not sent."""
        return len(self._waiting)

    @property
    def busy(self) -> bool:
        """Whether any outcome may still come."""
        return bool(self._in_flight or self._dispatching or self._waiting)

    @property
    def due(self) -> bool:
        """Whether enough outcomes wait to be written, or nothing more will come."""
        return len(self._outcomes) >= self.wanted or not self.busy

    @property
    def hungry(self) -> bool:
        """Whether the lane should claim more, lest the window runs empty during the next write."""
        return len(self._waiting) < self.refill_below

    def wait(self, seconds: float) -> None:
        """Until a write is due, more rows are needed, or the time is over."""
        if not (self.due or self.hungry):
            self._wake.wait(seconds)
        self._wake.clear()

    def take(self) -> list[Outcome]:
        """All outcomes that wait to be written."""
        taken = [self._outcomes.popleft() for _ in range(len(self._outcomes))]
        self._being_written += len(taken)
        return taken

    def wrote(self) -> None:
        """What was taken is stored: a kill can't lose it any more."""
        if self._being_written:
            self._being_written = 0
            client.loop.call_soon(self._dispatch)

    def announce_again(self, held: Sequence[Claim]) -> None:
        """Tell the database once more what was sent of the chunks that are held."""
        begun = [claim for claim in held if claim.chunk_id in self._started]
        if begun:
            self._announcer.submit(self._announce, begun).result()

    # From here on everything runs on the event loop.

    def _drop_waiting(self) -> None:
        self._waiting.clear()
        self._wake_if_needed()

    def _free(self) -> int:
        # What a kill loses is what is in flight or not yet written: that is never more than the
        # window and one write.
        unwritten = len(self._outcomes) + self._being_written
        return self.window - self._in_flight - max(0, unwritten - self.wanted)

    def _dispatch(self) -> None:
        if self._dispatching or self._stopped or not self._waiting or self._free() <= 0:
            return
        self._dispatching = True
        task = asyncio.get_running_loop().create_task(self._send_some())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _send_some(self) -> None:
        try:
            while self._waiting and not self._stopped and (free := self._free()) > 0:
                await self._send(
                    [self._waiting.popleft() for _ in range(min(free, len(self._waiting)))]
                )
        except Exception as error:  # noqa: BLE001 - the lane's thread raises it
            self.failure = error
            self._stopped = True
            self._waiting.clear()
        finally:
            self._dispatching = False
            self._wake_if_needed()

    async def _send(self, items: list[tuple[Claim, Item]]) -> None:
        claims: dict[int, Claim] = {}
        for claim, _ in items:
            # A chunk's rows are sent in its order, so their number tells which ones they are.
            claims[claim.chunk_id] = claim
            self._started[claim.chunk_id] = self._started.get(claim.chunk_id, 0) + 1
        ours = await asyncio.get_running_loop().run_in_executor(
            self._announcer, self._announce, list(claims.values())
        )
        loop = asyncio.get_running_loop()
        for claim, item in items:
            if claim.chunk_id not in ours:
                continue
            self._in_flight += 1
            task = loop.create_task(self._one(item))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    def _announce(self, claims: Sequence[Claim]) -> set[int]:
        """In the announcer's thread: commit what is about to be sent; returns whose is ours."""
        return persistently(lambda: self._tell(claims))

    def _tell(self, claims: Sequence[Claim]) -> set[int]:
        ids = [claim.chunk_id for claim in claims]
        with connection.cursor() as cursor:
            if connection.connection is not self._session:
                # These commits needn't wait for the disk, as the death of a worker loses none.
                cursor.execute("SET synchronous_commit TO off")
                self._session = connection.connection
            if len(claims) == 1:
                only = claims[0]
                cursor.execute(
                    _ANNOUNCE_ONE, [self._started[ids[0]], ids[0], only.token, self.batch_id]
                )
                return set(ids) if cursor.rowcount else set()
            cursor.execute(
                _ANNOUNCE,
                [
                    ids,
                    [claim.token for claim in claims],
                    [self._started[each] for each in ids],
                    self.batch_id,
                ],
            )
            return {row[0] for row in cursor.fetchall()}

    async def _one(self, item: Item) -> None:
        told: list[tuple[CallRecord, Texts]] = []
        try:
            if item.asks:
                item = await answered(item)
                if self._stopped:  # meanwhile; nothing was sent
                    self._in_flight -= 1
                    self._wake_if_needed()
                    return
            call = call_for(
                self.enrichment, item, session_id=self.batch_id, use_cache=self.use_cache
            )
            answer = await client.agenerate(call, collect=lambda *pair: told.append(pair))
            outcome = judged(self.enrichment, item, answer, told[0][1] if told else None)
        except FactMissing as missing:
            outcome = without_fact(item, missing)
        except GenerationFailed as failure:
            texts = told[0][1] if told else None
            retriable = not isinstance(failure, GenerationRefused)
            outcome = failed(self.enrichment, item, failure, texts, retriable=retriable)
        except ConfigurationError as error:
            # Not the row's fault: the whole batch has to wait for a person.
            self.stop_reason = error
            self._stopped = True
            self._in_flight -= 1
            self._drop_waiting()
            return
        except (DatabaseError, InterfaceError) as error:
            reason = f"The database could not be asked: {type(error).__name__}."
            outcome = Outcome(item, ResultState.FAILED, reason=reason, retriable=True)
        except Exception as error:
            logger.exception("Batch %s: row %s broke its enrichment.", self.batch_id, item.row_id)
            reason = f"The enrichment failed on this row: {type(error).__name__}."
            outcome = Outcome(item, ResultState.FAILED, reason=reason)
        self._outcomes.append(outcome)  # before the count goes down: the lane reads both
        self._in_flight -= 1
        self._wake_if_needed()
        self._dispatch()

    def _wake_if_needed(self) -> None:
        if self.due or self.hungry:
            self._wake.set()
