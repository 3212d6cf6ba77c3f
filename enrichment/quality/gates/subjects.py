"""Of whom and of what time a sentence speaks: of the row, its home, its kind, another by name.

English. `pieces` are a sentence's words and signs in lower case, `at` a place among them.
`attestations` asks. Linear in the sentence's length.
"""

from collections.abc import Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from itertools import pairwise

from enrichment.quality.gates.comparison import is_content
from enrichment.quality.lexicon.attesting import ARTICLES, JOINERS, OWN_NOUNS
from enrichment.quality.lexicon.subjects import (
    ANOTHERS,
    ASKED_FOR,
    BESIDE,
    COMPANIONS,
    DEGREES,
    DEMANDING,
    GOES_ON,
    HAPPENING,
    HAVING,
    KIN,
    KIND,
    KIND_VERBS,
    LEADING,
    NOMINATIVES,
    OF_A_NAME,
    OWN_PLURALS,
    PERSONS,
    PLURAL_VERBS,
    TO_COME,
)
from enrichment.quality.patterns import compiled_later

DEMANDED_WITHIN = 8  # words between “looking for” and “family”
DESCRIBED_WITHIN = 5  # words between an adjective and whom it describes, or its verb
KIND_WITHIN = 6  # words in which a sentence names the kind that it speaks of
TITLE = 6  # words at most of a first line that names the row
NAMED_WITHIN = 3  # words between “sister” and her name
_WORD = compiled_later(r"[^\W\d_]+(?:['’][^\W\d_]+)?|[,.!?;:\n]")  # noqa: RUF001


def is_of_the_home(pieces: Sequence[str], at: int) -> bool:
    """Whether it is said of the home that is wanted: “someone with time, energy and patience”."""
    if not OWN_NOUNS.isdisjoint(_described_by(pieces, at)):
        return False
    for back in range(at - 1, -1, -1):
        piece = pieces[back]
        if piece in NOMINATIVES or (piece in GOES_ON and pieces[back - 1] in _GOING_ON):
            return False
        if piece not in ASKED_FOR:
            continue
        if pieces[back + 1] in LEADING or (piece in PERSONS and pieces[back + 1] in HAVING):
            return True
        before = pieces[max(0, back - DEMANDED_WITHIN) : back]
        if not DEMANDING.isdisjoint(before) or "would love" in " ".join(before):
            return True
    return False


def _described_by(pieces: Sequence[str], at: int) -> Iterator[str]:
    """The words from an adjective on to what it describes, and a little further."""
    for piece in pieces[at + 1 : at + DESCRIBED_WITHIN]:
        if piece not in JOINERS and piece != "but" and not is_content(piece):
            return
        yield piece


_GOING_ON = frozenset({"and", ",", "but"})


def is_of_a_kind(pieces: Sequence[str], at: int) -> bool:
    """Whether it is said of a breed, or of all of a kind: “labs are active”."""
    for place in range(at - 1, 0, -1):
        if pieces[place] in NOMINATIVES:
            return False
        if pieces[place] in KIND_VERBS and pieces[place - 1] in KIND:
            return True
    return _kind_until(pieces) <= at


def _kind_until(pieces: Sequence[str]) -> int:
    """Behind which place a sentence that begins with a bare plural speaks of its kind."""
    for place in range(1, min(KIND_WITHIN, len(pieces))):
        piece, noun = pieces[place], pieces[place - 1]
        if piece in PLURAL_VERBS and noun.endswith("s") and not noun.endswith(("ss", "'s")):
            before = pieces[:place]
            known = {*before} & (OWN_PLURALS | ARTICLES | NOMINATIVES | _POSSESSIVES)
            return len(pieces) if known or "and" in before else place
        if not is_content(piece):
            break
    return len(pieces)


_POSSESSIVES = frozenset("his her my its their our your".split())


def is_of_a_companion(pieces: Sequence[str], at: int) -> bool:
    """Whether it describes another animal beside the row: “with a confident female dog”."""
    for back in range(at - 1, max(0, at - DESCRIBED_WITHIN), -1):
        piece = pieces[back]
        if piece in ANOTHERS:
            if piece not in _OTHER and pieces[back - 1] not in BESIDE:
                return False
            break
        if piece not in JOINERS and not is_content(piece):
            return False
    else:
        return False
    return not COMPANIONS.isdisjoint(_described_by(pieces, at))


_OTHER = frozenset({"another", "other"})


def is_to_come(pieces: Sequence[str], at: int) -> bool:
    """Whether it is only to come, or might: “will be neutered and up to date”."""
    if ("being", "trained") in pairwise(pieces[:at]):
        return True
    for back in range(at - 1, max(0, at - DESCRIBED_WITHIN), -1):
        if pieces[back] in HAPPENING:
            return not TO_COME.isdisjoint(pieces[max(0, back - 2) : back])
        if not (pieces[back] in JOINERS or pieces[back] in DEGREES or is_content(pieces[back])):
            return False
    return False


def others_by_name(source: str) -> frozenset[str]:
    """The names, in lower case, of others than the row, whom a short first line names."""
    title, _, text = source.partition("\n")
    own = frozenset(title.lower().split()) if len(title.split()) <= TITLE else frozenset[str]()
    found = _WORD.findall(text)
    return frozenset(
        name.lower()
        for at, name in enumerate(found)
        if name[0].isupper()
        and name.lower() not in own
        and found[at - 1 : at] not in (["."], ["!"], ["?"], ["\n"])
        and not KIN.isdisjoint(map(str.lower, found[max(0, at - NAMED_WITHIN) : at]))
        and not _ENDING.search("".join(found[max(0, at - NAMED_WITHIN) : at]))
    )


_ENDING = compiled_later(r"[.!?;:\n]")


def of_others(sentences: Iterable[Sequence[str]], names: AbstractSet[str]) -> list[bool]:
    """Of each sentence, whether it speaks of another by name, or goes on to by pronoun."""
    found, other = [], False
    for pieces in sentences:
        first, second = (*pieces[:2], "", "")[:2]
        name = first.removesuffix("'s")
        if name in names:
            other = second in OF_A_NAME or name != first
        elif first not in NOMINATIVES:
            other = False
        found.append(other)
    return found
