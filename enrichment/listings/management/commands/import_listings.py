"""`manage.py import_listings`: read listings from a file; mapping, dry run, report of bad lines."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

import orjson
from django.core.management.base import BaseCommand, CommandError
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from enrichment.batches.progress import counted
from enrichment.listings.errors import BadListings
from enrichment.listings.importing.importer import ImportOptions, import_listings
from enrichment.listings.importing.report import Example, ImportReport
from enrichment.listings.importing.sources import DEFAULT_MAX_BYTES
from llmconfig.runtime.records import asdict

SHOWN = 10
LEFT_OUT = 3
MEGABYTE = 1024 * 1024


class Command(BaseCommand):
    """Imports listings from a CSV, TSV, JSON, JSON lines or XLSX file."""

    help = (
        "Add and change listings from CSV, TSV, JSON, JSON lines or XLSX, also gzipped. Columns"
        " that the file lacks stay as they are. Exits with 3 when rows were left out."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The file, and how to read it where that can't be seen."""
        parser.add_argument("file", type=Path, help="Path of the file.")
        parser.add_argument("-l", "--limit", type=int, help="Only the first rows.")
        parser.add_argument(
            "-n", "--dry-run", action="store_true", help="Show what would change; write nothing."
        )
        parser.add_argument(
            "-m", "--map", action="append", default=[], metavar="COLUMN=FIELD",
            help="Which field a column fills; blank after = ignores it. Repeatable.",
        )  # fmt: skip
        parser.add_argument("--encoding", default="", help="Such as cp1252. Default: recognised.")
        parser.add_argument(
            "--separator", default="", help="One character, or comma, semicolon, tab, bar."
        )
        parser.add_argument(
            "--dates", default="", metavar="ORDER", help="dmy or mdy, for dates like 03/04/2024."
        )
        parser.add_argument("--sheet", default="", help="The sheet of an .xlsx file.")
        parser.add_argument(
            "--max-size", type=int, default=DEFAULT_MAX_BYTES // MEGABYTE, metavar="MB",
            help="The most that a file may unpack to. Default: %(default)s.",
        )  # fmt: skip
        parser.add_argument("--json", action="store_true", help="Print the report as JSON.")

    def handle(self, *args: Any, **options: Any) -> None:
        for name in ("limit", "max_size"):
            if options[name] is not None and options[name] < 1:
                flag = name.replace("_", "-")
                raise CommandError(f"--{flag}: {options[name]} is below 1.")
        try:
            report = self._import(options)
        except BadListings as error:
            raise CommandError(str(error)) from error
        if options["json"]:
            self.stdout.write(orjson.dumps(asdict(report)).decode())
        else:
            self._tell(report)
        if report.bad:
            raise CommandError(f"{counted(len(report.bad), 'row')} left out.", returncode=LEFT_OUT)

    def _import(self, options: dict[str, Any]) -> ImportReport:
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(),
                   TimeElapsedColumn())  # fmt: skip
        quiet = options["json"] or options["verbosity"] == 0
        with Progress(*columns, console=Console(stderr=True), disable=quiet) as bar:
            task = bar.add_task("Reading", total=None)

            def show(done: int, total: int) -> None:
                bar.update(task, description="Importing", completed=done, total=total)

            return import_listings(
                options["file"],
                limit=options["limit"],
                dry_run=options["dry_run"],
                on_progress=show,
                options=ImportOptions(
                    mapping=_mapping(options["map"]),
                    encoding=options["encoding"],
                    separator=options["separator"],
                    order=options["dates"],
                    sheet=options["sheet"],
                    max_bytes=options["max_size"] * MEGABYTE,
                ),
            )

    def _tell(self, report: ImportReport) -> None:
        source = report.source
        how = [source.format, source.encoding, source.separator, source.sheet]
        self.stdout.write(f"Read as {', '.join(part for part in how if part)}.")
        if report.ignored_columns:
            self.stdout.write(f"Columns without a field: {', '.join(report.ignored_columns)}.")
        would = "would be " if report.dry_run else ""
        self.stdout.write(
            f"{counted(report.added, 'listing')} {would}added, {report.updated:,} {would}updated,"
            f" {report.unchanged:,} unchanged, {len(report.bad):,} left out."
        )
        if report.dry_run:
            self._tell_examples(report.examples)
        for note in report.notes:
            self.stdout.write(note)
        for row in report.bad[:SHOWN]:
            self.stdout.write(f"  line {row.line}: {row.reason}")
        if len(report.bad) > SHOWN:
            self.stdout.write(f"  … and {len(report.bad) - SHOWN:,} more; --json lists all.")

    def _tell_examples(self, examples: list[Example]) -> None:
        for is_new in (True, False):
            for example in [each for each in examples if each.is_new is is_new][:SHOWN]:
                if is_new:
                    self.stdout.write(f"  + {example.external_id} (line {example.line})")
                    continue
                parts = (f"{c.field} {c.before!r} → {c.after!r}" for c in example.changes)
                self.stdout.write(
                    f"  ~ {example.external_id} (line {example.line}): {'; '.join(parts)}"
                )


def _mapping(given: list[str]) -> dict[str, str]:
    """`--map` flags as column to field; raises CommandError for one without an equals sign."""
    mapping = {}
    for text in given:
        column, equals, field = text.rpartition("=")
        if not equals or not column:
            raise CommandError(f"--map: {text!r} isn't COLUMN=FIELD, such as Rasse=breed.")
        mapping[column.strip()] = field.strip()
    return mapping
