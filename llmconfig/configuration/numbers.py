"""How numbers are written for people: money, counts, shares, times, in the language in use.

For texts that people read. Ids, years, fields of forms, CSV, JSON and what scripts read are
written by `str` and `format`, which know no language; kept texts are made under
`translation.override("en")`.
"""

from decimal import Decimal
from functools import lru_cache

from django.utils.formats import number_format
from django.utils.translation import get_language, gettext

UNPRICED = "unpriced"
KEPT = 8192  # numbers as written, as lists show the same again and again
SMALLEST_SHOWN = Decimal("0.0001")


def count(number: int) -> str:
    """A whole number with its thousands apart: `1,234`, `1.234`."""
    return _written(number, 0, (get_language(), 0))


@lru_cache(maxsize=KEPT, typed=True)
def _written(
    number: int | Decimal, digits: int | None, _seen_as: tuple[str | None, int | str]
) -> str:
    """A number in the language in use, which `_seen_as` names; so it does the digits that the
    number has, as 1.0 and 1.00 are the same to a cache.
    """
    return str(number_format(number, digits, force_grouping=True))


def decimal(number: float | Decimal, digits: int | None = None, *, signed: bool = False) -> str:
    """A number with as many digits after the separator, None: as many as it has."""
    value = number if isinstance(number, Decimal) else Decimal(repr(float(number)))
    shown = _written(abs(value), digits, (get_language(), value.as_tuple().exponent))
    sign = "-" if value < 0 else "+" if signed else ""
    return f"{sign}{shown}"


def percent(share: float | Decimal, digits: int = 0, *, signed: bool = False) -> str:
    """A share of one as percent: 0.125 with one digit is `12.5%`, in German `12,5 %`."""
    shown = decimal(round(100 * float(share), digits), digits, signed=signed)
    return gettext("{number}%").format(number=shown)


def dollars(amount: float | Decimal, digits: int | None = None, *, signed: bool = False) -> str:
    """US dollars with as many digits after the separator, None: as many as it has."""
    shown = decimal(-amount if amount < 0 else amount, digits)
    sign = "-" if amount < 0 else "+" if signed else ""
    return sign + gettext("${amount}").format(amount=shown)


def money(amount: Decimal | None) -> str:
    """US dollars with as many digits as small amounts need; an unknown price is said to be so."""
    if amount is None:
        return gettext("unpriced")
    if 0 < abs(amount) < SMALLEST_SHOWN:
        sign = "-" if amount < 0 else ""
        return f"{sign}< {dollars(SMALLEST_SHOWN)}"
    if not amount:
        return dollars(0, 0)
    return dollars(amount, 2 if abs(amount) >= 1 else 4)


def tick(value: float) -> str:
    """US dollars at a chart's axis: as few digits as tell its values apart."""
    if value >= 10 or not value:
        return dollars(value, 0)
    return dollars(Decimal(f"{Decimal(f'{value:.2g}'):f}"))


def duration(seconds: float) -> str:
    """Seconds in the two largest units: `3 min 20 s`."""
    whole = round(seconds)
    if whole < 60:
        return f"{decimal(seconds, 1) if seconds < 10 else whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{count(whole // 3600)} h {whole % 3600 // 60} min"


def milliseconds(number: float) -> str:
    """`312 ms`, or seconds from one on."""
    return f"{number:.0f} ms" if number < 1000 else duration(number / 1000)
