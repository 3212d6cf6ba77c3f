"""Whose answer a row gets in a cascade: its cheap answer's score, and what the state says of it."""

import logging
import math
from collections.abc import Mapping, Sequence
from decimal import Decimal
from random import Random
from typing import Any

from enrichment.batches import cascades
from enrichment.cascades.steering import CascadeState, CascadeTerms, Decided, Way, from_json
from enrichment.cascades.tallies import lowest_score
from enrichment.engine.grading import GOOD_FROM, grade_outcome, grading_changes
from enrichment.engine.items import Item, Outcome, judged
from enrichment.engine.outgoing import Ask
from enrichment.enrichments.contract import LOG_PROBABILITIES, Enrichment
from enrichment.judging import JUDGE_NODE, judge_of
from enrichment.models import CascadeRecord, ResultState
from llmconfig.client.recording.recorders import Texts
from llmconfig.client.types import Call, CallRecord, Generation
from llmconfig.models import CascadeScore
from llmconfig.runtime.records import replace

logger = logging.getLogger(__name__)

MAX_EVENTS = 50  # of one cascade
SECOND_TEMPERATURE = 1.0  # of the other cheap sample, where two are compared


class CascadeDecisions:
    """What is decided by a cascade's state as it was last read.

    `models` are the ids that count as cheap, `node` the one that asks.
    """

    def __init__(
        self, row: CascadeRecord, enrichment: Enrichment, *, models: frozenset[str], node: str = ""
    ) -> None:
        self.enrichment = enrichment
        self.model, self.score, self.models = row.model, row.score, models
        judges = row.score == CascadeScore.JUDGE
        self.judge = judge_of(enrichment, node=node) if judges else None
        self.terms = CascadeTerms(row.target, row.audits, row.miss, row.price)
        self.state: CascadeState = from_json(row.state)
        self._coin = Random()  # noqa: S311 - chance, no secret

    @property
    def cheap_changes(self) -> dict[str, Any]:
        """What a call to the cheap model differs in."""
        changes: dict[str, Any] = {"given": {"model": self.model}, "experiment_key": ""}
        return changes | ({"logprobs": True} if self.score == CascadeScore.LOGPROBS else {})

    @property
    def second_changes(self) -> dict[str, Any]:
        """The same for the other sample, where two are compared."""
        given: Mapping[str, Any] = {"model": self.model, "temperature": SECOND_TEMPERATURE}
        return {**self.cheap_changes, "given": given, "use_cache": False}

    @property
    def takes_second(self) -> bool:
        """Whether a second call, another sample or a judge's word, scores a cheap answer."""
        return self.score in cascades.SCORES_OF_TWO

    def second_ask(self, call: Call, first: Outcome) -> Ask:
        """That second call; `call` is the own model's, `first` the cheap answer."""
        if self.judge is not None:
            return Ask(grading_changes(self.judge, call, first.value), grade_outcome)
        return Ask(self.second_changes, self.judged)

    def score_of_two(self, first: Outcome, second: Outcome) -> float:
        """How good a cheap answer is by what the second call came to, from 0 to 1."""
        return score_of_two(self.score, self.enrichment, first, second)

    def asks_cheap(self, item: Item) -> bool:
        """Whether the cheap model is asked about a row."""
        return not item.dear and self.state.asks_cheap

    def judged(
        self, enrichment: Enrichment, item: Item, answer: Generation, texts: Texts | None
    ) -> Outcome:
        """A cheap answer with its score, which is 0 where the gates hold it back."""
        found = judged(enrichment, item, answer, texts)
        score = 0.0
        if found.state == ResultState.APPLIED:
            score = score_of(self.score, found, answer)
        return replace(found, decided=Decided(score, Way.DEAR, model=answer.record.model))

    def decided(self, cheap: Outcome, score: float) -> Outcome:
        """The cheap answer with its way; one that the gates hold back is never kept."""
        way = Way.DEAR
        if cheap.state == ResultState.APPLIED:
            way = self.state.way(score, self._coin)
        model = cheap.record.model if cheap.record else self.model
        good = self.judge is not None and score >= GOOD_FROM
        return replace(cheap, decided=Decided(score, way, model=model), judged_good=good)

    def with_dear(self, dear: Outcome, cheap: Outcome) -> Outcome:
        """The dear model's outcome, and whether the cheap one's agrees.

        Where that can't be told of an audit, because nobody but the cheap model answered, it counts
        as an error that was caught.
        """
        decided = cheap.decided or Decided(0.0, Way.DEAR, model=self.model)
        agrees = None if decided.way is Way.DEAR else False
        if dear.state != ResultState.FAILED and not self.is_cheap(dear.record):
            same_state = dear.state == cheap.state
            agrees = same_state and self.enrichment.similarity(cheap.value, dear.value) >= 1
        return replace(
            dear,
            item=replace(dear.item, cheap=None),
            decided=replace(decided, agrees=agrees),
            paid_before=cheap.paid_before,
            beside=(*calls_of(cheap), *dear.beside),
        )

    def given_up(self, cheap: Outcome) -> Outcome:
        """A good cheap answer that may not be kept any more."""
        return replace(cheap, decided=cheap.decided and replace(cheap.decided, way=Way.DEAR))

    def is_cheap(self, record: CallRecord | None) -> bool:
        """Whether the cheap model made it, rather than a fallback."""
        return record is not None and record.model in self.models


def score_of(score: str, found: Outcome, answer: Generation) -> float:
    """How good a cheap answer that passes the gates is by a kind of score, from 0 to 1."""
    if score in cascades.SCORES_OF_TWO:
        return 0.0  # until a second call has told
    if score == CascadeScore.GATES:
        return 0.5 if found.findings else 1.0
    if score == CascadeScore.LOGPROBS and found.confidence_source != LOG_PROBABILITIES:
        return _likelihood([logprob for _, logprob in answer.tokens])
    return min(1.0, max(0.0, found.confidence or 0.0))


def score_of_two(score: str, enrichment: Enrichment, first: Outcome, second: Outcome) -> float:
    """How good a cheap answer is by a second call, from 0 to 1; 0 where that gave no answer."""
    if second.state != first.state:
        return 0.0
    if score == CascadeScore.JUDGE:
        return float(second.value)
    return enrichment.similarity(first.value, second.value)


def calls_of(outcome: Outcome) -> tuple[tuple[CallRecord, Texts], ...]:
    """All calls of a row, each with its texts."""
    if outcome.record is None:
        return outcome.beside
    return ((outcome.record, outcome.texts or Texts("", "")), *outcome.beside)


def _likelihood(logprobs: Sequence[float]) -> float:
    """The geometric mean of the tokens' probabilities; 0 where none were told."""
    return math.exp(math.fsum(logprobs) / len(logprobs)) if logprobs else 0.0


def count_calls(row: CascadeRecord, outcomes: Sequence[Outcome], models: frozenset[str]) -> None:
    """Add these rows' calls to what the cheap models and the dear one have cost."""
    for record, _ in (call for each in outcomes for call in calls_of(each)):
        unpriced = record.cost_usd is None
        cost = record.cost_usd or Decimal(0)
        if record.model in models or record.node == JUDGE_NODE:
            row.cheap_calls += 1
            row.cheap_unpriced += unpriced
            row.cheap_usd += cost
        else:
            row.dear_calls += 1
            row.dear_unpriced += unpriced
            row.dear_usd += cost
            row.dear_squares += float(cost) ** 2


def note_events(row: CascadeRecord, before: CascadeState, after: CascadeState) -> None:
    """Note a new phase, or that it learns anew, for the page."""
    if (before.phase, before.epoch) == (after.phase, after.epoch) or len(row.events) >= MAX_EVENTS:
        return
    event = {
        "rows": after.settled,
        "phase": after.phase.value,
        "drift": after.epoch > before.epoch,
        "threshold": lowest_score(after.threshold),
    }
    logger.info("The cascade of %s: %s", row.pk, event)
    row.events = [*row.events, event]
