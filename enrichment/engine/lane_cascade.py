"""A lane's part in its batch's cascade: whose answer a row gets, and what each write settles.

Rows whose cheap answer is good enough are written in the order in which that was decided, so that
one that is audited can't be overtaken by others that would have counted only after it.
"""

import logging
import math
from collections import deque
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from functools import partial
from random import Random

from django.db import transaction

from enrichment.cascades.steering import (
    CascadeState,
    CascadeTerms,
    Decided,
    Way,
    from_json,
    settle,
    to_json,
)
from enrichment.cascades.tallies import lowest_score
from enrichment.engine import cheap_answers
from enrichment.engine.claims import Claim
from enrichment.engine.duplicates import SharedCalls
from enrichment.engine.items import Item, Outcome, judged, restored
from enrichment.enrichments.contract import LOG_PROBABILITIES, Enrichment
from enrichment.judging import JUDGE_NODE, judge_of
from enrichment.models import BatchCascade, BatchChunk, ResultState, Transport
from llmconfig.client.recording.recorders import Texts
from llmconfig.client.types import CallRecord, Generation
from llmconfig.models import CascadeScore

logger = logging.getLogger(__name__)

MAX_EVENTS = 50  # of one batch
SECOND_TEMPERATURE = 1.0  # of the other cheap sample, where two are compared
KEPT = frozenset({Way.CHEAP, Way.AUDIT})
Key = tuple[int, str]  # a chunk's row


class LaneCascade:
    """What one lane knows of its batch's cascade. `models` are the ids that count as cheap."""

    def __init__(
        self, row: BatchCascade, enrichment: Enrichment, *, models: frozenset[str]
    ) -> None:
        self.batch_id = row.pk
        self.at_provider = row.batch.transport == Transport.PROVIDER_BATCH
        self.enrichment = enrichment
        self.model, self.score, self.models = row.model, row.score, models
        self.judge = judge_of(enrichment) if row.score == CascadeScore.JUDGE else None
        self.terms = CascadeTerms(row.target, row.audits, row.miss, row.price)
        self.state: CascadeState = from_json(row.state)  # as it was last read
        self._coin = Random()  # noqa: S311 - chance, no secret
        self._order: deque[Key] = deque()  # rows whose cheap answer is good enough, as decided
        self._ordered: set[Key] = set()
        self._ended: dict[Key, Outcome] = {}  # of these, those that wait for earlier ones
        self._positions: dict[Key, int] = {}
        self._unkept: list[Outcome] = []

    # On the event loop.

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
        if way in KEPT:
            self._ordered.add(_key(cheap.item))
            self._order.append(_key(cheap.item))
        model = cheap.record.model if cheap.record else self.model
        return replace(cheap, decided=Decided(score, way, model=model))

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

    def is_cheap(self, record: CallRecord | None) -> bool:
        """Whether the cheap model made it, rather than a fallback."""
        return record is not None and record.model in self.models

    # In the lane's thread.

    def marked(self, claim: Claim, items: Sequence[Item], shared: SharedCalls) -> list[Item]:
        """The rows that are to be sent, with those that only the dear model is asked about.

        These are texts that several rows share, as one error there would be several, rows that
        failed before, and those that a provider's batch asked the cheap model about.
        """
        chunk = claim.chunk_id
        for position, item in enumerate(items):
            self._positions[chunk, item.row_id] = position
        if self.at_provider:
            rows = [item.row_id for item in items]
            waiting = cheap_answers.of_rows(self.batch_id, claim.variant, rows)
            items = cheap_answers.with_cheap(items, waiting)
        return [
            replace(item, dear=True) if claim.dear or shared.is_shared(chunk, item.row_id) else item
            for item in items
        ]

    def position(self, item: Item) -> int:
        """Where a row stands among those of its chunk that are sent."""
        return self._positions[_key(item)]

    def released(self, outcomes: Sequence[Outcome]) -> list[Outcome]:
        """What may be written now, in order."""
        ready = []
        for outcome in outcomes:
            if _key(outcome.item) in self._ordered:
                self._ended[_key(outcome.item)] = outcome
            else:
                ready.append(outcome)
        while self._order and self._order[0] in self._ended:
            first = self._order.popleft()
            self._ordered.discard(first)
            ready.append(self._ended.pop(first))
        return ready

    @property
    def held(self) -> int:
        """How many outcomes wait for earlier ones."""
        return len(self._ended)

    def settle(self, outcomes: Sequence[Outcome]) -> list[Outcome]:
        """Merge these rows into the batch's state; gives the outcomes that are to be written.

        Called in the transaction of the write. The cheap answers that may not be kept any more are
        left out: `take_unkept` gives them once it is committed.
        """
        if not outcomes:
            return []
        row = BatchCascade.objects.select_for_update().get(pk=self.batch_id)
        tokens = [each.item.claim.token for each in outcomes if each.item.claim]
        ours = set(
            BatchChunk.objects.filter(lease_token__in=tokens)
            .order_by("pk")
            .select_for_update()
            .values_list("pk", flat=True)
        )
        mine = [each for each in outcomes if each.item.claim and each.item.claim.chunk_id in ours]
        # A row that came back for the dear model has been settled before.
        block = [each for each in mine if each.decided is not None and not each.item.dear]
        before = state = from_json(row.state)
        keeps = True
        if block:
            state, keeps = settle(
                state, [each.decided for each in block if each.decided], self.terms
            )
        unkept = [] if keeps else [each for each in block if each.decided and each.decided.is_cheap]
        left_out = {id(each) for each in unkept}
        _count_calls(row, [each for each in mine if id(each) not in left_out], self.models)
        row.state = to_json(state)
        note_events(row, before, state)
        row.save()
        transaction.on_commit(partial(self._stored, state, unkept))
        return [each for each in outcomes if id(each) not in left_out]

    def _stored(self, state: CascadeState, unkept: Sequence[Outcome]) -> None:
        self.state = state
        self._unkept += unkept

    def take_unkept(self) -> list[Outcome]:
        """Cheap answers that came too late to be kept: their rows go to the dear model."""
        taken, self._unkept = self._unkept, []
        return taken


def score_of(score: str, found: Outcome, answer: Generation) -> float:
    """How good a cheap answer that passes the gates is by a kind of score, from 0 to 1."""
    if score == CascadeScore.GATES:
        return 0.5 if found.findings else 1.0
    if score == CascadeScore.LOGPROBS and found.confidence_source != LOG_PROBABILITIES:
        return _likelihood([logprob for _, logprob in answer.tokens])
    return min(1.0, max(0.0, found.confidence or 0.0))


def unfinished(cheap: Outcome) -> Outcome:
    """The paid calls of a row that is still to be asked."""
    return replace(cheap, unfinished=True, decided=None)


def for_the_dear(unkept: Outcome) -> Item:
    """The row of a cheap answer that may not be kept, for the dear model."""
    decided = unkept.decided and replace(unkept.decided, way=Way.DEAR)
    return replace(unkept.item, dear=True, cheap=replace(unkept, decided=decided))


def continued(claim: Claim, items: Sequence[Item]) -> tuple[list[Item], list[Outcome]]:
    """Rows that a dead worker had asked the cheap model about go on from there.

    Gives the items, and the paid calls of rows that need no other one by now.
    """
    kept = {each.row_id: each for each in claim.kept if each.unfinished}
    going_on, paid = [], []
    for item in items:
        found = kept.get(item.row_id)
        if found is None:
            going_on.append(item)
            continue
        cheap = replace(restored(item, found), unfinished=False)
        if item.settled is not None:
            going_on.append(item)
            paid.append(unfinished(cheap))
            continue
        version = item.prompt.version if item.prompt else None
        same = (found.input_hash, found.prompt_version) == (item.input_hash, version)
        if not same or cheap.decided is None:  # of another text, or it was never decided
            cheap = replace(cheap, decided=Decided(0.0, Way.DEAR))
        going_on.append(replace(item, cheap=cheap))
    return going_on, paid


def calls_of(outcome: Outcome) -> tuple[tuple[CallRecord, Texts], ...]:
    """All calls of a row, each with its texts."""
    if outcome.record is None:
        return outcome.beside
    return ((outcome.record, outcome.texts or Texts("", "")), *outcome.beside)


def _key(item: Item) -> Key:
    return (item.claim.chunk_id if item.claim else 0), item.row_id


def _likelihood(logprobs: Sequence[float]) -> float:
    """The geometric mean of the tokens' probabilities; 0 where none were told."""
    return math.exp(math.fsum(logprobs) / len(logprobs)) if logprobs else 0.0


def _count_calls(row: BatchCascade, outcomes: Sequence[Outcome], models: frozenset[str]) -> None:
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


def note_events(row: BatchCascade, before: CascadeState, after: CascadeState) -> None:
    """Note a new phase, or that it learns anew, for the batch's page."""
    if (before.phase, before.epoch) == (after.phase, after.epoch) or len(row.events) >= MAX_EVENTS:
        return
    event = {
        "rows": after.settled,
        "phase": after.phase.value,
        "drift": after.epoch > before.epoch,
        "threshold": lowest_score(after.threshold),
    }
    logger.info("Batch %s: its cascade: %s", row.pk, event)
    row.events = [*row.events, event]
