"""A judge's word on an answer: the call that asks for it, and what it comes to as a score."""

from collections.abc import Mapping
from typing import Any

from enrichment.engine.column_values import plain_json
from enrichment.engine.items import Item, Outcome
from enrichment.enrichments.contract import Enrichment
from enrichment.judging import Judge, graded
from enrichment.models import ResultState
from llmconfig.client.recording.recorders import Texts
from llmconfig.client.types import Call, Generation

GOOD_FROM = 0.5  # of a judge's score
# Of a call, what a judge's differs in from the one that it judges.
JUDGED_FIELDS = (
    "node", "messages", "schema", "given", "experiment_key", "logprobs", "prefix",
)  # fmt: skip


def grading_changes(judge: Judge, call: Call, value: Any) -> Mapping[str, Any]:
    """What a judge's call differs in from the one whose answer it judges."""
    grading = judge.grading(call, plain_json(value))
    return {name: getattr(grading, name) for name in JUDGED_FIELDS}


def grade_outcome(
    enrichment: Enrichment, item: Item, answer: Generation, texts: Texts | None
) -> Outcome:
    """What a judge's answer comes to: its value is the score, its reason the judge's."""
    return Outcome(
        item,
        ResultState.APPLIED,
        value=graded(answer),
        reason=str(answer.parsed["reason"]),
        record=answer.record,
        texts=texts,
    )
