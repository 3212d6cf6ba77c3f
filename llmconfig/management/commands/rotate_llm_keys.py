"""`manage.py rotate_llm_keys`: stored provider keys under the newest field key."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError

from llmconfig import secrets
from llmconfig.configuration import rotation
from llmconfig.runtime.records import asdict


class Command(BaseCommand):
    """Calls `rotation.rotate` and tells how many rows it rewrote."""

    help = (
        "Encrypt all stored provider keys anew with the first of LLM_FIELD_KEYS. Put a new key"
        " first, restart, run this until --check is content, then remove the old key."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Flags that keep it from writing."""
        mode = parser.add_mutually_exclusive_group()
        mode.add_argument(
            "--check",
            action="store_true",
            help="Write nothing; exit 1 while any row needs another field key than the first.",
        )
        mode.add_argument("--dry-run", action="store_true", help="Read every key, write nothing.")
        parser.add_argument("--json", action="store_true", help="Print the counts as JSON.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Do it; raises CommandError when rows are left that should not be."""
        try:
            primary = secrets.keyring().primary_id
        except ImproperlyConfigured as error:
            raise CommandError(str(error)) from error
        if options["check"]:
            self._check(primary, as_json=options["json"])
            return
        done = rotation.rotate(dry_run=options["dry_run"])
        if options["json"]:
            self.stdout.write(json.dumps(asdict(done), indent=2))
        else:
            verb = "to rewrite" if options["dry_run"] else "rewritten"
            self.stdout.write(f"{done.rewritten} {verb} with the field key {primary}.")
        if done.unreadable:
            raise CommandError("Not readable: " + " ".join(done.unreadable))
        if done.left and not options["dry_run"]:
            raise CommandError(f"{done.left} left: others were changing them. Run it again.")

    def _check(self, primary: str, *, as_json: bool) -> None:
        counts, left = rotation.by_field_key(), rotation.left()
        lost = rotation.lacking()
        if as_json:
            told = {"primary": primary, "rows": counts, "left": left, "lacking": lost}
            self.stdout.write(json.dumps(told))
        else:
            self.stdout.write(f"LLM_FIELD_KEYS holds {', '.join(secrets.keyring().ids)}.")
            for used, count in counts.items():
                where = "not in LLM_FIELD_KEYS" if used in lost else "first" * (used == primary)
                note = f" ({where})" if where else ""
                self.stdout.write(f"{count} stored under the field key {used}{note}")
        if left:
            way_out = (
                f" LLM_FIELD_KEYS lacks {', '.join(lost)}: put it back behind {primary}. With a key"
                " in LLM_FIELD_KEYS, --check tells its name."
            )
            raise CommandError(
                f"{left} still need another field key than {primary}." + way_out * bool(lost)
            )
