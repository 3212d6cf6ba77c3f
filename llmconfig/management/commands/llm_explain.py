"""`manage.py llm_explain NODE`: where each value of a call comes from."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from llmconfig.configuration import snapshot
from llmconfig.configuration.facts import UserKey
from llmconfig.configuration.layers import FIELDS, LayerValue
from llmconfig.configuration.resolution import Resolution, Target, explain
from llmconfig.errors import UnknownNode
from llmconfig.roles import user_named


class Command(BaseCommand):
    """Shows which provider and model serve a name, and which layer decided it."""

    help = (
        "Show for a node, an interaction type or a model reference what every layer says, which"
        " layer wins, and which providers are asked in which order. Calls nobody."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """What is explained, and for whom."""
        parser.add_argument("name", help="A node, an interaction type or a model reference.")
        parser.add_argument("--user", default="", help="Username whose own choices count.")
        parser.add_argument(
            "--experiment-key", default="", help="The key that decides an experiment's arm."
        )
        parser.add_argument("--json", action="store_true", help="Print it as JSON.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Explain; raises CommandError for an unknown name or user."""
        user_id = _user_id(options["user"]) if options["user"] else None
        state = snapshot.current()
        try:
            found = explain(
                options["name"],
                snapshot=state,
                user_id=user_id,
                experiment_key=options["experiment_key"],
            )
        except UnknownNode as error:
            raise CommandError(str(error)) from error
        notes = list(found.warnings)
        running = state.experiments.get(options["name"])
        if running is not None and not options["experiment_key"]:
            notes.append(
                f"The experiment {running.name} is running; --experiment-key shows a key's arm."
            )
        if not state.processing.get("enabled", False):
            notes.append("All LLM calls are switched off in the processing settings.")
        if options["json"]:
            self.stdout.write(json.dumps(_as_json(found, notes), indent=2))
        else:
            self._draw(found, notes)

    def _draw(self, found: Resolution, notes: list[str]) -> None:
        kind = found.interaction_type or "no interaction type"
        self.stdout.write(f"{found.name} ({kind}), revision {found.revision}")
        console = Console(highlight=False, width=_width(found), no_color=not self.stdout.isatty())
        with console.capture() as drawn:
            console.print(_table(found))
        self.stdout.write(drawn.get())
        self.stdout.write("Asked in this order:" if found.targets else "Nothing can serve it.")
        for position, target in enumerate(found.targets, start=1):
            self.stdout.write(f"  {position}. {_line(target)}")
        if found.tracing:
            self.stdout.write("Its calls are traced.")
        for note in notes:
            self.stdout.write(f"Note: {note}")


def _user_id(username: str) -> UserKey:
    user = user_named(username)
    if user is None:
        raise CommandError(f"There is no user {username!r}.")
    return user.pk


def _table(found: Resolution) -> Table:
    """Layers downwards, most specific first; an arrow marks what is in force."""
    table = Table("layer", *FIELDS)
    winners = {name: found.winner(name) for name in FIELDS}
    for position, layer in enumerate(found.layers["model"]):
        values = {name: found.layers[name][position] for name in FIELDS}
        cells = [_cell(each, winning=each is winners[name]) for name, each in values.items()]
        table.add_row(escape(layer.layer), *cells)
    return table


def _cell(each: LayerValue, *, winning: bool) -> str:
    value = each.value
    text = ", ".join(value) if isinstance(value, tuple) else "" if value is None else str(value)
    return f"[bold green]→ {escape(text)}[/]" if winning else escape(text)


def _width(found: Resolution) -> int:
    """Wide enough that no model reference is cut, also in a pipe."""
    texts = [max(len(_cell(each, winning=False)) for each in found.layers[name]) for name in FIELDS]
    return max(80, 60 + sum(texts) + 5 * len(FIELDS))


def _line(target: Target) -> str:
    parts = [f"{target.provider.name}/{target.model_id}"]
    if target.temperature is not None:
        parts.append(f"temperature {target.temperature:g}")
    if target.max_tokens is not None:
        parts.append(f"at most {target.max_tokens} tokens")
    if target.dropped:
        parts.append(f"without {', '.join(target.dropped)}")
    return ", ".join(parts)


def _as_json(found: Resolution, notes: list[str]) -> dict[str, Any]:
    fields = {}
    for name in FIELDS:
        winner = found.winner(name)
        fields[name] = {
            "value": winner.value if winner else None,
            "layer": winner.layer if winner else None,
            "layers": {each.layer: each.value for each in found.layers[name]},
        }
    return {
        "name": found.name,
        "interaction_type": found.interaction_type,
        "revision": found.revision,
        "tracing": found.tracing,
        "experiment": found.experiment,
        "arm": found.arm,
        "fields": fields,
        "targets": [
            {
                "provider": each.provider.name,
                "model": each.model_id,
                "temperature": each.temperature,
                "max_tokens": each.max_tokens,
                "dropped": each.dropped,
            }
            for each in found.targets
        ],
        "notes": notes,
    }
