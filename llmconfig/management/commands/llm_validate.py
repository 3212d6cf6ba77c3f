"""`manage.py llm_validate`: whether the configuration can serve every call."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from llmconfig.configuration import snapshot
from llmconfig.diagnostics.validation import (
    ValidationResult,
    arm_findings,
    findings,
    traced_nowhere,
    unpriced,
)
from llmconfig.runtime.records import asdict


class Command(BaseCommand):
    """Calls `validation.findings` and tells what is broken."""

    help = (
        "Check each model that interaction types, nodes and arms of running experiments name,"
        " fallbacks included: an enabled provider must serve it whose key can be read, and must"
        " list it as far as its models are known. Exit 1 if not. Calls nobody."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="Print the findings as JSON.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Check; raises CommandError that counts what is broken."""
        state = snapshot.current()
        found = [*findings(state), *arm_findings(state)]
        without_price = unpriced(state)
        enabled = bool(state.processing.get("enabled", False))
        broken = [each for each in found if not each.valid]
        if options["json"]:
            body = {
                "valid": not broken,
                "enabled": enabled,
                "findings": [asdict(each) | {"valid": each.valid} for each in found],
                "unpriced": without_price,
                "traced_nowhere": traced_nowhere(state),
            }
            self.stdout.write(json.dumps(body, indent=2))
        else:
            self._tell(found, without_price, enabled=enabled)
        if broken:
            raise CommandError(f"{len(broken)} of {len(found)} can't be served as configured.")

    def _tell(
        self, found: list[ValidationResult], without_price: list[str], *, enabled: bool
    ) -> None:
        for each in found:
            served = each.target or "nothing can serve it"
            listed = next((f" ({m.listing})" for m in each.models if each.target in m.targets), "")
            self.stdout.write(f"{each.kind} {each.name}: {served}{listed}")
            for model in each.models[1:]:
                self.stdout.write(f"  {model.role} {model.reference}: {model.listing}")
            for text in dict.fromkeys((*each.problems, *each.warnings)):
                self.stdout.write(f"  {text}")
        for name in without_price:
            self.stdout.write(f"Note: the price of {name} is unknown, so no budget can count it.")
        if nowhere := ", ".join(traced_nowhere(snapshot.current())):
            self.stdout.write(f"Note: nothing is traced of {nowhere}: set LLM_TRACING_ENDPOINT.")
        if not enabled:
            self.stdout.write("Note: all LLM calls are switched off in the processing settings.")
