"""`manage.py llm_facts`: the sources of facts, and asking them anew."""

from argparse import ArgumentParser
from typing import Any

import orjson
from django.core.management.base import BaseCommand, CommandError
from django.db.models import Count

from enrichment.errors import BadSelection
from enrichment.facts import fetching
from enrichment.models import FactSource
from llmconfig.runtime.records import asdict


class Command(BaseCommand):
    """What the source's page does, for terminals and timers."""

    help = "List the sources of facts; try one on a row; ask anew for what they said."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("verb", choices=["list", "try", "refresh"], help="What to do.")
        parser.add_argument("name", nargs="?", default="", help="The source; for refresh: or all.")
        parser.add_argument("--row", default="", metavar="ID", help="For try: else the newest.")
        parser.add_argument(
            "--all", action="store_true", help="For refresh: also what is within its time to live."
        )
        parser.add_argument("--json", action="store_true", help="Print JSON.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Do it and say what came of it."""
        sources = _found(options["name"], one=options["verb"] == "try")
        told: list[tuple[str, dict[str, Any]]] = []
        for source in sources:
            if options["verb"] == "list":
                told.append(_listed(source))
            elif options["verb"] == "refresh":
                done = fetching.refresh(source, everything=options["all"])
                told.append((f"{source}: {done}", {"name": source.name, **asdict(done)}))
            else:
                told.append(_tried(source, options["row"]))
        if options["json"]:
            self.stdout.write(orjson.dumps([details for _, details in told]).decode())
            return
        for line, _ in told:
            self.stdout.write(line)
        if not told:
            self.stdout.write("There is no source of facts; add one in the admin.")


def _found(name: str, *, one: bool) -> list[Any]:
    sources = list(
        FactSource.objects.filter(**({"name": name} if name else {})).annotate(kept=Count("facts"))
    )
    if (name or one) and len(sources) != 1:
        known = ", ".join(FactSource.objects.values_list("name", flat=True)) or "none yet"
        raise CommandError(f"name: {name!r} is no source of facts; there are {known}.")
    return sources


def _listed(source: Any) -> tuple[str, dict[str, Any]]:
    state = "on" if source.is_enabled else "off"
    return (
        f"{source.name} ({state}): {source.url_template}, {source.kept} facts kept",
        {
            "name": source.name,
            "is_enabled": source.is_enabled,
            "url_template": source.url_template,
            "facts": source.kept,
        },
    )


def _tried(source: FactSource, row_id: str) -> tuple[str, dict[str, Any]]:
    try:
        trial = fetching.try_out(source, row_id=row_id)
    except BadSelection as error:
        raise CommandError(str(error)) from error
    said = trial.problem or trial.value
    return f"Row {trial.row_id}, {trial.url or 'nothing asked'}: {said}", asdict(trial)
