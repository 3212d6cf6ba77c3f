"""Pages of other sites: their browsers call only where they are told that they may (CORS).

Off unless LLM_CORS_ORIGINS names the sites. Source: https://fetch.spec.whatwg.org/#http-cors-protocol
"""

from collections.abc import Mapping
from functools import lru_cache

from llmconfig import project_settings
from llmconfig.client.sdk.asgi_scope import Message, Send

ORIGIN = b"origin"
ANY_SITE = "*"
ASKED_METHOD = b"access-control-request-method"
ASKED_HEADERS = b"access-control-request-headers"
METHODS = (b"access-control-allow-methods", b"GET, POST, DELETE")
MAX_AGE = (b"access-control-max-age", b"600")  # seconds in which a browser doesn't ask again
VARY = (b"vary", b"Origin")
# No cookies are read here, so a page may see every header of an answer.
EXPOSED = (b"access-control-expose-headers", b"*")


def is_allowed(origin: bytes) -> bool:
    """Whether the pages of this site may call."""
    sites = _sites(project_settings.cors_origins())
    return ANY_SITE in sites or origin.decode("latin-1").lower() in sites


@lru_cache(maxsize=4)
def _sites(named: tuple[str, ...]) -> frozenset[str]:
    return frozenset(each.rstrip("/").lower() for each in named)


def asks_first(method: str, headers: Mapping[bytes, bytes]) -> bool:
    """Whether a browser asks what a page may do, before it lets the page do it."""
    return method == "OPTIONS" and ASKED_METHOD in headers


async def say_what_is_allowed(send: Send, headers: Mapping[bytes, bytes]) -> None:
    """Answer that question; no key comes with it."""
    told = [METHODS, MAX_AGE, (b"content-length", b"0")]
    if ASKED_HEADERS in headers:
        told.append((b"access-control-allow-headers", headers[ASKED_HEADERS]))
    await send({"type": "http.response.start", "status": 204, "headers": told})
    await send({"type": "http.response.body", "body": b""})


def telling(send: Send, origin: bytes) -> Send:
    """Sends an answer that a page of this site may read."""
    told = [(b"access-control-allow-origin", origin), VARY, EXPOSED]

    async def send_with_origin(message: Message) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": [*message["headers"], *told]}
        await send(message)

    return send_with_origin
