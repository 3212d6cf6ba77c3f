"""`manage.py prepare`: bring the database to this release, before servers and workers start."""

import time
from argparse import ArgumentParser
from collections.abc import Mapping
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import OperationalError, connection
from psycopg.errors import DeadlockDetected, LockNotAvailable

from llmconfig.runtime import advisory_locks
from llmconfig.runtime.direct_sessions import direct_session

MAX_TRIES = 10
PAUSE_SECONDS = 0.5
# Who waits for a table's lock makes all wait that come after: a migration doesn't for long.
LOCK_TIMEOUT = "5s"
MET: Mapping[type[Any], str] = {
    DeadlockDetected: "Migrating met a deadlock with processes that work meanwhile",
    LockNotAvailable: f"Another session kept a table locked that migrating needs ({LOCK_TIMEOUT})",
}
WAY_OUT = (
    "end what holds it (pg_stat_activity lists sessions, and since when their transaction is"
    " open), then run prepare again. What was migrated stays."
)


class Command(BaseCommand):
    """Holds a lock of its session while it migrates, seeds and syncs; safe in every replica."""

    help = (
        "Migrate, seed missing rows and sync the nodes file, one process at a time. Run it before"
        " servers and workers start; the second run changes nothing."
    )
    # `migrate` runs the checks itself, and those of the database need its tables first.
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--no-seed", action="store_true", help="Leave out the rows of `seed_llm_config`."
        )

        parser.add_argument(
            "--take",
            choices=("yaml", "db"),
            help="Who wins where nodes file and database differ; else LLM_SYNC_POLICY says it.",
        )

    @direct_session()
    def handle(self, *args: Any, **options: Any) -> None:
        """Wait for the turn, then do it; raises CommandError when the database is away."""
        try:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_lock(%s)", [advisory_locks.PREPARING])
        except OperationalError as error:
            reason = str(error).partition("\n")[0]
            raise CommandError(
                f"The database can't be reached ({reason}): is it up, and is DATABASE_URL right?"
            ) from error
        # The lock ends with this connection, and so with the process however it ends.
        try:
            self._migrate(verbosity=options["verbosity"])
            if not options["no_seed"]:
                call_command("seed_llm_config", stdout=self.stdout)
            call_command("sync_llm_config", stdout=self.stdout, take=options["take"])
        finally:
            connection.close()

    def _migrate(self, *, verbosity: int) -> None:
        """Migrate, again where a deadlock or a lock that others hold undid a migration, which is
        whole or not at all; raises OperationalError or CommandError for the last one."""
        with connection.cursor() as cursor:
            cursor.execute(f"SET lock_timeout = '{LOCK_TIMEOUT}'")
        for left in reversed(range(MAX_TRIES)):
            try:
                call_command("migrate", interactive=False, verbosity=verbosity)
            except OperationalError as error:
                met = MET.get(type(error.__cause__))
                if met is None:
                    raise
                if not left:
                    raise CommandError(f"{met}, {MAX_TRIES} times: {WAY_OUT}") from error
                self.stderr.write(f"{met}: trying again.")
                time.sleep(PAUSE_SECONDS)
            else:
                break
        with connection.cursor() as cursor:
            cursor.execute("RESET lock_timeout")
