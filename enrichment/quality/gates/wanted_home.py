"""A text that says what home is wanted: plainly what the source says of it. English."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from functools import cached_property, lru_cache

from enrichment.quality.findings import GateFinding
from enrichment.quality.gates.attestations import MAX_SOURCES, attestations
from enrichment.quality.gates.carried import DROPPED_CONDITION
from enrichment.quality.gates.comparison import is_content
from enrichment.quality.gates.concepts import Concept, ConceptIndex, Text
from enrichment.quality.gates.contract import Checked, Gate, found_in_answer
from enrichment.quality.gates.evidence import NO_EVIDENCE
from enrichment.quality.gates.said import Said, keys_of
from enrichment.quality.lexicon.attesting import HOMES

# Who is met or was there before is no wanted home by this word alone: “good with people”.
_NOT_ALONE = frozenset("people person environment individual".split())
# One of them is in any text that says what home is wanted.
_PLACED = HOMES | frozenset(
    "yard fence fenced couch companion companions buddy sibling no without".split()
)


@dataclass(frozen=True)
class HomeWords:
    """How a table's texts speak of a wanted home, in lower case.

    `framing` claims nothing of it; `wishes` and `demands` make a sentence about a home one about
    the wanted home, and one that sets it conditions; `conditions` are what may be set.
    """

    framing: AbstractSet[str]
    wishes: AbstractSet[str]
    demands: AbstractSet[str]
    conditions: Sequence[Concept]

    @cached_property
    def free(self) -> frozenset[str]:
        """Words that may stand in the text whatever the source says."""
        return frozenset(self.framing | HOMES) - _NOT_ALONE

    @cached_property
    def index(self) -> ConceptIndex:
        return ConceptIndex(self.conditions)


@dataclass(frozen=True)
class _Source:
    """A source by what it says of the wanted home, read as far as somebody asks."""

    said: tuple[Said, ...]
    home: HomeWords

    @cached_property
    def _wanted(self) -> list[Said]:
        of_home = (each for each in self.said if not HOMES.isdisjoint(each.pieces))
        return [each for each in of_home if not self.home.wishes.isdisjoint(each.pieces)]

    @cached_property
    def keys(self) -> frozenset[str]:
        """What the words about the wanted home are found by."""
        return _keys(self._wanted)

    @cached_property
    def bare_keys(self) -> frozenset[str]:
        """The same of sentences that set a condition without a word of a home: “no cats”."""
        demands, index = self.home.demands, self.home.index
        strict = (
            each for each in self.said if not demands.isdisjoint(each.pieces) or any(each.denied)
        )
        return _keys(each for each in strict if index.spoken_of(each.read))

    @cached_property
    def asked(self) -> list[Concept]:
        """The conditions that it demands of the home."""
        demands, index = self.home.demands, self.home.index
        strict = (each for each in self._wanted if not demands.isdisjoint(each.pieces))
        found = {at for each in strict for at in index.spoken_of(each.read)}
        return [self.home.conditions[at] for at in sorted(found)]


def plainly_wanted(field: str, home: HomeWords) -> Gate:
    """A gate for a field that says what home is wanted: nothing else, and no condition less.

    Its words have to stand in sentences about the wanted home, or in those that set a condition.
    What of the conditions the source demands of the home, it has to speak of too: stricter than
    `carried`, which knows for each how it is asked for.
    """

    @lru_cache(maxsize=MAX_SOURCES)
    def read(source: str) -> _Source:
        return _Source(tuple(each for each in attestations(source).said if not each.is_fact), home)

    def check(checked: Checked) -> GateFinding | None:
        text = checked.value.get(field) if isinstance(checked.value, Mapping) else None
        if not text or (checked.source_language or "en") != "en":
            return None
        if _PLACED.isdisjoint(Said(text).pieces):
            return GateFinding(NO_EVIDENCE, "It names no home, family or person that is wanted.")
        source = read(checked.source)
        strange = list(_strange(text, home.free | _named(checked), source))
        if strange:
            what = "No sentence about the wanted home says"
            return found_in_answer(NO_EVIDENCE, what, strange)
        told = Text(text, "en")
        missing = [each.label for each in source.asked if not told.has(each)]
        return found_in_answer(DROPPED_CONDITION, "The text asks of the home also", missing)

    return check


def _named(checked: Checked) -> frozenset[str]:
    """The words of the row's name."""
    return frozenset(Said(str(checked.columns.get("name", ""))).pieces)


def _keys(sentences: Iterable[Said]) -> frozenset[str]:
    return frozenset[str]().union(*(keys for each in sentences for keys in each.keys))


def _strange(text: str, free: AbstractSet[str], source: _Source) -> Iterator[str]:
    """The words of the text that no sentence about the home has in any form."""
    for piece in Said(text).pieces:
        if piece not in free and is_content(piece):
            keys = keys_of(piece)
            if source.keys.isdisjoint(keys) and source.bare_keys.isdisjoint(keys):
                yield piece
