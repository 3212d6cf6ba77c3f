"""By sentence: what a rewritten text may not do: invent, lose a condition, flip a negation.

For answers in the source's own language. Only changed sentences are looked at; the small words are
English's (`lexicon.words`), so in other languages these gates find less.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from functools import lru_cache
from itertools import islice, pairwise

from django.utils.translation import gettext_lazy as _

from enrichment.quality.findings import GateFinding, register_code
from enrichment.quality.gates.comparison import (
    Passage,
    Sentence,
    is_content,
    stem,
    words,
)
from enrichment.quality.gates.contract import (
    MAX_EXAMPLES,
    Checked,
    found_in_answer,
    of_changes,
)
from enrichment.quality.lexicon.editing import ADDED
from enrichment.quality.lexicon.quantities import NUMBER_WORDS, UNIT_OF
from enrichment.quality.lexicon.words import (
    BEINGS,
    CLAUSE_WORDS,
    DEMANDS,
    FILLERS,
    NEGATIVE,
    NEGATORS,
    POSITIVE,
)
from enrichment.quality.patterns import compiled_later

INVENTED = register_code(
    "invented", _("Invented"), "Write nothing that the text doesn't say; add no sentence."
)
NEGATION_CHANGED = register_code(
    "negation_changed",
    _("A denial changed"),
    "What the text denies stays denied, and nothing else is.",
)
MISSING_CONDITION = register_code(
    "missing_condition",
    _("A condition or warning is missing"),
    "Keep every condition, warning and request of the text.",
)

MIN_INVENTED_SHARE = 0.34  # of a sentence's words of content that the source hasn't there
MIN_INVENTED = 2
MIN_SENTENCE = 3  # words, below which one new word is no sentence
MIN_INVENTED_RUN = 3  # new words of content, one after the other
KEPT_SHARE = 0.5  # of a condition's words of content
SCOPE = 6  # words that a negation reaches
MIN_SAME_WORDS = 3  # of a sentence that is the same but for its negation
_CLAUSE = compiled_later(r"[.;:!?\n()]+|,|\s[-–—]\s")  # noqa: RUF001
_NOUNS = frozenset("lack lacks lacked lacking absence inability failed fails".split())
_NEGATORS = _NOUNS.union(*NEGATORS.values()) - {"ne", "plus", "ni", "ej", "pas", "en"}
_ABLE = frozenset({"able", "unable"})  # “couldn't” and “was unable to” say the same
_ENGLISH = NEGATORS["en"]
_NEEDING = frozenset({"need", "needs", "must", "least"})  # “has to”, “or older”
_SUBJECTS = frozenset("he she it they we i you is has loves".split())


@of_changes
def invented(checked: Checked) -> GateFinding | None:
    """Sentences whose words the source doesn't have in the place that was rewritten.

    A word counts as new when no sentence that is gone has it, or when it comes more often now.
    """
    changes = checked.changes
    if not changes.added:
        return None
    before = changes.before
    found = _invented(changes.added, changes.gone, before)
    if found:  # what the row says besides isn't, nor what an abbreviation stands for
        besides = " ".join((checked.besides, *checked.spelled_out))
        before = checked.written_out(Passage(f"{before.text}\n{besides}"))
        found = _invented(changes.added, changes.gone, before)
    return found_in_answer(INVENTED, "Not in the source", found)


def _invented(added: Iterable[Sentence], gone: Iterable[Sentence], before: Passage) -> list[str]:
    left = Counter(stem(word) for each in gone for word in each.words)
    found = []
    for sentence in added:
        content = [
            word
            for word in sentence.content()
            if not _is_small(word)
            and word not in ADDED
            and word not in _ENGLISH
            and word not in _NEEDING
            and not word.endswith("n't")
            and not (word in _REACHED_BY and _reaches(sentence.text))
        ]
        new = longest = run = 0
        for word in content:
            root = stem(word)
            if root in left:
                known = left[root] > 0
                left[root] -= 1
            else:
                known = before.has(word) or before.has_alike(word)
            run = 0 if known else run + 1
            new += not known
            longest = max(longest, run)
        few = sum(map(str.isalpha, sentence.words)) < MIN_SENTENCE
        if not (few and new < MIN_INVENTED) and _is_invented(len(content), new, longest):
            found.append(sentence.text)
            if len(found) > MAX_EXAMPLES:
                break  # a finding names no more
    return found


# Labels that set out how somebody is reached: “Website: www.example.org”.
_REACHED_BY = frozenset(
    "phone telephone tel fax email mail website web site address online mobile cell".split()
)
_REACHED = compiled_later(r"[:.]\s*(?:\(?\d|www\.|https?:|\S+@)|\d{3}")


def _reaches(text: str) -> bool:
    """Whether a number or an address stands behind a label of a sentence."""
    return ":" in text and _REACHED.search(text) is not None


def _is_invented(content: int, new: int, longest: int) -> bool:
    """By the words of content, those of them that are new, and the longest run of new ones."""
    if not new:
        return False
    if new < MIN_INVENTED:
        return new == content
    return new >= MIN_INVENTED_SHARE * content or longest >= MIN_INVENTED_RUN


def _is_small(word: str) -> bool:
    """Numbers and units have gates of their own."""
    return word in NUMBER_WORDS or word in UNIT_OF


@of_changes
def negation_changed(checked: Checked) -> GateFinding | None:
    """Words that the source denies and the answer doesn't, or the other way round."""
    changes = checked.changes
    if not changes.gone or not changes.added:
        return None
    if not any(map(_denies, changes.gone)) and not any(map(_denies, changes.added)):
        return None
    denied, stated = _polarity(changes.gone)
    denied_now, stated_now = _polarity(changes.added)
    lost = (denied & stated_now) - denied_now - stated
    new = (denied_now & stated) - denied - stated_now
    without = dict(map(_without_negators, changes.gone))
    flipped = lost | new
    if flipped and (
        _told(changes.gone) == _told(changes.added)  # only marks differ, with which clauses end
        or _denies_the_same(changes.gone, changes.added, flipped)
    ):
        return None
    shown = [
        sentence.text
        for sentence in changes.added
        if not flipped.isdisjoint(map(stem, sentence.words))
        or _differs_in_negation(sentence, without)
    ]
    what = "No longer denied, or denied now"
    return found_in_answer(NEGATION_CHANGED, what, shown)


def _told(sentences: Iterable[Sentence]) -> list[str]:
    """Their words of content in order, what denies among them, and marks that stand beside it."""
    told: list[str] = []
    marked = False
    for sentence in sentences:
        for part in _MARKED.findall(sentence.text.lower().replace("’", "'")):  # noqa: RUF001
            if part in _MARKS:
                if told and told[-1] == "not":
                    told.append("|")
                marked = True
                continue
            if part in _NEGATORS or part.endswith("n't"):
                told += ["|", "not"] if marked and told else ["not"]
            elif is_content(part) and stem(part) not in told[-1:]:
                told.append(stem(part))
            marked = False
        marked = True
    return told


def _denies_the_same(
    gone: Iterable[Sentence], added: Iterable[Sentence], flipped: AbstractSet[str]
) -> bool:
    """Whether as many words deny as before, each with one of the words behind it as before.

    Then a denial only reaches further or less far than before, as far as one can tell: in another
    order or voice, or where a comma or an “and” came or went. But no being and no word that judges
    may come to stand there.
    """
    before, after = _denied_heads(gone), _denied_heads(added)
    if len(before) != len(after):
        return False
    new = frozenset().union(*after) - frozenset().union(*before)
    if not flipped.isdisjoint(new & _judging()):
        return False
    for head in after:
        same = next((each for each in before if each & head), None)
        if same is None:
            return False
        before.remove(same)
    return True


@lru_cache(maxsize=1)
def _judging() -> frozenset[str]:
    return frozenset(map(stem, BEINGS | POSITIVE | NEGATIVE))


def _denied_heads(sentences: Iterable[Sentence]) -> list[frozenset[str]]:
    """The stems of the first words behind each word that denies, but for the smallest."""
    found = []
    for sentence in sentences:
        for at, word in enumerate(sentence.words):
            if word in _NEGATORS or word.endswith("n't"):
                behind = sentence.words[at + 1 : at + 1 + SCOPE]
                heads = [stem(each) for each in behind if len(each) > 2 and each not in FILLERS]
                found.append(frozenset(heads[:MAX_HEADS]))
    return found


MAX_HEADS = 2  # words behind a denial, by which it is known again
_MARKS = frozenset(".;:!?()-–—,")  # noqa: RUF001
_MARKED = compiled_later(r"[^\W_]+(?:'[^\W_]+)*|[.;:!?()–—,-]")  # noqa: RUF001
_WHEN = compiled_later(
    r"\bat (?:this|the) (?:point|time|moment|present)(?: in time)?\b|\bso far\b"
    r"|\b(?:at )?no (?:extra |additional )?(?:cost|charge|fee)\b"
    r"|\b[Dd]o(?:n['’]t| not) hesitate to\b"  # noqa: RUF001
)
_DOING = frozenset({"do", "does", "did"})
_BASES = {"ca": "can", "wo": "will", "cannot": "can"}


def _without_negators(sentence: Sentence) -> tuple[tuple[str, ...], int]:
    """The stems of its words but for those that deny, and how many these are."""
    kept, negators = [], 0
    for before, word in pairwise(("", *sentence.words)):
        if word == before:  # “is not not”
            continue
        if word.endswith("n't"):
            negators += 1
            if word[:-3] not in _DOING:  # “he doesn't like”, “he likes”
                kept.append(stem(_BASES.get(word[:-3], word[:-3])))
        elif word in _BASES:
            negators += 1
            kept.append(_BASES[word])
        elif word in _NEGATORS:
            negators += 1
        elif word not in _DOING:
            kept.append(stem(word))
    if negators > 1 and sentence.words[-1] == "none":  # “don't slow him down none”
        negators -= 1
    return tuple(kept), negators


def _differs_in_negation(sentence: Sentence, without: Mapping[tuple[str, ...], int]) -> bool:
    """Whether the source has the same sentence, denied in another number of places."""
    kept, negators = _without_negators(sentence)
    return len(kept) >= MIN_SAME_WORDS and without.get(kept, negators) != negators


def _denies(sentence: Sentence) -> bool:
    """Whether a word of it denies something."""
    return not _NEGATORS.isdisjoint(sentence.words) or "n't" in " ".join(sentence.words)


def _polarity(sentences: Iterable[Sentence]) -> tuple[set[str], set[str]]:
    """The stems of words of content that are denied, and of those that are stated."""
    denied: set[str] = set()
    stated: set[str] = set()
    for sentence in sentences:
        if not _denies(sentence):
            stated.update(map(stem, sentence.content()))
            continue
        for clause in _CLAUSE.split(sentence.text):
            reach, limited = 0, False
            its = words(_WHEN.sub(" ", clause))
            for word, following in zip(its, (*its[1:], ""), strict=False):
                if word in _NEGATORS or word.endswith("n't"):
                    reach, limited = SCOPE, True
                    continue
                if word in FILLERS or (word == "yet" and reach == SCOPE):
                    continue
                if word in CLAUSE_WORDS or (word == "and" and following in _SUBJECTS):
                    reach, limited = 0, False
                elif reach and len(word) > 2:
                    denied.add(stem(word))
                elif not limited and is_content(word):  # behind the reach, nobody can tell
                    stated.add(stem(word))
                reach = max(0, reach - 1)
    return denied, stated


@of_changes
def opposite_said(checked: Checked) -> GateFinding | None:
    """A word of liking that gave way to one of disliking, or good to bad, or the other way."""
    changes = checked.changes
    if not changes.gone or not changes.added:
        return None
    before = [word for each in changes.gone for word in each.words]
    after = [word for each in changes.added for word in each.words]
    if (NEGATIVE.isdisjoint(after) or POSITIVE.isdisjoint(before)) and (
        POSITIVE.isdisjoint(after) or NEGATIVE.isdisjoint(before)
    ):
        return None
    had, has = Counter(before), Counter(after)
    new, gone = (has - had).keys(), (had - has).keys()
    for now, then in ((NEGATIVE - _ABLE, POSITIVE - _ABLE), (POSITIVE - _ABLE, NEGATIVE - _ABLE)):
        if not now.isdisjoint(new) and not then.isdisjoint(gone):
            shown = [each.text for each in changes.added if not now.isdisjoint(new & {*each.words})]
            return found_in_answer(NEGATION_CHANGED, "The source says the opposite", shown)
    return None


@of_changes
def conditions_kept(checked: Checked) -> GateFinding | None:
    """Sentences with a denial or a demand whose words the answer doesn't have any more."""
    changes = checked.changes
    if not changes.gone:
        return None
    lost = [each for each in changes.gone if _is_lost(each, changes.after)]
    if lost:
        after = checked.written_out(changes.after)
        still = (each.text for each in lost if _is_lost(each, after))
        return found_in_answer(
            MISSING_CONDITION, "Missing from the source", list(islice(still, MAX_EXAMPLES + 1))
        )
    return None


def _is_lost(sentence: Sentence, after: Passage) -> bool:
    """Whether a condition isn't there any more, or most of what it denies isn't spoken of."""
    denies = _denies(sentence)
    if not denies and DEMANDS.isdisjoint(sentence.words):
        return False
    content = {
        word
        for word in sentence.content()
        if not _is_small(word)
        and word not in _ENGLISH
        and word not in _ABLE
        and not word.endswith("n't")
    }

    def is_kept(word: str) -> bool:
        return after.has(word) or after.has_alike(word)

    if sum(map(is_kept, content)) < KEPT_SHARE * len(content):
        return True
    if not denies:
        return False
    roots = _polarity([sentence])[0]
    denied = {each for each in content if stem(each) in roots}
    return sum(not is_kept(each) for each in denied) > KEPT_SHARE * len(denied)
