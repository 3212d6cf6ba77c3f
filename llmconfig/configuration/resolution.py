"""Which provider, model and parameters serve a call, and which layer each value came from.

The layers, most specific first, are walked field by field (design, part 4). From a snapshot this
costs no query.
"""

import logging
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from difflib import get_close_matches
from functools import lru_cache
from itertools import groupby
from typing import Any

from llmconfig import project_settings, provider_types
from llmconfig.configuration import experiments, references, retirement
from llmconfig.configuration.references import Candidate
from llmconfig.configuration.snapshot import ArmFacts, Choice, NodeFacts, ProviderFacts, Snapshot
from llmconfig.errors import CallsDisabled, NoTarget, UnknownNode
from llmconfig.models import InteractionType
from llmconfig.provider_types.contract import ProviderType

logger = logging.getLogger(__name__)

CALLER = "caller"
USER_NODE = "user's choice for the node"
USER_TYPE = "user's choice for the interaction type"
EXPERIMENT = "experiment"
NODE = "node"
INTERACTION = "interaction type"
PROCESSING = "processing settings"
DEFAULT_MODEL = "LLM_DEFAULT_MODEL"
ENVIRONMENT = "environment"

TASK_MODELS = {
    InteractionType.TAGGER: "model_tagger",
    InteractionType.ENRICHER: "model_enricher",
    InteractionType.ANALYTICS: "model_analytics",
    InteractionType.RESPONDER: "model_responder",
}
# The last resort: the key in the environment, and a model by what the call is for.
STRONG_TYPES = frozenset({InteractionType.REASONING, InteractionType.PLANNING})
# Where the node stands in the order of the layers.
NODE_AT = 4
# Where the processing settings do; their backup is the last fallback.
PROCESSING_AT = 6
FIELDS = ("model", "provider", "temperature", "max_tokens", "fallbacks")
# Resolutions kept with one snapshot; callers can give any number of different values.
MAX_REMEMBERED = 10_000


@dataclass(frozen=True, slots=True)
class LayerValue:
    """What one layer holds for a field; None or blank is nothing."""

    layer: str
    value: Any


@dataclass(frozen=True, slots=True)
class Target:
    """One (provider, model, parameters) to try. `dropped` names what the model doesn't take."""

    candidate: Candidate
    temperature: float | None
    max_tokens: int | None
    dropped: tuple[str, ...]

    @property
    def provider(self) -> ProviderFacts:
        """Who is asked."""
        return self.candidate.provider

    @property
    def model_id(self) -> str:
        """For what."""
        return self.candidate.model_id


@dataclass(frozen=True, slots=True)
class Resolution:
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
        return next((each for each in self.layers[field_name] if not _blank(each.value)), None)


@dataclass(frozen=True, slots=True)
class _Resolved:
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


@dataclass(frozen=True, slots=True)
class _Asked:
    """What is to be resolved: the name, for whom, and what the caller gave."""

    name: str
    user_id: int | None
    given: Mapping[str, Any]
    experiment: str
    arm: ArmFacts | None
    beside: str


def resolve(
    name: str,
    *,
    snapshot: Snapshot,
    user_id: int | None = None,
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
    if not snapshot.processing.get("enabled", False):
        raise CallsDisabled(
            "All LLM calls are switched off. Turn on “enabled” in the processing settings, or run"
            " `manage.py seed_llm_config --enable`."
        )
    asked = _asked(name, snapshot, user_id, given or {}, experiment_key, shadow=shadow)
    arm_id = asked.arm and asked.arm.id
    key = (name, user_id, arm_id, asked.beside, *sorted(asked.given.items()))
    try:
        held: _Resolved | None = snapshot.memo.get(key)
    except TypeError:  # a list among the caller's values: work it out each time
        return _resolve(asked, snapshot).drawn()
    if held is None:
        held = _resolve(asked, snapshot)
        for text in held.resolution.warnings:
            _warn(snapshot.revision, name, text)
        if len(snapshot.memo) < MAX_REMEMBERED:
            snapshot.memo[key] = held
    return held.drawn()


@lru_cache(maxsize=1000)  # once for each revision, not for each call
def _warn(_revision: int, name: str, text: str) -> None:
    logger.warning("%s: %s", name, text)


def explain(
    name: str,
    *,
    snapshot: Snapshot,
    user_id: int | None = None,
    given: Mapping[str, Any] | None = None,
    experiment_key: str = "",
) -> Resolution:
    """The same, but also while calls are switched off and when no target is left."""
    asked = _asked(name, snapshot, user_id, given or {}, experiment_key)
    return _resolve(asked, snapshot, strict=False).drawn()


def _asked(
    name: str,
    snapshot: Snapshot,
    user_id: int | None,
    given: Mapping[str, Any],
    experiment_key: str,
    *,
    shadow: bool = False,
) -> _Asked:
    running = snapshot.experiments.get(name) if experiment_key else None
    if running is None:
        return _Asked(name, user_id, given, "", None, "")
    drawn = experiments.arm_of(running, experiment_key)
    if not running.shadow or shadow or drawn is None or drawn is running.control:
        return _Asked(name, user_id, given, running.name, drawn, "")
    return _Asked(name, user_id, given, running.name, running.control, drawn.name)


def _resolve(asked: _Asked, snapshot: Snapshot, *, strict: bool = True) -> "_Resolved":
    name, given = asked.name, asked.given
    node = snapshot.nodes.get(name)
    interaction = node.interaction_type if node else name
    if node is None and name not in InteractionType.values:
        interaction = _reference_as_name(name, snapshot)
        given = {"model": name, **given}
    stack = _stack(node, interaction, snapshot, replace(asked, given=given))
    layers = {
        each: tuple(LayerValue(layer, getattr(choice, each)) for layer, choice in stack)
        for each in FIELDS
    }
    candidates, warnings, equals = _candidates(
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
        f"{model.provider}/{model.model_id} {retirement.describe(model.retires_at)}: choose another"
        " model in time."
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
        hint = f" Did you mean {' or '.join(near)}?" if near else ""
        raise UnknownNode(
            f"{name!r} is no node, interaction type or listed model.{hint}"
            " Nodes come from the nodes file (sync_llm_config) or the admin."
        )
    if model is not None and model.kind == "embedding":
        return InteractionType.EMBEDDINGS
    return ""


def _stack(
    node: NodeFacts | None, interaction: str, snapshot: Snapshot, asked: _Asked
) -> list[tuple[str, Choice]]:
    """Every layer's choice, most specific first."""
    nothing = Choice()
    choices, user, given = snapshot.user_choices, asked.user_id, asked.given
    by_node = choices.get((user, f"node:{node.name}"), nothing) if user and node else nothing
    by_type = choices.get((user, f"type:{interaction}"), nothing) if user else nothing
    arm = asked.arm
    return [
        (CALLER, Choice(**{**given, "fallbacks": tuple(given.get("fallbacks", ()))})),
        (USER_NODE, by_node),
        (USER_TYPE, by_type),
        (f"{EXPERIMENT} {asked.experiment}, arm {arm.name}", arm.choice)
        if arm
        else (EXPERIMENT, nothing),
        (NODE, node.choice if node else nothing),
        (INTERACTION, snapshot.interactions.get(interaction, nothing)),
        (PROCESSING, _processing(interaction, snapshot)),
        (DEFAULT_MODEL, Choice(model=_default_model(interaction, snapshot))),
    ]


def _processing(interaction: str, snapshot: Snapshot) -> Choice:
    """The processing settings: their provider with the task's model, and their backup."""
    row = snapshot.processing
    column = TASK_MODELS.get(interaction, "")  # type: ignore[call-overload]  # a str is its own enum
    task_model = row.get(column) or ""
    if interaction == InteractionType.RESPONDER and not task_model:
        task_model = row.get("model_enricher") or ""
    provider = row.get("provider_id", "")
    backup, backup_model = row.get("backup_provider_id"), row.get("backup_model")
    fallbacks: tuple[str, ...] = ()
    if backup and backup_model:
        bound = references.bound_in_settings(backup_model, backup, snapshot)
        reference = backup_model.removeprefix(f"{backup}/")
        fallbacks = (f"{bound}/{reference}" if bound else backup_model,)
    return Choice(
        model=task_model,
        provider=references.bound_in_settings(task_model, provider, snapshot) if task_model else "",
        fallbacks=fallbacks,
    )


def _default_model(interaction: str, snapshot: Snapshot) -> str:
    """LLM_DEFAULT_MODEL; its built-in default only for chats, and while a provider serves it."""
    model = str(snapshot.setting(DEFAULT_MODEL))
    if project_settings.process_values().get(DEFAULT_MODEL):
        return model
    served = interaction != InteractionType.EMBEDDINGS and model in snapshot.listed
    return model if served else ""


def _with_environment(
    layers: Mapping[str, tuple[LayerValue, ...]], interaction: str
) -> Mapping[str, tuple[LayerValue, ...]]:
    """The layers as they are told, with what the environment would give."""
    held = _environment(interaction)
    values = {"model": held[1], "provider": held[0].name} if held else {}
    return {
        each: (*told, LayerValue(ENVIRONMENT, values.get(each))) for each, told in layers.items()
    }


@dataclass(frozen=True, slots=True)
class _Wanted:
    """A model reference to read. `azure` says that the node's model for Azure may replace it."""

    reference: str
    bound_to: str
    azure: bool


def _wanted(layers: Mapping[str, tuple[LayerValue, ...]]) -> list[_Wanted]:
    """The model, then the fallbacks, and the processing settings' backup last."""
    wanted = []
    model_layer, provider_layer = _first(layers["model"]), _first(layers["provider"])
    if model_layer is not None:
        # A provider binds the model of its own layer and of less specific ones only.
        bound_to = ""
        if provider_layer is not None and provider_layer <= model_layer:
            bound_to = layers["provider"][provider_layer].value
        wanted.append(
            _Wanted(
                layers["model"][model_layer].value,
                bound_to,
                model_layer >= NODE_AT,
            )
        )
    fallback_layer = _first(layers["fallbacks"])
    if fallback_layer is not None:
        azure = fallback_layer >= NODE_AT
        wanted += [_Wanted(each, "", azure) for each in layers["fallbacks"][fallback_layer].value]
    wanted += [_Wanted(each, "", azure=True) for each in layers["fallbacks"][PROCESSING_AT].value]
    return wanted


def _candidates(
    snapshot: Snapshot,
    layers: Mapping[str, tuple[LayerValue, ...]],
    interaction: str,
    azure_model: str,
) -> tuple[list[Candidate], list[str], list[slice]]:
    """The first model's candidates, then those of the fallbacks, each target once.

    Then the warnings, and where candidates stand that are equal but for their weight.
    """
    found: dict[tuple[str, str], Candidate] = {}
    warnings: list[str] = []
    equals: list[slice] = []
    default_provider = str(snapshot.processing.get("provider_id", ""))
    for wanted in _wanted(layers):
        reading = references.read(
            wanted.reference,
            snapshot,
            bound_to=wanted.bound_to,
            default_provider=default_provider,
        )
        before = len(found)
        if reading.warning and reading.warning not in warnings:
            warnings.append(reading.warning)
        for each in reading.candidates:
            candidate = each
            if azure_model and wanted.azure and _on_azure(each):
                listed = snapshot.models.get((each.provider.name, azure_model))
                candidate = Candidate(each.provider, azure_model, listed)
            found.setdefault((candidate.provider.name, candidate.model_id), candidate)
        if reading.spread:
            equals += _equals(list(found.values()), before)
    if not found:
        found |= _from_environment(interaction, warnings)
    return list(found.values()), warnings, equals


def _equals(candidates: list[Candidate], start: int) -> list[slice]:
    """The runs of equal priority from a position on, where there is something to choose."""
    runs = []
    for _, group in groupby(candidates[start:], key=lambda each: each.provider.priority):
        end = start + len(list(group))
        if end - start > 1:
            runs.append(slice(start, end))
        start = end
    return runs


def _on_azure(candidate: Candidate) -> bool:
    return provider_types.get(candidate.provider.provider_type).takes_azure_values


def _environment(interaction: str) -> tuple[ProviderType, str] | None:
    """The kind of provider whose key the environment holds, and the model to ask it for."""
    model = "gpt-4o" if interaction in STRONG_TYPES else "gpt-4o-mini"
    if interaction == InteractionType.EMBEDDINGS:
        model = "text-embedding-3-small"
    for kind in provider_types.known():
        if kind.last_resort is not None and os.environ.get(kind.key_variable):
            return kind, kind.last_resort + model
    return None


def _from_environment(interaction: str, warnings: list[str]) -> dict[tuple[str, str], Candidate]:
    """The last resort, the environment; only when the tables give no usable target."""
    found = _environment(interaction)
    if found is None:
        return {}
    kind, model = found
    warnings.append(
        f"No configured provider can serve this; using {kind.key_variable} with {model}."
    )
    provider = ProviderFacts(
        name=kind.name,
        provider_type=kind.name,
        base_url=kind.base_url,
        api_key="",
        key_place="",
        secret_ref=f"env:{kind.key_variable}",
        api_version="",
        timeout_seconds=kind.timeout_s,
        priority=100,
        weight=1,
        is_enabled=True,
    )
    return {("", model): Candidate(provider, model, None)}


def _target(
    candidate: Candidate, node: NodeFacts | None, stack: list[tuple[str, Choice]]
) -> Target:
    """Parameters for one candidate: Azure's own values, and nothing that the model can't take."""
    azure = node.azure if node and _on_azure(candidate) else None
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


def _first(values: tuple[LayerValue, ...]) -> int | None:
    return next((index for index, each in enumerate(values) if not _blank(each.value)), None)


def _blank(value: Any) -> bool:
    return value is None or value in ("", ())


def _why_no_target(name: str, warnings: list[str]) -> str:
    reasons = " ".join(warnings) or "Nothing names a model for it."
    return (
        f"No provider can serve {name!r}. {reasons} Enable a provider that lists the model, or"
        " change the model of the node or its interaction type."
    )
