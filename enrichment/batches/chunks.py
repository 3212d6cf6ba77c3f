"""Row ids cut into the chunks that lanes lease."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

from django.db.models import QuerySet

from enrichment.batches.duplicates import in_order_of_inputs
from enrichment.enrichments.contract import Enrichment
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


MAX_STRETCH = 2  # how many times its size a chunk may have, to keep rows together that are alike


def cut_rows(batch: Batch, enrichment: Enrichment, rows: "QuerySet[Any]", variant: str) -> int:
    """Cut a selection; the keys stream, so memory doesn't grow with them.

    Rows that say the same come into one chunk, where they share a call.
    """
    keys = in_order_of_inputs(enrichment, rows).values_list("pk", "first_alike").iterator()
    return _store(batch, variant, _groups(keys, chunk_size(rows.count())))


def cut(batch: Batch, variant: str, keys: Iterable[str], *, size: int) -> int:
    """Store keys in chunks; returns how many there are."""
    return _store(batch, variant, _groups(((key, key) for key in keys), size))


def _store(batch: Batch, variant: str, groups: Iterator[list[str]]) -> int:
    total = 0
    left_to_provider = batch.transport == Transport.PROVIDER_BATCH
    status = ChunkStatus.AWAY if left_to_provider else ChunkStatus.OPEN
    chunks = (
        BatchChunk(batch=batch, variant=variant, row_ids=group, status=status) for group in groups
    )
    while together := list(islice(chunks, INSERT_TOGETHER)):
        total += sum(len(chunk.row_ids) for chunk in together)
        BatchChunk.objects.bulk_create(together)
    return total


def chunk_size(rows: int) -> int:
    """Small enough that every lane gets several, large enough that claims cost nothing."""
    lanes: int = snapshot.current().processing.get("concurrent_tasks", 1)
    return max(MIN_CHUNK, min(MAX_CHUNK, rows // (lanes * 4)))


def _groups(keys: Iterable[tuple[Any, Any]], size: int) -> Iterator[list[str]]:
    """Keys in groups of a size, or a little more: rows that are alike aren't parted."""
    group: list[str] = []
    before = None
    for key, first_alike in keys:
        if len(group) >= size and (first_alike != before or len(group) >= MAX_STRETCH * size):
            yield group
            group = []
        group.append(str(key))
        before = first_alike
    if group:
        yield group
