"""HTTP/1.1 connections to providers: kept open, one exchange at a time, each reply capped.

The parser is llhttp (through httptools), which refuses ambiguous framing. Nothing is ever sent
twice: a request whose connection ends without a reply is reported, and its sender decides.
"""

import asyncio
import socket
import ssl
from collections import deque
from collections.abc import Callable
from functools import lru_cache
from typing import Any, NamedTuple

import aiohappyeyeballs
import httptools

MAX_HEAD_BYTES = 64 * 1024  # of a reply's status line and headers, interim replies included
MAX_BUFFERED_BYTES = 256 * 1024  # of a stream that nobody reads at the moment
MAX_CONNECTIONS = 1000  # to one place, per event loop
IDLE_SECONDS = 30.0  # that an unused connection is kept
NAME_SECONDS = 10.0  # that a host's addresses are believed
HAPPY_EYEBALLS_SECONDS = 0.25

SocketFactory = Callable[[Any], socket.socket]


class NotConnected(OSError):
    """No connection could be made."""


class HungUp(OSError):
    """The server closed the connection instead of answering."""


class CutOff(OSError):
    """The server closed the connection in the middle of its reply."""


class NotHTTP(OSError):
    """What came is no HTTP reply."""


class ReplyTooLarge(OSError):
    """A reply's head or body is larger than its limit."""


class Origin(NamedTuple):
    """Where connections of a pool go to; `socket_factory` refuses addresses not allowed."""

    host: str
    port: int
    tls: bool
    socket_factory: SocketFactory


class IncomingReply:
    """A reply while it comes: first its head, then its body.

    `max_bytes` caps a body that is collected whole; a stream's reader counts for itself.
    """

    __slots__ = (
        "by_end", "complete", "error", "headers", "max_bytes", "parts", "size", "status",
        "streams", "waiter",
    )  # fmt: skip

    def __init__(self, waiter: "asyncio.Future[None]", max_bytes: int, *, streams: bool) -> None:
        self.waiter: asyncio.Future[None] | None = waiter
        self.max_bytes = max_bytes
        self.streams = streams
        self.status = 0  # until the head has come
        self.headers: dict[bytes, bytes] = {}
        self.parts: deque[bytes] = deque()
        self.size = 0  # of the parts that wait to be read
        self.by_end = False  # the body ends with the connection
        self.complete = False
        self.error: Exception | None = None

    def body(self) -> bytes:
        """What has come of the body since it was last asked for."""
        parts = self.parts
        if len(parts) == 1:
            self.size = 0
            return parts.popleft()
        found = b"".join(parts)
        parts.clear()
        self.size = 0
        return found

    def wake(self) -> None:
        """Have the one who waits look again."""
        waiter, self.waiter = self.waiter, None
        if waiter is not None and not waiter.done():
            if self.error is not None:
                waiter.set_exception(self.error)
            else:
                waiter.set_result(None)


class ProviderConnection(asyncio.Protocol):
    """One connection: unused, or in the middle of one exchange."""

    def __init__(self, pool: "ConnectionPool") -> None:
        self.pool = pool
        self.transport: asyncio.Transport | None = None
        self.reply: IncomingReply | None = None
        self.unused_since = 0.0
        self._parser = httptools.HttpResponseParser(self)
        self._headers: dict[bytes, bytes] = {}
        self._head_bytes = 0
        self._interim = False  # a reply such as 100 Continue, which another one follows
        self._ended = False
        self._reusable = False
        self._paused = False

    @property
    def usable(self) -> bool:
        """Whether a request can be sent on it."""
        return self.transport is not None and not self.transport.is_closing()

    def ask(self, request: bytes, reply: IncomingReply) -> None:
        """Send a request; what comes goes to `reply`."""
        assert self.transport is not None  # noqa: S101 - the pool gives out open ones
        self.reply = reply
        self._head_bytes = 0
        self._ended = False
        self.transport.write(request)

    def fail(self, error: Exception) -> None:
        """End the exchange with an error, and the connection with it."""
        reply, self.reply = self.reply, None
        self.hang_up()
        if reply is not None:
            reply.error = error
            reply.wake()

    def time_is_over(self) -> None:
        """End the exchange: its reply isn't whole in time."""
        self.fail(TimeoutError())

    def hang_up(self) -> None:
        """Close at once; whoever waits for a reply has left."""
        self.reply = None
        if self.transport is not None:
            self.transport.abort()

    def resume(self) -> None:
        """Read on, after what had come was taken."""
        if self._paused and self.transport is not None:
            self._paused = False
            self.transport.resume_reading()

    # Called by the event loop

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport  # type: ignore[assignment]

    def connection_lost(self, exc: Exception | None) -> None:
        self.transport = None
        self.pool.lost(self)
        reply = self.reply
        if reply is None:
            return
        if not reply.status:
            self.fail(exc if isinstance(exc, OSError) else HungUp())
        elif reply.by_end and exc is None:
            self._finish(reply)
        else:
            self.fail(CutOff())

    def data_received(self, data: bytes) -> None:
        reply = self.reply
        if reply is None:  # nobody asked
            self.hang_up()
            return
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self.fail(reply.error or NotHTTP())
            return
        if reply.error is not None:
            self.fail(reply.error)
        elif self._ended:
            self._finish(reply)
        elif not reply.status:
            self._head_bytes += len(data)
            if self._head_bytes > MAX_HEAD_BYTES:
                self.fail(ReplyTooLarge())
        elif reply.streams:
            if reply.size > MAX_BUFFERED_BYTES and not self._paused and self.transport is not None:
                self._paused = True
                self.transport.pause_reading()
            reply.wake()

    # Called by the parser, inside of data_received

    def on_message_begin(self) -> None:
        self._headers = {}
        if self._ended:  # more than was asked for: whose reply would that be?
            self._reusable = False

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep it by its name in lower case; what comes several times is joined as one list."""
        name, headers = name.lower(), self._headers
        headers[name] = b"%b, %b" % (headers[name], value) if name in headers else value

    def on_headers_complete(self) -> None:
        status = self._parser.get_status_code()
        self._interim = 100 <= status < 200
        reply = self.reply
        if self._interim or self._ended or reply is None:
            return
        headers = reply.headers = self._headers
        self._headers = {}  # of what a chunked body has behind it: nobody believes that
        reply.status = status
        coding = headers.get(b"transfer-encoding")
        if coding is not None:
            if coding.strip().lower() != b"chunked":
                reply.error = NotHTTP()
        else:
            length = headers.get(b"content-length")
            reply.by_end = length is None
            if length is not None and not reply.streams and int(length) > reply.max_bytes:
                reply.error = ReplyTooLarge()

    def on_body(self, part: bytes) -> None:
        reply = self.reply
        if self._ended or reply is None or reply.error is not None:
            return
        reply.size += len(part)
        if reply.size > reply.max_bytes and not reply.streams:
            reply.error = ReplyTooLarge()
        else:
            reply.parts.append(part)

    def on_message_complete(self) -> None:
        if not self._interim and not self._ended:
            self._ended = True
            self._reusable = self._parser.should_keep_alive()

    def _finish(self, reply: IncomingReply) -> None:
        """The whole reply is here: the connection is free for another exchange."""
        self.reply = None
        reply.complete = True
        if self._reusable and self._ended and self.usable:
            if self._paused:
                self.resume()
            self.pool.keep(self)
        else:
            self.hang_up()
        reply.wake()


class ConnectionPool:
    """The connections of one event loop to one place."""

    def __init__(self, loop: asyncio.AbstractEventLoop, place: Origin) -> None:
        self.loop = loop
        self.place = place
        self.unused: list[ProviderConnection] = []  # the one used last is taken first
        self.open: set[ProviderConnection] = set()
        self._connecting = 0
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._addresses: list[Any] = []
        self._addresses_until = 0.0
        self._sweep: asyncio.TimerHandle | None = None

    def take(self) -> ProviderConnection | None:
        """An unused connection, None if there is none."""
        unused = self.unused
        while unused:
            connection = unused.pop()
            if connection.usable:
                return connection
        return None

    async def connect(self) -> ProviderConnection:
        """A new connection, or an old one that became free first; raises NotConnected."""
        while len(self.open) + self._connecting >= MAX_CONNECTIONS:
            free = self.loop.create_future()
            self._waiting.append(free)
            await free
            if (connection := self.take()) is not None:
                return connection
        self._connecting += 1
        try:
            return await self._connect()
        except ssl.SSLError as error:
            raise NotConnected(error.errno, "TLS failed") from None
        except OSError as error:
            raise NotConnected(error.errno, error.strerror or type(error).__name__) from None
        finally:
            self._connecting -= 1

    def keep(self, connection: ProviderConnection) -> None:
        """Take a connection back for the next exchange."""
        connection.unused_since = self.loop.time()
        self.unused.append(connection)
        if self._waiting:
            self._let_one_in()
        if self._sweep is None:
            self._sweep = self.loop.call_later(IDLE_SECONDS, self._close_unused)

    def lost(self, connection: ProviderConnection) -> None:
        """A connection is closed."""
        self.open.discard(connection)
        if connection in self.unused:
            self.unused.remove(connection)
        self._let_one_in()

    def close(self) -> None:
        """Close all connections; exchanges under way end as hung up."""
        if self._sweep is not None:
            self._sweep.cancel()
            self._sweep = None
        for each in list(self.open):
            each.fail(HungUp())

    def _let_one_in(self) -> None:
        while self._waiting:
            free = self._waiting.popleft()
            if not free.done():
                free.set_result(None)
                return

    def _close_unused(self) -> None:
        before = self.loop.time() - IDLE_SECONDS
        for each in [each for each in self.unused if each.unused_since <= before]:
            self.unused.remove(each)
            each.hang_up()
        self._sweep = None
        if self.unused:
            left = min(each.unused_since for each in self.unused) - before
            self._sweep = self.loop.call_later(max(1.0, left), self._close_unused)

    async def _connect(self) -> ProviderConnection:
        place = self.place
        made = await aiohappyeyeballs.start_connection(
            await self._resolved(),
            happy_eyeballs_delay=HAPPY_EYEBALLS_SECONDS,
            interleave=1,
            loop=self.loop,
            socket_factory=place.socket_factory,
        )
        try:
            made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            _, connection = await self.loop.create_connection(
                lambda: ProviderConnection(self),
                sock=made,
                ssl=tls_context() if place.tls else None,
                server_hostname=place.host.rstrip(".") if place.tls else None,
            )
        except BaseException:
            made.close()
            raise
        self.open.add(connection)
        return connection

    async def _resolved(self) -> list[Any]:
        now = self.loop.time()
        if now >= self._addresses_until:
            place = self.place
            self._addresses = await self.loop.getaddrinfo(
                place.host, place.port, type=socket.SOCK_STREAM
            )
            self._addresses_until = now + NAME_SECONDS
        return list(self._addresses)


@lru_cache(maxsize=1)
def tls_context() -> ssl.SSLContext:
    """The system's certificates, HTTP/1.1 alone."""
    context = ssl.create_default_context()
    context.set_alpn_protocols(["http/1.1"])
    return context
