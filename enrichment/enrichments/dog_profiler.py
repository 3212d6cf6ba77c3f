"""Writes a personality profile for matching (seed 3's six fields)."""

from collections.abc import Mapping
from typing import Any

from enrichment.enrichments.contract import Enrichment, PromptText
from enrichment.enrichments.listing_text import FACT_COLUMNS, facts, plain
from enrichment.quality.gates import (
    addresses,
    language,
    names,
    numbers,
    template_remains,
)
from llmconfig.client.types import Generation


def _text(longest: int) -> dict[str, Any]:
    return {"type": "string", "minLength": 1, "maxLength": longest}


def _list() -> dict[str, Any]:
    # Bounds keep small models from running to the token limit.
    return {"type": "array", "items": _text(40), "minItems": 1, "maxItems": 5}


class DogProfiler(Enrichment):
    """A profile from the listing's own words and columns."""

    name = "dog_profiler"
    label = "Dog profiler"
    node = "dog_profiler"
    feature = "LLM_FEATURE_DOG_PROFILER"
    reads = ("name", "description", *FACT_COLUMNS)
    writes = "dog_profiler_data"
    answers_in = "en"
    gates = (
        language,
        template_remains,
        numbers,
        addresses,
        names,
    )
    prompt = PromptText(
        system=(
            "You write warm, honest profiles of dogs for adopters, from the listing and its facts"
            " alone. Invent nothing: what is not stated stays unsaid. Answer in English as JSON"
            " with tagline, bio (two or three sentences), looking_for, personality_traits,"
            " interests and fun_fact."
        ),
        user="Dog: {{name}}\nFacts: {{facts}}\n\n<listing>\n{{description}}\n</listing>",
    )
    schema = {
        "type": "object",
        "properties": {
            "tagline": _text(100),
            "bio": _text(600),
            "looking_for": _text(200),
            "personality_traits": _list(),
            "interests": _list(),
            "fun_fact": _text(200),
        },
        "required": [
            "tagline",
            "bio",
            "looking_for",
            "personality_traits",
            "interests",
            "fun_fact",
        ],
        "additionalProperties": False,
    }

    def values(self, row: Mapping[str, Any], *, variant: str) -> dict[str, str]:
        """Name, facts and the published text."""
        return {
            "name": plain(row["name"]),
            "facts": facts(row),
            "description": plain(row["description"]) or "(no text)",
        }

    def accept(self, answer: Generation, values: Mapping[str, str]) -> Any:
        """The object; the client has held it to the schema."""
        return answer.parsed
