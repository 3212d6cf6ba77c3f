"""A run over a node with a cascade: each case goes as a batch's row would.

One process carries a run out, so its cases are decided and settled block by block, in order.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from django.db import transaction

from enrichment.batches.cascades import (
    CascadeFigures,
    NodeCascade,
    beginning,
    candidates_of,
    figures_in,
    terms_of,
)
from enrichment.cascades.steering import BLOCK, Decided, from_json, settle, to_json
from enrichment.engine.cascade_decisions import (
    CascadeDecisions,
    calls_of,
    count_calls,
    note_events,
)
from enrichment.engine.items import Item, Outcome
from enrichment.enrichments.contract import Enrichment
from enrichment.evaluations.run_calls import call_of, outcome_of, store
from enrichment.models import ResultState, RunCascade
from enrichment.models.evaluations import EvaluationCase, EvaluationRun
from llmconfig.client.http import background_loop
from llmconfig.client.types import Call
from llmconfig.configuration import snapshot

AT_ONCE = BLOCK  # cases


def terms_for(enrichment: Enrichment, node: str, model: str) -> NodeCascade | None:
    """The cascade that a run goes through; None where a model is named, or the node has none."""
    return None if model else terms_of(enrichment, node=node)


def begin(run: EvaluationRun, terms: NodeCascade) -> None:
    """Note a run's cascade, with the terms of this moment."""
    cases = run.evaluation_set.cases.count()
    RunCascade.objects.create(run=run, rests=terms.rests, **beginning(terms, cases))


def figures_of(run: EvaluationRun) -> CascadeFigures | None:
    """What its cascade came to; None where it has none."""
    row = RunCascade.objects.filter(pk=run.pk).first()
    return None if row is None else figures_in(row)


def cascade_of(run: EvaluationRun, enrichment: Enrichment) -> "RunThroughCascade | None":
    """How a run's cases go through its cascade; None where it has none, or where it rests."""
    row = RunCascade.objects.filter(pk=run.pk, rests="").first()
    return None if row is None else RunThroughCascade(row, enrichment, run)


class RunThroughCascade:
    """A run's cases on their way through the cascade that it was begun with."""

    def __init__(self, row: RunCascade, enrichment: Enrichment, run: EvaluationRun) -> None:
        cheap = candidates_of(row.model, snapshot.current())
        models = frozenset(each.model_id for each in cheap)
        self.enrichment, self.run = enrichment, run
        self.decisions = CascadeDecisions(row, enrichment, models=models, node=run.node)

    def ask(self, items: Sequence[Item], cases: Mapping[str, EvaluationCase]) -> None:
        """Ask about a block of cases, settle it, and keep the answers; raises LLMError.

        Good cheap answers that come after too many caught errors are given up for the dear
        model's.
        """
        outcomes = background_loop.run(self._asked(items))
        decisions = self.decisions
        block = [each.decided for each in outcomes if each.decided]
        before, keeps = decisions.state, True
        state = before
        if block:
            state, keeps = settle(before, block, decisions.terms)
        if not keeps:
            outcomes = background_loop.run(self._without_cheap(outcomes))
        with transaction.atomic():
            row = RunCascade.objects.select_for_update().get(pk=self.run.pk)
            count_calls(row, outcomes, decisions.models)
            row.state = to_json(state)
            note_events(row, before, state)
            row.save()
            store(self.run, cases, outcomes)
        decisions.state = from_json(row.state)

    async def _asked(self, items: Sequence[Item]) -> list[Outcome]:
        return list(await asyncio.gather(*(self._row(item) for item in items)))

    async def _row(self, item: Item) -> Outcome:
        if not self.decisions.asks_cheap(item):
            return await self._own(item)
        first = await self._first(item)
        if first.decided is None or first.decided.is_cheap:
            return first
        return self.decisions.with_dear(await self._own(item), first)

    async def _first(self, item: Item) -> Outcome:
        """The cheap model's outcome with its way; without one where that is the row's answer."""
        decisions = self.decisions
        first = await self._with(item, decisions.cheap_changes, decisions.judged)
        if first.state != ResultState.FAILED and not decisions.is_cheap(first.record):
            return replace(first, decided=None)  # a fallback's answer is as good as the dear one's
        score = first.decided.score if first.decided else 0.0
        if first.state == ResultState.APPLIED and decisions.takes_second:
            first, score = await self._scored(item, first)
        return decisions.decided(first, score)

    async def _scored(self, item: Item, first: Outcome) -> tuple[Outcome, float]:
        """With the second call that some kinds of score take, and the score that it tells."""
        ask = self.decisions.second_ask(self._call(item), first)
        second = await self._with(item, ask.changes, ask.judged)
        score = self.decisions.score_of_two(first, second)
        return replace(first, beside=(*first.beside, *calls_of(second))), score

    async def _without_cheap(self, outcomes: Sequence[Outcome]) -> list[Outcome]:
        """The dear model's answers in place of the cheap ones that can't be kept any more."""

        async def one(outcome: Outcome) -> Outcome:
            decided: Decided | None = outcome.decided
            if decided is None or not decided.is_cheap:
                return outcome
            cheap = self.decisions.given_up(outcome)
            return self.decisions.with_dear(await self._own(outcome.item), cheap)

        return list(await asyncio.gather(*(one(each) for each in outcomes)))

    async def _own(self, item: Item) -> Outcome:
        """The node's own model's."""
        return await outcome_of(self.enrichment, item, self._call(item))

    async def _with(self, item: Item, changes: Mapping[str, Any], judge: Any) -> Outcome:
        call = replace(self._call(item), **changes)
        return await outcome_of(self.enrichment, item, call, judge)

    def _call(self, item: Item) -> Call:
        return call_of(self.enrichment, self.run, item, "")
