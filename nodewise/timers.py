"""Beat's scheduler, by clocks that nobody sets: it goes on in step when the wall clock is.

Beat's own goes by the wall clock: set back by 15 minutes it sends nothing for as long, and a task's
`expires` is a time of beat's clock that the worker holds against its own. Here a timer that nobody
has taken yet is not sent again; a mark in the broker tells, which runs out by the broker's clock.
"""

import datetime as dt
import logging
import time
from typing import Any

from django.conf import settings

from llmconfig.extras import from_extra
from nodewise import broker
from nodewise.broker import BrokerLost

with from_extra("worker"):
    from celery.beat import PersistentScheduler, ScheduleEntry
    from celery.signals import task_prerun

logger = logging.getLogger(__name__)

STEP_SECONDS = 1.0  # of the wall clock against the monotonic one; smaller ones are NTP's
MARK = "nodewise:timer:{}"
# A mark whose message was lost holds up its timer so long at most.
MIN_MARK_SECONDS = 10.0
INTERVALS_A_MARK = 3


class SteadyScheduler(PersistentScheduler):
    """Moves its entries along when the clock is set, and sends each only once it was taken."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._anchor = _anchor()
        super().__init__(*args, **kwargs)

    def setup_schedule(self) -> None:
        """Entries of a run whose clock was ahead are due now, not when that time comes."""
        super().setup_schedule()
        for entry in self.schedule.values():
            now = entry.default_now()
            if entry.last_run_at is None or entry.last_run_at > now:
                entry.last_run_at = now

    def tick(self, *args: Any, **kwargs: Any) -> float:
        """One round, after the entries have followed the clock."""
        step = _anchor() - self._anchor
        if abs(step) > STEP_SECONDS:
            self._follow(step)
        seconds: float = super().tick(*args, **kwargs)
        return seconds

    def _follow(self, step: float) -> None:
        logger.warning("The clock was set by %+.0f s; the timers go on in step.", step)
        self._anchor += step
        for entry in self.schedule.values():
            if entry.last_run_at is not None:
                entry.last_run_at += dt.timedelta(seconds=step)
        self._heap = None  # made anew by the next round

    def apply_entry(self, entry: ScheduleEntry, producer: Any = None) -> None:
        """Send it, unless the one before still waits for a worker."""
        if _mark(entry):
            super().apply_entry(entry, producer=producer)


def _anchor() -> float:
    return time.time() - time.monotonic()


def _mark(entry: ScheduleEntry) -> bool:
    """Mark it as sent; False when it was, and nobody has taken it. A lost broker marks nothing."""
    seconds = max(MIN_MARK_SECONDS, INTERVALS_A_MARK * _interval(entry))
    try:
        with broker.opened() as connection:
            return bool(connection.set(MARK.format(entry.task), 1, nx=True, px=int(seconds * 1000)))
    except BrokerLost:
        return True


def _interval(entry: ScheduleEntry) -> float:
    """Seconds between two runs; 0 for what has a time of the day."""
    every = getattr(entry.schedule, "run_every", None)
    return every.total_seconds() if every is not None else 0.0


_MARKED = frozenset(each["task"] for each in settings.CELERY_BEAT_SCHEDULE.values())


@task_prerun.connect(dispatch_uid="timers-taken")
def _taken(task: Any = None, **_: Any) -> None:
    """A worker has taken it: the next one may be sent."""
    if getattr(task, "name", None) not in _MARKED:
        return
    try:
        with broker.opened() as connection:
            connection.delete(MARK.format(task.name))
    except BrokerLost:
        logger.debug("The broker can't be told that %s was taken.", task.name)
