"""Tests a provider and lists its models, without a billed call.

Both only read the provider's own list of models, over the client's guarded transport.
"""

import datetime as dt
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.utils import timezone
from msgspec import Struct
from yarl import URL

from llmconfig import provider_types
from llmconfig.client.credentials import provider_keys
from llmconfig.client.credentials.redaction import clean, without_key
from llmconfig.client.http import background_loop, egress, transport
from llmconfig.client.http.transport import RequestFailed
from llmconfig.client.pipeline import endpoints, responses
from llmconfig.client.pipeline.responses import Refused
from llmconfig.client.wire import JSON, BadReply, Wire
from llmconfig.client.wire.reading import object_of, parse, text_of
from llmconfig.client.wire.registry import wire_of
from llmconfig.configuration import prices, revisions, snapshot
from llmconfig.configuration.facts import ProviderFacts
from llmconfig.configuration.prices import suggested_prices
from llmconfig.configuration.provider_rules import check_base_url
from llmconfig.errors import ConfigurationError
from llmconfig.models import ModelKind, Provider, ProviderModel
from llmconfig.roles import User
from llmconfig.secrets import Secret

MAX_PAGES = 50
MAX_MODELS = 5000
MAX_ID_LENGTH = 200
MAX_WINDOW = 2**31 - 1
# Each vendor's word for the same.
WINDOW_NAMES = (
    "n_ctx",  # llama.cpp's, of one slot: what a request may really use
    "loaded_context_length",  # LM Studio's
    "context_window",
    "context_length",
    "max_context_length",
    "max_model_len",
    "max_input_tokens",
)
OUTPUT_NAMES = ("max_output_tokens", "max_completion_tokens", "max_tokens")
EMBEDDING_ID = re.compile(r"embed|(^|[/_-])(bge|e5|gte)-", re.IGNORECASE)
# Anthropic's word for the moment of retirement, OpenAI's, and OpenRouter's.
RETIREMENT_NAMES = ("retires_at", "shutdown_date", "expiration_date")


class ListingFailed(Exception):
    """The list could not be had; its text is one line without any part of the key."""


class ConnectionCheck(Struct, frozen=True):
    """What a test found. `detail` says what is wrong, blank if nothing is."""

    ok: bool
    detail: str
    models_seen: int


class Discovered(Struct, frozen=True):
    """Models by what became of them; `missing` are ours that the provider doesn't list."""

    added: tuple[str, ...]
    updated: tuple[str, ...]
    missing: tuple[str, ...]
    seen: int


class ListedModel(Struct, frozen=True):
    """One model as its provider lists it; None is not said."""

    model_id: str
    context_window: int | None
    max_output_tokens: int | None
    retires_at: dt.datetime | None
    retired: bool


def check_provider(provider: Provider) -> ConnectionCheck:
    """Ask for the list of models with the stored key, and store what came of it in the row."""
    try:
        entries = _entries(provider, deployments=False)
        result = ConnectionCheck(ok=True, detail="", models_seen=len(entries))
    except ListingFailed as failure:
        result = ConnectionCheck(ok=False, detail=str(failure), models_seen=0)
    provider.validated_at = timezone.now() if result.ok else None
    provider.validation_error = result.detail
    # No revision: the history leaves these two columns out.
    provider.save(update_fields=["validated_at", "validation_error"])
    return result


def discover_models(provider: Provider, *, source: str, user: User | None = None) -> Discovered:
    """Ask, then store as one revision of `user`; raises ListingFailed.

    No transaction is open while the provider is asked.
    """
    entries = _entries(provider, deployments=True)
    with revisions.change(source=source, user=user, message=f"Read the models of {provider.name}."):
        return _store(provider, entries)


def ask_enabled(*, source: str) -> dict[str, str]:
    """Test every enabled provider and read its models; what came of each, by its name."""
    return {
        provider.name: _asked(provider, source)
        for provider in Provider.objects.filter(is_enabled=True).order_by("name")
    }


def _asked(provider: Provider, source: str) -> str:
    checked = check_provider(provider)
    if not checked.ok:
        return checked.detail
    try:
        found = discover_models(provider, source=source)
    except ListingFailed as failure:
        return str(failure)
    return f"the connection works; it lists {found.seen} models, {len(found.added)} of them new."


def _store(provider: Provider, entries: Sequence[ListedModel]) -> Discovered:
    """Add new models, fill in what is blank in known ones; what a person entered stays."""
    entries = [each for each in entries if not each.retired]
    known = {row.model_id: row for row in ProviderModel.objects.filter(provider=provider)}
    added = [_new(provider, each) for each in entries if each.model_id not in known]
    ProviderModel.objects.bulk_create(added)
    prices.suggest(ProviderModel.objects.filter(provider=provider, prices=None))
    updated = [
        each.model_id
        for each in entries
        if each.model_id in known and _fill(known[each.model_id], each)
    ]
    listed = {each.model_id for each in entries}
    return Discovered(
        added=tuple(row.model_id for row in added),
        updated=tuple(updated),
        missing=tuple(sorted(known.keys() - listed)),
        seen=len(entries),
    )


def _new(provider: Provider, entry: ListedModel) -> ProviderModel:
    embeds = bool(EMBEDDING_ID.search(entry.model_id))
    suggested = suggested_prices(provider.provider_type, entry.model_id)
    known_window = suggested.context_window if suggested else None
    capable = provider_types.get(provider.provider_type).lists_capable_models
    return ProviderModel(
        provider=provider,
        model_id=entry.model_id,
        kind=ModelKind.EMBEDDING if embeds else ModelKind.CHAT,
        context_window=entry.context_window or known_window,
        max_output_tokens=None if embeds else entry.max_output_tokens,
        supports_streaming=not embeds,
        supports_temperature=not embeds,
        supports_json_schema=capable and not embeds,
        supports_tools=capable and not embeds,
        retires_at=entry.retires_at,
    )


def _fill(row: ProviderModel, entry: ListedModel) -> bool:
    """Write what the row leaves blank, and the announced retirement; whether anything was."""
    found = []
    if entry.retires_at is not None and row.retires_at != entry.retires_at:
        row.retires_at = entry.retires_at  # the provider decides, also when it postpones
        found.append("retires_at")
    for name in ("context_window", "max_output_tokens"):
        said = getattr(entry, name)
        if getattr(row, name) is None and said is not None and row.kind == ModelKind.CHAT:
            setattr(row, name, said)
            found.append(name)
    if found:
        row.save(update_fields=[*found, "updated_at"])
    return bool(found)


def _entries(provider: Provider, *, deployments: bool) -> list[ListedModel]:
    """What the provider lists, each id once; raises ListingFailed."""
    snapshot.expire()  # another process may have entered the key a moment ago
    facts = snapshot.current().providers[provider.name]
    try:
        key = provider_keys.read(facts)
        raw = background_loop.run(_fetch(facts, key, deployments=deployments))
    except ConfigurationError as error:
        raise ListingFailed(str(error)) from None
    found: dict[str, ListedModel] = {}
    for each in raw:
        entry = _entry(each, key)
        if entry is not None and not _speechless(facts, entry.model_id):
            found.setdefault(entry.model_id, entry)
    return list(found.values())


def _speechless(facts: ProviderFacts, model_id: str) -> bool:
    not_text = provider_types.get(facts.provider_type).not_text
    return not_text is not None and bool(not_text.search(model_id))


async def _fetch(facts: ProviderFacts, key: Secret | None, *, deployments: bool) -> list[JSON]:
    wire = wire_of(facts.provider_type)
    headers = endpoints.COMMON_HEADERS | wire.headers(facts, key)
    found: list[JSON] = []
    after = ""
    for _ in range(MAX_PAGES):
        url = _address(facts, deployments=deployments, after=after)
        page = await _page(url, headers, facts, wire=wire, key=key)
        entries = page.get("data")
        if not isinstance(entries, list):
            raise ListingFailed(f"{url.host}: its reply is no list of models.")
        found += [each for each in entries if isinstance(each, dict)]
        after = text_of(page.get("last_id"))
        if page.get("has_more") is not True or not after or len(found) >= MAX_MODELS:
            break
    await _add_window(found, facts, headers, wire=wire, key=key)
    return found[:MAX_MODELS]


async def _add_window(
    found: list[JSON],
    facts: ProviderFacts,
    headers: Mapping[str, str],
    *,
    wire: Wire,
    key: Secret | None,
) -> None:
    """Ask a llama.cpp server that lists its one model without its window for that, at `/props`.

    Its model was trained for more than a slot of the server may hold. A server that has no such
    address is left alone.
    """
    meta = object_of(found[0].get("meta")) if len(found) == 1 else {}
    own = provider_types.get(facts.provider_type).private_network
    if not own or "n_ctx_train" not in meta or "n_ctx" in meta:
        return
    url = URL(facts.base_url.removesuffix("/v1")) / "props"
    try:
        props = await _page(url, headers, facts, wire=wire, key=key)
    except ListingFailed:
        return
    window = object_of(props.get("default_generation_settings")).get("n_ctx")
    found[0]["meta"] = {**meta, "n_ctx": window}


def _address(facts: ProviderFacts, *, deployments: bool, after: str) -> URL:
    """Where the list is; raises ChangeRefused when the provider's address is none."""
    check_base_url(facts.provider_type, facts.base_url)
    kind = provider_types.get(facts.provider_type)
    version = facts.api_version or kind.default_api_version
    path = kind.deployments_path if deployments and kind.deployments_path else kind.models_path
    base = facts.base_url
    if path.startswith("/v1/"):
        base = base.removesuffix("/v1")
    url = URL(base + path.format(version=version))
    return (
        url.update_query({kind.after_parameter: after}) if kind.after_parameter and after else url
    )


async def _page(
    url: URL, headers: Mapping[str, str], facts: ProviderFacts, *, wire: Wire, key: Secret | None
) -> JSON:
    try:
        response = await transport.get(
            url,
            headers=headers,
            timeout_s=facts.timeout_seconds,
            private=egress.anywhere_private(facts.provider_type, url),
        )
        if response.status == 200:
            return parse(response.body)
        told = responses.judge(response, wire)
    except RequestFailed as failure:
        raise ListingFailed(clean(failure.detail, key)) from None
    except BadReply as bad:
        raise ListingFailed(clean(f"{url.host}: {bad}.", key)) from None
    said = f": {told.detail}" if isinstance(told, Refused) and told.detail else ""
    raise ListingFailed(clean(f"{url.host} answered {response.status}{said}", key))


def _entry(raw: JSON, key: Secret | None) -> ListedModel | None:
    """A listed model; None for what has no usable id."""
    model_id = text_of(raw.get("id")).strip()
    usable = 0 < len(model_id) <= MAX_ID_LENGTH and model_id.isprintable()
    if not usable or without_key(model_id, key) != model_id:
        return None
    best = object_of(raw.get("top_provider"))
    return ListedModel(
        model_id=model_id,
        context_window=_first((object_of(raw.get("meta")), raw, best), WINDOW_NAMES),
        max_output_tokens=_first((raw, best), OUTPUT_NAMES),
        retires_at=_retirement(raw),
        retired=raw.get("lifecycle") == "retired",
    )


def _retirement(raw: JSON) -> dt.datetime | None:
    """The announced moment; a mere date is its beginning in UTC."""
    for name in RETIREMENT_NAMES:
        try:
            moment = dt.datetime.fromisoformat(text_of(raw.get(name)))
        except ValueError:
            continue
        return moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)
    return None


def _first(objects: Iterable[JSON], names: Iterable[str]) -> int | None:
    wanted = tuple(names)
    for each in objects:
        for name in wanted:
            value: Any = each.get(name)
            if type(value) is int and 0 < value <= MAX_WINDOW:
                return value
    return None
