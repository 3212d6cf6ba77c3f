"""Row ids cut into the chunks that lanes lease."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

from django.db.models import QuerySet

from enrichment.models import (
    Batch,
    BatchChunk,
    ChunkStatus,
    Transport,
)
from llmconfig.configuration import snapshot

MAX_CHUNK = 500


MIN_CHUNK = 20


INSERT_TOGETHER = 100


def cut_rows(batch: Batch, variant: str, rows: "QuerySet[Any]") -> int:
    """Cut a selection; the keys stream, so memory doesn't grow with them."""
    keys = (str(key) for key in rows.values_list("pk", flat=True).iterator())
    return cut(batch, variant, keys, size=chunk_size(rows.count()))


def cut(batch: Batch, variant: str, keys: Iterable[str], *, size: int) -> int:
    """Store keys in chunks; returns how many there are."""
    total = 0
    left_to_provider = batch.transport == Transport.PROVIDER_BATCH
    status = ChunkStatus.AWAY if left_to_provider else ChunkStatus.OPEN
    chunks = (
        BatchChunk(batch=batch, variant=variant, row_ids=group, status=status)
        for group in _groups(keys, size)
    )
    while together := list(islice(chunks, INSERT_TOGETHER)):
        total += sum(len(chunk.row_ids) for chunk in together)
        BatchChunk.objects.bulk_create(together)
    return total


def chunk_size(rows: int) -> int:
    """Small enough that every lane gets several, large enough that claims cost nothing."""
    lanes: int = snapshot.current().processing.get("concurrent_tasks", 1)
    return max(MIN_CHUNK, min(MAX_CHUNK, rows // (lanes * 4)))


def _groups(keys: Iterable[str], size: int) -> Iterator[list[str]]:
    iterator = iter(keys)
    while group := list(islice(iterator, size)):
        yield group
