"""`manage.py llm_partitions`: the monthly partitions of the metrics tables, a year ahead."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError, connection

from metrics import partitions
from metrics.errors import PartitionsUnusable


class Command(BaseCommand):
    """Create what is missing; `--dry-run` only tells."""

    help = "Create the missing monthly partitions of the metrics tables, up to a year ahead."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the switch."""
        parser.add_argument("--dry-run", action="store_true", help="Only say what is missing.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Create, then say how many months are ahead."""
        dry_run: bool = options["dry_run"]
        try:
            self.create(dry_run=dry_run)
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

    def report(self) -> None:
        """Say how far each table reaches, and the alarm if there is one."""
        now = partitions.utc_now()
        with connection.cursor() as cursor:
            for table in partitions.TABLES:
                months = partitions.months_ahead(cursor, table, now=now)
                self.stdout.write(f"{table}: {max(months, 0)} months ahead.")
        for alarm in partitions.alarms(now=now):
            self.stderr.write(self.style.WARNING(alarm))
