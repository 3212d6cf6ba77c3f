"""`manage.py llm_stats`: how many listings have each enrichment."""

from argparse import ArgumentParser
from typing import IO, Any, cast

import orjson
from django.core.management.base import BaseCommand, CommandError
from rich.console import Console
from rich.table import Table

from enrichment.errors import EnrichmentError
from enrichment.listings.statistics import statistics
from llmconfig.runtime.records import asdict


class Command(BaseCommand):
    """How much of the listings is enriched."""

    help = "Show how much of the listings is enriched."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """One organization, and JSON for scripts."""
        parser.add_argument("-o", "--organization", default="", help="Only this slug's rows.")
        parser.add_argument("--json", action="store_true", help="Print JSON.")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            found = statistics(organization=options["organization"])
        except EnrichmentError as error:
            raise CommandError(str(error)) from error
        if options["json"]:
            self.stdout.write(orjson.dumps(asdict(found)).decode())
            return
        table = Table("", "listings", "share")
        table.add_row("all", f"{found.total_animals:,}", "")
        for label, count, share in (
            ("cleaned descriptions", found.enriched_descriptions, found.enrichment_coverage),
            ("profiles", found.dog_profiles, found.profile_coverage),
            ("translations", found.with_translations, found.translation_coverage),
        ):
            table.add_row(label, f"{count:,}", f"{share} %")
        out = cast("IO[str]", self.stdout)  # OutputWrapper passes on what it lacks
        console = Console(file=out, width=None if out.isatty() else 80)
        console.print(table)
