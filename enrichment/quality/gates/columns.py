"""Columns decide: what an answer states against a column of its row.

An enrichment declares which columns bind which statements; any table can. A column that is blank
binds nothing, for unknown is neither yes nor no.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Protocol

from django.utils.translation import gettext_lazy as _
from msgspec import Struct

from enrichment.quality.findings import GateFinding, register_code
from enrichment.quality.gates.comparison import sentences
from enrichment.quality.gates.concept_words import Forms
from enrichment.quality.gates.concepts import Concept, Text, source_text
from enrichment.quality.gates.contract import Checked, Gate, found_in_answer
from enrichment.quality.gates.quantities import quantities
from enrichment.quality.lexicon.quantities import DIMENSIONS
from enrichment.quality.patterns import compiled_later

AGAINST_COLUMN = register_code(
    "against_column",
    _("Against a column of the row"),
    "Where the facts say no, never say yes; where they give a value, keep to it.",
)

NOT_SAID = register_code(
    "not_said",
    _("Promised more than the source"),
    "Say good with somebody only where the text or the facts say so, with the text's limits.",
)

CLOSE = 0.05  # of an amount
# English: for whom something holds only in part, as for older children.
_LIMITS = compiled_later(
    r"\b(?:older|over|above|teens?|teenagers?|selective|some|certain|calm|small|large|savvy|female"
    r"|male|slow|supervised|introduc\w+|respectful|if|only|\d+)\b"
)


class BoundTexts(Struct, frozen=True):
    """An answer and its source as bindings read them."""

    answer: Text
    source: Text
    own: Text  # the answer without the sentences that it quotes whole


class Binding(Protocol):
    """A column that binds what may be stated."""

    @property
    def column(self) -> str:
        """The name of the column that the binding is about."""

    def objection(self, value: Any, read: BoundTexts, *, text_counts: bool) -> str:
        """What the answer states against the column's value; blank when nothing."""


@dataclass(frozen=True)
class Statement:
    """A column with yes or no, and what may be said of its row only when it is yes.

    A sentence states it that has a word of the concept and, where there are any for its language,
    one of `stating`, and denies neither.
    """

    column: str
    label: str
    concept: Concept
    stating: Mapping[str, str] = field(default_factory=dict, hash=False)

    @cached_property
    def _stating(self) -> dict[str, Forms]:
        return {language: Forms.of(words.split()) for language, words in self.stating.items()}

    def objection(self, value: Any, read: BoundTexts, *, text_counts: bool) -> str:
        """A yes against a no, or a no against a yes that the source doesn't deny itself."""
        if value is None or read.answer.language not in self.concept.forms:
            return ""
        if not read.answer.has(self.concept):
            return ""
        denied, stated = self.said(read.answer)
        if not value and stated:
            if text_counts and self.said(read.source)[1]:
                return ""
            return f"{self.label}, but the column says no"
        if value and denied and not stated and not self.said(read.source)[0]:
            return f"not {self.label}, but the column says yes"
        return ""

    def promise(self, value: Any, read: BoundTexts) -> str:
        """What the answer promises beyond a column that isn't yes and a source with limits."""
        if value or not self.said(read.answer)[1]:
            return ""
        if not self.said(read.source)[1]:
            return f"{self.label}, which the source doesn't say"
        if _limited(read.source, self.concept) and not _limited(read.answer, self.concept):
            return f"{self.label}, without the source's limits"
        return ""

    def said(self, text: Text) -> tuple[bool, bool]:
        """Whether a text denies it, and whether it states it."""
        if text.language not in self.concept.forms or not text.has(self.concept):
            return False, False
        stating = self._stating.get(text.language)
        denied = stated = False
        for sentence in sentences(text.lower):
            part = Text(sentence, text.language)
            if not part.has(self.concept):
                continue
            no, yes = part.polarity(self.concept)
            denied = denied or no
            if yes and (stating is None or any(map(stating.match, part.parts))):
                stated = True
        return denied, stated


def _limited(text: Text, concept: Concept) -> bool:
    """Whether one of the sentences that speak of a concept has a limit."""
    return any(
        _LIMITS.search(sentence) and Text(sentence, text.language).has(concept)
        for sentence in sentences(text.lower)
    )


@dataclass(frozen=True)
class Choice:
    """A column with one of several values, and the words that go with each.

    Only the `opposed` pairs contradict each other; without any, all do. An answer contradicts that
    has words of another value and none of its own, unless the text counts and has more of those.
    """

    column: str
    label: str
    words: Mapping[str, Mapping[str, str]] = field(hash=False)
    opposed: tuple[tuple[str, str], ...] = ()

    @cached_property
    def _forms(self) -> dict[str, dict[str, Forms]]:
        return {
            value: {language: Forms.of(found.split()) for language, found in words.items()}
            for value, words in self.words.items()
        }

    def objection(self, value: Any, read: BoundTexts, *, text_counts: bool) -> str:
        """The other value that the answer speaks of."""
        own = str(value or "").strip().lower()
        if own not in self._forms:
            return ""
        said = self._counted(read.own)
        for other, number in said.items():
            if other == own or not number or said[own] or not self._excludes(own, other):
                continue
            before = self._counted(read.source)
            if text_counts and before[other] > before[own]:
                continue
            return f"{self.label} {other}, but the column says {value}"
        return ""

    def _excludes(self, one: str, other: str) -> bool:
        return not self.opposed or (one, other) in self.opposed or (other, one) in self.opposed

    def _counted(self, text: Text) -> dict[str, int]:
        numbers = Counter(text.parts)
        return {
            value: sum(
                number
                for word, number in numbers.items()
                if text.language in forms and forms[text.language].match(word)
            )
            for value, forms in self._forms.items()
        }


@dataclass(frozen=True)
class Amount:
    """A column with a number in a unit (`quantities.DIMENSIONS`), such as a weight in lb."""

    column: str
    label: str
    unit: str

    def objection(self, value: Any, read: BoundTexts, *, text_counts: bool) -> str:
        """Another amount of the same dimension, where the column's own is nowhere."""
        if value is None or str(value).strip() == "":
            return ""
        kind, factor = DIMENSIONS[self.unit]
        right = float(value) * factor
        stated = [
            (each.text, each.unit, float(number) * DIMENSIONS[each.unit][1])
            for each in quantities(read.answer.lower)
            if each.unit and DIMENSIONS[each.unit][0] == kind
            for number in each.values
        ]
        if not stated or any(abs(each - right) <= CLOSE * right for _, _, each in stated):
            return ""
        text, unit, _ = stated[0]
        return f"{self.label} {text} {unit}, but the column says {value} {self.unit}"


def columns_decide(bindings: Sequence[Binding], *, text_counts: bool) -> Gate:
    """A gate for answers against columns of their row.

    `text_counts`: what the source text states too isn't held, as for a translation of it.
    """

    def check(checked: Checked) -> GateFinding | None:
        columns = checked.columns
        bound = [each for each in bindings if columns.get(each.column) is not None]
        if not bound or (text_counts and not checked.changes.added_text):
            return None
        language = checked.language.partition("-")[0] or checked.text_language or "en"
        answer = Text(checked.text, language)
        source = source_text(checked.source, checked.source_language or "en")
        # Their capitals tell where glued sentences end.
        known = set(map(_bare, sentences(checked.source)))
        own = [each for each in sentences(checked.text) if _bare(each) not in known]
        read = BoundTexts(answer, source, Text("\n".join(own), language))
        found = [
            objection
            for each in bound
            if (objection := each.objection(columns[each.column], read, text_counts=text_counts))
        ]
        return found_in_answer(AGAINST_COLUMN, "The answer says", found)

    return check


def _bare(sentence: str) -> str:
    return sentence.lower().strip(" .!?")


def promises_kept(statements: Sequence[Statement]) -> Gate:
    """A gate for texts that are written from a source: what they promise, the source has to say.

    For English sources and answers. A column that says yes is enough.
    """

    def check(checked: Checked) -> GateFinding | None:
        answer = Text(checked.text, "en")
        read = BoundTexts(answer, source_text(checked.source, "en"), answer)
        found = [
            promise
            for each in statements
            if (promise := each.promise(checked.columns.get(each.column), read))
        ]
        return found_in_answer(NOT_SAID, "The answer says", found)

    return check
