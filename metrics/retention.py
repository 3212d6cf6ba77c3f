"""Months of calls and texts that are old enough to go: detached and dropped, writers not held up.

Sums by hour and day stay. A detach that was interrupted is finished the next time: PostgreSQL
remembers one that is under way, and a comment on the table says that we were about to drop it.
"""

import datetime as dt
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType

from django.db import OperationalError, connection
from django.db.backends.utils import CursorWrapper
from msgspec import Struct

from llmconfig import project_settings
from llmconfig.configuration.process_settings import effective
from llmconfig.runtime import advisory_locks
from llmconfig.runtime.direct_sessions import direct_session
from metrics import caller_rollups, partitions, rollups
from metrics.errors import PartitionsUnusable
from metrics.partitions import Partition

# How many whole months before the current one are kept; 0 keeps all.
VARIABLES: Mapping[str, str] = MappingProxyType(
    {
        "llm_generation_metrics": "LLM_METRICS_KEEP_MONTHS",
        "llm_generation_history": "LLM_HISTORY_KEEP_MONTHS",
    }
)
MARK = "Expired: retention drops this table."
# Detaching waits for transactions that use the table; who comes later is never made to wait long.
LOCK_TIMEOUT = "1s"
ATTEMPTS = 3
PAUSE_S = 0.5


class Expiry(Struct, frozen=True):
    """A month that is too old, and how far its removal has got."""

    partition: Partition
    pending: bool = False  # a detach of it was interrupted


def expired(cursor: CursorWrapper, *, now: dt.datetime | None = None) -> list[Expiry]:
    """The months of every table that are older than its setting keeps, oldest first.

    Raises PartitionsUnusable.
    """
    this_month = partitions.month_start(now or partitions.utc_now())
    found = []
    for table, variable in VARIABLES.items():
        months = _months(variable)
        if months:
            limit = partitions.add_months(this_month, -months)
            pending = _pending(cursor, table)
            found += [
                Expiry(partition, pending=partition.name in pending)
                for partition in partitions.existing(cursor, table)
                if partition.end <= limit
            ]
    return found


@direct_session()
def drop_expired(*, now: dt.datetime | None = None) -> list[Partition]:
    """Sum up what isn't yet, then remove every month that is too old; returns those.

    Outside of any transaction. Does nothing while another process does it. Raises
    PartitionsUnusable, having removed the others, when a month stays in use.
    """
    with connection.cursor() as cursor, _alone(cursor) as alone:
        if not alone:
            return []
        _drop_leftovers(cursor)
        found = expired(cursor, now=now)
        if found:
            until = max(expiry.partition.end for expiry in found)
            rollups.roll_up(until=until)
            caller_rollups.catch_up(until=until)
        failures = [failure for expiry in found if (failure := _remove(cursor, expiry))]
    if failures:
        raise PartitionsUnusable(" ".join(failures))
    return [expiry.partition for expiry in found]


def _months(variable: str) -> int:
    return int(effective(variable, environment=project_settings.process_values(), row={}))


@contextmanager
def _alone(cursor: CursorWrapper) -> Iterator[bool]:
    """Hold the lock of whoever changes partitions, if it is free, and a short patience."""
    cursor.execute("SELECT pg_try_advisory_lock(%s)", [advisory_locks.PARTITIONS])
    (alone,) = cursor.fetchone() or (False,)
    if not alone:
        yield False
        return
    cursor.execute(f"SET lock_timeout = '{LOCK_TIMEOUT}'")
    try:
        yield True
    finally:
        cursor.execute("RESET lock_timeout")
        cursor.execute("SELECT pg_advisory_unlock(%s)", [advisory_locks.PARTITIONS])


def _pending(cursor: CursorWrapper, table: str) -> set[str]:
    """The partitions whose detach was interrupted."""
    cursor.execute(
        "SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid"
        " WHERE i.inhparent = to_regclass(%s) AND i.inhdetachpending",
        [table],
    )
    return {name for (name,) in cursor.fetchall()}


def _remove(cursor: CursorWrapper, expiry: Expiry) -> str:
    """Detach and drop one month and return why that failed; blank when it didn't."""
    quote = cursor.db.ops.quote_name
    table, name = quote(expiry.partition.table), quote(expiry.partition.name)
    pending = expiry.pending
    for attempt in range(1, ATTEMPTS + 1):
        try:
            cursor.execute(f"COMMENT ON TABLE {name} IS '{MARK}'")
            how = "FINALIZE" if pending else "CONCURRENTLY"
            cursor.execute(f"ALTER TABLE {table} DETACH PARTITION {name} {how}")
        except OperationalError as error:
            pending = expiry.partition.name in _pending(cursor, expiry.partition.table)
            if attempt == ATTEMPTS:
                reason = str(error).splitlines()[0]
                return (
                    f"{expiry.partition.name} is too old but can't be detached: {reason}. A long"
                    " transaction uses it; the next run tries again."
                )
            time.sleep(PAUSE_S * attempt)
        else:
            break
    _drop_leftovers(cursor)
    return ""


def _drop_leftovers(cursor: CursorWrapper) -> None:
    """Drop what we detached and nobody uses any more; what is in use stays for the next run."""
    cursor.execute(
        "SELECT c.relname FROM pg_class c WHERE c.relkind = 'r' AND NOT c.relispartition"
        " AND obj_description(c.oid, 'pg_class') = %s AND pg_table_is_visible(c.oid)",
        [MARK],
    )
    for (name,) in cursor.fetchall():
        cursor.execute(f"DROP TABLE {cursor.db.ops.quote_name(name)}")
