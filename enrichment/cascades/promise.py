"""How many caught errors a target bears, by the coins that choose the audits and nothing else.

Each row that keeps its cheap answer is audited with the same probability, by a coin that knows
nothing of the row. Take the wrong ones among these rows in the order in which they were decided:
how many stay unseen until the k-th is caught follows a negative binomial distribution, whatever the
scores say, however the threshold moved and whether models or rows changed meanwhile. So a cascade
that keeps no cheap answer any more once it has caught k errors holds its target with the wanted
probability.

Audits as a random sample whose probabilities are known are the design of SUPG (Kang et al., VLDB
2020); the bound here is exact, and holds at any time.
"""

from collections.abc import Callable
from functools import lru_cache, partial
from math import exp, floor, lgamma, log, log1p

# Numbers of caught errors among which a cascade chooses; each has the least share that allows it.
# Fewer would save audits, but one unlucky catch would decide too much.
CATCHES = (5, 6, 8, 10, 13, 17, 22, 30, 40, 55, 75, 100, 150, 250)
FAILURE = 0.05  # how often a promise may be broken
PRECISION_STEPS = 50
NEGLIGIBLE = 1e-18  # of a sum


def errors_borne(rows: int, target: float) -> int:
    """How many of `rows` may differ from the dear model when `target` (0 to 1) must agree."""
    return max(0, floor(rows * (1 - target) + 1e-9))


@lru_cache(maxsize=4096)
def catches_borne(errors: int, share: float, failure: float = FAILURE) -> int:
    """With how many caught errors a cascade must stop, for `share` of audits (0 to 1).

    Then more than `errors` stay unseen with probability `failure` at most. 0: no cheap answer can
    be kept at all. More are unseen at the k-th catch when fewer than k of the first `errors` + k
    wrong rows were audited.
    """
    low, high = 0, 1
    while _bears(errors, high, share, failure):
        low, high = high, high * 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if _bears(errors, middle, share, failure) else (low, middle)
    return low


def _bears(errors: int, catches: int, share: float, failure: float) -> bool:
    return binomial_tail(catches - 1, errors + catches, share) <= failure


def _share_bears(errors: int, catches: int, failure: float, share: float) -> bool:
    return _bears(errors, catches, share, failure)


@lru_cache(maxsize=512)
def shares_for(errors: int, max_share: float, failure: float = FAILURE) -> tuple[float, ...]:
    """The shares of audits worth choosing, rising: each the least that bears one of CATCHES."""
    found = (_least(partial(_share_bears, errors, each, failure)) for each in CATCHES)
    return tuple(each for each in found if each <= max_share)


@lru_cache(maxsize=4096)
def errors_at_most(caught: int, share: float, *, kept: int, failure: float = FAILURE) -> int:
    """How many of `kept` cheap answers are wrong at most, when `caught` errors were audited.

    Right with probability 1 - `failure` (the upper end of Clopper and Pearson's interval).
    """
    low, high = 0, kept
    while low < high:
        middle = (low + high) // 2
        fits = binomial_tail(caught, middle + caught + 1, share) <= failure
        low, high = (low, middle) if fits else (middle + 1, high)
    return low


def binomial_tail(most: int, trials: int, chance: float) -> float:
    """The probability of `most` successes or fewer among `trials` of which each has `chance`.

    Sums from the likeliest of them outwards, each term by the one before, and leaves out what would
    change no digit.
    """
    if most >= trials or chance <= 0:
        return 1.0
    if chance >= 1 or most < 0:
        return 0.0
    likeliest = min(most, floor((trials + 1) * chance))
    ways = lgamma(trials + 1) - lgamma(likeliest + 1) - lgamma(trials - likeliest + 1)
    peak = exp(ways + likeliest * log(chance) + (trials - likeliest) * log1p(-chance))
    odds, total = chance / (1 - chance), peak
    term = peak
    for successes in range(likeliest, 0, -1):
        term *= successes / ((trials - successes + 1) * odds)
        total += term
        if term <= total * NEGLIGIBLE:
            break
    term = peak
    for successes in range(likeliest, most):
        term *= (trials - successes) * odds / (successes + 1)
        total += term
        if term <= total * NEGLIGIBLE:
            break
    return min(1.0, total)


def proportion_interval(hits: int, trials: int, failure: float = FAILURE) -> tuple[float, float]:
    """The exact interval (Clopper and Pearson) of a proportion, right with 1 - `failure`."""
    if trials == 0:
        return 0.0, 1.0
    half = failure / 2
    lower = _least(lambda p: 1 - binomial_tail(hits - 1, trials, p) >= half) if hits else 0.0
    upper = _least(lambda p: binomial_tail(hits, trials, p) < half) if hits < trials else 1.0
    return lower, upper


def _least(holds: Callable[[float], bool]) -> float:
    """The least number between 0 and 1 for which a condition holds, that holds for larger ones."""
    low, high = 0.0, 1.0
    for _ in range(PRECISION_STEPS):
        middle = (low + high) / 2
        low, high = (low, middle) if holds(middle) else (middle, high)
    return high
