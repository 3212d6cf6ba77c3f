"""Numbers are written as the page's language writes them; what machines read isn't."""

import datetime as dt
from decimal import Decimal

import pytest
from django.utils import timezone, translation
from django.utils.safestring import SafeString

from llmconfig.admin.kit.presentation import badge, moment
from llmconfig.configuration.known_costs import KnownCost
from llmconfig.configuration.numbers import (
    count,
    decimal,
    dollars,
    duration,
    milliseconds,
    money,
    percent,
    tick,
)

WRITTEN = {
    "en": ["1,234,567", "-0.125", "+1,234.50", "12.5%", "+3%", "$1,234.50", "$0.0125",
           "< $0.0001", "$0", "-$2.00", "3.5 s", "1 h 2 min", "312 ms", "$0.25",
           "$3 + 1,200 unpriced"],
    "de": ["1.234.567", "-0,125", "+1.234,50", "12,5\xa0%", "+3\xa0%", "1.234,50\xa0$",
           "0,0125\xa0$", "< 0,0001\xa0$", "0\xa0$", "-2,00\xa0$",
           "3,5 s", "1 h 2 min", "312 ms", "0,25\xa0$",
           "3\xa0$ + 1.200 ohne Preis"],
    "es": ["1\xa0234\xa0567", "-0,125", "+1\xa0234,50", "12,5\xa0%", "+3\xa0%", "1\xa0234,50\xa0$",
           "0,0125\xa0$", "< 0,0001\xa0$", "0\xa0$", "-2,00\xa0$", "3,5 s", "1 h 2 min", "312 ms",
           "0,25\xa0$", "3\xa0$ + 1\xa0200 sin precio"],
}  # fmt: skip


@pytest.mark.parametrize("language", WRITTEN)
def test_numbers_are_written_in_the_language_in_use(language):
    with translation.override(language):
        written = [
            count(1_234_567),
            decimal(-0.125),
            decimal(1234.5, 2, signed=True),
            percent(0.125, 1),
            percent(0.03, signed=True),
            money(Decimal("1234.5")),
            money(Decimal("0.0125")),
            money(Decimal("0.00001")),
            money(Decimal(0)),
            money(Decimal(-2)),
            duration(3.5),
            duration(3720),
            milliseconds(312),
            tick(0.25),
            str(KnownCost(Decimal(3), 1200)).replace(".00", "").replace(",00", ""),
        ]
    assert written == WRITTEN[language]


def test_an_exact_price_keeps_its_digits():
    with translation.override("de"):
        assert dollars(Decimal("0.15")) == "0,15\xa0$"
        assert dollars(Decimal(30)) == "30\xa0$"


def test_what_is_equal_but_written_otherwise_is_told_apart():
    """What was written once is kept."""
    with translation.override("en"):
        assert [decimal(Decimal(each)) for each in ("1.5", "1.50", "1.500")] == [
            "1.5", "1.50", "1.500",
        ]  # fmt: skip
    assert badge("<b>") == '<span class="nw-badge nw-plain">&lt;b&gt;</span>'
    assert badge(SafeString("<b>")) == '<span class="nw-badge nw-plain"><b></span>'
    now = dt.datetime(2026, 3, 4, 5, 6, 7, tzinfo=dt.UTC)
    told = []
    for zone, language in (("UTC", "en"), ("Europe/Berlin", "en"), ("UTC", "es"), ("UTC", "en")):
        with timezone.override(zone), translation.override(language):
            told.append((moment(now), moment(now, seconds=True)))
    assert told == [
        ("4 Mar 2026, 05:06 UTC", "4 Mar 2026, 05:06:07 UTC"),
        ("4 Mar 2026, 06:06 CET", "4 Mar 2026, 06:06:07 CET"),
        ("4 de Mar de 2026, 05:06 UTC", "4 de Mar de 2026, 05:06:07 UTC"),
        ("4 Mar 2026, 05:06 UTC", "4 Mar 2026, 05:06:07 UTC"),
    ]
