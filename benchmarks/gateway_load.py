"""Requests to one server, as many at a time as wanted, over connections that are open."""

import asyncio
import itertools
import json
import os
import re
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

from benchmarks.gateway_servers import Contestant

OPENING_SECONDS = 0.2
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Load:
    """What came of it: how long each answered request took, all of them, and the server's CPU."""

    each: list[float]
    seconds: float
    cpu_seconds: float

    @property
    def per_second(self) -> float:
        return len(self.each) / self.seconds


async def load(
    who: Contestant,
    body: Mapping[str, Any],
    *,
    in_flight: int,
    seconds: float,
    latency: float = 0.0,
) -> Load:
    """Keep as many requests in flight for some seconds.

    They begin one after the other across the provider's latency, so that they don't come in waves,
    and count once all connections are open.
    """
    took: list[float] = []
    bodies = _bodies(who, body)
    headers = _headers(who)
    url = f"{who.url}/chat/completions"
    connector = aiohttp.TCPConnector(limit=in_flight)
    begins = time.perf_counter() + OPENING_SECONDS + 3 * latency
    ends = begins + seconds
    async with aiohttp.ClientSession(connector=connector, headers=headers) as session:

        async def worker(place: int) -> None:
            await asyncio.sleep(latency * place / in_flight)
            while (asked := time.perf_counter()) < ends:
                async with session.post(url, data=next(bodies)) as reply:
                    await reply.read()
                    if reply.status != 200:
                        sys.exit(f"{who.name}: {reply.status} {await reply.text()}")
                if begins <= (now := time.perf_counter()) <= ends:
                    took.append(now - asked)

        async def count_cpu() -> float:
            await asyncio.sleep(begins - time.perf_counter())
            used = _cpu_seconds(who)
            await asyncio.sleep(ends - time.perf_counter())
            return _cpu_seconds(who) - used

        used, *_ = await asyncio.gather(count_cpu(), *map(worker, range(in_flight)))
    return Load(took, seconds, used or 0.0)


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
    before = memory_mb(who)
    begun, used = time.perf_counter(), _cpu_seconds(who)
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
                most = max(most, memory_mb(who))
                try:
                    await asyncio.sleep(0.5)
                except asyncio.CancelledError:
                    return most

        looking = asyncio.create_task(look())
        await asyncio.gather(*map(one, range(count)))
        looking.cancel()
        most = await looking
    cpu = _cpu_seconds(who) - used
    return Streams(cpu * 1000 / pieces, most - before, time.perf_counter() - begun)


def _bodies(who: Contestant, body: Mapping[str, Any]) -> Iterator[bytes]:
    """Each asks something else, or a cache would answer."""
    text = json.dumps({"model": who.model, **body}).encode()
    head, _, tail = text.partition(b"NUMBER")
    return (b"%b%d%b" % (head, number, tail) for number in itertools.count(time.time_ns()))


def memory_mb(who: Contestant) -> float:
    """What the server and its children hold in memory now."""
    return sum(_resident_mb(pid) for pid in _family(who.process.pid))


def _family(pid: int) -> Iterator[int]:
    yield pid
    for children in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in children.read_text(encoding="utf-8").split():
            yield from _family(int(child))


def _resident_mb(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    found = re.search(r"VmRSS:\s+(\d+) kB", status)
    return int(found[1]) / 1024 if found else 0.0


def _cpu_seconds(who: Contestant) -> float:
    """User and system time of the server so far, all threads."""
    facts = Path(f"/proc/{who.process.pid}/stat").read_text(encoding="utf-8")
    user, system = facts.rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) / TICKS
