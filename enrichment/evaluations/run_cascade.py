"""A run over a node with a cascade: each case goes as a batch's row would.

One process carries a run out, so its cases are decided and settled block by block, in order.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
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
from enrichment.cascades.steering import BLOCK, CascadeState, from_json, settle, to_json
from enrichment.engine.cascade_decisions import (
    CascadeDecisions,
    calls_of,
    count_calls,
    note_events,
)
from enrichment.engine.items import Item, Outcome
from enrichment.engine.lane_cascade import unfinished
from enrichment.enrichments.contract import Enrichment
from enrichment.evaluations.run_calls import call_of, outcome_of, store
from enrichment.models import ResultState, RunCascade
from enrichment.models.evaluations import EvaluationCase, EvaluationRun
from llmconfig.client.http import background_loop
from llmconfig.client.types import Call
from llmconfig.configuration import snapshot
from llmconfig.runtime.records import replace
from llmconfig.runtime.together import together

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
        self._unanswered: list[Outcome] = []  # paid calls of rows that are still to be asked

    def ask(self, items: Sequence[Item], cases: Mapping[str, EvaluationCase]) -> None:
        """Ask about a block of cases, settle it, and keep what is answered; then raises what kept
        others from it, such as a budget that was used up meanwhile.

        Good cheap answers that come after too many caught errors are given up for the dear
        model's. Paid calls of a case that got no answer are recorded and counted too.
        """
        self._unanswered = []
        came = background_loop.run(together(map(self._row, items)))
        outcomes, error = came.values, came.error
        before = self.decisions.state
        state, keeps = self._settled(outcomes)
        if not keeps:
            came = background_loop.run(together(map(self._without_cheap, outcomes)))
            outcomes, error = came.values, error or came.error
            state, _ = self._settled(outcomes)
        paid = [*outcomes, *self._unanswered]
        with transaction.atomic():
            row = RunCascade.objects.select_for_update().get(pk=self.run.pk)
            count_calls(row, paid, self.decisions.models)
            row.state = to_json(state)
            note_events(row, before, state)
            row.save()
            store(self.run, cases, paid)
        self.decisions.state = from_json(row.state)
        if error is not None:
            raise error

    def _settled(self, outcomes: Sequence[Outcome]) -> tuple[CascadeState, bool]:
        block = [each.decided for each in outcomes if each.decided]
        if not block:
            return self.decisions.state, True
        return settle(self.decisions.state, block, self.decisions.terms)

    async def _row(self, item: Item) -> Outcome:
        if not self.decisions.asks_cheap(item):
            return await self._own(item)
        first = await self._first(item)
        if first.decided is None or first.decided.is_cheap:
            return first
        return await self._own_after(first)

    async def _own_after(self, cheap: Outcome) -> Outcome:
        """The own model's answer, with the cheap one's calls."""
        with self._paid(cheap):
            return self.decisions.with_dear(await self._own(cheap.item), cheap)

    @contextmanager
    def _paid(self, first: Outcome) -> Iterator[None]:
        """Note a row's calls where the next one isn't made, so that its case has no answer."""
        try:
            yield
        except Exception:
            self._unanswered.append(unfinished(first))
            raise

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
        with self._paid(first):
            second = await self._with(item, ask.changes, ask.judged)
        score = self.decisions.score_of_two(first, second)
        return replace(first, beside=(*first.beside, *calls_of(second))), score

    async def _without_cheap(self, outcome: Outcome) -> Outcome:
        """The dear model's answer in place of a cheap one, which can't be kept any more."""
        if outcome.decided is None or not outcome.decided.is_cheap:
            return outcome
        return await self._own_after(self.decisions.given_up(outcome))

    async def _own(self, item: Item) -> Outcome:
        """The node's own model's."""
        return await outcome_of(self.enrichment, item, self._call(item))

    async def _with(self, item: Item, changes: Mapping[str, Any], judge: Any) -> Outcome:
        call = replace(self._call(item), **changes)
        return await outcome_of(self.enrichment, item, call, judge)

    def _call(self, item: Item) -> Call:
        return call_of(self.enrichment, self.run, item, "")
