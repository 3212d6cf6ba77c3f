"""What work costs, told so that a slow or busy machine changes nothing: by calls, by comparing."""

import cProfile
import pstats
import time
from collections.abc import Callable
from typing import TypeVar

Sized = TypeVar("Sized")

# What takes 8 times as much and is quadratic takes 64 times as long; a linear one on a busy machine
# up to about 16 times.
MAX_TIMES = 28
TOO_SHORT_SECONDS = 0.004  # to compare
TRIES = 5


def function_calls(run: Callable[[], object]) -> int:
    """Calls of Python's and built-in functions, in this thread."""
    counted = cProfile.Profile()
    counted.runcall(run)
    return int(pstats.Stats(counted).total_calls)  # type: ignore[attr-defined]


def is_linear(check: Callable[[Sized], object], small: Sized, large: Sized) -> bool:
    """Whether what is 8 times as large takes no more than MAX_TIMES as long, at best of a few.

    Where a machine is busy, a check that is in order may be seen as too slow once or twice.
    """
    best, least = float("inf"), float("inf")
    for _ in range(TRIES):
        best = min(best, cpu_seconds(check, large))
        if best < TOO_SHORT_SECONDS:
            return True
        least = min(least, cpu_seconds(check, small))
        if best < MAX_TIMES * max(least, TOO_SHORT_SECONDS / 40):
            return True
    return False


def cpu_seconds(check: Callable[[Sized], object], given: Sized) -> float:
    """Of this thread, for one check."""
    began = time.thread_time()
    check(given)
    return time.thread_time() - began
