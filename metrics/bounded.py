"""Queries that people wait for end in time, whatever they ask of a large table."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from django.db import InternalError, OperationalError, connection, transaction
from django.utils.translation import gettext
from psycopg.errors import InFailedSqlTransaction, QueryCanceled
from psycopg.pq import TransactionStatus

from llmconfig.configuration import snapshot
from metrics.errors import TookTooLong

TIMEOUT = "statement_timeout"


_inside: ContextVar[bool] = ContextVar("metrics_bounded", default=False)


@contextmanager
def bounded() -> Iterator[None]:
    """Each query inside may take LLM_CALLS_QUERY_MS; then it is ended.

    Raises TookTooLong; the connection is good for other queries afterwards. Inside another
    `bounded` it ends alone, and takes over what that has set.
    """
    most = snapshot.current().setting("LLM_CALLS_QUERY_MS")
    inside, outermost = _inside.get(), not connection.in_atomic_block
    try:
        with transaction.atomic():
            before = "" if inside else _set(str(most))
            token = _inside.set(True)
            try:
                yield
            finally:
                _inside.reset(token)
            if connection.connection.info.transaction_status == TransactionStatus.INERROR:
                # Somebody inside took the ended query for something else and went on.
                raise TookTooLong(_told(most))
            # Its own transaction's end takes it back; one around it goes on without it.
            if not inside and not outermost:
                _set(before)
    except (OperationalError, InternalError) as error:
        if isinstance(error.__cause__, QueryCanceled | InFailedSqlTransaction):
            raise TookTooLong(_told(most)) from error
        raise


def _told(most: int) -> str:
    return gettext("The database was asked for longer than {most} ms.").format(most=most)


def without_jit() -> None:
    """For the rest of the transaction: compiling these queries costs more than it gains."""
    if not _inside.get():  # which has said so
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL jit = off")


def _set(value: str) -> str:
    """For the rest of the transaction, without compiling queries; returns what it was."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT current_setting('statement_timeout'), set_config(%s, %s, true),"
            " set_config('jit', 'off', true)",
            [TIMEOUT, value],
        )
        before: str = cursor.fetchone()[0]
    return before
