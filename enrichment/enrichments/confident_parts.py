"""What the enrichments share whose answer is a list of parts, each with its own confidence."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar

from msgspec import Struct

from enrichment.enrichments.contract import (
    LOG_PROBABILITIES,
    SELF_REPORTED,
    Enrichment,
    Judgement,
    schema_misfit,
)
from enrichment.enrichments.likeness import alikeness
from enrichment.quality.gates import GateFinding
from enrichment.quality.gates.evidence import (
    EXCLUDED,
    LOW_CONFIDENCE,
    NO_EVIDENCE,
    NOT_IN_SOURCE,
    WRONG_FORM,
    EvidenceSource,
)
from enrichment.quality.logprobs import likelihoods
from llmconfig.client.json_schema import cut
from llmconfig.client.types import Generation
from llmconfig.runtime.records import replace

CONFIDENCE = {"type": "number", "minimum": 0, "maximum": 1}
MAX_CUT_PARTS = 100  # of an answer that breaks off
SHOWN = 5  # parts that a finding names
EVIDENCE: Mapping[str, Any] = {"type": "string", "minLength": 1, "maxLength": 80}
OPENINGS = {
    LOW_CONFIDENCE: "Not sure of",
    NOT_IN_SOURCE: "Not in the listing",
    NO_EVIDENCE: "No evidence in the listing for",
    EXCLUDED: "Excludes another one",
    WRONG_FORM: "Not of its kind",
}
PART_CODES = frozenset(OPENINGS)


def parts_schema(list_name: str, max_items: int, **properties: Mapping[str, Any]) -> dict[str, Any]:
    """The JSON schema of an answer with a list of parts: these properties and a confidence."""
    part = {**properties, "confidence": CONFIDENCE}
    items = {
        "type": "object",
        "properties": part,
        "required": list(part),
        "additionalProperties": False,
    }
    return {
        "type": "object",
        "properties": {list_name: {"type": "array", "maxItems": max_items, "items": items}},
        "required": [list_name],
        "additionalProperties": False,
    }


class PartDoubt(Struct, frozen=True):
    """Why one part waits for a person: a finding's code, and the part in words."""

    code: str
    words: str


class ConfidentParts(Enrichment):
    """Sure parts are applied; the others wait for a reviewer, together with the sure ones.

    The value is the list of parts, the surest first. Where the provider tells how likely each token
    was, a part is as sure as its text was likely; else the model says it itself, and that is worth
    as much as the model knows of itself.
    """

    list_name: ClassVar[str]  # the key of the list in the model's answer
    part_name: ClassVar[str]  # the key of a part's text

    def accept(self, answer: Generation, values: Mapping[str, str]) -> list[dict[str, Any]]:
        """The parts, each text once, surest first."""
        parts = sorted(self._rated(answer), key=lambda part: -part["confidence"])
        first: dict[str, dict[str, Any]] = {}
        for part in parts:
            first.setdefault(part[self.part_name].casefold(), part)
        return list(first.values())

    def whole_parts(self, answer: Generation, values: Mapping[str, str]) -> Any:
        """The parts that came whole; None if none did. A cut answer's tokens tell no likelihood."""
        found = cut.whole_parts(answer.text)
        came = found.members.get(self.list_name, found.lists.get(self.list_name))
        schema = self.schema or {}
        parts = [
            part
            for part in (came[:MAX_CUT_PARTS] if isinstance(came, list) else ())
            if not schema_misfit(schema, {self.list_name: [part]})
        ]
        if not parts:
            return None
        return self.accept(replace(answer, parsed={self.list_name: parts}, tokens=()), values)

    def _rated(self, answer: Generation) -> Sequence[dict[str, Any]]:
        """The parts with the confidence that counts."""
        parts: list[dict[str, Any]] = answer.parsed[self.list_name]
        found = self._likelihoods(answer)
        if not found:
            return parts
        return [{**part, "confidence": likely} for part, likely in zip(parts, found, strict=True)]

    def _likelihoods(self, answer: Generation) -> list[float]:
        texts = [part[self.part_name] for part in answer.parsed[self.list_name]]
        return likelihoods(
            answer.text,
            answer.tokens,
            key=self.part_name,
            values=texts,
            choices=self._choices(),
        )

    @classmethod
    def _choices(cls) -> Sequence[str]:
        """The only texts that the schema lets a part have, if it names them."""
        parts = (cls.schema or {})["properties"][cls.list_name]["items"]["properties"]
        choices: Sequence[str] = parts[cls.part_name].get("enum", ())
        return choices

    def misfit(self, value: Any) -> str:
        """The column holds the bare list, the model's answer an object around it."""
        return super().misfit({self.list_name: value})

    def rated(self, value: Any) -> dict[str, float]:
        """Each part with the confidence that counted."""
        return {
            str(part[self.part_name]).casefold(): float(part["confidence"])
            for part in value or ()
            if isinstance(part, dict) and {self.part_name, "confidence"} <= part.keys()
        }

    def similarity(self, one: Any, other: Any) -> float:
        """By the parts' texts: how sure two models are of the same part is no difference."""
        return alikeness(list(self.rated(one)), list(self.rated(other)))

    def doubt(
        self, part: Mapping[str, Any], parts: Sequence[Mapping[str, Any]], source: EvidenceSource
    ) -> PartDoubt | None:
        """Why a part may not be applied without a person, whatever the model's confidence."""
        return None

    def _doubt(
        self,
        part: Mapping[str, Any],
        parts: Sequence[Mapping[str, Any]],
        source: EvidenceSource,
        floor: float,
    ) -> PartDoubt | None:
        found = self.doubt(part, parts, source)
        if found is not None or part["confidence"] >= floor:
            return found
        words = f"{part[self.part_name]} ({part['confidence']:.2f} is below {floor:g})"
        return PartDoubt(LOW_CONFIDENCE, words)

    def judge(
        self,
        answer: Generation,
        values: Mapping[str, str],
        *,
        variant: str,
        floor: float,
        columns: Mapping[str, Any],
    ) -> Judgement:
        """Divide the parts into sure and doubtful ones."""
        judged = super().judge(answer, values, variant=variant, floor=floor, columns=columns)
        if judged.findings or not judged.value:
            return judged
        judged = replace(
            judged,
            confidence=min(part["confidence"] for part in judged.value),
            confidence_source=LOG_PROBABILITIES if self._likelihoods(answer) else SELF_REPORTED,
        )
        source = EvidenceSource(self.source(values))
        doubts = [self._doubt(part, judged.value, source, floor) for part in judged.value]
        sure = [part for part, doubt in zip(judged.value, doubts, strict=True) if not doubt]
        if len(sure) == len(judged.value):
            return judged
        findings = tuple(_findings([doubt for doubt in doubts if doubt]))
        if not sure:
            return replace(judged, findings=findings)
        return replace(judged, value=sure, suggestion=judged.value, doubts=findings)


def _findings(doubts: Sequence[PartDoubt]) -> Iterator[GateFinding]:
    """One finding a code, which names the first few parts."""
    by_code: dict[str, list[str]] = {}
    for doubt in doubts:
        by_code.setdefault(doubt.code, []).append(doubt.words)
    for code, words in by_code.items():
        more = f" and {len(words) - SHOWN} more" if len(words) > SHOWN else ""
        text = f"{OPENINGS[code]}: {', '.join(words[:SHOWN])}{more}."
        yield GateFinding(code, text, {"found": words[:SHOWN]})
