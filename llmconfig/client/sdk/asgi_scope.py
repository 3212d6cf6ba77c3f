"""The words of ASGI, and the one of ours that a scope may have."""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Message, Receive, Send], Awaitable[None]]

# Holds the bound caller of a request that was made in this process. Servers make scopes from what
# they receive, with names of their own, so nothing that arrives over a network can set it.
CALLER = "nodewise.caller"
_endpoints: list[Callable[[], Application]] = []


def register_endpoint(application: Callable[[], Application]) -> None:
    """Say where the compatible endpoint is, which lies above this layer; asked when it is used."""
    _endpoints[:] = [application]


def endpoint() -> Application:
    """The compatible endpoint of this process."""
    return _endpoints[0]()
