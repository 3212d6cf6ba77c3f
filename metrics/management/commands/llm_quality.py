"""`manage.py llm_quality`: check past answers by the rules of now, or say how good they were."""

import datetime as dt
import json
from argparse import ArgumentParser
from collections.abc import Sequence
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from llmconfig.runtime.records import asdict
from metrics.analyzers.intervals import Share
from metrics.analyzers.quality import Grouping, Quality, quality
from metrics.csv_export import aligned
from metrics.quality import scoring

MAX_DAYS = 366
HEADER = ("by", "answers", "passed", "accepted", "edited", "score")


class Command(BaseCommand):
    """Scores answers in the history; new answers get theirs by themselves."""

    help = "Check the answers of past days by the rules of quality as they are now."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the time, the operation, and whether to check at all."""
        parser.add_argument("--days", type=int, default=7, help="How far back (7).")
        parser.add_argument("--operation", help="Only this kind of work. Without it: all.")
        parser.add_argument(
            "--by", choices=Grouping.values, metavar="WHAT",
            help="Check nothing, say how good answers were, with where the truth lies 19 times in"
            f" 20: {', '.join(Grouping.values)}.",
        )  # fmt: skip
        parser.add_argument("--json", action="store_true", help="With --by: print JSON.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Enqueue them and work them off here, or count."""
        if not 1 <= options["days"] <= MAX_DAYS:
            raise CommandError(f"--days: give 1 to {MAX_DAYS}.")
        now = dt.datetime.now(dt.UTC)
        since = now - dt.timedelta(days=options["days"])
        if options["by"]:
            self._tell(since, now, options)
        else:
            self._check(since, now, options)

    def _check(self, since: dt.datetime, until: dt.datetime, options: dict[str, Any]) -> None:
        only = [options["operation"]] if options["operation"] else None
        asked = scoring.enqueue(since=since, until=until, only=only)
        done = scoring.score_waiting(most=asked) if asked else 0
        self.stdout.write(f"Scored {done} answers.")
        if not asked:
            self.stdout.write("No rule asks for a check of any answer of this time that is kept.")

    def _tell(self, since: dt.datetime, until: dt.datetime, options: dict[str, Any]) -> None:
        found = quality(
            since=since, until=until, by=Grouping(options["by"]), operation=options["operation"]
        )
        if options["json"]:
            self.stdout.write(json.dumps([_facts(each) for each in found], indent=1))
            return
        if not found:
            self.stdout.write("No answers are kept for this period.")
            return
        for line in aligned([HEADER, *(_cells(each) for each in found)]):
            self.stdout.write(line)


def _facts(row: Quality) -> dict[str, Any]:
    facts = {"name": row.name, **asdict(row)}
    for name, value in facts.items():
        figure = getattr(row, name)
        if isinstance(figure, Share):
            value |= {"value": figure.value, "low": figure.low, "high": figure.high}
    facts["score"] |= {"low": row.score.low, "high": row.score.high}
    return facts


def _cells(row: Quality) -> Sequence[object]:
    return row.name, row.passed.number, row.passed, row.accepted, row.edited, row.score
