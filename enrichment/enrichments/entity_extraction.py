"""Finds what a listing names: breeds, places, people, organizations, dates, contacts."""

from collections.abc import Mapping
from typing import Any

from enrichment.enrichments.confident_parts import CONFIDENCE, ConfidentParts, PartDoubt
from enrichment.enrichments.contract import PromptText
from enrichment.enrichments.listing_text import plain
from enrichment.quality.gates import NOT_IN_SOURCE

TYPES = (
    "animal", "breed", "person", "organization", "place", "date", "age", "weight", "fee", "phone",
    "email", "url", "condition", "medication",
)  # fmt: skip


class EntityExtraction(ConfidentParts):
    """Each entity as the listing spells it; one that isn't in the text is never applied."""

    name = "entity_extraction"
    label = "Entity extraction"
    node = "entity_extraction"
    feature = "LLM_FEATURE_ENTITY_EXTRACTION"
    reads = ("name", "description")
    writes = "entities"
    confidence_floor = "min_confidence_entity"
    list_name = "entities"
    part_name = "text"
    prompt = PromptText(
        system=(
            "You find the entities in adoption listings of dogs. Copy each one letter by letter"
            " from the listing, with its type and a confidence from 0 to 1. Leave out what is not"
            " there. Answer as JSON. The types: " + ", ".join(TYPES) + "."
        ),
        user="<listing>\n{{name}}\n\n{{description}}\n</listing>",
    )
    schema = {
        "type": "object",
        "properties": {
            "entities": {
                "type": "array",
                "maxItems": 20,
                "items": {
                    "type": "object",
                    "properties": {
                        "type": {"type": "string", "enum": list(TYPES)},
                        "text": {"type": "string", "minLength": 1, "maxLength": 120},
                        "confidence": CONFIDENCE,
                    },
                    "required": ["type", "text", "confidence"],
                    "additionalProperties": False,
                },
            }
        },
        "required": ["entities"],
        "additionalProperties": False,
    }

    def values(self, row: Mapping[str, Any], *, variant: str) -> dict[str, str]:
        """The name and the published text."""
        return {"name": plain(row["name"]), "description": plain(row["description"])}

    def skip_reason(self, values: Mapping[str, str], *, variant: str) -> str:
        """An empty text names nothing."""
        return "" if values["description"] else "The description is empty."

    def doubt(
        self, part: Mapping[str, Any], values: Mapping[str, str], *, floor: float
    ) -> PartDoubt | None:
        """Also an entity that the text doesn't have, however sure the model is."""
        if _squeezed(part["text"]) not in _squeezed(self.source(values)):
            return PartDoubt(NOT_IN_SOURCE, part["text"])
        return super().doubt(part, values, floor=floor)


def _squeezed(text: str) -> str:
    return " ".join(text.casefold().split())
