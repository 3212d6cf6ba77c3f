"""Sessions of PostgreSQL's own, where a pooler in transaction mode stands before it.

A lane holds its place, and a timer its turn, by a lock that lives as long as a session. Behind such
a pooler each transaction may run in another session, and the lock would stay with whoever gets it
next. LLM_SESSION_DATABASE names the entry of DATABASES that leads past the pooler.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import DEFAULT_DB_ALIAS, DatabaseError, connection, connections
from django.db.backends.base.base import BaseDatabaseWrapper

from llmconfig import project_settings

logger = logging.getLogger(__name__)
POOLED = (
    "A pooler stands between us and PostgreSQL. In transaction mode it breaks the locks of lanes"
    " and timers: give DATABASES an entry that leads past it, and name it in LLM_SESSION_DATABASE."
)
_looked: set[str] = set()


@contextmanager
def direct_session() -> Iterator[None]:
    """Let this thread's `connection` be one straight to PostgreSQL while the block runs.

    Without LLM_SESSION_DATABASE, or inside a transaction, it stays the one that it is.
    """
    alias = project_settings.session_database()
    if not alias or connection.in_atomic_block or _is_direct(connections[DEFAULT_DB_ALIAS], alias):
        _warn_once(alias)
        yield
        return
    pooled = connections[DEFAULT_DB_ALIAS]
    straight = connections.create_connection(alias)
    straight.alias = DEFAULT_DB_ALIAS
    connections[DEFAULT_DB_ALIAS] = straight
    try:
        yield
    finally:
        connections[DEFAULT_DB_ALIAS] = pooled
        straight.close()


def is_pooled() -> bool:
    """Whether a pooler answers for the server: it makes up the process id that it tells first."""
    connection.ensure_connection()
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        (backend,) = cursor.fetchone()
    told: int = connection.connection.info.backend_pid
    return bool(backend != told)


def _is_direct(wrapper: BaseDatabaseWrapper, alias: str) -> bool:
    return wrapper.settings_dict is connections.settings[alias]


def _warn_once(alias: str) -> None:
    if alias or "pooler" in _looked:
        return
    try:
        if is_pooled():
            logger.warning(POOLED)
    except DatabaseError:
        return  # what runs now says so
    _looked.add("pooler")
