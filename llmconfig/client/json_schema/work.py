"""Bounds on the work that one check may take, whatever schema and answer look like."""

from threading import local

# A step is one keyword looked at in one place: 5 µs at most, but for what it charges more for.
MIN_STEPS = 10_000
STEPS_A_CHARACTER = 1
MAX_STEPS = 2_000_000


class TooMuchWork(Exception):
    """A check was given up at its bound."""


def steps_for(characters: int) -> int:
    """How many steps an answer of this length may take: more for longer ones, within a bound."""
    return min(MIN_STEPS + characters * STEPS_A_CHARACTER, MAX_STEPS)


class Meter(local):
    """The steps that are left to the check that runs in this thread."""

    def __init__(self) -> None:
        self.left = 0

    def start(self, steps: int) -> None:
        """Begin a check."""
        self.left = steps

    def spend(self, steps: int = 1) -> None:
        """Take steps; raises TooMuchWork when there are none left."""
        self.left -= steps
        if self.left < 0:
            raise TooMuchWork("checking it against the schema takes too long")
