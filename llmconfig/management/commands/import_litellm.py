"""`manage.py import_litellm`: a LiteLLM configuration, entry by entry with what becomes of each."""

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from llmconfig.configuration.litellm.importing import ImportOutcome, bring_in
from llmconfig.errors import ChangeRefused, NodesFileInvalid


class Command(BaseCommand):
    """Reads the files, tells what is taken, changed or left out, and writes in one transaction."""

    help = (
        "Bring in a configuration of LiteLLM's (or LangChain's models, or an export of our own),"
        " and its virtual keys. The same files again change nothing."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The files and how to report."""
        parser.add_argument(
            "files",
            nargs="+",
            type=Path,
            help="config.yaml, and perhaps the JSON of /key/list?return_full_object=true.",
        )
        parser.add_argument("--dry-run", action="store_true", help="Tell all, write nothing.")
        parser.add_argument("--json", action="store_true", help="Print the report as JSON.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Import; raises CommandError for files that can't be read or that our rules refuse."""
        write = not options["dry_run"]
        try:
            done = bring_in(options["files"], write=write)
        except FileNotFoundError as error:
            raise CommandError(f"{error.filename} does not exist.") from error
        except (ChangeRefused, NodesFileInvalid) as error:
            raise CommandError(str(error)) from error
        text = (
            json.dumps(_as_json(done, write), indent=2) if options["json"] else _told(done, write)
        )
        self.stdout.write(text)


def _told(done: ImportOutcome, written: bool) -> str:
    report = done.report
    lines = list(report.lines())
    if report.environment:
        lines += ["", "For the environment of web and workers:"]
        lines += [f"  {name}={value}" for name, value in report.environment.items()]
    if done.stored_keys:
        verb = "were stored" if written else "would be stored"
        lines += ["", f"Keys in clear {verb} encrypted for: {', '.join(done.stored_keys)}"]
    lines += [*([""] if report.steps else []), *report.steps]
    counts = ", ".join(f"{number} {fate}" for fate, number in report.counts().items())
    lines += ["", f"Entries: {counts}"]
    verb = "It is now" if written else "Nothing was written. An import would make it"
    keys = f"; {done.new_keys} virtual keys" if done.new_keys else ""
    return "\n".join([*lines, f"{verb}: {done.plan.totals}{keys}"])


def _as_json(done: ImportOutcome, written: bool) -> dict[str, Any]:
    return {
        "written": written,
        "revision": done.plan.revision,
        "totals": done.plan.totals,
        "entries": [
            {"place": each.place, "fate": each.fate, "reason": each.reason, "known": each.known}
            for each in done.report.notes
        ],
        "environment": done.report.environment,
        "steps": list(done.report.steps),
        "new_keys": done.new_keys,
        "stored_keys": list(done.stored_keys),
    }
