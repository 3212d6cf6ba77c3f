"""`manage.py llm_report`: a week's report in words."""

import datetime as dt
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from metrics.reports import weekly_report


class Command(BaseCommand):
    """Celery beat does the same each Monday, with `--send`."""

    help = "Make and print the report of the last whole week, or of another one."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the week, and how to tell it."""
        parser.add_argument("--week", default="", help="Any day of the week, as 2031-04-11.")
        parser.add_argument("--plain", action="store_true", help="Without a model.")
        parser.add_argument("--anew", action="store_true", help="Even if it was made before.")
        parser.add_argument(
            "--send", action="store_true", help="Send it to REPORT_EMAIL_TO, if it wasn't sent."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        made = weekly_report.report(
            _monday(options["week"]), narrate=not options["plain"], anew=options["anew"]
        )
        self.stdout.write(made.text)
        if made.remark:
            self.stderr.write(f"Told without a model: {made.remark}")
        if options["send"]:
            sent = weekly_report.send(made)
            self.stderr.write(
                "Sent." if sent else "Not sent: it was before, or REPORT_EMAIL_TO is empty."
            )


def _monday(text: str) -> dt.date:
    last = weekly_report.last_week()
    if not text:
        return last
    try:
        day = dt.date.fromisoformat(text)
    except ValueError:
        raise CommandError(f"--week: {text!r} is no day; write it as 2031-04-11.") from None
    monday = day - dt.timedelta(days=day.weekday())
    if not dt.date(2000, 1, 1) <= monday <= last:
        raise CommandError(f"--week: give a day of a whole week, up to {last}.")
    return monday
