"""Whether means differ, so that one may look at any time and as often as one likes.

A usual test promises its rate of false alarms for one look at the end; who looks daily and stops
at the first alarm has several times as many. Here the promise holds over all looks together: the
mixture sequential probability ratio test (Robbins 1970; Johari and others 2017) with a normal
mixture, on means whose variance is estimated, and so from some dozens of values on.
"""

import math

from msgspec import Struct

from metrics.analyzers.intervals import Sample, Share

# Calls in each of two arms at which the test sees most; elsewhere it sees a little less.
TUNED_FOR = 500
# The mixture's variance in units of the difference's variance there; best for alpha 0.05.
MIXTURE = 7.9
NO_VALUES = Sample(0, 0.0, 0.0)


class Gap(Struct, frozen=True):
    """How much more a mean is than `factor` times another one, and its estimate's variance."""

    value: float
    variance: float
    mixture: float

    def p(self) -> float:
        """How likely chance alone shows such a gap at any look so far; 1 if nothing varies."""
        if not self.variance:
            return 1.0 if not self.value else 0.0
        v, t = self.variance, self.mixture
        log_ratio = 0.5 * math.log(v / (v + t)) + self.value**2 * t / (2 * v * (v + t))
        return math.exp(-max(log_ratio, 0.0))

    def reach(self, alpha: float) -> float:
        """The true gap is never, at any look, farther than this off; but for a share of alpha."""
        if not self.variance:
            return 0.0
        v, t = self.variance, self.mixture
        return math.sqrt(2 * v * (v + t) / t * (math.log(1 / alpha) + 0.5 * math.log((v + t) / v)))


def gap(more: Sample, less: Sample, *, factor: float = 1.0) -> Gap:
    """The gap between two samples of at least two values each."""
    variance = more.variance / more.number + factor**2 * less.variance / less.number
    together = more.number * less.number / (more.number + less.number)
    return Gap(
        more.mean - factor * less.mean, variance, MIXTURE * variance * together * 2 / TUNED_FOR
    )


def p_of_shares(one: Share, other: Share) -> float:
    """How likely chance alone, at any look so far, makes shares of two and more differ so much."""
    return gap(as_sample(one), as_sample(other)).p()


def as_sample(share: Share) -> Sample:
    """Its variance with one more of each kind: none seen so far doesn't mean that none comes."""
    if not share.number:
        return NO_VALUES
    smoothed = (share.hits + 1) / (share.number + 2)
    return Sample(share.number, share.hits / share.number, smoothed * (1 - smoothed))
