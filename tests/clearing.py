"""Empties the tables after a test that commits, down to the rows that `migrate` puts there.

Django's own way truncates 140 relations and makes all permissions and groups anew: 0.2 s a test.
"""

from typing import Any

import psycopg
from django.core.management import call_command
from django.db import connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created
from django.test import TransactionTestCase
from psycopg.pq import TransactionStatus

from tests.database import database_url

_KEEP = """
DROP SCHEMA IF EXISTS as_migrated CASCADE;
CREATE SCHEMA as_migrated;
DO $$
DECLARE name text; filled boolean;
BEGIN
    FOREACH name IN ARRAY ARRAY[{names}] LOOP
        EXECUTE format('SELECT EXISTS (TABLE %I)', name) INTO filled;
        IF filled THEN EXECUTE format('CREATE TABLE as_migrated.%1$I AS TABLE %1$I', name); END IF;
    END LOOP;
END $$
"""
# No trigger and no foreign key acts for a replica: all tables are emptied, in any order. Those that
# never held a row are passed over: to open each of 150 costs more than the rest.
_EMPTY = """
CREATE PROCEDURE as_migrated.again() LANGUAGE plpgsql AS $$
DECLARE name text; changed boolean;
BEGIN
    PERFORM set_config('session_replication_role', 'replica', true);
    FOR name IN SELECT oid::regclass FROM pg_class
        WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'
            AND (relispartition OR relname = ANY(ARRAY[{names}]))
            AND pg_relation_size(oid) > 0
    LOOP
        EXECUTE 'DELETE FROM ' || name;
    END LOOP;
    FOREACH name IN ARRAY ARRAY[{kept}]::text[] LOOP
        EXECUTE format('SELECT EXISTS ((TABLE %1$I EXCEPT ALL TABLE as_migrated.%1$I) UNION ALL'
            ' (TABLE as_migrated.%1$I EXCEPT ALL TABLE %1$I))', name) INTO changed;
        IF changed THEN
            EXECUTE format('DELETE FROM %I', name);
            EXECUTE format('INSERT INTO %1$I TABLE as_migrated.%1$I', name);
        END IF;
    END LOOP;
END $$
"""

# As a new session would be: nobody's locks, settings, temporary tables, cursors and channels.
_LIKE_NEW = """
SELECT pg_advisory_unlock_all(); RESET ALL; DISCARD TEMP; CLOSE ALL; UNLISTEN *
"""

_by_flushing = TransactionTestCase._fixture_teardown  # type: ignore[attr-defined]
# One session clears after all tests: a new one would first have to learn what tables there are.
_sessions: dict[str, "psycopg.Connection[Any]"] = {}
_prepared: set[str] = set()


def _clear(self: Any) -> None:
    """In place of a flush, except for the first test: what that leaves is kept."""
    connection = connections["default"]
    name = connection.settings_dict["NAME"]
    if name in _prepared:
        clear_again()
    elif _is_superuser(connection):
        # In one transaction: what a server writes late waits, or it would be kept for good.
        with transaction.atomic():
            call_command("flush", verbosity=0, interactive=False)
            _keep(connection)
        _prepared.add(name)
    else:
        _by_flushing(self)


def _leave_as_new(self: Any) -> bool:
    """Whether the session has to end with the test, as by itself each does that commits.

    PostgreSQL takes as long to know its tables anew as a test does for all its work on them.
    """
    for each in connections.all(initialized_only=True):
        if each.connection is None:
            continue
        idle = each.connection.info.transaction_status is TransactionStatus.IDLE
        if each.vendor != "postgresql" or each.in_atomic_block or not idle:
            each.close()
            continue
        try:
            each.connection.execute(_LIKE_NEW)
        except psycopg.Error:  # the test ended it
            each.close()
        else:
            connection_created.send(sender=type(each), connection=each)
    return False


def clear_again() -> None:
    """Empty the tables; also outside a test, of what another process wrote after the last one."""
    name = connections["default"].settings_dict["NAME"]
    if name not in _prepared:
        return
    try:
        _session(name).execute("CALL as_migrated.again()")
    except psycopg.OperationalError:  # a test ended it with others
        close()
        _session(name).execute("CALL as_migrated.again()")


def close() -> None:
    """End the session, so that the database can be dropped."""
    while _sessions:
        _sessions.popitem()[1].close()


def _session(name: str) -> "psycopg.Connection[Any]":
    if name not in _sessions:
        # A server that still writes gives way in a deadlock; what never ends is told.
        options = "-c deadlock_timeout=20s -c lock_timeout=100s"
        _sessions[name] = psycopg.connect(database_url(), autocommit=True, options=options)
    return _sessions[name]


def _is_superuser(connection: BaseDatabaseWrapper) -> bool:
    """Only such a one may act as a replica."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user")
        return bool(cursor.fetchone()[0])


def _keep(connection: BaseDatabaseWrapper) -> None:
    """Copy the tables that hold rows, and store what clears all from now on."""
    names = set(connection.introspection.django_table_names(only_existing=True))
    with connection.cursor() as cursor:
        cursor.execute(_KEEP.format(names=_listed(names)))
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'as_migrated'")
        kept = {name for (name,) in cursor.fetchall()}
        cursor.execute(_EMPTY.format(names=_listed(names - kept), kept=_listed(kept)))


def _listed(names: set[str]) -> str:
    return ", ".join(f"'{name}'" for name in sorted(names))


def clear_quickly() -> None:
    """From now on, in this process."""
    TransactionTestCase._fixture_teardown = _clear  # type: ignore[attr-defined]
    TransactionTestCase._should_reload_connections = _leave_as_new  # type: ignore[attr-defined]
