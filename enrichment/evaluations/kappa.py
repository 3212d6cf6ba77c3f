"""Cohen's kappa with an interval that few verdicts make wide, as they should.

The interval is of kappa over tables drawn from the posterior of the four cells (Dirichlet, with
Jeffreys' half a count in each): the usual formula gives none where two agree in everything.
"""

from collections.abc import Sequence
from random import Random

from msgspec import Struct

DRAWS = 4_000
PRIOR = 0.5
MIN_OF_EACH = 5  # verdicts of either kind; with fewer kappa says nothing


class Kappa(Struct, frozen=True):
    """Agreement beyond chance, from -1 to 1, with its interval (95 %)."""

    value: float
    low: float
    high: float


def kappa_of(both: int, neither: int, first_alone: int, second_alone: int) -> Kappa | None:
    """Of two who said yes or no to the same things; None where one answer is too rare.

    `both` and `neither` are where they agree; the others where only one of them said yes. The
    second is the one whose word counts.
    """
    cells = (both, neither, first_alone, second_alone)
    if min(both + second_alone, neither + first_alone) < MIN_OF_EACH:
        return None
    chance = Random(sum(cells))  # noqa: S311 - the same table has the same interval
    drawn = sorted(_kappa(_posterior(cells, chance)) for _ in range(DRAWS))
    low, high = drawn[round(0.025 * (DRAWS - 1))], drawn[round(0.975 * (DRAWS - 1))]
    return Kappa(_kappa(cells), low, high)


def _posterior(cells: Sequence[int], chance: Random) -> list[float]:
    return [chance.gammavariate(cell + PRIOR, 1.0) for cell in cells]


def _kappa(cells: Sequence[float]) -> float:
    both, neither, first_alone, second_alone = (each / sum(cells) for each in cells)
    first, second = both + first_alone, both + second_alone
    expected = first * second + (1 - first) * (1 - second)
    return (both + neither - expected) / (1 - expected) if expected < 1 else 0.0
