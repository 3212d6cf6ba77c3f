"""Sets of recorded calls: what was sent to a node, whoever asked, and what came back then.

Such a set has no enrichment. Its cases hold the prompts as they are kept, so it needs kept texts;
whoever may read those may make one and look at it.
"""

import datetime as dt
import random
from collections.abc import Mapping
from typing import Any, ClassVar

import orjson
from django.utils import timezone
from msgspec import Struct

from enrichment.enrichments import get
from enrichment.enrichments.contract import Enrichment, PromptText
from enrichment.enrichments.likeness import alikeness
from enrichment.enrichments.whole_answer import complete_text
from enrichment.errors import BadSelection
from enrichment.models.evaluations import EvaluationCase, EvaluationSet, WantedBy
from llmconfig.client.types import Generation
from llmconfig.roles import User
from metrics.models import GenerationHistory

MAY_READ = "metrics.read_generationhistory"
DEFAULT_DAYS = 30
PROMPT = "prompt"  # the name of a case's value


class RecordedSource(Struct, frozen=True):
    """Which calls: of a node, of the last `days`, good ones alone; their answers are `wanted`."""

    node: str
    days: int = DEFAULT_DAYS
    wanted: bool = True


class RecordedCalls(Enrichment):
    """What recorded calls ask, as if it were an enrichment: any answer that isn't empty passes."""

    name = ""
    label = "Recorded calls"
    node = ""
    target = ""
    reads = (PROMPT,)
    writes = ""
    takes_facts = False
    in_batches = False
    prompt: ClassVar[PromptText] = PromptText(system="", user="{{" + PROMPT + "}}")

    def values(self, row: Mapping[str, Any], *, variant: str) -> dict[str, str]:
        """The prompt as it was sent."""
        return {PROMPT: str(row[PROMPT])}

    def accept(self, answer: Generation, values: Mapping[str, str]) -> Any:
        """The text, or what it says as JSON."""
        return read_answer(complete_text(answer))

    def similarity(self, one: Any, other: Any) -> float:
        """By field and member where both are JSON."""
        return alikeness(one, other)


RECORDED = RecordedCalls()


def kind_of(evaluation_set: EvaluationSet) -> Enrichment:
    """What a set's cases are of; raises UnknownEnrichment for one that is gone."""
    return get(evaluation_set.enrichment) if evaluation_set.enrichment else RECORDED


def may_see(user: Any, evaluation_set: EvaluationSet) -> bool:
    """Whether somebody may see the cases of a set and answers to them."""
    return bool(evaluation_set.enrichment) or user.has_perm(MAY_READ)


def read_answer(text: str) -> Any:
    """An answer as it is compared: what it says as JSON, else the text."""
    if text.lstrip()[:1] not in {"{", "["}:
        return text
    try:
        return orjson.loads(text)
    except ValueError:
        return text


def recorded_cases(
    source: RecordedSource, *, limit: int, user: User | None
) -> list[EvaluationCase]:
    """Cases from kept texts, `limit` of them drawn by chance; raises BadSelection."""
    if user is not None and not user.has_perm(MAY_READ):
        said = "node: recorded calls hold prompts and answers, which you may not read."
        raise BadSelection(said, field="node")
    kept = GenerationHistory.objects.filter(
        method_name=source.node,
        created_at__gte=timezone.now() - dt.timedelta(days=source.days),
    )
    if source.wanted:
        kept = kept.filter(validation_passed=True).exclude(generated_code="")
    ids = list(kept.values_list("pk", flat=True)[: 20 * limit])
    if not ids:
        said = (
            f"node: no call of {source.node or 'a node'} of the last {source.days} days has its"
            " texts kept."
        )
        raise BadSelection(said, field="node")
    drawn = random.sample(ids, min(limit, len(ids)))
    rows = GenerationHistory.objects.filter(pk__in=drawn)
    return [_case(row, source) for row in rows.order_by("created_at")]


def _case(row: GenerationHistory, source: RecordedSource) -> EvaluationCase:
    wanted = read_answer(row.generated_code) if source.wanted else None
    return EvaluationCase(
        row_id=str(row.correlation_id),
        values={PROMPT: row.prompt_text},
        columns={},
        wanted=wanted,
        wanted_by=WantedBy.CALL if wanted is not None else WantedBy.NOBODY,
    )
