"""An end to what a task waits for, at a fraction of what `asyncio.timeout` costs each call."""

import asyncio
import math
from types import TracebackType

from llmconfig.runtime.time_limits import TimeLimit, limits_of

PARTS_OF_A_SECOND = 100  # to which it is rounded up, so that what is left of calls' times is alike


class Deadline:
    """`with Deadline(seconds):` as `async with asyncio.timeout(seconds):`; raises TimeoutError.

    It is made for one block, and can't be moved: that needs no states and no coroutines. All of one
    length, to the next hundredth of a second, share a timer.
    """

    __slots__ = ("_cancelling", "_is_over", "_limit", "_seconds", "_task")

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._is_over = False

    def __enter__(self) -> None:
        loop = asyncio.get_running_loop()
        task = asyncio.current_task(loop)
        if task is None:
            raise RuntimeError("A deadline ends a task, and there is none.")
        self._task, self._cancelling = task, task.cancelling()
        parts = math.ceil(max(0.0, self._seconds) * PARTS_OF_A_SECOND)
        self._limit: TimeLimit = limits_of(loop)[parts / PARTS_OF_A_SECOND]
        self._limit.begin(self)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._limit.end(self)  # it knows us: else only the collector would free both
        # Who was cancelled by another besides stays cancelled.
        is_ours = self._is_over and self._task.uncancel() <= self._cancelling
        if is_ours and kind is not None and issubclass(kind, asyncio.CancelledError):
            raise TimeoutError from error

    def time_is_over(self) -> None:
        """Cancel the task."""
        self._is_over = True
        self._task.cancel()
