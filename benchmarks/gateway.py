"""`python -m benchmarks.gateway`: our `/v1` beside raw floors and other gateways, in one go.

Needs DATABASE_URL, as `python -m project.embedded --ephemeral --` brings one; it makes two
databases beside it. Peers are installed into environments of their own under .nodewise/bench, for
this run only: no part of the product uses them. Writes docs/performance-gateway.md.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import django
import psycopg
import uvloop

from benchmarks import gateway_figures as figures
from benchmarks import gateway_peers as peers
from benchmarks import gateway_servers as servers
from benchmarks import processes, report
from benchmarks.gateway_breakdown import breakdown
from benchmarks.gateway_figures import PIECES, LoadFigures
from benchmarks.gateway_load import DATABASE, PROVIDER, Load, load, streams
from benchmarks.gateway_servers import Contestant
from benchmarks.measurement import LATENCY_SECONDS
from benchmarks.peers import LITELLM, ROOT
from benchmarks.processes import memory_mb

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
STREAMS = 500
LIMIT = f"of the limit, {MANY} at {LATENCY_SECONDS * 1000:.0f} ms"


def main() -> None:
    """Measure the gateways, print the figures and write docs/performance-gateway.md."""
    given = _arguments()
    django.setup()
    with ExitStack() as running:
        running.enter_context(processes.on(processes.OTHER_CORES))  # the load, which this makes
        provider = running.enter_context(servers.provider())
        pieces = running.enter_context(servers.pieces_provider())
        contestants = [provider]
        floors = {figures.FLOOR: "bare"} | ({} if given.only else {figures.DJANGO: "django"})
        for name, application in floors.items():
            contestants.append(running.enter_context(servers.floor(name, application, provider)))
        streamed = [
            running.enter_context(servers.floor(figures.FLOOR, "bare", pieces)),
        ]
        for name, crowded in ((figures.OURS, False), (figures.CROWDED, True)):
            if crowded and given.only:
                continue
            database = _new_database("nodewise_crowded" if crowded else "nodewise_plain")
            key = _fill(database, provider, pieces, crowded=crowded)
            ours = running.enter_context(
                servers.nodewise(key, name, variables={"DATABASE_URL": database})
            )
            contestants.append(ours)
            if not crowded:
                plain, alone = database, ours
                streamed.append(replace(ours, model="streamed"))
        missing: list[str] = []
        if not given.alone:
            found_peers = peers.joined(running, provider, BODY, given.peers)
            contestants += found_peers.there
            missing = found_peers.missing
        on_what = report.machine()
        found = _measure(contestants, given)
        if not (given.quick or given.only):
            _measure_streams(streamed, found, given)
        where = "" if given.only else breakdown(alone, BODY, plain)
    parts = [figures.goals(found), "\n\n".join([figures.table(found, LIMIT), *missing])]
    parts.append(figures.streams_table(found, STREAMS, PIECES))
    parts.append(figures.cores_table(found))
    said = "\n\n".join(parts)
    print(said, where, sep="\n\n")
    if not (given.alone or given.only or given.quick or given.peers):
        DOCUMENT.write_text(_document(parts, where, given, on_what), encoding="utf-8")
        print(f"Written to {DOCUMENT}")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gateway", description=__doc__)
    parser.add_argument("--seconds", type=float, default=2.0, help="of each load")
    parser.add_argument("--rounds", type=int, default=5, help="in which all take their turns")
    parser.add_argument("--alone", action="store_true", help="without peers; writes nothing")
    parser.add_argument(
        "--peers", nargs="+", choices=peers.ALL, help="these and no others; writes nothing"
    )
    parser.add_argument(
        "--only", action="store_true", help="raw floor, ours, --peers; writes nothing"
    )
    parser.add_argument("--quick", action="store_true", help="a short round; writes nothing")
    given = parser.parse_args()
    given.alone = (given.alone or given.only) and not given.peers
    if given.quick:
        given.seconds, given.rounds = 0.5, 1
    return given


def _new_database(name: str) -> str:
    """The address of a new, empty database beside the one that was given."""
    url = os.environ["DATABASE_URL"]
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"'.encode())
    return urlunsplit(urlsplit(url)._replace(path=f"/{name}"))


def _fill(database: str, provider: Contestant, pieces: Contestant, *, crowded: bool) -> str:
    """Write the rows into it; gives the caller's key."""
    wanted = {"simulator": provider.url, "pieces": pieces.url, "crowded": crowded}
    command = [sys.executable, "-m", "benchmarks.gateway_rows", json.dumps(wanted)]
    environment = os.environ | {"DATABASE_URL": database, "LLM_EGRESS_ALLOW": "127.0.0.1"}
    done = subprocess.run(
        command, cwd=ROOT, env=environment, check=True, text=True, stdout=subprocess.PIPE
    )
    return done.stdout.split()[-1]


def _measure(
    contestants: Sequence[Contestant], given: argparse.Namespace
) -> dict[str, LoadFigures]:
    """Rounds in which each load goes to one after the other."""
    provider = contestants[0]
    database = processes.database_server(os.environ["DATABASE_URL"])
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
            others = {PROVIDER: [provider.process.pid]}
            if database is not None:
                others[DATABASE] = list(processes.family(database))
            ten = _load(each, in_flight=10, seconds=given.seconds, beside=others)
            found[each.name].per_second.append(ten.per_second)
            found[each.name].cpu_ms.append(ten.cpu_ms)
            found[each.name].note_cores(ten.cpu_seconds, ten.seconds)
        _set_latency(provider, LATENCY_SECONDS)
        for each in contestants:
            many = _load(each, in_flight=MANY, seconds=given.seconds, latency=LATENCY_SECONDS)
            found[each.name].of_the_limit.append(many.per_second * LATENCY_SECONDS / MANY)
            found[each.name].memory_mb = memory_mb(each.process.pid)
    _set_latency(provider, 0.0)
    return found


def _measure_streams(
    contestants: Sequence[Contestant], found: dict[str, LoadFigures], given: argparse.Namespace
) -> None:
    for each in contestants:
        uvloop.run(streams(each, BODY, count=5))  # warm
    for _ in range(min(3, given.rounds)):
        for each in contestants:
            came = uvloop.run(streams(each, BODY, count=STREAMS))
            found[each.name].piece_ms.append(came.cpu_ms)
            found[each.name].streams_mb.append(came.memory_mb)


def _load(who: Contestant, **how: Any) -> Load:
    return uvloop.run(load(who, BODY, **how))


def _set_latency(provider: Contestant, seconds: float) -> None:
    servers.post(f"{provider.url.removesuffix('/v1')}/_control", {"latency_ms": seconds * 1000})


def _document(parts: Sequence[str], where: str, given: argparse.Namespace, on_what: str) -> str:
    goals, loads, streamed, cores = parts
    return f"""# Performance of `/v1`

Written by `make bench-gateway`; don't edit it by hand. Figures of different machines say nothing
beside each other: compare within this page, which is one run.

{loads}

{streamed}

{goals}

{where}

{cores}

## What is measured
- {given.rounds} rounds; in each, every load goes to one after the other, {given.seconds:g} s each,
  and the table has the medians. Each request asks something else, so no cache answers.
- The provider has one answer for everybody, ready to be sent, on loopback: without latency for the
  first three columns. Latency added is the median of one request at a time, less the provider's own
  in the same round. CPU is the server process's own, user and system, all threads, with 10 in
  flight.
- The last load has {MANY} in flight and {LATENCY_SECONDS * 1000:.0f} ms at the provider, begun one
  after the other across those: requests a second over what the latency allows.
- Streams: a provider of its own sends {PIECES} pieces a tenth of a second apart, {STREAMS} streams
  are open at once, and CPU is all that the server took, beginnings and ends included.
- Each server has the machine's first core and no other; the provider and the load, whose requests
  are ready to be sent too, have the others, and so take no time from whom they measure. The
  database is held nowhere. The streams are read by aiohttp.
- Nodewise: one process of uvicorn with `--http {servers.HTTP}`, as the image starts it (the floors
  have uvicorn's own HTTP), with keys, resolution, limits, the response cache and records in
  PostgreSQL, all at their defaults. In the crowd no budget counts the benchmark's own calls.
- LiteLLM: {LITELLM.requirement}, one process, a master key, no database. Portkey: one process of
  Node, each request names provider and address in headers, no keys, no records. TensorZero: its
  embedded gateway (Rust) without its database, so without keys and records. None
  writes a line a request; each is installed into an environment of its own for this comparison.
- The floors forward the request and the answer, and know, check and keep nothing.

## On what
{on_what}
- {peers.versions()}
"""


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")
    main()
