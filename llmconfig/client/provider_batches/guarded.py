"""The SDKs' way out: over the guarded transport, with our own headers, to one host only."""

import httpx2
from yarl import URL

from llmconfig.client.http import transport
from llmconfig.client.pipeline.endpoints import ProviderEndpoint

SECONDS = 120.0  # for one request; a file of 500 calls is some megabytes
THEIRS = ("content-type", "accept")


class GuardedTransport(httpx2.AsyncBaseTransport):
    """Sends an SDK's requests as ours: what it read from its environment stays here.

    Raises httpx2.ConnectError, also for a host that is not the provider's.
    """

    def __init__(self, endpoint: ProviderEndpoint) -> None:
        self.endpoint = endpoint

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """One request and its whole reply."""
        url = URL(str(request.url))
        if url.origin() != self.endpoint.url.origin():
            raise httpx2.ConnectError(f"{url.host} is not this provider's host", request=request)
        theirs = {name: request.headers[name] for name in THEIRS if name in request.headers}
        ours = {
            name: value
            for name, value in self.endpoint.headers.items()
            if name.lower() not in THEIRS
        }
        headers, private = ours | theirs, self.endpoint.private
        try:
            if request.method == "GET":
                reply = await transport.get(
                    url, headers=headers, timeout_s=SECONDS, private=private
                )
            else:
                body = await request.aread()
                reply = await transport.post(
                    url, headers=headers, body=body, timeout_s=SECONDS, private=private
                )
        except transport.RequestFailed as failure:
            raise httpx2.ConnectError(failure.detail, request=request) from None
        kind = reply.headers.get("Content-Type", "application/json")
        return httpx2.Response(
            reply.status, headers={"Content-Type": kind}, content=reply.body, request=request
        )


def client_of(endpoint: ProviderEndpoint) -> httpx2.AsyncClient:
    """A client for an SDK; the sessions below it are shared."""
    return httpx2.AsyncClient(transport=GuardedTransport(endpoint), trust_env=False)
