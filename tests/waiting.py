"""Waiting for what comes about by itself, in another thread or process."""

import time
from collections.abc import Callable
from typing import TypeVar

Found = TypeVar("Found")

PATIENCE_SECONDS = 200.0
LOOK_EVERY_SECONDS = 0.02


def until(
    found: Callable[[], Found],
    seconds: float = PATIENCE_SECONDS,
    *,
    every: float = LOOK_EVERY_SECONDS,
) -> Found:
    """What `found` gives, once it gives something; fails where that takes too long."""
    ends = time.monotonic() + seconds
    while not (value := found()):
        assert time.monotonic() < ends, f"After {seconds:.0f} s there is still {value!r}."
        time.sleep(every)
    return value
