"""How tests carry batches through a provider's own."""

import datetime as dt
import time

from enrichment.batches.creation import Terms
from enrichment.batches.progress import progress_of
from enrichment.engine import submissions
from enrichment.engine.lanes import run_lane
from enrichment.models import Batch

AT_PROVIDER = Terms(transport="provider_batch")
AT_ONCE = dt.timedelta(0)
# Of a batch that is to be in work until the test lets it end, by another `batch_ms`.
HELD_MS = 20_000


def until_completed(batch: Batch, *, seconds: float = 120) -> None:
    """Do what beat and a worker do until the batch is completed."""
    until(batch, "completed", seconds=seconds)


def until(batch: Batch, status: str, *, seconds: float = 120) -> None:
    """The same until it has this status."""
    deadline = time.monotonic() + seconds
    while progress_of(batch.pk).status != status:
        began = time.monotonic()
        assert began < deadline, progress_of(batch.pk)
        submissions.advance(settle=AT_ONCE)
        run_lane(batch.pk)
        # A busy machine has better things to do than to look all the time.
        time.sleep(min(0.3, max(0.05, 2 * (time.monotonic() - began))))
