"""The providers and models that can serve a call, in the order to try them."""

from collections.abc import Mapping
from itertools import groupby

from django.utils.translation import gettext
from msgspec import Struct

from llmconfig import provider_types
from llmconfig.configuration import references
from llmconfig.configuration.facts import ProviderFacts
from llmconfig.configuration.layers import NODE_AT, PROCESSING_AT, LayerValue, first_set
from llmconfig.configuration.references import Candidate, Reading
from llmconfig.configuration.snapshot import Snapshot
from llmconfig.models import InteractionType
from llmconfig.provider_types.contract import ProviderType
from llmconfig.runtime.records import replace

# The last resort: the key in the environment, and a model by what the call is for.
STRONG_TYPES = frozenset({InteractionType.REASONING, InteractionType.PLANNING})


class WantedModel(Struct, frozen=True):
    """A model reference to read, and the layer that names it.

    `azure` says that the node's model for Azure may replace it.
    """

    reference: str
    bound_to: str
    azure: bool
    layer: str
    is_fallback: bool = True


def wanted_models(layers: Mapping[str, tuple[LayerValue, ...]]) -> list[WantedModel]:
    """The model, then the fallbacks, and the processing settings' backup last."""
    wanted = []
    model_layer, provider_layer = first_set(layers["model"]), first_set(layers["provider"])
    if model_layer is not None:
        # A provider binds the model of its own layer and of less specific ones only.
        bound_to = ""
        if provider_layer is not None and provider_layer <= model_layer:
            bound_to = layers["provider"][provider_layer].value
        wanted.append(
            WantedModel(
                layers["model"][model_layer].value,
                bound_to,
                model_layer >= NODE_AT,
                layers["model"][model_layer].layer,
                is_fallback=False,
            )
        )
    fallback_layer = first_set(layers["fallbacks"])
    if fallback_layer is not None:
        azure = fallback_layer >= NODE_AT
        chosen = layers["fallbacks"][fallback_layer]
        wanted += [WantedModel(each, "", azure, chosen.layer) for each in chosen.value]
    backup = layers["fallbacks"][PROCESSING_AT]
    wanted += [WantedModel(each, "", True, backup.layer) for each in backup.value]
    return wanted


def read_wanted(wanted: WantedModel, snapshot: Snapshot, azure_model: str) -> Reading:
    """Who serves one of them: with the node's model for Azure, where that holds."""
    reading = references.read(
        wanted.reference,
        snapshot,
        bound_to=wanted.bound_to,
        default_provider=str(snapshot.processing.get("provider_id", "")),
    )
    if not azure_model or not wanted.azure:
        return reading
    candidates = [
        Candidate(
            each.provider, azure_model, snapshot.models.get((each.provider.name, azure_model))
        )
        if on_azure(each)
        else each
        for each in reading.candidates
    ]
    return replace(reading, candidates=tuple(candidates))


def candidates_of(
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
    for wanted in wanted_models(layers):
        reading = read_wanted(wanted, snapshot, azure_model)
        before = len(found)
        if reading.warning and reading.warning not in warnings:
            warnings.append(reading.warning)
        for candidate in reading.candidates:
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


def on_azure(candidate: Candidate) -> bool:
    """Whether a node's values for Azure hold for this candidate."""
    return provider_types.get(candidate.provider.provider_type).takes_azure_values


def environment_target(interaction: str) -> tuple[ProviderType, str] | None:
    """The kind of provider whose key the environment holds, and the model to ask it for."""
    model = "gpt-4o" if interaction in STRONG_TYPES else "gpt-4o-mini"
    if interaction == InteractionType.EMBEDDINGS:
        model = "text-embedding-3-small"
    kind = provider_types.last_resort()
    return None if kind is None else (kind, f"{kind.last_resort}{model}")


def _from_environment(interaction: str, warnings: list[str]) -> dict[tuple[str, str], Candidate]:
    """The last resort, the environment; only when the tables give no usable target."""
    found = environment_target(interaction)
    if found is None:
        return {}
    kind, model = found
    warnings.append(
        gettext("No configured provider can serve this; using {variable} with {model}.").format(
            variable=kind.key_variable, model=model
        )
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
