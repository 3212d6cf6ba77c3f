"""A row from the moment that it is queued until its call has ended."""

import asyncio
from dataclasses import dataclass

from enrichment.engine.claims import Claim
from enrichment.engine.items import Item, Outcome
from llmconfig.client.pipeline.holdup import CallWatch

LIMITS_LOST = (
    "Redis (REDIS_URL), which keeps the provider's limits for all processes, can't be reached; it"
    " goes on when that is back."
)


@dataclass(slots=True, eq=False)
class OutgoingRow:
    """A chunk's row; `position` among those that are sent, from 0.

    Once announced it may be sent until `until`, in seconds of the monotonic clock; `left` says that
    a request was.
    """

    claim: Claim
    item: Item
    position: int
    until: float = 0.0
    left: bool = False
    task: "asyncio.Task[Outcome | None] | None" = None
    call: CallWatch | None = None
    waits_for: str = ""  # before its call is made again

    def follow(self, call: CallWatch) -> None:
        self.call, self.waits_for = call, ""

    def holdup(self) -> str:
        if self.waits_for or self.call is not None:
            return self.waits_for or (self.call.holdup() if self.call is not None else "")
        if self.item.asks:
            return f"Waiting for facts of {self.item.asks[0].source.name}."
        return "Its calls have only just begun."

    def may_be_dropped(self, *, silenced: bool) -> bool:
        """Whether nothing of it is under way or paid; what has left is only given up in silence."""
        if not self.left:
            return True
        return silenced and self.call is not None and self.call.may_be_dropped()
