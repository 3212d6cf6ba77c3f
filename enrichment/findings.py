"""What enrichments find out about answers, told to metrics with each call's record.

It costs nothing more: the gates have judged the answer anyway. A rule in metrics may give these
checks another weight.
"""

from collections.abc import Mapping
from types import MappingProxyType

from enrichment.enrichments.contract import Enrichment, Judgement
from llmconfig.client.records import CallRecord
from metrics.quality.checks import Check
from metrics.quality.parts import Part, Told

GATES = Check("gates", "Enrichments' gates (told with each answer)")
SCHEMA = Check("schema", "Structured answers' schema (told with each answer)")
OBEYS = Part(SCHEMA.name, 1.0, True)
UNPARSED = "invalid_answer"  # the error of a structured call whose answers never obeyed
# What to tell a model whose answers a gate holds back, by how the gate's reasons begin.
ADVICE: Mapping[str, str] = MappingProxyType(
    {
        "The answer seems to be in": "Answer in the language that is asked for, without a"
        " sentence in any other.",
        "The answer is too short": "Keep every fact of the text; don't summarise.",
        "The answer is too long": "Add nothing: keep to about the length of the text.",
        "It holds a template's remains": "Leave no placeholder, bracket or template mark in the"
        " answer.",
        "Numbers that the source doesn't have": "State no number, age, weight or date that isn't"
        " in the text.",
        "Addresses that the source doesn't have": "Give no e-mail or web address that isn't in"
        " the text.",
        "Names that the source doesn't have": "Use no name of a person, place or breed that isn't"
        " in the text.",
        "The answer was cut": "Answer in fewer words.",
        "The model answered with nothing": "Always answer with text.",
        "Not sure of": "Name only what the text states plainly.",
    }
)


def told_of(enrichment: Enrichment, judgement: Judgement) -> Told:
    """The parts of a judged answer's score."""
    reasons = judgement.reasons
    if judgement.rejected:
        share = 0.0
    else:
        share = max(0.0, 1 - len(reasons) / max(len(enrichment.gates), 1))
    gates = Part(GATES.name, share, not reasons, reasons)
    if enrichment.schema is None:
        return Told((gates,))
    return Told((OBEYS, gates), syntax_valid=True)


def told_of_failure(enrichment: Enrichment, record: CallRecord | None, reason: str) -> Told:
    """A failed call has no score, unless it was the answer that failed."""
    if enrichment.schema is None or record is None or record.error_code != UNPARSED:
        return Told()
    part = Part(SCHEMA.name, 0.0, False, (reason,))
    return Told((part,), syntax_valid=False)
