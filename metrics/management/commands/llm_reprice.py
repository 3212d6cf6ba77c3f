"""`manage.py llm_reprice`: correct the costs of past calls after a price was corrected."""

import datetime as dt
from argparse import ArgumentParser
from decimal import Decimal
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from metrics.analyzers.reprice import reprice

MAX_DAYS = 3660


class Command(BaseCommand):
    """Prices each attempt by the list's price of its moment; the figure from before is kept.

    What a provider reported or what was estimated stays. Budgets move by the same difference.
    """

    help = (
        "Correct the costs of past calls, and what budgets counted for them, by the prices as they"
        " are listed now."
    )

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
        for each in found.models:
            before = _dollars(each.before, each.unpriced_before, each.calls)
            after = _dollars(each.after, each.unpriced_after, each.calls)
            self.stdout.write(
                f"{verb} {each.calls} calls of {each.provider}/{each.model}:"
                f" {before} before, {after} after."
            )
        verb = "Would move" if options["dry_run"] else "Moved"
        for line in found.budgets:
            self.stdout.write(
                f"{verb} the budget “{line.budget}” from {line.period_start}:"
                f" ${line.before:f} before, ${line.after:f} after."
            )
        if not found.models:
            self.stdout.write("Every cost agrees with the prices.")


def _dollars(amount: Decimal, unpriced: int, calls: int) -> str:
    """A sum, and how many calls have no price and are not in it."""
    if unpriced == calls:
        return "unpriced"
    return f"${amount:f}" + (f" ({unpriced} unpriced)" if unpriced else "")
