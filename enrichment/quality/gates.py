"""Quality gates: what an answer must pass before it is applied without a person.

A gate is a function that gives a finding, or None when it has none to object. An enrichment names
its gates; what fails any of them becomes a suggestion. They run for every row of a batch: all of
them together cost less than 0.1 ms an answer.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from typing import Any

from enrichment.quality.languages import differs, guess, is_known

SHOWN = 3  # examples that a finding names


@dataclass(frozen=True, slots=True)
class GateFinding:
    """One objection to an answer.

    `code` is stable, for programs (`FINDING_CODES`); `text` is a sentence for the reviewer; `data`
    holds what was found, in JSON's types.
    """

    code: str
    text: str
    data: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class FindingCode:
    """What a code stands for: a label for people, and what to tell a model that earns it."""

    code: str
    label: str
    advice: str = ""


FINDING_CODES: dict[str, FindingCode] = {}


def register_code(code: str, label: str, advice: str = "") -> str:
    """Make a finding's code known to the review's filter and to proposals; returns the code."""
    FINDING_CODES[code] = FindingCode(code, label, advice)
    return code


WRONG_LANGUAGE = register_code(
    "wrong_language",
    "Wrong language",
    "Answer in the language that is asked for, without a sentence in any other.",
)
TOO_SHORT = register_code("too_short", "Too short", "Keep every fact of the text; don't summarise.")
TOO_LONG = register_code(
    "too_long", "Too long", "Add nothing: keep to about the length of the text."
)
TEMPLATE_REMAINS = register_code(
    "template_remains",
    "Template remains",
    "Leave no placeholder, bracket or template mark in the answer.",
)
UNKNOWN_NUMBERS = register_code(
    "unknown_numbers",
    "Unknown numbers",
    "State no number, age, weight or date that isn't in the text.",
)
UNKNOWN_ADDRESSES = register_code(
    "unknown_addresses",
    "Unknown addresses",
    "Give no e-mail or web address that isn't in the text.",
)
UNKNOWN_NAMES = register_code(
    "unknown_names",
    "Unknown names",
    "Use no name of a person, place or breed that isn't in the text.",
)
ANSWER_CUT = register_code("answer_cut", "Cut at the token limit", "Answer in fewer words.")
ANSWER_EMPTY = register_code("answer_empty", "Empty answer", "Always answer with text.")
LOW_CONFIDENCE = register_code(
    "low_confidence", "Not sure enough", "Name only what the text states plainly."
)
NOT_IN_SOURCE = register_code(
    "not_in_source", "Not in the text", "Copy each one letter by letter from the text."
)


@dataclass(frozen=True, slots=True)
class Checked:
    """An answer beside what it was made from. `language` blank: the source's own."""

    texts: tuple[str, ...]  # every text in the value
    source: str
    language: str = ""

    @property
    def text(self) -> str:
        """All its texts in one."""
        return self.texts[0] if len(self.texts) == 1 else "\n".join(self.texts)


Gate = Callable[[Checked], GateFinding | None]


def texts_in(value: Any) -> Iterator[str]:
    """The texts in a JSON value, however deep."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for each in value.values():
            yield from texts_in(each)
    elif isinstance(value, list):
        for each in value:
            yield from texts_in(each)


def language(checked: Checked) -> GateFinding | None:
    """The wanted language, else the source's; silent where it can't be told (languages.py)."""
    found = guess(checked.text)
    if not found:
        return None
    if not checked.language:
        wanted = guess(checked.source)
    elif is_known(checked.language):
        wanted = checked.language
    else:  # of an unlisted language we only notice that nothing was translated
        wanted = "" if guess(checked.source) != found else checked.language
    if not differs(found, wanted):
        return None
    text = f"The answer seems to be in {found}, not in {wanted}."
    return GateFinding(WRONG_LANGUAGE, text, {"found": found, "wanted": wanted})


def length(least: float, most: float, *, from_characters: int = 80) -> Gate:
    """A gate for the answer's length over its source's; short sources vary too much to judge."""

    def check(checked: Checked) -> GateFinding | None:
        before, after = len(checked.source), len(checked.text)
        if before < from_characters or least * before <= after <= most * before:
            return None
        word, code = ("short", TOO_SHORT) if after < before else ("long", TOO_LONG)
        text = f"The answer is too {word}: {after} characters from {before}."
        return GateFinding(code, text, {"characters": after, "source_characters": before})

    return check


_REMAINS = re.compile(
    r"\{\{|\}\}|\{%|HUNDENAME|<\/?(?:listing|text)>|\[(?:name|dog'?s name|insert [^\]]{0,40})\]",
    re.IGNORECASE,
)


def template_remains(checked: Checked) -> GateFinding | None:
    """Placeholders that nobody filled, also when the source has them already."""
    text = checked.text
    if not ("{" in text or "}" in text or "[" in text or "<" in text or "NAME" in text):
        return None
    found = _REMAINS.search(text)
    if not found:
        return None
    text = f"It holds a template's remains: {found[0]}."
    return GateFinding(TEMPLATE_REMAINS, text, {"found": [found[0]]})


# A number stands alone or before a unit; digits inside of codes are none. `id:123` is a code too.
_NUMBER = re.compile(
    r"(?<![^\W_])(?<![a-z]:)\d+(?:[.,\u00a0\u202f]\d+)*"
    r"(?=(?:st|nd|rd|th|yrs?|lbs?|kgs?|wks?|mos?|am|pm|cm|in|ft|km|h)?(?![^\W_]))"
)
_LONG_NUMBER = re.compile(r"\+?\d(?:[\s()./-]{0,3}\d){8,}")  # a telephone's
_DIGITS = re.compile(r"\d+")
_THOUSANDS = re.compile(r"(?<=\d)[.,\u00a0\u202f](?=\d{3}(?!\d))")
_WORDS_FOR_NUMBERS = {
    word: str(number)
    for words in (
        "one two three four five six seven eight nine ten eleven twelve",
        "eins zwei drei vier fünf sechs sieben acht neun zehn elf zwölf",
        "uno dos tres cuatro cinco seis siete ocho nueve diez once doce",
        "une deux trois quatre cinq six sept huit neuf dix onze douze",
    )
    for number, word in enumerate(words.split(), start=1)
} | {"ein": "1", "eine": "1", "un": "1", "una": "1", "twice": "2", "both": "2"}
_AFTERNOON = re.compile(r"(\d{1,2})(?::\d\d)?\s?p\.?m", re.IGNORECASE)


def numbers(checked: Checked) -> GateFinding | None:
    """Numbers that the source doesn't have, in digits, in words or as hours."""
    answer = checked.text
    digits = set(_DIGITS.findall(answer))
    if not digits or digits <= set(_DIGITS.findall(checked.source)):
        return None
    stated = _NUMBER.findall(answer)
    known = _plain_numbers(checked.source)
    unknown = [each for each in stated if not _is_known(each, known)]
    if unknown:
        known |= _spelled_numbers(checked.source)
        unknown = [each for each in unknown if not _is_known(each, known)]
    unknown += [
        each.strip()
        for each in _LONG_NUMBER.findall(answer)
        if not set(map(_short, _DIGITS.findall(each))) <= known and each.strip() not in unknown
    ]
    return _unknown(UNKNOWN_NUMBERS, "Numbers", unknown)


def _plain_numbers(source: str) -> set[str]:
    found = {_short(each) for each in _DIGITS.findall(source)}
    if "," in source or "." in source:
        found |= {_short(each) for each in _DIGITS.findall(_THOUSANDS.sub("", source))}
    return found


def _spelled_numbers(source: str) -> set[str]:
    lowered = source.lower()
    words = set(re.findall(r"[^\W\d_]+", lowered))
    found = {number for word, number in _WORDS_FOR_NUMBERS.items() if word in words}
    return found | {str(int(hour) + 12) for hour in _AFTERNOON.findall(lowered)}


def _is_known(stated: str, known: set[str]) -> bool:
    parts = [_short(each) for each in _DIGITS.findall(stated)]
    if all(part in known for part in parts):
        return True
    return len(parts) > 1 and _short("".join(_DIGITS.findall(stated))) in known


def _short(digits: str) -> str:
    """Without leading zeros, in the digits 0 to 9 whatever the script."""
    return digits.lstrip("0") or "0" if digits.isascii() else str(int(digits))


_ADDRESS = re.compile(
    r"[\w.+-]+@[\w-]+\.[\w.-]+"  # e-mail
    r"|(?:https?://|www\.)[^\s<>\"')\]]+"
    r"|(?<![\w.@])[a-z0-9-]+\.(?:com|org|net|de|uk|info|io|us|ca|eu|fr|es|it)(?![\w-])",
    re.IGNORECASE,
)


def addresses(checked: Checked) -> GateFinding | None:
    """E-mail and web addresses that the source doesn't have."""
    found = [
        each.rstrip(".,;:!?/")
        for word in checked.text.split()
        if "@" in word or "." in word[1:-1]  # most words are passed over without a search
        for each in _ADDRESS.findall(word)
    ]
    if not found:
        return None
    source = checked.source.lower()
    unknown = [each for each in found if each.lower() not in source]
    return _unknown(UNKNOWN_ADDRESSES, "Addresses", unknown)


# A capital in the middle of a sentence; letters beyond Latin have no capitals that say so much.
_CAPITALISED = re.compile(
    r"(?<=[a-zß-öø-ÿ0-9,] )[A-ZÀ-ÖØ-Þ][a-zß-öø-ÿ]{2,}(?:[-'][A-ZÀ-ÖØ-Þ]?[a-zß-öø-ÿ]+)*"
)
_NO_NAMES = frozenset(
    {
        "monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday", "january",
        "february", "march", "april", "may", "june", "july", "august", "september", "october",
        "november", "december", "christmas", "easter", "halloween", "thanksgiving", "english",
        "american", "please", "facebook", "instagram", "internet",
    }
)  # fmt: skip
_NOUNS_HAVE_CAPITALS = frozenset({"de", "lb"})
_WORD = re.compile(r"[^\W\d_]+")
_TITLE_SHARE = 0.6
ALIKE = 0.75


def names(checked: Checked) -> GateFinding | None:
    """Capitalised words that the source has in no spelling; for an answer in its own language.

    Silent in German, whose nouns all have capitals, and for headings with Every Word Like This.
    A corrected spelling of a word of the source is no new name.
    """
    source = checked.source.lower()
    unknown = [
        word
        for text in checked.texts
        for word in _CAPITALISED.findall(text)
        if word.lower().removesuffix("'s") not in source and word.lower() not in _NO_NAMES
    ]
    if not unknown or guess(checked.text) in _NOUNS_HAVE_CAPITALS:
        return None
    headings = {word for text in checked.texts if _is_heading(text) for word in _WORD.findall(text)}
    words = set(_WORD.findall(source))
    unknown = [
        word for word in unknown if word not in headings and not _respelled(word.lower(), words)
    ]
    return _unknown(UNKNOWN_NAMES, "Names", unknown)


def _is_heading(text: str) -> bool:
    words = [word for word in _WORD.findall(text) if len(word) > 3]
    return bool(sum(word[0].isupper() for word in words) >= _TITLE_SHARE * len(words))


def _respelled(word: str, words: set[str]) -> bool:
    return any(
        SequenceMatcher(None, word, each).ratio() >= ALIKE
        for each in words
        if each[0] == word[0] and abs(len(each) - len(word)) <= 3
    )


def _unknown(code: str, what: str, found: list[str]) -> GateFinding | None:
    if not found:
        return None
    named = ", ".join(dict.fromkeys(found[:SHOWN]))
    more = f" and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
    text = f"{what} that the source doesn't have: {named}{more}."
    return GateFinding(code, text, {"found": list(dict.fromkeys(found))[:SHOWN]})
