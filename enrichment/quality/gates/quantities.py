"""Reads the numbers out of a text: digits, words, dates, what each may stand for, its unit."""

import re
from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from functools import lru_cache

from msgspec import Struct

from enrichment.quality.gates.parted import letters, letters_and_figures
from enrichment.quality.lexicon.quantities import (
    CJK_DIGITS,
    COMPOUNDS,
    CONVERTIBLE,
    DIMENSIONS,
    KOREAN_NUMBERS,
    MONTHS,
    NUMBER_WORDS,
    SIGNS,
    TENS,
    UNIT_OF,
)
from enrichment.quality.patterns import compiled_later

_LETTER = "0-9A-Za-zÀ-ÖØ-öø-ɏЀ-ӿ"  # not of scripts that put figures between their signs
# A number stands alone or before a unit; digits inside of codes are none. `id:123` is a code too.
# The first sign comes first, for regular expressions skip to it quickly.
_NUMBER = compiled_later(
    rf"[\d½¼¾⅓⅔⅛](?<![{_LETTER}].)(?<!\d[.,].)(?<![a-z]:.)\d*+(?:[.,\u00a0\u202f]\d++)*+"
    r"(?:(?<=\d)(?:[ -]?[½¼¾⅓⅔⅛]|[ -][1-9]/[2-8](?![\d/])|(?<!\d\d)/[2-8](?![\d/])))?"
    rf"(?=[^\W\d_]{{0,6}}(?![{_LETTER}]))"
)
_PARTS = compiled_later(r"(\d[\d.,\u00a0\u202f]*(?!\d*/))?[ -]?(\d/\d|[½¼¾⅓⅔⅛])?")
DIGITS = compiled_later(r"\d+")
_THOUSANDS = compiled_later(r"[.,\u00a0\u202f](?<=\d.)(?=\d{3}(?!\d))")
AFTERNOON = compiled_later(r"(\d{1,2})(?::\d\d)?\s?p\.?m", re.IGNORECASE)
FRACTIONS = {"½": 0.5, "¼": 0.25, "¾": 0.75, "⅓": 1 / 3, "⅔": 2 / 3, "⅛": 0.125}
_HALVES = compiled_later(  # “four-and-a-half-year-old”, “a year and a half”, “two & one half”
    r"\b(\d{1,3}|[^\W\d_]{3,9})[ -](?:(?:years?|months?|hours?|pounds?|lbs?)[ -])?"
    r"(?:and|&)[ -](?:(?:an?|one)[ -])?half\b"
)
_YEAR = compiled_later(r"(?:19|20)\d\d")
_CLOSE = 0.05  # of a converted figure


def short(digits: str) -> str:
    """Without leading zeros, in the digits 0 to 9 whatever the script."""
    if digits.isascii():
        return digits.lstrip("0") or "0"
    return "".join(str(int(each)) for each in digits).lstrip("0") or "0"


def plain_number(value: float) -> str:
    """A figure as it is compared: without zeros at its end."""
    return f"{value:.4f}".rstrip("0").rstrip(".")


class Quantity(Struct, frozen=True):
    """A number in a text: the values that it may stand for, and its unit if one follows."""

    text: str
    values: frozenset[str]
    unit: str
    start: int
    end: int


_AFTER = compiled_later(r"[\s-]{0,2}([^\W\d_]+(?:/[a-z])?|[#$€£%])")
_MONEY_BEFORE = compiled_later(r"[$€£]\s?\Z")


def quantities(text: str, *, units: bool = True) -> Iterator[Quantity]:
    """The numbers that stand in digits, in their order."""
    for match in _NUMBER.finditer(text):
        start, end = match.span()
        found = match[0]
        yield Quantity(
            found,
            _usual_values(found) if len(found) <= MAX_USUAL else _stands_for(found),
            _unit(text, start, end) if units else "",
            start,
            end,
        )


MAX_USUAL = 20  # characters


@lru_cache(maxsize=10_000)
def _usual_values(number: str) -> frozenset[str]:
    """The values that a number may stand for: listings have the same ones over and over."""
    return _stands_for(number)


def _stands_for(number: str) -> frozenset[str]:
    parts = _PARTS.fullmatch(number)
    whole, fraction = parts.groups("") if parts else (number, "")
    return _values(whole, fraction)


def _values(whole: str, fraction: str) -> frozenset[str]:
    parts = DIGITS.findall(whole)
    if len(parts) > 20 or len(whole) > 40:
        return frozenset({"".join(map(short, parts))})
    share = 0.0
    if fraction:
        above, _, below = fraction.partition("/")
        share = int(above) / int(below) if below else FRACTIONS[fraction]
    if not parts:
        return frozenset({plain_number(share)})
    if "," in whole and "." in whole:  # the last one begins the decimals
        last = max(whole.rfind(","), whole.rfind("."))
        decimals = DIGITS.findall(whole[last:])
        before = "".join(DIGITS.findall(whole[:last]))
        return frozenset({plain_number(float(f"{short(before)}.{''.join(decimals)}") + share)})
    joined = short("".join(parts))
    found = {joined} if len(parts) == 1 or len(parts[-1]) == 3 else set()
    if len(parts) == 2:
        found.add(plain_number(float(f"{parts[0]}.{parts[1]}")))
    elif len(parts) > 2:
        found.add(joined)
    if share:
        found = {plain_number(float(each) + share) for each in found}
    return frozenset(found)


def _unit(text: str, start: int, end: int) -> str:
    after = _AFTER.match(text, end, end + 40)
    if after is None:
        found = _MONEY_BEFORE.search(text, max(0, start - 2), start)
        return UNIT_OF[found[0].strip()] if found else ""
    word = after[1].lower()
    if ord(word[0]) > 0x2E80:
        return next((UNIT_OF[sign] for sign in SIGNS if word.startswith(sign)), "")
    unit = UNIT_OF.get(word, "")
    if not unit and (money := _MONEY_BEFORE.search(text, max(0, start - 2), start)):
        return UNIT_OF[money[0].strip()]
    return unit


def known_numbers(text: str) -> set[str]:
    """All forms in which a number of the text may stand in digits."""
    found = {short(each) for each in DIGITS.findall(text)}
    if not found:
        return {each for stated in quantities(text, units=False) for each in stated.values}
    if _THOUSANDS.search(text):
        found |= {short(each) for each in DIGITS.findall(_THOUSANDS.sub("", text))}
    for each in quantities(text, units=False):
        found |= each.values
    # A year's last two digits are the year.
    years = {f"20{each.zfill(2)}" for each in found if len(each) <= 2 and each.isdigit()}
    return found | years | {short(each[2:]) for each in found if _YEAR.fullmatch(each)}


def spelled_numbers(text: str) -> set[str]:
    """Numbers in words and signs, halves, months and hours after noon."""
    lowered = text.lower()
    words = letters(lowered)
    found = set() if _SPELLED.isdisjoint(words) else _of_words(words)
    if "half" in lowered:
        for whole in _HALVES.findall(lowered):
            base = float(whole) if whole.isdigit() else NUMBER_WORDS.get(whole, 1.0)
            found.add(plain_number(base + 0.5))
    if not text.isascii():
        for signs in (CJK_DIGITS, KOREAN_NUMBERS):
            found |= {str(number) for sign, number in signs.items() if sign in text}
    found |= {"12" for each in _TWELVES if each in lowered}
    if "pm" in lowered or "p.m" in lowered:
        found |= {str(int(hour) + 12) for hour in AFTERNOON.findall(lowered)}
    return found


_TWELVES = ("noon", "midday", "midnight")
_COUNTING = frozenset(NUMBER_WORDS) | frozenset(COMPOUNDS)
_SPELLED = _COUNTING | frozenset(MONTHS)


def _of_words(words: Iterable[str]) -> set[str]:
    """What number words and months stand for, also "forty two" and "three hundred"."""
    found: set[str] = set()
    before = 0.0
    for word in words:
        number = NUMBER_WORDS.get(word, 0.0)
        if number:
            found.add(plain_number(number))
            if before in TENS and number < 10:
                found.add(plain_number(before + number))
            elif before and number in {100, 1000}:
                found.add(plain_number(before * number))
        elif word in MONTHS:
            found.add(MONTHS[word])
        elif word in COMPOUNDS:
            found.add(plain_number(COMPOUNDS[word][0]))
        before = number
    return found


def is_known_number(stated: Quantity, known: AbstractSet[str]) -> bool:
    """Whether one of its values is known, or each of its parts, as those of a date."""
    if not stated.values.isdisjoint(known):
        return True
    parts = [short(each) for each in DIGITS.findall(stated.text)]
    return len(parts) > 1 and "/" not in stated.text and all(part in known for part in parts)


def amounts_in(text: str) -> dict[str, set[str]]:
    """The units in which a text has each number."""
    known: dict[str, set[str]] = {}
    for each in quantities(text):
        for value in each.values:
            known.setdefault(value, set()).add(each.unit)
    for value, unit in spelled_units(text):
        known.setdefault(value, set()).add(unit)
    return known


def spelled_units(text: str) -> Iterator[tuple[str, str]]:
    """Numbers in words with the unit behind them."""
    words = letters_and_figures(text.lower())
    if _COUNTING.isdisjoint(words):
        return
    places = [at for at, word in enumerate(words) if word in _COUNTING]
    words.append("")
    before = -1  # the place of a word that has the number before it as its unit
    for at in places:  # “a 9-month-old” isn't one month old
        word = words[at]
        if word in COMPOUNDS and at != before:
            yield plain_number(COMPOUNDS[word][0]), COMPOUNDS[word][1]
        number = NUMBER_WORDS.get(word, 0.0)
        if number and (unit := UNIT_OF.get(words[at + 1])):
            yield plain_number(number), unit
            before = at + 1


def is_converted(stated: Quantity, known: Mapping[str, set[str]]) -> bool:
    """Whether it is a known amount in another unit, within 5 %."""
    kind, factor = DIMENSIONS.get(stated.unit, ("", 0.0))
    if kind not in CONVERTIBLE:
        return False
    amounts = [float(value) * factor for value in stated.values]
    for value, units in known.items():
        for unit in units - {"", stated.unit}:
            if DIMENSIONS[unit][0] != kind:
                continue
            base = float(value) * DIMENSIONS[unit][1]
            if any(abs(amount - base) <= _CLOSE * base for amount in amounts):
                return True
    return False
