"""`manage.py llm_reconcile`: a provider's usage export beside what was recorded."""

import datetime as dt
import sys
from argparse import ArgumentParser
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from metrics.csv_export import csv_lines
from metrics.errors import ExportUnreadable, Unanswerable
from metrics.reports.reconciliation import (
    MEASURES,
    SHAPES,
    BillingDifference,
    differences,
    import_export,
)

HEADER = (
    "day", "model", "requests", "requests_billed", "tokens", "tokens_billed", "unpriced",
    "cost_usd", "billed_usd", "difference_usd",
)  # fmt: skip
MAX_DAYS = 1100


class Command(BaseCommand):
    """Imports, then shows the differences; without a file it only shows."""

    help = (
        "Import a provider's usage export (CSV) and show by day and model what it bills beyond what"
        f" was recorded. Known by their headers: {', '.join(SHAPES)}."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the provider, the file, and how to read it."""
        parser.add_argument("provider", help="The provider's name here.")
        parser.add_argument("file", nargs="?", default="", help="The CSV; - is standard input.")
        parser.add_argument(
            "--column",
            action="append",
            default=[],
            metavar="NAME=HEADER",
            help=f"For other exports: where day, model and any of {', '.join(MEASURES)} are.",
        )
        parser.add_argument(
            "--skip-bad", action="store_true", help="Import what can be read, name the rest."
        )
        parser.add_argument("--days", type=int, default=31, help="Show so many UTC days (31).")
        parser.add_argument("--csv", action="store_true", help="Print CSV, safe in spreadsheets.")

    def handle(self, *args: Any, **options: Any) -> None:
        if not 1 <= options["days"] <= MAX_DAYS:
            raise CommandError(f"--days: give 1 to {MAX_DAYS}.")
        if options["file"]:
            self._import(options)
        until = dt.datetime.now(dt.UTC).date() + dt.timedelta(days=1)
        since = until - dt.timedelta(days=options["days"])
        try:
            found = differences(options["provider"], since=since, until=until)
        except Unanswerable as error:
            raise CommandError(str(error)) from error
        rows = [_cells(each) for each in found]
        if options["csv"]:
            for line in csv_lines(HEADER, rows):
                self.stdout.write(line, ending="")
            return
        self.stdout.write("  ".join(HEADER))
        for row in rows:
            self.stdout.write("  ".join("-" if cell is None else str(cell) for cell in row))

    def _import(self, options: dict[str, Any]) -> None:
        pairs = (each.partition("=") for each in options["column"])
        columns = {name: header for name, _, header in pairs}
        name = options["file"]
        try:
            with ExitStack() as stack:
                lines: Iterable[str] = sys.stdin
                if name != "-":
                    lines = stack.enter_context(Path(name).open(encoding="utf-8-sig", newline=""))
                done = import_export(
                    lines,
                    provider=options["provider"],
                    columns=columns,
                    skip_bad=options["skip_bad"],
                )
        except OSError as error:
            raise CommandError(f"{name} can't be read ({error.strerror}).") from error
        except UnicodeDecodeError as error:
            raise CommandError(f"{name} isn't UTF-8: save it as CSV UTF-8.") from error
        except ExportUnreadable as error:
            raise CommandError(f"{name}: {error}") from error
        self.stderr.write(
            f"{done.shape}: {done.lines} lines, {done.rows} days of models,"
            f" {done.since} to {done.until}."
        )
        for bad in done.skipped:
            self.stderr.write(f"line {bad.number} was left out: {bad.reason}")


def _cells(each: BillingDifference) -> list[object]:
    ours, theirs = each.ours, each.theirs
    return [
        each.day, each.model, ours.requests, theirs.requests,
        (ours.tokens_input or 0) + (ours.tokens_output or 0),
        None if theirs.tokens_input is None else theirs.tokens_input + (theirs.tokens_output or 0),
        each.unpriced, ours.cost_usd, theirs.cost_usd, each.cost_usd,
    ]  # fmt: skip
