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
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {who.key}"}
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
