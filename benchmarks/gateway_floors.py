"""What the least gateways cost that only forward: no keys, no resolution, no limits, no records.

Run by uvicorn as `benchmarks.gateway_floors:bare` (raw ASGI) and `benchmarks.gateway_floors:django`
(an async view, without middleware). BENCHMARK_PROVIDER names the provider. `pieces` is a provider
that streams.
"""

import asyncio
import json
import os
from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from uuid import uuid4

import aiohttp
from django.conf import settings
from django.core.handlers.asgi import ASGIHandler
from django.http import HttpRequest, HttpResponse
from django.urls import path

from benchmarks.gateway_figures import PIECES

JSON = "application/json"
HEADERS = {"Content-Type": JSON, "Authorization": "Bearer sk-benchmark-0123456789"}
EVENTS = [(b"content-type", b"text/event-stream")]
PACE_SECONDS = 0.1
Send = Callable[[Mapping[str, Any]], Awaitable[None]]
Receive = Callable[[], Awaitable[dict[str, Any]]]

if not settings.configured:
    settings.configure(ROOT_URLCONF=__name__, ALLOWED_HOSTS=["*"], SECRET_KEY=uuid4().hex)

_sessions: list[aiohttp.ClientSession] = []


async def _forward(body: bytes) -> bytes:
    """The provider's answer to the same request."""
    if not _sessions:
        _sessions.append(_session())
    url = f"{os.environ['BENCHMARK_PROVIDER']}/v1/chat/completions"
    async with _sessions[0].post(url, data=body) as reply:
        return await reply.read()


async def _forward_stream(body: bytes, send: Send) -> None:
    """Each piece as it comes."""
    if not _sessions:
        _sessions.append(_session())
    url = f"{os.environ['BENCHMARK_PROVIDER']}/v1/chat/completions"
    async with _sessions[0].post(url, data=body) as reply:
        await send({"type": "http.response.start", "status": 200, "headers": EVENTS})
        async for piece in reply.content.iter_any():
            await send({"type": "http.response.body", "body": piece, "more_body": True})
    await send({"type": "http.response.body", "body": b""})


def _session() -> aiohttp.ClientSession:
    return aiohttp.ClientSession(headers=HEADERS, connector=aiohttp.TCPConnector(limit=0))


async def pieces(scope: dict[str, Any], receive: Receive, send: Send) -> None:
    """A provider whose answers come in PIECES pieces, PACE_SECONDS apart."""
    if scope["type"] != "http":
        return
    while (await receive()).get("more_body"):
        pass
    await send({"type": "http.response.start", "status": 200, "headers": EVENTS})
    for at in range(PIECES):
        await asyncio.sleep(PACE_SECONDS)
        await send({"type": "http.response.body", "body": _piece(at), "more_body": True})
    await send({"type": "http.response.body", "body": LAST})


def _piece(at: int) -> bytes:
    delta = {"content": f"word{at} "}
    return _event([{"index": 0, "delta": delta, "logprobs": None, "finish_reason": None}])


def _event(choices: list[dict[str, Any]], **more: Any) -> bytes:
    head = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "pieces"}
    return b"data: %b\n\n" % json.dumps({**head, "choices": choices, **more}).encode()


async def bare(scope: dict[str, Any], receive: Receive, send: Send) -> None:
    """A raw ASGI application that reads a request and forwards it, without any framework."""
    if scope["type"] != "http":
        return
    parts, more = [], True
    while more:
        message = await receive()
        parts.append(message.get("body", b""))
        more = message.get("more_body", False)
    body = b"".join(parts)
    if b'"stream": true' in body:
        await _forward_stream(body, send)
        return
    answer = await _forward(body)
    headers = [(b"content-type", JSON.encode()), (b"content-length", b"%d" % len(answer))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": answer})


async def _view(request: HttpRequest) -> HttpResponse:
    return HttpResponse(await _forward(request.body), content_type=JSON)


USAGE = {"prompt_tokens": 80, "completion_tokens": PIECES, "total_tokens": 80 + PIECES}
LAST = (
    _event([{"index": 0, "delta": {}, "logprobs": None, "finish_reason": "stop"}])
    + _event([], usage=USAGE)
    + b"data: [DONE]\n\n"
)
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
