"""`manage.py llm_reprice`: correct the costs of past calls after a price was corrected."""

import datetime as dt
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from metrics.analyzers.reprice import reprice

MAX_DAYS = 3660


class Command(BaseCommand):
    """Prices each attempt by the list's price of its moment; the figure from before is kept."""

    help = "Correct the costs of past calls by the prices as they are listed now."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the time and the switch."""
        parser.add_argument("--days", type=int, default=31, help="How far back (31).")
        parser.add_argument("--dry-run", action="store_true", help="Only say what would change.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Correct, or only compare, and say so by model."""
        if not 1 <= options["days"] <= MAX_DAYS:
            raise CommandError(f"--days: give 1 to {MAX_DAYS}.")
        now = dt.datetime.now(dt.UTC)
        since = now - dt.timedelta(days=options["days"])
        found = reprice(since=since, until=now, dry_run=options["dry_run"])
        verb = "Would correct" if options["dry_run"] else "Corrected"
        for each in found:
            self.stdout.write(
                f"{verb} {each.calls} calls of {each.provider}/{each.model}:"
                f" ${each.before:f} before, ${each.after:f} after."
            )
        if not found:
            self.stdout.write("Every cost agrees with the prices.")
