"""A worker's shift: for a minute it works on whose turn it is."""

import time
from uuid import UUID

from enrichment.engine.lanes import LANE_SECONDS, LaneEnd, run_lane
from enrichment.engine.turns import has_rows, next_batch


def work(batch_id: UUID, *, seconds: float = LANE_SECONDS) -> UUID | None:
    """Work on the batches that are next, for about `seconds`; returns whose lane is to be queued.

    The batch that this was queued for comes first only where it has no rows to be claimed: it may
    lack its start or its end. Raises what `run_lane` raises.
    """
    until = time.monotonic() + seconds
    if not has_rows(batch_id):
        run_lane(batch_id, seconds=0)
    passed: set[UUID] = set()  # nothing to be had there for now
    chosen = next_batch()
    while chosen is not None and (left := until - time.monotonic()) > 0:
        if run_lane(chosen, seconds=left, yields=True) in {LaneEnd.FULL, LaneEnd.WAITING}:
            passed.add(chosen)
        chosen = next_batch(apart=passed)
    return chosen
