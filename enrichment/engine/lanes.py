"""One lane of a batch: a plain function that a Celery task, a command or a test runs."""

import logging
import time
from enum import StrEnum
from uuid import UUID

from django.db import DatabaseError, transaction
from msgspec import Struct

from enrichment.batches import lifecycle, silence
from enrichment.engine import claims, lane_failures, refusals, writing
from enrichment.engine.cascading import CascadeDispatcher, cascade_of, dispatcher_for
from enrichment.engine.db_sessions import (
    PATIENCE_SECONDS,
    SESSION_ERRORS,
    LaneSlot,
    come_back,
    is_lost,
    persistently,
)
from enrichment.engine.duplicates import SharedCalls, answered_already
from enrichment.engine.gc_tuning import collect_seldom
from enrichment.engine.items import Item, Outcome, load_items
from enrichment.engine.lane_cascade import continued
from enrichment.engine.obstacles import obstacle
from enrichment.engine.stop_conditions import Brakes
from enrichment.engine.turns import Turn
from enrichment.enrichments import get
from enrichment.errors import BadPrompt, UnknownEnrichment
from enrichment.models import Batch, BatchStatus
from enrichment.models.batches import WORKABLE
from llmconfig.client.types import BudgetShortage
from llmconfig.configuration import snapshot
from llmconfig.runtime.direct_sessions import direct_session

logger = logging.getLogger(__name__)

LANE_SECONDS = 60.0
WRITE_EVERY_SECONDS = 1.0  # also how often the lease and the batch's state are looked after
# A lane that fails waits so long for the answers under way: on disk they aren't lost.
MAX_LAST_ANSWERS_SECONDS = 120.0


class LaneEnd(StrEnum):
    """Why a lane stopped working on its batch."""

    FINISHED = "finished"  # the batch is completed, or not to be worked on
    WAITING = "waiting"  # nothing to claim now: others hold it, or a later round isn't due yet
    MORE = "more"  # the lane's time is over and there is more to do
    FULL = "full"  # enough lanes work on this batch already


class Pace(Struct, frozen=True):
    """How a lane works, from the process settings in force when it began."""

    window: int
    write_at: int
    later_rounds: int
    retry_delay: float

    @classmethod
    def of(cls, batch: Batch) -> "Pace":
        settings = snapshot.current()
        size = batch.write_size or settings.setting("LLM_BATCH_DEFAULT_SIZE")
        size = min(size, settings.setting("LLM_BATCH_MAX_SIZE"))
        return cls(
            window=settings.setting("LLM_BATCH_CONCURRENT"),
            write_at=size * settings.setting("LLM_BATCH_COMMIT_FREQUENCY"),
            later_rounds=settings.processing.get("max_retries", 0),
            retry_delay=settings.processing.get("retry_delay", 0),
        )


@direct_session()
def run_lane(batch_id: UUID, *, seconds: float = LANE_SECONDS, yields: bool = False) -> LaneEnd:
    """Work on a batch for about `seconds`, or until there is nothing to claim.

    With `yields` it ends earlier when another batch comes first (`engine.turns`). Raises
    Batch.DoesNotExist. Model calls run on the client's loop, never inside a transaction.
    """
    collect_seldom()
    place = LaneSlot(batch_id)
    if not place.take():
        return LaneEnd.FULL
    try:
        batch = _begin(batch_id)
        if batch is None:
            return LaneEnd.FINISHED
        lane = _Lane(batch, place, time.monotonic() + seconds, yields=yields)
        try:
            return lane.run()
        except SESSION_ERRORS:
            raise  # nothing is paid meanwhile: it goes on by itself when the database is back
        except Exception as error:
            lane.wait_for_last_answers()
            if lane_failures.note(batch, error):
                return LaneEnd.FINISHED
            raise
        finally:
            lane.pump.close()
    finally:
        place.give_back()


def _begin(batch_id: UUID) -> Batch | None:
    """Mark a waiting batch as running; None if it is not to be worked on, or can't be."""
    lifecycle.start(batch_id)
    batch = Batch.objects.get(pk=batch_id)
    if batch.status not in WORKABLE:
        return None
    reason = obstacle(batch)
    if reason:
        lifecycle.pause_for(batch, reason)
        return None
    return batch


class _Lane:
    """The state of one run."""

    def __init__(self, batch: Batch, place: LaneSlot, ends_at: float, *, yields: bool) -> None:
        self.batch = batch
        self.place = place
        self.enrichment = get(batch.enrichment)
        self.pace = Pace.of(batch)
        self.ends_at = ends_at
        self.cascade = cascade_of(batch, self.enrichment)
        self.pump = dispatcher_for(
            self.cascade,
            self.enrichment,
            batch_id=batch.pk,
            window=self.pace.window,
            wanted=self.pace.write_at,
            use_cache=not batch.force,
        )
        self.held: dict[int, claims.Claim] = {}
        self.shared = SharedCalls()
        self.unsettled: dict[int, int] = {}  # rows of each held chunk that are still open
        self.outcomes: list[Outcome] = []  # not written yet
        self.unconfirmed: list[Outcome] = []  # in the write that is under way
        self.brakes = Brakes(batch)
        self.turn = Turn(batch, window=self.pace.window, yields=yields)
        self.closing = False
        self.dry = False  # the last claim found nothing
        self.progress_at = time.monotonic()
        self.silence = ""  # as it is noted
        self.refused_since: float | None = None  # monotonic: no write has succeeded since

    def run(self) -> LaneEnd:
        """Claim, feed, write, until the time is over or nothing is left.

        An exception leaves the leases to run out: calls may be in flight, and the next lane
        counts them as lost.
        """
        self._brake([])
        self.pump.wrote(self.brakes.room())
        busy = True
        while busy or self.outcomes or not (self.dry or self.closing):
            try:
                busy = self._step()
            except SESSION_ERRORS as error:
                if is_lost(self.place.session):
                    self._outlive(error)
                else:
                    self._hold_out(error)
        claims.release(list(self.held.values()))
        self.pump.settled(self.held.values())
        self.turn.close()
        return self._end()

    def _step(self) -> bool:
        """From one write to the next; tells whether more outcomes may come."""
        self._keep_fed()
        if self.pump.failure is not None:
            raise self.pump.failure
        busy = self.pump.busy  # read before the outcomes: then none can be missed
        self.outcomes += self.shared.with_shared(self.pump.take())
        self._write()
        return busy or self.pump.busy  # a cascade may have rows to ask again

    def _outlive(self, error: Exception) -> None:
        """Go on over a new session, or, whose place is taken, end what is begun."""
        logger.warning("Batch %s: its lane lost the database: %s", self.batch.pk, error)
        come_back(time.monotonic() + PATIENCE_SECONDS)
        persistently(self._take_up)

    def _hold_out(self, error: Exception) -> None:
        """Try again in a moment: a disk is full, a lock is held, the server is read only.

        What isn't written yet bounds what is sent, so little is. Raises the error after a minute.
        """
        now = time.monotonic()
        self.refused_since = self.refused_since or now
        if now - self.refused_since > PATIENCE_SECONDS:
            raise error
        logger.warning("Batch %s: the database takes nothing now: %s", self.batch.pk, error)
        time.sleep(WRITE_EVERY_SECONDS)
        persistently(self._sort_out)

    def _take_up(self) -> None:
        if not self.place.take():
            self._close()
        # A server that was killed may have lost what was announced in its last half second.
        self.pump.announce_again(list(self.held.values()))
        self._sort_out()

    def _sort_out(self) -> None:
        """Tell what the last write has stored from what it hasn't."""
        recorded = writing.recorded(self.enrichment, self.unconfirmed, batch_id=self.batch.pk)
        unsure, self.unconfirmed = self.unconfirmed, []
        self._settle([each for each in unsure if writing.key_of(each) in recorded])
        again = [each for each in unsure if writing.key_of(each) not in recorded]
        self.outcomes = again + self.outcomes

    def _keep_fed(self) -> None:
        """Claim whenever the queue runs low, until a write is due."""
        write_by = time.monotonic() + WRITE_EVERY_SECONDS
        while True:
            if not self.closing and time.monotonic() >= self.ends_at:
                self._close()
            self._claim()
            left = write_by - time.monotonic()
            if self.pump.due or len(self.outcomes) >= self.pace.write_at or left <= 0:
                return
            self.pump.wait(left)

    def _close(self, *, yielding: bool = False) -> None:
        """Begin no more; what has left may be retried."""
        self.closing = True
        self.pump.stop_sending(yielding=yielding)

    def _fall_silent(self) -> None:
        """A person, a cap or a fault stopped the batch: no request leaves any more."""
        self.closing = True
        self.pump.fall_silent()

    def _claim(self) -> None:
        """Keep at least a window of rows queued; a suspicious chunk is worked on alone."""
        self.pump.refill_below = 0
        while self.pump.backlog < self.pace.window:
            skipped_enough = len(self.outcomes) >= self.pace.write_at
            if self.closing or skipped_enough or any(each.alone for each in self.held.values()):
                return
            if self._is_redeclared():
                self._close()
                return
            try:
                self.dry = not self._claim_one()
            except BadPrompt as error:  # it was good when it was written: the code has changed
                self._pause(str(error))
            if self.dry:
                return
        self.pump.refill_below = self.pace.window

    def _is_redeclared(self) -> bool:
        """Whether the enrichment is another one by now, or gone: the next lane goes by that."""
        try:
            return get(self.batch.enrichment) is not self.enrichment
        except UnknownEnrichment:
            return True

    def _claim_one(self) -> bool:
        """Take and queue one chunk; tells whether there was one."""
        with transaction.atomic():
            claim = claims.claim(self.batch.pk, idle=not self.held)
            if claim is None:
                return False
            items = list(
                load_items(self.enrichment, claim.row_ids, variant=claim.variant, claim=claim)
            )
            items, paid = continued(claim, items) if claim.kept else (items, [])
            known = answered_already(claim, items) + paid
            done = {each.item.row_id for each in known if not each.unfinished}
            to_send = self.shared.told_apart(
                claim.chunk_id, [item for item in items if item.row_id not in done]
            )
            if len(to_send) < len(items):
                first = dict.fromkeys(item.row_id for item in to_send)
                claims.reorder(claim, list(first | dict.fromkeys(claim.row_ids)))
            if self.cascade is not None:
                to_send = self.cascade.marked(claim, to_send, self.shared)
        self._hold(claim, to_send, known, rows=len(items))
        return True

    def _hold(
        self, claim: claims.Claim, to_send: list[Item], known: list[Outcome], *, rows: int
    ) -> None:
        self.held[claim.chunk_id] = claim
        self.unsettled[claim.chunk_id] = rows
        self.outcomes += known
        self.pump.feed(claim, to_send)

    def _write(self) -> None:
        """Write what waits, keep the leases, end finished chunks, and look at the batch's state."""
        written = self.unconfirmed = self.outcomes
        self.outcomes = []
        stored = refusals.write(
            self.enrichment,
            written,
            batch_id=self.batch.pk,
            held=self.held.values(),
            later_rounds=self.pace.later_rounds,
            cascade=self.cascade,
        )
        self.unconfirmed = []
        self.refused_since = None
        self._give_up([each for each in self.held if each not in stored.ours])
        self._settle(self._without_unkept(written))
        self._finish()
        self._brake(stored.outcomes)
        self.pump.wrote(self.brakes.room())
        self._tell_silence(written)
        if self.turn.is_over(written, self.pump.held_by_limits) and not self.closing:
            self._close(yielding=True)
        if self.pump.stop_reason is not None:
            self._pause(str(self.pump.stop_reason), self.pump.shortage)
        elif not stored.running:
            self._fall_silent()

    def _tell_silence(self, written: list[Outcome]) -> None:
        """After some seconds without any outcome, note what the calls wait for."""
        now = time.monotonic()
        if written:
            self.progress_at = now
            if self.silence:
                self.silence = ""
                silence.note(self.batch.pk, "")
        elif now - self.progress_at >= silence.SILENT_SECONDS:
            self.silence = self.pump.holdup()
            if self.silence:
                silence.note(self.batch.pk, self.silence)
            if now >= self.ends_at:
                # What rests until a provider answers again would hold up the timers behind us.
                self._close(yielding=True)

    def wait_for_last_answers(self) -> None:
        """Keep the leases while calls are under way, so that nobody pays for them again."""
        self.pump.fall_silent()
        until = time.monotonic() + MAX_LAST_ANSWERS_SECONDS
        while self.pump.busy and time.monotonic() < until:
            try:
                claims.extend(list(self.held.values()))
            except DatabaseError:
                return
            self.pump.wait(WRITE_EVERY_SECONDS)

    def _without_unkept(self, written: list[Outcome]) -> list[Outcome]:
        """Those that are stored; cheap answers that aren't kept go to the dear model."""
        if self.cascade is None or not isinstance(self.pump, CascadeDispatcher):
            return written
        unkept = self.cascade.take_unkept()
        ours = [
            each for each in unkept if each.item.claim and each.item.claim.chunk_id in self.held
        ]
        self.pump.ask_dear(ours)
        left_out = {id(each) for each in unkept}
        return [each for each in written if id(each) not in left_out]

    def _settle(self, written: list[Outcome]) -> None:
        for outcome in written:
            if outcome.item.claim is not None and not outcome.unfinished:
                self.unsettled[outcome.item.claim.chunk_id] -= 1

    def _give_up(self, lost: list[int]) -> None:
        """Forget chunks that another lane took over."""
        for each in lost:
            logger.warning("Batch %s: chunk %s was taken over.", self.batch.pk, each)
            self.pump.settled([self.held.pop(each)])

    def _finish(self) -> None:
        """End chunks whose rows are all settled."""
        ended = [self.held[each] for each in self.held if self.unsettled[each] == 0]
        if ended:
            writing.finish(ended, retry_delay=self.pace.retry_delay)
            self.pump.settled(ended)
            self.shared.forget(claim.chunk_id for claim in ended)
            for claim in ended:
                del self.held[claim.chunk_id]

    def _may_go_on(self) -> bool:
        """Whether the batch is still to be worked on and calls are allowed at all."""
        state = Batch.objects.filter(pk=self.batch.pk).values_list("status", flat=True).first()
        return state == BatchStatus.RUNNING

    def _brake(self, written: list[Outcome]) -> None:
        """Pause rather than overspend, or fail thousands of rows for one cause."""
        reason = "" if self.closing else self.brakes.reason(written)
        if reason:
            self._pause(reason)

    def _pause(self, reason: str, shortage: BudgetShortage | None = None) -> None:
        """Pause the batch as this lane took it up; resumed since, it goes on with the next lane."""
        lifecycle.pause_for(self.batch, reason, shortage=shortage)
        self._fall_silent()

    def _end(self) -> LaneEnd:
        if lifecycle.complete_if_done(self.batch.pk) or not self._may_go_on():
            return LaneEnd.FINISHED
        return LaneEnd.WAITING if self.dry else LaneEnd.MORE
