"""Waiting for what comes about by itself, in another thread or process."""

import time
from collections.abc import Callable
from typing import TypeVar

Found = TypeVar("Found")

PATIENCE_SECONDS = 200.0
LOOK_EVERY_SECONDS = 0.02
LOOK_SELDOM_SECONDS = 0.1


def until(
    found: Callable[[], Found],
    seconds: float = PATIENCE_SECONDS,
    *,
    every: float = LOOK_EVERY_SECONDS,
) -> Found:
    """What `found` gives, once it gives something; fails where that takes too long.

    Where looking takes long it is done more rarely, or it would keep what is waited for.
    """
    ends = time.monotonic() + seconds
    while True:
        began = time.monotonic()
        if value := found():
            return value
        now = time.monotonic()
        assert now < ends, f"After {seconds:.0f} s there is still {value!r}."
        time.sleep(max(every, min(LOOK_SELDOM_SECONDS, 9 * (now - began))))
