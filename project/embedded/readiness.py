"""Waiting until a server answers, or saying in one line why it never will."""

import time
from collections.abc import Callable

from project.embedded.children import ChildServer
from project.embedded.errors import NotStarted

START_SECONDS = 30.0


def wait_until(
    answers: Callable[[], bool], part: ChildServer, *, seconds: float = START_SECONDS
) -> None:
    """Return once `answers()` is true.

    Raises NotStarted with the last line of the part's log when it ends first or stays silent
    for `seconds`; the part is stopped then.
    """
    deadline = time.monotonic() + seconds
    while not answers():
        if part.has_ended():
            raise NotStarted(f"{part.name} ended while starting: {part.last_words()}")
        if time.monotonic() > deadline:
            part.stop()
            raise NotStarted(
                f"{part.name} was not ready after {seconds:.0f} s: {part.last_words()}"
            )
        time.sleep(0.01)
