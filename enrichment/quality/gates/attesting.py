"""Texts that are written from a source: what they claim, a sentence of it has to say.

English. An answer is read as claims: runs of words that carry meaning. Each run has to stand in one
sentence of the source, or one of the row's facts, in this order, in some form or as a concept that
the table lists. Denials and limits of that sentence come along, and what it says of somebody else,
in the past, or as a question attests nothing. So words that the source has can't be joined to
something that nobody said. What can't be attested is held, also where it is true.
"""

from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext_lazy as _

from enrichment.quality.findings import GateFinding, register_code
from enrichment.quality.gates.attestations import (
    Attestations,
    attestations,
    with_their_ends,
    without_addresses,
)
from enrichment.quality.gates.claims import (
    NO_FIELDS,
    NO_NAMES,
    Claims,
    Fields,
    framed,
    is_for_relatives,
    is_of_a_being,
    is_towards,
    is_with_whom,
    key,
)
from enrichment.quality.gates.comparison import is_content, words
from enrichment.quality.gates.concepts import Concept
from enrichment.quality.gates.contract import Checked, Gate, found_in_answer
from enrichment.quality.gates.evidence import NO_EVIDENCE
from enrichment.quality.gates.likings import is_liked, is_trait
from enrichment.quality.gates.rewriting import INVENTED
from enrichment.quality.gates.said import GOVERNORS, Said, keys_of, speaks
from enrichment.quality.lexicon.attesting import (
    BEINGS,
    BREAKS,
    FITTED,
    NARROWING,
    PAST_VERBS,
    PRONOUNS,
    SAYING,
)
from enrichment.quality.lexicon.editing import COUNTS

MOVED = register_code(
    "said_of_another",
    _("Said of somebody else"),
    "Say of the dog only what the text says of the dog, not of its family, mother or home.",
)
MAX_ATTESTED = 4_000  # characters of an answer; a sentence has at most MAX_CLAIMS words of meaning
MAX_CLAIMS = 60
MAX_SHORT = 2  # claims of a text that says something by itself: “small”
NEAR = 4  # words in which “dog” stands in front of “friendly”
MAX_LOOKED_AT = 50  # sentences of the source that have a run's words


def attested(
    framing: AbstractSet[str],
    concepts: Sequence[Concept],
    decided: Mapping[str, AbstractSet[str]],
    fields: Fields = NO_FIELDS,
) -> Gate:
    """A gate for texts that are written from a source: each claim needs a sentence that says it.

    `framing` are words that such a text is written with and that claim nothing in a sentence;
    `concepts` are claims whose `grounds` speak for them in other words. `decided` are words by the
    column that alone attests them where they stand for themselves, such as sizes. `fields` says
    which fields of an answer are about what.
    """
    claims = Claims(framing, concepts, fields)

    def check(checked: Checked) -> GateFinding | None:
        if sum(map(len, checked.texts)) > MAX_ATTESTED:
            long = f"over {MAX_ATTESTED:,} characters"
            return found_in_answer(NO_EVIDENCE, "Too long to be looked up in the source", [long])
        known = attestations(checked.source)
        free = _of_columns(checked)
        objections: dict[str, list[str]] = {}
        for field, text in _by_field(checked):
            for sentence in with_their_ends(without_addresses(text)):
                # A column's word is no liking: a shepherd's is no “shepherding”.
                own = NO_NAMES if field in fields.likings else free
                reader = _Reader(Said(sentence), known, claims, own, field)
                code = reader.objection() or reader.against(decided, checked.columns)
                if code:
                    objections.setdefault(code, []).append(sentence)
        for code, what in _WHAT:
            if code in objections:
                return found_in_answer(code, what, objections[code])
        return None

    return check


_WHAT = (
    (INVENTED, "Not in the source"),
    (MOVED, "The source says it of somebody else, or of another time"),
    (NO_EVIDENCE, "No sentence of the source says so"),
)


def _by_field(checked: Checked) -> Iterator[tuple[str, str]]:
    """The texts of an answer with their fields; blank where it has none."""
    if not isinstance(checked.value, Mapping):
        yield from (("", text) for text in checked.texts)
        return
    for name, value in checked.value.items():
        texts = value if isinstance(value, list) else [value]
        yield from ((name, text) for text in texts if isinstance(text, str))


def _of_columns(checked: Checked) -> frozenset[str]:
    """The keys of the words in the row's columns of text: a breed, a sex, a size."""
    texts = [value for value in checked.columns.values() if isinstance(value, str)]
    return frozenset().union(*(keys_of(word) for text in texts for word in words(text)), ())


@dataclass(frozen=True)
class _Reader:
    """One sentence of an answer beside the sentences of its source."""

    sentence: Said
    known: Attestations
    claims: Claims
    free: frozenset[str]
    field: str = ""

    def objection(self) -> str:
        """The code of what is wrong with it; blank where all is attested."""
        if " ".join(words(self.sentence.text)) in self.known.whole:
            return ""
        if self.field in self.claims.fields.home and is_for_relatives(self.sentence.pieces):
            return MOVED
        claimed = self._claimed()
        if len(claimed) > MAX_CLAIMS:
            return NO_EVIDENCE
        at = 0
        while at < len(claimed):
            runs = self._runs(claimed, at)
            end = next((end for end in runs if not self._missing(claimed[at:end])), 0)
            if not end:
                return self._missing(claimed[at : runs[-1]])
            at = end
        return ""

    def against(self, decided: Mapping[str, AbstractSet[str]], columns: Mapping[str, Any]) -> str:
        """The code of a short claim that a column decides in another way; blank for none."""
        claimed = self._claimed()
        said = {self.sentence.pieces[at] for at in claimed}
        if len(claimed) > MAX_SHORT:
            return ""
        found = (column for column, its in decided.items() if not its.isdisjoint(said))
        return NO_EVIDENCE if any(columns.get(column) for column in found) else ""

    def _claimed(self) -> list[int]:
        """The places of words that claim something."""
        pieces = self.sentence.pieces
        content = [
            at
            for at, piece in enumerate(pieces)
            if piece[0].isdigit() or piece in COUNTS or is_content(piece)
        ]
        content = [
            at
            for at in content
            if pieces[at] in BEINGS or self.free.isdisjoint(self.sentence.keys[at])
        ]
        in_frames = framed(pieces)
        claimed = [
            at
            for at in content
            if at not in in_frames
            and (pieces[at] not in self.claims.framing or is_of_a_being(pieces, at))
        ]
        # A frame that stands alone says something: “great”, though not “a loving home”.
        return claimed or [at for at in content if at not in in_frames]

    def _runs(self, claimed: Sequence[int], first: int) -> list[int]:
        """Where a run of claims that begins here may end, the longest first."""
        ends = [len(claimed)]
        for end in range(len(claimed) - 1, first, -1):
            between = self.sentence.pieces[claimed[end - 1] + 1 : claimed[end]]
            if not BREAKS.isdisjoint(between):
                ends.append(end)
        return ends

    def _missing(self, run: Sequence[int]) -> str:
        """Why no sentence of the source attests a run of claims; blank where one does."""
        governor = self._governor(run[0]) if len(run) == 1 else frozenset()
        found = [self._places_of(at) for at in run]
        if not all(found):
            return INVENTED
        places = set.intersection(*found)
        worst = NO_EVIDENCE
        for place in sorted(places)[:MAX_LOOKED_AT]:
            said = self.known.said[place]
            objection = self._objection_to(said, run, governor)
            if not objection and said.is_fact:
                whole = self._says_all(said, run, governor)
                objection = NO_EVIDENCE if not whole or self._is_limited(run) else ""
            if not objection:
                return ""
            worst = MOVED if objection == MOVED else worst
        return worst

    def _says_all(self, fact: Said, run: Sequence[int], governor: frozenset[str]) -> bool:
        """Whether a run says all of a fact: “house trained: yes” tells of no training."""
        others = set(self._claimed()) - set(run)
        told = (keys for at, keys in enumerate(self.sentence.keys) if at not in others)
        own = governor.union(*told)
        return all(
            not own.isdisjoint(keys)
            for piece, keys in zip(fact.pieces, fact.keys, strict=True)
            if is_content(piece)
        )

    def _is_limited(self, run: Sequence[int]) -> bool:
        """Whether the text limits what a fact says without limits: “kids over 7, please”."""
        if any(self._is_narrowed(piece) for piece in self.sentence.pieces if piece in BEINGS):
            return True
        keys = [self.sentence.keys[at] for at in run if not self.sentence.keys[at] & GOVERNORS]
        return any(
            not said.is_fact and said.limits_of(where) - self.sentence.limits
            for each in keys
            for place in frozenset[int]().union(*(self.known.by_key.get(key, ()) for key in each))
            for said in (self.known.said[place],)
            for where in said.places_of(each)
        )

    def _is_narrowed(self, being: str) -> bool:
        """Whether the text says it of some of these beings: “good with big dogs”."""
        return any(
            said.pieces[where] == being
            and said.pieces[where - 1] in NARROWING
            and said.pieces[where - 1] not in self.sentence.pieces
            for key in keys_of(being)
            for place in self.known.by_key.get(key, ())
            for said in (self.known.said[place],)
            for where in said.places_of({key})
        )

    def _places_of(self, at: int) -> set[int]:
        """The source's sentences that have a word, or speak for the concept that it claims."""
        by_key = self.known.by_key
        found = {place for key in self.sentence.keys[at] for place in by_key.get(key, ())}
        concept = self.claims.grounds.get(key(self.sentence.pieces[at]))
        if concept is not None:
            found.update(self.known.speaking_of(self.claims.index, concept))
        return found

    def _ground(self, at: int) -> Concept | None:
        return self.claims.ground_of(self.sentence.pieces[at])

    def _governor(self, at: int) -> frozenset[str]:
        """Of “loves dogs and cats”, what “cats” hangs on; of “cats” alone any such word."""
        pieces = self.sentence.pieces
        if self.sentence.keys[at] & GOVERNORS:
            return frozenset()
        for piece in reversed(pieces[:at]):
            if piece in SAYING or piece in PRONOUNS:
                return frozenset()
            if keys_of(piece) & GOVERNORS:
                return keys_of(piece)
        return GOVERNORS if pieces[at] in BEINGS else frozenset()

    def _objection_to(self, said: Said, run: Sequence[int], governor: frozenset[str]) -> str:
        """Why this sentence of the source doesn't say what a run of claims says."""
        if self._is_turned(said, run, governor):
            return NO_EVIDENCE
        start = 0
        for at in run:
            places = self._places_in(said, at, start)
            if not places:
                return NO_EVIDENCE
            here = [place for place in places if not self._is_elsewhere(said, place, at)]
            if here and at == run[0] and not self._is_in_its_list(said, here, run):
                return NO_EVIDENCE
            if not here:
                return MOVED
            if here[0] >= 0:
                start = here[0] + 1
        return ""

    def _is_turned(self, said: Said, run: Sequence[int], governor: frozenset[str]) -> bool:
        """Whether a sentence asks, or lacks what a claim hangs on, or turns a liking by “but”."""
        if said.asks and not self.sentence.asks:
            return True
        if governor and not any(governor & each for each in said.keys):
            return True
        is_liking = governor or any(GOVERNORS & self.sentence.keys[at] for at in run)
        turns = "but" in said.pieces and "but" not in self.sentence.pieces
        return bool(is_liking) and turns

    def _is_in_its_list(self, said: Said, places: Sequence[int], run: Sequence[int]) -> bool:
        """Whether one of these places says what the answer's list is a list of."""
        fields = self.claims.fields
        if said.is_fact or places[0] < 0:
            return True
        if self.field in fields.likings:
            return any(is_liked(said, place) for place in places)
        if self.field not in fields.traits or len(run) > 1 or self._is_known(run[0]):
            return True
        return any(is_trait(said, place) for place in places)

    def _is_known(self, at: int) -> bool:
        """Whether the table knows this word, others hang on it, or it is a being."""
        if self.sentence.pieces[at] in BEINGS:
            return True
        return self._ground(at) is not None or not GOVERNORS.isdisjoint(self.sentence.keys[at])

    def _places_in(self, said: Said, at: int, start: int) -> list[int]:
        """Where a sentence of the source says a claim, from a place on; -1 by its concept alone."""
        denied, keys = self.sentence.denied[at], self.sentence.keys[at]
        places = said.places_of(keys)
        if not places and (ground := self._ground(at)) is not None:
            if (said.denied_whole or denied, not denied) != said.read.polarity(ground):
                return []
            places = [place for place, each in enumerate(said.pieces) if speaks(ground, each)]
            if not places:  # a phrase
                return [] if said.limits - self.sentence.limits else [-1]
            start = 0
        return [
            place
            for place in places
            if place >= start
            and said.denied[place] is denied
            and not said.limits_of(place) - self.sentence.limits
            and (not said.is_verb(place) or self.sentence.is_verb(at))
            and (not said.warns(place) or self.sentence.warns(at))
            and (not (what := said.qualified_by(place)) or what in self.sentence.pieces)
            and (not said.is_wished(place) or self.sentence.is_wished(at))
            and self._fits(said, place, at)
        ]

    def _fits(self, said: Said, place: int, at: int) -> bool:
        """Whether the source says it of these beings too: “dog friendly” is no “friendly”."""
        if is_with_whom(self.sentence.pieces, at):
            return is_towards(said.pieces, place)
        with_whom = self.sentence.pieces[at - 1] if at else ""
        if self.sentence.pieces[at] not in FITTED or not is_content(with_whom):
            return True
        if with_whom not in BEINGS:
            return True
        for back in range(place - 1, max(-1, place - NEAR), -1):
            if said.pieces[back] in SAYING:
                return False
            if keys_of(with_whom) & said.keys[back]:
                return True
        return False

    def _is_elsewhere(self, said: Said, place: int, at: int) -> bool:
        """Whether the source says it of somebody or some time that the answer doesn't."""
        if place < 0:
            return False
        if said.is_of_others(place) and not (
            self.field in self.claims.fields.home or self.sentence.is_of_others(at)
        ):
            return True
        if said.pieces[place] in PAST_VERBS and self.sentence.pieces[at] not in PAST_VERBS:
            return True
        is_home = self.field in self.claims.fields.home
        if said.is_to_come(place) and not is_home and not self.sentence.is_to_come(at):
            return True
        is_state = (
            self.field in self.claims.fields.traits
            or self.sentence.is_present(at)
            or self._ground(at) is not None
            or self.sentence.pieces[at][0].isdigit()
        )
        return is_state and said.is_past(place) and not self.sentence.is_past(at)
