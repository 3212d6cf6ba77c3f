"""Words of a rewritten sentence that have only changed places, and so perhaps who does what.

English, as `gates.wording`, which asks.
"""

from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from functools import lru_cache

from enrichment.quality.gates.comparison import Sentence, is_content, stem
from enrichment.quality.gates.parted import letters
from enrichment.quality.gates.voice import doer_changed, other_voice
from enrichment.quality.lexicon.editing import DENYING, TURNS
from enrichment.quality.lexicon.exchanges import EXCHANGED
from enrichment.quality.lexicon.words import BEINGS, NEGATIVE, POSITIVE


def swapped(
    gone: Sequence[Sentence], added: Sequence[Sentence], differing: AbstractSet[str]
) -> str:
    """Whether two words of a kind have only changed places: “loves women but fears men”.

    Those that “and” or “or” joins may: “questions or interest”; so may words of two kinds, which
    took along what stands beside them. Where all stand in their order, whether “by” was left out
    between them.
    """
    before, after = _telling(gone), _telling(added)
    if len(before) != len(after):
        return ""
    by = "by" in differing
    if before == after:
        return "another one does it" if by and doer_changed(*_joined(gone, added)) else ""
    differ = [at for at, (one, other) in enumerate(zip(before, after, strict=True)) if one != other]
    if len(differ) != 2 or before[differ[0]] != after[differ[1]]:
        return ""
    if (
        differ[1] == differ[0] + 1 and differing & _JOINING
    ):  # “a home for Willow”, “a shelter in Ohio”
        return ""
    one, other = (before[at] for at in differ)
    if (
        _by_stem().get(one, _NONE) & _by_stem().get(other, _NONE)
        or (differ[1] == differ[0] + 1 and _are_beside(gone, one, other))
        or (by and other_voice(*_joined(gone, added)))
    ):
        return ""
    swaps = after[differ[0]] == other and _are_of_a_kind(added, one, other)
    return f"{one} and {other} have changed places" if swaps else ""


def _are_of_a_kind(sentences: Sequence[Sentence], one: str, other: str) -> bool:
    """Whether two stems are both of beings or names, or of words that turn what is said.

    Any others changed places together with their neighbours: “the right home and input”.
    """
    if {one, other} <= _STEMS["being"]:
        return True
    if {one, other} & _STEMS["praise"] and {one, other} & _STEMS["blame"]:
        return True
    if {one, other} <= _STEMS["turn"]:
        return True
    found = [word for each in sentences for word in letters(each.text)]
    names = {stem(each.lower()) for each in found if each[0].isupper()}
    return {one, other} <= names - {stem(each) for each in found if each[0].islower()}


_STEMS = {
    kind: frozenset(map(stem, words))
    for kind, words in (
        ("being", BEINGS),
        ("praise", POSITIVE),
        ("blame", NEGATIVE),
        ("turn", TURNS.keys()),
    )
}


def _are_beside(sentences: Sequence[Sentence], one: str, other: str) -> bool:
    """Whether nothing stands between two words that makes it matter which is the first."""
    told = [word for each in sentences for word in each.words]
    roots = [word if word in _CONTRASTING else stem(word) for word in told]
    first = roots.index(one)
    if other not in roots[first:]:
        return False
    return _CONTRASTING.isdisjoint(roots[first + 1 : roots.index(other, first)])


_CONTRASTING = (
    frozenset(
        "but than before after until instead unlike except from to over by of if when".split()
    )
    | DENYING
)
_NONE: frozenset[int] = frozenset()


@lru_cache(maxsize=1)
def _by_stem() -> Mapping[str, frozenset[int]]:
    """The groups of alike words by their stems."""
    found: dict[str, frozenset[int]] = {}
    for word, groups in EXCHANGED.items():
        found[stem(word)] = found.get(stem(word), _NONE) | groups
    return found


_JOINING = frozenset({"for", "to", "of", "in", "from", "at"})


def _telling(sentences: Sequence[Sentence]) -> list[str]:
    return [stem(word) for each in sentences for word in each.words if is_content(word)]


def _joined(*sides: Sequence[Sentence]) -> Iterator[str]:
    return (" . ".join(each.text for each in side) for side in sides)
