"""Whether the configuration can serve every interaction type and node, without calling anybody."""

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from llmconfig.client.credentials import provider_keys
from llmconfig.configuration import prices
from llmconfig.configuration.facts import ProviderFacts
from llmconfig.configuration.resolution import explain
from llmconfig.configuration.snapshot import Snapshot
from llmconfig.errors import SecretUnreadable, UnknownNode
from llmconfig.models import InteractionType


@dataclass(frozen=True, slots=True)
class ValidationResult:
    """One interaction type, node or arm. `target` is the first one whose key can be read."""

    name: str
    kind: str  # "interaction type", "node" or "arm"
    target: str
    problems: tuple[str, ...]
    warnings: tuple[str, ...]

    @property
    def valid(self) -> bool:
        """Whether some target can be called."""
        return bool(self.target)


def findings(state: Snapshot) -> list[ValidationResult]:
    """Every interaction type, then every node, each resolved as a call would be."""
    key_problems = {name: key_problem(each) for name, each in state.providers.items()}
    return [_finding(name, kind, state, key_problems) for name, kind in _names(state)]


def arm_findings(state: Snapshot) -> list[ValidationResult]:
    """Every arm of a running experiment, resolved with what it overrides."""
    key_problems = {name: key_problem(each) for name, each in state.providers.items()}
    found = []
    for node, experiment in sorted(state.experiments.items()):
        for arm in experiment.arms:
            asked = {"model": arm.choice.model, "provider": arm.choice.provider}
            given = {name: value for name, value in asked.items() if value}
            name = f"{experiment.name}, arm {arm.name}"
            found.append(_finding(node, "arm", state, key_problems, given=given, shown=name))
    return found


def unpriced(state: Snapshot) -> list[str]:
    """Targets in use whose price is unknown: no budget can count them."""
    now = dt.datetime.now(dt.UTC)
    found: dict[str, None] = {}
    for name, _ in _names(state):
        for target in explain(name, snapshot=state).targets:
            model = target.candidate.model
            price = prices.price_at(model.prices, now) if model is not None else None
            if price is None or price.input is None:
                found[f"{target.provider.name}/{target.model_id}"] = None
    return list(found)


def key_problem(provider: ProviderFacts) -> str:
    """Why a provider's key can't be read, blank when it can; no part of the key is in it."""
    try:
        provider_keys.read(provider)
    except SecretUnreadable as error:
        return str(error)
    return ""


def _names(state: Snapshot) -> Iterator[tuple[str, str]]:
    for interaction in InteractionType.values:
        yield interaction, "interaction type"
    for node in sorted(state.nodes):
        yield node, "node"


def _finding(
    name: str,
    kind: str,
    state: Snapshot,
    key_problems: dict[str, str],
    *,
    given: Mapping[str, Any] | None = None,
    shown: str = "",
) -> ValidationResult:
    """What a call by that name would find; `shown` is the name to tell, if another."""
    try:
        found = explain(name, snapshot=state, given=given)
    except UnknownNode as error:
        return ValidationResult(shown or name, kind, "", (str(error),), ())
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
    return ValidationResult(
        shown or name, kind, usable, tuple(dict.fromkeys(problems)), found.warnings
    )
