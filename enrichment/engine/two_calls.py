"""Rows that need a second call: the first answer is kept on the disk before that is made.

Both calls belong to the row's one place in the window. A killed worker's successor goes on with the
first answer, and doesn't pay for it again.
"""

from enrichment.engine.dispatcher import Dispatcher
from enrichment.engine.items import Outcome, kept_of
from enrichment.engine.lane_cascade import unfinished
from enrichment.engine.outgoing import OutgoingRow
from llmconfig.runtime.records import replace


class TwoCallDispatcher(Dispatcher):
    """The calls of a lane whose rows may need two each; `row.item.cheap` is the first one's."""

    asks_per_row = 2

    def _keep_cheap(self, row: OutgoingRow, cheap: Outcome) -> None:
        """Note that it is paid, here and on the disk, before another call is made."""
        row.item = replace(cheap.item, cheap=cheap)
        kept = kept_of(replace(cheap, unfinished=True))
        if kept is not None:
            self._spool.keep(row.claim.token, kept)

    def _may_send(self, row: OutgoingRow) -> bool:
        if not super()._may_send(row):
            return False
        cheap = row.item.cheap
        if cheap is not None and cheap.record is not None:  # noted apart: a kill doesn't lose it
            self._notes.sent(row.claim.token, row.position + len(row.claim.row_ids))
        return True

    def _over(self, row: OutgoingRow, outcome: Outcome | None) -> None:
        """What was paid is stored, also where the row's end is given up."""
        if row.item.cheap is not None and outcome is None:
            self._outcomes.append(unfinished(row.item.cheap))
        super()._over(row, outcome)

    def _drop_unsent(self) -> None:
        for row in (*self._waiting, *self._announced):
            if row.item.cheap is not None:
                self._outcomes.append(unfinished(row.item.cheap))
        super()._drop_unsent()
