"""`manage.py import_listings`."""

from argparse import ArgumentParser
from dataclasses import asdict
from pathlib import Path
from typing import Any

import orjson
from django.core.management.base import BaseCommand, CommandError

from enrichment.errors import BadListings
from enrichment.listings import import_listings

SHOWN = 10


class Command(BaseCommand):
    """Import listings from a CSV file."""

    help = "Add and update listings from a CSV (or .csv.gz) with the shipped columns."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The file."""
        parser.add_argument("file", type=Path, help="Path of the file.")
        parser.add_argument("-l", "--limit", type=int, help="Only the first rows.")
        parser.add_argument("--json", action="store_true", help="Print the report as JSON.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Import and report."""
        if options["limit"] is not None and options["limit"] < 1:
            raise CommandError(f"--limit: {options['limit']} is below 1.")
        try:
            report = import_listings(options["file"], limit=options["limit"])
        except BadListings as error:
            raise CommandError(str(error)) from error
        if options["json"]:
            self.stdout.write(orjson.dumps(asdict(report)).decode())
            return
        self.stdout.write(
            f"{report.added} listings added, {report.updated} updated,"
            f" {report.unchanged} unchanged, {len(report.bad)} left out."
        )
        for row in report.bad[:SHOWN]:
            self.stdout.write(f"  line {row.line}: {row.reason}")
        if len(report.bad) > SHOWN:
            self.stdout.write(f"  … and {len(report.bad) - SHOWN} more; --json lists all.")
