"""A lane's sessions at the database: they end when it stands still, and it outlives their end."""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar
from uuid import UUID

import psycopg
from django.db import InterfaceError, OperationalError, connection

from enrichment.engine.claims import LEASE_SECONDS
from llmconfig.configuration import snapshot

logger = logging.getLogger(__name__)

Result = TypeVar("Result")

# How a lost session shows itself; `is_lost` tells it from a deadlock or a full disk.
SESSION_ERRORS = (
    OperationalError,
    InterfaceError,
    psycopg.OperationalError,  # as COPY raises it
)
PATIENCE_SECONDS = 60.0  # for a server that restarts
LOOK_AGAIN_SECONDS = 0.1
PREPARED_AFTER = 2  # times that a statement was run

# A lane says something each second. One that was stopped, or whose machine is gone, loses its
# session with its lease: what it has locked, a place or rows in mid-write, is free again.
# Long values that it writes are compressed by LZ4, where the server was built with it: PostgreSQL's
# own way takes several times as long. Columns that say how they are compressed go on so.
# Statements of its writes are prepared where no pooler gives the session to others: to plan them
# takes the server as long as the rest of some.
_LANES_OWN = """
SELECT set_config('idle_session_timeout', %s, false),
       set_config('idle_in_transaction_session_timeout', %s, false),
       (SELECT set_config(name, 'lz4', false) FROM pg_settings
        WHERE name = 'default_toast_compression' AND 'lz4' = ANY(enumvals)),
       pg_backend_pid()
"""
_LIKE_OTHERS = """
RESET idle_session_timeout; RESET idle_in_transaction_session_timeout;
RESET default_toast_compression
"""
# Those timeouts don't run in the middle of a COPY: a lane stopped there is ended by others.
_END_STOPPED = """
SELECT pg_terminate_backend(pid)
FROM pg_locks JOIN pg_stat_activity USING (pid)
WHERE locktype = 'advisory' AND classid = %s AND granted
  AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
  AND state = 'active' AND wait_event IN ('ClientRead', 'ClientWrite')
  AND query_start < clock_timestamp() - make_interval(secs => %s)
"""


def is_lost(session: object) -> bool:
    """Whether the session that this thread had is gone, rather than its statement wrong.

    Django may have opened another one already: it does when a transaction ends in such an error.
    """
    return connection.connection is not session or not connection.is_usable()


def come_back(until: float) -> None:
    """Open a new session; tries until that time (monotonic), then raises OperationalError."""
    while True:
        connection.close()
        try:
            connection.ensure_connection()
        except OperationalError:
            if time.monotonic() >= until:
                raise
            time.sleep(LOOK_AGAIN_SECONDS)
        else:
            return


def persistently(work: Callable[[], Result]) -> Result:
    """Do what may be done twice, again over a new session if its own is lost meanwhile."""
    until = time.monotonic() + PATIENCE_SECONDS
    while True:
        session = connection.connection
        try:
            return work()
        except SESSION_ERRORS:
            if not is_lost(session) or time.monotonic() >= until:
                raise
            come_back(until)


def prepare_where_direct(session: "psycopg.BaseConnection[Any]", backend: int) -> None:
    """Have psycopg prepare what a session is asked for again and again, if it is its own.

    `backend` is its process as it tells by pg_backend_pid(); a pooler made up another id.
    """
    session.prepare_threshold = PREPARED_AFTER if session.info.backend_pid == backend else None


class LaneSlot:
    """One of a batch's `concurrent_tasks` places; free again when we die or stand still."""

    def __init__(self, batch_id: UUID) -> None:
        self.key = lock_key(batch_id)
        self.number: int | None = None
        self.session: object = None  # that holds it

    def take(self) -> bool:
        """Take one that is free, if there is one."""
        places = snapshot.current().processing.get("concurrent_tasks", 1)
        with connection.cursor() as cursor:
            for number in range(places):
                cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", [self.key, number])
                if cursor.fetchone()[0]:
                    self.number, self.session = number, connection.connection
                    cursor.execute(_LANES_OWN, [f"{LEASE_SECONDS}s"] * 2)
                    *_, backend = cursor.fetchone()
                    prepare_where_direct(connection.connection, backend)
                    return True
        self.number, self.session = None, connection.connection
        return False

    def give_back(self) -> None:
        """Leave it to others; a lost session has done so already."""
        if self.number is None:
            return
        try:
            with connection.cursor() as cursor:
                cursor.execute(_LIKE_OTHERS)
                cursor.execute("SELECT pg_advisory_unlock(%s, %s)", [self.key, self.number])
            connection.connection.prepare_threshold = None
        except SESSION_ERRORS:
            connection.close()


def end_stopped(batch_id: UUID, *, silent_s: float = LEASE_SECONDS) -> None:
    """End the sessions of lanes that stopped in mid-write, and whose lease has run out since."""
    with connection.cursor() as cursor:
        cursor.execute(_END_STOPPED, [lock_key(batch_id), silent_s])
        if cursor.fetchall():
            logger.warning("Batch %s: a lane that stopped in mid-write lost its session.", batch_id)


def lock_key(batch_id: UUID) -> int:
    """The batch's half of its places' lock keys: 31 bits, as pg_locks shows them."""
    return batch_id.int & 0x7FFFFFFF


@contextmanager
def alone(lock: int) -> Iterator[bool]:
    """Hold a lock of the session while the block runs; False where another process has it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [lock])
        if not cursor.fetchone()[0]:
            yield False
            return
        try:
            yield True
        finally:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [lock])
