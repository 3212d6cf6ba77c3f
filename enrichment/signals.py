"""Django signals about batches, sent when what they tell is committed.

Both give `batch_id` (UUID), `enrichment` (its name), `status` and `reason`, with `Batch` as sender.
They are sent in the process that ended or paused the batch, mostly a worker; a receiver that
raises is logged and holds nothing up.
"""

from uuid import UUID

from django.db import transaction
from django.dispatch import Signal

from enrichment.models import Batch, BatchStatus

batch_ended = Signal()  # it is completed or cancelled; one that is tried again ends once more
batch_paused = Signal()
_OF_STATUS = {
    BatchStatus.COMPLETED: batch_ended,
    BatchStatus.CANCELLED: batch_ended,
    BatchStatus.PAUSED: batch_paused,
}


def tell(batch_id: UUID, status: BatchStatus) -> None:
    """Send the signal of a status once the transaction is committed; most have none."""
    signal = _OF_STATUS.get(status)
    if signal is not None and signal.receivers:
        transaction.on_commit(lambda: _send(signal, batch_id), robust=True)


def _send(signal: Signal, batch_id: UUID) -> None:
    batch = Batch.objects.filter(pk=batch_id).first()
    if batch is not None:
        signal.send_robust(
            Batch,
            batch_id=batch.pk,
            enrichment=batch.enrichment,
            status=batch.status,
            reason=batch.status_reason,
        )
