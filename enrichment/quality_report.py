"""What enrichments find out about answers, told to metrics with each call's record.

It costs nothing more: the gates have judged the answer anyway. A rule in metrics may give these
checks another weight.
"""

from typing import TYPE_CHECKING

from django.utils.translation import gettext_lazy as _

from metrics.quality.checks import Check
from metrics.quality.parts import CheckResults, ScorePart

if TYPE_CHECKING:
    from enrichment.enrichments.contract import Enrichment, Judgement
    from llmconfig.client.types import CallRecord

GATES = Check("gates", _("Enrichments' gates (told with each answer)"))
SCHEMA = Check("schema", _("Structured answers' schema (told with each answer)"))
OBEYS = ScorePart(SCHEMA.name, 1.0, True)
_PASSED = ScorePart(GATES.name, 1.0, True)
PASSED, PASSED_AS_JSON = CheckResults((_PASSED,)), CheckResults((OBEYS, _PASSED), syntax_valid=True)
UNPARSED = "invalid_answer"  # the error of a structured call whose answers never obeyed


def check_results_of(enrichment: "Enrichment", judgement: "Judgement") -> CheckResults:
    """The parts of a judged answer's score."""
    findings = judgement.findings
    if not findings and not judgement.rejected:
        return PASSED if enrichment.schema is None else PASSED_AS_JSON
    if judgement.rejected:
        share = 0.0
    else:
        share = max(0.0, 1 - len(findings) / max(len(enrichment.gates), 1))
    gates = ScorePart(
        GATES.name,
        share,
        not findings,
        tuple(each.text for each in findings),
        tuple(each.code for each in findings),
    )
    if enrichment.schema is None:
        return CheckResults((gates,))
    return CheckResults((OBEYS, gates), syntax_valid=True)


def check_results_of_failure(
    enrichment: "Enrichment", record: "CallRecord | None", reason: str
) -> CheckResults:
    """A failed call has no score, unless it was the answer that failed."""
    if enrichment.schema is None or record is None or record.error_code != UNPARSED:
        return CheckResults()
    part = ScorePart(SCHEMA.name, 0.0, False, (reason,), (UNPARSED,))
    return CheckResults((part,), syntax_valid=False)
