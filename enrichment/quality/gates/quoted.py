"""Whether a sentence of a source says what an answer quotes it for: of the row, and undenied.

English; `attestations` has the sentences.
"""

from collections.abc import Set as AbstractSet

from enrichment.quality.gates.attestations import attestations
from enrichment.quality.gates.comparison import words
from enrichment.quality.gates.concepts import Concept
from enrichment.quality.gates.said import MAX_PLACES, Said, keys_of
from enrichment.quality.languages import guess


def is_said(
    source: str,
    quotation: str,
    concept: Concept,
    *,
    of_row: bool,
    beside: AbstractSet[str],
    near: int = 0,
) -> bool:
    """Whether a sentence with this quotation, or part of it, says a concept; of an English source.

    No question and no “or” says it. `of_row`: not of somebody else, not of the past, and without a
    limit. `beside`: words of which one has to stand in the sentence, `near` words from it at most
    where that isn't 0; empty for none.
    """
    if (guess(source) or "en") != "en":
        return True
    return bool(saying(source, quotation, concept, of_row=of_row, beside=beside, near=near))


def saying(
    source: str,
    quotation: str,
    concept: Concept,
    *,
    of_row: bool,
    beside: AbstractSet[str],
    near: int = 0,
) -> str:
    """The sentence for which `is_said` holds; blank for none."""
    wanted = " ".join(words(quotation))
    told = [each for each in attestations(source).said if each.read.has(concept)]
    quoted = [
        each
        for each in told
        if (own := " ".join(words(each.text))) and (wanted in own or own in wanted)
    ]
    found = (
        said.text
        for said in quoted or told
        if not said.asks
        and (not of_row or _is_of_row(said, concept))
        and any(_stands(said, place, beside, near) for place in said.places_where(concept))
    )
    return next(found, "")


def _stands(said: Said, place: int, beside: AbstractSet[str], near: int) -> bool:
    """Whether the words that are wanted beside a place stand there, and no “or” follows it."""
    if said.pieces[place + 1 : place + 2] == ("or",):
        return False
    around = said.pieces[max(0, place - near) : place + near + 1] if near else said.pieces
    return not beside or not beside.isdisjoint(around)


def _is_of_row(said: Said, concept: Concept) -> bool:
    return any(
        not said.limits_of(place)
        and not said.is_of_others(place)
        and not said.is_past(place)
        and not said.is_verb(place)
        and not said.warns(place)
        for place in said.places_where(concept)
    )


def is_denied(source: str, quotation: str) -> bool:
    """Whether each sentence of an English source that has a quotation denies it.

    “Tested negative for heartworms” denies heartworms; what the quotation denies itself doesn't
    count, nor does what it is tested for or vaccinated against: “heartworm preventative”.
    """
    found, length = _quoted(source, quotation)
    return bool(found) and all(
        said.denies(at, length) or said.is_prevented(at + length) for said, at in found
    )


def is_of_another(source: str, quotation: str, *, is_age: bool = False) -> bool:
    """Whether each sentence of an English source that has a quotation says it of another.

    Of a sister, say; an `is_age` also of children, of the row's puppies, or of a time that is over.
    """
    found, _ = _quoted(source, quotation)
    is_mother = is_age and any(each.has_young for each in attestations(source).said)
    return bool(found) and all(
        said.is_of_others(at)
        or said.is_beside(at)
        or (is_age and said.is_another_age(at))
        or (is_mother and said.is_of_young(at))
        for said, at in found
    )


def _quoted(source: str, quotation: str) -> tuple[list[tuple[Said, int]], int]:
    """The sentences that have a quotation, with its places, and the words that it has."""
    wanted = Said(quotation).pieces
    if not wanted:
        return [], 0
    found = [
        (said, at)
        for said in attestations(source).said
        for at in said.places_of(keys_of(wanted[0]))[:MAX_PLACES]
        if said.pieces[at : at + len(wanted)] == wanted
    ]
    return found, len(wanted)
