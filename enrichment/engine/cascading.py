"""A row on its way through a cascade: the cheap model first, and the dear one where it is needed.

Both calls belong to the row's one place in the window. A cheap answer is kept on the disk before
the dear model is asked, so that a killed worker doesn't pay for it again.
"""

from collections.abc import Sequence
from functools import cached_property
from uuid import UUID

from enrichment.batches import cascades
from enrichment.engine.cascade_decisions import calls_of
from enrichment.engine.dispatcher import Dispatcher
from enrichment.engine.items import Outcome, call_for
from enrichment.engine.lane_cascade import LaneCascade, for_the_dear
from enrichment.engine.outgoing import PLAIN, Ask, OutgoingRow
from enrichment.engine.second_opinions import JudgingDispatcher, opinion_of
from enrichment.engine.two_calls import TwoCallDispatcher
from enrichment.enrichments.contract import Enrichment
from enrichment.models import Batch, ResultState
from llmconfig.client.http import background_loop
from llmconfig.runtime.records import replace


class CascadeDispatcher(TwoCallDispatcher):
    """The calls of a lane whose batch has a cascade."""

    def __init__(
        self,
        cascade: LaneCascade,
        enrichment: Enrichment,
        *,
        batch_id: UUID,
        window: int,
        wanted: int,
        use_cache: bool,
    ) -> None:
        super().__init__(
            enrichment, batch_id=batch_id, window=window, wanted=wanted, use_cache=use_cache
        )
        self.cascade = cascade

    def take(self) -> list[Outcome]:
        """Those that may be written; others wait for earlier ones."""
        return self.cascade.released(super().take())

    def wrote(self, exposed: int | None) -> None:
        """What waits for earlier ones would be lost in a kill, so it bounds what is sent."""
        super().wrote(exposed)
        self._being_written = self.cascade.held

    def ask_dear(self, outcomes: Sequence[Outcome]) -> None:
        """Queue the rows of cheap answers that may not be kept."""
        self._fed += len(outcomes)
        for each in outcomes:
            if each.item.claim is not None:
                position = self.cascade.position(each.item)
                self._waiting.append(OutgoingRow(each.item.claim, for_the_dear(each), position))
        background_loop.call_soon(self._dispatch)

    @cached_property
    def _cheap(self) -> Ask:
        return Ask(self.cascade.cheap_changes, self.cascade.judged)

    def _scoring(self, cheap: Outcome) -> Ask | None:
        """The second call that scores a cheap answer; None where that tells its score itself."""
        if not self.cascade.takes_second or cheap.state != ResultState.APPLIED:
            return None
        call = call_for(
            self.enrichment, cheap.item, session_id=self.batch_id, use_cache=self.use_cache
        )
        return self.cascade.second_ask(call, cheap)

    async def _asked(self, row: OutgoingRow, ask: Ask = PLAIN) -> Outcome | None:
        if row.item.cheap is None:
            if not self.cascade.asks_cheap(row.item):
                return await super()._asked(row)
            outcome = await self._first(row)
            if outcome is None or row.item.cheap is None:
                return outcome
        cheap = row.item.cheap
        dear = await super()._asked(row)
        return None if dear is None else self.cascade.with_dear(dear, cheap)

    async def _first(self, row: OutgoingRow) -> Outcome | None:
        """The cheap model's outcome; in `row.item.cheap` as well where the dear one is to follow.

        None: as if nobody had tried, but for what `row.item.cheap` has cost.
        """
        first = await super()._asked(row, self._cheap)
        if first is None or first.record is None:
            return first
        if first.state != ResultState.FAILED and not self.cascade.is_cheap(first.record):
            return replace(first, decided=None)  # a fallback's answer is as good as the dear one's
        score = first.decided.score if first.decided else 0.0
        scoring = self._scoring(first)
        if scoring is not None:
            self._keep_cheap(row, first)
            second = await super()._asked(row, scoring)
            if second is None:
                return None
            score = self.cascade.score_of_two(first, second)
            first = replace(first, beside=(*first.beside, *calls_of(second)))
        cheap = self.cascade.decided(first, score)
        if cheap.decided is not None and cheap.decided.is_cheap:
            row.item = replace(row.item, cheap=None)
            return replace(cheap, item=row.item)
        self._keep_cheap(row, cheap)
        return cheap


def cascade_of(batch: Batch, enrichment: Enrichment) -> LaneCascade | None:
    """A lane's part in its batch's cascade; None where there is none, or where it rests."""
    begun = cascades.begun(batch, enrichment)
    return None if begun is None else LaneCascade(begun[0], enrichment, models=begun[1])


def dispatcher_for(
    cascade: LaneCascade | None,
    enrichment: Enrichment,
    *,
    batch_id: UUID,
    window: int,
    wanted: int,
    use_cache: bool,
) -> Dispatcher:
    """What keeps a lane's calls in flight."""
    opinion = opinion_of(enrichment, batch_id) if cascade is None else None
    if opinion is not None:
        return JudgingDispatcher(
            opinion,
            enrichment,
            batch_id=batch_id,
            window=window,
            wanted=wanted,
            use_cache=use_cache,
        )
    if cascade is None:
        return Dispatcher(
            enrichment, batch_id=batch_id, window=window, wanted=wanted, use_cache=use_cache
        )
    return CascadeDispatcher(
        cascade, enrichment, batch_id=batch_id, window=window, wanted=wanted, use_cache=use_cache
    )
