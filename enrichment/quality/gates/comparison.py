"""What an answer changed, in sentences and words: gates look at that, not at what stayed the same.

A sentence that source and answer share is neither invented nor lost, so an answer that changes
little costs little. Everything here is linear in the texts' lengths.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache
from operator import indexOf, ne

from django.utils.functional import cached_property

from enrichment.quality.lexicon.exchanges import EXCHANGED, groups_of
from enrichment.quality.lexicon.inflections import BASES
from enrichment.quality.lexicon.words import STOPWORDS

# An end of a sentence, also where the next one is glued to it ("good boy!He likes"), and where only
# a capital tells that another one begins.
_ENDS = re.compile(
    r"(?<![.!?…])(?<!\b[A-Z])[.!?…]++[\"')\]*]*+(?:\s+|(?=[A-ZÀ-ÖØ-Þ*]))|[\n•|]+|[*~_=-]{3,}|[。！？]"  # noqa: RUF001
    r"|\*\*(?<=\w..)(?=[A-Z])"
    r"|\s(?<=[a-z\s]\s)(?<![Nn]ot\s)(?<![Vv]ery\s)(?=No [a-z]|(?:Good|Great|OK|Ok) with )"
    r"|\s(?=(?:He|She|They|This|The|Her|His|We|You|Please|If|Our|My|For|All|There)\s)"
)
_WORD = re.compile(r"[^\W_]+(?:'[^\W_]+)*")
_SHORT_SIGNS = re.compile(r"(?<![a-z/])(?:w/o\b|w/|b/c\b)")
_WRITTEN_OUT = {"w/o": "without ", "w/": "with ", "b/c": "because "}
_OR_NOT = re.compile(r" or not\b")
_LETTERS = re.compile(r"[^\W\d_]+")
_VOWEL = frozenset("aeiouyäöüáéíóúàèìòùâêîôû")
_VOWELS = str.maketrans("", "", "".join(sorted(_VOWEL)))
_SENTENCE_ENDS = frozenset(".!?")
_AROUND_CHUNKS = " .!?"
_ENDS_OF_SENTENCES = (". ", "! ", "? ")
MIN_GLUED = 4  # letters of a word that is looked for inside of glued ones
MAX_MISSPELT = 30  # letters of a word that is looked for in other spellings
MIN_BADLY_MISSPELT = 7  # letters of a word in which two may be wrong
MIN_EXCHANGED = 5  # letters of a word in which any two may have changed places
MIN_CONSONANTS = 3  # more than these tell a word without its vowels
_ENDINGS = ("'s", "’s", "ing", "ies", "ed", "es", "ly", "s", "y", "e")  # noqa: RUF001


def chunks(text: str) -> list[str]:
    """Roughly its sentences; quick, for finding what stayed the same."""
    plain = text.replace("! ", ". ").replace("? ", ". ").replace("\n", ". ")
    return [found for each in plain.split(". ") if (found := each.strip(_AROUND_CHUNKS))]


def sentences(text: str) -> list[str]:
    """The sentences of a text, also those that lack a space between them."""
    return [found for each in _ENDS.split(text) if (found := each.strip())]


def words(text: str) -> list[str]:
    """Its words and figures in lower case."""
    text = text.lower()
    if " or not" in text:  # denies nothing
        text = _OR_NOT.sub("", text)
    return words_between(text)


def words_between(lowered: str) -> list[str]:
    """The words and figures that stand in a text in lower case, also those that say nothing."""
    text = lowered.replace("’", "'").replace("non-", "non")  # noqa: RUF001
    if " non " in text:
        text = text.replace(" non ", " non")
    if "&" in text:
        text = text.replace("&", " and ")
    if "w/" in text or "b/c" in text:
        text = _SHORT_SIGNS.sub(lambda found: _WRITTEN_OUT[found[0]], text)
    return _WORD.findall(text)


_SUSPENDED = re.compile(r"\b([a-z]+)-( (?:and|or) )([a-z]+)-([a-z]+)")
_GLUED_COMMA = re.compile(r"([,;](?<=[^\W\d_].))(?=[^\W\d_])")


def plainly(text: str) -> str:
    """In lower case, as concepts are looked for in it."""
    text = text.lower().replace("’", "'")  # noqa: RUF001
    text = text.replace("with out ", "without ").replace("not yet ", "not ")  # no end of a clause
    text = text.replace("w/o ", "without ").replace(" w/ ", " with ").replace("&", "and")
    if "- " in text:  # “house- and crate-trained”
        text = _SUSPENDED.sub(r"\1-\4\2\3-\4", text)
    return _GLUED_COMMA.sub(r"\1 ", text)


@lru_cache(maxsize=50_000)
def stem(word: str) -> str:
    """Without a common English ending, or its base: near enough to find the same word again."""
    word = BASES.get(word, word)
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            word = word[: -len(ending)]
            break
    return word[:-1] if len(word) > 3 and word[-1] == word[-2] else word


@lru_cache(maxsize=50_000)
def is_content(word: str) -> bool:
    """Whether a word carries meaning, by itself."""
    if len(word) <= 2 or word in STOPWORDS:
        return False
    return word.isalpha() or not any(map(str.isdigit, word))  # codes and figures say nothing


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence of a text, and its words."""

    text: str
    words: tuple[str, ...]

    def content(self) -> list[str]:
        """The words that carry its meaning."""
        return [word for word in self.words if is_content(word)]


@dataclass(frozen=True)
class Passage:
    """A part of a text, with its words looked up once."""

    text: str

    @cached_property
    def lower(self) -> str:
        return self.text.lower().replace("’", "'")  # noqa: RUF001

    @cached_property
    def words(self) -> frozenset[str]:
        return frozenset(words(self.text))

    @cached_property
    def stems(self) -> frozenset[str]:
        return frozenset(map(stem, self.words))

    @cached_property
    def groups(self) -> frozenset[int]:
        """The groups of words that some of its words may be exchanged within."""
        return groups_of(self.words)

    def has_alike(self, word: str) -> bool:
        """Whether a word is in here that may be exchanged for this one."""
        groups = EXCHANGED.get(word)
        return groups is not None and not groups.isdisjoint(self.groups)

    @cached_property
    def letters(self) -> str:
        """All letters in one row: finds words that were glued or split."""
        return "".join(_LETTERS.findall(self.lower))

    @cached_property
    def _by_start(self) -> dict[tuple[str, int], list[str]]:
        """Words by first letter, which is seldom wrong, and length."""
        found: dict[tuple[str, int], list[str]] = {}
        for word in self.words:
            if MIN_GLUED <= len(word) <= MAX_MISSPELT:
                found.setdefault((word[0], len(word)), []).append(word)
        return found

    @cached_property
    def _without_vowels(self) -> frozenset[str]:
        return frozenset(map(_consonants, self.words))

    def has(self, word: str) -> bool:
        """Whether the word, or a spelling, form or part of it, is in here."""
        if word in self.words or stem(word) in self.stems:
            return True
        if len(word) < MIN_GLUED:
            return False
        if word in self.letters or stem(word) in self.letters:
            return True
        return len(word) <= MAX_MISSPELT and self._has_misspelt(word)

    def misspells(self, word: str) -> bool:
        """Whether another spelling of a word is in here that isn't the word itself."""
        return MIN_GLUED <= len(word) <= MAX_MISSPELT and self._has_misspelt(word)

    def _has_misspelt(self, word: str) -> bool:
        if (consonants := _consonants(word)) and consonants in self._without_vowels:
            return True
        first, letters = word[0], len(word)
        return any(
            _is_misspelt(word, other) or _is_badly_misspelt(word, other)
            for length in (letters - 1, letters, letters + 1)
            for other in self._by_start.get((first, length), ())
            if other[1] == word[1] or other[-1] == word[-1]
        )


def _is_misspelt(word: str, other: str) -> bool:
    """Whether two words differ in one letter, or in the place of one."""
    longer, shorter = (word, other) if len(word) >= len(other) else (other, word)
    start = _common(longer, shorter)
    rest, other_rest = longer[start:], shorter[start:]
    if rest[1:] in (other_rest, other_rest[1:]):
        return True
    if len(rest) != len(other_rest):
        return False
    end = _common(rest[::-1], other_rest[::-1])
    rest, other_rest = rest[: len(rest) - end], other_rest[: len(rest) - end]
    if rest[1:] == other_rest[:-1] or rest[:-1] == other_rest[1:]:
        return True
    return len(word) >= MIN_EXCHANGED and sorted(rest) == sorted(other_rest)  # “Taxes” for “Texas”


def _is_badly_misspelt(word: str, other: str) -> bool:
    """Whether two long words differ in one consonant and one vowel: “shepard”, “shepherd”."""
    if min(len(word), len(other)) < MIN_BADLY_MISSPELT or word[-1] != other[-1]:
        return False
    bare, its = word.translate(_VOWELS), other.translate(_VOWELS)
    if bare[:2] != its[:2] or not (bare == its or _is_misspelt(bare, its)):
        return False
    vowels = ["".join(each for each in form if each in _VOWEL) for form in (word, other)]
    return vowels[0] == vowels[1] or _is_misspelt(*vowels)


def _common(word: str, other: str) -> int:
    """How many letters both begin with."""
    for at, (letter, its) in enumerate(zip(word, other, strict=False)):
        if letter != its:
            return at
    return min(len(word), len(other))


@lru_cache(maxsize=50_000)
def _consonants(word: str) -> str:
    """A word's first letter and its consonants; blank where these are too few to tell it."""
    consonants = word.translate(_VOWELS)
    return (
        f"{word[0]} {consonants}"
        if MIN_GLUED <= len(word) <= MAX_MISSPELT and len(consonants) > MIN_CONSONANTS
        else ""
    )


@dataclass(frozen=True)
class Changes:
    """What only the source has, and what only the answer has."""

    gone_text: str
    added_text: str

    @cached_property
    def gone(self) -> tuple[Sentence, ...]:
        """The source's sentences that the answer hasn't, word for word."""
        return self._fine[0]

    @cached_property
    def added(self) -> tuple[Sentence, ...]:
        """The answer's sentences that the source hasn't, word for word."""
        return self._fine[1]

    @cached_property
    def _fine(self) -> tuple[tuple[Sentence, ...], tuple[Sentence, ...]]:
        gone, added = _by_letters(self.gone_text), _by_letters(self.added_text)
        return (
            tuple(each for key, each in gone.items() if key not in added),
            tuple(each for key, each in added.items() if key not in gone),
        )

    @cached_property
    def before(self) -> Passage:
        """What is gone, as one passage."""
        return Passage("\n".join(each.text for each in self.gone))

    @cached_property
    def after(self) -> Passage:
        """What is new, as one passage."""
        return Passage("\n".join(each.text for each in self.added))


def _by_letters(text: str) -> dict[str, Sentence]:
    """Sentences by their letters and figures alone: dots, capitals and spaces make none other."""
    found = {}
    for each in sentences(text):
        its = tuple(words(each))
        if its:
            found["".join(its).replace("'", "")] = Sentence(each, its)
    return found


NO_CHANGES = Changes("", "")


def compare(source: str, answer: str) -> Changes:
    """The chunks of a source that an answer lacks, and those that it adds."""
    if source == answer or source.strip(_AROUND_CHUNKS) == answer.strip(_AROUND_CHUNKS):
        return NO_CHANGES
    rest, other = _without_same_ends(source, answer)
    before, after = rest.split(), other.split()
    if before == after:
        return NO_CHANGES
    first, last = _same_ends(before, after)
    gone, added = _differing(
        _middle(rest, len(before), first, last), _middle(other, len(after), first, last)
    )
    elsewhere = any(map(answer.__contains__, gone)) or any(map(source.__contains__, added))
    if elsewhere and (first or last or rest is not source):  # perhaps only moved or repeated
        gone, added = _differing(source, answer)
    return Changes("\n".join(gone), "\n".join(added)) if gone or added else NO_CHANGES


def _without_same_ends(source: str, answer: str) -> tuple[str, str]:
    """Both without the sentences that stand at their starts and ends letter by letter.

    Quicker than the comparison by words that follows, which looks at what is left.
    """
    first, last = _in_common_at_ends(source, answer)
    start = max(source.rfind(end, 0, first) for end in _ENDS_OF_SENTENCES) + 2
    if start > 1:
        source, answer = source[start:], answer[start:]
    # The word that ends a sentence has to be the same too.
    word = source.find(" ", len(source) - last) if last else -1
    if word >= 0:
        ends = [at for end in _ENDS_OF_SENTENCES if (at := source.find(end, word)) >= 0]
        if ends:
            kept = len(source) - (min(ends) + 2)
            if kept:
                source, answer = source[:-kept], answer[:-kept]
    return source, answer


def _in_common_at_ends(text: str, other: str) -> tuple[int, int]:
    """How many characters both begin with, and with how many of the others both end.

    Halving what may be the same takes a dozen comparisons.
    """
    first, most = 0, min(len(text), len(other))
    end = most
    while first < end:
        middle = (first + end + 1) // 2
        if text[first:middle] == other[first:middle]:
            first = middle
        else:
            end = middle - 1
    last, end = 0, most - first
    while last < end:
        middle = (last + end + 1) // 2
        if text[-middle : -last or None] == other[-middle : -last or None]:
            last = middle
        else:
            end = middle - 1
    return first, last


def _differing(source: str, answer: str) -> tuple[list[str], list[str]]:
    gone, added = _only_in_one(chunks(source), chunks(answer), str)
    return _only_in_one(gone, added, _without_marks) if gone and added else (gone, added)


def _only_in_one(
    before: list[str], after: list[str], form: Callable[[str], str]
) -> tuple[list[str], list[str]]:
    """The chunks that only one side has, compared in some form."""
    known, kept = list(map(form, before)), list(map(form, after))
    others, ours = set(kept), set(known)
    gone = [each for each, its in zip(before, known, strict=True) if its not in others]
    return gone, [each for each, its in zip(after, kept, strict=True) if its not in ours]


# What punctuation a text is written with says nothing else: but a point in a number does.
_MARKS = re.compile(r"[\s!?*~_\"'’“”…]+|\.(?!\d)")  # noqa: RUF001


def _without_marks(chunk: str) -> str:
    return _MARKS.sub("", chunk.lower())


def _same_ends(before: list[str], after: list[str]) -> tuple[int, int]:
    """How many words of whole sentences are the same at the start and at the end."""
    shorter = min(len(before), len(after))
    first = _in_common(before, after, shorter)
    last = _in_common(reversed(before), reversed(after), shorter - first)
    while first and before[first - 1][-1] not in _SENTENCE_ENDS:
        first -= 1
    while last:
        last -= 1
        if before[len(before) - last - 1][-1] in _SENTENCE_ENDS:
            break
    return first, last


def _in_common(words: Iterable[str], others: Iterable[str], most: int) -> int:
    """With how many of the same words both begin, at most so many."""
    try:
        return min(indexOf(map(ne, words, others), True), most)
    except ValueError:  # one is the beginning of the other
        return most


def _middle(text: str, count: int, first: int, last: int) -> str:
    """A text of `count` words without so many of them at its start and end."""
    if first:
        text = "".join(text.split(None, first)[first:])
    if last:
        text = text.rsplit(None, last)[0] if count - first > last else ""
    return text
