"""Keeps a window of calls in flight on the client's event loop.

The lane's thread feeds items and takes outcomes; everything between runs on the loop. Rows are
announced before they are sent, and noted when they are, so a killed worker's open calls are known.
"""

import asyncio
import logging
import threading
import time
from collections import deque
from collections.abc import Coroutine, Iterable, Sequence
from functools import partial
from uuid import UUID

from django.db import DatabaseError, InterfaceError

from enrichment.engine import outgoing
from enrichment.engine.answer_spool import AnswerSpool
from enrichment.engine.claims import LEASE_SECONDS, Claim
from enrichment.engine.items import Item, Outcome, answered, call_for, kept_of, without_fact
from enrichment.engine.judging_time import look_ahead, takes_long
from enrichment.engine.outgoing import PLAIN, Ask, OutgoingRow
from enrichment.engine.send_intents import Announcer
from enrichment.engine.sent_log import SentLog
from enrichment.engine.window import CallWindow
from enrichment.enrichments.contract import Enrichment
from enrichment.errors import FactMissing
from enrichment.facts import fetching
from llmconfig import client
from llmconfig.client.errors import BudgetExceeded, GenerationFailed
from llmconfig.client.http import background_loop
from llmconfig.client.recording.recorders import Texts
from llmconfig.client.types import BudgetShortage, CallRecord
from llmconfig.errors import ConfigurationError, LLMError
from llmconfig.runtime.records import replace

logger = logging.getLogger(__name__)

# Rows are announced in portions, one of them ahead: then an answer lets the next row go at once.
PORTIONS = 8
MIN_PORTION = 4
USUAL_PORTION = 50  # rows of one statement, where the window has room for twice as many
# What was announced earlier is announced again: asleep for long, we may have lost the lease.
TRUSTED_SECONDS = LEASE_SECONDS / 2
UNCONFIRMED = "Waiting for the database to confirm what may be sent."


class Dispatcher:
    """The calls of one lane. All public methods are for the lane's thread."""

    asks_per_row = 1  # calls that are noted for each

    def __init__(
        self,
        enrichment: Enrichment,
        *,
        batch_id: UUID,
        window: int,
        wanted: int,
        use_cache: bool,
    ) -> None:
        self.enrichment = enrichment
        self.batch_id = batch_id
        self.wanted = wanted  # outcomes that wake the lane
        self.use_cache = use_cache
        self.stop_reason: LLMError | None = None
        self.shortage: BudgetShortage | None = None  # where a spent budget is why
        self.failure: Exception | None = None  # why nothing can be announced, and so sent
        self.refill_below = 0  # rows queued; 0 when there is nothing to claim
        # Each is counted by one thread alone, so that no row can be missed between two queues.
        self._fed = self._ended = 0
        self._waiting: deque[OutgoingRow] = deque()
        self._announced: deque[OutgoingRow] = deque()
        self._in_flight = CallWindow(window, vacated=self._dispatch)
        self._outcomes: deque[Outcome] = deque()
        self._being_written = self._settling = 0
        self._portion = max(MIN_PORTION, min(USUAL_PORTION, window // 2), window // PORTIONS)
        self._announcer = Announcer(batch_id)
        self._started: dict[int, int] = {}  # announced, by lease: its number is hashed sooner
        self._notes, self._spool = SentLog(), AnswerSpool()
        self._kept_until = self._writes_since = 0.0  # leases, as far as we know: monotonic clock
        self._announcing = self._stopped = self._silenced = self._yielding = False
        self._wake = threading.Event()
        self._tasks: set[asyncio.Task[None]] = set()

    def feed(self, claim: Claim, items: Sequence[Item]) -> None:
        """Queue a chunk's rows; they are sent in this order as the window allows."""
        self._fed += len(items)  # first: they must not end before they were counted
        self._waiting.extend(
            OutgoingRow(claim, item, position) for position, item in enumerate(items)
        )
        asks = [asked for item in items for asked in item.asks]
        if asks:
            background_loop.call_soon(fetching.begin, asks)
        background_loop.call_soon(self._dispatch)

    def stop_sending(self, *, yielding: bool = False) -> None:
        """Send no further rows; calls that have left still come back, after retries if need be.

        Those that wait for limits, a budget or a fact are aborted; and, where the lane is yielding
        to another batch, those that rest between two requests.
        """
        self._stopped, self._yielding = True, yielding
        background_loop.call_soon(self._abort_unsent)

    def fall_silent(self) -> None:
        """The same, and send no retries either."""
        self._silenced = True
        self.stop_sending()

    @property
    def backlog(self) -> int:
        """Rows that are queued but not sent."""
        return len(self._waiting) + len(self._announced)

    @property
    def busy(self) -> bool:
        """Whether any outcome may still come."""
        return self._ended < self._fed

    @property
    def due(self) -> bool:
        """Whether enough outcomes wait to be written, or nothing more will come."""
        return len(self._outcomes) >= self.wanted or not self.busy

    @property
    def hungry(self) -> bool:
        """Whether the lane should claim more, lest the window runs empty during the next write."""
        return self.backlog < self.refill_below

    def wait(self, seconds: float) -> None:
        """Until a write is due, more rows are needed, or the time is over."""
        if not (self.due or self.hungry):
            self._wake.wait(seconds)
        self._wake.clear()

    def take(self) -> list[Outcome]:
        """All outcomes that wait to be written; the write that follows keeps the leases."""
        self._writes_since = time.monotonic()
        taken = [self._outcomes.popleft() for _ in range(len(self._outcomes))]
        self._being_written += len(taken)
        return taken

    def wrote(self, exposed: int | None) -> None:
        """What was taken is stored; so many rows may be under way or unwritten (None: any)."""
        self._being_written = 0
        background_loop.call_soon(self._kept, self._writes_since + TRUSTED_SECONDS, exposed)

    def holdup(self) -> str:
        """What most calls under way wait for; blank when nothing is under way."""
        said = background_loop.run(self._in_flight.holdup())
        return said or (UNCONFIRMED if self.backlog else "")

    def held_by_limits(self) -> bool:
        """Whether calls are under way that wait for room at their provider."""
        return background_loop.run(self._in_flight.waits_for_room())

    def announce_again(self, held: Sequence[Claim]) -> None:
        """Tell the database once more what was announced of the chunks that are held."""
        background_loop.run(self._tell_again(held))

    def settled(self, claims: Iterable[Claim]) -> None:
        """These chunks are done with, by us or by another: forget what was noted of them."""
        background_loop.call_soon(self._forget, [claim.token for claim in claims])

    def close(self) -> None:
        """Send nothing more, and let go of everything but the notes on open calls."""
        self.fall_silent()
        background_loop.run(self._announcer.aclose())
        self._notes.close()
        self._spool.close()

    # From here on everything runs on the event loop.

    def _dispatch(self) -> None:
        """Send what is announced, as the window allows, and have more announced in time."""
        while (row := self._next()) is not None:
            row.task = asyncio.get_running_loop().create_task(self._serve(row))
            row.task.add_done_callback(self._left)

    def _next(self) -> OutgoingRow | None:
        """The row that begins now and has a place from here on; None if none may."""
        window, announced, row = self._in_flight, self._announced, None
        may_begin = window.may_begin()
        if self._stopped:
            self._drop_unsent()
            return None
        # What a kill loses, in flight or not yet written, is at most the window and one write.
        unwritten = len(self._outcomes) + self._being_written - self.wanted
        if announced and may_begin > 0 and may_begin > unwritten:
            if time.monotonic() > announced[0].until:
                self._take_back()
            else:
                row = announced.popleft()
                window.begin(row)
        if self._waiting and not self._announcing and len(announced) < self._portion:
            self._announcing = True
            self._spawn(self._announce_some())
        return row

    async def _serve(self, row: OutgoingRow) -> None:
        """Ask for row after row in one place: a task for each takes two turns of the loop more."""
        place = row.task
        while True:
            outcome = await self._asked(row)
            self._over(row, outcome)
            following = None if place is None or place.cancelling() else self._next()
            if following is None:
                return
            row = following
            row.task = place

    def _left(self, place: "asyncio.Task[None]") -> None:
        """A place has come to its end; whose row was cancelled in it had not left."""
        for row in [each for each in self._in_flight.rows if each.task is place]:
            self._over(row, None)
        self._dispatch()
        if not place.cancelled():
            place.result()

    def _spawn(self, coroutine: Coroutine[None, None, None]) -> None:
        task = asyncio.get_running_loop().create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _announce_some(self) -> None:
        count = min(len(self._waiting), self._portion)
        rows = [self._waiting.popleft() for _ in range(count)]
        try:
            self._announced.extend(await self._announce(rows))
        except Exception as error:  # noqa: BLE001 - the lane's thread raises it
            self.failure = error
            self._stopped = self._silenced = True
            self._ended += len(rows)
            self._abort_unsent()
        finally:
            self._announcing = False
            self._dispatch()
            self._wake_if_needed()

    async def _announce(self, rows: Sequence[OutgoingRow]) -> list[OutgoingRow]:
        """Those of the rows that may be sent."""
        until = time.monotonic() + TRUSTED_SECONDS
        claims: dict[int, Claim] = {}
        for row in rows:
            lease = row.claim.token.int
            if lease not in claims:
                claims[lease] = row.claim
                if lease not in self._started:
                    self._notes.begin(row.claim.token, len(row.claim.row_ids) * self.asks_per_row)
                    self._started[lease] = 0
            # A chunk's rows are sent in its order, so their number tells which ones they are.
            if row.position >= self._started[lease]:
                self._started[lease] = row.position + 1
        ours = await self._announcer.announce(
            [(claim, self._started[lease]) for lease, claim in claims.items()]
        )
        granted = [row for row in rows if row.claim.chunk_id in ours]
        for row in granted:
            row.until = until
        self._ended += len(rows) - len(granted)
        look_ahead(self.enrichment, (row.item.values for row in granted))
        return granted

    async def _tell_again(self, held: Sequence[Claim]) -> None:
        begun = [
            (claim, number)
            for claim in held
            if (number := self._started.get(claim.token.int)) is not None
        ]
        if begun:
            await self._announcer.announce(begun)

    def _take_back(self) -> None:
        """Announced too long ago: they wait to be announced again."""
        self._waiting.extendleft(reversed(self._announced))
        self._announced.clear()

    def _kept(self, until: float, exposed: int | None) -> None:
        self._kept_until = until
        unwritten = len(self._outcomes) + self._being_written + self._settling
        self._in_flight.allow(exposed, unwritten=unwritten)
        self._dispatch()

    def _abort_unsent(self) -> None:
        """Nothing has been paid for what hasn't left: it is as if nobody had tried."""
        self._drop_unsent()
        self._in_flight.open()
        for row in self._in_flight.rows:
            if row.task is None or row.task.cancelling():
                continue
            if row.may_be_dropped(silenced=self._silenced, yielding=self._yielding):
                row.drop()

    def _drop_unsent(self) -> None:
        self._ended += len(self._waiting) + len(self._announced)
        self._waiting.clear()
        self._announced.clear()
        self._wake_if_needed()

    def _forget(self, tokens: Sequence[UUID]) -> None:
        self._notes.drop(tokens)
        self._spool.drop(tokens)
        for token in tokens:
            self._started.pop(token.int, None)

    def _may_send(self, row: OutgoingRow) -> bool:
        """Asked before each request for a row, when nothing holds it back any more."""
        if self._silenced or (self._stopped and not row.left):
            return False
        lease_is_ours = time.monotonic() < max(row.until, self._kept_until)
        if not lease_is_ours or row.claim.token.int not in self._started:
            return False
        row.left = True
        self._notes.sent(row.claim.token, row.position)
        return True

    async def _asked(self, row: OutgoingRow, ask: Ask = PLAIN) -> Outcome | None:
        """What came of a row, asked until limits are known; None: as if nobody had tried."""
        item = row.item
        told: list[tuple[CallRecord, Texts]] = []
        try:
            if item.asks:
                item = await answered(item)
            call = call_for(
                self.enrichment, item, session_id=self.batch_id, use_cache=self.use_cache
            )
            if ask is not PLAIN:
                call = replace(call, **ask.changes)
            while True:
                try:
                    answer = await client.agenerate(
                        call,
                        collect=lambda *pair: told.append(pair),
                        before_send=partial(self._may_send, row),
                        follow=row.follow,
                        pause=partial(self._in_flight.pause, row),
                        settling=row.settles,
                    )
                    break
                except GenerationFailed as failure:
                    if not outgoing.is_for_lost_limits(failure):
                        raise
                told.clear()
                await row.wait_for_limits()
            texts = told[0][1] if told else None
            if takes_long(item.values, answer.text):  # the other calls go on meanwhile
                return await asyncio.to_thread(ask.judged, self.enrichment, item, answer, texts)
            return ask.judged(self.enrichment, item, answer, texts)
        except Exception as error:  # noqa: BLE001 - each kind is told apart there
            return self._unanswered(item, error, told)

    def _unanswered(
        self, item: Item, error: Exception, told: list[tuple[CallRecord, Texts]]
    ) -> Outcome | None:
        if isinstance(error, FactMissing):
            return without_fact(item, error)
        if isinstance(error, ConfigurationError) or outgoing.is_unaskable(error):
            self._stop_for(error)
            return None
        if isinstance(error, GenerationFailed):
            return outgoing.unanswered(self.enrichment, item, error, told[0][1] if told else None)
        if isinstance(error, (DatabaseError, InterfaceError)):
            return outgoing.unasked(item, error)
        logger.error(
            "Batch %s: row %s broke its enrichment.", self.batch_id, item.row_id, exc_info=error
        )
        return outgoing.broken(item, error, told)

    def _stop_for(self, error: LLMError) -> None:
        """Not the row's fault: the whole batch has to wait for a person."""
        self.stop_reason = error
        self.shortage = error.shortage if isinstance(error, BudgetExceeded) else None
        self._stopped = self._silenced = True

    def _over(self, row: OutgoingRow, outcome: Outcome | None) -> None:
        """A row has come to its end; None: it is as if nobody had tried."""
        # On disk until it is written; some microseconds, and no answer is lost in between.
        answer = kept_of(outcome) if outcome is not None else None
        if answer is not None:
            self._spool.keep(row.claim.token, answer)
        self._in_flight.leave(row)
        self._settling += 1
        row.when_settled(partial(self._hand_over, outcome))
        if self._stopped:
            self._abort_unsent()

    def _hand_over(self, outcome: Outcome | None) -> None:
        if outcome is not None:
            self._outcomes.append(outcome)  # before it counts as ended: the lane reads both
        self._settling -= 1
        self._ended += 1
        self._wake_if_needed()

    def _wake_if_needed(self) -> None:
        if (self.due or self.hungry) and not self._wake.is_set():
            self._wake.set()
