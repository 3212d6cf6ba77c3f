"""Bodies are bounded before they are read: Django spools them before it asks who sent them."""

import json
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Any, Any, Any], Awaitable[None]]

MB = 1024 * 1024
MAX_ANONYMOUS_BYTES = MB  # a login form has a few hundred bytes
CREDENTIALS = frozenset({b"authorization", b"cookie"})


class BodyTooLarge(Exception):
    """The body is larger than its bound."""


def bounded(application: Any, *, max_bytes: int) -> Application:
    """The application behind a bound on bodies: 413, with the connection closed.

    Requests without any credentials have a smaller bound than those that may be somebody's.
    """

    async def answer(scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await application(scope, receive, send)
            return
        bound = max_bytes if _names_somebody(scope) else min(max_bytes, MAX_ANONYMOUS_BYTES)
        begun = False
        received = 0

        async def count() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > bound:
                raise BodyTooLarge
            return message

        async def watch(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            if _declared(scope) > bound:
                raise BodyTooLarge
            await application(scope, count, watch)
        except BodyTooLarge:
            if not begun:
                await _refuse(send, bound)

    return answer


def _names_somebody(scope: Message) -> bool:
    return any(name in CREDENTIALS for name, _ in scope["headers"])


def _declared(scope: Message) -> int:
    for name, value in scope["headers"]:
        if name == b"content-length" and value.isdigit():
            return int(value[:20])
    return 0


async def _refuse(send: Send, bound: int) -> None:
    told = f"A request here has at most {bound // MB} MB."
    body = json.dumps({"error": {"code": "too_large", "message": told}}).encode()
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
        (b"connection", b"close"),
    ]
    await send({"type": "http.response.start", "status": 413, "headers": headers})
    await send({"type": "http.response.body", "body": body})
