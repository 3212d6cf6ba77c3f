"""Lanes that fail in the same way again, without any progress between, pause their batch."""

import logging

from django.db import DatabaseError

from enrichment.batches import lifecycle
from enrichment.batches.progress import spent_by
from enrichment.engine import refusals
from enrichment.models import Batch

logger = logging.getLogger(__name__)


def note(batch: Batch, error: Exception) -> bool:
    """Remember how a lane failed; returns whether the batch is paused for it.

    `batch` is as the lane took it up: a failure of before it was resumed says nothing any more. One
    may be chance. What was answered is kept, so the pause costs nothing.
    """
    logger.error("Batch %s: a lane failed.", batch.pk, exc_info=error)
    found = Batch.objects.filter(pk=batch.pk, resumed_at=batch.resumed_at)
    kind = type(error).__name__
    try:
        tries = spent_by(batch.pk).tries
        if found.filter(lane_failure=kind, lane_failure_at=tries).exists():
            lifecycle.pause_for(batch, _reason(error))
            return True
        found.update(lane_failure=kind, lane_failure_at=tries)
    except DatabaseError:
        logger.warning("Batch %s: how its lane failed can't be noted.", batch.pk)
    return False


def _reason(error: Exception) -> str:
    return (
        "Its lanes failed twice in the same way without writing a row."
        f" {refusals.why(error)} What was answered is kept; resume it when that is mended."
    )
