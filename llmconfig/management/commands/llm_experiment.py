"""`manage.py llm_experiment`: list, start and stop experiments."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from llmconfig import experiments
from llmconfig.errors import ChangeRefused
from llmconfig.models import Experiment


class Command(BaseCommand):
    """Calls `experiments.start` and `experiments.stop`."""

    help = "List the experiments, or start or stop one by its name."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """An action and, except for `list`, a name."""
        parser.add_argument("action", choices=["list", "start", "stop"])
        parser.add_argument("name", nargs="?", default="", help="The experiment's name.")
        parser.add_argument("--json", action="store_true", help="Print the list as JSON.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Do it; raises CommandError with the reason if it can't be done."""
        action, name = options["action"], options["name"]
        if action == "list":
            self._list(as_json=options["json"])
            return
        if not name:
            raise CommandError(f"Which one? Write: llm_experiment {action} NAME")
        move = experiments.start if action == "start" else experiments.stop
        try:
            moved = move(name, source="shell")
        except ChangeRefused as refusal:
            raise CommandError(str(refusal)) from refusal
        self.stdout.write(f"{moved.name} is {moved.status} on the node {moved.node}.")

    def _list(self, *, as_json: bool) -> None:
        rows: list[dict[str, Any]] = [
            {
                "name": row.name,
                "node": row.node.node_name,
                "status": row.status,
                "arms": {arm.name: arm.weight for arm in row.arms.all()},
            }
            for row in Experiment.objects.select_related("node").prefetch_related("arms")
        ]
        if as_json:
            self.stdout.write(json.dumps(rows, indent=2))
            return
        for row in rows:
            arms = ", ".join(f"{name} {weight}" for name, weight in row["arms"].items())
            self.stdout.write(f"{row['name']}: {row['status']} on {row['node']} ({arms})")
        if not rows:
            self.stdout.write("There are no experiments; add one in the admin.")
