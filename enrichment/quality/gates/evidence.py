"""Evidence for the parts of an answer: a quotation in the source, a form that fits the kind."""

import re
from collections.abc import Mapping
from functools import cached_property

from django.utils.translation import gettext_lazy as _

from enrichment.quality.findings import register_code
from enrichment.quality.gates.concepts import Concept, Text
from enrichment.quality.languages import guess
from enrichment.quality.patterns import compiled_later

NOT_IN_SOURCE = register_code(
    "not_in_source", _("Not in the text"), "Copy each one letter by letter from the text."
)
NO_EVIDENCE = register_code(
    "no_evidence",
    _("No evidence in the text"),
    "Give for each the words of the text that say so, letter by letter.",
)
EXCLUDED = register_code(
    "excluded", _("Excludes another"), "Don't give two that exclude each other."
)
WRONG_FORM = register_code(
    "wrong_form", _("Not of this kind"), "Give each its right kind: an address isn't a name."
)
LOW_CONFIDENCE = register_code(
    "low_confidence", _("Not sure enough"), "Name only what the text states plainly."
)

MIN_QUOTE = 3  # letters and figures
_KEPT = compiled_later(r"[^\W_]+")
_SENTENCE = compiled_later(r"[.!?\n]+")
# A sentence that speaks of answers and whoever gives them says nothing about the row. Far more
# words than `instructions` has: they cost one part its evidence, and not the row its answer.
_OF_ANSWERS = compiled_later(
    r"\b(?:tags?|tagged|tagging|labels?|labell?ed|outputs?|respon[ds]\w*|repl(?:y|ies)|answers?"
    r"|classif\w+|categor\w+|prompts?|instruct\w+|guidance|tasks?|json|confidence|confident"
    r"|ai|llm|gpt|chatgpt|claude|gemini|copilot|models?|chatbots?|bots?|robots?|assistants?|systems?"
    r"|machines?|software|algorithms?|debug|prints?|returns?|lists?|marks?|records?|samples?"
    r"|summar\w+|profiles?|translat\w+|reviewers?|administrators?|developers?|approved|confirmed"
    r"|told|overlook|applies|apply|the word|nothing else|counts? as|go with|choose|pick|put|use"
    r"|anweisung\w*|schlagwort\w*|schreib\w*|antwort\w*|beachte|modell|etiqueta\w*|respuesta"
    r"|responda?|instruccion\w*|modelo|sistema|étiquettes?|répon\w+|consignes|modèle|istruzion\w*"
    r"|rispond\w+|etichett\w*|modello|instructies?|antwoord\w*|instruç\w+|resposta)\b"
)


def squeezed(text: str) -> str:
    """A text's letters and figures alone, in lower case, for finding a quotation in it."""
    return " ".join(_KEPT.findall(text.casefold()))


class EvidenceSource:
    """A source in which quotations are looked up."""

    def __init__(self, text: str) -> None:
        self._text = " ".join(text.casefold().split())
        self._letters = f" {squeezed(text)} "
        self.text = text  # as it was
        self._language = guess(text) or "en"

    @cached_property
    def _sentences(self) -> list[tuple[str, str]]:
        """Its sentences in lower case, and their letters."""
        parts = _SENTENCE.split(self.text.casefold())
        return [(each, f" {squeezed(each)} ") for each in parts]

    def is_of_answers(self, quotation: str) -> bool:
        """Whether it stands only in sentences that speak of answers: what is asked of a model."""
        wanted = f" {squeezed(quotation)} "
        told = [each for each, letters in self._sentences if wanted in letters]
        return bool(told) and all(_OF_ANSWERS.search(each) for each in told)

    def has_text(self, text: str) -> bool:
        """Whether these very signs are in it, whatever its capitals and spaces."""
        return " ".join(text.casefold().split()) in self._text

    def quotes(self, quotation: str, *, longest: int = 0) -> bool:
        """Whether the quotation stands in the source, in whole words.

        The last word of one that is cut at its `longest` needs not be whole.
        """
        wanted = squeezed(quotation)
        if longest and len(quotation) >= longest:
            wanted = wanted.rpartition(" ")[0]
        return len(wanted) >= MIN_QUOTE and f" {wanted} " in self._letters

    def supports(self, quotation: str, concept: Concept | None) -> bool:
        """Whether a quotation speaks of a concept and doesn't deny it.

        A concept that isn't known in the source's language is taken on trust.
        """
        if concept is None or self._language not in concept.forms:
            return True
        text = Text(quotation, self._language)
        return text.has(concept) and text.polarity(concept)[1]

    def says(self, concept: Concept | None) -> bool:
        """Whether a sentence of its own says it, and none denies it: whatever was quoted for it."""
        if concept is None or self._language not in concept.forms or not self._whole.has(concept):
            return False
        told = [each for each, _ in self._sentences if Text(each, self._language).has(concept)]
        return (
            bool(told)
            and not any(map(_OF_ANSWERS.search, told))
            and self._whole.polarity(concept) == (False, True)
        )

    @cached_property
    def _whole(self) -> Text:
        return Text(self.text, self._language)


def fits(kind: str, text: str, forms: Mapping[str, "re.Pattern[str]"]) -> bool:
    """Whether a text has the form of its kind; a kind without a form fits always."""
    form = forms.get(kind)
    return form is None or form.search(text) is not None
