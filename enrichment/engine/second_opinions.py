"""A judge's opinion of what the gates let pass, before it is applied.

Off unless LLM_JUDGE_CALLS_PER_BATCH allows calls, and asked only of enrichments that want it
(`second_opinion`) or whose node does (`apply_after`), where the node has a judge that may decide.
What it finds wrong waits for a reviewer with its reason; so does what it couldn't be asked about.
What the gates hold for releasable findings alone it is asked about too, and applied if it finds it
good: the result names the judge beside what the gates found.
"""

import logging
from typing import Any
from uuid import UUID

from django.utils.translation import gettext_lazy as _
from msgspec import Struct

from enrichment.cascades.steering import Decided, Way
from enrichment.engine.applying import apply_after
from enrichment.engine.cascade_decisions import calls_of
from enrichment.engine.grading import GOOD_FROM, grade_outcome, grading_changes
from enrichment.engine.items import Outcome, call_for
from enrichment.engine.outgoing import PLAIN, Ask, OutgoingRow
from enrichment.engine.two_calls import TwoCallDispatcher
from enrichment.enrichments.contract import Enrichment
from enrichment.judging import JUDGE_NODE, Judge, judge_of, why_it_may_not_decide
from enrichment.models import ResultState
from enrichment.quality.findings import GateFinding, may_be_released, register_code
from llmconfig import client
from llmconfig.client.recording.recorders import Texts
from llmconfig.client.types import Call, CallRecord
from llmconfig.configuration import snapshot
from llmconfig.errors import LLMError
from llmconfig.models import ApplyAfter
from llmconfig.runtime.records import replace
from metrics.models import GenerationMetric

logger = logging.getLogger(__name__)

CALLS_PER_BATCH = "LLM_JUDGE_CALLS_PER_BATCH"
JUDGED_WRONG = register_code("judged_wrong", _("A judge finds it wrong"))
NOT_ASKED = register_code("judge_not_asked", _("The judge could not be asked"))
RELEASED = register_code("released_by_judge", _("Held by a gate, released by a judge"))
_ASKED_ABOUT = frozenset({ResultState.APPLIED, ResultState.SUGGESTED})
_FIRST = Decided(1.0, Way.CHEAP)  # of a kept first answer: it waits for an opinion


class SecondOpinion(Struct):
    """Who is asked, and how many calls one lane has left of its batch's."""

    judge: Judge
    left: int
    releases: bool  # what gates hold for releasable findings

    def is_asked_about(self, answer: Outcome) -> bool:
        """Whether an answer is one to be shown to the judge, if calls are left."""
        if answer.state == ResultState.SUGGESTED:
            return self.releases and answer.value is not None and may_be_released(answer.findings)
        return answer.state == ResultState.APPLIED


def opinion_of(enrichment: Enrichment, batch_id: UUID | None) -> SecondOpinion | None:
    """The judge that is asked about an enrichment's answers; None where nobody is.

    `batch_id`: what its calls have used of the cap so far, those of other lanes too, is counted.
    """
    cap = snapshot.current().setting(CALLS_PER_BATCH)
    wanted = enrichment.second_opinion or apply_after(enrichment) == ApplyAfter.JUDGE
    if not wanted or not cap:
        return None
    judge = judge_of(enrichment)
    rests = why_it_may_not_decide(judge)
    if judge is None or rests:
        logger.info("No judge is asked about %s: %s", enrichment.name, rests)
        return None
    used = 0
    if batch_id is not None:
        used = GenerationMetric.objects.filter(session_id=batch_id, method_name=JUDGE_NODE).count()
    releases = apply_after(enrichment) != ApplyAfter.REVIEW
    return SecondOpinion(judge, max(0, cap - used), releases)


def with_opinion(first: Outcome, opinion: Outcome) -> Outcome:
    """An answer with what the judge said of it; held where that is nothing good, or nothing."""
    finding = _finding(opinion)
    first = replace(first, beside=(*first.beside, *calls_of(opinion)))
    if finding is None:
        held = first.state == ResultState.SUGGESTED
        return replace(_released(first, opinion) if held else first, judged_good=True)
    return replace(
        first,
        state=ResultState.SUGGESTED,
        reason=" ".join(filter(None, (finding.text, first.reason))),
        findings=(finding, *first.findings),
    )


def _released(first: Outcome, opinion: Outcome) -> Outcome:
    """An answer that the gates held, to be applied; says who released what."""
    judge = opinion.record.model if opinion.record else ""
    codes = [each.code for each in first.findings]
    sure = round(100 * (2 * opinion.value - 1))  # as it said itself
    text = f"A judge ({judge}, {sure} % sure) released what the gates held: {opinion.reason}"
    finding = GateFinding(RELEASED, text, {"judge": judge, "codes": codes, "good": opinion.value})
    return replace(
        first,
        state=ResultState.APPLIED,
        reason=" ".join(filter(None, (text, first.reason))),
        findings=(finding, *first.findings),
    )


def _finding(opinion: Outcome) -> GateFinding | None:
    if opinion.state != ResultState.APPLIED:
        text = f"The judge could not be asked, so a person has to look: {opinion.reason}"
        return GateFinding(NOT_ASKED, text)
    if opinion.value >= GOOD_FROM:
        return None
    sure = round(100 * (1 - 2 * opinion.value))  # as it said itself
    text = f"A judge finds it wrong ({sure} % sure): {opinion.reason}"
    return GateFinding(JUDGED_WRONG, text, {"good": opinion.value})


def ask_now(enrichment: Enrichment, first: Outcome, call: Call) -> Outcome:
    """One row's answer with the judge's opinion, where one is asked; waits for it."""
    opinion = opinion_of(enrichment, None) if first.state in _ASKED_ABOUT else None
    if opinion is None or not opinion.is_asked_about(first):
        return first
    told: list[tuple[CallRecord, Texts]] = []
    changes = grading_changes(opinion.judge, call, first.value)
    try:
        answer = client.generate(
            replace(call, correlation_id=None, **changes), collect=lambda *pair: told.append(pair)
        )
    except LLMError as error:
        record, texts = told[0] if told else (None, None)
        found = Outcome(
            first.item, ResultState.FAILED, reason=str(error), record=record, texts=texts
        )
    else:
        texts = told[0][1] if told else None
        found = grade_outcome(enrichment, first.item, answer, texts)
    return with_opinion(first, found)


class JudgingDispatcher(TwoCallDispatcher):
    """The calls of a lane whose answers a judge looks at before they are applied."""

    def __init__(self, opinion: SecondOpinion, enrichment: Enrichment, **lane: Any) -> None:
        super().__init__(enrichment, **lane)
        self.opinion = opinion

    async def _asked(self, row: OutgoingRow, ask: Ask = PLAIN) -> Outcome | None:
        first = row.item.cheap  # of a worker that died before the judge was asked
        beside: tuple[tuple[CallRecord, Texts], ...] = ()
        if first is None or first.decided != _FIRST:
            beside = calls_of(first) if first is not None else ()
            first = await super()._asked(row, ask)
            if first is None:
                return None
            first = replace(first, beside=(*first.beside, *beside))
        first = replace(first, decided=None, item=replace(first.item, cheap=None))
        if not self.opinion.is_asked_about(first) or self.opinion.left <= 0:
            row.item = first.item
            return first
        self.opinion.left -= 1
        self._keep_cheap(row, replace(first, decided=_FIRST))
        call = call_for(
            self.enrichment, first.item, session_id=self.batch_id, use_cache=self.use_cache
        )
        changes = grading_changes(self.opinion.judge, call, first.value)
        opinion = await super()._asked(row, Ask(changes, grade_outcome))
        if opinion is None:
            return None
        row.item = first.item
        return with_opinion(first, opinion)
