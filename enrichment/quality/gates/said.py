"""A sentence of a source: what it says, of whom, of when, denied or limited. English."""

from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from functools import cached_property, lru_cache

from enrichment.quality.gates.comparison import is_content, stem
from enrichment.quality.gates.concepts import Concept, Text
from enrichment.quality.gates.subjects import (
    is_of_a_companion,
    is_of_a_kind,
    is_of_the_home,
    is_to_come,
)
from enrichment.quality.gates.warning import warning_in
from enrichment.quality.lexicon.attesting import (
    ADJECTIVES,
    ARTICLES,
    BE,
    DETERMINERS,
    FOLLOWED,
    GOODNESS,
    GOVERNING,
    JOINERS,
    LIKING,
    LIMITING_BEHIND,
    LIMITS,
    NEGATIVE_RESULTS,
    NO_FORMS,
    OTHERS,
    OWN_NOUNS,
    PAST,
    PREPOSITIONS,
    PRESENT,
    PRONOUNS,
    SAYING,
    SPEAKERS,
    TURNING,
    WAS,
)
from enrichment.quality.lexicon.editing import ALIKE, DENYING
from enrichment.quality.lexicon.quantities import NUMBER_WORDS, UNIT_OF
from enrichment.quality.lexicon.subjects import (
    AGED_BEINGS,
    ANOTHERS,
    NOMINATIVES,
    PREVENTING,
    QUALIFIED,
    YOUNG,
)
from enrichment.quality.lexicon.words import CLAUSE_WORDS, NEGATORS
from enrichment.quality.patterns import compiled_later

RELATIVES = frozenset({"who", "which"})
SINGULAR = frozenset({"is", "was"})
REACH = 8  # words that a denial covers
MAX_PLACES = 50  # of one word in a sentence
NEAR = 4  # words around one that may call its test negative
PREVENTED_WITHIN = 6  # words between an illness and its vaccine
BESIDE_WITHIN = 4  # words between “with some” and whom
LED_WITHIN = 4  # words between “was” and what was
AGE_WITHIN = 3  # words between an age and the children whose it is
CLAUSE = 12  # words at most in which a clause says who does something
BEFORE = 5  # words in front of one in which its subject is looked for
ADJECTIVES_ROW = 8  # words and signs at most to either side, of adjectives before one noun

_PIECE = compiled_later(r"\d+(?:[.,]\d+)*|[^\W\d_]+(?:'[^\W\d_]+)*|[,;:()!?–—]")  # noqa: RUF001
_UP = compiled_later(r"\d+\s*\+|\+\s*\d+|\d+\s*(?:and|or)\s*(?:up|older|over|above)")
_ANEW = frozenset((each,) for each in NOMINATIVES | {"as"})
_NEGATORS = NEGATORS["en"] | DENYING | {"lacked"}
LIMITED_BY_AGE = "+"


@lru_cache(maxsize=50_000)
def keys_of(word: str) -> frozenset[str]:
    """What a word is found by: its stem, its number or unit, and words that may stand for it."""
    if word[0].isdigit():
        return frozenset({word.replace(",", "")})
    word = word.removesuffix("'s")
    if word in NO_FORMS:
        return frozenset({word})
    found = {stem(word)}
    if word in NUMBER_WORDS:
        found.add(f"{NUMBER_WORDS[word]:g}")
    if word in UNIT_OF:
        found.add(f"unit {UNIT_OF[word]}")
    if word in GOODNESS:
        found.add("good")
    if word in LIKING:
        found.add("liking")
    return frozenset(found | {f"alike {each}" for each in ALIKE.get(word, ())})


SUBJECTS = OTHERS | {"mommy", "daddy"}  # who may be the row, too, as an object
MIXED = frozenset({"mix", "mixed", "crossed", "cross", "blend"})
GOVERNORS = frozenset().union(*map(keys_of, GOVERNING))


@dataclass(frozen=True)
class Said:
    """A sentence, in words and the signs between them."""

    text: str
    denied_whole: bool = False  # a fact that says no
    is_fact: bool = False  # a column's, by yes or no
    of_another: bool = False  # one whom the source calls by another name

    @cached_property
    def pieces(self) -> tuple[str, ...]:
        return tuple(_PIECE.findall(self.text.lower().replace("’", "'")))  # noqa: RUF001

    @cached_property
    def keys(self) -> tuple[frozenset[str], ...]:
        return tuple(map(keys_of, self.pieces))

    @cached_property
    def _places(self) -> dict[str, list[int]]:
        found: dict[str, list[int]] = {}
        for at, keys in enumerate(self.keys):
            for key in keys:
                found.setdefault(key, []).append(at)
        return found

    def places_of(self, keys: AbstractSet[str]) -> list[int]:
        """The first places of words with one of these keys."""
        return sorted({at for key in keys for at in self._places.get(key, ())[:MAX_PLACES]})

    @cached_property
    def read(self) -> Text:
        """As concepts read it."""
        return Text(self.text, "en")

    @property
    def goes_on(self) -> bool:
        """Whether it begins with a pronoun."""
        return bool(self.pieces) and self.pieces[0] in PRONOUNS

    @cached_property
    def asks(self) -> bool:
        """Whether it is a question."""
        return self.text.rstrip(" )\"'").endswith("?")

    @cached_property
    def limits(self) -> frozenset[str]:
        """What limits it, by the words that do."""
        found = LIMITS & frozenset(self.pieces)
        return found | {LIMITED_BY_AGE} if _UP.search(self.text.lower()) else found

    @cached_property
    def _warned(self) -> tuple[int, int]:
        """From which piece to which it warns of what the row does to others; nothing: (0, 0)."""
        text = self.text.lower().replace("’", "'")  # noqa: RUF001
        begins = warning_in(text)
        if begins < 0:
            return 0, 0
        start = len(_PIECE.findall(text[:begins]))
        ends = (at for at in range(start, len(self.pieces)) if self.pieces[at] in TURNING)
        return start, next(ends, len(self.pieces))

    def warns(self, at: int) -> bool:
        """Whether the word at this place belongs to a warning: “no cats, they look like toys”."""
        start, end = self._warned
        return start <= at < end

    def limits_of(self, place: int) -> frozenset[str]:
        """What limits what is said at a place: not what stands behind a “who”."""
        if not self.limits:
            return self.limits
        before = self.pieces[:place]
        if not (self.limits & LIMITING_BEHIND).issubset(before):
            return self.limits - (LIMITING_BEHIND - frozenset(before))
        if "learning" in self.pieces and self._is_only_learnt_behind(place):
            return self.limits - {"learning"}
        ends = (at for at in range(place + 1, len(self.pieces)) if self.pieces[at] in RELATIVES)
        end = next(ends, len(self.pieces))
        if end == len(self.pieces):
            return self.limits
        return self.limits & frozenset((*self.pieces[:end], LIMITED_BY_AGE))

    def _is_only_learnt_behind(self, place: int) -> bool:
        """Whether what is being learnt stands behind a place: “is shy and learning to play”."""
        at = self.pieces.index("learning")
        return at > place and self.pieces[at + 1 : at + 2] in (("to",), ("how",))

    @cached_property
    def denied(self) -> tuple[bool, ...]:
        """Of each piece, whether a denial covers it."""
        found, left = [], 0
        for at, piece in enumerate(self.pieces):
            if piece in _NEGATORS or piece.endswith("n't"):
                left = REACH
            elif self._ends_clause(at):
                left = 0
            found.append(self.denied_whole or left > 0)
            left = max(0, left - 1)
        return tuple(found)

    def _ends_clause(self, at: int) -> bool:
        """Whether a clause ends here, also by a comma: “no idea why, as she is calm”."""
        piece, after = self.pieces[at], self.pieces[at + 1 : at + 2]
        if piece == "so":  # not in “not so easy”
            return self.pieces[at - 1] not in _NEGATORS
        return piece in CLAUSE_WORDS or piece in ".;:!?(" or (piece == "," and after[:1] in _ANEW)

    def denies(self, at: int, length: int) -> bool:
        """Whether so many words from a place on are denied by what stands around them."""
        around = (
            *self.pieces[max(0, at - NEAR) : at],
            *self.pieces[at + length : at + length + NEAR],
        )
        if not NEGATIVE_RESULTS.isdisjoint(around):
            return True
        return self.denied[at] and self.pieces[at] not in _NEGATORS

    def is_prevented(self, behind: int) -> bool:
        """Whether what ends in front of this place is vaccinated against, or tested for."""
        opens = self.pieces[max(0, behind - PREVENTED_WITHIN) : behind]
        if "(" in opens and opens[opens.index("(") - 1] in PREVENTING:
            return True
        return self.stands_before(behind - 1, PREVENTING, PREVENTED_WITHIN)

    def stands_before(
        self, at: int, nouns: AbstractSet[str], within: int, between: AbstractSet[str] = JOINERS
    ) -> bool:
        """Whether one of these nouns follows a place, with words of meaning or `between` before."""
        for piece in self.pieces[at + 1 : at + 1 + within]:
            if piece in nouns:
                return True
            if piece not in between and not is_content(piece):
                return False
        return False

    def is_another_age(self, at: int) -> bool:
        """Whether an age is that of children, of who applies, or of a time that is over."""
        around = self.pieces[max(0, at - AGE_WITHIN) : at + AGE_WITHIN + 1]
        return (
            self.is_past(at)
            or not AGED_BEINGS.isdisjoint(around)
            or self.is_beside(at)
            or self.pieces[max(0, at - 2) : at] == ("must", "be")
        )

    def is_of_young(self, at: int) -> bool:
        """Whether puppies stand beside an age: “at 10 weeks the pups were vetted”."""
        around = self.pieces[max(0, at - AGE_WITHIN) : at + AGE_WITHIN + 1]
        return not YOUNG.isdisjoint(around)

    @cached_property
    def has_young(self) -> bool:
        """Whether it says that the row has puppies: “her 4 young pups”."""
        whose = [at for at, each in enumerate(self.pieces) if each == "her"]
        return any(not YOUNG.isdisjoint(self.pieces[at : at + AGE_WITHIN + 1]) for at in whose)

    def is_beside(self, at: int) -> bool:
        """Whether it names whom the row was with: “found with a Pug”, not “mixed with a Pug”."""
        for back in range(at - 1, max(0, at - BESIDE_WITHIN), -1):
            if self.pieces[back] in ANOTHERS:
                before = self.pieces[max(0, back - 2) : back]
                return before[-1:] == ("with",) and MIXED.isdisjoint(before)
            if not is_content(self.pieces[back]):
                return False
        return False

    def is_of_others(self, at: int) -> bool:
        """Whether the word at this place is said of somebody else: “an active family”."""
        after = self.pieces[at + 1 : at + 3]
        if not keys_of(self.pieces[at]) & GOVERNORS:
            if after and after[0] in OTHERS:
                return True
            # “an active outdoor family”, but not “is calm, families …”.
            if len(after) == 2 and after[1] in OTHERS and is_content(after[0]):
                return True
        return (
            self.of_another
            or self._describes_another(at)
            or self._has_another_subject(at)
            or is_of_the_home(self.pieces, at)
            or is_of_a_kind(self.pieces, at)
            or is_of_a_companion(self.pieces, at)
        )

    def is_to_come(self, at: int) -> bool:
        """Whether the word at this place is said of times to come: “will be neutered”."""
        return is_to_come(self.pieces, at)

    def _describes_another(self, at: int) -> bool:
        """Whether it is one of the adjectives of somebody else.

        As in “a stable, loving and committed home” and “someone calm and patient”.
        """
        for back in range(at - 1, max(-1, at - ADJECTIVES_ROW), -1):
            piece = self.pieces[back]
            if piece in FOLLOWED:
                return True
            if piece in ARTICLES:
                break
            if piece not in JOINERS and not is_content(piece):
                return False
        else:
            return False
        for piece in self.pieces[at + 1 : at + ADJECTIVES_ROW]:
            if piece in OTHERS:
                return True
            if piece in OWN_NOUNS or (piece not in JOINERS and not is_content(piece)):
                return False
        return False

    def is_verb(self, at: int) -> bool:
        """Whether an adjective that is a verb's form stands as one: “am loving this weather”."""
        after = self.pieces[at + 1 : at + 2]
        if self.pieces[at] not in ADJECTIVES or not after:
            return False
        if after[0] in DETERMINERS:
            return True
        before = self.pieces[max(0, at - 2) : at]
        return is_content(after[0]) and not BE.isdisjoint(before) and ARTICLES.isdisjoint(before)

    def qualified_by(self, at: int) -> str:
        """What stands in front of this word and changes it: “house” of “house-trained”."""
        before = self.pieces[at - 1] if at else ""
        return before if before in QUALIFIED.get(self.pieces[at], ()) else ""

    def is_wished(self, at: int) -> bool:
        """Whether somebody would only like it: “would love a family”."""
        before = self.pieces[at - 1] if at else ""
        return self.pieces[at] in LIKING and before.endswith(("would", "'d"))

    def _has_another_subject(self, at: int) -> bool:
        """Whether the clause says the word of another: “your family is active”, “we put energy”."""
        said = False
        for back in range(at - 1, max(-1, at - CLAUSE), -1):
            piece = self.pieces[back]
            if piece in PRONOUNS or not piece[0].isalnum():
                return False
            if piece in SPEAKERS:
                before = self.pieces[back - 1] if back else ""
                # “As you can see” is nobody's deed.
                if before not in PREPOSITIONS and before != "as":
                    return True
            elif piece in SUBJECTS and said and at - back <= BEFORE:
                return True
            if piece in SINGULAR and self._is_named(back - 1):
                return False
            said = said or piece in SAYING
        return False

    def _is_named(self, at: int) -> bool:
        """Whether a name stands at this place: “what we know is that Joey is sweet”."""
        if at < 1 or not {self.pieces[at], self.pieces[at - 1]}.isdisjoint(OTHERS | SPEAKERS):
            return False
        return self._cased[at][0].isupper()

    @cached_property
    def _cased(self) -> tuple[str, ...]:
        return tuple(_PIECE.findall(self.text.replace("’", "'")))  # noqa: RUF001

    def places_where(self, concept: Concept) -> list[int]:
        """Where it has a concept's words; of a phrase its last word of meaning."""
        found = {place for place, piece in enumerate(self.pieces) if speaks(concept, piece)}
        for phrase in concept.forms["en"].phrases:
            parts = tuple(_PIECE.findall(phrase))
            for at in self.places_of(keys_of(parts[0])):
                if self.pieces[at : at + len(parts)] == parts:
                    meant = [n for n, part in enumerate(parts) if is_content(part)]
                    found.add(at + (meant[-1] if meant else 0))
        return sorted(found)

    def is_present(self, at: int) -> bool:
        """Whether “is” leads to the word at this place."""
        return not PRESENT.isdisjoint(self.pieces[max(0, at - 3) : at])

    def is_past(self, at: int) -> bool:
        """Whether a verb of the past or of things to come leads to the word at this place."""
        for back in range(at - 1, max(-1, at - 1 - LED_WITHIN), -1):
            piece = self.pieces[back]
            if piece in PRESENT:
                return False
            if piece in WAS or (piece in PAST and at - back < LED_WITHIN):
                return True
        return False


def speaks(concept: Concept, piece: str) -> bool:
    """Whether a word is one of a concept's, alone."""
    return concept.forms["en"].match(piece)
