"""Evidence for the parts of an answer: a quotation in the source, a form that fits the kind."""

import re
from collections.abc import Mapping

from enrichment.quality.gates.concepts import Concept, Text
from enrichment.quality.gates.contract import register_code
from enrichment.quality.languages import guess

NOT_IN_SOURCE = register_code(
    "not_in_source", "Not in the text", "Copy each one letter by letter from the text."
)
NO_EVIDENCE = register_code(
    "no_evidence",
    "No evidence in the text",
    "Give for each the words of the text that say so, letter by letter.",
)
EXCLUDED = register_code("excluded", "Excludes another", "Don't give two that exclude each other.")
WRONG_FORM = register_code(
    "wrong_form", "Not of this kind", "Give each its right kind: an address isn't a name."
)
LOW_CONFIDENCE = register_code(
    "low_confidence", "Not sure enough", "Name only what the text states plainly."
)

MIN_QUOTE = 3  # letters and figures
_KEPT = re.compile(r"[^\W_]+")


def squeezed(text: str) -> str:
    """A text's letters and figures alone, in lower case, for finding a quotation in it."""
    return " ".join(_KEPT.findall(text.casefold()))


class EvidenceSource:
    """A source in which quotations are looked up."""

    def __init__(self, text: str) -> None:
        self._text = " ".join(text.casefold().split())
        self._letters = f" {squeezed(text)} "
        self._language = guess(text) or "en"

    def has_text(self, text: str) -> bool:
        """Whether these very signs are in it, whatever its capitals and spaces."""
        return " ".join(text.casefold().split()) in self._text

    def quotes(self, quotation: str) -> bool:
        """Whether the quotation stands in the source, in whole words."""
        wanted = squeezed(quotation)
        return len(wanted) >= MIN_QUOTE and f" {wanted} " in self._letters

    def supports(self, quotation: str, concept: Concept | None) -> bool:
        """Whether a quotation speaks of a concept and doesn't deny it.

        A concept that isn't known in the source's language is taken on trust.
        """
        if concept is None or self._language not in concept.forms:
            return True
        text = Text(quotation, self._language)
        return text.has(concept) and text.polarity(concept)[1]


def fits(kind: str, text: str, forms: Mapping[str, "re.Pattern[str]"]) -> bool:
    """Whether a text has the form of its kind; a kind without a form fits always."""
    form = forms.get(kind)
    return form is None or form.search(text) is not None
