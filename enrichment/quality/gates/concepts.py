"""Listed concepts (such as an illness) by their words in languages: none may appear or vanish.

A table brings its concepts (a species, death, a condition such as heartworm); this knows none. A
word of a concept may end in `*`, which takes any ending. Languages without spaces are searched for
the signs themselves.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache

from django.utils.translation import gettext_lazy as _

from enrichment.language_tags import language_name
from enrichment.quality.findings import GateFinding, register_code
from enrichment.quality.gates.comparison import Passage, plainly, sentences
from enrichment.quality.gates.concept_words import Forms, LanguageWords, parted
from enrichment.quality.gates.contract import Checked, Gate, found_in_answer, of_changes
from enrichment.quality.lexicon.words import (
    CLAUSE_ENDS,
    CLAUSE_SIGNS,
    CONJUNCTIONS,
    NEGATING_SIGNS,
    NEGATORS,
    NO_NEGATION,
    STATING,
)
from enrichment.quality.patterns import compiled_later

NEW_CONCEPT = register_code(
    "new_concept", _("Speaks of something else"), "Speak of nothing that the text doesn't speak of."
)
LOST_CONCEPT = register_code(
    "lost_concept",
    _("A warning is missing"),
    "Keep every warning and condition of the text.",
)
FLIPPED_CONCEPT = register_code(
    "flipped_concept",
    _("Yes became no, or no became yes"),
    "What the text denies stays denied, and nothing else is.",
)
NOT_JUDGED = register_code("not_judged", _("Nobody could check it"))

WITHOUT_SPACES = frozenset({"ja", "zh", "ko", "th"})
BEFORE = 9  # words before a concept's that a negation reaches it from
AFTER = 3  # the same behind it


@dataclass(frozen=True)
class Concept:
    """Something that a text may speak of, and what may not happen to it.

    `words` are by language, in lower case, between spaces; several words that must stand side by
    side are joined by `_`. `new`: an answer that speaks of it where the source doesn't is held.
    `kept`: an answer that doesn't where the source does is held. `denied`: an answer that states
    what the source denies, or the other way round, is held. `kind`: in a text that was only
    rewritten none may take the place of another one of its kind, as cats that of dogs. `grounds`:
    what else lets a source speak of it, where it is new.
    """

    name: str
    label: str
    words: Mapping[str, str] = field(hash=False)
    new: bool = False
    kept: bool = False
    denied: bool = False
    kind: str = ""
    grounds: "Concept | None" = None

    @cached_property
    def forms(self) -> dict[str, "Forms"]:
        """The words by language, ready to be looked up."""
        return {language: Forms.of(found.split()) for language, found in self.words.items()}

    @cached_property
    def index(self) -> "ConceptIndex":
        """By which a text is searched for this one alone."""
        return ConceptIndex((self,))


class Text:
    """A text in one language, looked up for concepts."""

    def __init__(self, text: str, language: str) -> None:
        self.language = language
        self.text = text
        self.lower = plainly(text)
        self.spaced = language not in WITHOUT_SPACES
        self.parts: tuple[str, ...] = tuple(parted(self.lower)) if self.spaced else ()
        self.words = frozenset(self.parts)
        self.spoken_of: dict[ConceptIndex, set[int]] = {}  # what was found in it

    def has(self, concept: Concept) -> bool:
        """Whether it speaks of a concept."""
        return bool(concept.index.spoken_of(self))

    def polarity(self, concept: Concept) -> tuple[bool, bool]:
        """Whether it denies a concept somewhere, and whether it states it somewhere."""
        denied = stated = False
        forms = concept.forms[self.language]
        for sentence in self._sentences:
            for each in (self._polarities if self.spaced else self._signs)(sentence, forms):
                denied, stated = denied or each, stated or not each
        return denied, stated

    @cached_property
    def _sentences(self) -> list[str]:
        text = self.text
        if "ithout" in text:
            text = _WITHOUT_TROUBLE.sub("well", text)
        if ", all " in text or ", our " in text:
            text = _SPLICED.sub(";", text)
        if any(map(text.__contains__, _RUNNING_ON)):
            text = _RUN_ON.sub(";", text)
        return list(map(plainly, sentences(text)))  # capitals tell where glued ones end

    @cached_property
    def _words_of(self) -> dict[str, list[str]]:
        """The words of sentences that were looked at."""
        return {}

    def _polarities(self, sentence: str, forms: Forms) -> Iterable[bool]:
        """For each time that a sentence speaks of a concept, whether it denies it."""
        for phrase in forms.phrases:
            if phrase in sentence:
                sentence = sentence.replace(phrase, phrase.replace(" ", "_"))
        words = self._words_of.get(sentence)
        if words is None:
            words = self._words_of[sentence] = _with_stops(sentence)
        negators = NEGATORS.get(self.language, frozenset())
        whole, beginnings, joined = forms.whole, forms.beginnings, forms.joined
        for at, word in enumerate(words):
            if (
                word in whole
                or word in joined
                or (beginnings and word.startswith(beginnings))
                or (("-" in word or "/" in word) and forms.match_part(word))
            ):
                near = _clause(words, at, self.language)
                yield any(each in negators or each.endswith("n't") for each in near)

    def _signs(self, sentence: str, forms: Forms) -> Iterable[bool]:
        """The same where there are no spaces, by clauses."""
        for harmless in NO_NEGATION.get(self.language, ()):
            sentence = sentence.replace(harmless, "")
        negating = NEGATING_SIGNS.get(self.language, ())
        for clause in CLAUSE_SIGNS.split(sentence):
            if any(sign in clause for sign in forms.signs):
                yield any(sign in clause for sign in negating)


@lru_cache(maxsize=16)
def source_text(source: str, language: str) -> Text:
    """A source, read once for all gates and for all parts of its answer."""
    return Text(source, language)


# Denies nothing that is spoken of beside it: “kenneled with other dogs without issues”.
_WITHOUT_TROUBLE = compiled_later(
    r"\bwithout (?:(?:any|an|a|much|major|big|real|apparent) ){0,2}"
    r"(?:issue|problem|trouble|incident|hitch|concern|difficult[a-z]*|complaint|fuss)(?:e?s)?\b",
    re.IGNORECASE,
)


# A sentence of its own behind a comma: “We have no shelter, all dogs are in homes.”
_SPLICED = compiled_later(
    r",(?= (?:all|our) (?:[a-z]+ ){1,3}(?:is|are|live|lives|stay|stays|have|must|will|can)\b)"
)
# The same behind nothing at all: “She likes other dogs she just doesn't share her food.”
_RUN_ON = compiled_later(
    r"(?<=[a-z])(?<!\bthat)(?<!\bthan)(?<!\bwhen)(?<!\bwhich)(?<!\bwho)(?<!\bif)(?<!\bas)"
    r"(?<!\bbecause)(?<!\bsince)(?<!\bwhere)(?<!\bwhat)(?<!\bhow)"
    r"(?= (?:he|she|they) (?:just|simply|really|still|only|also) )"
)
_RUNNING_ON = tuple(
    f"{who} {how} "
    for who in ("he", "ey")  # of “he”, “she” and “they”
    for how in ("just", "simply", "really", "still", "only", "also")
)


def _with_stops(sentence: str) -> list[str]:
    """Its words, with a comma where one stands and a blank at another end of a clause."""
    words: list[str] = []
    for part in sentence.split():
        words.append(part.strip('.,;:!?()[]"“”„«»*¿¡…'))
        if part[-1] in ",;:":
            words.append("," if part[-1] == "," else "")
    return words


_NO_ADVERBS = frozenset("only elderly unfriendly early family curly really".split())


def _clause(words: Sequence[str], at: int, language: str) -> list[str]:
    """The words near one, no further than its clause goes."""
    ends = CLAUSE_ENDS.get(language, frozenset())
    conjunctions = CONJUNCTIONS.get(language, frozenset())
    stating = STATING.get(language, frozenset())
    near = []
    next_word = ""
    for word in reversed(words[max(0, at - BEFORE) : at]):
        if not word or word in ends:
            break
        if (word == "," or word in conjunctions) and (
            next_word in stating or (next_word[-2:] == "ly" and next_word not in _NO_ADVERBS)
        ):
            break
        near.append(word)
        next_word = word
    for word in words[at + 1 : at + 1 + AFTER]:
        if not word or word == "," or word in ends or word in conjunctions:
            break
        near.append(word)
    return near


def concepts_kept(concepts: Sequence[Concept], languages: frozenset[str]) -> Gate:
    """A gate for concepts, across languages too.

    `languages` are those in which the concepts' words are known. In any other one, an answer whose
    source has something that must be kept or denied is held, for nobody could check it.
    """

    index = ConceptIndex(concepts)

    @of_changes
    def check(checked: Checked) -> GateFinding | None:
        added = checked.changes.added_text
        if not added and not checked.changes.gone_text:
            return None
        of_source = checked.source_language or "en"
        wanted = _base(checked.language) if checked.language else of_source
        if of_source not in languages:
            return None
        if wanted not in languages:
            source = source_text(checked.source, of_source)
            return _unjudged(source, concepts, checked.language or wanted)
        if wanted != of_source:
            return _compared(
                source_text(checked.source, of_source), Text(checked.text, wanted), index
            )
        if not checked.original:  # another text, written from the source
            return _compared(source_text(checked.source, wanted), Text(checked.text, wanted), index)
        # In its own language only what was rewritten is looked at.
        gone, rewritten = Text(checked.changes.gone_text, wanted), Text(added, wanted)
        found = _compared(gone, rewritten, index) or _exchanged(gone, rewritten, index)
        return None if found and _only_corrected(gone, rewritten, index) else found

    return check


def _base(language: str) -> str:
    return language.partition("-")[0].lower()


def _unjudged(source: Text, concepts: Sequence[Concept], language: str) -> GateFinding | None:
    found = [each.label for each in concepts if (each.kept or each.denied) and source.has(each)]
    if not found:
        return None
    text = (
        f"Warnings can't be checked in {language_name(language)}; the source speaks of"
        f" {', '.join(found[:5])}. Read it."
    )
    return GateFinding(NOT_JUDGED, text, {"language": language, "concepts": found})


class ConceptIndex:
    """Concepts by their words, so that one look at each word of a text finds all of them."""

    def __init__(self, concepts: Sequence[Concept]) -> None:
        self.concepts = concepts
        self._languages: dict[str, LanguageWords] = {}

    def spoken_of(self, text: Text) -> set[int]:
        """The places of the concepts that a text speaks of."""
        if not text.spaced:
            return self._by_signs(text)
        found = text.spoken_of.get(self)
        if found is None:
            found = text.spoken_of[self] = self._by_words(text)
        return found

    def _by_words(self, text: Text) -> set[int]:
        words = self._languages.get(text.language)
        if words is None:
            words = self._languages[text.language] = LanguageWords.of(
                each.forms.get(text.language) for each in self.concepts
            )
        found: set[int] = set()
        known = words.known
        for word in text.words:
            places = known.get(word)
            if places is None:
                places = words.look_up(word)
            if places:
                found.update(places)
        for at in words.phrases(text.lower.encode(errors="surrogatepass")) or ():
            found.add(words.of_phrases[at])
        return found

    def _by_signs(self, text: Text) -> set[int]:
        return {
            at
            for at, each in enumerate(self.concepts)
            if text.language in each.forms
            and any(sign in text.lower for sign in each.forms[text.language].signs)
        }


def _compared(source: Text, answer: Text, index: ConceptIndex) -> GateFinding | None:
    before, after = index.spoken_of(source), index.spoken_of(answer)
    new, lost, flipped = [], [], []
    for at in sorted(before | after):
        concept = index.concepts[at]
        if source.language not in concept.forms or answer.language not in concept.forms:
            continue
        if at not in before:
            if concept.new and not (concept.grounds and source.has(concept.grounds)):
                new.append(concept.label)
        elif at not in after:
            if concept.kept:
                lost.append(concept.label)
        elif concept.denied and _flips(source, answer, concept):
            flipped.append(concept.label)
    for code, what, found in (
        (FLIPPED_CONCEPT, "Denied in only one of source and answer", flipped),
        (NEW_CONCEPT, "The source doesn't speak of", new),
        (LOST_CONCEPT, "The answer doesn't speak of", lost),
    ):
        if found:
            return found_in_answer(code, what, found)
    return None


def _only_corrected(source: Text, answer: Text, index: ConceptIndex) -> bool:
    """Whether what is new or lost is the same word in another spelling."""
    before, after = index.spoken_of(source), index.spoken_of(answer)
    for one, other, places in (
        (answer, source, after - before),
        (source, answer, before - after),
    ):
        passage = Passage(other.lower)
        for at in places:
            forms = index.concepts[at].forms.get(one.language)
            if forms is None or not any(
                forms.match(word) and passage.has(word) for word in one.words
            ):
                return False
    return before != after and not _flipped(source, answer, index)


def _exchanged(source: Text, answer: Text, index: ConceptIndex) -> GateFinding | None:
    """Concepts that come more often than before, where others of their kind come less often."""
    if answer.parts == source.parts:
        return None
    differing = Counter(answer.parts)
    differing.subtract(source.parts)
    # The words that come as often as before tell nothing.
    numbers = {word: number for word, number in differing.items() if number}
    fell: set[str] = set()
    rose: list[Concept] = []
    for concept in index.concepts if numbers else ():
        if concept.kind and source.language in concept.forms:
            match = concept.forms[source.language].match
            difference = sum(number for word, number in numbers.items() if match(word))
            if difference < 0:
                fell.add(concept.kind)
            elif difference > 0:
                rose.append(concept)
    found = [each.label for each in rose if each.kind in fell]
    return found_in_answer(NEW_CONCEPT, "The source speaks of others in this place, not of", found)


def _flipped(source: Text, answer: Text, index: ConceptIndex) -> list[str]:
    both = index.spoken_of(source) & index.spoken_of(answer)
    concepts = (index.concepts[at] for at in sorted(both))
    return [each.label for each in concepts if each.denied and _flips(source, answer, each)]


def _flips(source: Text, answer: Text, concept: Concept) -> bool:
    """Whether what one only denies the other only states, or a denial is there that never was."""
    before, after = source.polarity(concept), answer.polarity(concept)
    if before == (True, False):
        return after == (False, True)
    return before == (False, True) and after[0]
