"""Vendors' clients over our own compatible endpoint without a socket.

The endpoint is an ASGI application that registers itself here. A request's scope names the caller
that it comes from, which nothing that arrives over a network can do.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx2
from msgspec import Struct

from llmconfig.client.http import background_loop
from llmconfig.client.sdk.asgi_scope import CALLER, Application, Message

BASE_URL = "http://in-process"


class Exchange:
    """One request to the application, on the event loop that it was made on."""

    def __init__(self, application: Application, scope: Message, body: bytes) -> None:
        self.status = 0
        self.headers: list[tuple[bytes, bytes]] = []
        self._body: bytes | None = body
        self._parts: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._begun = asyncio.Event()
        self._left = asyncio.Event()
        self._work = asyncio.ensure_future(application(scope, self._receive, self._send))
        self._work.add_done_callback(self._over)

    async def begin(self) -> None:
        """Wait for status and headers; raises what the application raises before them."""
        await self._begun.wait()
        if not self.status:
            await self._work
            raise RuntimeError("The endpoint gave no answer.")

    async def part(self) -> bytes | None:
        """The next part of the body, None after the last."""
        return await self._parts.get()

    async def leave(self) -> None:
        self._left.set()
        if not self._work.done():
            await asyncio.wait({self._work})

    async def _receive(self) -> Message:
        if self._body is not None:
            body, self._body = self._body, None
            return {"type": "http.request", "body": body, "more_body": False}
        await self._left.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status, self.headers = message["status"], list(message["headers"])
            self._begun.set()
        elif message.get("body"):
            self._parts.put_nowait(message["body"])

    def _over(self, _work: object) -> None:
        self._begun.set()
        self._parts.put_nowait(None)


class InProcessTransport(Struct, frozen=True):
    """Where requests of one bound caller go in."""

    application: Application
    caller: Any  # what the endpoint finds in the scope

    def open(self, request: httpx2.Request, body: bytes) -> Exchange:
        """Start an exchange; to be called on the event loop that will serve it."""
        url = request.url
        scope = {
            "type": "http",
            "http_version": "1.1",
            "method": request.method,
            "path": url.path,
            "raw_path": url.raw_path.partition(b"?")[0],
            "query_string": url.query,
            "headers": [(name.lower(), value) for name, value in request.headers.raw],
            "client": None,
            CALLER: self.caller,
        }
        return Exchange(self.application, scope, body)


class AsyncTransport(httpx2.AsyncBaseTransport):
    """For asynchronous clients, on whichever loop they are used."""

    def __init__(self, door: InProcessTransport) -> None:
        self._door = door

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        exchange = self._door.open(request, await request.aread())
        try:
            await exchange.begin()
        except asyncio.CancelledError:
            await exchange.leave()
            raise
        return httpx2.Response(
            exchange.status, headers=exchange.headers, stream=_AsyncBody(exchange), request=request
        )


class _AsyncBody(httpx2.AsyncByteStream):
    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while (part := await self._exchange.part()) is not None:
            yield part

    async def aclose(self) -> None:
        await self._exchange.leave()


class SyncTransport(httpx2.BaseTransport):
    """For synchronous clients: the application runs on the process's background loop."""

    def __init__(self, door: InProcessTransport) -> None:
        self._door = door

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """One request. Raises RuntimeError inside an event loop, which it would block."""
        background_loop.refuse_inside_a_loop()
        exchange = background_loop.run(self._begin(request, request.read()))
        return httpx2.Response(
            exchange.status, headers=exchange.headers, stream=_Body(exchange), request=request
        )

    async def _begin(self, request: httpx2.Request, body: bytes) -> Exchange:
        exchange = self._door.open(request, body)
        try:
            await exchange.begin()
        except asyncio.CancelledError:
            await exchange.leave()
            raise
        return exchange


class _Body(httpx2.SyncByteStream):
    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    def __iter__(self) -> Iterator[bytes]:
        while (part := background_loop.run(self._exchange.part())) is not None:
            yield part

    def close(self) -> None:
        background_loop.run(self._exchange.leave())
