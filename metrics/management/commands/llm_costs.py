"""`manage.py llm_costs`: what calls cost, by any dimension; and what they might have cost."""

import datetime as dt
import json
from argparse import ArgumentParser
from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError

from llmconfig.configuration import time_zones
from llmconfig.configuration.known_costs import UNPRICED, KnownCost, total
from llmconfig.roles import everybody, user_named, username_field
from llmconfig.runtime.records import asdict
from metrics.analyzers.cost import WhatIf, forecast_month, unpriced, what_if, what_if_anywhere
from metrics.analyzers.savings import savings
from metrics.csv_export import aligned, csv_lines, in_full
from metrics.errors import Unanswerable
from metrics.queries import ask
from metrics.questions import (
    DIMENSIONS,
    Grain,
    Key,
    MetricsQuestion,
    start_of,
    users_have_text_keys,
)

COLUMNS = (
    "calls", "failed", "unpriced", "tokens_input", "tokens_output", "cost_usd", "saved_usd",
    "unpriced_tokens",
)  # fmt: skip
COSTS = frozenset({"cost_usd", "would_cost_usd", "difference_usd", "spent_usd"})
MAX_DAYS = 3660
EVERYWHERE = "all"
OF_EACH_WAY = ("way", "number", "unpriced", "saved_usd")
Facts = dict[str, Any]


class Command(BaseCommand):
    """Sums of whole days; today counts as one."""

    help = "Say what calls cost, dearest first. Calls without a price are counted beside the sums."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the time, the dimensions, another question, and the form."""
        parser.add_argument("--days", type=int, default=30, help="Days, today included (30).")
        parser.add_argument(
            "--time-zone",
            default="",
            help="Whose days are meant, such as Europe/Berlin (LLM_TIME_ZONE).",
        )
        parser.add_argument(
            "--by", default="model", help=f"Separated by commas: {', '.join(DIMENSIONS)} (model)."
        )
        parser.add_argument(
            "--only", action="append", default=[], metavar="NAME=VALUE",
            help="Only these calls, such as node=tagging; may be given again.",
        )  # fmt: skip
        parser.add_argument("--daily", action="store_true", help="Each day apart.")
        instead = parser.add_mutually_exclusive_group()
        instead.add_argument(
            "--what-if", metavar="PROVIDER/MODEL",
            help="Say instead what these tokens cost there at today's price; all: on each model.",
        )  # fmt: skip
        instead.add_argument(
            "--forecast", action="store_true", help="Say instead what this month will cost."
        )
        instead.add_argument(
            "--savings", action="store_true",
            help="Say instead what caches, providers' batches and cascades saved.",
        )  # fmt: skip
        instead.add_argument(
            "--unpriced", action="store_true",
            help="Say instead which models' calls have no cost, and what they would have cost.",
        )  # fmt: skip
        form = parser.add_mutually_exclusive_group()
        form.add_argument("--json", action="store_true", help="Print JSON.")
        form.add_argument("--csv", action="store_true", help="Print CSV, safe in spreadsheets.")

    def handle(self, *args: Any, **options: Any) -> None:
        if not 1 <= options["days"] <= MAX_DAYS:
            raise CommandError(f"--days: give 1 to {MAX_DAYS}.")
        try:
            name = options["time_zone"]
            options["zone"] = time_zones.named(name) if name else time_zones.default()
        except ValueError as error:
            raise CommandError(f"--time-zone: {error}") from error
        try:
            rows, columns = _answers(options)
        except Unanswerable as error:
            raise CommandError(f"{_asked_by(options)}: {error}") from error
        if options["json"]:
            self.stdout.write(json.dumps(rows, default=in_full, indent=1))
            return
        cells = [[row[name] for name in columns] for row in rows]
        if options["csv"]:
            for line in csv_lines(columns, cells):
                self.stdout.write(line, ending="")
            return
        self._show(rows, columns, options)

    def _show(self, rows: list[Facts], columns: Sequence[str], options: Facts) -> None:
        """A table for people, and beside it what it leaves out."""
        if not rows:
            self.stdout.write("No calls in this time.")
            return
        if "user" in columns:
            _name_users(rows)
        for line in aligned([columns, *(_written(columns, row) for row in rows)]):
            self.stdout.write(line)
        left_out = _left_out(rows, options).left_out
        if left_out:
            self.stderr.write(f"{left_out}: see `llm_costs --unpriced`.")
        self.stderr.write(f"Days are of {options['zone'].key}.")


def _name_users(rows: Sequence[Facts]) -> None:
    """Put what people sign in with in the place of keys; of users who are gone the key stays."""
    keys = {row["user"] for row in rows} - {None, ""}
    known = everybody().filter(pk__in=keys).values_list("pk", username_field())
    names = {str(key): name for key, name in known}
    for row in rows:
        row["user"] = names.get(str(row["user"]), row["user"])


def _user(text: str) -> Key:
    """The key of a user who is named by key or by what they sign in with."""
    if users_have_text_keys():
        named = user_named(text)
        return str(named.pk) if named else text
    if text.isdecimal():
        return int(text)
    named = user_named(text)
    if named is None:
        raise ValueError
    return int(named.pk)


TYPES: dict[str, Callable[[str], Key]] = {"organization": int, "user": _user, "batch": UUID}


def _written(columns: Sequence[str], row: Facts) -> list[Any]:
    """The cells of a table: an amount that nobody knows is called so, and never shown as nothing.

    A saving is unknown where there was something to save.
    """
    unknown = row.get("unpriced_hits") or ("way" in row and row["unpriced"])
    names = COSTS | ({"saved_usd"} if unknown else set())
    return [
        UNPRICED if row[name] is None and name in names else row[name] for name in columns
    ]  # fmt: skip


def _left_out(rows: Sequence[Facts], options: Facts) -> KnownCost:
    """What no sum of the table holds. The same calls stand in each line of `--what-if all`."""
    if options["savings"] or options["unpriced"]:
        return KnownCost(None)
    counted = rows[:1] if options["what_if"] else rows
    return total(KnownCost(None, row["unpriced"], row["unpriced_tokens"]) for row in counted)


def _answers(options: Facts) -> tuple[list[Facts], Sequence[str]]:
    """The rows, and which of their columns a table shows."""
    now, zone = dt.datetime.now(dt.UTC), options["zone"]
    since = now - dt.timedelta(days=options["days"] - 1)
    if options["forecast"]:
        rows = [asdict(forecast_month(now=now, zone=zone))]
    elif options["unpriced"]:
        found = unpriced(since=start_of(since, Grain.DAY, zone), until=now)
        if not found:
            raise Unanswerable("Every call of this time has a cost.")
        rows = [asdict(each) for each in found]
    elif options["savings"]:
        rows = [asdict(each) for each in savings(since=since, until=now, zone=zone)]
        if not any(each["node"] for each in rows):
            return rows, OF_EACH_WAY
    elif options["what_if"]:
        calls = MetricsQuestion(since=since, until=now, only=_only(options), zone=zone)
        others = _elsewhere(calls, options)
        rows = [{**asdict(each), "difference_usd": each.difference_usd} for each in others]
    else:
        return _sums(since, now, options)
    if not rows:
        raise Unanswerable("No model has a known price: enter one.")
    return rows, list(rows[0])


def _sums(since: dt.datetime, until: dt.datetime, options: Facts) -> tuple[list[Facts], list[str]]:
    names = [name.strip() for name in options["by"].split(",")]
    daily = options["daily"]
    question = MetricsQuestion(
        since=since, until=until, by=names, only=_only(options), each_period=daily,
        zone=options["zone"],
    )  # fmt: skip
    rows = [
        {
            **({"day": f"{row.period:%Y-%m-%d}"} if row.period else {}),
            **dict(zip(names, row.keys, strict=True)),
            **asdict(row.figures),
        }
        for row in ask(question)
    ]
    return rows, [*(["day"] if daily else []), *names, *COLUMNS]


def _elsewhere(question: MetricsQuestion, options: Facts) -> list[WhatIf]:
    if options["what_if"] == EVERYWHERE:
        return what_if_anywhere(question)
    provider, _, model = options["what_if"].partition("/")
    return [what_if(question, provider=provider, model=model)]


def _only(options: Facts) -> dict[str, Key]:
    """The values to keep, in their columns' types."""
    kept: dict[str, Key] = {}
    for text in options["only"]:
        name, equals, value = text.partition("=")
        if not equals:
            raise CommandError(f"--only: give NAME=VALUE, not {text!r}.")
        try:
            kept[name] = TYPES.get(name, str)(value)
        except ValueError:
            raise CommandError(f"--only: {value!r} is the id of no {name}.") from None
    return kept


def _asked_by(options: Facts) -> str:
    """The option that a refusal is about."""
    for name in ("what_if", "forecast", "savings", "unpriced"):
        if options[name]:
            return f"--{name.replace('_', '-')}"
    return "--by and --only" if options["only"] else "--by"
