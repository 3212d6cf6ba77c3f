"""Whether the configuration can serve every interaction type and node, without calling anybody."""

import datetime as dt
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from msgspec import Struct

from llmconfig import project_settings
from llmconfig.client.credentials import provider_keys
from llmconfig.configuration import listing, prices, snapshot
from llmconfig.configuration.facts import ProviderFacts
from llmconfig.configuration.resolution import explain
from llmconfig.configuration.snapshot import Snapshot
from llmconfig.diagnostics.named_models import AllowedRows, Listing, NamedModel, named_models
from llmconfig.errors import SecretUnreadable, UnknownNode
from llmconfig.models import InteractionType

# By the kind of a finding, with its name in the braces.
_SUBJECTS = {
    "node": _("node {name}"),
    "interaction type": _("interaction type {name}"),
    "arm": _("experiment {name}"),
}


class ValidationResult(Struct, frozen=True):
    """One interaction type, node or arm. `target` is the first one that can be called.

    `models` are all that it names, each judged in turn; `problems` what keeps any from being used.
    """

    name: str
    kind: str  # "interaction type", "node" or "arm"
    target: str
    problems: tuple[str, ...]
    warnings: tuple[str, ...]
    models: tuple[NamedModel, ...] = ()

    @property
    def subject(self) -> str:
        """What it is about, in the reader's language."""
        return _SUBJECTS[self.kind].format(name=self.name)

    @property
    def valid(self) -> bool:
        """Whether every model that it names can be called, as far as is known."""
        return bool(self.target) and not self.problems


class ConfigurationReport(Struct, frozen=True):
    """What `llm_validate` would say; it is true where every call can be served."""

    enabled: bool
    findings: tuple[ValidationResult, ...]

    @property
    def problems(self) -> list[str]:
        """A sentence for each thing that keeps calls from being served as configured."""
        off = gettext("All LLM calls are switched off in the processing settings.")
        unserved = gettext("nothing can serve it.")
        return [off] * (not self.enabled) + [
            f"{each.subject}: {' '.join(each.problems) or unserved}"
            for each in self.findings
            if not each.valid
        ]

    def __bool__(self) -> bool:
        return not self.problems


def validate_config() -> ConfigurationReport:
    """Whether calls are on and each node, interaction type and arm can be served; calls nobody."""
    state = snapshot.current()
    return ConfigurationReport(state.allows_calls, (*findings(state), *arm_findings(state)))


def findings(state: Snapshot) -> list[ValidationResult]:
    """Every interaction type, then every node, each resolved as a call would be."""
    known = _known(state)
    return [_finding(name, kind, state, known) for name, kind in _names(state)]


def arm_findings(state: Snapshot) -> list[ValidationResult]:
    """Every arm of a running experiment, resolved with what it overrides."""
    known = _known(state)
    found = []
    for node, experiment in sorted(state.experiments.items()):
        for arm in experiment.arms:
            asked = {"model": arm.choice.model, "provider": arm.choice.provider}
            given = {name: value for name, value in asked.items() if value}
            name = f"{experiment.name}, arm {arm.name}"
            found.append(
                _finding(node, "arm", state, known, given=given, shown=name, arm_id=arm.id)
            )
    return found


def unpriced(state: Snapshot) -> list[str]:
    """Targets in use whose price is unknown: no budget can count them."""
    now = dt.datetime.now(dt.UTC)
    found: dict[str, None] = {}
    for name, _kind in _names(state):
        for target in explain(name, snapshot=state).targets:
            model = target.candidate.model
            price = prices.price_at(model.prices, now) if model is not None else None
            if price is None or price.input is None:
                found[f"{target.provider.name}/{target.model_id}"] = None
    return list(found)


def traced_nowhere(state: Snapshot) -> list[str]:
    """The nodes that are traced although no address is set that traces could go to."""
    if project_settings.tracing_endpoint():
        return []
    return sorted(node.name for node in state.nodes.values() if node.tracing)


def key_problem(provider: ProviderFacts) -> str:
    """Why a provider's key can't be read, blank when it can; no part of the key is in it."""
    try:
        provider_keys.read(provider)
    except SecretUnreadable as error:
        return str(error)
    return ""


class _Known(Struct, frozen=True):
    """Why providers' keys can't be read, by name, and which rows allow unlisted models."""

    key_problems: Mapping[str, str]
    allowed: AllowedRows


def _known(state: Snapshot) -> _Known:
    return _Known(
        {name: key_problem(each) for name, each in state.providers.items()},
        cache(listing.rows_that_allow_unlisted),
    )


def _names(state: Snapshot) -> Iterator[tuple[str, str]]:
    for interaction in InteractionType.values:
        yield interaction, "interaction type"
    for node in sorted(state.nodes):
        yield node, "node"


def _finding(
    name: str,
    kind: str,
    state: Snapshot,
    known: _Known,
    *,
    given: Mapping[str, Any] | None = None,
    shown: str = "",
    arm_id: str = "",
) -> ValidationResult:
    """What a call by that name would find; `shown` is the name to tell, if another."""
    try:
        found = explain(name, snapshot=state, given=given)
    except UnknownNode as error:
        return ValidationResult(shown or name, kind, "", (str(error),), ())
    models = named_models(
        found, state, key_problems=known.key_problems, allowed=known.allowed, arm_id=arm_id
    )
    unlisted = [each for each in models if each.problem and each.listing == Listing.UNLISTED]
    unusable = {target for each in unlisted for target in each.targets}
    problems = [each.problem for each in models if each.problem]
    usable = ""
    for target in found.targets:
        # A provider from the environment is in no table; its key is there, or it were no target.
        named = f"{target.provider.name}/{target.model_id}"
        key_unread = known.key_problems.get(target.provider.name, "")
        if named not in unusable and not key_unread and not usable:
            usable = named
    if not found.targets:
        problems.append(gettext("No enabled provider can serve it."))
    warnings = tuple(each for each in found.warnings if each not in problems)
    return ValidationResult(
        shown or name, kind, usable, tuple(dict.fromkeys(problems)), warnings, tuple(models)
    )
