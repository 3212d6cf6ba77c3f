"""How good a cheap answer is, and whether two say the same: for any call, and for a row's."""

import asyncio
import math
from collections.abc import Iterable, Mapping
from typing import Any, Protocol

from msgspec import Struct

from enrichment.batches.cascades import SCORES_OF_TWO
from enrichment.engine.cascade_decisions import score_of
from enrichment.engine.items import Item, Outcome, judged
from enrichment.enrichments import get, names
from enrichment.enrichments.contract import Enrichment
from enrichment.enrichments.likeness import alikeness
from enrichment.enrichments.stated_confidence import schema_asks_confidence, stated_confidence
from enrichment.errors import NotAllowedNow
from enrichment.judging import Judge, judge_of, why_it_may_not_decide
from enrichment.models import ResultState
from llmconfig.client.finish_reasons import is_whole
from llmconfig.client.types import Call, Generation
from llmconfig.models import CascadeScore


class AnswerScoring(Protocol):
    """What a cascade of single calls has to know of their answers. Scores are from 0 to 1."""

    def check(self, kind: str) -> None:
        """Raise NotAllowedNow where answers tell no score of this kind."""

    def judge(self) -> Judge:
        """Who judges them; raises NotAllowedNow where nobody may. Waits for the database."""

    async def score(self, kind: str, answer: Generation) -> float | None:
        """What a cheap answer tells itself; None for one that can't be used."""

    async def likeness(self, first: Generation, second: Generation) -> float:
        """How far two answers agree; from 1 on they do."""


class CallScoring(Struct, frozen=True):
    """Of a call of which nothing is known but what it says."""

    call: Call

    def check(self, kind: str) -> None:
        """Gates are an enrichment's, and a judge reads texts alone."""
        if kind == CascadeScore.GATES:
            raise NotAllowedNow("The score gates is for rows: only an enrichment has gates.")
        if kind == CascadeScore.CONFIDENCE and not schema_asks_confidence(self.call.schema):
            raise NotAllowedNow("The answer states no confidence.")
        if kind == CascadeScore.JUDGE and not _is_text(self.call.messages):
            raise NotAllowedNow("The judge reads texts alone.")

    def judge(self) -> Judge:
        """The node's, once it is calibrated by any enrichment that asks the node."""
        asking = (each for each in map(get, names()) if each.node == self.call.node)
        return _allowed(map(judge_of, asking))

    async def score(self, kind: str, answer: Generation) -> float | None:
        """By its tokens or by its own word."""
        if answer.tool_calls or answer.refusal or not is_whole(answer.record.finish_reason):
            return None
        if kind == CascadeScore.CONFIDENCE:
            return stated_confidence(answer.parsed) or 0.0
        if kind in SCORES_OF_TWO:
            return 0.0
        likely = [logprob for _, logprob in answer.tokens]
        return math.exp(math.fsum(likely) / len(likely)) if likely else 0.0

    async def likeness(self, first: Generation, second: Generation) -> float:
        """By their words, or their values."""
        return alikeness(said(first), said(second))


class RowScoring(Struct, frozen=True):
    """Of a call about a row: as a batch would score it."""

    enrichment: Enrichment
    item: Item

    def check(self, kind: str) -> None:
        """All but a confidence that no answer states."""
        if kind == CascadeScore.CONFIDENCE and not self.enrichment.states_confidence():
            raise NotAllowedNow("Its answers state no confidence.")

    def judge(self) -> Judge:
        """The enrichment's, once it is calibrated."""
        return _allowed([judge_of(self.enrichment)])

    async def score(self, kind: str, answer: Generation) -> float | None:
        """None for one that the gates hold back."""
        found = await self._judged(answer)
        return score_of(kind, found, answer) if found.state == ResultState.APPLIED else None

    async def likeness(self, first: Generation, second: Generation) -> float:
        """By the values that are written, which both pass the gates or both don't."""
        one, other = [await self._judged(each) for each in (first, second)]
        return self.enrichment.similarity(one.value, other.value) if one.state == other.state else 0

    async def _judged(self, answer: Generation) -> Outcome:
        return await asyncio.to_thread(judged, self.enrichment, self.item, answer, None)


def said(answer: Generation) -> Any:
    """What two answers agree about, and what a judge reads."""
    return answer.text if answer.parsed is None else answer.parsed


def _allowed(judges: Iterable[Judge | None]) -> Judge:
    """The first that may decide; raises NotAllowedNow with what the last one lacks."""
    why = "No enrichment asks this node, so reviewers' verdicts can't calibrate its judge."
    for judge in judges:
        why = why_it_may_not_decide(judge)
        if judge is not None and not why:
            return judge
    raise NotAllowedNow(why)


def _is_text(messages: Iterable[Mapping[str, Any]]) -> bool:
    """Whether nothing but text is in them."""
    contents = [each.get("content") for each in messages]
    parts = [part for each in contents if isinstance(each, list) for part in each]
    return all(isinstance(part, Mapping) and isinstance(part.get("text"), str) for part in parts)
