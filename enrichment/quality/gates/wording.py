"""By word: what a rewritten sentence may not exchange, put in or leave out.

For answers in the source's own language where that is English (`lexicon.editing`). Sentences that
were changed are held beside those that they came from. A word that limits or turns what is said is
held wherever it comes or goes; any other one only in the place of one that the answer hasn't in any
form: right edits put words in and leave words out, but seldom both. Linear in the texts' lengths.
"""

from collections import Counter
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from functools import cache
from itertools import islice

from django.utils.translation import gettext_lazy as _

from enrichment.quality.findings import GateFinding, register_code
from enrichment.quality.gates import (
    certainty,
    company,
    degrees,
    hedging,
    limiting,
    listed,
    narrowed,
    parties,
    put_in,
    sides,
    stages,
    states,
)
from enrichment.quality.gates.changes import Changes
from enrichment.quality.gates.compared_words import Wording
from enrichment.quality.gates.comparison import Passage, Sentence, is_content, stem, words
from enrichment.quality.gates.contract import (
    MAX_EXAMPLE_CHARACTERS,
    Checked,
    found_in_answer,
    of_changes,
)
from enrichment.quality.gates.counterparts import beside
from enrichment.quality.gates.known_words import Known
from enrichment.quality.gates.quantities import known_numbers, spelled_numbers
from enrichment.quality.gates.voice import only_helps
from enrichment.quality.gates.word_order import swapped
from enrichment.quality.lexicon.editing import (
    ADDED,
    DENYING,
    DROPPED,
    GRAVE,
    LIGHT,
    TURNS,
    WEIGHTY,
)
from enrichment.quality.lexicon.quantities import MONTHS, NUMBER_WORDS, UNIT_OF
from enrichment.quality.lexicon.words import (
    BEINGS,
    FEMALE,
    MALE,
    NEGATIVE,
    POSITIVE,
    STOPWORDS,
)
from enrichment.quality.patterns import compiled_later

_ADVICE = (
    "Correct words, but put none in the place of another, and leave none out that limits another."
)
CHANGED_WORDING = register_code("changed_wording", _("A word that turns what is said"), _ADVICE)
OTHER_WORDS = register_code("other_words", _("Another word in its place"), _ADVICE, releasable=True)
MAX_COMPARED = 40_000  # characters
ENGLISH = frozenset({"", "en"})
SEXES = frozenset({"male", "female"})


@of_changes
def wording_kept(checked: Checked) -> GateFinding | None:
    """Words that a changed sentence exchanged, put in or left out, and that change what it says.

    Where no more than ordinary words were exchanged, its code is one that a judge can release.
    """
    changes = checked.changes
    if not changes.gone or not changes.added or checked.source_language not in ENGLISH:
        return None
    if len(checked.text) > MAX_COMPARED:
        return found_in_answer(
            CHANGED_WORDING,
            "Too long to be compared by word",
            [f"over {MAX_COMPARED:,} characters"],
        )
    besides = Passage(checked.besides)
    found, code = [], OTHER_WORDS
    for gone, added in beside(changes.gone, changes.added):
        said, turns = _changed(gone, added, checked, besides)
        if said:
            code = CHANGED_WORDING if turns else code
            text = " ".join(each.text for each in added)
            shown = MAX_EXAMPLE_CHARACTERS - len(said) - len(" ()")  # the reason has to be seen
            text = text if len(text) <= shown else f"{text[: shown - 1]}…"
            found.append(f"{text} ({said})")
    return found_in_answer(code, "Another meaning than the source's", found)


def _changed(
    gone: Sequence[Sentence], added: Sequence[Sentence], checked: Checked, besides: Passage
) -> tuple[str, bool]:
    """What of some sentences was changed that may not be, in words, and whether that turns them.

    Blank for nothing.
    """
    answer = Passage(" . ".join(each.text for each in added))
    source = Passage(_parted(" . ".join(each.text for each in gone), answer))
    before, after = Wording.of(source.text), Wording.of(answer.text)
    if bool(before.denials) is not bool(after.denials):
        return "denied in only one of both", True
    lost, new = Counter[str](), Counter[str]()
    if not dict.__eq__(before.words, after.words):
        lost, new = before.words - after.words, after.words - before.words
    turned = (
        swapped(gone, added, new.keys() | lost.keys())
        or _turned(lost.keys(), new.keys(), source.text, answer.text, denied=bool(after.denials))
        or (
            limiting.limits_kept(before, after, source, answer, checked.changes.after)
            if lost or new
            else ""
        )
        or _counted(before, after, checked.changes)
        or stages.tenses(lost.keys(), new.keys(), f"{source.lower} {answer.lower}")
        or _new_codes(answer.text, source, checked, besides)
        or company.exchanged(before.words, after.words, lost, new)
        or company.unlimited(source, answer)
        or (new.keys() & SEXES and company.sex_from_nowhere(answer, checked.source_words))
        or company.left_out(source, answer, lost.keys(), checked)
        or narrowed.narrowed(source, answer, checked, before.words.keys())
        or parties.other_payer(source, answer)
        or parties.other_subject(source, answer, lost.keys())
        or parties.other_way(source, answer)
        or parties.other_place(source, answer)
        or parties.other_party(lost.keys(), new.keys())
        or stages.already(lost.keys(), new.keys(), answer)
        or stages.already(new.keys(), lost.keys(), source)
        or stages.unbound(source, answer)
        or stages.is_for_can_be(source, answer)
        or stages.compared_otherwise(source, answer)
        or sides.sides_exchanged(source, answer)
        or stages.short_is(source, answer, lost.keys(), new.keys())
        or states.state_from_nowhere(new.keys(), checked)
        or states.no_longer_lasting(source, answer, checked.changes.before, checked.changes.after)
        or stages.counts_moved(source, answer)
        or stages.softened(before.words, after.words, lost.keys())
        or put_in.said_otherwise(source, answer, lost.keys(), new.keys())
        or degrees.measured_otherwise(source, answer, lost.keys(), new.keys())
        or degrees.partly(source, answer, lost.keys(), new.keys())
        or degrees.other_span(source, answer)
        or certainty.sure_now(source, answer)
        or certainty.shaded(source, answer, lost.keys(), new.keys())
        or certainty.is_to_no_more(source, answer, new.keys())
        or certainty.told_no_more(source, answer)
        or certainty.about_no_more(source, answer)
        or certainty.price_for_all(source, answer)
        or certainty.other_age(source, answer)
        or certainty.bound_now(before.words, lost.keys(), new.keys())
        or certainty.done_otherwise(source, answer)
        or hedging.known_otherwise(source, answer, lost.keys(), new.keys())
        or certainty.result_lost(answer, lost.keys(), denied=bool(after.denials))
    )
    if turned:
        return turned, True
    condition = company.condition_changed(source, answer, lost.keys(), new.keys(), checked)
    word, other = _exchanged(lost, new, answer, source, checked, besides)
    if not word:
        if condition:
            return condition, True
        known = cache(lambda: Known.of(checked.written_out(answer), new.keys(), besides))
        return listed.item_lost(source, known, lost) or listed.size_lost(source, answer), True
    named = word.capitalize() in answer.text and word not in answer.text  # a place, or who it is
    return f"{word}, not {other}", named or bool(condition or {word, other} & _GRAVE)


def _exchanged(
    lost: Counter[str],
    new: Counter[str],
    answer: Passage,
    source: Passage,
    checked: Checked,
    besides: Passage,
) -> tuple[str, str]:
    """A word without counterpart in the source, and the one in whose place it stands; else blanks.

    In the same place are words with the same neighbour, before or behind; two that editors put in
    or leave out anyway (`ADDED`, `DROPPED`), or one of them, need both neighbours. What is only put
    in makes a sentence of keywords, and if it says much `invented` holds it; a mere cut is for the
    gates of warnings, negations and lengths.
    """
    came = [word for word in new if _counts(word) and word not in checked.spelled_out]
    gone = [word for word in lost if _counts(word)]
    if not came or not gone:
        return "", ""
    came = _without_counterpart(came, lost, source, checked, besides)
    gone = _without_counterpart(gone, new, answer, checked, besides) if came else []
    if not gone:
        return "", ""
    labels = _labels(source.text)
    before = _beside(source.text, gone, lost)
    after = _beside(answer.text, came, new)
    for word in came:
        for other in gone:
            shared = before[other] & after[word]
            free = (word in _FREE) + (other in _FREE or other in labels)
            if (
                len({side for side, _ in shared}) > free
                and word not in LIGHT
                and other not in LIGHT
            ):
                return word, other
    return "", ""


_FREE = ADDED | DROPPED
_GRAVE = GRAVE | BEINGS | POSITIVE | NEGATIVE


def _beside(
    text: str, found: Sequence[str], only_here: Counter[str]
) -> dict[str, set[tuple[int, str]]]:
    """The next words before and behind those found in a text that the other side has too."""
    places: dict[str, set[tuple[int, str]]] = {each: set() for each in found}
    told = words(text)
    for side, row in ((-1, told), (1, told[::-1])):
        last = ""
        for word in row:
            if word in places:
                places[word].add((side, last))
            if word not in only_here:
                last = stem(word)
    return places


_GLUED = compiled_later(r"\b[A-Za-z][a-z]{2,}[A-Z][a-z]{2,}\b")
_SEAM = compiled_later(r"(?<=[a-z])(?=[A-Z])")


def _parted(text: str, other: Passage) -> str:
    """A text without words that were glued, as “terrierKiki”, where another has no such word."""
    return _GLUED.sub(
        lambda found: found[0] if found[0].lower() in other.words else _SEAM.sub(" ", found[0]),
        text,
    )


_LABEL = compiled_later(r"(?:^|[.!?,;-] )((?:[A-Za-z]+ ){0,2}[A-Za-z]+):")


def _labels(text: str) -> frozenset[str]:
    """Words of labels, which a sentence has no need of: “Intake Type: stray”."""
    return frozenset(each for found in _LABEL.findall(text) for each in found.lower().split())


_CODE = compiled_later(r"\b[A-Z]{2}\b")
_NO_CODES = frozenset({"AM", "PM", "OK"}) | {each.upper() for each in UNIT_OF if len(each) == 2}


def _new_codes(text: str, source: Passage, checked: Checked, besides: Passage) -> str:
    """Two capitals, as a state's, that the source has neither so nor written out."""
    new = [
        each
        for each in _CODE.findall(text)
        if each not in _NO_CODES
        and (word := each.lower()) not in STOPWORDS
        and word not in source.words
        and word not in besides.words
    ]
    if new:
        known = checked.written_out(source).words
        new = [each for each in new if each.lower() not in known]
    return f"new: {new[0]}" if new else ""


def _without_counterpart(
    found: Sequence[str],
    others: Counter[str],
    passage: Passage,
    checked: Checked,
    besides: Passage,
) -> list[str]:
    """The first words of one side that the other side, a passage, has in no form."""
    if len(found) <= MAX_LOOKED_UP:
        known = Known.of(checked.written_out(passage), others.keys(), besides)
        found = list(islice((word for word in found if not known.has(word)), SHOWN))
    return list(found[:SHOWN])


# Of one sentence; with more it was written anew. A word is looked up in the whole passage.
MAX_LOOKED_UP = 100
SHOWN = 3  # words that a finding names of a sentence


def _counts(word: str) -> bool:
    """Whether a word says something of its own; of numbers, units and he or she others judge."""
    return (
        is_content(word)
        and "_" not in word
        and word not in NUMBER_WORDS
        and word not in UNIT_OF
        and word not in MONTHS
        and word not in WEIGHTY
        and word not in MALE
        and word not in FEMALE
        and word not in DENYING
    )


def _turned(
    lost: AbstractSet[str], new: AbstractSet[str], source: str, answer: str, *, denied: bool
) -> str:
    """Whether one word took the place of another one of its kind.

    Where something is denied, “and” and “or” say the same; nor does a tense change where a verb is
    only said in another voice.
    """
    gone = {key: word for word in sorted(lost & TURNS.keys()) for key in TURNS[word]}
    came = {key: word for word in sorted(new & TURNS.keys()) for key in TURNS[word]}
    for kind, option in sorted(came.keys() - gone.keys()):
        if denied and kind == "choice":
            continue
        others = [word for key, word in gone.items() if key[0] == kind and key not in came]
        now = came[kind, option]
        if kind == "tense" and (
            only_helps(now, answer, source)
            or any(only_helps(each, source, answer) for each in others)
        ):
            continue
        if others:
            return f"{came[kind, option]}, not {others[0]}".replace("_", " ")
    return ""


def _counted(before: Wording, after: Wording, changes: Changes) -> str:
    """Numbers in words that nothing on the other side has in any form."""
    if before.counts == after.counts:
        return ""
    for what, counts, others, text in (
        ("new", after.counts, before.counts, changes.before.text),
        ("missing", before.counts, after.counts, changes.after.text),
    ):
        if other := counts - others:
            other -= known_numbers(text) | spelled_numbers(text)
            if other:
                return f"{what}: {min(other)}"
    return ""
