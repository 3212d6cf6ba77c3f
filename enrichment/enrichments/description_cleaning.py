"""Cleans a published description: spelling, markup, layout; nothing added."""

from collections.abc import Mapping
from typing import Any

from enrichment.enrichments.contract import Enrichment, PromptText
from enrichment.enrichments.listing_text import plain
from enrichment.errors import AnswerRejected
from enrichment.quality.gates import (
    ANSWER_EMPTY,
    addresses,
    language,
    length,
    names,
    numbers,
    template_remains,
)
from llmconfig.client.types import Generation


class DescriptionCleaning(Enrichment):
    """Grammar and readability; the facts stay as the rescue wrote them."""

    name = "description_cleaning"
    label = "Description cleaning"
    node = "description_cleaning"
    feature = "LLM_FEATURE_DESCRIPTION_CLEANING"
    reads = ("name", "description")
    writes = "enriched_description"
    gates = (
        language,
        length(0.5, 1.6),
        template_remains,
        numbers,
        addresses,
        names,
    )
    prompt = PromptText(
        system=(
            "You edit adoption listings of dogs so that they read well. Correct spelling and"
            " grammar, split glued sentences, turn shouting capitals into normal writing, drop"
            " rulers and template remains. Keep every fact, name, number and condition, and the"
            " language. Add nothing."
        ),
        user=(
            "<listing>\n{{description}}\n</listing>\n\nThis is the listing of {{name}}. Write it"
            " again, corrected. Answer with the corrected text only, without tags or heading."
        ),
    )

    def values(self, row: Mapping[str, Any], *, variant: str) -> dict[str, str]:
        """The name and the published text, without markup."""
        return {"name": plain(row["name"]), "description": plain(row["description"])}

    def skip_reason(self, values: Mapping[str, str], *, variant: str) -> str:
        """An empty description stays empty: there is nothing to clean."""
        return "" if values["description"] else "The description is empty."

    def accept(self, answer: Generation, values: Mapping[str, str]) -> str:
        """The text, unless it is missing."""
        return complete_text(answer)


def complete_text(answer: Generation) -> str:
    """The answer as text; raises AnswerRejected when it is empty."""
    text = answer.text.strip()
    if not text:
        raise AnswerRejected("The model answered with nothing.", reason=ANSWER_EMPTY)
    return text
