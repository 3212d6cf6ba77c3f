"""`manage.py seed_llm_config`: the rows that a new installation starts with."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import OperationalError, ProgrammingError

from llmconfig.configuration.seeding import HOSTED, Seeded, Wishes, seed
from llmconfig.diagnostics.discovery import ask_enabled
from llmconfig.errors import ChangeRefused
from llmconfig.runtime.records import asdict


class Command(BaseCommand):
    """Calls `seeding.seed` and tells what it did."""

    help = (
        "Create the providers, models, prices, interaction types and processing settings that are"
        " missing. Existing rows stay as they are, except what a flag names."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Flags name what may be updated."""
        switch = parser.add_mutually_exclusive_group()
        switch.add_argument(
            "--enable", action="store_true", help="Turn on the master switch: allow calls."
        )
        switch.add_argument(
            "--disable",
            action="store_true",
            help="Turn it off: no call goes out, and batches pause. For a copy of a database,"
            " before its workers start.",
        )
        parser.add_argument(
            "--local-model",
            default="",
            metavar="ID",
            help="List this model at the provider `local`, free of charge, and use it for"
            " enrichment, tagging and analytics.",
        )
        parser.add_argument(
            "--local-url", default="", metavar="URL", help="Address of the provider `local`."
        )
        parser.add_argument(
            "--provider",
            action="extend",
            nargs="+",
            default=[],
            choices=list(HOSTED),
            help="Enable this provider, with the key in its environment variable.",
        )
        parser.add_argument(
            "--discover",
            action="store_true",
            help="Then test every enabled provider and read its list of models, which costs"
            " nothing.",
        )
        parser.add_argument("--json", action="store_true", help="Print the result as JSON.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Seed; raises CommandError when a flag can't be met."""
        wishes = Wishes(
            enable=options["enable"],
            disable=options["disable"],
            local_model=options["local_model"],
            local_url=options["local_url"],
            providers=tuple(options["provider"]),
        )
        try:
            done = seed(wishes)
        except ChangeRefused as error:
            raise CommandError(str(error)) from error
        except (OperationalError, ProgrammingError) as error:
            reason = str(error).partition("\n")[0]
            raise CommandError(
                f"The database can't be used ({reason}): is it up, and has `migrate` run?"
            ) from error
        asked = ask_enabled(source="seed") if options["discover"] else {}
        if options["json"]:
            self.stdout.write(json.dumps(asdict(done) | {"asked": asked}, indent=2))
            return
        self._tell(done)
        for name, told in asked.items():
            self.stdout.write(f"{name}: {told}")

    def _tell(self, done: Seeded) -> None:
        for verb, names in (("Created", done.created), ("Updated", done.updated)):
            for name in names:
                self.stdout.write(f"{verb} {name}.")
        if not done.created and not done.updated:
            self.stdout.write("Nothing to do: everything is there.")
        for hint in done.hints:
            self.stdout.write(hint)
