"""HTTP/1.1 on a socket: one small protocol of our own, because a framework costs more per request.

It parses with httptools, answers requests of a connection in their order, and can do what a
framework hides: drip bytes, cut a reply in the middle, hang up without a word.
"""

from __future__ import annotations

import asyncio
from collections import deque
from http import HTTPStatus
from typing import cast

import httptools

from project.embedded.simulator.provider import handle
from project.embedded.simulator.state import State
from project.embedded.simulator.wire import WHOLE, Delivery, HttpReply, Pending, Request, json_reply

MAX_BYTES = 64 * 1024 * 1024
_STATUS_LINES = {
    status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n".encode() for status in HTTPStatus
}


class Connection(asyncio.Protocol):
    """One client. `_current` is the request that is being answered, None between requests."""

    def __init__(self, state: State, loop: asyncio.AbstractEventLoop) -> None:
        self._state = state
        self._loop = loop
        self._transport: asyncio.Transport | None = None
        self._parser = httptools.HttpRequestParser(self)
        self._waiting: deque[Request] = deque()
        self._current: Request | None = None
        self._url = b""
        self._headers: dict[bytes, bytes] = {}
        self._body: list[bytes] = []
        self._size = 0

    # Called by the event loop

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # what TCP servers get
        stats = self._state.stats
        stats.connections += 1
        stats.max_connections = max(stats.max_connections, stats.connections)

    def connection_lost(self, exc: Exception | None) -> None:
        """The client went; what it asked for is still answered and billed."""
        del exc
        self._transport = None
        self._waiting.clear()
        self._state.stats.connections -= 1

    def data_received(self, data: bytes) -> None:
        """Bytes came; the parser calls the `on_` methods."""
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self._refuse(400, "Upgrades are not offered.")
        except httptools.HttpParserError as error:
            self._refuse(400, f"This is not HTTP: {error}")

    # Called by the parser

    def on_message_begin(self) -> None:
        self._url, self._headers, self._body, self._size = b"", {}, [], 0

    def on_url(self, url: bytes) -> None:
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers[name.lower()] = value

    def on_headers_complete(self) -> None:
        """The body follows, perhaps only after we agree."""
        if b"expect" in self._headers and self._transport is not None:
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def on_body(self, body: bytes) -> None:
        self._size += len(body)
        if self._size <= MAX_BYTES:
            self._body.append(body)

    def on_message_complete(self) -> None:
        if self._size > MAX_BYTES:
            self._refuse(413, f"At most {MAX_BYTES} bytes are taken.")
            return
        target, _, query = self._url.decode("latin-1").partition("?")
        request = Request(
            method=self._parser.get_method().decode("latin-1"),
            path=target,
            query=query,
            headers=self._headers,
            body=b"".join(self._body),
            keep_alive=self._parser.should_keep_alive(),
        )
        if self._current is None:
            self._answer(request)
        else:
            self._waiting.append(request)

    # Answering

    def _answer(self, request: Request) -> None:
        self._current = request
        outcome = handle(self._state, request)
        if isinstance(outcome, HttpReply):
            self._send(outcome, None)
        elif outcome.delay_s > 0:
            self._loop.call_later(outcome.delay_s, self._produce, outcome)
        else:
            self._produce(outcome)

    def _produce(self, pending: Pending) -> None:
        self._send(pending.produce(), pending)

    def _send(self, reply: HttpReply, pending: Pending | None) -> None:
        delivery = pending.delivery if pending else WHOLE
        transport = self._transport
        if transport is None or transport.is_closing():
            self._done(pending, whole=False)
            return
        if delivery.disconnect:
            transport.abort()
            self._done(pending, whole=False)
            return
        self._state.stats.by_status[reply.status] += 1
        head = self._head(reply)
        if delivery is WHOLE:
            transport.write(head + reply.body)
            self._done(pending, whole=True)
            return
        cut = delivery.cut
        body = reply.body if cut is None else reply.body[: int(len(reply.body) * cut)]
        transport.write(head)
        self._drip(body, 0, delivery, pending)

    def _head(self, reply: HttpReply) -> bytes:
        size = (
            b"transfer-encoding: chunked"
            if reply.chunked
            else b"content-length: %d" % len(reply.body)
        )
        lines = [_STATUS_LINES.get(reply.status, b"HTTP/1.1 %d \r\n" % reply.status), size]
        lines += [b"\r\ncontent-type: ", reply.content_type]
        for name, value in reply.headers:
            lines += [b"\r\n", name, b": ", value]
        if self._current is not None and not self._current.keep_alive:
            lines.append(b"\r\nconnection: close")
        lines.append(b"\r\n\r\n")
        return b"".join(lines)

    def _drip(self, body: bytes, at: int, delivery: Delivery, pending: Pending | None) -> None:
        transport = self._transport
        if transport is None or transport.is_closing():
            self._done(pending, whole=False)
            return
        step = delivery.drip_bytes or len(body)
        transport.write(body[at : at + step])
        if at + step < len(body):
            later = (body, at + step, delivery, pending)
            self._loop.call_later(delivery.drip_s, self._drip, *later)
            return
        if delivery.cut is not None:
            transport.close()
        self._done(pending, whole=delivery.cut is None)

    def _done(self, pending: Pending | None, *, whole: bool) -> None:
        if pending is not None:
            pending.finish(whole)
        request, self._current = self._current, None
        transport = self._transport
        if transport is None:
            return
        if request is not None and not request.keep_alive:
            transport.close()
        elif self._waiting:
            self._loop.call_soon(self._answer_next)

    def _answer_next(self) -> None:
        if self._current is None and self._waiting:
            self._answer(self._waiting.popleft())

    def _refuse(self, status: int, message: str) -> None:
        """Say that the bytes themselves are wrong, and hang up."""
        if self._transport is None:
            return
        self._state.stats.by_status[status] += 1
        reply = json_reply({"error": {"message": message, "type": "invalid_request_error"}}, status)
        head = b"content-type: application/json\r\nconnection: close\r\ncontent-length: %d\r\n\r\n"
        self._transport.write(_STATUS_LINES[status] + head % len(reply.body) + reply.body)
        self._transport.close()
