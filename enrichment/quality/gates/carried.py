"""What a source asks of the home, carried into a text that says what home is wanted. English."""

from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from functools import partial

from django.utils.translation import gettext_lazy as _

from enrichment.quality.findings import GateFinding, register_code
from enrichment.quality.gates.attestations import attestations
from enrichment.quality.gates.comparison import sentences
from enrichment.quality.gates.concepts import Concept, ConceptIndex, Text
from enrichment.quality.gates.contract import Checked, Gate, found_in_answer
from enrichment.quality.gates.said import LIMITED_BY_AGE, Said
from enrichment.quality.lexicon.attesting import HOMES, JOINERS

DROPPED_CONDITION = register_code(
    "dropped_condition",
    _("A condition of the home is missing"),
    "Name every condition that the text sets for the home, or leave the home out.",
)
# What makes an age of those that a sentence speaks of: “children over 7”.
_AGED = frozenset({"older", "over", "above", "younger", "under", LIMITED_BY_AGE})
# Where nobody knows, or where it matters to nobody, nothing is asked.
_ASKS_NOTHING = frozenset(
    """
    tested met know known sure unsure unknown idea comment mind minds bother bothers bothered
    problem problems issue issues trouble fazed phased afraid
    """.split()
)
HOME_WITHIN = 6  # pieces behind an adjective, others of the same home between
_BETWEEN = JOINERS | {"very", "more", "pretty", "rather", "fairly", "extra"}


@dataclass(frozen=True)
class HomeCondition:
    """Something that a source may ask of the home.

    `asked` are the words that it asks with, `told` those with which a text carries it. `denied`:
    only where the source denies it, or warns of it, as of cats; `aged`: where it has an age of
    theirs too; `beside`: words of which one has to stand in the sentence, empty for none;
    `of_home`: only where the words stand in front of a home, as in “a quiet, rural home”.
    """

    label: str
    asked: Concept
    told: Concept
    denied: bool = False
    aged: bool = False
    beside: AbstractSet[str] = frozenset()
    of_home: bool = False

    def is_asked_in(self, said: Said) -> bool:
        """Whether a sentence that has words of it asks for it."""
        if self.beside and self.beside.isdisjoint(said.pieces):
            return False
        places = said.places_where(self.asked)
        if self.of_home:
            stands_before = partial(
                said.stands_before, nouns=HOMES, within=HOME_WITHIN, between=_BETWEEN
            )
            places = list(filter(stands_before, places))
        if not self.denied:
            return any(not _is_denied(said, place) for place in places)
        if not _ASKS_NOTHING.isdisjoint(said.pieces):
            return False
        return (self.aged and not _AGED.isdisjoint(said.limits)) or any(
            said.denied[place] or said.warns(place) for place in places
        )


NEAR = 4  # words in front of one, none behind a comma, that may deny it


def _is_denied(said: Said, place: int) -> bool:
    return said.denied[place] and "," not in said.pieces[max(0, place - NEAR) : place]


def carried(
    conditions: Sequence[HomeCondition],
    field: str,
    wishes: AbstractSet[str] = frozenset(),
    company: AbstractSet[str] = frozenset(),
) -> Gate:
    """A gate for a field that says what home is wanted: it carries what the source asks of one.

    The adopter who reads of a suburban home has to read too that it must be one without cats.
    For a field that needs not speak of a home: `wishes`, words of which one has to stand in a
    sentence of it with a home, or of which one names other beings, `company`. Both are empty for
    a field that always does.
    """

    index = ConceptIndex([each.asked for each in conditions])

    def check(checked: Checked) -> GateFinding | None:
        text = checked.value.get(field) if isinstance(checked.value, Mapping) else None
        if not text or (checked.source_language or "en") != "en":
            return None
        if wishes and not any(_speaks_of(each, wishes, company) for each in sentences(text)):
            return None
        missing = list(_missing(conditions, index, checked.source, Text(text, "en")))
        if not missing:
            return None
        return found_in_answer(DROPPED_CONDITION, "The text asks of the home also", missing)

    return check


def _speaks_of(sentence: str, wishes: AbstractSet[str], company: AbstractSet[str]) -> bool:
    pieces = Said(sentence).pieces
    if not company.isdisjoint(pieces):
        return True
    return not HOMES.isdisjoint(pieces) and not wishes.isdisjoint(pieces)


def _missing(
    conditions: Sequence[HomeCondition], index: ConceptIndex, source: str, text: Text
) -> Iterator[str]:
    spoken_of: dict[int, list[Said]] = {}
    for said in attestations(source).said:
        if not said.is_fact and not said.asks:
            for at in index.spoken_of(said.read):
                spoken_of.setdefault(at, []).append(said)
    for at, its in sorted(spoken_of.items()):
        each = conditions[at]
        if not text.has(each.told) and any(map(each.is_asked_in, its)):
            yield each.label
