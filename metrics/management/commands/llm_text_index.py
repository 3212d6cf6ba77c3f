"""`manage.py llm_text_index`: makes the search in prompts and answers quick over many texts."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError

from metrics import text_search
from metrics.errors import PartitionsUnusable


class Command(BaseCommand):
    """Build the index of texts month by month, or drop it."""

    help = (
        "Build PostgreSQL's full-text index of prompts and answers, month by month, without"
        " holding up calls. It costs some time with each text that is stored."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--drop", action="store_true", help="Remove it from all months.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Build or drop, and say what was done; what was built already stays."""
        try:
            if options["drop"]:
                done = text_search.drop_index()
                self.stdout.write("Dropped the index." if done else "There was no index.")
                return
            for name in text_search.build_index():
                self.stdout.write(f"Built {name}.")
        except PartitionsUnusable as error:
            raise CommandError(str(error)) from error
        except DatabaseError as error:
            reason = str(error).strip().splitlines()[0]
            raise CommandError(f"The database refused: {reason}") from error
        self.stdout.write("Searches in prompts and answers use the index.")
