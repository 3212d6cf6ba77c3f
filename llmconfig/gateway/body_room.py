"""Room for large bodies: a picture in JSON takes its size several times while it is answered."""

import asyncio
import zlib
from collections import deque
from collections.abc import Awaitable, Callable

from llmconfig.client.sdk.asgi_scope import Message, Receive
from llmconfig.gateway.disconnects import Gone
from llmconfig.gateway.refusals import RequestRefused
from llmconfig.runtime.per_loop import PerLoop

MAX_BYTES = 32 * 1024 * 1024  # of one request: pictures come inside
SMALL_BYTES = 1024 * 1024  # takes no room
MAX_HELD_BYTES = 96 * 1024 * 1024  # of one process, body bytes of requests under way
PACKINGS = frozenset({b"gzip", b"x-gzip", b"deflate"})
ANY_WINDOW = zlib.MAX_WBITS | 32  # gzip or zlib, told by their first bytes
MAX_WAIT_SECONDS = 20.0


class _Room:
    """Bytes held by requests under way; those without room wait in line, unread."""

    def __init__(self) -> None:
        self.held = 0
        self.waiting: deque[tuple[int, asyncio.Future[None]]] = deque()

    async def take(self, size: int) -> None:
        if not self.waiting and self.held + size <= MAX_HELD_BYTES:
            self.held += size
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        entry = (size, turn)
        self.waiting.append(entry)
        try:
            await asyncio.wait_for(asyncio.shield(turn), MAX_WAIT_SECONDS)
        except BaseException as error:
            if turn.done():
                self.give_back(size)
            else:
                self.waiting.remove(entry)
                self._let_in()
            if isinstance(error, TimeoutError):
                raise RequestRefused(
                    503,
                    "overloaded",
                    "Too many large requests are under way here; try again shortly.",
                    retry_after_s=MAX_WAIT_SECONDS,
                ) from None
            raise

    def give_back(self, size: int) -> None:
        self.held -= size
        self._let_in()

    def _let_in(self) -> None:
        while self.waiting and self.held + self.waiting[0][0] <= MAX_HELD_BYTES:
            size, turn = self.waiting.popleft()
            self.held += size
            turn.set_result(None)


_rooms = PerLoop(_Room)


class Place:
    """One request's room, taken when its body turns out to be large, until it is answered."""

    def __init__(self) -> None:
        self.size = 0

    async def take(self, size: int) -> None:
        """Wait for this many bytes, once a request; raises RequestRefused if it takes too long."""
        if not self.size and size > SMALL_BYTES:
            await _rooms.get().take(size)
            self.size = size

    def leave(self) -> None:
        """Give the room to who waits."""
        if self.size:
            _rooms.get().give_back(self.size)
            self.size = 0


async def read_parts(
    message: Message, receive: Receive, take: Callable[[int], Awaitable[None]] | None
) -> bytearray:
    """A body that comes in parts, or is large, from its first message on.

    `take` waits for room of so many bytes, once it is large; None where it needs none. Raises
    RequestRefused, and Gone when the client hangs up before its end.
    """
    body = bytearray()
    while True:
        if message["type"] == "http.disconnect":
            raise Gone
        part = message.get("body", b"")
        if len(body) + len(part) > MAX_BYTES:
            raise too_large()
        body += part
        if take is not None and len(body) > SMALL_BYTES:
            await take(MAX_BYTES)  # unless it said its size
        if not message.get("more_body"):
            return body
        message = await receive()


def unpacked(body: bytes | bytearray, packing: bytes) -> bytes | bytearray:
    """A body as it was before its client packed it; raises RequestRefused (400, 413, 415)."""
    name = packing.strip().lower()
    if name in {b"", b"identity"}:
        return body
    if name not in PACKINGS:
        raise RequestRefused(
            415, "unsupported_encoding", "Send the body plain, or packed as gzip or deflate."
        )
    try:
        unpacker = zlib.decompressobj(ANY_WINDOW)
        plain = unpacker.decompress(body, MAX_BYTES + 1)
    except zlib.error:
        raise RequestRefused(400, "invalid_encoding", "The body's packing is damaged.") from None
    if len(plain) > MAX_BYTES:
        raise too_large()
    if not unpacker.eof:
        raise RequestRefused(400, "invalid_encoding", "The packed body has no end.")
    return plain


def too_large() -> RequestRefused:
    """The refusal of a body of more than MAX_BYTES."""
    return RequestRefused(
        413, "too_large", f"A request has at most {MAX_BYTES // 1024 // 1024} MB."
    )
