"""Whether a word of a source or answer stands in the other one, in some form or other words.

English. A form that says the opposite is none.
"""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from functools import lru_cache

from msgspec import Struct

from enrichment.quality.gates.comparison import Passage, stem
from enrichment.quality.lexicon.editing import PREFIXES
from enrichment.quality.lexicon.exchanges import groups_of
from enrichment.quality.lexicon.inflections import BASES

MIN_TYPED, MAX_TYPED = 3, 5  # letters of a word that is cut: “ref”
MIN_ROOT = 7  # letters with which two forms of a long word begin


class Known(Struct, frozen=True):
    """The words of one side, in which a word of the other one is looked for."""

    passage: Passage
    besides: Passage
    changed: AbstractSet[str]  # those of them that the other side hasn't
    positive: frozenset[str]  # what these were without their negating prefixes
    groups: frozenset[int]  # of words that stand for each other
    skeletons: Mapping[str, str]  # the changed ones by what they are without vowels
    short: frozenset[str]  # the changed ones that may be the beginnings of others
    roots: frozenset[str]  # the beginnings of the longer changed ones
    ends: tuple[str, ...]  # the longer changed ones, with which compounds may end
    derived: frozenset[str]  # what the changed ones are made from: “loyal” of “loyalty”

    @classmethod
    def of(cls, passage: Passage, changed: AbstractSet[str], besides: Passage) -> "Known":
        return cls(
            passage,
            besides,
            changed,
            frozenset(filter(None, map(_without_prefix, changed))),
            groups_of(passage.words.union(*map(_lemmas, changed))),
            {_skeleton(each): each for each in changed if len(each) >= MIN_TYPED},
            frozenset(each for each in changed if MIN_TYPED <= len(each) <= MAX_TYPED),
            frozenset(each[:MIN_ROOT] for each in changed if len(each) > MIN_ROOT),
            tuple(sorted(map(stem, filter(_may_end, changed)))),
            frozenset(map(underived, changed)),
        )

    def has(self, word: str) -> bool:
        """Whether a word is a form of one in here, and of none that says the opposite."""
        if word in self.passage.words or word in self.besides.words:
            return True
        if word in self.positive or _without_prefix(word) in self.changed:
            return False
        if not self.groups.isdisjoint(groups_of(_lemmas(word))) or self._has_shortened(word):
            return True
        if self.ends and _may_end(word) and stem(word).endswith(self.ends):
            return True  # “eyelashes” of “lashes”
        return underived(word) in self.derived or self.passage.has(word)

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


_INFLECTING = tuple(
    tuple(each.split(":"))
    for each in (
        "iest:y ier:y ies:y ied:y est: est:e er: er:e ing: ing:e ed: ed:e s: es: ly:".split()
    )
)
MIN_LEMMA = 3  # letters


@lru_cache(maxsize=50_000)
def _lemmas(word: str) -> frozenset[str]:
    """An English word with what it may be a form of; a form that is no word does no harm."""
    found = {word, BASES.get(word, word)}
    for ending, base in _INFLECTING:
        root = word.removesuffix(ending)
        if root != word and len(root) >= MIN_LEMMA:
            found.add(root + base)
            if root[-1] == root[-2]:  # “bigger”
                found.add(root[:-1])
    return frozenset(found)


MIN_COMPOUNDED = 5  # letters of a word that ends a compound


def _may_end(word: str) -> bool:
    return len(word) >= MIN_COMPOUNDED and word.isalpha()


MIN_UNDERIVED = 4  # letters of what words are made from
# Not “-less”, which denies. The longest first.
_DERIVING = tuple(
    sorted(
        "ness ity ty ment ful tion sion ation ition ive ous al ence ent ance ant able ible ability"
        " er or y ly ing ed s es ies ists ist ism ship hood ish ee".split(),
        key=len,
        reverse=True,
    )
)


@lru_cache(maxsize=50_000)
def underived(word: str) -> str:
    """What an English word is made from, by its endings: “loyal” of “loyalty”."""
    word = BASES.get(word, word)
    for _again in range(2):  # “healthiness”, “affectionately”
        for ending in _DERIVING:
            if word.endswith(ending) and len(word) - len(ending) >= MIN_UNDERIVED:
                word = word[: -len(ending)].removesuffix("i")
                break
    return word.removesuffix("e") if len(word) > MIN_UNDERIVED else word


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
