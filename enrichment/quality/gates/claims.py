"""What the words of an answer claim: which claim nothing, and what has to speak for the others."""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from functools import cached_property

from enrichment.quality.gates.comparison import stem
from enrichment.quality.gates.concepts import Concept, ConceptIndex
from enrichment.quality.lexicon.attesting import (
    BEINGS,
    FITTED,
    NO_FORMS,
    PLAIN_FRAMES,
    TOWARDS,
)
from enrichment.quality.lexicon.subjects import FOR_WHOSE, KINSFOLK

TOWARDS_WITHIN = 6  # words between “with” and “dogs”
NEAR = 4  # words in which “dog” stands in front of “friendly”
NO_NAMES = frozenset[str]()


@dataclass(frozen=True)
class Fields:
    """What an answer's fields are about: the `home` that is wanted, lists of `traits`, `likings`.

    Names of fields; in all others anything may be said.
    """

    home: AbstractSet[str] = NO_NAMES
    traits: AbstractSet[str] = NO_NAMES
    likings: AbstractSet[str] = NO_NAMES


NO_FIELDS = Fields()


@dataclass(frozen=True)
class Claims:
    """What is known of a table's words: `framing` claim nothing, `concepts` have their grounds."""

    framing: AbstractSet[str]
    concepts: Sequence[Concept]
    fields: Fields

    @cached_property
    def index(self) -> ConceptIndex:
        """What a source has to speak of for the concepts."""
        return ConceptIndex([each.grounds or each for each in self.concepts])

    @cached_property
    def grounds(self) -> dict[str, int]:
        """What a source has to speak of for a claim, by the key of the claim's word."""
        return {
            key(word): at
            for at, concept in enumerate(self.concepts)
            for word in concept.words["en"].split()
        }

    def ground_of(self, word: str) -> Concept | None:
        """What a source has to speak of for this word; None for a word that isn't known."""
        at = self.grounds.get(key(word))
        return None if at is None else self.index.concepts[at]


def is_for_relatives(pieces: Sequence[str]) -> bool:
    """Whether a home is looked for another: “a home for her pups”."""
    return any(
        (first, second) in FOR_WHOSE and third in KINSFOLK
        for first, second, third in zip(pieces, pieces[1:], pieces[2:], strict=False)
    )


def is_of_a_being(pieces: Sequence[str], at: int) -> bool:
    """Whether a word tells with whom: “dog friendly”, “good with dogs”."""
    return is_with_whom(pieces, at) or pieces[at + 1 : at + 2] in _FITTED


def is_with_whom(pieces: Sequence[str], at: int) -> bool:
    """Whether it is a being that something is said with: “good with dogs”."""
    return pieces[at] in BEINGS and "with" in pieces[max(0, at - NEAR) : at]


def is_towards(pieces: Sequence[str], at: int) -> bool:
    """Whether something is said towards it."""
    return not TOWARDS.isdisjoint(pieces[max(0, at - TOWARDS_WITHIN) : at])


def key(word: str) -> str:
    """What a claim's word is known by: its stem, or itself where other forms say something else."""
    return word if word in NO_FORMS else stem(word)


_FITTED = frozenset((each,) for each in FITTED)


def framed(pieces: Sequence[str]) -> frozenset[int]:
    """The places of words that belong to a frame: “a loving home”."""
    return frozenset(
        place
        for at in range(len(pieces) - 1)
        if (pieces[at], pieces[at + 1]) in PLAIN_FRAMES
        for place in (at, at + 1)
    )
