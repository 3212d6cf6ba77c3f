"""Which threshold saves most, from counts by score; the promise holds whatever is chosen here."""

from collections.abc import Iterator
from math import exp, lgamma, log, sqrt

from msgspec import Struct

from enrichment.cascades.promise import FAILURE, catches_borne, shares_for
from enrichment.cascades.tallies import BINS, Tally

PRIOR_LABELS = 1.0  # how many labels the mean counts for, so that no bin is right for sure
MIN_EXPECTED = 1e-9
CONTINUITY = 0.375  # Anscombe's: square roots of small counts become nearly normal


class ThresholdPlan(Struct, frozen=True):
    """From which bin on cheap answers are kept, the share of them that is audited, and how many
    rows are expected to be saved.
    """

    threshold: int = BINS
    share: float = 0.0
    saved: float = 0.0


def error_rates(tally: Tally) -> list[float]:
    """How often the cheap model is wrong by bin: never more with a higher score (isotonic)."""
    mean = (sum(tally.wrong) + 0.5) / (tally.labels + 1)
    blocks: list[tuple[int, int, int]] = []  # wrong, labelled, bins
    for wrong, labelled in zip(tally.wrong, tally.labelled, strict=True):
        block = (wrong, labelled, 1)
        while blocks and _rate(block, mean) >= _rate(blocks[-1], mean):
            below = blocks.pop()
            block = (below[0] + block[0], below[1] + block[1], below[2] + block[2])
        blocks.append(block)
    return [_rate(block, mean) for block in blocks for _ in range(block[2])]


def _rate(block: tuple[int, int, int], mean: float) -> float:
    wrong, labelled, _ = block
    return (wrong + mean * PRIOR_LABELS) / (labelled + PRIOR_LABELS)


def best_plan(
    tally: Tally,
    *,
    rows_left: int,
    errors: int,
    max_share: float,
    share: float = 0.0,
    caught: int = 0,
    failure: float = FAILURE,
) -> ThresholdPlan:
    """The threshold that is expected to save most, and with `share` 0 also the share of audits.

    More than `errors` may differ in the end with probability `failure`; `caught` were found so far.
    """
    steps = list(_steps(tally, rows_left))
    best = ThresholdPlan()
    for each in (share,) if share else shares_for(errors, max_share, failure):
        catches = catches_borne(errors, each, failure) - caught
        if catches <= 0:
            continue
        for number, rows, wrong in steps:
            saved = rows * (1 - each) * _share_before(catches, each * wrong)
            if saved > best.saved:
                best = ThresholdPlan(number, each, saved)
    return best


def _steps(tally: Tally, rows_left: int) -> Iterator[tuple[int, float, float]]:
    """Each bin as threshold: the rows to come at or above it, and those of them that are wrong."""
    rates, scale = error_rates(tally), rows_left / max(1, tally.rows)
    rows = wrong = 0.0
    for number in range(BINS - 1, -1, -1):
        if tally.seen[number]:
            rows += scale * tally.seen[number]
            wrong += scale * tally.seen[number] * rates[number]
            yield number, rows, wrong


def _share_before(catches: int, expected: float) -> float:
    """Which share of the rows comes before the last catch, when `expected` come on the way.

    Catches come as a Poisson process: this is the mean of min(1, time of the last).
    """
    if expected < MIN_EXPECTED:
        return 1.0
    fewer = _poisson_tail(catches - 1, expected)
    at_most = fewer + exp(catches * log(expected) - expected - lgamma(catches + 1))
    return min(1.0, fewer + catches / expected * max(0.0, 1 - at_most))


def _poisson_tail(most: int, mean: float) -> float:
    return sum(exp(k * log(mean) - mean - lgamma(k + 1)) for k in range(most + 1))


def drifted(older: Tally, newer: Tally, *, threshold: int, deviations: float) -> bool:
    """Whether newer rows are wrong more or less often than older ones of the same scores.

    Asked apart for the rows whose cheap answers are kept, of which a few are audited, and for the
    others, which the dear model answers anyway; `deviations` of a normal distribution count.
    """
    rates = error_rates(older)
    zones = (range(threshold), range(threshold, BINS))
    return any(abs(_surprise(older, newer, rates, zone)) > deviations for zone in zones)


def _surprise(older: Tally, newer: Tally, rates: list[float], zone: range) -> float:
    """How many standard deviations lie between a zone's wrong answers and the expected ones."""
    expected = variance = 0.0
    for number in zone:
        labels, rate = newer.labelled[number], rates[number]
        if labels:
            expected += labels * rate
            unsure = 1 + labels / (older.labelled[number] + PRIOR_LABELS)
            variance += labels * rate * (1 - rate) * unsure
    if expected < MIN_EXPECTED:
        return 0.0
    found = sum(newer.wrong[number] for number in zone)
    distance = 2 * (sqrt(found + CONTINUITY) - sqrt(expected + CONTINUITY))
    return distance / max(0.5, sqrt(variance / expected))
