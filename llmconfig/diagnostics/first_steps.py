"""What a new installation needs before its first call: a provider that answers, and models."""

import os
from collections.abc import Iterable
from decimal import Decimal

from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext, ngettext
from msgspec import Struct

from llmconfig import project_settings, provider_types
from llmconfig.configuration import provider_rules, seeding, snapshot
from llmconfig.configuration.facts import ModelFacts
from llmconfig.configuration.numbers import count
from llmconfig.configuration.pricing import price_at
from llmconfig.configuration.resolution import explain
from llmconfig.configuration.revisions import change
from llmconfig.configuration.snapshot import Snapshot
from llmconfig.diagnostics import discovery
from llmconfig.diagnostics.discovery import ListingFailed
from llmconfig.errors import ChangeRefused
from llmconfig.models import (
    GlobalConfig,
    InteractionType,
    LLMConfig,
    ModelKind,
    Provider,
    ProviderModel,
)
from llmconfig.roles import User
from llmconfig.secrets import Secret, check_storable

MAX_MODEL_LENGTH = 100  # of the settings' columns
SPEAKING = tuple(each for each in InteractionType if each != InteractionType.EMBEDDINGS)
# Kinds of use whose model stands in the processing settings.
TASKS = ("model_tagger", "model_enricher", "model_analytics", "model_responder")


class Offer(Struct, frozen=True):
    """A provider that can be connected with a key or an address alone."""

    name: str
    label: str
    needs_key: bool
    address: str
    key_is_there: bool  # stored, or in the variable that its type usually has
    failed: bool  # in its last test


def offers() -> list[Offer]:
    """The kinds of provider that the seed knows, and a server of one's own."""
    stored = {row.name: row for row in Provider.objects.all()}
    keyed = provider_keys_there(stored.values())
    failed = {name for name, row in stored.items() if row.is_enabled and row.validation_error}
    hosted = [
        Offer(
            kind.name,
            kind.label.partition(" (")[0],
            needs_key=True,
            address="",
            key_is_there=kind.name in keyed,
            failed=kind.name in failed,
        )
        for kind in provider_types.known()
        if kind.key_variable and not kind.needs_address
    ]
    local = stored.get(seeding.LOCAL)
    address = local.api_base_url if local else project_settings.local_url()
    return [
        *hosted,
        Offer(
            seeding.LOCAL,
            gettext("A server of your own (Ollama, llama.cpp, vLLM …)"),
            needs_key=False,
            address=address,
            key_is_there=False,
            failed=seeding.LOCAL in failed,
        ),
    ]


def provider_keys_there(rows: Iterable[Provider]) -> set[str]:
    """The names of those that have a key, or whose usual variable does."""
    stored = {row.name for row in rows if row.api_key or row.secret_ref}
    return stored | {name for name in seeding.HOSTED if os.environ.get(seeding.HOSTED[name])}


def connected() -> list[str]:
    """The enabled providers that list models and that no test found wrong.

    The local server that the seed supposes isn't one of them, until it was tested or was given a
    model of its own.
    """
    supposed = [each.model_id for each in seeding.CATALOGUE if each.provider == seeding.LOCAL]
    untested = Q(provider__name=seeding.LOCAL, provider__validated_at=None)
    listed = ProviderModel.objects.filter(
        is_active=True, provider__is_enabled=True, provider__validation_error=""
    ).exclude(untested & Q(model_id__in=supposed))
    return sorted(set(listed.values_list("provider__name", flat=True)))


def connect(name: str, *, key: str, address: str, user: User | None) -> str:
    """Seed what is missing, store the key, test the connection and read the list of models.

    Returns what to tell. Raises ChangeRefused for a key or address that can't be used, and
    ListingFailed's text as ChangeRefused when the provider doesn't answer; the key stays stored.
    """
    offer = next((each for each in offers() if each.name == name), None)
    if offer is None:
        raise ChangeRefused(gettext("Choose a provider."), field="provider")
    if offer.needs_key and not (key or offer.key_is_there):
        raise ChangeRefused(
            gettext("Enter a key of {label}.").format(label=offer.label), field="key"
        )
    seeding.seed(seeding.Wishes())
    provider = Provider.objects.get(name=name)
    with change(source="admin", user=user, message=f"Connected the provider {name}."):
        _store(provider, key=key, address=address)
    checked = discovery.check_provider(provider)
    if not checked.ok:
        raise ChangeRefused(
            gettext("{label} doesn't answer: {detail}").format(
                label=offer.label, detail=checked.detail
            ),
            field="provider",
        )
    try:
        found = discovery.discover_models(provider, source="admin", user=user)
    except ListingFailed as failure:
        raise ChangeRefused(f"{offer.label}: {failure}", field="provider") from None
    return ngettext(
        "{label} is connected: it lists {number} model.",
        "{label} is connected: it lists {number} models.",
        found.seen,
    ).format(label=offer.label, number=count(found.seen))


def _store(provider: Provider, *, key: str, address: str) -> None:
    """The key and address of a person, by the rules that the provider's own page has."""
    kind = provider.provider_type
    new_address = address if kind == seeding.LOCAL and address else provider.api_base_url
    if key:
        provider_rules.check_key(key)
        check_storable()
    provider_rules.check_base_url(kind, new_address)
    provider_rules.refuse_key_for_new_host(
        provider,
        provider_type=kind,
        api_base_url=new_address,
        key_given=bool(key),
        reference_given=False,
    )
    if key:
        provider.set_key(Secret(key))
        provider.secret_ref = ""
    provider.api_base_url, provider.is_enabled = new_address, True
    provider.save()


def speaking_models() -> list[ProviderModel]:
    """Chat models of enabled providers: those that the seed lists first, then the cheapest."""
    rows = ProviderModel.objects.filter(
        kind=ModelKind.CHAT, is_active=True, provider__is_enabled=True
    ).select_related("provider")
    state = snapshot.current()
    seeded = {(each.provider, each.model_id) for each in seeding.CATALOGUE}

    def rank(row: ProviderModel) -> tuple[int, Decimal, str]:
        key = (row.provider.name, row.model_id)
        # A vendor has what the seed lists; a server of one's own has what it lists itself.
        own = row.provider.name == seeding.LOCAL
        place = 1 if key not in seeded else 2 if own else 0
        return place, _price(state.models.get(key)), row.model_id

    return sorted(rows, key=rank)


def _price(model: ModelFacts | None) -> Decimal:
    """Dollars for a million tokens of an answer; a very high one where nobody knows."""
    price = price_at(model.prices, timezone.now()) if model is not None else None
    output = price.output if price is not None else None
    return Decimal(10**9) if output is None else output


def unserved(state: Snapshot) -> list[InteractionType]:
    """Kinds of use that no listed model would answer now."""
    found: list[InteractionType] = []
    for each in SPEAKING:
        targets = explain(each.value, snapshot=state).targets
        if not targets or targets[0].candidate.model is None:
            found.append(each)
    return found


def use_model(model: ProviderModel, *, user: User | None) -> str:
    """Let a model do enrichment's tasks and answer every kind of use that has none.

    Returns what to tell. Raises ChangeRefused for a name that the settings can't hold.
    """
    reference = f"{model.provider.name}/{model.model_id}"
    if len(reference) > MAX_MODEL_LENGTH:
        raise ChangeRefused(
            gettext(
                "{reference} has more than {max_model_length} characters: choose another model."
            ).format(reference=reference, max_model_length=MAX_MODEL_LENGTH),
            field="model",
        )
    missing = unserved(snapshot.load())
    with change(source="admin", user=user, message=f"Use {reference} where no model was."):
        row = seeded_settings()
        row.provider_id = model.provider.name
        for name in TASKS:
            setattr(row, name, model.model_id)
        row.save()
        for each in missing:
            stored, _ = GlobalConfig.objects.get_or_create(interaction_type=each)
            if stored.model:
                stored.model = reference
                stored.save()
        for each in unserved(snapshot.load()):  # those that inherit from nobody
            GlobalConfig.objects.filter(interaction_type=each).update(model=reference)
    return gettext("{reference} answers now.").format(reference=reference)


def seeded_settings() -> LLMConfig:
    """The row of processing settings; what is missing is seeded."""
    row = LLMConfig.objects.first()
    if row is None:
        seeding.seed(seeding.Wishes())
        row = LLMConfig.objects.get()
    return row


def enable_calls(*, user: User | None) -> str:
    """Turn the master switch on; returns what to tell."""
    with change(source="admin", user=user, message="Enabled calls."):
        row = seeded_settings()
        row.enabled = True
        row.save()
    return gettext("Calls are enabled.")
