"""A row from the moment that it is queued until its call has ended."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeGuard

from msgspec import Struct, field

from enrichment.engine.claims import Claim
from enrichment.engine.items import Item, Outcome, broken_by, failed, judged
from enrichment.enrichments.contract import Enrichment
from enrichment.models import ResultState
from llmconfig.client.errors import GenerationFailed, GenerationRefused
from llmconfig.client.pipeline.endpoints import AddressUnusable
from llmconfig.client.pipeline.holdup import CallWatch
from llmconfig.client.recording.recorders import Texts
from llmconfig.client.types import CallRecord, Generation
from llmconfig.errors import SecretUnreadable

Judge = Callable[[Enrichment, Item, Generation, Texts | None], Outcome]


class Ask(Struct, frozen=True):
    """How a row is asked: what of its call is changed, and who judges the answer."""

    changes: Mapping[str, Any] = field(default_factory=dict)
    judged: Judge = judged


PLAIN = Ask()
LIMITS_LOST = (
    "Redis (REDIS_URL), which keeps the provider's limits for all processes, can't be reached; it"
    " goes on when that is back."
)
# Nothing was sent, because nobody knows what other processes send.
LIMITS_UNKNOWN = "limits_unknown"
LOOK_AGAIN_SECONDS = 1.0
# Why nobody could be asked at all.
UNASKABLE = frozenset({AddressUnusable.code, SecretUnreadable.code})
# How a call ends that was not the row's fault: it waits for a person, or for the next lane.
HELD_BACK = frozenset({"aborted", "calls_disabled"})
MAX_HANDED_BACK = 10_000  # remembered


class OutgoingRow(Struct, eq=False):
    """A chunk's row; `position` among those that are sent, from 0.

    Once announced it may be sent until `until`, in seconds of the monotonic clock; `left` says that
    a request was.
    """

    claim: Claim
    item: Item
    position: int
    until: float = 0.0
    left: bool = False
    task: "asyncio.Task[None] | None" = None  # of its place, which serves others afterwards
    call: CallWatch | None = None
    waits_for: str = ""  # before its call is made again
    settling: "asyncio.Future[None] | None" = None  # until its budgets have stored its cost
    pauses: int = 0  # long ones, between two requests

    def follow(self, call: CallWatch) -> None:
        self.call, self.waits_for = call, ""

    def settles(self, stored: "asyncio.Future[None]") -> None:
        self.settling = stored

    def when_settled(self, tell: Callable[[], None]) -> None:
        """Call this now, or once its budgets have stored what it cost."""
        if self.settling is None or self.settling.done():
            tell()
        else:
            self.settling.add_done_callback(lambda _: tell())

    async def wait_for_limits(self) -> None:
        """A moment, before its call is made again."""
        self.waits_for = LIMITS_LOST
        await asyncio.sleep(LOOK_AGAIN_SECONDS)

    def ended(self) -> None:
        """Let go of task and call, which know the row: else only the collector would free them."""
        self.task = self.call = None

    def holdup(self) -> str:
        if self.waits_for or self.call is not None:
            return self.waits_for or (self.call.holdup() if self.call is not None else "")
        if self.item.asks:
            return f"Waiting for facts of {self.item.asks[0].source.name}."
        return "Its calls have only just begun."

    def waits_for_room(self) -> bool:
        """Whether its provider's limits hold it."""
        return self.call is not None and self.call.waits_for_room()

    def may_be_dropped(self, *, silenced: bool, yielding: bool) -> bool:
        """Whether nothing of it is under way or paid.

        What has left is only given up in silence, or while it rests and another batch comes first.
        """
        if not self.left:
            return True
        if self.call is None or not self.call.may_be_dropped():
            return False
        return silenced or (yielding and self._may_be_handed_back(self.call))

    def _may_be_handed_back(self, call: CallWatch) -> bool:
        """In its first long pause, or while it waits for limits or a cool-down; in a later pause
        once, or a row that is always sent away would never come to its end."""
        if self.pauses <= 1:
            return self.pauses == 1 or call.waits()
        return self._key not in _handed_back

    def drop(self) -> None:
        """End its call. Its chunk is open again soon, and the row is asked from the beginning."""
        if self.task is not None:
            self.task.cancel()
        if self.pauses > 1:
            _handed_back[self._key] = None
        while len(_handed_back) > MAX_HANDED_BACK:
            del _handed_back[next(iter(_handed_back))]

    @property
    def _key(self) -> tuple[int, str]:
        return self.claim.chunk_id, self.item.row_id


# Rows that this process has handed back in a later pause, the oldest first.
_handed_back: dict[tuple[int, str], None] = {}


def is_unaskable(error: Exception) -> TypeGuard[GenerationFailed]:
    """Whether nobody could be asked at all, whatever the row is."""
    attempts = error.record.attempts if isinstance(error, GenerationFailed) else ()
    return bool(attempts) and all(each.outcome in UNASKABLE for each in attempts)


def is_for_lost_limits(failure: GenerationFailed) -> bool:
    """Whether nobody was asked because Redis, which keeps the limits, is lost."""
    outcomes = {each.outcome for each in failure.record.attempts}
    return LIMITS_UNKNOWN in outcomes and not outcomes - {LIMITS_UNKNOWN, "cooling"}


def unanswered(
    enrichment: Enrichment, item: Item, failure: GenerationFailed, texts: Texts | None
) -> Outcome | None:
    """What becomes of a row whose call failed; None if it is as if nobody had tried."""
    held_back = failure.record.error_code in HELD_BACK
    if held_back and not any(each.paid for each in failure.record.attempts):
        return None
    retriable = held_back or not isinstance(failure, GenerationRefused)
    return failed(enrichment, item, failure, texts, retriable=retriable)


def unasked(item: Item, error: Exception) -> Outcome:
    """What becomes of a row for which the database could not be asked."""
    reason = f"The database could not be asked: {type(error).__name__}."
    return Outcome(item, ResultState.FAILED, reason=reason, retriable=True)


def broken(item: Item, error: Exception, told: Sequence[tuple[CallRecord, Texts]]) -> Outcome:
    """What becomes of a row on which the enrichment's own code raises."""
    record, texts = told[0] if told else (None, None)  # an answer is paid in any case
    return Outcome(item, ResultState.FAILED, reason=broken_by(error), record=record, texts=texts)
