"""Finds batches whose lanes died or whose later round has come due."""

from uuid import UUID

from django.db import connection

from enrichment.batches.lifecycle import complete_if_done
from enrichment.engine.db_sessions import end_stopped, lock_key
from enrichment.models import Batch, BatchStatus
from llmconfig.configuration import snapshot

_CLAIMABLE = """
SELECT count(*) FROM enrichment_batch_chunks
WHERE batch_id = %s AND due_at <= clock_timestamp()
  AND (status = 'open' OR (status = 'leased' AND leased_until < clock_timestamp()))
"""
_LIVE_LANES = """
SELECT count(*) FROM pg_locks
WHERE locktype = 'advisory' AND classid = %s AND granted
  AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""


def lanes_to_queue() -> dict[UUID, int]:
    """Per unfinished batch, how many lanes are missing, those of high priority first.

    Also completes what only lacks its end, and ends lanes that stand still.
    """
    missing: dict[UUID, int] = {}
    most = snapshot.current().processing.get("concurrent_tasks", 1)
    unfinished = Batch.objects.filter(
        status__in=[BatchStatus.PENDING, BatchStatus.RUNNING]
    ).order_by("-priority", "created_at")
    for batch_id in unfinished.values_list("pk", flat=True):
        end_stopped(batch_id)
        wanted = min(most, _count(_CLAIMABLE, batch_id)) - _count(_LIVE_LANES, lock_key(batch_id))
        if wanted > 0:
            missing[batch_id] = wanted
        else:
            complete_if_done(batch_id)
    return missing


def _count(sql: str, parameter: UUID | int) -> int:
    with connection.cursor() as cursor:
        cursor.execute(sql, [parameter])
        return int(cursor.fetchone()[0])
