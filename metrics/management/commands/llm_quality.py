"""`manage.py llm_quality`: check past answers by the rules of quality as they are now."""

import datetime as dt
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from metrics.quality import scoring

MOST_DAYS = 366


class Command(BaseCommand):
    """Scores answers in the history; new answers get theirs by themselves."""

    help = "Check the answers of past days by the rules of quality as they are now."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the time and the operation."""
        parser.add_argument("--days", type=int, default=7, help="How far back (7).")
        parser.add_argument("--operation", help="Only this kind of work. Without it: all.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Enqueue them and work them off here."""
        if not 1 <= options["days"] <= MOST_DAYS:
            raise CommandError(f"--days: give 1 to {MOST_DAYS}.")
        now = dt.datetime.now(dt.UTC)
        only = [options["operation"]] if options["operation"] else None
        asked = scoring.enqueue(
            since=now - dt.timedelta(days=options["days"]), until=now, only=only
        )
        done = scoring.score_waiting(most=asked) if asked else 0
        self.stdout.write(f"Scored {done} answers.")
        if not asked:
            self.stdout.write("No rule asks for a check of any answer of this time that is kept.")
