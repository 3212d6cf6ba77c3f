"""By word: what a rewritten sentence may not exchange, put in or leave out.

For answers in the source's own language where that is English (`lexicon.editing`). Sentences that
were changed are held beside those that they came from; a word that neither stands there, nor is
another form of one, nor one that editors put in, is held. Linear in the texts' lengths.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from itertools import islice

from django.utils.translation import gettext_lazy as _

from enrichment.quality.gates.comparison import Passage, Sentence, is_content, stem, words
from enrichment.quality.gates.contract import (
    MAX_EXAMPLE_CHARACTERS,
    Checked,
    GateFinding,
    found_in_answer,
    register_code,
)
from enrichment.quality.gates.quantities import known_numbers, spelled_numbers
from enrichment.quality.lexicon.editing import (
    ADDED,
    COUNTS,
    DENYING,
    DROPPED,
    MAY_COME,
    MAY_GO,
    PAST,
    PHRASES,
    PREFIXES,
    SIGNS,
    TURNS,
    TYPED,
    WEIGHTY,
    groups_of,
)
from enrichment.quality.lexicon.quantities import MONTHS, NUMBER_WORDS, TENS, UNIT_OF
from enrichment.quality.lexicon.words import FEMALE, MALE

CHANGED_WORDING = register_code(
    "changed_wording",
    _("Another word in its place"),
    "Correct words, but put none in the place of another, and leave none out that limits another.",
)
MIN_TYPED, MAX_TYPED = 3, 5  # letters of a word that is cut: “ref”
MIN_ROOT = 7  # letters with which two forms of a long word begin
MAX_POSTINGS = 8  # sentences that a word may stand in and still tell where one came from
MAX_COMPARED = 40_000  # characters
ENGLISH = frozenset({"", "en"})


def wording_kept(checked: Checked) -> GateFinding | None:
    """Words that a changed sentence exchanged, put in or left out, and that change what it says."""
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
    found = []
    for gone, added in beside(changes.gone, changes.added):
        said = _changed(gone, added, checked, besides)
        if said:
            text = " ".join(each.text for each in added)
            shown = MAX_EXAMPLE_CHARACTERS - len(said) - len(" ()")  # the reason has to be seen
            text = text if len(text) <= shown else f"{text[: shown - 1]}…"
            found.append(f"{text} ({said})")
    return found_in_answer(CHANGED_WORDING, "Another meaning than the source's", found)


def beside(
    gone: Sequence[Sentence], added: Sequence[Sentence]
) -> Iterator[tuple[list[Sentence], list[Sentence]]]:
    """Sentences that were changed with those that they became: one each, or some that were joined.

    By the words that they share, rare ones alone; those without any are left out.
    """
    parts = list(range(len(gone) + len(added)))

    def root(at: int) -> int:
        while parts[at] != at:
            parts[at] = parts[parts[at]]
            at = parts[at]
        return at

    for first, ones, others in ((0, gone, added), (len(gone), added, gone)):
        postings = _postings(ones)
        for at, sentence in enumerate(others):
            shared = Counter(
                each for word in set(map(stem, sentence.words)) for each in postings.get(word, ())
            )
            if shared:
                best = max(shared, key=lambda each: (shared[each], -abs(each - at)))
                parts[root(len(gone) - first + at)] = root(first + best)
    found: dict[int, tuple[list[Sentence], list[Sentence]]] = {}
    for at, sentence in enumerate((*gone, *added)):
        found.setdefault(root(at), ([], []))[at >= len(gone)].append(sentence)
    yield from (each for each in found.values() if each[0] and each[1])


def _postings(sentences: Sequence[Sentence]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for at, sentence in enumerate(sentences):
        for word in set(map(stem, sentence.words)):
            found.setdefault(word, []).append(at)
    return {word: each for word, each in found.items() if len(each) <= MAX_POSTINGS}


@dataclass(frozen=True, slots=True)
class Wording:
    """What some sentences say, by words that can be compared."""

    words: Counter[str]
    counts: frozenset[str]  # the numbers that stand in words
    denials: int

    @classmethod
    def of(cls, text: str) -> "Wording":
        text = _BEFORE_ADDRESS.sub(" ", text.lower())
        plain = (each for each in text.split() if not _OF_ADDRESSES.search(each))
        text = f" {' '.join(plain)} "
        text = _DRAWN.sub(r"\1", _GLUED_UNIT.sub(r"\1 ", _STOP.sub(" ", text)))
        for sign, word in SIGNS:
            text = text.replace(sign, word)
        for phrase, word in PHRASES.items():
            text = text.replace(f" {phrase} ", f" {word} ")
        found: Counter[str] = Counter()
        counts: set[str] = set()
        tens = 0
        for word in _tokens(text):
            found[word] += 1
            count = COUNTS.get(word, 0)
            if tens and 0 < count < 10:  # "fifty five"
                counts.discard(str(tens))
            if count:
                counts.add(str(tens + count if count < 10 else count))
            tens = count if count in TENS else 0
        return cls(found, frozenset(counts), sum(found[word] for word in DENYING))


_OF_ADDRESSES = re.compile(r"://|www\.|[a-z0-9]@[a-z0-9]|\[[a-z]+:[a-z0-9]+\]")  # or a “[ref:1]”
_BEFORE_ADDRESS = re.compile(r"(?<=[.!?:;,)*])(?=https?://|www\.)")  # one glued to a sentence
_STOP = re.compile(r"[,;:!?)]+(?= )")  # hides the end of a phrase
_DRAWN = re.compile(r"([a-z])\1{2,}")  # "sooo"
_GLUED_UNIT = re.compile(r"(\d)(?=[a-z])")


_DENIED = {"ca": "can", "wo": "will", "sha": "shall", "ai": "is"}
_BARE = {
    "aint": "is", "arent": "are", "cant": "can", "couldnt": "could", "dosent": "does",
    "dosnt": "does", "didnt": "did", "doesnt": "does", "dont": "do", "hasnt": "has",
    "havent": "have", "isnt": "is", "shouldnt": "should", "wasnt": "was", "werent": "were",
    "wont": "will", "wouldnt": "would",
}  # fmt: skip
_SHORT = ("'s", "'re", "'ve", "'ll", "'d", "'m")


def _tokens(text: str) -> Iterator[str]:
    for word in _words(text):
        if word.endswith("n't"):
            yield "not"
            yield _DENIED.get(word[:-3], word[:-3])
        elif word in _BARE:
            yield "not"
            yield _BARE[word]
        elif word == "cannot":
            yield "not"
            yield "can"
        else:
            for ending in _SHORT:
                word = word.removesuffix(ending)  # noqa: PLW2901
            yield TYPED.get(word, word)


def _words(text: str) -> Iterator[str]:
    for word in text.split():
        if "_" in word:
            yield word.strip(".,;:!?()")
        else:
            yield from words(word)


def _changed(
    gone: Sequence[Sentence], added: Sequence[Sentence], checked: Checked, besides: Passage
) -> str:
    """What of some sentences was changed that may not be, in words; blank for nothing."""
    source = Passage(" . ".join(each.text for each in gone))
    answer = Passage(" . ".join(each.text for each in added))
    before, after = Wording.of(source.text), Wording.of(answer.text)
    if bool(before.denials) is not bool(after.denials):
        return "denied in only one of both"
    lost, new = before.words - after.words, after.words - before.words
    return (
        _swapped(gone, added, new.keys())
        or _turned(lost.keys(), new.keys())
        or _weighed(before, after, source, answer)
        or _counted(before, after, source.text, answer.text)
        or _tenses(lost.keys(), new.keys())
        or _exchanged(lost, new, checked.written_out(source), besides, "new", ADDED)
        # A mere cut is for the gates of warnings, negations and lengths.
        or (
            any(map(_counts, new))
            and _exchanged(new, lost, checked.written_out(answer), besides, "missing", DROPPED)
        )
        or ""
    )


def _swapped(gone: Sequence[Sentence], added: Sequence[Sentence], new: AbstractSet[str]) -> str:
    """Whether two words have only changed places: “loves women but fears men”."""
    before, after = _telling(gone), _telling(added)
    if len(before) != len(after):
        return ""
    differ = [at for at, (one, other) in enumerate(zip(before, after, strict=True)) if one != other]
    if len(differ) != 2 or before[differ[0]] != after[differ[1]]:
        return ""
    if differ[1] == differ[0] + 1 and new & _JOINING:  # “a home for Willow”, “a shelter in Ohio”
        return ""
    one, other = (before[at] for at in differ)
    return f"{one} and {other} have changed places" if after[differ[0]] == other else ""


_JOINING = frozenset({"for", "to", "of", "in", "from", "at"})


def _telling(sentences: Sequence[Sentence]) -> list[str]:
    return [stem(word) for each in sentences for word in each.words if is_content(word)]


def _exchanged(
    others: Counter[str],
    ones: Counter[str],
    passage: Passage,
    besides: Passage,
    what: str,
    harmless: AbstractSet[str],
) -> str:
    """Words of one side that the other side, a passage, has in no form."""
    found = [word for word in ones if word not in harmless and _counts(word)]
    if 0 < len(found) <= MAX_LOOKED_UP:
        known = Known.of(passage, others.keys(), besides)
        found = list(islice((word for word in found if not known.has(word)), SHOWN))
    return f"{what}: {', '.join(found[:SHOWN])}" if found else ""


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


@dataclass(frozen=True, slots=True)
class Known:
    """The words of one side, in which a word of the other one is looked for."""

    passage: Passage
    besides: Passage
    changed: AbstractSet[str]  # those of them that the other side hasn't
    positive: frozenset[str]  # what these were without their negating prefixes
    groups: frozenset[int]  # of words that stand for each other
    skeletons: Mapping[str, str]  # the changed ones by what they are without vowels
    short: frozenset[str]  # the changed ones that may be the beginnings of others
    roots: frozenset[str]  # the beginnings of the longer changed ones

    @classmethod
    def of(cls, passage: Passage, changed: AbstractSet[str], besides: Passage) -> "Known":
        return cls(
            passage,
            besides,
            changed,
            frozenset(filter(None, map(_without_prefix, changed))),
            groups_of(passage.words),
            {_skeleton(each): each for each in changed if len(each) >= MIN_TYPED},
            frozenset(each for each in changed if MIN_TYPED <= len(each) <= MAX_TYPED),
            frozenset(each[:MIN_ROOT] for each in changed if len(each) > MIN_ROOT),
        )

    def has(self, word: str) -> bool:
        """Whether a word is a form of one in here, and of none that says the opposite."""
        if word in self.passage.words or word in self.besides.words:
            return True
        if word in self.positive or _without_prefix(word) in self.changed:
            return False
        if not self.groups.isdisjoint(groups_of((word,))) or self._has_shortened(word):
            return True
        return self.passage.has(word)

    def _has_shortened(self, word: str) -> bool:
        """Whether one of them is the same, cut or typed without vowels, or with another ending."""
        bare = _skeleton(word)
        other = self.skeletons.get(bare, "")
        if other and bare in (word, other):
            return True
        if any(
            word[:length] in self.short
            for length in range(MIN_TYPED, min(MAX_TYPED, len(word) - 3) + 1)
        ):
            return True
        return word[:MIN_ROOT] in self.roots and len(word) > MIN_ROOT


_VOWELS = str.maketrans("", "", "aeiou")


def _skeleton(word: str) -> str:
    """A word as some type it, without vowels."""
    return word[:1] + word[1:].translate(_VOWELS)


def _without_prefix(word: str) -> str:
    """The word that a negating prefix was put before; blank where there is none."""
    for prefix in PREFIXES:
        if word.startswith(prefix) and len(word) - len(prefix) >= 4:
            return word[len(prefix) :]
    return ""


def _turned(lost: AbstractSet[str], new: AbstractSet[str]) -> str:
    """Whether one word took the place of another one of its kind."""
    gone = {key: word for word in sorted(lost & TURNS.keys()) for key in TURNS[word]}
    came = {key: word for word in sorted(new & TURNS.keys()) for key in TURNS[word]}
    for kind, option in sorted(came.keys() - gone.keys()):
        others = [word for key, word in gone.items() if key[0] == kind and key not in came]
        if others:
            return f"{came[kind, option]}, not {others[0]}".replace("_", " ")
    return ""


def _weighed(before: Wording, after: Wording, source: Passage, answer: Passage) -> str:
    """Whether a word that limits what is said was left out or put in."""
    had, has = _weighty(before), _weighty(after)
    for name in sorted(had.keys() - has.keys() - MAY_GO):
        if not answer.misspells(had[name]):
            return f"without “{had[name].replace('_', ' ')}”"
    for name in sorted(has.keys() - had.keys() - MAY_COME):
        if not source.misspells(has[name]):
            return f"with “{has[name].replace('_', ' ')}”"
    return ""


def _weighty(wording: Wording) -> dict[str, str]:
    """What limits, by its name, with the word that does."""
    return {name: word for word in wording.words.keys() & WEIGHTY.keys() for name in WEIGHTY[word]}


def _counted(before: Wording, after: Wording, source: str, answer: str) -> str:
    """Numbers in words that the other side has in no form."""
    if before.counts == after.counts:
        return ""
    for what, counts, others, text in (
        ("new", after.counts, before.counts, source),
        ("missing", before.counts, after.counts, answer),
    ):
        if other := counts - others:
            other -= known_numbers(text) | spelled_numbers(text)
            if other:
                return f"{what}: {min(other)}"
    return ""


def _tenses(lost: AbstractSet[str], new: AbstractSet[str]) -> str:
    """Verbs that stood in the present and are past now, or the other way."""
    for ones, others in ((lost, new), (new, lost)):
        for word in ones:
            if word.endswith("ed") and len(word) > 3:
                for present in (f"{word[:-2]}s", f"{word[:-1]}s", f"{word[:-2]}es"):
                    if present in others:
                        return f"{present}, {word}"
        for word in ones & PAST.keys():
            present = PAST[word]
            if present in others or f"{present}s" in others or f"{present}es" in others:
                return f"{present}, {word}"
    return ""
