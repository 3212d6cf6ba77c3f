"""The guarded way out: HTTP to providers, and to the sources of facts that a person configured.

One pooled session per event loop and kind of address. No redirects (they would re-send prompt and
key elsewhere), no proxies or credentials of the environment, no cookies, replies capped in bytes
and time, and each address checked when it is connected to. aiohttp is imported by the functions
that use it: it takes 0.1 s, and a process that makes no call doesn't need it.
"""

import asyncio
import zlib
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from yarl import URL

from llmconfig.client.http import egress
from llmconfig.runtime.per_loop import PerLoop

if TYPE_CHECKING:
    import aiohttp

MAX_BYTES = 16 * 1024 * 1024  # of one reply, unpacked; the longest real answers are far below 1 MB
MAX_CONNECTIONS = 1000
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


@dataclass(frozen=True, slots=True)
class Response:
    """A whole reply: its status, headers and unpacked body."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(slots=True)
class _OpenSession:
    """A session, and the generator that closes it when its loop ends."""

    session: "aiohttp.ClientSession"
    keeper: "AsyncGenerator[aiohttp.ClientSession]"


_sessions: PerLoop[dict[bool, _OpenSession]] = PerLoop(dict)


async def post(
    url: URL, *, headers: Mapping[str, str], body: bytes, timeout_s: float, private: bool
) -> Response:
    """Send a request and read its whole reply within `timeout_s` seconds; raises RequestFailed.

    `private` allows addresses in one's own network. Headers never appear in errors.
    """
    return await _exchange(
        "POST", url, headers=headers, body=body, timeout_s=timeout_s, private=private
    )


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
    import aiohttp  # noqa: PLC0415 - late, see above

    session = await _session(private=private)
    try:
        async with session.request(
            method,
            url,
            data=body,
            headers=headers,
            timeout=aiohttp.ClientTimeout(total=timeout_s, sock_connect=_connect_s(timeout_s)),
            allow_redirects=False,
        ) as reply:
            return Response(reply.status, reply.headers, await _read(reply, most_bytes))
    except RequestFailed:
        raise
    except (aiohttp.ClientError, OSError) as error:
        failure = _failure(error, url, timeout_s)
    raise failure


@dataclass(frozen=True, slots=True)
class Opened:
    """A reply whose body is still coming."""

    status: int
    headers: Mapping[str, str]
    reply: "aiohttp.ClientResponse"

    @property
    def streams(self) -> bool:
        """Whether it is a good reply made of events."""
        kind = self.headers.get("Content-Type", "")
        return self.status == 200 and kind.partition(";")[0].strip().lower() == "text/event-stream"

    async def whole(self) -> Response:
        """The rest of it, read to its end."""
        return Response(self.status, self.headers, await _read(self.reply))

    async def pieces(
        self, max_bytes: int = MAX_BYTES, *, silence_s: float | None = None
    ) -> AsyncIterator[bytes]:
        """The body as it comes; raises RequestFailed when there is too much of it.

        `silence_s` is the longest time between two pieces, in seconds, once the first has come.
        """
        size = 0
        pieces = self.reply.content.iter_any()
        while True:
            try:
                async with asyncio.timeout(silence_s if size else None):
                    piece = await anext(pieces, None)
            except TimeoutError:
                if not (size and silence_s):
                    raise
                why = f"nothing more came of the stream for {silence_s:g} s"
                raise RequestFailed("timeout", why, transient=True) from None
            if piece is None:
                return
            size += len(piece)
            if size > max_bytes:
                raise _too_large(max_bytes)
            yield piece


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
    import aiohttp  # noqa: PLC0415 - late, see above

    session = await _session(private=private)
    try:
        async with session.request(
            method,
            url,
            data=body,
            headers=headers,
            timeout=aiohttp.ClientTimeout(
                total=None,
                connect=timeout_s,
                sock_connect=_connect_s(timeout_s),
                sock_read=timeout_s,
            ),
            allow_redirects=False,
        ) as reply:
            yield Opened(reply.status, reply.headers, reply)
            return
    except RequestFailed:
        raise
    except (aiohttp.ClientError, OSError) as error:
        failure = _failure(error, url, timeout_s)
    raise failure


def warm() -> None:
    """Import what calls need, in a server or worker that is going to make some."""
    import aiohttp  # noqa: F401, PLC0415 - late, see above


async def aclose() -> None:
    """Close this event loop's sessions; the next call opens new ones."""
    for opened in (_sessions.pop() or {}).values():
        await opened.keeper.aclose()


async def _session(*, private: bool) -> "aiohttp.ClientSession":
    mine = _sessions.get()
    opened = mine.get(private)
    if opened is None:
        keeper = _keep(private=private)
        opened = mine[private] = _OpenSession(await anext(keeper), keeper)
    return opened.session


async def _keep(*, private: bool) -> "AsyncGenerator[aiohttp.ClientSession]":
    """Hold a session open. asyncio.run and its like close open generators when they end a loop,
    and this one then closes the session."""
    import aiohttp  # noqa: PLC0415 - late, see above

    connector = aiohttp.TCPConnector(
        limit=MAX_CONNECTIONS,
        keepalive_timeout=30,
        socket_factory=egress.private_socket if private else egress.public_socket,
    )
    session = aiohttp.ClientSession(
        connector=connector,
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,
        trust_env=False,
    )
    try:
        yield session
    finally:
        await session.close()


async def _read(reply: "aiohttp.ClientResponse", most_bytes: int = MAX_BYTES) -> bytes:
    length = reply.content_length
    if length is not None and length <= most_bytes:
        body = await reply.read()
    else:
        body = await _read_capped(reply, most_bytes)
    encoding = reply.headers.get("Content-Encoding", "identity").lower()
    return body if encoding in {"identity", ""} else _unpacked(body, encoding, most_bytes)


async def _read_capped(reply: "aiohttp.ClientResponse", most_bytes: int) -> bytes:
    parts, size = [], 0
    async for part in reply.content.iter_any():
        size += len(part)
        if size > most_bytes:
            raise _too_large(most_bytes)
        parts.append(part)
    return b"".join(parts)


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


def _failure(error: Exception, url: URL, timeout_s: float) -> RequestFailed:
    """What went wrong, in words that name host and port and nothing secret."""
    import aiohttp  # noqa: PLC0415 - late, see above

    if getattr(error, "errno", None) == egress.REFUSED_ERRNO:
        code, why = "egress_refused", "its address is not one for this provider (LLM_EGRESS_ALLOW)"
    elif isinstance(error, aiohttp.ConnectionTimeoutError):
        code, why = "connection", f"no connection within {_connect_s(timeout_s):g} s"
    elif isinstance(error, TimeoutError):
        code, why = "timeout", f"no whole reply within {timeout_s:g} s"
    elif isinstance(error, aiohttp.ClientPayloadError):
        code, why = "bad_reply", "the reply was cut off"
    elif isinstance(error, aiohttp.ClientResponseError):
        code, why = "bad_reply", "the reply is not HTTP"
    elif isinstance(error, aiohttp.InvalidURL):
        code, why = "egress_refused", "this is no plain address"
    else:
        code, why = "connection", _said(error)
    return RequestFailed(
        code,
        f"{url.host}:{url.port}: {why}",
        transient=code != "egress_refused",
        unreached=code == "connection" and isinstance(error, aiohttp.ClientConnectorError),
    )


def _said(error: Exception) -> str:
    import aiohttp  # noqa: PLC0415 - late, see above

    if isinstance(error, aiohttp.ServerDisconnectedError):
        return "the server hung up"
    if isinstance(error, aiohttp.ClientSSLError):
        return "TLS failed"
    return getattr(error, "strerror", None) or type(error).__name__
