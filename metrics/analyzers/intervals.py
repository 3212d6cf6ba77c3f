"""Shares with an interval, and measured values by their mean and variance."""

import math

from django.utils.translation import gettext
from msgspec import Struct

from llmconfig.configuration.numbers import count, decimal, percent

Z_OF_95_PERCENT = 1.959964


class Share(Struct, frozen=True):
    """`hits` of `number`, and where the true share lies 19 times in 20 (Wilson's interval)."""

    hits: int
    number: int

    @property
    def value(self) -> float | None:
        """From 0 to 1; None of nothing."""
        return self.hits / self.number if self.number else None

    @property
    def low(self) -> float:
        """The lower end of the 95 % interval."""
        return self._end(-1)

    @property
    def high(self) -> float:
        """The upper end of the 95 % interval."""
        return self._end(1)

    def __str__(self) -> str:
        if self.value is None:
            return "-"
        return gettext("{value} ({low} to {high}) of {number}").format(
            value=percent(self.value, 1),
            low=percent(self.low, 1),
            high=percent(self.high, 1),
            number=count(self.number),
        )

    def _end(self, side: int) -> float:
        if not self.number:
            return 0.0 if side < 0 else 1.0
        z, n, p = Z_OF_95_PERCENT, self.number, self.hits / self.number
        middle = p + z * z / (2 * n)
        reach = z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
        return min(max((middle + side * reach) / (1 + z * z / n), 0.0), 1.0)


class Sample(Struct, frozen=True):
    """Measured values by their number, mean and variance (with n - 1)."""

    number: int
    mean: float
    variance: float

    @property
    def low(self) -> float | None:
        """The lower end of where the true mean lies 19 times in 20; None of fewer than two."""
        return self._end(-1)

    @property
    def high(self) -> float | None:
        return self._end(1)

    def __str__(self) -> str:
        if not self.number:
            return "-"
        mean, number = decimal(self.mean, 2), count(self.number)
        if self.low is None or self.high is None:
            return gettext("{value} of {number}").format(value=mean, number=number)
        return gettext("{value} ({low} to {high}) of {number}").format(
            value=mean, low=decimal(self.low, 2), high=decimal(self.high, 2), number=number
        )

    def _end(self, side: int) -> float | None:
        if self.number < 2:
            return None
        return self.mean + side * Z_OF_95_PERCENT * math.sqrt(self.variance / self.number)
