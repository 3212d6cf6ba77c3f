"""What sentences say, by words that can be compared: short forms, signs and phrases written out.

English. See `wording`.
"""

import string
from bisect import insort
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import pairwise
from operator import eq

from msgspec import Struct

from enrichment.quality.gates.comparison import words_between
from enrichment.quality.lexicon.editing import COUNTS, DENYING
from enrichment.quality.lexicon.phrases import PHRASES, SIGNS
from enrichment.quality.lexicon.quantities import TENS
from enrichment.quality.lexicon.typed import TYPED
from enrichment.quality.patterns import compiled_later, re2_compiled_later


class Wording(Struct, frozen=True):
    """What some sentences say, by words that can be compared."""

    words: Counter[str]
    counts: frozenset[str]  # the numbers that stand in words
    denials: int

    @classmethod
    def of(cls, text: str) -> "Wording":
        text = text.lower()
        if "http" in text or "www." in text:
            text = _BEFORE_ADDRESS.sub(" ", text)
        plain = text.split()
        if any(map(text.__contains__, _IN_ADDRESSES)) and _OF_ADDRESSES.search(text):
            plain = [each for each in plain if not _OF_ADDRESSES.search(each)]
        text = f" {' '.join(plain)} "
        text = _STOP.sub(" ", text)
        if _GLUED_UNIT.search(text):
            text = _GLUED_UNIT.sub(r"\g<0> ", text)
        if _MAY_BE_DRAWN.search(text.encode(errors="surrogatepass")):
            text = _DRAWN.sub(r"\1", text)
        if " should " in text:
            text = _INVERTED.sub(r"\1if ", text)
        if " when " in text:
            text = _WHEN_PAST.sub(" as ", text)
        if " if " in text:
            text = _IF_INVITED.sub(" ", text)
        parted = text.split(" ")
        if any(map(eq, parted, parted[1:])):
            text = _DOUBLED.sub("", text)
        for sign, word in SIGNS:
            text = text.replace(sign, word)
        text = _JUST.sub(" only ", text)
        its = _tokens(_joined(text.replace("/", " ")))
        found = Counter(its)
        counts = frozenset[str]() if COUNTS.keys().isdisjoint(found) else _counted(its)
        denials = () if DENYING.isdisjoint(found) else DENYING & found.keys()
        return cls(found, counts, sum(found[word] for word in denials))


def _counted(words: Iterable[str]) -> frozenset[str]:
    """The numbers that stand in words, “fifty five” too; “two hundred” is left to others."""
    counts: set[str] = set()
    tens = before = 0
    for word in words:
        count = COUNTS.get(word, 0)
        if (tens and 0 < count < 10) or word in _GREAT:
            counts.discard(str(before))
        if count:
            counts.add(str(tens + count if count < 10 else count))
        tens = count if count in TENS else 0
        before = count
    return frozenset(counts)


# A phrase, what it becomes, and the words of that.
_PHRASES = tuple((f" {phrase} ", f" {word} ", word.split()) for phrase, word in PHRASES.items())
# The places of phrases by the one or two words that they begin with, and by each of these.
_BEGINNING: dict[str | tuple[str, ...], list[int]] = {}
_HAVING: dict[str, set[int]] = {}
for _place, _phrase in enumerate(PHRASES):
    _begins = tuple(_phrase.split()[:2])
    _BEGINNING.setdefault(_begins if _begins[1:] else _begins[0], []).append(_place)
    for _word in _begins:
        _HAVING.setdefault(_word, set()).add(_place)


def _joined(text: str) -> str:
    """A text between spaces with one word for each phrase, those that come of others too."""
    told = text.split()
    found = _BEGINNING.keys() & {*told, *pairwise(told)}
    begun = {at for begins in found for at in _BEGINNING[begins]}
    places = sorted(begun)
    for done, at in enumerate(places, 1):
        phrase, word, its = _PHRASES[at]
        if phrase in text:
            text = text.replace(phrase, word)
            for each in its:
                for place in _HAVING.get(each, ()):
                    if place > at and place not in begun:
                        begun.add(place)
                        insort(places, place, done)
    return text


_GREAT = frozenset({"hundred", "thousand"})
_OF_ADDRESSES = compiled_later(
    r"://|www\.|[a-z0-9]@[a-z0-9]|\[[a-z]+:[a-z0-9]+\]"
)  # or a “[ref:1]”
_IN_ADDRESSES = ("://", "www.", "@", "[")
_BEFORE_ADDRESS = compiled_later(r"(?<=[.!?:;,)*])(?=https?://|www\.)")  # one glued to a sentence
_STOP = compiled_later(r"[,;:!?)][,;:!?)]*(?= )")  # hides the end of a phrase
_DRAWN = compiled_later(r"([a-z])\1{2,}")  # "sooo"
_MAY_BE_DRAWN = re2_compiled_later(
    "|".join(f"{letter}{{3}}" for letter in string.ascii_lowercase).encode()
)
# “Should he bark, call us.”
_INVERTED = compiled_later(
    r"((?:^|[.!?:;,]) )should (?=(?:you|he|she|it|this|that|they|we|any|your|the) )"
)
_JUST = compiled_later(r" just (?=\d)")
# No condition: “when I was a puppy”.
_WHEN_PAST = compiled_later(
    r" when (?=(?:[a-z]+ ){1,3}(?:was|were|had|did|came|got|died|[a-z]+ed) "
    r"|(?:saw|took|went|came|gave|knew|began|chose|wrote|did|were|was|had) )"  # mistyped for “we”
)
_DOUBLED = compiled_later(r" (\S+)(?= \1 )")
# No condition either: “if you would like to”, “if interested”, “if you have any questions”.
_IF_INVITED = compiled_later(
    r" if (?:(?:you|your|you're|you'd|youd|youre|ur|u) )?"
    r"(?:(?:are|be|would|really|also|do|think|feel) ){0,3}"
    r"(?=(?:int[a-z]+t(?:ed)?|like|love|want|wish|need|looking|considering|wondering"
    r"|have (?:(?:any|an|a|some|further|more|other) ){0,2}(?:questions?|interest)) )"
)
_GLUED_UNIT = compiled_later(r"\d(?=[a-z])")


_DENIED = {"ca": "can", "wo": "will", "sha": "shall", "ai": "is"}
_BARE = {
    "aint": "is", "arent": "are", "cant": "can", "couldnt": "could", "dosent": "does",
    "dosnt": "does", "didnt": "did", "doesnt": "does", "dont": "do", "hasnt": "has",
    "havent": "have", "isnt": "is", "shouldnt": "should", "wasnt": "was", "werent": "were",
    "wont": "will", "wouldnt": "would", "cannot": "can",
}  # fmt: skip
_SHORT = {"re": "are", "ve": "have", "ll": "will", "d": "would", "m": "am"}


_OTHERWISE = frozenset(_BARE) | frozenset(TYPED)


def _tokens(text: str) -> list[str]:
    told = _words(text)
    if "'" not in text and _OTHERWISE.isdisjoint(told):
        return told
    return list(_said(told))


def _said(told: Iterable[str]) -> Iterator[str]:
    """What words stand for: short forms are written out."""
    for word in told:
        if "'" not in word and word not in _BARE:
            yield TYPED.get(word, word)
        elif word.endswith("n't"):
            yield "not"
            yield _DENIED.get(word[:-3], word[:-3])
        elif word in _BARE:
            yield "not"
            yield _BARE[word]
        else:
            base, _, ending = word.partition("'")
            yield TYPED.get(base, base)
            if ending in _SHORT:
                yield _SHORT[ending]


def _words(text: str) -> list[str]:
    """Its words; those that stand for a phrase are joined by underscores."""
    if "_" not in text:
        return words_between(text)
    found: list[str] = []
    plain: list[str] = []
    for word in text.split():
        if "_" in word:
            found += (*words_between(" ".join(plain)), word.strip(".,;:!?()"))
            plain.clear()
        else:
            plain.append(word)
    return found + words_between(" ".join(plain))
