"""Queries that people wait for end in time, whatever they ask of a large table."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import InternalError, OperationalError, connection, transaction
from psycopg.errors import InFailedSqlTransaction, QueryCanceled

from llmconfig.configuration import snapshot
from metrics.errors import TookTooLong

TIMEOUT = "statement_timeout"


@contextmanager
def bounded() -> Iterator[None]:
    """Each query inside may take LLM_CALLS_QUERY_MS; then it is ended.

    Raises TookTooLong; the connection is good for other queries afterwards.
    """
    most = snapshot.current().setting("LLM_CALLS_QUERY_MS")
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(
                "SELECT current_setting('statement_timeout'), set_config(%s, %s, true)",
                [TIMEOUT, str(most)],
            )
            before, _ = cursor.fetchone()
            yield
            # A surrounding transaction goes on without it.
            cursor.execute("SELECT set_config(%s, %s, true)", [TIMEOUT, before])
    except (OperationalError, InternalError) as error:
        # The latter: somebody inside took the ended query for something else and went on.
        if isinstance(error.__cause__, QueryCanceled | InFailedSqlTransaction):
            raise TookTooLong(f"The database was asked for longer than {most} ms.") from error
        raise
