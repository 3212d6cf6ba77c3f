"""`manage.py llm_partitions`: the metrics tables' months, a year ahead and none too old."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError, connection
from django.db.backends.utils import CursorWrapper
from psycopg import sql

from metrics import partitions, retention
from metrics.errors import PartitionsUnusable

LONG_TO_COUNT = 1_000_000  # rows


class Command(BaseCommand):
    """Create what is missing, drop what is too old; `--dry-run` only tells."""

    help = (
        "Create the missing monthly partitions of the metrics tables, up to a year ahead, and drop"
        " those that LLM_METRICS_KEEP_MONTHS and LLM_HISTORY_KEEP_MONTHS no longer keep."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="Only say what would be done.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Create and drop, then say how many months are ahead."""
        dry_run: bool = options["dry_run"]
        try:
            self.create(dry_run=dry_run)
            self.drop(dry_run=dry_run)
            self.report()
        except PartitionsUnusable as error:
            raise CommandError(str(error)) from error
        except DatabaseError as error:
            reason = str(error).strip().splitlines()[0]
            raise CommandError(f"The database refused: {reason}") from error

    def create(self, *, dry_run: bool) -> None:
        """Create, or only name, each missing month."""
        verb = "Would create" if dry_run else "Created"
        for partition in partitions.keep_ahead(dry_run=dry_run):
            span = f"{partition.start:%Y-%m-%d} to {partition.end:%Y-%m-%d} UTC"
            self.stdout.write(f"{verb} {partition.name}: {span}.")

    def drop(self, *, dry_run: bool) -> None:
        """Drop, or only name, each month that is too old."""
        if not dry_run:
            for partition in retention.drop_expired():
                self.stdout.write(f"Dropped {partition.name}, which is too old.")
            return
        with connection.cursor() as cursor:
            for expiry in retention.expired(cursor):
                name = expiry.partition.name
                rows = _rows(cursor, name)
                self.stdout.write(f"Would drop {name}, which is too old, and its {rows}.")

    def report(self) -> None:
        """Say how far each table reaches, and the alarm if there is one."""
        now = partitions.utc_now()
        with connection.cursor() as cursor:
            for table in partitions.TABLES:
                months = partitions.months_ahead(cursor, table, now=now)
                self.stdout.write(f"{table}: {max(months, 0)} months ahead.")
        for alarm in partitions.alarms(now=now):
            self.stderr.write(self.style.WARNING(alarm))


def _rows(cursor: CursorWrapper, table: str) -> str:
    """How many rows a table has, in words; of one that would take long to count, the estimate."""
    cursor.execute("SELECT reltuples::bigint FROM pg_class WHERE oid = %s::regclass", [table])
    estimate: int = cursor.fetchone()[0]
    if estimate >= LONG_TO_COUNT:
        return f"rows, about {estimate:,}"
    cursor.execute(sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(table)))
    rows: int = cursor.fetchone()[0]
    return "1 row" if rows == 1 else f"{rows:,} rows"
