"""`manage.py llm_settings`: the values in force of the LLM_* settings, as `diffsettings` has it."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from llmconfig import project_settings
from llmconfig.configuration import process_settings, snapshot
from llmconfig.configuration.process_settings import ProcessSetting


class Command(BaseCommand):
    """Asks the snapshot; calls nobody and changes nothing."""

    help = (
        "Print the LLM_* settings whose values differ from their defaults, and where each value"
        " comes from: the environment (or the project's settings), the admin's processing settings,"
        " or LLM_DEFAULTS."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--all", action="store_true", help="Those at their defaults as well.")
        parser.add_argument("--json", action="store_true", help="Print them as JSON.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Print one line for each."""
        state = snapshot.current()
        found = {
            each.variable: {
                "value": state.setting(each.variable),
                "default": each.default,
                "source": _source(each, state.processing),
            }
            for each in sorted(process_settings.definitions(), key=lambda each: each.variable)
        }
        shown = {
            name: each
            for name, each in found.items()
            if options["all"] or each["value"] != each["default"]
        }
        if options["json"]:
            self.stdout.write(json.dumps(shown, indent=2))
            return
        for name, each in shown.items():
            self.stdout.write(
                f"{name} = {each['value']!r}  # {each['source']}; default {each['default']!r}"
            )


def _source(definition: ProcessSetting, row: Any) -> str:
    if definition.variable in project_settings.process_values():
        return "environment"
    if definition.column and definition.column in row:
        return "processing settings"
    if definition.default_here() != definition.default:
        return f"LLM_DEFAULTS={project_settings.defaults_for()}"
    return "default"
