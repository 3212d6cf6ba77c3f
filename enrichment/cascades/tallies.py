"""Counts by score: all that a cascade has learned, as whole numbers that lanes add up."""

from collections.abc import Iterable
from math import exp, log

from msgspec import Struct

# Scores are told apart by their odds: answers' likelihoods crowd near 1, and 0.99 and 0.999 differ.
STEPS_PER_UNIT = 10
MAX_LOG_ODDS = 8.0
BINS = int(2 * MAX_LOG_ODDS * STEPS_PER_UNIT) + 2


def bin_of(score: float) -> int:
    """The bin of a score from 0 to 1: 0 for the lowest, BINS - 1 for the highest."""
    if score <= 0:
        return 0
    if score >= 1:
        return BINS - 1
    step = int((log(score / (1 - score)) + MAX_LOG_ODDS) * STEPS_PER_UNIT + 1)
    return min(BINS - 1, max(0, step))


def lowest_score(number: int) -> float | None:
    """The lowest score of a bin, for people; None past the last: no score reaches it."""
    if number <= 0:
        return 0.0
    if number >= BINS:
        return None
    return 1 / (1 + exp(MAX_LOG_ODDS - (number - 1) / STEPS_PER_UNIT))


class Tally(Struct, frozen=True):
    """Rows by bin: how many had a score, how many of them the dear model answered too, how many of
    those differ. Tallies add up in any order.
    """

    seen: tuple[int, ...] = (0,) * BINS
    labelled: tuple[int, ...] = (0,) * BINS
    wrong: tuple[int, ...] = (0,) * BINS

    def __add__(self, other: "Tally") -> "Tally":
        return Tally(
            tuple(map(int.__add__, self.seen, other.seen)),
            tuple(map(int.__add__, self.labelled, other.labelled)),
            tuple(map(int.__add__, self.wrong, other.wrong)),
        )

    @property
    def rows(self) -> int:
        """How many rows had a score."""
        return sum(self.seen)

    @property
    def labels(self) -> int:
        """How many of them the dear model answered too."""
        return sum(self.labelled)

    def to_json(self) -> list[list[int]]:
        """Bins with any row: number, seen, labelled, wrong."""
        cells = zip(range(BINS), self.seen, self.labelled, self.wrong, strict=True)
        return [list(each) for each in cells if any(each[1:])]

    @classmethod
    def from_json(cls, stored: Iterable[Iterable[int]]) -> "Tally":
        """The tally that `to_json` wrote."""
        seen, labelled, wrong = [0] * BINS, [0] * BINS, [0] * BINS
        for number, *cells in stored:
            seen[number], labelled[number], wrong[number] = cells
        return cls(tuple(seen), tuple(labelled), tuple(wrong))


def tally_of(rows: Iterable[tuple[float, bool | None]]) -> Tally:
    """The tally of rows: each its score, and whether the dear model agrees (None: not asked)."""
    seen, labelled, wrong = [0] * BINS, [0] * BINS, [0] * BINS
    for score, agrees in rows:
        number = bin_of(score)
        seen[number] += 1
        if agrees is not None:
            labelled[number] += 1
            wrong[number] += not agrees
    return Tally(tuple(seen), tuple(labelled), tuple(wrong))
