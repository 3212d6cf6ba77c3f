"""WebSockets, which `/v1` doesn't speak: the refusal by which clients go on over HTTP.

Codex (0.171) asks again six times and tells its user of each where the status is 403, 404, 405 or
500; after 426 it goes on with POST at once. OpenAI's SDKs open one only where they are told to.
"""

from collections.abc import Mapping
from typing import Any

import orjson

from llmconfig.client.sdk.asgi_scope import Message, Send
from llmconfig.gateway.refusals import RequestRefused, openai_shape

REFUSED = RequestRefused(
    426, "websockets_unsupported", "There are no WebSockets at this address: use POST over HTTP."
)
EXTENSION = "websocket.http.response"


def are_asked(scope: Mapping[str, Any]) -> bool:
    """Whether a client wants to open one; a server that knows none has the request as a GET."""
    if scope["type"] != "http":
        return True
    return scope["method"] == "GET" and any(
        name == b"upgrade" and value.lower() == b"websocket" for name, value in scope["headers"]
    )


async def refuse(scope: Message, send: Send) -> None:
    """Say no, with its reason where the server can bring it."""
    kind = "http"
    if scope["type"] != "http":
        if EXTENSION not in (scope.get("extensions") or {}):
            await send({"type": "websocket.close"})
            return
        kind = "websocket.http"
    body = orjson.dumps(openai_shape(REFUSED))
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
        *REFUSED.headers,
    ]
    start = {"type": f"{kind}.response.start", "status": REFUSED.status, "headers": headers}
    await send(start)
    await send({"type": f"{kind}.response.body", "body": body, "more_body": False})
