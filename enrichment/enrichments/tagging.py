"""Chooses a listing's tags from the known ones, with a confidence for each."""

from collections.abc import Mapping
from typing import Any

from enrichment.enrichments.confident_parts import CONFIDENCE, ConfidentParts
from enrichment.enrichments.contract import PromptText
from enrichment.enrichments.listing_text import FACT_COLUMNS, facts, plain

TAGS = (
    "affectionate", "apartment_friendly", "bonded_pair", "calm", "crate_trained", "energetic",
    "foster_needed", "good_with_cats", "good_with_children", "good_with_dogs", "house_trained",
    "independent", "leash_trained", "medical_needs", "needs_experience", "needs_garden",
    "only_dog", "playful", "puppy", "senior", "shy", "spayed_or_neutered", "special_needs",
    "vaccinated",
)  # fmt: skip


class Tagging(ConfidentParts):
    """Search tags from the listing's own words and columns."""

    name = "tagging"
    label = "Tagging"
    node = "tagging"
    feature = "LLM_FEATURE_TAGGING"
    reads = ("name", "description", *FACT_COLUMNS)
    writes = "tags"
    confidence_floor = "min_confidence_tagging"
    list_name = "tags"
    part_name = "tag"
    prompt = PromptText(
        system=(
            "You tag adoption listings of dogs for a search. Choose only tags that the listing or"
            " its facts support; unknown is not no, and not yes either. Give each a confidence"
            " from 0 to 1: 1 when it is stated, less when you infer it. Answer as JSON. The tags: "
            + ", ".join(TAGS)
            + "."
        ),
        user="Dog: {{name}}\nFacts: {{facts}}\n\n<listing>\n{{description}}\n</listing>",
    )
    schema = {
        "type": "object",
        "properties": {
            "tags": {
                "type": "array",
                "maxItems": 12,
                "items": {
                    "type": "object",
                    "properties": {
                        "tag": {"type": "string", "enum": list(TAGS)},
                        "confidence": CONFIDENCE,
                    },
                    "required": ["tag", "confidence"],
                    "additionalProperties": False,
                },
            }
        },
        "required": ["tags"],
        "additionalProperties": False,
    }

    def values(self, row: Mapping[str, Any], *, variant: str) -> dict[str, str]:
        """Name, facts and the published text."""
        return {
            "name": plain(row["name"]),
            "facts": facts(row),
            "description": plain(row["description"]),
        }

    def skip_reason(self, values: Mapping[str, str], *, variant: str) -> str:
        """Without text and facts there is nothing to tag."""
        return "" if values["description"] or values["facts"] else "The listing is empty."
