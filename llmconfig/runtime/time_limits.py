"""Bounds on how long something may take, with one timer of the event loop for all of one length.

A timer of its own costs an exchange 2 µs and more: it is made, put in order, taken out and closed,
and hardly ever goes off. What may take equally long ends in the order in which it began.
"""

import asyncio
from typing import Protocol

from llmconfig.runtime.per_loop import PerLoop

MIN_KEPT = 64  # lengths, of one event loop


class Limited(Protocol):
    """Something that may take so long and no longer."""

    def time_is_over(self) -> None:
        """End it; called on the event loop, once, unless it has ended before."""


class DoneInTime:
    """A future that is done when it is ended, or its time is over."""

    __slots__ = ("future",)

    def __init__(self, future: "asyncio.Future[None]") -> None:
        self.future = future

    def end(self) -> None:
        """Have whoever waits go on."""
        if not self.future.done():
            self.future.set_result(None)

    time_is_over = end


class TimeLimit:
    """What is bounded by the same number of seconds on one event loop."""

    __slots__ = ("_ends", "_loop", "_seconds", "_timer")

    def __init__(self, loop: asyncio.AbstractEventLoop, seconds: float) -> None:
        self._loop = loop
        self._seconds = seconds
        self._ends: dict[Limited, float] = {}  # in the order of time
        self._timer: asyncio.TimerHandle | None = None

    def begin(self, limited: Limited) -> None:
        """Bound it from now on; it must not be bounded here already."""
        self._ends[limited] = ends_at = self._loop.time() + self._seconds
        if self._timer is None:
            self._timer = self._loop.call_at(ends_at, self._look)

    def end(self, limited: Limited) -> None:
        """It has ended by itself; harmless if its time is over."""
        self._ends.pop(limited, None)

    @property
    def is_idle(self) -> bool:
        """Whether nothing is bounded by it now."""
        return not self._ends

    def stop(self) -> None:
        """Take its timer back; for one that is idle."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look(self) -> None:
        """End those whose time is over, and look again when the next one's is."""
        ends, self._timer = self._ends, None
        while ends:
            limited, ends_at = next(iter(ends.items()))
            if ends_at > self._loop.time():
                self._timer = self._loop.call_at(ends_at, self._look)
                return
            del ends[limited]
            limited.time_is_over()
        if self._timer is None:
            _limits.get().pop(self._seconds, None)


class TimeLimits(dict[float, TimeLimit]):
    """An event loop's limits by their seconds; one that isn't there is made.

    Callers may bring any length along: those that nobody uses are dropped when there are many.
    """

    most = MIN_KEPT

    def __missing__(self, seconds: float) -> TimeLimit:
        if len(self) >= self.most:
            for length in [length for length, limit in self.items() if limit.is_idle]:
                self.pop(length).stop()
            self.most = max(MIN_KEPT, 2 * len(self))
        made = self[seconds] = TimeLimit(asyncio.get_running_loop(), seconds)
        return made


_limits: PerLoop[TimeLimits] = PerLoop(TimeLimits)
# `limits()[seconds]` is the running event loop's limit of this length, to be used at once.
limits = _limits.get
limits_of = _limits.of  # the same by the running loop
