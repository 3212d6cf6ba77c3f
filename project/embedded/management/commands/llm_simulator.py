"""`manage.py llm_simulator`: a thin edge over the simulator's own command line."""

from __future__ import annotations

from argparse import ArgumentParser

from django.core.management.base import BaseCommand, CommandError

from project.embedded.simulator.command_line import add_options, options_from, run
from project.embedded.simulator.errors import SimulatorError


class Command(BaseCommand):
    """Runs in the foreground and needs no database."""

    help = "A loopback provider for tests, the demo and benchmarks (docs/simulator.md)."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        add_options(parser)

    def handle(self, *args: object, **options: object) -> None:
        del args
        names = ("host", "port", "latency_ms", "latency_spread", "api_key", "seed")
        try:
            run(options_from({name: options[name] for name in names}))
        except SimulatorError as error:
            raise CommandError(str(error)) from None
