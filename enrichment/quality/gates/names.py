"""Names from nowhere, and the name that must stay."""

from itertools import islice

from django.utils.translation import gettext_lazy as _

from enrichment.quality.findings import GateFinding, register_code
from enrichment.quality.gates.comparison import Passage
from enrichment.quality.gates.contract import (
    MAX_EXAMPLES,
    Checked,
    Gate,
    found_in_answer,
    of_changes,
)
from enrichment.quality.gates.parted import letters
from enrichment.quality.patterns import compiled_later

UNKNOWN_NAMES = register_code(
    "unknown_names",
    _("Unknown names"),
    "Use no name of a person, place or breed that isn't in the text.",
)

# A capital in the middle of a sentence; letters beyond Latin have no capitals that say so much.
_CAPITALISED = compiled_later(
    r"[A-ZÀ-ÖØ-Þ](?<=[a-zß-öø-ÿ0-9,] .)[a-zß-öø-ÿ]{2,40}+"
    r"(?:[-'][A-ZÀ-ÖØ-Þ]?[a-zß-öø-ÿ]{1,40}+){0,4}"
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
_TITLE_SHARE = 0.6
_MAX_HEADING = 200  # characters of a line that may be one


@of_changes
def unknown_names(checked: Checked) -> GateFinding | None:
    """Capitalised words that the source has in no spelling; for an answer in its own language.

    Silent in German, whose nouns all have capitals, and for headings with Every Word Like This.
    A corrected spelling of a word of the source is no new name, nor what one of the table's
    abbreviations stands for.
    """
    added = checked.changes.added_text
    source = checked.source_lower
    unknown = [
        word
        for word in dict.fromkeys(_CAPITALISED.findall(added))
        if word.lower().removesuffix("'s") not in source
        and _NO_NAMES.isdisjoint({word.lower(), word.lower().removesuffix("s")})
    ]
    if not unknown or checked.text_language in _NOUNS_HAVE_CAPITALS:
        return None
    headings = {
        word
        for line in added.split("\n")
        if len(line) <= _MAX_HEADING and _is_heading(line)
        for word in letters(line)
    }
    known = checked.source_words
    found = (
        word
        for word in unknown
        if word not in headings
        and word.lower() not in checked.spelled_out
        and not known.has(word.lower().removesuffix("'s"))
    )
    return found_in_answer(
        UNKNOWN_NAMES, "Names that the source doesn't have", list(islice(found, MAX_EXAMPLES + 1))
    )


def _is_heading(text: str) -> bool:
    words = [word for word in letters(text) if len(word) > 3]
    return bool(sum(word[0].isupper() for word in words) >= _TITLE_SHARE * len(words))


CHANGED_NAME = register_code(
    "changed_name",
    _("The name is missing"),
    "Keep the name letter by letter; don't translate it.",
    of_answer=True,
)
_OTHER_SCRIPTS = frozenset(
    {"ar", "bg", "el", "fa", "he", "hi", "ja", "ko", "ru", "sr", "th", "uk", "zh"}
)
_MIN_NAME = 3  # letters
# What languages put behind a name, or in place of its last vowel.
_ENDINGS = frozenset(
    " s es en n a u em om owi ie y i ę ą o ów ami ach ka e ju iem ze zie".split(" ")
)
_VOWELS = frozenset("aeiouy")


def name_kept(column: str) -> Gate:
    """A gate for translations: a name that the column has and the source uses stays as it is.

    Silent in languages of other scripts. An inflected form is the same name.
    """

    def check(checked: Checked) -> GateFinding | None:
        if checked.language.partition("-")[0] in _OTHER_SCRIPTS:
            return None
        used = [
            word
            for word in letters(str(checked.columns.get(column) or "").lower())
            if len(word) >= _MIN_NAME and f"{word}" in checked.source_words.words
        ]
        if not used:
            return None
        words = Passage(checked.text).words
        if any(_is_same_name(name, word) for name in used for word in words):
            return None
        name = str(checked.columns[column])
        return GateFinding(CHANGED_NAME, f"The answer doesn't name {name}.", {"name": name[:100]})

    return check


def _is_same_name(name: str, word: str) -> bool:
    """Whether a word is a name in some inflection: “Maxa” is Max, “Maximus” isn't."""
    word = word.partition("'")[0]
    if word.startswith(name):
        return word[len(name) :] in _ENDINGS
    root = name[:-1]
    return name[-1] in _VOWELS and word.startswith(root) and word[len(root) :] in _ENDINGS
