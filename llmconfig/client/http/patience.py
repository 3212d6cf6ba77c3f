"""How long a reply may keep its reader waiting: one timer for all the waits of a stream."""

import asyncio
from typing import Protocol


class Awaited(Protocol):
    """What is waited for; `waiter` is set while somebody waits."""

    waiter: "asyncio.Future[None] | None"


class Patience:
    """Ends a wait with TimeoutError when nothing has come within its time.

    A stream has hundreds of short waits: a timer that is moved only when it goes off costs less
    than one that is set and cancelled for each.
    """

    __slots__ = ("_awaited", "_loop", "_set_to", "_timer", "_until")

    def __init__(self, awaited: Awaited) -> None:
        self._loop = asyncio.get_running_loop()
        self._awaited = awaited
        self._until = self._set_to = 0.0
        self._timer: asyncio.TimerHandle | None = None

    async def wait(self, seconds: float) -> None:
        """Wait until the waiter is woken; raises TimeoutError."""
        loop = self._loop
        waiter = self._awaited.waiter = loop.create_future()
        self._until = loop.time() + seconds
        if self._timer is None or self._until < self._set_to:
            self._set()
        await waiter

    def end(self) -> None:
        """Nobody will wait any more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _set(self) -> None:
        self.end()
        self._set_to = self._until
        self._timer = self._loop.call_at(self._until, self._look)

    def _look(self) -> None:
        self._timer = None
        waiter = self._awaited.waiter
        if waiter is None or waiter.done():
            return
        if self._loop.time() < self._until:
            self._set()
        else:
            waiter.set_exception(TimeoutError())
