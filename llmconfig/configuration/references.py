"""Model references: `tier:cloud_fast`, `provider/model`, or a bare model id."""

import random
from collections.abc import Callable, Sequence
from typing import TypeVar

from django.utils.translation import gettext
from msgspec import Struct

from llmconfig import provider_types
from llmconfig.configuration.facts import ModelFacts, ProviderFacts
from llmconfig.configuration.snapshot import Snapshot

Item = TypeVar("Item")
TIER_PREFIX = "tier:"


class Candidate(Struct, frozen=True):
    """A provider and the name it knows the model by; `model` is None if it lists none such."""

    provider: ProviderFacts
    model_id: str
    model: ModelFacts | None


class Reading(Struct, frozen=True):
    """What a reference means: candidates in the order to try, and what was odd about it.

    `spread` tells that some have equal priorities: calls are divided among them by weight.
    """

    candidates: tuple[Candidate, ...] = ()
    warning: str = ""
    spread: bool = False


def read(
    reference: str, snapshot: Snapshot, *, bound_to: str = "", default_provider: str = ""
) -> Reading:
    """Find who serves a reference; `bound_to` names the provider that must.

    Disabled providers are left out; the warning then says so.
    """
    if reference.startswith(TIER_PREFIX):
        return _tier(reference.removeprefix(TIER_PREFIX), snapshot, bound_to)
    if bound_to:
        return _at(snapshot, bound_to, _known_as(reference, snapshot, bound_to))
    prefix, _, rest = reference.partition("/")
    if (prefix, rest) in snapshot.models:
        return _at(snapshot, prefix, rest)
    found = snapshot.listed.get(reference, ())
    if found:
        return _by_rank(found, snapshot)
    named = snapshot.providers.get(prefix) if rest else None
    if named is not None:
        return _at(snapshot, prefix, _own_id(named, rest))
    return _at(snapshot, default_provider, reference)


def provider_named(reference: str, snapshot: Snapshot, *, bound_to: str = "") -> str:
    """The provider that must serve a reference, by what binds it or by its prefix; else blank."""
    if bound_to:
        return bound_to
    prefix, _, rest = reference.partition("/")
    return prefix if rest and prefix in snapshot.providers else ""


def bound_in_settings(reference: str, provider: str, snapshot: Snapshot) -> str:
    """Who must serve a model of the processing settings: their provider, or blank.

    Blank if the model names another provider itself (`provider/model`), as long as it isn't an id
    that theirs lists, or one with a vendor's name in front where theirs has such ids.
    """
    named = provider_named(reference, snapshot)
    if not named or named == provider or (provider, reference) in snapshot.models:
        return provider
    theirs = snapshot.providers.get(provider)
    by_vendor = theirs is not None and _keeps_vendors_names(theirs)
    return provider if by_vendor and not snapshot.providers[named].is_enabled else ""


def _own_id(provider: ProviderFacts, name: str) -> str:
    """The id that a provider knows a model by, from what stands behind its own name.

    OpenRouter's ids begin with the vendor's name, which is its own for `openrouter/auto`.
    """
    by_vendor = "/" not in name and _keeps_vendors_names(provider)
    return f"{provider.provider_type}/{name}" if by_vendor else name


def _keeps_vendors_names(provider: ProviderFacts) -> bool:
    """Whether its models' ids begin with their vendors' names; not where its type is gone."""
    name = provider.provider_type
    return provider_types.is_known(name) and provider_types.get(name).ids_keep_name


def _tier(tier: str, snapshot: Snapshot, bound_to: str) -> Reading:
    model = snapshot.tiers.get(tier)
    if model is None:
        return Reading(
            warning=gettext("{reference} has no active model.").format(
                reference=f"{TIER_PREFIX}{tier}"
            )
        )
    return _at(snapshot, bound_to or model.provider, model.model_id)


def _known_as(reference: str, snapshot: Snapshot, provider: str) -> str:
    """The model id to ask one provider for, when the reference may name another."""
    prefix, _, rest = reference.partition("/")
    asked = snapshot.providers.get(provider)
    if (provider, reference) in snapshot.models:
        return reference
    if not rest:
        return reference if asked is None else _own_id(asked, reference)
    if prefix not in snapshot.providers:
        return reference
    if (provider, rest) in snapshot.models or asked is None:
        return rest
    if prefix == provider:
        return _own_id(asked, rest)
    # OpenRouter's own ids begin with vendors' names: openai/gpt-4o.
    return reference if provider_types.get(asked.provider_type).ids_keep_name else rest


def _at(snapshot: Snapshot, name: str, model_id: str) -> Reading:
    provider = snapshot.providers.get(name)
    if not name:
        return Reading(
            warning=gettext(
                "No enabled provider lists {model!r}, and there is no default provider."
            ).format(model=model_id)
        )
    if provider is None:
        return Reading(
            warning=gettext("{model}: there is no provider {name!r}.").format(
                model=model_id, name=name
            )
        )
    if not provider.is_enabled:
        return Reading(
            warning=gettext("{name}/{model}: the provider {name} is disabled.").format(
                name=name, model=model_id
            )
        )
    model = snapshot.models.get((name, model_id))
    warning = "" if model else _unlisted(snapshot, name, model_id)
    return Reading(candidates=(Candidate(provider, model_id, model),), warning=warning)


def _unlisted(snapshot: Snapshot, name: str, model_id: str) -> str:
    """That a provider doesn't list a model, and which others do."""
    listing = [each for each, listed in snapshot.models if listed == model_id and each != name]
    enabled = [each for each in listing if snapshot.providers[each].is_enabled]
    disabled = [each for each in listing if each not in enabled]
    sentences = [
        gettext("{model!r} is not in {name}'s list. Calls go to {name} as {model!r}.").format(
            model=model_id, name=name
        )
    ]
    if enabled:
        sentences.append(gettext("It is listed by {names}.").format(names=", ".join(enabled)))
    if disabled:
        sentences.append(
            gettext("Disabled, but listing it: {names}.").format(names=", ".join(disabled))
        )
    return " ".join(sentences)


def _by_rank(found: Sequence[ModelFacts], snapshot: Snapshot) -> Reading:
    """By priority, which `listed` is sorted by; equal ones are for `drawn` to order."""
    candidates = tuple(
        Candidate(snapshot.providers[model.provider], model.model_id, model) for model in found
    )
    priorities = [each.provider.priority for each in candidates]
    return Reading(candidates, spread=len(set(priorities)) < len(priorities))


def drawn(items: Sequence[Item], weight: Callable[[Item], int]) -> list[Item]:
    """The items in a random order in which weight goes before: the first is one by its share."""
    # Efraimidis and Spirakis: sorting by u^(1/w) draws without replacement by weight.
    return sorted(items, key=lambda each: random.random() ** (1 / weight(each)), reverse=True)  # noqa: S311 - load spreading
