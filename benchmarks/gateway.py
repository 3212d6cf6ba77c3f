"""`python -m benchmarks.gateway`: our `/v1` beside LiteLLM's proxy, in one go.

Needs an empty database in DATABASE_URL, as `python -m project.embedded --ephemeral --` brings one.
LiteLLM is installed into an environment of its own under .nodewise/bench, for this run only: no
part of the product uses it. Writes docs/performance-gateway.md.
"""

import argparse
import os
import statistics
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field

import django
import uvloop

from benchmarks import gateway_servers as servers
from benchmarks import report
from benchmarks.gateway_load import Load, load, memory_mb
from benchmarks.gateway_servers import Contestant
from benchmarks.measurement import LATENCY_SECONDS
from benchmarks.peers import LITELLM, ROOT

DOCUMENT = ROOT / "docs" / "performance-gateway.md"
BODY = {
    "messages": [
        {
            "role": "user",
            "content": "Number NUMBER: " + "describe one dog in a few friendly words. " * 6,
        }
    ],
    "temperature": 0.3,
}
MANY = 50
LIMIT = f"of the limit, {MANY} at {LATENCY_SECONDS * 1000:.0f} ms"


@dataclass(slots=True)
class LoadFigures:
    """What was measured of one contestant, a figure a round."""

    median_ms: list[float] = field(default_factory=list)
    added_ms: list[float] = field(default_factory=list)
    per_second: list[float] = field(default_factory=list)
    cpu_ms: list[float] = field(default_factory=list)
    of_the_limit: list[float] = field(default_factory=list)
    memory_mb: float = 0.0


def main() -> None:
    """Measure the gateway, print the figures and write docs/performance-gateway.md."""
    given = _arguments()
    django.setup()
    with ExitStack() as running:
        provider = running.enter_context(servers.simulator())
        contestants = [provider]
        for name, application in (
            ("floor: raw ASGI and aiohttp, only forwarding", "bare"),
            ("floor: Django's async view and aiohttp, only forwarding", "django"),
        ):
            contestants.append(running.enter_context(servers.floor(name, application, provider)))
        ours = running.enter_context(servers.nodewise(provider))
        contestants.append(ours)
        if not given.alone:
            contestants.append(running.enter_context(servers.litellm(provider, BODY)))
        on_what = report.machine()
        measured = _measure(contestants, given)
    said = _table(measured)
    print(said)
    if not (given.alone or given.quick):
        DOCUMENT.write_text(_document(said, given, on_what), encoding="utf-8")
        print(f"Written to {DOCUMENT}")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gateway", description=__doc__)
    parser.add_argument("--seconds", type=float, default=2.5, help="of each load")
    parser.add_argument("--rounds", type=int, default=3, help="in which all take their turns")
    parser.add_argument("--alone", action="store_true", help="without LiteLLM; writes nothing")
    parser.add_argument("--quick", action="store_true", help="a short round; writes nothing")
    given = parser.parse_args()
    if given.quick:
        given.seconds, given.rounds = 0.5, 1
    return given


def _measure(
    contestants: Sequence[Contestant], given: argparse.Namespace
) -> dict[str, LoadFigures]:
    """Rounds in which each load goes to one after the other."""
    provider = contestants[0]
    found = {each.name: LoadFigures() for each in contestants}
    for each in contestants:
        _load(each, in_flight=5, seconds=min(1.0, given.seconds))  # warm
    for _ in range(given.rounds):
        _set_latency(provider, 0.0)
        for each in contestants:
            alone = _load(each, in_flight=1, seconds=given.seconds)
            found[each.name].median_ms.append(statistics.median(alone.each) * 1000)
            floor = found[provider.name].median_ms[-1]
            found[each.name].added_ms.append(found[each.name].median_ms[-1] - floor)
        for each in contestants:
            ten = _load(each, in_flight=10, seconds=given.seconds)
            found[each.name].per_second.append(ten.per_second)
            found[each.name].cpu_ms.append(ten.cpu_seconds * 1000 / len(ten.each))
        _set_latency(provider, LATENCY_SECONDS)
        for each in contestants:
            many = _load(each, in_flight=MANY, seconds=given.seconds, latency=LATENCY_SECONDS)
            found[each.name].of_the_limit.append(many.per_second * LATENCY_SECONDS / MANY)
            found[each.name].memory_mb = memory_mb(each)
    return found


def _load(who: Contestant, *, in_flight: int, seconds: float, latency: float = 0.0) -> Load:
    return uvloop.run(load(who, BODY, in_flight=in_flight, seconds=seconds, latency=latency))


def _set_latency(provider: Contestant, seconds: float) -> None:
    servers.post(f"{provider.url.removesuffix('/v1')}/_control", {"latency_ms": seconds * 1000})


def _table(found: dict[str, LoadFigures]) -> str:
    lines = [
        f"| what | latency added | requests/s, 10 in flight | CPU a request | {LIMIT} | memory |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    for at, (name, each) in enumerate(found.items()):
        middle = statistics.median
        added = f"{middle(each.added_ms):.2f} ms" if at else f"(takes {middle(each.median_ms):.2f})"
        lines.append(
            f"| {name} | {added} | {middle(each.per_second):,.0f} | {middle(each.cpu_ms):.2f} ms"
            f" | {middle(each.of_the_limit):.3f} | {each.memory_mb:.0f} MB |"
        )
    names = list(found)
    if len(names) == 5:
        ours, peer = found[names[3]].per_second, found[names[4]].per_second
        ratios = sorted(mine / theirs for mine, theirs in zip(ours, peer, strict=True))
        lines.append(
            f"\nNodewise answers {statistics.median(ratios):.1f} times as many requests a second as"
            f" LiteLLM's proxy ({ratios[0]:.1f} to {ratios[-1]:.1f} in the rounds)."
        )
    return "\n".join(lines)


def _document(said: str, given: argparse.Namespace, on_what: str) -> str:
    return f"""# Performance of `/v1`

Written by `make bench-gateway`; don't edit it by hand. Figures of different machines say nothing
beside each other: compare within this table, which is one run.

{said}

## What is measured
- {given.rounds} rounds; in each, every load goes to one after the other, {given.seconds:g} s each,
  and the table has the medians. Each request asks something else, so no cache answers.
- The provider is the simulator on loopback: without latency for the first three columns. Latency
  added is the median of one request at a time, less the provider's own in the same round. CPU is
  the server process's own, user and system, all threads, with 10 in flight.
- The last load has {MANY} in flight and {LATENCY_SECONDS * 1000:.0f} ms at the provider, begun one
  after the other across those: requests a second over what the latency allows.
- Everything shares the machine's cores: servers, provider, database and the load, which aiohttp
  makes. With 10 in flight all compete for them.
- Nodewise: one process of uvicorn, with keys, resolution, limits, the response cache and records
  in PostgreSQL, all at their defaults.
- LiteLLM: {LITELLM.requirement}, one process, a master key, no database, no line a request,
  installed into an environment of its own for this comparison only.
- The floors forward the request and the answer, and know, check and keep nothing.

## On what
{on_what}
- {servers.versions()}
"""


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")
    main()
