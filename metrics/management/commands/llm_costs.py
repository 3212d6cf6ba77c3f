"""`manage.py llm_costs`: what calls cost, by any dimension, as a table, JSON or CSV."""

import datetime as dt
import json
from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from metrics.errors import Unanswerable
from metrics.figures import DIMENSIONS, Question, Row, ask
from metrics.spreadsheets import csv_lines

COLUMNS = ("calls", "failed", "unpriced", "tokens_input", "tokens_output", "cost_usd", "saved_usd")
MOST_DAYS = 3660


class Command(BaseCommand):
    """Sums of whole UTC days; today counts as one."""

    help = "Say what calls cost, dearest first. Calls without a price are counted beside the sums."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the time, the dimensions and the form."""
        parser.add_argument("--days", type=int, default=30, help="UTC days, today included (30).")
        parser.add_argument(
            "--by", default="model", help=f"Separated by commas: {', '.join(DIMENSIONS)} (model)."
        )
        parser.add_argument("--daily", action="store_true", help="Each day apart.")
        form = parser.add_mutually_exclusive_group()
        form.add_argument("--json", action="store_true", help="Print JSON.")
        form.add_argument("--csv", action="store_true", help="Print CSV, safe in spreadsheets.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Ask and print."""
        if not 1 <= options["days"] <= MOST_DAYS:
            raise CommandError(f"--days: give 1 to {MOST_DAYS}.")
        now = dt.datetime.now(dt.UTC)
        names = [name.strip() for name in options["by"].split(",")]
        question = Question(
            since=now - dt.timedelta(days=options["days"] - 1),
            until=now,
            by=names,
            each_period=options["daily"],
        )
        try:
            rows = ask(question)
        except Unanswerable as error:
            raise CommandError(f"--by: {error}") from error
        if options["json"]:
            shown = [_facts(row, names) for row in rows]
            self.stdout.write(json.dumps(shown, default=str, indent=1))
            return
        header = [*(["day"] if options["daily"] else []), *names, *COLUMNS]
        cells = [_cells(row) for row in rows]
        if options["csv"]:
            for line in csv_lines(header, cells):
                self.stdout.write(line, ending="")
            return
        self._table(header, cells)

    def _table(self, header: list[str], rows: list[list[object]]) -> None:
        """Columns as wide as they need to be."""
        if not rows:
            self.stdout.write("No calls in this time.")
            return
        lines = [header, *([_word(cell) for cell in row] for row in rows)]
        widths = [max(len(line[place]) for line in lines) for place in range(len(header))]
        for line in lines:
            cells = (cell.ljust(width) for cell, width in zip(line, widths, strict=True))
            self.stdout.write("  ".join(cells).rstrip())


def _cells(row: Row) -> list[object]:
    day = [f"{row.period:%Y-%m-%d}"] if row.period else []
    return [*day, *row.keys, *(getattr(row.figures, name) for name in COLUMNS)]


def _facts(row: Row, names: list[str]) -> dict[str, Any]:
    day = {"day": f"{row.period:%Y-%m-%d}"} if row.period else {}
    return {**day, **dict(zip(names, row.keys, strict=True)), **asdict(row.figures)}


def _word(cell: object) -> str:
    """Lines stay lines whatever a model is called."""
    text = "-" if cell is None or cell == "" else str(cell)
    return "".join(char if char.isprintable() else "?" for char in text)
