"""Which provider, model and parameters serve a call, and which layer each value came from.

The layers, most specific first, are walked field by field (design, part 4). From a snapshot this
costs no query.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from llmconfig import references
from llmconfig.errors import CallsDisabled, NoTarget, UnknownNode
from llmconfig.models import InteractionType, ProviderType
from llmconfig.models.providers import DEFAULT_BASE_URLS
from llmconfig.references import Candidate
from llmconfig.snapshot import Choice, NodeFacts, ProviderFacts, Snapshot

CALLER = "caller"
USER_NODE = "user's choice for the node"
USER_TYPE = "user's choice for the interaction type"
NODE = "node"
INTERACTION = "interaction type"
PROCESSING = "processing settings"
ENVIRONMENT = "environment"

TASK_MODELS = {
    InteractionType.TAGGER: "model_tagger",
    InteractionType.ENRICHER: "model_enricher",
    InteractionType.ANALYTICS: "model_analytics",
    InteractionType.RESPONDER: "model_responder",
}
# Seed 2's last resort: the key in the environment, and a model by what the call is for.
STRONG_TYPES = frozenset({InteractionType.REASONING, InteractionType.PLANNING})
ENVIRONMENT_KEYS = (
    ("OPENAI_API_KEY", ProviderType.OPENAI, ""),
    ("OPENROUTER_API_KEY", ProviderType.OPENROUTER, "openai/"),
)
FIELDS = ("model", "provider", "temperature", "max_tokens", "fallbacks")


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

    def winner(self, field_name: str) -> LayerValue | None:
        """The layer that decided a field, None when all are blank."""
        return next((each for each in self.layers[field_name] if not _blank(each.value)), None)


def resolve(
    name: str,
    *,
    snapshot: Snapshot,
    user_id: int | None = None,
    given: Mapping[str, Any] | None = None,
) -> Resolution:
    """Targets for a node, an interaction type or a model reference.

    Raises CallsDisabled when the master switch is off, UnknownNode, and NoTarget when no enabled
    provider can serve it.
    """
    if not snapshot.processing.get("enabled", False):
        raise CallsDisabled(
            "All LLM calls are switched off. Turn on “enabled” in the processing settings, or run"
            " `manage.py seed_llm_config --enable`."
        )
    key = (name, user_id, *sorted(given.items())) if given else (name, user_id)
    try:
        held: Resolution | None = snapshot.memo.get(key)
    except TypeError:  # a list among the caller's values: work it out each time
        return _resolve(name, snapshot, user_id, given or {})[0]
    if held is not None:
        return held
    resolution, spread = _resolve(name, snapshot, user_id, given or {})
    if not spread:
        snapshot.memo[key] = resolution
    return resolution


def explain(
    name: str,
    *,
    snapshot: Snapshot,
    user_id: int | None = None,
    given: Mapping[str, Any] | None = None,
) -> Resolution:
    """The same, but also while calls are switched off and when no target is left."""
    return _resolve(name, snapshot, user_id, given or {}, strict=False)[0]


def _resolve(
    name: str,
    snapshot: Snapshot,
    user_id: int | None,
    given: Mapping[str, Any],
    *,
    strict: bool = True,
) -> tuple[Resolution, bool]:
    node = snapshot.nodes.get(name)
    interaction = node.interaction_type if node else name
    if node is None and name not in InteractionType.values:
        interaction = _reference_as_name(name, snapshot)
        given = {"model": name, **given}
    stack = _stack(node, interaction, snapshot, user_id, given)
    layers = {
        each: tuple(LayerValue(layer, getattr(choice, each)) for layer, choice in stack)
        for each in FIELDS
    }
    candidates, warnings, spread = _candidates(snapshot, layers, interaction)
    targets = tuple(_target(candidate, node, stack, snapshot) for candidate in candidates)
    if not targets and strict:
        raise NoTarget(_why_no_target(name, warnings))
    resolution = Resolution(
        name=name,
        interaction_type=interaction,
        targets=targets,
        layers=layers,
        warnings=tuple(warnings),
        tracing=node.tracing if node else False,
        revision=snapshot.revision,
    )
    return resolution, spread


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
    node: NodeFacts | None,
    interaction: str,
    snapshot: Snapshot,
    user_id: int | None,
    given: Mapping[str, Any],
) -> list[tuple[str, Choice]]:
    """Every layer's choice, most specific first."""
    nothing = Choice()
    choices = snapshot.user_choices
    by_node = choices.get((user_id, f"node:{node.name}"), nothing) if user_id and node else nothing
    by_type = choices.get((user_id, f"type:{interaction}"), nothing) if user_id else nothing
    caller = Choice(**{**given, "fallbacks": tuple(given.get("fallbacks", ()))})
    return [
        (CALLER, caller),
        (USER_NODE, by_node),
        (USER_TYPE, by_type),
        (NODE, node.choice if node else nothing),
        (INTERACTION, snapshot.interactions.get(interaction, nothing)),
        (PROCESSING, _processing(interaction, snapshot)),
    ]


def _processing(interaction: str, snapshot: Snapshot) -> Choice:
    """Seed 0's row: its provider with the task's model, else LLM_DEFAULT_MODEL."""
    row = snapshot.processing
    column = TASK_MODELS.get(interaction, "")  # type: ignore[call-overload]  # a str is its own enum
    task_model = row.get(column) or ""
    if interaction == InteractionType.RESPONDER and not task_model:
        task_model = row.get("model_enricher") or ""
    provider = row.get("provider_id", "")
    backup, backup_model = row.get("backup_provider_id"), row.get("backup_model")
    return Choice(
        model=task_model or snapshot.setting("LLM_DEFAULT_MODEL"),
        provider=provider if task_model else "",
        fallbacks=(f"{backup}/{backup_model}",) if backup and backup_model else (),
    )


def _candidates(
    snapshot: Snapshot, layers: Mapping[str, tuple[LayerValue, ...]], interaction: str
) -> tuple[list[Candidate], list[str], bool]:
    """The first model's candidates, then those of the fallbacks, each target once."""
    model_layer = _first(layers["model"])
    provider_layer = _first(layers["provider"])
    bound_to = ""
    if provider_layer is not None and (model_layer is None or provider_layer <= model_layer):
        # A provider binds the model of its own layer and of less specific ones only.
        bound_to = layers["provider"][provider_layer].value
    wanted = [(layers["model"][model_layer].value, bound_to)] if model_layer is not None else []
    fallback_layer = _first(layers["fallbacks"])
    if fallback_layer is not None:
        wanted += [(each, "") for each in layers["fallbacks"][fallback_layer].value]
    wanted += [(each, "") for each in layers["fallbacks"][-1].value]  # the backup comes last
    found: dict[tuple[str, str], Candidate] = {}
    warnings: list[str] = []
    spread = False
    default_provider = str(snapshot.processing.get("provider_id", ""))
    for reference, provider in wanted:
        reading = references.read(
            reference, snapshot, bound_to=provider, default_provider=default_provider
        )
        spread = spread or reading.spread
        if reading.warning and reading.warning not in warnings:
            warnings.append(reading.warning)
        for candidate in reading.candidates:
            found.setdefault((candidate.provider.name, candidate.model_id), candidate)
    if not found:
        found |= _from_environment(interaction, warnings)
    return list(found.values()), warnings, spread


def _from_environment(interaction: str, warnings: list[str]) -> dict[tuple[str, str], Candidate]:
    """Seed 2's last resort; only when the tables give no usable target."""
    model = "gpt-4o" if interaction in STRONG_TYPES else "gpt-4o-mini"
    for variable, provider_type, prefix in ENVIRONMENT_KEYS:
        if os.environ.get(variable):
            warnings.append(
                f"No configured provider can serve this; using {variable} with {model}."
            )
            provider = ProviderFacts(
                name=provider_type.value,
                provider_type=provider_type.value,
                base_url=DEFAULT_BASE_URLS[provider_type],
                api_key="",
                key_place="",
                secret_ref=f"env:{variable}",
                api_version="",
                timeout_seconds=30.0,
                priority=100,
                weight=1,
                is_enabled=True,
            )
            return {("", model): Candidate(provider, prefix + model, None)}
    return {}


def _target(
    candidate: Candidate,
    node: NodeFacts | None,
    stack: list[tuple[str, Choice]],
    snapshot: Snapshot,
) -> Target:
    """Parameters for one candidate: Azure's own values, and nothing that the model can't take."""
    on_azure = candidate.provider.provider_type == ProviderType.AZURE_OPENAI
    azure = node.azure if node and on_azure else None
    temperature = _parameter("temperature", stack, azure)
    max_tokens = _parameter("max_tokens", stack, azure)
    if azure and azure.model:
        listed = snapshot.models.get((candidate.provider.name, azure.model))
        candidate = Candidate(candidate.provider, azure.model, listed)
    dropped = []
    model = candidate.model
    if model is not None:
        if temperature is not None and not model.supports_temperature:
            temperature = None
            dropped.append("temperature")
        if max_tokens and model.max_output_tokens and max_tokens > model.max_output_tokens:
            max_tokens = model.max_output_tokens
            dropped.append(f"max_tokens above {model.max_output_tokens}")
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
