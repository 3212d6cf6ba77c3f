"""The guarded way out: HTTP to providers, and to the sources of facts that a person configured.

One pool of connections per event loop and place. No redirects (they would re-send prompt and
key elsewhere), no proxies or credentials of the environment, no cookies, replies capped in bytes
and time, and each address checked when it is connected to.
"""

import asyncio
import zlib
from collections.abc import AsyncGenerator, AsyncIterator, Coroutine, Mapping
from contextlib import asynccontextmanager
from typing import Any

from msgspec import Struct
from yarl import URL

from llmconfig.client.http import connections, egress
from llmconfig.client.http.connections import (
    ConnectionPool,
    IncomingReply,
    NotConnected,
    Origin,
    ProviderConnection,
)
from llmconfig.client.http.destinations import BadAddress, Destination, destination
from llmconfig.client.http.patience import Patience
from llmconfig.client.http.reply_headers import ReplyHeaders
from llmconfig.runtime.per_loop import PerLoop
from llmconfig.runtime.time_limits import limits_of

MAX_BYTES = 16 * 1024 * 1024  # of one reply, unpacked; the longest real answers are far below 1 MB
# Longest wait for a connection, TLS included; a server that thinks for minutes accepts at once.
MAX_CONNECT_SECONDS = 10.0
ANY_WINDOW = zlib.MAX_WBITS | 32  # gzip or zlib, told by their first bytes


class RequestFailed(Exception):
    """A request that brought no reply. `transient`: the same again may bring one.

    `unreached`: nobody listens at the address, or it can't be reached.
    """

    def __init__(self, code: str, detail: str, *, transient: bool, unreached: bool = False) -> None:
        super().__init__(detail)
        self.unreached = unreached
        self.code = code
        self.detail = detail
        self.transient = transient


class Response(Struct, frozen=True):
    """A whole reply: its status, headers and unpacked body."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class _NoConnection(TimeoutError):
    """No connection in time."""


class _Pools(Struct):
    """An event loop's connections by place, and the generator that closes them with the loop."""

    pools: dict[Origin, ConnectionPool]
    keeper: AsyncGenerator[None]


_open_pools: PerLoop[_Pools] = PerLoop()


def post(
    url: URL, *, headers: Mapping[str, str], body: bytes, timeout_s: float, private: bool
) -> Coroutine[Any, Any, Response]:
    """Send a request and read its whole reply within `timeout_s` seconds; raises RequestFailed.

    `private` allows addresses in one's own network. Headers never appear in errors.
    """
    return _exchange("POST", url, headers=headers, body=body, timeout_s=timeout_s, private=private)


async def get(
    url: URL,
    *,
    headers: Mapping[str, str],
    timeout_s: float,
    private: bool,
    most_bytes: int = MAX_BYTES,
) -> Response:
    """The same without a body, for what costs nothing: lists of models, and facts."""
    return await _exchange(
        "GET",
        url,
        headers=headers,
        body=None,
        timeout_s=timeout_s,
        private=private,
        most_bytes=most_bytes,
    )


async def _exchange(
    method: str,
    url: URL,
    *,
    headers: Mapping[str, str],
    body: bytes | None,
    timeout_s: float,
    private: bool,
    most_bytes: int = MAX_BYTES,
) -> Response:
    try:
        there = destination(method, url, headers, private=private)
    except BadAddress as error:
        failure = _failure(error, url, timeout_s, most_bytes)
    else:
        return await send(there, body, timeout_s=timeout_s, most_bytes=most_bytes)
    raise failure


async def send(
    there: Destination, body: bytes | None, *, timeout_s: float, most_bytes: int = MAX_BYTES
) -> Response:
    """`post` and `get` for a destination that was worked out before; raises RequestFailed."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    try:
        held = _open_pools.find(loop)
        pool = held.pools.get(there.origin) if held is not None else None
        connection = pool.take() if pool is not None else None
        if connection is None:
            connection = await _connected(loop, there.origin, timeout_s)
        waiter = loop.create_future()
        reply = IncomingReply(waiter, most_bytes, streams=False)
        limit = limits_of(loop)[timeout_s - (loop.time() - began)]
        limit.begin(connection)
        try:
            connection.ask(there.request(body), reply)
            await waiter
        except asyncio.CancelledError:
            connection.hang_up()
            raise
        finally:
            limit.end(connection)
        headers = ReplyHeaders(reply.headers)
        if b"content-encoding" in reply.headers:
            return Response(reply.status, headers, _plain(headers, reply.body(), most_bytes))
        return Response(reply.status, headers, reply.body())
    except OSError as error:
        failure = _failure(error, there.url, timeout_s, most_bytes)
    raise failure


class Opened(Struct, frozen=True):
    """A reply whose body is still coming; each wait for more takes `wait_s` seconds at most."""

    status: int
    headers: Mapping[str, str]
    reply: IncomingReply
    connection: ProviderConnection
    wait_s: float

    @property
    def streams(self) -> bool:
        """Whether it is a good reply made of events."""
        kind = self.headers.get("Content-Type", "")
        return self.status == 200 and kind.partition(";")[0].strip().lower() == "text/event-stream"

    async def whole(self) -> Response:
        """The rest of it, read to its end; raises RequestFailed."""
        body = b"".join([piece async for piece in self.pieces()])
        return Response(self.status, self.headers, _plain(self.headers, body, MAX_BYTES))

    async def pieces(
        self, max_bytes: int = MAX_BYTES, *, silence_s: float | None = None
    ) -> AsyncIterator[bytes]:
        """The body as it comes; raises RequestFailed when there is too much of it.

        `silence_s` is the longest time between two pieces, in seconds, once the first has come.
        """
        size, patience = 0, Patience(self.reply)
        try:
            while piece := await self._piece(patience, (size and silence_s) or self.wait_s):
                size += len(piece)
                if size > max_bytes:
                    raise _too_large(max_bytes)
                yield piece
        except TimeoutError:
            if not (size and silence_s):
                raise
            why = f"nothing more came of the stream for {silence_s:g} s"
            raise RequestFailed("timeout", why, transient=True) from None
        finally:
            patience.end()

    async def _piece(self, patience: Patience, seconds: float) -> bytes:
        """What has come, at least a byte; empty at the end. Raises TimeoutError."""
        reply = self.reply
        while not reply.parts:
            if reply.complete:
                return b""
            if reply.error is not None:
                raise reply.error
            await patience.wait(seconds)
        piece = reply.body()
        self.connection.resume()
        return piece


@asynccontextmanager
async def open_stream(
    url: URL, *, headers: Mapping[str, str], body: bytes, timeout_s: float, private: bool
) -> AsyncIterator[Opened]:
    """Send a request and give its reply before its body has come; raises RequestFailed.

    `timeout_s` bounds each wait for the server, not the whole: the caller does that. Leaving the
    block early hangs up.
    """
    opened = _opened("POST", url, headers=headers, body=body, timeout_s=timeout_s, private=private)
    async with opened as reply:
        yield reply


@asynccontextmanager
async def open_download(
    url: URL, *, headers: Mapping[str, str], timeout_s: float, private: bool
) -> AsyncIterator[Opened]:
    """The same for a GET: a file that is too large to be held in memory."""
    opened = _opened("GET", url, headers=headers, body=None, timeout_s=timeout_s, private=private)
    async with opened as reply:
        yield reply


@asynccontextmanager
async def _opened(
    method: str,
    url: URL,
    *,
    headers: Mapping[str, str],
    body: bytes | None,
    timeout_s: float,
    private: bool,
) -> AsyncIterator[Opened]:
    loop = asyncio.get_running_loop()
    try:
        there = destination(method, url, headers, private=private)
        held = _open_pools.find()
        pool = held.pools.get(there.origin) if held is not None else None
        connection = pool.take() if pool is not None else None
        if connection is None:
            connection = await _connected(loop, there.origin, timeout_s)
        waiter = loop.create_future()
        reply = IncomingReply(waiter, MAX_BYTES, streams=True)
        try:
            connection.ask(there.request(body), reply)
            async with asyncio.timeout(timeout_s):
                await waiter
            yield Opened(reply.status, ReplyHeaders(reply.headers), reply, connection, timeout_s)
            return
        finally:
            if not reply.complete:
                connection.hang_up()
    except (OSError, BadAddress) as error:
        failure = _failure(error, url, timeout_s, MAX_BYTES)
    raise failure


async def aclose() -> None:
    """Close this event loop's connections; the next call opens new ones."""
    held = _open_pools.pop()
    if held is not None:
        await held.keeper.aclose()


async def _connected(
    loop: asyncio.AbstractEventLoop, origin: Origin, timeout_s: float
) -> ProviderConnection:
    """A new connection; raises _NoConnection."""
    held = _open_pools.find()
    if held is None:
        pools: dict[Origin, ConnectionPool] = {}
        keeper = _keep(pools)
        await anext(keeper)
        held = _open_pools.put(_Pools(pools, keeper))
    pool = held.pools.get(origin)
    if pool is None:
        pool = held.pools[origin] = ConnectionPool(loop, origin)
    try:
        async with asyncio.timeout(_connect_s(timeout_s)):
            return await pool.connect()
    except TimeoutError:
        raise _NoConnection from None


async def _keep(pools: Mapping[Origin, ConnectionPool]) -> AsyncGenerator[None]:
    """Wait for the loop's end. asyncio.run and its like close open generators when they end a
    loop, and this one then closes the connections."""
    try:
        yield
    finally:
        for each in pools.values():
            each.close()


def _plain(headers: Mapping[str, str], body: bytes, most_bytes: int) -> bytes:
    encoding = headers.get("content-encoding", "identity").strip().lower()
    return body if encoding in {"identity", ""} else _unpacked(body, encoding, most_bytes)


def _unpacked(body: bytes, encoding: str, most_bytes: int) -> bytes:
    """Providers are asked for plain replies; gzip and deflate are read all the same."""
    if encoding not in {"gzip", "x-gzip", "deflate"}:
        raise RequestFailed("bad_reply", f"packed as {encoding[:20]!r} unasked", transient=True)
    try:
        plain = zlib.decompressobj(ANY_WINDOW).decompress(body, most_bytes + 1)
    except zlib.error:
        raise RequestFailed("bad_reply", "its packing is damaged", transient=True) from None
    if len(plain) > most_bytes:
        raise _too_large(most_bytes)
    return plain


def _too_large(most_bytes: int = MAX_BYTES) -> RequestFailed:
    mebi = 1024 * 1024
    size = f"{most_bytes // mebi} MB" if most_bytes % mebi == 0 else f"{most_bytes:,} bytes"
    return RequestFailed("reply_too_large", f"the reply is over {size}", transient=False)


def _connect_s(timeout_s: float) -> float:
    return min(timeout_s, MAX_CONNECT_SECONDS)


def _failure(error: Exception, url: URL, timeout_s: float, most_bytes: int) -> RequestFailed:
    """What went wrong, in words that name host and port and nothing secret."""
    if getattr(error, "errno", None) == egress.REFUSED_ERRNO:
        code, why = "egress_refused", "its address is not one for this provider (LLM_EGRESS_ALLOW)"
    elif isinstance(error, connections.ReplyTooLarge):
        return _too_large(most_bytes)
    elif isinstance(error, _NoConnection):
        code, why = "connection", f"no connection within {_connect_s(timeout_s):g} s"
    elif isinstance(error, TimeoutError):
        code, why = "timeout", f"no whole reply within {timeout_s:g} s"
    elif isinstance(error, connections.CutOff):
        code, why = "bad_reply", "the reply was cut off"
    elif isinstance(error, connections.NotHTTP):
        code, why = "bad_reply", "the reply is not HTTP"
    elif isinstance(error, BadAddress):
        code, why = "egress_refused", "this is no plain address"
    elif isinstance(error, connections.HungUp):
        code, why = "connection", "the server hung up"
    else:
        code, why = "connection", getattr(error, "strerror", None) or type(error).__name__
    return RequestFailed(
        code,
        f"{url.host}:{url.port}: {why}",
        transient=code != "egress_refused",
        unreached=code == "connection" and isinstance(error, NotConnected),
    )
