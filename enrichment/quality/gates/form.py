"""Holds an answer by its form: language, length, template marks, announcement, cut end."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

import re2
from django.utils.translation import gettext_lazy as _

from enrichment.language_tags import language_name
from enrichment.quality.findings import GateFinding, register_code
from enrichment.quality.gates.contract import (
    Checked,
    Gate,
    examples,
    found_in_answer,
    of_changes,
)
from enrichment.quality.languages import differs, is_known
from enrichment.quality.lexicon.announcements import CONSENT, ITSELF, PRESENTING, REMARK
from enrichment.quality.patterns import compiled_later, re2_compiled_later

WRONG_LANGUAGE = register_code(
    "wrong_language",
    _("Wrong language"),
    "Answer in the language that is asked for, without a sentence in any other.",
    of_answer=True,
)
TOO_SHORT = register_code(
    "too_short", _("Too short"), "Keep every fact of the text; don't summarise."
)
TOO_LONG = register_code(
    "too_long", _("Too long"), "Add nothing: keep to about the length of the text."
)
TEMPLATE_REMAINS = register_code(
    "template_remains",
    _("Template remains"),
    "Leave no placeholder, bracket or template mark in the answer.",
)
ANNOUNCEMENT = register_code(
    "announcement",
    _("Announces itself"),
    "Answer with the text alone: no sentence about it before or after.",
    of_answer=True,
)
ANSWER_CUT = register_code("answer_cut", _("Cut off"), "Answer in fewer words.")
ANSWER_UNFINISHED = register_code("answer_unfinished", _("Withheld, refused or not ended"))
ANSWER_EMPTY = register_code("answer_empty", _("Empty answer"), "Always answer with text.")

SAME_SHARE = 0.5  # of an answer that is new, below which its language is the source's


def language(checked: Checked) -> GateFinding | None:
    """The wanted language, else the source's; silent where it can't be told (languages.py)."""
    if not checked.language and len(checked.changes.added_text) < SAME_SHARE * len(checked.text):
        return None
    found = checked.text_language
    if not found:
        return None
    if not checked.language:
        wanted = checked.source_language
    elif is_known(checked.language):
        wanted = checked.language
    else:  # of an unlisted language we only notice that nothing was translated
        wanted = "" if checked.source_language != found else checked.language
    if not differs(found, wanted):
        return None
    text = f"The answer seems to be in {language_name(found)}, not in {language_name(wanted)}."
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


_REMAINS = (
    r"\{\{|\}\}|\{%|</?(?:listing|text|facts|question|row)>"
    r"|\[(?:(?:\w{1,20}'?s )?name|insert [^\]]{0,40})\]"
)


def remains_of(*words: str) -> Gate:
    """A gate for placeholders that nobody filled, also when the source has them already.

    `words` are placeholders of a project's own templates, as they are written there.
    """
    pattern = compiled_later("|".join((_REMAINS, *map(re.escape, words))), re.IGNORECASE)
    marks = ("{", "}", "[", "<", *words)  # each that is found begins with one

    def check(checked: Checked) -> GateFinding | None:
        text = checked.text
        for mark in marks:
            if mark in text:
                break
        else:  # as nearly always
            return None
        found = pattern.search(text, min(at for each in marks if (at := text.find(each)) >= 0))
        if not found:
            return None
        said = f"It holds a template's remains: {found[0]}."
        return GateFinding(TEMPLATE_REMAINS, said, {"found": [found[0]]})

    return check


template_remains = remains_of()


MAX_ANNOUNCEMENT = 240  # characters of a first or last line
TELLING_CHARACTERS = 40  # a beginning that the source has too announces nothing
_ANNOUNCED = compiled_later(
    r"\A\W{0,4}(?:"
    rf"(?:{CONSENT}|great)\b"
    r"(?=[!,.:])[^\n]{0,160}?(?:\b(?:here|below|hier|aquí|aqui|voici|ecco|oto|вот)\b|:\s*(?:\n|\Z))"
    rf"|(?:{PRESENTING})\s?[:!.\uff1a]\s*\n"
    rf"|(?:{PRESENTING}|this is|esta es)[^\n:]{{0,120}}?(?:{ITSELF})"
    rf"|(?:the |your |die |der |la |le |el |il |a |o |de )?[^\n:.!?]{{0,40}}?\b(?:{ITSELF})\b"
    r"[^\n:.!?]{0,60}:"
    r"|i(?:['\u2019]ve| have)? (?:corrected|translated|rewritten|edited|cleaned|written|made)\b"
    r"|as an ai\b|i(?:'m| am) (?:sorry|an ai)\b|i can(?:'t|not) (?:help|assist|translate)"
    r")",
    re.IGNORECASE,
)
_FAREWELL = compiled_later(
    rf"(?:{REMARK}|(?:i )?(?:have )?(?:corrected|kept|removed|made)"
    r" (?:the )?(?:spelling|grammar|following|changes))",
    re.IGNORECASE,
)


def _roughly(pattern: str) -> "re2._Regexp[str]":
    """A pattern that finds all that this one finds in ASCII, and more, in a tenth of the time."""
    pattern = pattern.replace("(?=[!,.:])", "").replace(r"\Z", r"\z")
    pattern = pattern.replace(r"\u2019", "\u2019").replace(r"\uff1a", "\uff1a")
    return re2_compiled_later(f"(?i){pattern}".replace(r"\s", r"[\s\x0b\x1c-\x1f]"))


_MAY_BE_ANNOUNCED, _MAY_BE_FAREWELL = _roughly(_ANNOUNCED.pattern), _roughly(_FAREWELL.pattern)


@of_changes
def announcement(checked: Checked) -> GateFinding | None:
    """A sentence about the answer before or after it, which the source doesn't have."""
    added = checked.changes.added_text
    if not added:
        return None
    found = []
    for text in checked.texts:
        start = text[:MAX_ANNOUNCEMENT].lstrip()
        if (
            start[:TELLING_CHARACTERS] not in checked.source
            and (not start.isascii() or _MAY_BE_ANNOUNCED.match(start))
            and (match := _ANNOUNCED.match(start))
            and match[0] not in checked.source
        ):
            found.append(start.split("\n")[0])
        elif heading := _heading_of_the_answer(start, checked):
            found.append(heading)
        end = text.rstrip()[-MAX_ANNOUNCEMENT:].rpartition("\n")[2]
        if (
            end not in checked.source
            and (not end.isascii() or _MAY_BE_FAREWELL.search(end))
            and (match := _FAREWELL.search(end))
            and match[0].lower() not in checked.source_lower
        ):
            found.append(end)
    return found_in_answer(ANNOUNCEMENT, "It speaks about itself", found)


_HEADING = compiled_later(r"[^\n]{2,80}(?::|\*\*|__)\s*\n|(?:\*\*|__|#{1,4} )[^\n]{2,80}\n")
_LETTERS = compiled_later(r"[^\W\d_]{3,}")


def _heading_of_the_answer(start: str, checked: Checked) -> str:
    """A first line that ends in a colon or is marked as a heading, of words that nobody wrote.

    In a translation, any such line where the source has none.
    """
    match = _HEADING.match(start)
    if match is None or match[0].strip() in checked.source:
        return ""
    known = checked.source_words
    words = _LETTERS.findall(match[0].lower())
    if checked.language:
        new = _HEADING.match(checked.source.lstrip()) is None
    else:
        new = sum(map(known.has, words)) < len(words) / 2
    return match[0].strip() if new else ""


_OPEN_SIGNS = frozenset(",;([-")
_OPEN_END = compiled_later(
    r"(?:[,;(\[-]|\b(?:and|or|the|an?|with|to|of|is|are|for|und|oder|mit|der|die|das|ein|y|con|el"
    r"|la|et|avec|le|e|il|en|een|met|de))\Z",
    re.IGNORECASE,
)


def complete(checked: Checked) -> GateFinding | None:
    """A text that ends in the middle of a sentence, where its source doesn't."""
    source = checked.source
    cut = [
        text[-40:]
        for text in checked.texts
        if (end := text[-40:].rstrip())
        and (end[-1] in _OPEN_SIGNS or end[-1].isalpha())
        and not source.endswith(end)
        and end not in source
        and _OPEN_END.search(end)
        and not _ends_alike(end, checked.original or checked.source)
    ]
    if not cut and not checked.is_unchanged and checked.changes.gone_text:
        cut = [
            end for text in checked.texts if (end := text.rstrip()[-40:]) and _goes_on(end, checked)
        ]
    return found_in_answer(ANSWER_CUT, "It stops in the middle", cut)


def _ends_alike(end: str, source: str) -> bool:
    """Whether the source is cut at the same letter, written with other marks and capitals."""
    its, other = ("".join(filter(str.isalpha, each.lower()))[-16:] for each in (end, source[-60:]))
    return its == other


_ENDED = frozenset(".!?…:;)*~\"'”’。！？\n")  # noqa: RUF001


def _goes_on(end: str, checked: Checked) -> bool:
    """Whether the source goes on in the same sentence where the answer ends, and isn't an excerpt.

    In texts of more than one sentence, whose end is a part of the last one.
    """
    source = checked.original or checked.source
    at = source.rfind(end) if len(end) >= 20 else -1
    if at < 0 or end[-1] in _ENDED:
        return False
    rest = source[at + len(end) :].lstrip(" ")
    return bool(rest) and rest[0] not in _ENDED


def within_limits(schema: Mapping[str, Any]) -> Gate:
    """A gate for texts that fill their schema's `maxLength` and end without a full stop.

    Providers that hold a model to a schema cut such a text in the middle of a word.
    """

    def check(checked: Checked) -> GateFinding | None:
        cut = [
            text
            for text, longest in _limited(checked.value, schema)
            if len(text) >= longest - 1 and text.rstrip()[-1:] not in _STOPS
        ]
        shown = examples(f"…{text[-60:]}" for text in cut)
        if not cut:
            return None
        text = f"Cut at its maximum length: {', '.join(shown)}."
        return GateFinding(ANSWER_CUT, text, {"found": shown})

    return check


_STOPS = frozenset(".!?…)\"'”’»。！？")  # noqa: RUF001


def _limited(value: Any, schema: Mapping[str, Any]) -> Iterator[tuple[str, int]]:
    """The texts of a value for which a schema has a longest length, with it."""
    if isinstance(value, str):
        if "maxLength" in schema and "enum" not in schema:
            yield value, schema["maxLength"]
    elif isinstance(value, dict):
        for name, each in value.items():
            yield from _limited(each, schema.get("properties", {}).get(name, {}))
    elif isinstance(value, list):
        for each in value:
            yield from _limited(each, schema.get("items", {}))
