"""Numbers and quantities: from nowhere, lost, in another place, in another unit."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet

from django.utils.translation import gettext_lazy as _

from enrichment.quality.findings import GateFinding, register_code
from enrichment.quality.gates.comparison import stem
from enrichment.quality.gates.contract import Checked, examples, found_in_answer, of_changes
from enrichment.quality.gates.parted import letters
from enrichment.quality.gates.quantities import (
    AFTERNOON,
    DIGITS,
    FRACTIONS,
    Quantity,
    amounts_in,
    is_converted,
    is_known_number,
    known_numbers,
    quantities,
    short,
    spelled_numbers,
    spelled_units,
)
from enrichment.quality.lexicon.quantities import DIMENSIONS, MONTHS, UNIT_OF
from enrichment.quality.lexicon.words import STOPWORDS
from enrichment.quality.patterns import compiled_later

UNKNOWN_NUMBERS = register_code(
    "unknown_numbers",
    _("Unknown numbers"),
    "State no number, age, weight or date that isn't in the text.",
)
MISSING_NUMBERS = register_code(
    "missing_numbers",
    _("Missing numbers"),
    "Keep every number, date, fee and telephone of the text.",
)
MOVED_NUMBERS = register_code(
    "moved_numbers", _("Numbers in another place"), "Leave each number with what it counts."
)
CHANGED_UNITS = register_code(
    "changed_units", _("Another unit"), "Keep every unit of measure as the text has it."
)

_LONG_NUMBER = compiled_later(r"\+?\d(?:[\s()./-]{0,3}\d){8,}")  # a telephone's
_MONTHS = frozenset(MONTHS)
_DIGIT = compiled_later(r"\d")
_NEXT_IN_LIST = compiled_later(
    r"(?<=[a-z][.!?])\d{1,2}\W{0,3}\Z"
)  # “is due.3.”, of a numbered list
# What a full age or weight has besides: “0yrs 9mths”, “2 years and 0 months”.
_SPAN = (
    r"(?:y(?:ea)?rs?|yo|mo?nths?|mths?|mos?|w(?:ee)?ks?|days?|hours?|hrs?|lbs?|pounds?|feet|ft)"
    r"\b\.?"
)
_ZERO_PART = compiled_later(
    rf"(?<![\d.,:])0+ ?{_SPAN}(?=[ ,]{{0,3}}(?:and )?\d)"
    rf"|(?<=[a-z.])(?:,| and)? 0+ ?{_SPAN}",
    re.IGNORECASE,
)


_LONG_RUN = compiled_later(r"\d{4}\d")
# Where a postal code, a telephone or a date ends and a number goes on: “17268717-555-0100”.
_GLUED = compiled_later(
    r"(?<=\b\d{5})(?=\d{3}[-.]\d{3}[-.]\d{4}(?!\d))|(?<=\b\d{3}[-.]\d{3}[-.]\d{4})(?=\w)"
    r"|(?<=/20\d\d)(?=\d)"
)


@of_changes
def unknown_numbers(checked: Checked) -> GateFinding | None:
    """Numbers that the source doesn't have: in digits, fractions, words, months or hours."""
    answer = checked.changes.added_text
    digits = set(DIGITS.findall(answer))
    if not digits and (answer.isascii() or not any(each in answer for each in FRACTIONS)):
        return None
    if "/" not in answer and digits <= set(DIGITS.findall(checked.changes.gone_text)):
        return None  # they only stand beside other words now
    said = set(DIGITS.findall(checked.source))
    if digits <= said and "/" not in answer:
        return None
    stated = checked.added_quantities
    if not stated and not _LONG_NUMBER.search(answer):  # digits of codes only
        return None
    if digits <= said and all(is_known_number(each, set(map(short, said))) for each in stated):
        return None
    known = checked.source_numbers
    if _LONG_RUN.search(checked.source):
        known = known | known_numbers(_GLUED.sub(" ", checked.source))
    unknown = [each.text for each in stated if not is_known_number(each, known)]
    if unknown:
        known |= checked.source_spelled
        amounts = checked.source_amounts
        unknown = [
            each.text
            for each in stated
            if not is_known_number(each, known)
            and not is_converted(each, amounts)
            and not _is_full_hour(answer, each)
        ]
    unknown += [
        each.strip()
        for each in _LONG_NUMBER.findall(answer)
        if not set(map(short, DIGITS.findall(each))) <= known and each.strip() not in unknown
    ]
    return found_in_answer(UNKNOWN_NUMBERS, "Numbers that the source doesn't have", unknown)


def _is_full_hour(text: str, number: Quantity) -> bool:
    """Whether a number is the end of an hour without minutes, as “10:00”."""
    return number.text == "00" and text[number.start - 1 : number.start] == ":"


@of_changes
def changed_units(checked: Checked) -> GateFinding | None:
    """A number with a unit where the source has it with another one of the same kind.

    A figure that was converted rightly (within 5 %) is none.
    """
    added = checked.changes.added_text
    if not added:
        return None
    stated = [each for each in checked.added_quantities if each.unit]
    if not checked.language and (new := _new_units(checked, stated)):
        return found_in_answer(CHANGED_UNITS, "Units that the source doesn't have", new)
    spelled = list(spelled_units(added))
    if not stated and not spelled:
        return None
    known = checked.source_amounts
    wrong = [
        added[each.start : each.end + 12].split("\n")[0]
        for each in stated
        if _is_other_unit(each.values, each.unit, known) and not is_converted(each, known)
    ]
    wrong += [f"{value} {unit}" for value, unit in spelled if _is_other_unit({value}, unit, known)]
    return found_in_answer(CHANGED_UNITS, "The source has another unit for", wrong)


def _is_other_unit(
    values: AbstractSet[str], unit: str, known: Mapping[str, AbstractSet[str]]
) -> bool:
    """Whether the source has the number with units of the same kind, but not with this one."""
    units = set().union(*(known.get(value, ()) for value in values)) - {""}
    kinds = {DIMENSIONS[unit][0]}
    if not kinds.isdisjoint(_OF_TIME) and "1" not in values:  # “one hour a day”
        kinds = _OF_TIME
    same_kind = {each for each in units if DIMENSIONS[each][0] in kinds}
    return bool(same_kind) and unit not in same_kind


_OF_TIME = {"time", "hours"}  # between which nothing is converted


_MEASURES = {
    word: unit
    for word, unit in UNIT_OF.items()
    if DIMENSIONS[unit][0] in {"weight", "money", "time"}
    and len(word) > 1
    and word not in {"chili", "stone", "stones", "mos", "dia", "ans", "ora", "ore", "an"}
}


def _new_units(checked: Checked, stated: Sequence[Quantity]) -> list[str]:
    """Words for units of weight, money and time in place of others, whatever stands before them."""
    added = set(letters(checked.changes.added_text.lower())) & _MEASURES.keys()
    if not added:
        return []
    gone = set(letters(checked.changes.gone_text.lower())) & _MEASURES.keys()
    had, now = {_MEASURES[word] for word in gone}, {_MEASURES[word] for word in added}
    lost = {DIMENSIONS[unit][0] for unit in had - now}
    if not lost:
        return []
    converted = {each.unit for each in stated if is_converted(each, checked.source_amounts)}
    return sorted(
        word
        for word in added
        if (unit := _MEASURES[word]) not in had
        and unit not in converted
        and DIMENSIONS[unit][0] in lost
    )


@of_changes
def numbers_kept(checked: Checked) -> GateFinding | None:
    """In a text that was only rewritten: numbers that were lost, changed or changed places.

    Only sentences that were changed are compared: there no number may come from another one.
    """
    changes = checked.changes
    gone = [_NEXT_IN_LIST.sub("", each.text) for each in changes.gone if _DIGIT.search(each.text)]
    added = [each.text for each in changes.added if _DIGIT.search(each.text)]
    if not gone and not added:
        return None
    if _LONG_RUN.search(changes.gone_text):
        gone = [_GLUED.sub(" ", each) for each in gone]
    if "0" in changes.gone_text:
        gone = [_ZERO_PART.sub(" ", each) for each in gone]
    before, after = _sequence(gone), _sequence(added)
    unmatched = _unmatched(before, after)
    lost = _unmatched(after, before)
    if not unmatched and not lost:
        return _moved(gone, added, before, after)
    # The same in words, or somewhere else: of a sentence that was not changed.
    excused = known_numbers(checked.besides)
    dated = not _MONTHS.isdisjoint(letters(changes.added_text.lower()))
    if len(before) != len(after) or dated:
        excused |= known_numbers(changes.before.text) | spelled_numbers(changes.before.text)
    # What the source has nowhere is another gate's.
    unmatched = [
        each
        for each in unmatched
        if not is_known_number(each, excused) and each.text in checked.source
    ]
    if unmatched:
        return found_in_answer(
            MOVED_NUMBERS,
            "Numbers that stood elsewhere in the source",
            [each.text for each in unmatched],
        )
    if lost:
        known = checked.text_numbers
        lost = [
            each
            for each in lost
            if each.text != "00"  # of an hour
            and not is_known_number(each, known)
            and not (dated and known.issuperset(map(short, DIGITS.findall(each.text))))
        ]
    return found_in_answer(
        MISSING_NUMBERS, "Numbers of the source that are missing", [each.text for each in lost]
    )


@of_changes
def numbers_translated(checked: Checked) -> GateFinding | None:
    """In a translation: numbers of the source that the answer has in no form."""
    gone = checked.changes.gone_text
    answer = set(map(short, DIGITS.findall(checked.text)))
    stated = list(quantities(gone))
    if all(not each.values.isdisjoint(answer) for each in stated):
        return None
    known = checked.text_numbers
    hours = {str(int(hour) + 12) for hour in AFTERNOON.findall(checked.source_lower)}
    amounts = amounts_in(checked.text)
    lost = [
        each.text
        for each in stated
        if not is_known_number(each, known)
        and not is_converted(each, amounts)
        and not any(
            len(value) <= 2 and value.isdigit() and str(int(value) + 12) in hours & known
            for value in each.values
        )
    ]
    return found_in_answer(MISSING_NUMBERS, "Numbers of the source that are missing", lost)


def _unmatched(before: list[Quantity], after: list[Quantity]) -> list[Quantity]:
    """Numbers that come more often than before."""
    left = Counter(value for each in before for value in each.values)
    unmatched = []
    for each in after:
        found = next((value for value in each.values if left[value] > 0), None)
        if found is None:
            unmatched.append(each)
        else:
            left[found] -= 1
    return unmatched


def _sequence(sentences: list[str]) -> list[Quantity]:
    return [each for text in sentences for each in quantities(text, units=False)]


def _moved(
    gone: list[str], added: list[str], before: list[Quantity], after: list[Quantity]
) -> GateFinding | None:
    """Numbers whose neighbours are others now, where the order of numbers has changed."""
    order_before = [min(each.values) for each in before]
    order_after = [min(each.values) for each in after]
    if order_before == order_after or sorted(order_before) != sorted(order_after):
        return None
    if _in_order(gone) == _in_order(added):
        return None
    contexts: dict[str, list[frozenset[str]]] = {}
    for text in gone:
        for each in quantities(text):
            contexts.setdefault(min(each.values), []).append(_context(text, each))
    moved = [
        text[max(0, each.start - 20) : each.end + 20].strip()
        for text in added
        for each in quantities(text)
        if all(
            known.isdisjoint(_context(text, each))
            for known in contexts.get(min(each.values), [frozenset()])
        )
    ]
    if not moved:
        moved = [each.text for each in after]
    shown = examples(moved)
    text = f"Numbers have changed places: {', '.join(shown)}."
    return GateFinding(MOVED_NUMBERS, text, {"found": shown})


_MONTH = (
    "(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?"
    r"|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\b\.?"
)
_DATE = compiled_later(
    rf"\b(?:\d\d?(?:st|nd|rd|th)?(?: of)? )?{_MONTH}(?: \d\d?(?:st|nd|rd|th)?\b(?!\d))?"
    r"(?:,? (?:of )?\d{4}\b)?",
    re.IGNORECASE,
)


def _in_order(sentences: list[str]) -> dict[str, list[tuple[str, ...]]]:
    """What numbers say, in order, by kind: weights, prices, times, dates and all others.

    One with a unit of its own, and a date, may stand anywhere among those of other kinds.
    """
    found: dict[str, list[tuple[str, ...]]] = {}
    for text in sentences:
        parts: dict[int, list[str]] = {}
        dates = list(_DATE.finditer(text))
        for each in quantities(text):
            value = min(each.values)
            at = next((n for n, date in enumerate(dates) if _is_in(each, date)), None)
            if at is not None:
                parts.setdefault(at, []).append(value)
                if len(parts[at]) == 1:
                    found.setdefault("date", []).append(())
                said = (MONTHS[_month(dates[at][0])], *sorted(parts[at]))
                found["date"][-1] = said
                continue
            kind = DIMENSIONS[each.unit][0] if each.unit else ""
            found.setdefault(kind, []).append((value, each.unit))
    return found


def _is_in(number: Quantity, date: re.Match[str]) -> bool:
    return date.start() <= number.start and number.end <= date.end()


def _month(date: str) -> str:
    return next(each for each in letters(date.lower()) if each in MONTHS)


def _context(text: str, number: Quantity) -> frozenset[str]:
    """The unit and the words beside a number."""
    near = letters(text[max(0, number.start - 25) : number.start].lower())[-2:]
    near += letters(text[number.end : number.end + 25].lower())[:2]
    found = {stem(word) for word in near if word not in STOPWORDS and len(word) > 2}
    return frozenset({*found, number.unit} if number.unit else found)
