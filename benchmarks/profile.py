"""`make profile`: where the CPU of a batch goes, by part; writes its document.

Needs an empty database in DATABASE_URL, as `python -m project.embedded --ephemeral --` brings one.
Profiling slows everything down, small functions most: the shares are a guide, not a measure.
"""

import argparse
import cProfile
import os
import pstats
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import django

from benchmarks.measurement import LATENCY_SECONDS, Measurement
from benchmarks.peers import ROOT

DOCUMENT = ROOT / "docs" / "performance-profile.md"
ROWS, IN_FLIGHT = 2000, 200
SMALLEST = 0.01  # of the whole; less is told as one line
# The first part of a path that fits names the part.
PARTS = (
    ("psycopg", "psycopg: talking to PostgreSQL"),
    ("redis/", "redis: the shared response cache"),
    ("enrichment/quality/", "gates: what the source doesn't have, or the answer lost; languages"),
    ("enrichment/", "enrichment: rows, prompts, the pump, writing"),
    ("metrics/", "metrics: a row for each call, quality"),
    ("llmconfig/client/http/", "HTTP: the exchange with the provider"),
    ("llmconfig/client/wire/", "wire formats: requests written, replies read"),
    ("llmconfig/client/pipeline/", "a call's way: targets, attempts, what they cost, the record"),
    ("llmconfig/client/traffic/", "cache, budgets, limits, cool-downs"),
    ("llmconfig/client/", "the client besides: keys kept out of texts, records on disk"),
    ("llmconfig/", "resolution, snapshot, prices"),
    ("django/", "Django"),
)


def main() -> None:
    """Run one batch under the profiler and write the shares."""
    os.environ.setdefault("LLM_BATCH_CONCURRENT", str(IN_FLIGHT))
    os.environ.setdefault("LLM_BATCH_COMMIT_FREQUENCY", "4")
    os.environ.setdefault("LOG_LEVEL", "WARNING")
    django.setup()
    # These need Django set up.
    from benchmarks import database, report
    from benchmarks.contestants import lane
    from benchmarks.provider import simulator
    from llmconfig.client.http import background_loop

    async def switch(profile: cProfile.Profile, *, on: bool) -> None:
        (profile.enable if on else profile.disable)()

    with simulator() as provider:
        database.prepare(provider.url)
        on_what = report.machine()
        given = argparse.Namespace(rows=ROWS, in_flight=IN_FLIGHT, url=provider.url)
        before = busy_seconds()
        plain = lane(given)
        all_ms = (busy_seconds() - before) * 1000 / plain.rows
        loops, lanes = cProfile.Profile(time.thread_time), cProfile.Profile(time.thread_time)
        background_loop.run(switch(loops, on=True))
        lanes.enable()
        lane(given)
        lanes.disable()
        background_loop.run(switch(loops, on=False))
    text = document(plain, all_ms, [loops, lanes], on_what)
    print(text)
    DOCUMENT.write_text(text, encoding="utf-8")


def document(
    plain: Measurement, all_ms: float, profiles: Sequence[cProfile.Profile], on_what: str
) -> str:
    """docs/performance-profile.md; `all_ms`: CPU a row of everything on the machine."""
    cores = len(os.sched_getaffinity(0))
    there_is = cores * LATENCY_SECONDS * 1000 / IN_FLIGHT
    shares: Counter[str] = Counter()
    for profile in profiles:
        shares.update(seconds_by_part(profile))
    whole = sum(shares.values())
    few = [name for name, spent in shares.items() if spent < SMALLEST * whole]
    rest = sum(shares.pop(name) for name in few)
    lines = [f"| {name} | {spent / whole:.0%} |" for name, spent in shares.most_common()]
    lines.append(f"| other | {rest / whole:.0%} |")
    table = "\n".join(lines)
    return f"""# Where a batch's CPU goes

Written by `make profile`; don't edit it by hand. Description cleaning of {ROWS:,}
listings, {IN_FLIGHT} in flight, everything written: {plain.cpu_ms_per_row:.2f} ms of the worker's
CPU a row without the profiler. The shares are CPU time of its two threads under cProfile, which
makes small functions look dearer than they are.

| part | share |
| --- | ---: |
{table}

What keeps {IN_FLIGHT} in flight from being used wholly: with the simulator, PostgreSQL, Valkey and
the system's work on sockets a row took {all_ms:.2f} ms of CPU in all, and {cores} cores have
{there_is:.2f} ms for each row if all places are to be used. The nearer these two come, the later
answers are heard, and each late one is a call less in flight. Bare aiohttp, which writes nothing,
falls short for the same reason ([performance.md](performance.md)).

## On what
{on_what}
"""


def busy_seconds() -> float:
    """CPU seconds of everything on the machine since it started, as Linux tells."""
    user, nice, system, _idle, _waiting, *interrupts = map(
        int, Path("/proc/stat").read_text(encoding="ascii").split("\n", 1)[0].split()[1:8]
    )
    return (user + nice + system + sum(interrupts)) / os.sysconf("SC_CLK_TCK")


def seconds_by_part(profile: cProfile.Profile) -> Counter[str]:
    """Seconds in functions themselves, by part; built-in functions count for who called them."""
    found: Counter[str] = Counter()
    for (path, _, _), (_, _, spent, _, callers) in pstats.Stats(profile).stats.items():  # type: ignore[attr-defined]
        if path != "~":
            found[_part(path)] += spent
        else:
            for (caller, _, _), (_, _, by_caller, _) in callers.items():
                found[_part(caller)] += by_caller
    return found


def _part(path: str) -> str:
    inner = path.removeprefix(f"{ROOT}{os.sep}")
    packages = inner.partition(f"site-packages{os.sep}")[2] or inner
    for fits, name in PARTS:
        if packages.startswith(fits):
            return name
    return "Python's own library and other packages" if Path(path).suffix == ".py" else "other"


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")
    main()
