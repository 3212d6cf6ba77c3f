"""The same engine without Celery: one process works on a batch until it has ended."""

import time
from collections.abc import Callable
from uuid import UUID

from django.utils import timezone

from enrichment.batches.progress import Progress, progress_of
from enrichment.engine import submissions
from enrichment.engine.db_sessions import persistently
from enrichment.engine.lanes import LaneEnd, run_lane
from enrichment.models import BatchStatus
from llmconfig.runtime.direct_sessions import direct_session

LOOK_EVERY_SECONDS = 1.0


@direct_session()
def run_inline(batch_id: UUID, *, may_go_on: Callable[[], bool]) -> Progress:
    """Run lanes one after the other, waiting for later rounds; returns how it ended.

    Ends early when `may_go_on` says no; the batch can then be continued by anyone.
    """
    while may_go_on():
        end = persistently(lambda: run_lane(batch_id, seconds=LOOK_EVERY_SECONDS * 10))
        if end == LaneEnd.FINISHED:
            break
        if end != LaneEnd.MORE:
            persistently(submissions.advance)
            _sleep_until_due(persistently(lambda: progress_of(batch_id)))
    return persistently(lambda: progress_of(batch_id))


def _sleep_until_due(at: Progress) -> None:
    """Until the next round is due, but never long: a person may cancel."""
    wait = LOOK_EVERY_SECONDS
    if at.status == BatchStatus.RUNNING and at.next_due_at is not None:
        wait = min(wait, max(0.0, (at.next_due_at - timezone.now()).total_seconds()))
    time.sleep(wait)
