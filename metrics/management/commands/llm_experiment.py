"""`manage.py llm_experiment`: list, show, start and stop experiments, and take an arm over."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from llmconfig.configuration import experiments
from llmconfig.configuration.known_costs import UNPRICED
from llmconfig.errors import ChangeRefused
from llmconfig.models import Experiment
from llmconfig.runtime.records import asdict
from metrics.analyzers.experiments import Comparison, compare
from metrics.analyzers.judging import Arm

MOVES = {"start": experiments.start, "stop": experiments.stop}


class Command(BaseCommand):
    """Calls `experiments.start`, `stop` and `promote`, and `compare`."""

    help = "List the experiments; show, start or stop one by its name, or promote one of its arms."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """An action, a name except for `list`, and for `promote` an arm."""
        parser.add_argument("action", choices=["list", "show", "promote", *MOVES])
        parser.add_argument("name", nargs="?", default="", help="The experiment's name.")
        parser.add_argument("arm", nargs="?", default="", help="The arm to promote.")
        parser.add_argument("--json", action="store_true", help="Print list or show as JSON.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Do it; raises CommandError with the reason if it can't be done."""
        action, name, arm = options["action"], options["name"], options["arm"]
        if action == "list":
            self._list(as_json=options["json"])
            return
        if not name or (action == "promote" and not arm):
            wanted = "NAME ARM" if action == "promote" else "NAME"
            raise CommandError(f"Which one? Write: llm_experiment {action} {wanted}")
        if action == "show":
            self._show(name, as_json=options["json"])
            return
        try:
            moved = (
                experiments.promote(name, arm, source="shell")
                if action == "promote"
                else MOVES[action](name, source="shell")
            )
        except ChangeRefused as refusal:
            raise CommandError(str(refusal)) from refusal
        now = f"{arm} is now the node {moved.node}'s own; " if action == "promote" else ""
        self.stdout.write(f"{now}{moved.name} is {moved.status} on the node {moved.node}.")

    def _list(self, *, as_json: bool) -> None:
        rows: list[dict[str, Any]] = [
            {
                "name": row.name,
                "node": row.node.node_name,
                "mode": row.mode,
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

    def _show(self, name: str, *, as_json: bool) -> None:
        if not Experiment.objects.filter(name=name).exists():
            raise CommandError(f"There is no experiment {name!r}.")
        found = compare(name)
        if as_json:
            self.stdout.write(json.dumps(asdict(found), default=str, indent=2))
            return
        for line in _described(found):
            self.stdout.write(line)


def _cost(arm: Arm) -> str:
    """The mean of the priced calls, and how many it leaves out."""
    mean = f"${arm.cost_usd.mean:.6f}" if arm.cost_usd.number else UNPRICED
    some = 0 < arm.unpriced < arm.succeeded.number
    return f"{mean} + {arm.unpriced} {UNPRICED}" if some else mean


def _described(found: Comparison) -> list[str]:
    lines = [f"Since {found.since:%Y-%m-%d %H:%M} UTC:"]
    for arm in found.arms:
        success = arm.succeeded.value
        lines.append(
            f"  {arm.name}: {arm.succeeded.number} calls, {success or 0:.1%} succeeded,"
            f" {_cost(arm)} and {arm.latency_ms.mean:.0f} ms a call"
        )
    lines += [
        f"  {each.measure}: {each.other} has {each.value:+.4g} against {each.one}"
        f" (from {each.low:+.4g} to {each.high:+.4g})"
        for each in found.differences
        if each.differs
    ]
    lines += [f"  {each.arm}: {each.verdict.label}." for each in found.judgements]
    if not found.arms:
        lines.append("  no calls yet.")
    elif not found.judgements:
        lines.append("  No arm is judged: it takes one that overrides nothing, and calls of both.")
    return lines
