"""`manage.py demo`; `make demo` runs it with everything it needs."""

import os
import sys
import time
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from rich.console import Console

from enrichment.listings.importing.importer import import_listings
from enrichment.listings.models import Animal
from llmconfig.configuration.revisions import change
from llmconfig.errors import LLMError
from llmconfig.models import LLMConfig
from project.embedded.demo import report
from project.embedded.demo.login import make_link
from project.embedded.demo.processes import running
from project.embedded.demo.speakers import (
    HOSTED_MODELS,
    Speaker,
    configure,
    offers,
    serve_everything,
)

LISTINGS = "dogs.csv.gz"
NOT_TRANSLATED = (
    "Nothing was translated: this small model writes broken Spanish (docs/quality.md). A hosted"
    " model or `make demo LLM=ollama` translates, for a reviewer to accept."
)
KINDS = ("demo", "small", "simulator", "ollama", *HOSTED_MODELS)


class Command(BaseCommand):
    """Enrich real listings with real parts and show what came of it."""

    help = "Enrich the shipped listings; run it with `make demo`."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Which model, and how many rows."""
        parser.add_argument("--llm", choices=KINDS, default="demo", help="Which model speaks.")
        parser.add_argument("--rows", type=int, help="How many listings to enrich.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Migrate, seed, import, enrich, tell; at a terminal, keep serving."""
        if options["rows"] is not None and options["rows"] < 1:
            raise CommandError(f"--rows: {options['rows']} is below 1.")
        began = time.monotonic()
        console = Console(width=None if sys.stdout.isatty() else 100)
        speaker = self._prepare(console, options["llm"])
        ids = list(
            Animal.objects.order_by("pk").values_list("pk", flat=True)[
                : options["rows"] or speaker.rows
            ]
        )
        environment = {**os.environ, "LLM_BATCH_CONCURRENT": str(speaker.in_flight)}
        with running(environment, _logs()) as address:
            console.print(f"[bold]Enriching {len(ids)} listings[/] with {speaker.words}.")
            # What another model said in an earlier run is said anew.
            others = Animal.objects.filter(pk__in=ids).exclude(llm_model_used=speaker.model)
            which = {
                "ids": ",".join(map(str, ids)),
                "force": others.filter(llm_model_used__isnull=False).exists(),
            }
            call_command("enrich_descriptions", **which)
            call_command("generate_profiles", **which)
            if speaker.language:
                call_command("translate", target_language=[speaker.language], **which)
            report.show(
                console,
                ids,
                language=speaker.language,
                speaker=speaker.words,
                seconds=time.monotonic() - began,
            )
            if not speaker.language:
                console.print(NOT_TRANSLATED)
            for line in offers(os.environ, chosen=options["llm"]):
                console.print(line, highlight=False)
            console.print(
                f"Admin, with a login that works once: {make_link(address)}", soft_wrap=True
            )
            if sys.stdin.isatty() and sys.stdout.isatty():
                self._serve(console)
            else:
                console.print(
                    "No terminal here, so the servers end now; at a terminal they serve until"
                    " Ctrl-C. The data stays in .nodewise."
                )

    def _prepare(self, console: Console, llm: str) -> Speaker:
        console.print("Preparing the database: migrations, providers, nodes, listings …")
        call_command("migrate", verbosity=0)
        try:
            speaker = configure(llm, os.environ)
        except LLMError as error:
            raise CommandError(str(error)) from error
        with change(source="seed", message="The demo's pace."):
            LLMConfig.objects.exclude(concurrent_tasks=speaker.lanes).update(
                concurrent_tasks=speaker.lanes
            )
        call_command("sync_llm_config", verbosity=0)
        if speaker.by_any_name:
            serve_everything(speaker.model)
        found = import_listings(settings.BASE_DIR / "fixtures" / LISTINGS)
        console.print(
            f"{found.added:,} listings added, {found.updated:,} updated,"
            f" {found.unchanged:,} known already."
        )
        return speaker

    def _serve(self, console: Console) -> None:
        console.print("Serving until Ctrl-C.")
        try:
            while True:
                time.sleep(3600)
        except KeyboardInterrupt:
            console.print("Stopped; the data stays in .nodewise until `make clean`.")


def _logs() -> Path:
    return Path(settings.BASE_DIR) / ".nodewise" / "logs"
