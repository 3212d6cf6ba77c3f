"""Which answers that passed the gates may be written to their rows before a person has seen them.

A node says it (`apply_after`), else its enrichment. What has to wait is a suggestion like those
that the gates hold, with a code of its own, so that a reviewer can accept all of them by a filter.
"""

from collections.abc import Sequence

from django.utils.translation import gettext_lazy as _

from enrichment.engine.items import Outcome
from enrichment.enrichments.contract import Enrichment
from enrichment.models import ResultState
from enrichment.quality.findings import GateFinding, register_code
from llmconfig.configuration import snapshot
from llmconfig.models import ApplyAfter
from llmconfig.runtime.records import replace

NOT_JUDGED_YET = register_code("no_judge_asked", _("Passed the gates; no judge was asked"))
ALL_REVIEWED = register_code("all_reviewed", _("Passed the gates; all are reviewed"))


def apply_after(enrichment: Enrichment) -> str:
    """Who has to find its answers good, one of `ApplyAfter`; reads the snapshot: not on a loop."""
    node = snapshot.current().nodes.get(enrichment.node)
    return (node.apply_after if node else "") or enrichment.apply_after


def awaited_review(enrichment: Enrichment) -> GateFinding | None:
    """Why an answer that passed the gates, and that no judge has seen, would wait for a person.

    None where it would be applied. Reads the snapshot: not on a loop.
    """
    after = apply_after(enrichment)
    return None if after == ApplyAfter.GATES else _finding(enrichment, after)


def held_for_review(enrichment: Enrichment, outcomes: Sequence[Outcome]) -> list[Outcome]:
    """Outcomes ready to be written: what nobody has looked at who has to is a suggestion."""
    if not any(each.state == ResultState.APPLIED for each in outcomes):
        return list(outcomes)
    after = apply_after(enrichment)
    if after == ApplyAfter.GATES:
        return list(outcomes)
    finding = _finding(enrichment, after)
    return [
        _held(each, finding)
        if each.state == ResultState.APPLIED
        and not (after == ApplyAfter.JUDGE and each.judged_good)
        else each
        for each in outcomes
    ]


def _finding(enrichment: Enrichment, after: str) -> GateFinding:
    if after == ApplyAfter.REVIEW:
        text = f"The gates found nothing; all answers of {enrichment.node} are reviewed."
        return GateFinding(ALL_REVIEWED, text)
    text = (
        "The gates found nothing, but they can't tell whether it says the same as the source, and"
        " no judge was asked: read it beside the source."
    )
    return GateFinding(NOT_JUDGED_YET, text)


def _held(outcome: Outcome, finding: GateFinding) -> Outcome:
    """A suggestion of its fullest value, with what the gates had against parts of it."""
    value = outcome.value if outcome.suggestion is None else outcome.suggestion
    return replace(
        outcome,
        state=ResultState.SUGGESTED,
        value=value,
        suggestion=None,
        reason=" ".join(filter(None, (finding.text, outcome.reason))),
        findings=(finding, *outcome.findings),
    )
