"""Costs of calls of which some have no price: the known sum, what isn't in it, and how both are
written on every page, in every command and report.
"""

from collections.abc import Iterable
from decimal import Decimal

from django.utils.translation import gettext, ngettext
from msgspec import Struct

from llmconfig.configuration.numbers import UNPRICED, count, money

__all__ = ["UNPRICED", "KnownCost", "money", "total"]

NOTHING = Decimal(0)
DIGITS = Decimal("1E-10")


class KnownCost(Struct, frozen=True):
    """The cost of some calls in US dollars: `usd` of the priced ones, None where none is priced.

    `unpriced_calls` and their `unpriced_tokens` are not in `usd`. Written out, it says so.
    """

    usd: Decimal | None
    unpriced_calls: int = 0
    unpriced_tokens: int = 0

    @classmethod
    def of(
        cls, priced_usd: Decimal | None, unpriced_calls: int = 0, unpriced_tokens: int = 0
    ) -> "KnownCost":
        """From a database's sum, which is None over nothing: no calls at all cost nothing."""
        usd = NOTHING if priced_usd is None and not unpriced_calls else priced_usd
        return cls(usd, unpriced_calls, unpriced_tokens)

    @property
    def whole_usd(self) -> Decimal | None:
        """What all calls cost; None as soon as one of them is unpriced."""
        return None if self.unpriced_calls else self.usd

    def mean_usd(self, calls: int) -> Decimal | None:
        """What one of these calls cost on average, without the unpriced ones; None of none."""
        priced = calls - self.unpriced_calls
        if self.usd is None or priced <= 0:
            return None
        return (self.usd / priced).quantize(DIGITS)

    @property
    def left_out(self) -> str:
        """A sentence about the calls that are not in the sum; blank if there are none."""
        if not self.unpriced_calls:
            return ""
        said = (
            ngettext(
                "{calls} call ({tokens} tokens) without a known price, not counted",
                "{calls} calls ({tokens} tokens) without a known price, not counted",
                self.unpriced_calls,
            )
            if self.unpriced_tokens
            else ngettext(
                "{calls} call without a known price, not counted",
                "{calls} calls without a known price, not counted",
                self.unpriced_calls,
            )
        )
        return said.format(calls=count(self.unpriced_calls), tokens=count(self.unpriced_tokens))

    def __add__(self, other: "KnownCost") -> "KnownCost":
        return total([self, other])

    def __str__(self) -> str:
        if not self.unpriced_calls or self.usd is None:
            return money(self.usd)
        return gettext("{money} + {calls} unpriced").format(
            money=money(self.usd), calls=count(self.unpriced_calls)
        )


def total(costs: Iterable[KnownCost]) -> KnownCost:
    """The sum of costs, each of other calls."""
    known = list(costs)
    amounts = [each.usd for each in known if each.usd is not None]
    return KnownCost.of(
        sum(amounts, NOTHING) if amounts else None,
        sum(each.unpriced_calls for each in known),
        sum(each.unpriced_tokens for each in known),
    )
