"""What a cascade saved, in US dollars: an estimate from the calls that its node's own model made.

Each kept answer is taken to cost the own model what its other calls cost on average; from that goes
what all cheap calls cost, those that were asked in vain too. The range holds in 8 of 10 cases if
kept rows are as long as the others.
"""

from collections.abc import Iterable
from decimal import Decimal
from math import sqrt

from msgspec import Struct

Z_OF_80_PERCENT = 1.2816
DIGITS = Decimal("1E-10")


class CallCosts(Struct, frozen=True):
    """Calls, their cost, and the sum of its squares; None where a price is unknown."""

    calls: int
    usd: Decimal | None
    squares: float = 0.0

    @property
    def variance(self) -> float | None:
        """Of one call's cost; None where nobody knows it."""
        if self.usd is None or self.calls < 2 or not self.squares:
            return None
        mean = float(self.usd) / self.calls
        return max(0.0, (self.squares - self.calls * mean * mean) / (self.calls - 1))


class CascadeSaving(Struct, frozen=True):
    """What was saved by `kept` cheap answers; below nought, the cascade cost more than it saved.

    `unknown` of them aren't in `usd`, which is None where no price is known. `variance` is of
    `usd`, in squared dollars, None where nobody knows it.
    """

    kept: int
    usd: Decimal | None
    variance: float | None = None
    unknown: int = 0

    @property
    def low_usd(self) -> Decimal | None:
        """Less was saved in one case of ten."""
        return self._moved(-1)

    @property
    def high_usd(self) -> Decimal | None:
        """More was saved in one case of ten."""
        return self._moved(1)

    def _moved(self, sign: int) -> Decimal | None:
        if self.usd is None or self.variance is None:
            return None
        reach = Decimal(Z_OF_80_PERCENT * sqrt(self.variance)).quantize(DIGITS)
        return self.usd + sign * reach


def saving_of(*, kept: int, cheap_usd: Decimal | None, own: CallCosts) -> CascadeSaving:
    """What `kept` answers saved where all cheap calls cost `cheap_usd`; `own` is the own model's.

    Unknown where a price is, or where the own model made no call to go by.
    """
    if cheap_usd is None or own.usd is None or not own.calls:
        return CascadeSaving(kept, None, unknown=kept)
    usd = (own.usd / own.calls * kept - cheap_usd).quantize(DIGITS)
    each = own.variance
    # Of a sum of so many calls, told by the mean of so many others.
    variance = None if each is None else each * (kept + kept * kept / own.calls)
    return CascadeSaving(kept, usd, variance)


def together(savings: Iterable[CascadeSaving]) -> CascadeSaving:
    """The sum of savings by different calls."""
    parts = list(savings)
    known = [each for each in parts if each.usd is not None]
    variances = [each.variance for each in known if each.variance is not None]
    return CascadeSaving(
        kept=sum(each.kept for each in parts),
        usd=sum((each.usd for each in known if each.usd is not None), Decimal(0))
        if known
        else None,
        variance=sum(variances) if known and len(variances) == len(known) else None,
        unknown=sum(each.unknown for each in parts),
    )
