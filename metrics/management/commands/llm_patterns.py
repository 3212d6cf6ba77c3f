"""`manage.py llm_patterns`: mine past answers for patterns and proposals for prompts."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from metrics.models import PromptProposal
from metrics.models.patterns import ProposalState
from metrics.patterns.mining import DAYS, mine

MAX_DAYS = 366


class Command(BaseCommand):
    """Safe to repeat: the same answers make the same patterns."""

    help = "Find in past answers what went wrong, what went well, and what prompts should say."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--days", type=int, default=DAYS, help=f"How far back ({DAYS}).")

    def handle(self, *args: Any, **options: Any) -> None:
        """Mine and say what there is."""
        if not 1 <= options["days"] <= MAX_DAYS:
            raise CommandError(f"--days: give 1 to {MAX_DAYS}.")
        found = mine(days=options["days"])
        self.stdout.write(f"{found.patterns} patterns, {found.proposals} open proposals.")
        for each in PromptProposal.objects.filter(state=ProposalState.OPEN):
            reasons = "; ".join(_line(finding["said"]) for finding in each.findings)
            self.stdout.write(f"{each}: {reasons}")


def _line(text: str) -> str:
    """Answers' and reviewers' words stay on one line."""
    return "".join(char if char.isprintable() else " " for char in text)
