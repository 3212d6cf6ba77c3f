"""What the least gateways cost that only forward: no keys, no resolution, no limits, no records.

Run by uvicorn as `benchmarks.gateway_floors:bare` (raw ASGI) and `benchmarks.gateway_floors:django`
(an async view, without middleware). BENCHMARK_PROVIDER names the provider.
"""

import os
from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from uuid import uuid4

import aiohttp
from django.conf import settings
from django.core.handlers.asgi import ASGIHandler
from django.http import HttpRequest, HttpResponse
from django.urls import path

JSON = "application/json"
HEADERS = {"Content-Type": JSON, "Authorization": "Bearer sk-benchmark-0123456789"}
Send = Callable[[Mapping[str, Any]], Awaitable[None]]
Receive = Callable[[], Awaitable[dict[str, Any]]]

if not settings.configured:
    settings.configure(ROOT_URLCONF=__name__, ALLOWED_HOSTS=["*"], SECRET_KEY=uuid4().hex)

_sessions: list[aiohttp.ClientSession] = []


async def _forward(body: bytes) -> bytes:
    """The provider's answer to the same request."""
    if not _sessions:
        _sessions.append(aiohttp.ClientSession(headers=HEADERS))
    url = f"{os.environ['BENCHMARK_PROVIDER']}/v1/chat/completions"
    async with _sessions[0].post(url, data=body) as reply:
        return await reply.read()


async def bare(scope: dict[str, Any], receive: Receive, send: Send) -> None:
    """A raw ASGI application that reads a request and forwards it, without any framework."""
    if scope["type"] != "http":
        return
    parts, more = [], True
    while more:
        message = await receive()
        parts.append(message.get("body", b""))
        more = message.get("more_body", False)
    answer = await _forward(b"".join(parts))
    headers = [(b"content-type", JSON.encode()), (b"content-length", b"%d" % len(answer))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": answer})


async def _view(request: HttpRequest) -> HttpResponse:
    return HttpResponse(await _forward(request.body), content_type=JSON)


urlpatterns = [path("v1/chat/completions", _view)]
_handlers: list[ASGIHandler] = []


async def django(scope: dict[str, Any], receive: Receive, send: Send) -> None:
    """A request to Django's async view."""
    if scope["type"] != "http":
        return
    if not _handlers:
        from django.core.asgi import get_asgi_application

        _handlers.append(get_asgi_application())
    await _handlers[0](scope, receive, send)
