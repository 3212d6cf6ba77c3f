"""Lanes that fail in the same way again, without any progress between, pause their batch."""

import logging
from uuid import UUID

from django.db import DatabaseError

from enrichment.batches import lifecycle
from enrichment.batches.progress import spent_by
from enrichment.engine import refusals
from enrichment.models import Batch

logger = logging.getLogger(__name__)


def note(batch_id: UUID, error: Exception) -> bool:
    """Remember how a lane failed; returns whether the batch is paused for it.

    One failure may be chance. What was answered is kept, so the pause costs nothing.
    """
    logger.error("Batch %s: a lane failed.", batch_id, exc_info=error)
    kind = type(error).__name__
    try:
        tries = spent_by(batch_id).tries
        same = Batch.objects.filter(pk=batch_id, lane_failure=kind, lane_failure_at=tries)
        if same.exists():
            lifecycle.pause_for(batch_id, _reason(error))
            return True
        Batch.objects.filter(pk=batch_id).update(lane_failure=kind, lane_failure_at=tries)
    except DatabaseError:
        logger.warning("Batch %s: how its lane failed can't be noted.", batch_id)
    return False


def _reason(error: Exception) -> str:
    return (
        "Its lanes failed twice in the same way without writing a row."
        f" {refusals.why(error)} What was answered is kept; resume it when that is mended."
    )
