"""One process at a time carries a run or a calibration out, and others see whether one does.

It holds a lock of its session meanwhile, so that a death lets go of it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from django.db import connection

from enrichment.engine.db_sessions import alone


@contextmanager
def attending(work: UUID) -> Iterator[bool]:
    """Hold the lock of a work while the block runs; False where another process has it."""
    with alone(_lock(work)) as ours:
        yield ours


def unattended(works: list[UUID]) -> set[UUID]:
    """Those that no process holds now."""
    if not works:
        return set()
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT (classid::bigint << 32) + objid::bigint FROM pg_locks"
            " WHERE locktype = 'advisory' AND objsubid = 1"
            " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
        )
        held = {row[0] for row in cursor.fetchall()}
    return {work for work in works if _lock(work) not in held}


def _lock(work: UUID) -> int:
    return work.int % 2**62
