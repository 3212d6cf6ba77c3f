"""The words of listed concepts, ready to be looked up in a text; `gates.concepts` asks."""

from collections.abc import Callable, Iterable

import re2
from msgspec import Struct

from enrichment.quality.disguises import searches

_PUNCTUATION = '.,;:!?()[]"*/-'
_TYPOGRAPHIC = "“”„«»–—¿¡…"  # noqa: RUF001
_BESIDE_PUNCTUATION = bytes.maketrans(_PUNCTUATION.encode(), b" " * len(_PUNCTUATION))


def parted(text: str) -> list[str]:
    """Its parts between spaces and punctuation."""
    if not text.isascii():
        for each in _TYPOGRAPHIC:
            text = text.replace(each, " ")
    return (
        text.encode(errors="surrogatepass")
        .translate(_BESIDE_PUNCTUATION)
        .decode(errors="surrogatepass")
        .split()
    )


class Forms(Struct, frozen=True):
    """A concept's words in one language."""

    whole: frozenset[str]
    beginnings: tuple[str, ...]
    phrases: tuple[str, ...]
    joined: frozenset[str]  # the phrases, each as one word

    @property
    def signs(self) -> tuple[str, ...]:
        """What is looked for in a text without spaces."""
        return (*self.whole, *self.beginnings, *self.phrases)

    @classmethod
    def of(cls, words: Iterable[str]) -> "Forms":
        """Words as a concept has them."""
        words = list(words)
        beginnings = tuple(each[:-1] for each in words if "_" not in each and each.endswith("*"))
        phrases = tuple(each.replace("_", " ") for each in words if "_" in each or "-" in each)
        return cls(
            frozenset(each for each in words if "_" not in each and not each.endswith("*")),
            beginnings,
            phrases,
            frozenset(each.replace(" ", "_") for each in phrases),
        )

    def match(self, word: str) -> bool:
        """Whether a single word is one of them."""
        return word in self.whole or (bool(self.beginnings) and word.startswith(self.beginnings))

    def match_part(self, word: str) -> bool:
        """Whether a part of a word with hyphens or strokes is one of them."""
        return any(map(self.match, word.replace("/", "-").split("-")))


class LanguageWords(Struct, frozen=True):
    """The words of one language, with the places of their concepts."""

    whole: dict[str, tuple[int, ...]]
    beginnings: dict[str, list[tuple[str, int]]]  # by their first two letters
    phrases: Callable[[bytes], list[int] | None]  # those that a text has, by their numbers
    of_phrases: list[int]
    known: dict[str, tuple[int, ...]]  # the places of words that were looked up

    def look_up(self, word: str) -> tuple[int, ...]:
        """The places of the concepts that a word is one of."""
        places = self.whole.get(word, ())
        places += tuple(
            at for start, at in self.beginnings.get(word[:2], ()) if word.startswith(start)
        )
        if len(word) <= MAX_KNOWN_LETTERS:
            if len(self.known) >= MAX_KNOWN:
                self.known.clear()
            self.known[word] = places
        return places

    @classmethod
    def of(cls, forms: Iterable[Forms | None]) -> "LanguageWords":
        """Of concepts' forms in their order, None where one has no words in this language."""
        whole: dict[str, tuple[int, ...]] = {}
        beginnings: dict[str, list[tuple[str, int]]] = {}
        phrases: list[tuple[str, int]] = []
        for at, its in enumerate(forms):
            if its is None:
                continue
            for word in its.whole:
                whole[word] = (*whole.get(word, ()), at)
            for beginning in its.beginnings:
                beginnings.setdefault(beginning[:2], []).append((beginning, at))
            phrases.extend((phrase, at) for phrase in its.phrases)
        found = searches(*(re2.escape(phrase).encode() for phrase, _ in phrases))
        return cls(whole, beginnings, found if phrases else _none, [at for _, at in phrases], {})


def _none(_text: bytes) -> None:
    """What a search for no phrases finds."""


MAX_KNOWN, MAX_KNOWN_LETTERS = 50_000, 40  # words, and letters of one
