"""The sentences of a source by what they say: with their limits and denials, and of whom.

English. What may be claimed of a row is looked up here; see `attesting`.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache

from enrichment.quality.gates.comparison import sentences, words
from enrichment.quality.gates.concepts import ConceptIndex
from enrichment.quality.gates.said import Said
from enrichment.quality.gates.subjects import (
    of_others,
    others_by_name,
)
from enrichment.quality.patterns import compiled_later

MAX_SENTENCES = 500  # of a source, with one word
MAX_SOURCES = 64  # whose sentences are kept: the parts of one answer have one source
_FACT = compiled_later(r"(?P<said>[^:;]{1,60}): (?P<value>yes|no)\Z")
_FACT_ENDS = compiled_later(r";\s*(?=[^;:]{1,60}: )")
_OF_ADDRESS = compiled_later(
    r"://|www\.|[a-z0-9]@[a-z0-9]|[a-z0-9]\.(?:com|org|net)\b", re.IGNORECASE
)


@dataclass(frozen=True)
class Attestations:
    """The sentences of a source, by the keys of their words."""

    said: tuple[Said, ...]

    @cached_property
    def by_key(self) -> dict[str, list[int]]:
        found: dict[str, list[int]] = {}
        for at, each in enumerate(self.said):
            for key in frozenset[str]().union(*each.keys):
                places = found.setdefault(key, [])
                if len(places) < MAX_SENTENCES:
                    places.append(at)
        return found

    @cached_property
    def _speaking(self) -> dict[ConceptIndex, dict[int, list[int]]]:
        return {}

    def speaking_of(self, index: ConceptIndex, concept: int) -> Sequence[int]:
        """The places of the sentences that speak of a concept, by its place in an index."""
        found = self._speaking.get(index)
        if found is None:
            found = self._speaking[index] = {}
            for at, each in enumerate(self.said):
                for its in index.spoken_of(each.read):
                    found.setdefault(its, []).append(at)
        return found.get(concept, ())

    @cached_property
    def whole(self) -> frozenset[str]:
        """Its statements word by word, in which one that was copied is found."""
        plain = (
            each
            for each in self.said
            if not each.is_fact and not each.asks and not (each.of_another and each.goes_on)
        )
        return frozenset(" ".join(words(each.text)) for each in plain)


@lru_cache(maxsize=MAX_SOURCES)
def attestations(source: str) -> Attestations:
    """The sentences of a source; of a line of facts (“size: Large; good with cats: no”) each."""
    found = []
    for line in without_addresses(source).split("\n"):
        for part in _FACT_ENDS.split(line):
            fact = _FACT.match(part.strip())
            if fact is not None:
                found.append(Said(fact["said"], fact["value"] == "no", is_fact=True))
            else:
                found += [Said(each) for each in with_their_ends(part)]
    names = others_by_name(source)
    if names:
        told = of_others((each.pieces for each in found), names)
        found = [
            replace(said, of_another=True) if other else said
            for said, other in zip(found, told, strict=True)
        ]
    return Attestations(tuple(found))


def without_addresses(text: str) -> str:
    """A text without e-mail and web addresses, whose parts say nothing: “homewardtrails”."""
    if not _OF_ADDRESS.search(text):
        return text
    return "\n".join(
        " ".join(word for word in line.split(" ") if not _OF_ADDRESS.search(word))
        for line in text.split("\n")
    )


def with_their_ends(text: str) -> Iterator[str]:
    """The sentences of a text; of a question with its mark."""
    at = 0
    for each in sentences(text):
        at = text.find(each, at) + len(each)
        yield f"{each}?" if text[at : at + 1] == "?" else each
