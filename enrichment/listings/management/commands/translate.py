"""`manage.py translate`: translate listings in a batch."""

from argparse import ArgumentParser
from typing import Any

from enrichment.management.batch_command import BatchCommand


class Command(BatchCommand):
    """Translate listings into one or several languages."""

    help = "Translate listings; -t may be given several times."
    enrichment = "translation"

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The languages besides the common flags."""
        super().add_arguments(parser)
        parser.add_argument(
            "-t",
            "--target-language",
            action="append",
            required=True,
            metavar="LANGUAGE",
            help="BCP 47 tag such as es, fr or pt-BR.",
        )

    def variants(self, options: dict[str, Any]) -> tuple[str, ...]:
        """Each language once, in the order given."""
        return tuple(dict.fromkeys(options["target_language"]))
