"""`manage.py create_llm_key`: a key for the compatible endpoint, printed once."""

from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from llmconfig.configuration.revisions import change
from llmconfig.errors import ChangeRefused
from llmconfig.gateway.keys import Scope, make_key
from llmconfig.roles import user_named


class Command(BaseCommand):
    """Calls `gateway.keys.make_key` and prints the key."""

    help = "Make a key for /v1. It is printed here and can't be read again."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """What it may call, and for how long."""
        parser.add_argument("name", help="Who or what uses it.")
        parser.add_argument(
            "--node",
            action="extend",
            nargs="+",
            default=[],
            metavar="NAME",
            help="Node or interaction type that it may call. Without any, it may call everything.",
        )
        parser.add_argument("--user", default="", help="User name of its owner.")
        parser.add_argument("--days", type=int, default=0, help="Days until it ends. 0: never.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Make it; raises CommandError when a flag can't be met."""
        owner = None
        if options["user"]:
            owner = user_named(options["user"])
            if owner is None:
                raise CommandError(f"--user: there is no user {options['user']!r}.")
        if options["days"] < 0:
            raise CommandError("--days: give the days from now, or 0 for no end.")
        ends = timezone.now() + timedelta(days=options["days"]) if options["days"] else None
        names = tuple(options["node"])
        try:
            with change(source="shell", user=owner, message=f"Made the key {options['name']}."):
                _, key = make_key(
                    options["name"],
                    scope=Scope(everything=not names, names=names),
                    user=owner,
                    expires_at=ends,
                )
        except ChangeRefused as refusal:
            raise CommandError(f"{refusal.field}: {refusal}") from refusal
        self.stdout.write(key.reveal())
