"""Whether the configuration can serve every interaction type and node, without calling anybody."""

from collections.abc import Iterator
from dataclasses import dataclass

from llmconfig.client import keys
from llmconfig.errors import SecretUnreadable, UnknownNode
from llmconfig.models import InteractionType
from llmconfig.resolution import explain
from llmconfig.snapshot import ProviderFacts, Snapshot


@dataclass(frozen=True, slots=True)
class Finding:
    """One interaction type or node. `target` is the first one whose key can be read."""

    name: str
    kind: str  # "interaction type" or "node"
    target: str
    problems: tuple[str, ...]
    warnings: tuple[str, ...]

    @property
    def valid(self) -> bool:
        """Whether some target can be called."""
        return bool(self.target)


def findings(state: Snapshot) -> list[Finding]:
    """Every interaction type, then every node, each resolved as a call would be."""
    key_problems = {name: key_problem(each) for name, each in state.providers.items()}
    return [_finding(name, kind, state, key_problems) for name, kind in _names(state)]


def key_problem(provider: ProviderFacts) -> str:
    """Why a provider's key can't be read, blank when it can; no part of the key is in it."""
    try:
        keys.read(provider)
    except SecretUnreadable as error:
        return str(error)
    return ""


def _names(state: Snapshot) -> Iterator[tuple[str, str]]:
    for interaction in InteractionType.values:
        yield interaction, "interaction type"
    for node in sorted(state.nodes):
        yield node, "node"


def _finding(name: str, kind: str, state: Snapshot, key_problems: dict[str, str]) -> Finding:
    try:
        found = explain(name, snapshot=state)
    except UnknownNode as error:
        return Finding(name, kind, "", (str(error),), ())
    usable, problems = "", []
    for target in found.targets:
        # A provider from the environment is in no table; its key is there, or it were no target.
        problem = key_problems.get(target.provider.name, "")
        if problem:
            problems.append(problem)
        elif not usable:
            usable = f"{target.provider.name}/{target.model_id}"
    if not found.targets:
        problems.append("No enabled provider can serve it.")
    return Finding(name, kind, usable, tuple(dict.fromkeys(problems)), found.warnings)
