"""Asks an enrichment's gates of an answer: all of them, or those that it concerns."""

import logging
from collections.abc import Callable

from django.utils.translation import gettext_lazy as _

from enrichment.quality.findings import GateFinding, register_code
from enrichment.quality.gates.changes import NO_CHANGES
from enrichment.quality.gates.contract import OF_CHANGES, Checked, Gate

logger = logging.getLogger(__name__)

CHECK_FAILED = register_code("check_failed", _("A check failed itself"), of_answer=True)


def check_failed(name: str, error: Exception) -> GateFinding:
    """What is found of an answer that something of our own could not look at."""
    text = f"{name} could not check this answer ({type(error).__name__}), so a person has to."
    return GateFinding(CHECK_FAILED, text, {"check": name, "error": type(error).__name__})


class GateList:
    """Gates in their order; those of changes are asked only where there are some."""

    def __init__(self, gates: tuple[Gate, ...]) -> None:
        self.gates = gates
        self._of_all_texts = tuple(each for each in gates if each not in OF_CHANGES)

    def findings(self, checked: Checked) -> tuple[GateFinding, ...]:
        """What they have against an answer. One that raises is told as a finding of its own."""
        found: list[GateFinding] = []
        for gate in self._concerned(checked):
            try:
                finding = gate(checked)
            except Exception as error:
                name = _name(gate)
                logger.exception("The gate %s failed.", name)
                finding = check_failed(name, error)
            if finding is not None:
                found.append(finding)
        return tuple(found)

    def _concerned(self, checked: Checked) -> tuple[Gate, ...]:
        if len(self._of_all_texts) == len(self.gates):
            return self.gates
        try:
            return self._of_all_texts if checked.changes is NO_CHANGES else self.gates
        except Exception:  # noqa: BLE001 - each gate that compares raises it again, and is told by it
            return self.gates


def _name(gate: Callable[..., object]) -> str:
    return getattr(gate, "__qualname__", type(gate).__name__).partition(".")[0]
