"""He and she: of a rewritten text, and of a translation."""

from collections.abc import Iterable
from collections.abc import Set as AbstractSet

from django.utils.translation import gettext_lazy as _

from enrichment.quality.findings import GateFinding, register_code
from enrichment.quality.gates.comparison import Sentence, words
from enrichment.quality.gates.contract import Checked, found_in_answer, of_changes
from enrichment.quality.lexicon.words import FEMALE, MALE, SEXES

CHANGED_SEX = register_code(
    "changed_sex",
    _("He and she"),
    "Keep he and she, boy and girl as the text has them.",
    of_answer=True,
)


@of_changes
def sex_kept(checked: Checked) -> GateFinding | None:
    """He that became she, or she that became he."""
    changes = checked.changes
    if not changes.gone or not changes.added:
        return None
    before, after = _sexes(changes.gone), _sexes(changes.added)
    male, female = after[0] - before[0], after[1] - before[1]
    if not ((male > 0 and female < 0) or (male < 0 and female > 0)):
        return None
    now, which = ("she", FEMALE) if female > 0 else ("he", MALE)
    shown = [each.text for each in changes.added if not which.isdisjoint(each.words)]
    return found_in_answer(CHANGED_SEX, f"The source doesn't say {now} here", shown)


def _sexes(sentences: Iterable[Sentence]) -> tuple[int, int]:
    male = female = 0
    for sentence in sentences:
        if not MALE.isdisjoint(sentence.words):
            male += sum(map(MALE.__contains__, sentence.words))
        if not FEMALE.isdisjoint(sentence.words):
            female += sum(map(FEMALE.__contains__, sentence.words))
    return male, female


MIN_OF_ONE_SEX = 2  # words that make a text one of him or of her


def sex_translated(checked: Checked) -> GateFinding | None:
    """In a translation: he alone in the source, and she alone in the answer, or the other way.

    Of the languages in `lexicon.words.SEXES`.
    """
    source = SEXES.get(checked.source_language or "en")
    answer = SEXES.get(checked.language.partition("-")[0])
    if source is None or answer is None or source is answer:
        return None
    before = _of_sexes(checked.source_words.words, checked.source, source)
    after = _of_sexes(frozenset(words(checked.text)), checked.text, answer)
    if before and after and before != after:
        found = f"The source speaks of a {before} one, the answer of a {after} one."
        return GateFinding(CHANGED_SEX, found, {"source": before, "answer": after})
    return None


def _of_sexes(
    known: AbstractSet[str], text: str, sexes: tuple[frozenset[str], frozenset[str]]
) -> str:
    """“male” or “female” where only words of one sex are there, and more than one; else blank."""
    male, female = sexes
    has_male, has_female = not male.isdisjoint(known), not female.isdisjoint(known)
    if has_male == has_female:
        return ""
    own = male if has_male else female
    if sum(word in own for word in words(text)) < MIN_OF_ONE_SEX:
        return ""
    return "male" if has_male else "female"
