"""Where a target's requests go and with which headers: worked out once per snapshot."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from types import MappingProxyType

from yarl import URL

from llmconfig.client.credentials import provider_keys, secrets_manager
from llmconfig.client.credentials.redaction import Scrubber
from llmconfig.client.http import egress
from llmconfig.client.http.destinations import BadAddress, Destination, destination
from llmconfig.client.types import NativeRequest
from llmconfig.client.wire import Wire
from llmconfig.client.wire.registry import wire_of
from llmconfig.configuration.resolution import Target
from llmconfig.configuration.snapshot import Snapshot
from llmconfig.errors import ConfigurationError
from llmconfig.runtime.records import replace

COMMON_HEADERS = {
    "Content-Type": "application/json",
    "Accept": "application/json",
    "Accept-Encoding": "identity",
    "User-Agent": "nodewise",
}


NONE: Mapping[str, str] = MappingProxyType({})


class AddressUnusable(ConfigurationError):
    """A provider's address is blank, or no plain http(s) address."""

    code = "address_unusable"


@dataclass(frozen=True, slots=True)
class ProviderEndpoint:
    """One target's way out. The headers hold the key, so they are never shown."""

    url: URL
    embedding_url: URL | None  # None: this wire has no embeddings
    wire: Wire
    private: bool
    scrubber: Scrubber
    headers: Mapping[str, str] = field(repr=False)
    # Where chats go; None where that is still to be worked out, or can't be.
    chat: Destination | None = None


def endpoint_of(target: Target, snapshot: Snapshot) -> ProviderEndpoint:
    """The endpoint, from the snapshot's memo; raises SecretUnreadable and AddressUnusable."""
    name = _name(target)
    held: ProviderEndpoint | None = snapshot.memo.get(name)
    if held is None:
        held = snapshot.memo[name] = _build(target)
    return held


def with_headers(
    endpoint: ProviderEndpoint, native: NativeRequest | None, trace: Mapping[str, str]
) -> ProviderEndpoint:
    """The endpoint with the headers that a caller's own request and its trace bring along."""
    own = native.headers if native is not None else NONE
    if not (own or trace):
        return endpoint
    return replace(endpoint, headers={**own, **trace, **endpoint.headers}, chat=None)


def forget(target: Target, snapshot: Snapshot) -> None:
    """Read the key anew next time: one kept elsewhere may have been replaced there."""
    secrets_manager.forget(target.provider.secret_ref)
    snapshot.memo.pop(_name(target), None)


def lacks_key(target: Target) -> bool:
    """Whether the target's key is to be fetched before `endpoint_of` is asked."""
    return secrets_manager.needs_fetching(target.provider.secret_ref)


async def fetch_key(target: Target, snapshot: Snapshot) -> None:
    """Have a key that AWS keeps at hand, so that `endpoint_of` doesn't block the event loop.

    Raises SecretUnreadable.
    """
    if lacks_key(target):
        await asyncio.to_thread(secrets_manager.read, target.provider.secret_ref)
        snapshot.memo.pop(_name(target), None)


def _name(target: Target) -> tuple[str, ...]:
    provider = target.provider
    return ("endpoint", provider.name, provider.key_place, target.model_id)


def _build(target: Target) -> ProviderEndpoint:
    provider = target.provider
    wire = wire_of(provider.provider_type, target.model_id)
    url = _url(provider.name, wire.address(provider, target.model_id))
    embeddings = wire.embedding_address(provider, target.model_id)
    key = provider_keys.read(provider)
    headers = COMMON_HEADERS | wire.headers(provider, key)
    private = egress.anywhere_private(provider.provider_type, url)
    chat = None
    with suppress(BadAddress):  # sending says so
        chat = destination("POST", url, headers, private=private)
    return ProviderEndpoint(
        url=url,
        embedding_url=_url(provider.name, embeddings) if embeddings else None,
        wire=wire,
        private=private,
        scrubber=Scrubber(key),
        headers=headers,
        chat=chat,
    )


def _url(provider: str, address: str) -> URL:
    try:
        url = URL(address)
        usable = url.scheme in {"http", "https"} and bool(url.host) and url.user is None
    except ValueError:
        usable = False
    if not usable:
        raise AddressUnusable(
            f"{provider}: its address must read like https://host:port/path, without a user or"
            " password in it."
        )
    return url
