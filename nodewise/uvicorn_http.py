"""uvicorn's HTTP on a shorter way, for its option `--http nodewise.uvicorn_http:Connection`.

uvicorn writes a small answer in two system calls, searches each header by two regular expressions
and sets a timer for each request. Here the head waits for the first part of its body, as ASGI
allows, headers are looked at together, and all connections share a timer. What is unusual goes
uvicorn's own way; `tests/project/test_uvicorn_http.py` compares the bytes of both. A release of
uvicorn that is built otherwise than those that this was written for serves on its own way alone.
"""

import asyncio
import inspect
import logging
from collections.abc import Sequence
from functools import lru_cache
from operator import itemgetter
from typing import Any
from urllib.parse import unquote

import httptools
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware
from uvicorn.protocols.http.httptools_impl import (
    HEADER_RE,
    STATUS_LINE,
    HttpToolsProtocol,
    RequestResponseCycle,
)

from llmconfig.runtime.time_limits import TimeLimit, limits_of

logger = logging.getLogger(__name__)
# What uvicorn's own cycle is made of, in the releases that this was written for (0.54).
MADE_OF = (
    "self", "scope", "transport", "flow", "logger", "access_logger", "access_log",
    "default_headers", "message_event", "expect_100_continue", "keep_alive", "on_response",
)  # fmt: skip
Headers = Sequence[tuple[bytes, bytes]]
START, BODY = "http.response.start", "http.response.body"
LENGTH = b"content-length"
# Headers by which an answer says more of the connection than its length.
OF_THE_CONNECTION = frozenset({b"connection", b"transfer-encoding"})
# Without these, what is known of a client is what the connection says.
OF_PROXIES = frozenset({b"x-forwarded-proto", b"x-forwarded-for"})
NAME = itemgetter(0)
BODILESS = frozenset({204, 304})
CONTROLS = bytes([*range(9), *range(10, 32), 127])  # which no header's value may hold
MAX_REMEMBERED_URL = 100  # characters


class ShortConnection(HttpToolsProtocol):
    """One connection of a client, on the shorter way."""

    _idle: TimeLimit | None = None  # once it waits for another request

    def on_headers_complete(self) -> None:
        """Begin to answer a request; one that isn't usual as uvicorn does."""
        parser, cycle = self.parser, self.cycle
        if (
            parser.get_http_version() != "1.1"
            or parser.should_upgrade()
            or self.limit_concurrency is not None
            or self.access_log
            or (cycle is not None and not cycle.response_complete)
        ):
            super().on_headers_complete()
            return
        scope: Any = self.scope
        scope["method"] = method = parser.get_method().decode("ascii")
        url = self.url
        parts = _parts_of(url) if len(url) <= MAX_REMEMBERED_URL else _parts_of.__wrapped__(url)
        path, raw_path, scope["query_string"] = parts
        root = self.root_path
        scope["path"] = root + path
        scope["raw_path"] = root.encode("ascii") + raw_path
        self.cycle = answer = (RequestResponseCycle if method == "HEAD" else Answer)(
            scope,
            self.transport,
            self.flow,
            self.logger,
            self.access_logger,
            self.access_log,
            self.server_state.default_headers,
            asyncio.Event(),
            self.expect_100_continue,
            parser.should_keep_alive(),
            self.on_response_complete,
        )
        app: Any = self.app
        if type(app) is ProxyHeadersMiddleware and OF_PROXIES.isdisjoint(map(NAME, self.headers)):
            app = app.app
        if type(answer) is not Answer or self.config.reset_contextvars:
            self._start_asgi_task(answer, app)
            return
        answer.task = task = self.loop.create_task(answer.run(app, self.tasks))
        self.tasks.add(task)

    def on_response_complete(self) -> None:
        """Wait for the next request, or begin with one that came already."""
        if self.pipeline or self.transport.is_closing():
            super().on_response_complete()
            return
        self.server_state.total_requests += 1
        self.flow.resume_reading()
        self._idle = limits_of(self.loop)[self.timeout_keep_alive]
        self._idle.begin(self)

    def _unset_keepalive_if_required(self) -> None:
        if self._idle is not None:
            self._idle.end(self)
            self._idle = None

    def time_is_over(self) -> None:
        """Nothing was asked for too long."""
        self.timeout_keep_alive_handler()


class Answer(RequestResponseCycle):
    """A request and its answer, whose head goes out with the first part of its body."""

    task: "asyncio.Task[None] | None" = None
    _head: bytes | None = None  # while it waits for that

    async def run(self, app: Any, tasks: "set[asyncio.Task[None]]") -> None:
        """Have the application answer, as one of the server's tasks until that is done."""
        try:
            await self.run_asgi(app)
        finally:
            if self.task is not None:
                tasks.discard(self.task)

    async def receive(self) -> Any:
        """What has come of the body, once there is more of it; or that the client has gone."""
        came = self.message_event
        if (
            self.waiting_for_100_continue
            or self.disconnected
            or self.response_complete
            or self.flow.read_paused
            or not came.is_set()
        ):
            return await super().receive()
        came.clear()
        body, self.body = bytes(self.body), bytearray()
        return {"type": "http.request", "body": body, "more_body": self.more_body}

    async def send(self, message: Any) -> None:
        """Take one of the application's messages; raises RuntimeError for what isn't HTTP."""
        kind = message["type"]
        if self._head is not None:
            if kind != BODY:
                raise RuntimeError(f"Expected ASGI message {BODY!r}, but got {kind!r}.")
            await self._send_first(message)
            return
        if not self.response_started and kind == START:
            head = self._head_of(message["status"], message.get("headers", ()))
            if head is not None:
                self.waiting_for_100_continue = False
                self._head = head
                return
        await super().send(message)

    async def send_500_response(self) -> None:
        """Say that the application failed, also where its head was waiting."""
        self._head = None
        self.chunked_encoding, self.expected_content_length = None, 0
        await super().send_500_response()

    def _head_of(self, status: int, headers: Headers) -> bytes | None:
        """An answer's head, and how its body goes; None for one that isn't usual."""
        length, values = None, []
        lines = [STATUS_LINE[status], _default_lines(self.default_headers)]
        for name, value in headers:
            begin = _line_begins(name)
            if not begin:
                return None
            if begin == b"content-length: ":
                length = int(value)
            lines += (begin, value, b"\r\n")
            values.append(value)
        if (length is None and status in BODILESS) or _has_controls(b"".join(values)):
            return None
        if not self.keep_alive:
            lines.append(b"connection: close\r\n")
        self.chunked_encoding = length is None
        if length is None:
            lines.append(b"transfer-encoding: chunked\r\n")
        else:
            self.expected_content_length = length
        lines.append(b"\r\n")
        return b"".join(lines)

    async def _send_first(self, message: Any) -> None:
        """The head with the first part of the body, which mostly is all of it."""
        if self.flow.write_paused and not self.disconnected:
            await self.flow.drain()
        if self.disconnected:
            return
        head, self._head, self.response_started = self._head or b"", None, True
        body: bytes = message.get("body", b"")
        is_last = not message.get("more_body", False)
        if not self.chunked_encoding:
            if len(body) > self.expected_content_length:
                self.transport.write(head)
                raise RuntimeError("Response content longer than Content-Length")
            self.expected_content_length -= len(body)
            self.transport.write(head + body)
        else:
            part = b"%x\r\n%b\r\n" % (len(body), body) if body else b""
            self.transport.write(b"%b%b%b" % (head, part, b"0\r\n\r\n" if is_last else b""))
        if is_last:
            self._end()

    def _end(self) -> None:
        if self.expected_content_length != 0:
            raise RuntimeError("Response content shorter than Content-Length")
        self.response_complete = True
        self.message_event.set()
        if not self.keep_alive:
            self.transport.close()
        self.on_response()


@lru_cache(maxsize=256)
def _parts_of(url: bytes) -> tuple[str, bytes, bytes]:
    """A URL's path, the same as it came, and the query behind it."""
    parsed = httptools.parse_url(url)
    path = parsed.path.decode("ascii")
    return unquote(path) if "%" in path else path, parsed.path, parsed.query or b""


@lru_cache(maxsize=512)
def _line_begins(name: bytes) -> bytes:
    """A header's line up to its value; blank for a name that isn't usual."""
    found = name.lower()
    return b"" if found in OF_THE_CONNECTION or HEADER_RE.search(name) else found + b": "


def _has_controls(values: bytes) -> bool:
    return len(values.translate(None, CONTROLS)) != len(values)


_last_defaults: tuple[Headers, bytes] = ((), b"")


def _default_lines(headers: Headers) -> bytes:
    """The server's own headers, which are other ones once a second."""
    global _last_defaults  # noqa: PLW0603 - the list that it was made of, and the lines
    held, lines = _last_defaults
    if held is not headers:
        lines = b"".join([b"%b: %b\r\n" % (name.lower(), value) for name, value in headers])
        _last_defaults = headers, lines
    return lines


def connection_for(cycle: type[Any]) -> type[HttpToolsProtocol]:
    """The shorter way where uvicorn's cycle of a request is the known one, else uvicorn's own."""
    if tuple(inspect.signature(cycle.__init__).parameters) == MADE_OF:
        return ShortConnection
    logger.warning("This release of uvicorn isn't known here: it serves HTTP on its own way.")
    return HttpToolsProtocol


Connection = connection_for(RequestResponseCycle)
