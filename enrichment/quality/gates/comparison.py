"""What texts are compared by: sentences, words, their stems, and other spellings of them.

Everything here is linear in the texts' lengths.
"""

from dataclasses import dataclass
from functools import lru_cache

from django.utils.functional import cached_property
from msgspec import Struct

from enrichment.quality.gates.parted import letters, words_with_apostrophes
from enrichment.quality.lexicon.exchanges import EXCHANGED, groups_of
from enrichment.quality.lexicon.inflections import BASES
from enrichment.quality.lexicon.words import STOPWORDS
from enrichment.quality.patterns import compiled_later

# An end of a sentence, also where the next one is glued to it ("good boy!He likes"), and where only
# a capital tells that another one begins.
# All begin with a sign out of a set, for regular expressions skip to one quickly.
_ENDS = compiled_later(
    r"[.!?…\n•|*~_=\-。！？\s](?:"  # noqa: RUF001
    r"(?<=[^\S\n])(?=[AFGHIMNOPSTWY])(?:"
    r"(?<=[a-z\s].)(?<![Nn]ot.)(?<![Vv]ery.)(?=No [a-z]|(?:Good|Great|OK|Ok) with )"
    r"|(?=(?:He|She|They|This|The|Her|His|We|You|Please|If|Our|My|For|All|There)\s))"
    r"|(?<![^\S\n])(?:"
    r"(?<=[.!?…])(?<![.!?…].)(?<!\b[A-Z].)[.!?…]*+[\"')\]*]*+(?:\s+|(?=[A-ZÀ-ÖØ-Þ*]))"
    r"|(?<=[\n•|])[\n•|]*"
    r"|(?<=[*~_=-])[*~_=-]{2,}"
    r"|(?<=[。！？])"  # noqa: RUF001
    r"|\*(?<=\w\*\*)(?=[A-Z])))"
)
_SHORT_SIGNS = compiled_later(r"(?<![a-z/])(?:w/o\b|w/|b/c\b)")
_WRITTEN_OUT = {"w/o": "without ", "w/": "with ", "b/c": "because "}
_OR_NOT = compiled_later(r" or not\b")
_VOWEL = frozenset("aeiouyäöüáéíóúàèìòùâêîôû")
_VOWELS = str.maketrans("", "", "".join(sorted(_VOWEL)))
MIN_GLUED = 4  # letters of a word that is looked for inside of glued ones
MAX_MISSPELT = 30  # letters of a word that is looked for in other spellings
MIN_BADLY_MISSPELT = 7  # letters of a word in which two may be wrong
MIN_EXCHANGED = 5  # letters of a word in which any two may have changed places
MIN_CONSONANTS = 3  # more than these tell a word without its vowels
_ENDINGS = ("'s", "’s", "ing", "ies", "ed", "es", "ly", "s", "y", "e")  # noqa: RUF001


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
    return words_with_apostrophes(text)


_SUSPENDED = compiled_later(r"\b([a-z]+)-( (?:and|or) )([a-z]+)-([a-z]+)")
_GLUED_COMMA = compiled_later(r"[,;](?<=[^\W\d_].)(?=[^\W\d_])")


def plainly(text: str) -> str:
    """In lower case, as concepts are looked for in it."""
    text = text.lower().replace("’", "'")  # noqa: RUF001
    text = (
        text.replace("'cause ", "because ")
        .replace("with out ", "without ")
        .replace("not yet ", "not ")
    )  # no end of a clause
    text = text.replace("w/o ", "without ").replace(" w/ ", " with ").replace("&", "and")
    if "- and " in text or "- or " in text:  # “house- and crate-trained”
        text = _SUSPENDED.sub(r"\1-\4\2\3-\4", text)
    return _GLUED_COMMA.sub(r"\g<0> ", text) if _GLUED_COMMA.search(text) else text


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


class Sentence(Struct, frozen=True):
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
        return "".join(letters(self.lower))

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
        root = stem(word)
        if word in self.letters or (len(root) >= MIN_GLUED and root in self.letters):
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
