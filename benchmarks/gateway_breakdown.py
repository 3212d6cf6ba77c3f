"""Where the CPU of a request at `/v1` goes, by part.

`profiled` is the site's ASGI application under a profiler, whose findings are left in the file
BENCHMARK_PROFILE when the server ends.
"""

import cProfile
import os
import pstats
import time
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import uvloop

from benchmarks import gateway_servers as servers
from benchmarks.gateway_load import load
from benchmarks.gateway_servers import Contestant
from benchmarks.peers import ROOT

SECONDS = 3.0
WARM_REQUESTS = 100
# The first beginning of a path that fits names the part.
PARTS = (
    ("uvicorn/", "uvicorn: the HTTP server"),
    ("nodewise/uvicorn_http.py", "uvicorn: the HTTP server"),
    ("llmconfig/client/http/", "HTTP to the provider, in place of the floor's aiohttp"),
    ("llmconfig/gateway/", "the gateway: keys, reading requests, writing answers"),
    ("nodewise/", "the gateway: keys, reading requests, writing answers"),
    ("llmconfig/client/wire/", "the wire: requests put, answers, usage and errors read"),
    ("llmconfig/client/credentials/", "taking keys out of what is handed on"),
    ("llmconfig/client/traffic/", "limits, budgets, cool-downs"),
    ("llmconfig/client/", "the pipeline: targets, attempts, prices, the record"),
    ("llmconfig/", "the configuration: the snapshot, resolution, settings"),
)
_profile = cProfile.Profile(time.thread_time)
_begun: list[bool] = []


async def profiled(scope: Any, receive: Any, send: Any) -> None:
    """The site's application, profiled once it has imported what it needs."""
    from project.asgi import application

    if scope["type"] == "http" and len(_begun) <= WARM_REQUESTS:
        _begun.append(True)
        if len(_begun) > WARM_REQUESTS:
            _profile.enable()
    await application(scope, receive, send)
    if scope["type"] == "lifespan":
        _profile.disable()
        _profile.dump_stats(os.environ["BENCHMARK_PROFILE"])


def breakdown(who: Contestant, body: Mapping[str, Any], database: str) -> str:
    """A table of the parts of a request, by a profiled server over the same rows."""
    with TemporaryDirectory() as folder:
        file = Path(folder) / "profile"
        told = {"DATABASE_URL": database, "BENCHMARK_PROFILE": str(file)}
        application = "benchmarks.gateway_breakdown:profiled"
        with servers.nodewise(who.key, application=application, variables=told) as server:
            uvloop.run(load(server, body, in_flight=10, seconds=SECONDS))
        shares, calls = _shares(pstats.Stats(str(file)))
    whole = sum(shares.values())
    lines = [
        "By a profiler, which makes small functions look dearer than they are:",
        "",
        "| where the CPU of a request goes | share | calls of functions |",
        "| --- | ---: | ---: |",
    ]
    for name, spent in shares.most_common():
        lines.append(f"| {name} | {spent / whole:.0%} | {calls[name]:.0f} |")
    return "\n".join(lines)


def _shares(found: pstats.Stats) -> tuple[Counter[str], Counter[str]]:
    """Seconds by part, built-in functions with who called them; and calls a request."""
    seconds: Counter[str] = Counter()
    calls: Counter[str] = Counter()
    requests = 1.0
    for (path, _, name), (_, number, spent, _, callers) in found.stats.items():  # type: ignore[attr-defined]
        if path == "~":
            for (caller, _, _), (_, times, by_caller, _) in callers.items():
                seconds[_part(caller)] += by_caller
                calls[_part(caller)] += times
            continue
        if name == "read_chat":
            requests = number
        seconds[_part(path)] += spent
        calls[_part(path)] += number
    return seconds, Counter({part: number / requests for part, number in calls.items()})


def _part(path: str) -> str:
    inner = path.removeprefix(f"{ROOT}{os.sep}")
    inner = inner.partition(f"site-packages{os.sep}")[2] or inner
    return next(
        (name for begins, name in PARTS if inner.startswith(begins)),
        "Python: asyncio, uuid and the rest",
    )
