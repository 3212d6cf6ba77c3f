"""Bounds on the work that one check may take, whatever schema and answer look like."""

from threading import local

# A step of a compiled check is an alternative or a reference that is followed: 1 µs.
MIN_STEPS = 10_000
MAX_STEPS = 2_000_000
# A step of jsonschema's is one keyword in one place: 20 µs.
MIN_JUDGED_STEPS = 2_000
MAX_JUDGED_STEPS = 100_000
CHARACTERS_A_JUDGED_STEP = 4


class TooMuchWork(Exception):
    """A check was given up at its bound."""


def steps_for(characters: int) -> int:
    """How many steps the check of an answer of this length may take, within a bound."""
    return min(MIN_STEPS + characters, MAX_STEPS)


def judged_steps_for(characters: int) -> int:
    """How many steps jsonschema may take over an answer of this length, within a bound."""
    return min(MIN_JUDGED_STEPS + characters // CHARACTERS_A_JUDGED_STEP, MAX_JUDGED_STEPS)


class Meter(local):
    """The steps that are left to the check that runs in this thread."""

    def __init__(self) -> None:
        self.left = 0

    def start(self, steps: int) -> None:
        self.left = steps

    def spend(self, steps: int = 1) -> None:
        """Take steps; raises TooMuchWork when there are none left."""
        self.left -= steps
        if self.left < 0:
            raise TooMuchWork("checking it against the schema takes too long")
