"""`manage.py llm_rollback N`: the configuration as it was at revision N."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from llmconfig.configuration.rollback import QUIET, Rollback, RowChange, preview, roll_back
from llmconfig.errors import ChangeRefused
from llmconfig.runtime.records import asdict


class Command(BaseCommand):
    """Calls `rollback.roll_back` and tells what it did."""

    help = "Make the configuration what it was at a revision, as a new revision. Keys don't return."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("revision", type=int, help="The number of the state to go back to.")
        parser.add_argument("--dry-run", action="store_true", help="Show the diff, write nothing.")
        parser.add_argument("--json", action="store_true", help="Print the result as JSON.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Do it; raises CommandError when there is no such state or it can't be restored."""
        number = options["revision"]
        try:
            done = preview(number) if options["dry_run"] else roll_back(number, source="shell")
        except ChangeRefused as refusal:
            raise CommandError(str(refusal)) from refusal
        if options["json"]:
            self.stdout.write(json.dumps(asdict(done), indent=2, default=str))
        else:
            self._tell(done, written=not options["dry_run"])

    def _tell(self, done: Rollback, *, written: bool) -> None:
        for each in done.changes:
            self.stdout.write(f"{each.table_name} {_name(each)}: {_verb(each)}")
            for line in _fields(each):
                self.stdout.write(f"  {line}")
        for note in done.notes:
            self.stdout.write(f"Note: {note}")
        if not done.changes:
            self.stdout.write(f"Nothing to do: the configuration is as at revision {done.to}.")
        elif written:
            self.stdout.write(f"Rolled back to revision {done.to}, as revision {done.revision}.")
        else:
            self.stdout.write("Nothing was written.")


def _name(each: RowChange) -> str:
    row = each.after or each.before or {}
    names = ("name", "node_name", "interaction_type", "model_id")
    return next((str(row[name]) for name in names if row.get(name)), each.row_key)


def _verb(each: RowChange) -> str:
    if each.before is None:
        return "comes back"
    return "is removed" if each.after is None else "changes"


def _fields(each: RowChange) -> list[str]:
    before, after = each.before, each.after
    if before is None or after is None:
        return []
    return [
        f"{name}: {before.get(name)!r} -> {value!r}"
        for name, value in after.items()
        if name not in QUIET and before.get(name) != value
    ]
