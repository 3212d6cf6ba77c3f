"""`/v1` speaks no WebSockets, and says so in the way by which clients go on over HTTP."""

import asyncio
import json
from typing import Any

import pytest

from nodewise.asgi import wrap

UPGRADE = [(b"connection", b"Upgrade"), (b"upgrade", b"WebSocket")]
OTHERS = [{"type": "others"}]
SOCKET = {"type": "websocket", "path": "/v1/responses", "headers": UPGRADE}
HTTP = {**SOCKET, "type": "http", "method": "GET"}


def told(scope: dict[str, Any]) -> list[dict[str, Any]]:
    """What the site's application sends."""
    sent: list[dict[str, Any]] = []

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    async def others(*_: Any) -> None:
        sent.extend(OTHERS)

    asyncio.run(wrap(others, answers_root=True)(scope, None, send))
    return sent


@pytest.mark.parametrize(
    ("scope", "kind"),
    [
        (HTTP, "http.response"),  # the server has no library for them
        ({**SOCKET, "extensions": {"websocket.http.response": {}}}, "websocket.http.response"),
    ],
)
def test_a_web_socket_is_refused_as_clients_want_it(scope, kind):
    start, body = told(scope)
    assert (start["type"], start["status"], body["type"]) == (f"{kind}.start", 426, f"{kind}.body")
    assert json.loads(body["body"])["error"]["code"] == "websockets_unsupported"
    assert dict(start["headers"])[b"content-length"] == str(len(body["body"])).encode()


def test_a_server_that_can_bring_no_reason_closes_it():
    assert told(SOCKET) == [{"type": "websocket.close"}]


def test_the_projects_own_web_sockets_are_left_to_it():
    for path in ("/", "/chat", "/v1x"):
        assert told({**SOCKET, "path": path}) == OTHERS
