"""What a sentence says that the row is, or likes: lists of an answer name nothing else.

English; `attesting` asks. That a word stands in a source isn't enough for a list of traits or of
interests: “positive for heartworm” makes no positive dog, “take her on walks” no interest.
"""

from collections.abc import Sequence

from enrichment.quality.gates.comparison import is_content
from enrichment.quality.gates.said import Said
from enrichment.quality.lexicon.attesting import BE, JOINERS, OWN_NOUNS, SAYING
from enrichment.quality.lexicon.subjects import (
    BECOMES,
    COMPARING,
    DEGREES,
    DISLIKED,
    LIKED_BY_NEXT,
    LIKED_WITH,
    NOMINATIVES,
    PARTNERS,
)
from enrichment.quality.lexicon.words import CLAUSE_WORDS

PREDICATED_WITHIN = 7  # words from “is” to an adjective, others and degrees between
DOES_WITHIN = 4  # words from “he” to what he does
LIKED_BEHIND = 6  # words behind “leash walking” in which “great at” stands


def is_liked(said: Said, at: int) -> bool:
    """Whether the row likes what this place names, or does it."""
    pieces = said.pieces
    if pieces[at + 1 : at + 2] and pieces[at + 1] in PARTNERS:
        return True
    if _is_done(pieces, at):
        return True
    for back in range(at - 1, -1, -1):
        piece = pieces[back]
        if piece in CLAUSE_WORDS or piece in DISLIKED:
            return False
        if piece == "like" and _compares(pieces[:back]):
            return False
        if piece in LIKED_WITH or pieces[back + 1] in LIKED_BY_NEXT.get(piece, ()):
            return not said.denied[back] and not said.is_of_others(back)
    behind = pieces[at + 1 : at + 1 + LIKED_BEHIND]
    return "i'm" in behind and "at" in behind


def _compares(before: Sequence[str]) -> bool:
    """Whether “like” behind these words compares: “I'm like a big puppy”."""
    last = before[-1] if before else ""
    return last in BE or last in BECOMES or last in COMPARING or last.endswith(("'m", "'s", "'re"))


def _is_done(pieces: Sequence[str], at: int) -> bool:
    """Whether it is a verb that the row does, or a trait of who does: “plays”, “playful”."""
    piece = pieces[at]
    if piece.endswith(("ful", "uddly", "uggly", "ous", "ive")):
        return True
    if not piece.endswith("s") or piece.endswith("ss"):
        return False
    before = pieces[max(0, at - DOES_WITHIN) : at]
    return any(each in NOMINATIVES for each in before) or before[-1:] in ((), ("and",))


def is_trait(said: Said, at: int) -> bool:
    """Whether the row is said to be what this place says: “is happy”, “a happy boy”."""
    if said.pieces[at] in OWN_NOUNS:
        return True
    if _is_predicate(said.pieces, at):
        return True
    return said.stands_before(at, OWN_NOUNS, PREDICATED_WITHIN - 1)  # what a listing calls its dog


def _is_predicate(pieces: Sequence[str], at: int) -> bool:
    for back in range(at - 1, max(-1, at - PREDICATED_WITHIN), -1):
        piece = pieces[back]
        if piece in BE or piece in BECOMES or piece in SAYING:
            return True
        if not (piece in JOINERS or piece in DEGREES or is_content(piece) or piece.isdigit()):
            return False
    return at < PREDICATED_WITHIN
