"""A lane's part in its batch's cascade: whose answer a row gets, and what each write settles.

Rows whose cheap answer is good enough are written in the order in which that was decided, so that
one that is audited can't be overtaken by others that would have counted only after it.
"""

from collections import deque
from collections.abc import Sequence
from functools import partial

from django.db import transaction

from enrichment.cascades.steering import (
    CascadeState,
    Decided,
    Way,
    from_json,
    settle,
    to_json,
)
from enrichment.engine import cheap_answers
from enrichment.engine.cascade_decisions import CascadeDecisions, count_calls, note_events
from enrichment.engine.claims import Claim
from enrichment.engine.duplicates import SharedCalls
from enrichment.engine.items import Item, Outcome, restored
from enrichment.enrichments.contract import Enrichment
from enrichment.models import BatchCascade, BatchChunk, Transport
from llmconfig.runtime.records import replace

KEPT = frozenset({Way.CHEAP, Way.AUDIT})
Key = tuple[int, str]  # a chunk's row


class LaneCascade(CascadeDecisions):
    """What one lane knows of its batch's cascade. `models` are the ids that count as cheap."""

    def __init__(
        self, row: BatchCascade, enrichment: Enrichment, *, models: frozenset[str]
    ) -> None:
        super().__init__(row, enrichment, models=models)
        self.batch_id = row.pk
        self.at_provider = row.batch.transport == Transport.PROVIDER_BATCH
        self._order: deque[Key] = deque()  # rows whose cheap answer is good enough, as decided
        self._ordered: set[Key] = set()
        self._ended: dict[Key, Outcome] = {}  # of these, those that wait for earlier ones
        self._positions: dict[Key, int] = {}
        self._unkept: list[Outcome] = []

    # On the event loop.

    def decided(self, cheap: Outcome, score: float) -> Outcome:
        """As any cascade; rows that may keep their answer are written in this order."""
        found = super().decided(cheap, score)
        if found.decided is not None and found.decided.way in KEPT:
            self._ordered.add(_key(cheap.item))
            self._order.append(_key(cheap.item))
        return found

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
        count_calls(row, [each for each in mine if id(each) not in left_out], self.models)
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


def _key(item: Item) -> Key:
    return (item.claim.chunk_id if item.claim else 0), item.row_id
