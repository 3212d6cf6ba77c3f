"""Measures of answers, and intervals of their differences between two runs over the same cases.

No database. chrF is Popović's (2015): character n-grams up to 6, recall counts twice.
"""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from statistics import NormalDist, fmean, stdev

from msgspec import Struct

from enrichment.cascades.promise import proportion_interval

FAILURE = 0.05  # how often any interval of a comparison may miss the truth
MAX_N_GRAM = 6
BETA = 2
MIN_FOR_MEANS = 20  # fewer pairs of graded measures say nothing


class Difference(Struct, frozen=True):
    """One measure of two runs, by the cases that both have.

    `low` to `high` is the interval of `second` - `first`; None where there are too few cases.
    """

    measure: str
    cases: int
    first: float
    second: float
    low: float | None
    high: float | None

    @property
    def difference(self) -> float:
        """By how much the second is higher."""
        return self.second - self.first

    @property
    def verdict(self) -> str:
        """Which is higher, if the interval says so; blank when no difference is shown."""
        if self.low is not None and self.low > 0:
            return "second"
        return "first" if self.high is not None and self.high < 0 else ""


def chrf(text: str, wanted: str) -> float:
    """From 0 to 1: how far a text's runs of characters are those of the wanted one."""
    one, other = "".join(text.split()), "".join(wanted.split())
    if not one or not other:
        return float(one == other)
    precisions, recalls = [], []
    for length in range(1, min(MAX_N_GRAM, len(one), len(other)) + 1):
        mine, its = _grams(one, length), _grams(other, length)
        both = sum((mine & its).values())
        precisions.append(both / mine.total())
        recalls.append(both / its.total())
    precision, recall = fmean(precisions), fmean(recalls)
    if not precision + recall:
        return 0.0
    return (1 + BETA**2) * precision * recall / (BETA**2 * precision + recall)


def _grams(text: str, length: int) -> Counter[str]:
    return Counter(text[at : at + length] for at in range(len(text) - length + 1))


def differences(
    pairs: Mapping[str, Sequence[tuple[float, float]]], *, failure: float = FAILURE
) -> list[Difference]:
    """A difference for each measure, from its values in the first and second run by case.

    The intervals hold all together with probability 1 - `failure`: each gets its share of it.
    """
    each_failure = failure / max(1, len(pairs))
    return [_difference(name, found, each_failure) for name, found in pairs.items() if found]


def fewest_cases(measures: int, *, failure: float = FAILURE) -> int:
    """With how many cases a difference can be shown at all: each of them differs, one way."""
    return 1 + math.ceil(math.log2(max(1, measures) / failure))


def _difference(name: str, pairs: Sequence[tuple[float, float]], failure: float) -> Difference:
    first, second = (fmean(side) for side in zip(*pairs, strict=True))
    is_yes_or_no = all(value in {0.0, 1.0} for pair in pairs for value in pair)
    low, high = (
        _of_yes_or_no(pairs, failure)
        if is_yes_or_no
        else _of_means([later - earlier for earlier, later in pairs], failure)
    )
    return Difference(name, len(pairs), first, second, low, high)


def _of_yes_or_no(pairs: Sequence[tuple[float, float]], failure: float) -> tuple[float, float]:
    """Exact, from the cases in which the runs differ alone (McNemar's test)."""
    gained = sum(later > earlier for earlier, later in pairs)
    lost = sum(later < earlier for earlier, later in pairs)
    differing = gained + lost
    if not differing:  # as many as may have been missed
        most = proportion_interval(0, len(pairs), failure)[1]
        return -most, most
    low, high = proportion_interval(gained, differing, failure)
    share = differing / len(pairs)
    return (2 * low - 1) * share, (2 * high - 1) * share


def _of_means(differing: Sequence[float], failure: float) -> tuple[float | None, float | None]:
    """Student's, of the differences by case."""
    if len(differing) < MIN_FOR_MEANS:
        return None, None
    mean, spread = fmean(differing), stdev(differing)
    if not spread:  # as many as may have been missed
        most = proportion_interval(0, len(differing), failure)[1]
        return mean - most, mean + most
    half = _students_quantile(1 - failure / 2, len(differing) - 1) * spread
    half /= math.sqrt(len(differing))
    return mean - half, mean + half


def _students_quantile(probability: float, freedom: int) -> float:
    """By the expansion around the normal one; right to a thousandth from 19 degrees on."""
    z = NormalDist().inv_cdf(probability)
    first = (z**3 + z) / 4
    second = (5 * z**5 + 16 * z**3 + 3 * z) / 96
    third = (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384
    return z + first / freedom + second / freedom**2 + third / freedom**3
