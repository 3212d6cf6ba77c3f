"""Requests to one server, as many at a time as wanted, over connections that are open."""

import asyncio
import itertools
import json
import os
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import aiohttp

from benchmarks.gateway_servers import Contestant
from benchmarks.http_messages import ends_at
from benchmarks.processes import cpu_seconds, memory_mb

OPENING_SECONDS = 0.2
GOOD = b"HTTP/1.1 200"
SERVER, LOAD, PROVIDER, DATABASE = "server", "load", "provider", "database"
NOBODY: Mapping[str, Sequence[int]] = {}


@dataclass(frozen=True, slots=True)
class Load:
    """What came of it: how long each answered request took, and the CPU of all who took part.

    `cpu_seconds` names the server's as SERVER, beside those of the processes that the load was
    told to look at.
    """

    each: list[float]
    seconds: float
    cpu_seconds: Mapping[str, float]

    @property
    def per_second(self) -> float:
        return len(self.each) / self.seconds

    @property
    def cpu_ms(self) -> float:
        """What one request took of the server, in milliseconds."""
        return self.cpu_seconds[SERVER] * 1000 / len(self.each)


class _Asker(asyncio.Protocol):
    """One connection, on which a request follows the answer to the one before.

    Only as much of an answer is read as tells that it is whole: what reading costs would be taken
    from the server, which shares the machine.
    """

    def __init__(self, who: str, requests: Iterator[bytes], begins: float, ends: float) -> None:
        self.took: list[float] = []
        self.over: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._who, self._requests = who, requests
        self._begins, self._ends = begins, ends
        self._came = b""
        self._asked = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: asyncio.Transport = transport  # type: ignore[assignment]  # TCP's has both ways

    def ask(self) -> None:
        self._asked = time.perf_counter()
        self._transport.write(next(self._requests))

    def data_received(self, data: bytes) -> None:
        came = self._came + data if self._came else data
        if not ends_at(came):
            self._came = came
            return
        self._came = b""
        now = time.perf_counter()
        if not came.startswith(GOOD):
            self._fail(came[:1000].decode(errors="replace"))
            return
        if self._begins <= now <= self._ends:
            self.took.append(now - self._asked)
        if now < self._ends:
            self.ask()
        else:
            self.over.set_result(None)
            self._transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        self._fail(f"it closed the connection: {exc}")

    def _fail(self, why: str) -> None:
        if not self.over.done():
            self.over.set_exception(ConnectionError(f"{self._who}: {why}"))


async def load(
    who: Contestant,
    body: Mapping[str, Any],
    *,
    in_flight: int,
    seconds: float,
    latency: float = 0.0,
    beside: Mapping[str, Sequence[int]] = NOBODY,
) -> Load:
    """Keep as many requests in flight for some seconds, each on a connection of its own.

    They begin one after the other across the provider's latency, so that they don't come in waves,
    and count once all connections are open. `beside` names other processes whose CPU is told, by
    their ids. Raises ConnectionError where an answer is no success.
    """
    requests = _requests(who, body)
    address = urlsplit(who.url)
    host, port = address.hostname or "", address.port or 80
    begins = time.perf_counter() + OPENING_SECONDS + 3 * latency
    ends = begins + seconds
    loop = asyncio.get_running_loop()

    async def one(place: int) -> list[float]:
        _, asker = await loop.create_connection(
            lambda: _Asker(who.name, requests, begins, ends), host, port
        )
        await asyncio.sleep(latency * place / in_flight)
        asker.ask()
        await asker.over
        return asker.took

    async def count_cpu() -> dict[str, float]:
        counted = {SERVER: [who.process.pid], LOAD: [os.getpid()], **beside}
        await asyncio.sleep(begins - time.perf_counter())
        used = {name: cpu_seconds(pids) for name, pids in counted.items()}
        await asyncio.sleep(ends - time.perf_counter())
        return {name: cpu_seconds(pids) - used[name] for name, pids in counted.items()}

    took = asyncio.gather(*map(one, range(in_flight)))
    cpu = await count_cpu()
    return Load(list(itertools.chain(*await took)), seconds, cpu)


def _requests(who: Contestant, body: Mapping[str, Any]) -> Iterator[bytes]:
    """Whole requests, ready to be sent: only a number in the body's text is another each time."""
    address, bodies = urlsplit(who.url), _bodies(who, body)
    headers = {"Host": address.netloc, "Accept": "*/*", "User-Agent": "benchmark", **_headers(who)}
    lines = [f"POST {address.path}/chat/completions HTTP/1.1"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    # Of all bodies: the number has as many digits in each.
    lines += [f"Content-Length: {len(next(bodies))}", "", ""]
    head = "\r\n".join(lines).encode()
    return (head + content for content in bodies)


def _headers(who: Contestant) -> dict[str, str]:
    key = f"Bearer {who.key}"
    return {"Content-Type": "application/json", "Authorization": key, **who.headers}


@dataclass(frozen=True, slots=True)
class Streams:
    """What came of many streams at once: the server's CPU for each piece, and its memory."""

    cpu_ms: float
    memory_mb: float
    seconds: float


async def streams(who: Contestant, body: Mapping[str, Any], *, count: int) -> Streams:
    """Read as many streams at the same time to their ends; ends the process if one is cut."""
    bodies = _bodies(who, {**body, "stream": True})
    url, pieces = f"{who.url}/chat/completions", 0
    connector = aiohttp.TCPConnector(limit=count)
    before = memory_mb(who.process.pid)
    begun, used = time.perf_counter(), cpu_seconds([who.process.pid])
    async with aiohttp.ClientSession(connector=connector, headers=_headers(who)) as session:

        async def one(place: int) -> None:
            nonlocal pieces
            await asyncio.sleep(OPENING_SECONDS * place / count)
            last = b""
            async with session.post(url, data=next(bodies)) as reply:
                async for piece in reply.content.iter_any():
                    pieces += piece.count(b'"content"')
                    last = (last + piece)[-64:]
            if reply.status != 200 or b"data: [DONE]" not in last:
                sys.exit(f"{who.name}: a stream was cut: {reply.status} {last!r}")

        async def look() -> float:
            most = before
            while True:
                most = max(most, memory_mb(who.process.pid))
                try:
                    await asyncio.sleep(0.5)
                except asyncio.CancelledError:
                    return most

        looking = asyncio.create_task(look())
        await asyncio.gather(*map(one, range(count)))
        looking.cancel()
        most = await looking
    cpu = cpu_seconds([who.process.pid]) - used
    return Streams(cpu * 1000 / pieces, most - before, time.perf_counter() - begun)


def _bodies(who: Contestant, body: Mapping[str, Any]) -> Iterator[bytes]:
    """Each asks something else, or a cache would answer."""
    text = json.dumps({"model": who.model, **body}).encode()
    head, _, tail = text.partition(b"NUMBER")
    return (b"%b%d%b" % (head, number, tail) for number in itertools.count(time.time_ns()))
