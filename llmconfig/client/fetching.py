"""Fetching what is no model's answer, over the same guarded way out: facts for prompts."""

import asyncio

from msgspec import Struct
from yarl import URL

from llmconfig.client.credentials import provider_keys, secrets_manager
from llmconfig.client.http import egress, transport
from llmconfig.client.http.transport import RequestFailed, Response


class FetchRequest(Struct, frozen=True):
    """What is asked, and for whom. `owner` is named in errors; the secret is in none.

    `header` is sent with the secret that `secret_ref` points at, after `scheme` and a space.
    """

    owner: str
    url: str
    timeout_s: float
    most_bytes: int
    header: str = ""
    scheme: str = ""
    secret_ref: str = ""


async def fetch(request: FetchRequest) -> Response:
    """GET it: no redirects, no proxy, public or allowed addresses, capped in bytes and seconds.

    Raises RequestFailed, whatever the reason, in words that name host and port and nothing secret;
    SecretUnreadable when the secret can't be had. A reply of any status is returned.
    """
    url = URL(request.url, encoded=True)
    headers = {"Accept": "application/json"}
    if request.header:
        if secrets_manager.needs_fetching(request.secret_ref):
            await asyncio.to_thread(secrets_manager.read, request.secret_ref)
        secret = provider_keys.referenced(request.secret_ref, owner=request.owner).reveal()
        headers[request.header] = f"{request.scheme} {secret}" if request.scheme else secret
    return await transport.get(
        url,
        headers=headers,
        timeout_s=request.timeout_s,
        private=egress.is_allowed_name(url),
        most_bytes=request.most_bytes,
    )


__all__ = ["FetchRequest", "RequestFailed", "Response", "fetch"]
