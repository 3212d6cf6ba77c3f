"""Parameters that models refuse: known from their vendors, learned from refusals, cleared."""

import datetime as dt
from collections.abc import Mapping

from django.db.models import QuerySet
from msgspec import Struct

from llmconfig import provider_types
from llmconfig.configuration import revisions
from llmconfig.configuration.facts import ProviderFacts
from llmconfig.configuration.snapshot import Snapshot
from llmconfig.models import Provider, ProviderModel, RefusedParameter

MAX_FOR_ONE_MODEL = 30  # callers choose some values, and each that is refused is a row


def known(provider: ProviderFacts, model_id: str, snapshot: Snapshot) -> frozenset[str]:
    """What a model refuses, by its provider's type and by what was learned."""
    kind = provider_types.get(provider.provider_type)
    learned = snapshot.refused.get((provider.name, model_id), frozenset())
    return kind.known_refusals(model_id) | learned


def remember(provider: str, model_id: str, refused: Mapping[str, str]) -> None:
    """Store what a model has refused, by name with the provider's words, as one revision.

    Nothing is stored for a provider that isn't configured, or that was removed meanwhile.
    """
    row = Provider.objects.filter(name=provider).first()
    if row is None:
        return
    stored = RefusedParameter.objects.filter(provider=row, model_id=model_id)
    room = MAX_FOR_ONE_MODEL - stored.count()
    rows = [
        RefusedParameter(provider=row, model_id=model_id, parameter=name, told=told[:300])
        for name, told in refused.items()
    ]
    message = f"{provider}/{model_id} refuses {', '.join(refused)}."
    with revisions.change(source="call", message=message):
        RefusedParameter.objects.bulk_create(rows[: max(room, 0)], ignore_conflicts=True)


def of_model(model: ProviderModel) -> "QuerySet[RefusedParameter]":
    """What was learned of a model."""
    return RefusedParameter.objects.filter(provider=model.provider_id, model_id=model.model_id)


def clear(model: ProviderModel) -> int:
    """Forget what was learned of a model, so that all is sent again; gives how much it was.

    To be called inside `revisions.change`.
    """
    return of_model(model).delete()[0]


class KnownRefusal(Struct, frozen=True):
    """One parameter, how it is known that a model refuses it, and since when it was learned."""

    parameter: str
    told: str
    found_at: dt.datetime | None = None


def described(model: ProviderModel) -> list[KnownRefusal]:
    """All that isn't sent to a model: what its vendor says, then what was learned."""
    kind = provider_types.get(model.provider.provider_type)
    by_type = [
        KnownRefusal(name, quirk.source)
        for quirk in kind.quirks
        if quirk.models.fullmatch(model.model_id)
        for name in sorted(quirk.refuses)
    ]
    learned = [KnownRefusal(each.parameter, each.told, each.found_at) for each in of_model(model)]
    return by_type + learned
