"""Which provider, model and parameters serve a call, and which layer each value came from.

The layers, most specific first, are walked field by field (design, part 4). From a snapshot this
costs no query.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import lru_cache
from typing import Any

from django.utils import translation
from django.utils.translation import gettext
from msgspec import Struct

from llmconfig.configuration import experiments, references, retirement
from llmconfig.configuration.candidates import candidates_of, environment_target, on_azure
from llmconfig.configuration.facts import Choice, NodeFacts, ProviderFacts, UserKey
from llmconfig.configuration.layers import (
    ENVIRONMENT,
    FIELDS,
    NODE,
    LayerValue,
    ResolutionRequest,
    is_blank,
    stacked_choices,
)
from llmconfig.configuration.references import Candidate
from llmconfig.configuration.snapshot import Snapshot
from llmconfig.errors import CallsDisabled, NoTarget, UnknownNode
from llmconfig.models import InteractionType
from llmconfig.runtime.records import replace

logger = logging.getLogger(__name__)
# Resolutions kept with one snapshot; callers can give any number of different values.
MAX_REMEMBERED = 10_000


@dataclass(frozen=True, slots=True)
class Target:
    """One (provider, model, parameters) to try. `dropped` names what the model doesn't take."""

    candidate: Candidate
    temperature: float | None
    max_tokens: int | None
    dropped: tuple[str, ...]
    # The candidate's, at hand for the sixteen times that a call asks for them.
    provider: ProviderFacts = field(init=False, repr=False, compare=False)
    model_id: str = field(init=False, repr=False, compare=False)  # in the provider's own words

    def __post_init__(self) -> None:
        object.__setattr__(self, "provider", self.candidate.provider)
        object.__setattr__(self, "model_id", self.candidate.model_id)


class Resolution(Struct, frozen=True):
    """The ordered targets of a call, and for each field every layer's value, winner first set."""

    name: str
    interaction_type: str
    targets: tuple[Target, ...]
    layers: Mapping[str, tuple[LayerValue, ...]]
    warnings: tuple[str, ...]
    tracing: bool
    revision: int
    experiment: str = ""
    arm: str = ""
    beside: str = ""  # the shadow arm that is to be asked as well

    def winner(self, field_name: str) -> LayerValue | None:
        """The layer that decided a field, None when all are blank."""
        return next((each for each in self.layers[field_name] if not is_blank(each.value)), None)


class _Resolved(Struct, frozen=True):
    """A resolution to be kept, and which of its targets change places from call to call."""

    resolution: Resolution
    equals: tuple[slice, ...]

    def drawn(self) -> Resolution:
        """With targets of equal priority in an order drawn by their weights."""
        if not self.equals:
            return self.resolution
        targets = list(self.resolution.targets)
        for run in self.equals:
            targets[run] = references.drawn(targets[run], lambda each: each.provider.weight)
        return replace(self.resolution, targets=tuple(targets))


def resolve(
    name: str,
    *,
    snapshot: Snapshot,
    user_id: UserKey | None = None,
    given: Mapping[str, Any] | None = None,
    experiment_key: str = "",
    shadow: bool = False,
) -> Resolution:
    """Targets for a node, an interaction type or a model reference.

    `experiment_key` decides the arm of a running experiment; blank, the node is as it is. With
    `shadow` it is the call of a shadow's arm that is resolved, not the one that is answered.
    Raises CallsDisabled when the master switch is off, UnknownNode, and NoTarget when no enabled
    provider can serve it.
    """
    if not snapshot.allows_calls:
        raise CallsDisabled(
            "All LLM calls are switched off. Turn on “enabled” in the processing settings, or run"
            " `manage.py seed_llm_config --enable`."
        )
    if not (shadow or name in snapshot.experiments):
        known = _known(snapshot, (name, user_id, None, "", *sorted(given.items() if given else ())))
        if known is not None:
            return known.drawn() if known.equals else known.resolution
    asked = _asked(name, snapshot, user_id, given or {}, experiment_key, shadow=shadow)
    arm_id = asked.arm and asked.arm.id
    key = (name, user_id, arm_id, asked.beside, *sorted(asked.given.items()))
    try:
        held: _Resolved | None = snapshot.memo.get(key)
    except TypeError:  # a list among the caller's values: work it out each time
        return _resolve(asked, snapshot).drawn()
    if held is None:
        with translation.override("en"):  # its warnings are kept, and logged
            held = _resolve(asked, snapshot)
        for text in held.resolution.warnings:
            _warn(snapshot.revision, name, text)
        if len(snapshot.memo) < MAX_REMEMBERED:
            snapshot.memo[key] = held
    return held.drawn()


def _known(snapshot: Snapshot, key: tuple[Any, ...]) -> _Resolved | None:
    """What was worked out before; nothing for a list among the caller's values."""
    try:
        found: _Resolved | None = snapshot.memo.get(key)
    except TypeError:
        return None
    return found


@lru_cache(maxsize=1000)  # once for each revision, not for each call
def _warn(_revision: int, name: str, text: str) -> None:
    logger.warning("%s: %s", name, text)


def explain(
    name: str,
    *,
    snapshot: Snapshot,
    user_id: UserKey | None = None,
    given: Mapping[str, Any] | None = None,
    experiment_key: str = "",
) -> Resolution:
    """The same, but also while calls are switched off and when no target is left."""
    asked = _asked(name, snapshot, user_id, given or {}, experiment_key)
    return _resolve(asked, snapshot, strict=False).drawn()


def _asked(
    name: str,
    snapshot: Snapshot,
    user_id: UserKey | None,
    given: Mapping[str, Any],
    experiment_key: str,
    *,
    shadow: bool = False,
) -> ResolutionRequest:
    running = snapshot.experiments.get(name) if experiment_key else None
    if running is None:
        return ResolutionRequest(name, user_id, given, "", None, "")
    drawn = experiments.arm_of(running, experiment_key)
    if not running.shadow or shadow or drawn is None or drawn is running.control:
        return ResolutionRequest(name, user_id, given, running.name, drawn, "")
    return ResolutionRequest(name, user_id, given, running.name, running.control, drawn.name)


def _resolve(asked: ResolutionRequest, snapshot: Snapshot, *, strict: bool = True) -> "_Resolved":
    name, given = asked.name, asked.given
    node = snapshot.nodes.get(name)
    interaction = node.interaction_type if node else name
    if node is None and name not in InteractionType.values:
        interaction = _reference_as_name(name, snapshot)
        given = {"model": name, **given}
    stack = stacked_choices(node, interaction, snapshot, replace(asked, given=given))
    layers = {
        each: tuple(LayerValue(layer, getattr(choice, each)) for layer, choice in stack)
        for each in FIELDS
    }
    candidates, warnings, equals = candidates_of(
        snapshot, layers, interaction, node.azure.model if node else ""
    )
    targets = tuple(_target(candidate, node, stack) for candidate in candidates)
    if not targets and strict:
        raise NoTarget(_why_no_target(name, warnings))
    if not strict:
        warnings += _retirements(targets)
    resolution = Resolution(
        name=name,
        interaction_type=interaction,
        targets=targets,
        layers=_with_environment(layers, interaction),
        warnings=tuple(warnings),
        tracing=node.tracing if node else False,
        revision=snapshot.revision,
        experiment=asked.experiment if asked.arm else "",
        arm=asked.arm.name if asked.arm else "",
        beside=asked.beside,
    )
    return _Resolved(resolution, tuple(equals))


def _retirements(targets: tuple[Target, ...]) -> list[str]:
    """A warning for each target that its provider stops serving soon."""
    models = [each.candidate.model for each in targets]
    return [
        gettext("{model} {retires}: choose another model in time.").format(
            model=f"{model.provider}/{model.model_id}",
            retires=retirement.describe(model.retires_at),
        )
        for model in models
        if model is not None and retirement.is_near(model.retires_at)
    ]


def _reference_as_name(name: str, snapshot: Snapshot) -> str:
    """The interaction type under which a model reference is called directly."""
    prefix, _, rest = name.partition("/")
    model = snapshot.models.get((prefix, rest)) or next(iter(snapshot.listed.get(name, ())), None)
    if model is None and not name.startswith(references.TIER_PREFIX):
        known = [*snapshot.nodes, *InteractionType.values]
        near = get_close_matches(name, known, n=3)
        sentences = [
            gettext("{name!r} is no node, interaction type or listed model.").format(name=name),
            gettext("Did you mean {names}?").format(names=", ".join(near)) if near else "",
            gettext("Nodes come from the nodes file (sync_llm_config) or the admin."),
        ]
        raise UnknownNode(" ".join(filter(None, sentences)))
    if model is not None and model.kind == "embedding":
        return InteractionType.EMBEDDINGS
    return ""


def _with_environment(
    layers: Mapping[str, tuple[LayerValue, ...]], interaction: str
) -> Mapping[str, tuple[LayerValue, ...]]:
    """The layers as they are told, with what the environment would give."""
    held = environment_target(interaction)
    values = {"model": held[1], "provider": held[0].name} if held else {}
    return {
        each: (*told, LayerValue(ENVIRONMENT, values.get(each))) for each, told in layers.items()
    }


def _target(
    candidate: Candidate, node: NodeFacts | None, stack: list[tuple[str, Choice]]
) -> Target:
    """Parameters for one candidate: Azure's own values, and nothing that the model can't take."""
    azure = node.azure if node and on_azure(candidate) else None
    temperature = _parameter("temperature", stack, azure)
    max_tokens = _parameter("max_tokens", stack, azure)
    dropped = []
    model = candidate.model
    if model is not None:
        if temperature is not None and not model.supports_temperature:
            temperature = None
            dropped.append("temperature")
        # No answer is longer than the window that it shares with its prompt; servers refuse to try.
        bounds = filter(None, (model.max_output_tokens, model.context_window))
        most = min(bounds, default=None)
        if max_tokens and most and max_tokens > most:
            max_tokens = most
            dropped.append(f"max_tokens above {most}")
    return Target(candidate, temperature, max_tokens, tuple(dropped))


def _parameter(name: str, stack: list[tuple[str, Choice]], azure: Choice | None) -> Any:
    """The first layer that says something; at the node's layer Azure's value goes first."""
    for layer, choice in stack:
        if layer == NODE and azure is not None and getattr(azure, name) is not None:
            return getattr(azure, name)
        value = getattr(choice, name)
        if value is not None:
            return value
    return None


def _why_no_target(name: str, warnings: list[str]) -> str:
    reasons = " ".join(warnings) or gettext("Nothing names a model for it.")
    return gettext(
        "No provider can serve {name!r}. {reasons} Enable a provider that lists the model, or"
        " change the model of the node or its interaction type."
    ).format(name=name, reasons=reasons)
