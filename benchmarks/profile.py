"""`make profile`: where the CPU of a batch goes, by part; writes its document.

Needs an empty database in DATABASE_URL, as `python -m project.embedded --ephemeral --` brings one.
Installs py-spy into an environment of its own, which looks some hundred times a second at what each
thread is at, without stopping it: a small function weighs what it takes, no more. What the samples
of a thread are worth follows from its CPU time, as Linux counts it.
"""

import argparse
import asyncio
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import django

from benchmarks import runs
from benchmarks.measurement import LATENCY_SECONDS, Measurement
from benchmarks.peers import PY_SPY, ROOT

if TYPE_CHECKING:
    from benchmarks.floors import Floors  # needs Django set up

DOCUMENT = ROOT / "docs" / "performance-profile.md"
ROWS, IN_FLIGHT = 2000, 200
SAMPLED_ROWS = 10_000
SAMPLES_A_SECOND = 200
AIM = 1.4  # times what bare aiohttp takes
SMALLEST = 0.01  # of the whole; less is told as one line
# What a frame belongs to: the first that its path holds, where OURS stands for this checkout. The
# innermost frame that fits any has the sample, so C code counts for the Python code that called it.
OURS = "(ours)/"
ADDRESSING = "the gate for texts that address a model"
SOCKETS = "uvloop: the event loop and its sockets"
EXCHANGE = "HTTP: the exchange with the provider"
FORMATS = "wire formats: requests written, replies read"
DATABASE = "psycopg: talking to PostgreSQL"
PARTS = (
    ("psycopg", DATABASE),
    ("site-packages/redis/", "redis: the shared response cache"),
    ("site-packages/django/", "Django"),
    ("http/background_loop.py", SOCKETS),
    (f"{OURS}enrichment/quality/gates/instructions", ADDRESSING),
    (f"{OURS}enrichment/quality/disguises", ADDRESSING),
    (
        f"{OURS}enrichment/quality/",
        "gates: what the source doesn't have, or the answer lost; languages",
    ),
    (f"{OURS}enrichment/", "enrichment: rows, prompts, the pump, writing"),
    (f"{OURS}metrics/", "metrics: a row for each call, quality"),
    (f"{OURS}llmconfig/client/http/", EXCHANGE),
    (f"{OURS}llmconfig/client/wire/", FORMATS),
    (
        f"{OURS}llmconfig/client/pipeline/",
        "a call's way: targets, attempts, what they cost, the record",
    ),
    (f"{OURS}llmconfig/client/traffic/", "cache, budgets, limits, cool-downs"),
    (f"{OURS}llmconfig/client/", "the client besides: keys kept out of texts, records on disk"),
    (f"{OURS}llmconfig/", "resolution, snapshot, prices"),
)
# A thread of a pool that waits for work uses none, though it may look awake.
WAITS = "_worker ("
ELSEWHERE = "Python itself: threads, tasks, memory"
_FRAME = re.compile(r"\((?P<path>[^()]*?)(?::\d+)?\)$")
_THREAD = re.compile(r"thread \(\d+\): (?P<name>.*)")


@dataclass(frozen=True, slots=True)
class Profile:
    """What was found. CPU is in ms a row: `all_ms` of everything on the machine.

    `bare_ms` is what bare aiohttp takes in the same process for making the calls alone.
    """

    plain: Measurement
    bare_ms: float
    all_ms: float
    database_ms: float
    tasks_a_row: float
    samples: int
    shares: Mapping[str, float]
    floors: "Floors"


def main() -> None:
    """Run a batch plainly, then one under the sampler, and write the shares."""
    os.environ |= runs.settings(IN_FLIGHT) | os.environ
    PY_SPY.install()
    django.setup()
    # These need Django set up.
    from benchmarks import database, floors, report
    from benchmarks.contestants import bare, lane
    from benchmarks.provider import simulator

    with simulator() as provider:
        database.prepare(provider.url)
        database.multiply(SAMPLED_ROWS)
        on_what = report.machine()
        given = argparse.Namespace(rows=ROWS, in_flight=IN_FLIGHT, url=provider.url)
        lane(given)  # what is done once in a process
        before, in_database = busy_seconds(), database.cpu_seconds()
        with counted_tasks() as tasks:
            plain = lane(given)
        spent, in_database = busy_seconds() - before, database.cpu_seconds() - in_database
        alone = bare(given)
        least = floors.measured(given)
        before_by_thread = thread_seconds()
        with TemporaryDirectory() as folder, sampled(Path(folder) / "stacks") as stacks:
            lane(argparse.Namespace(rows=SAMPLED_ROWS, in_flight=IN_FLIGHT, url=provider.url))
        by_thread = thread_seconds()
        by_thread.subtract(before_by_thread)
        samples = by_part(stacks)
        found = Profile(
            plain=plain,
            bare_ms=alone.cpu_ms_per_row,
            all_ms=spent * 1000 / plain.rows,
            database_ms=in_database * 1000 / plain.rows,
            tasks_a_row=tasks.total() / plain.rows,
            samples=sum(each.total() for each in samples.values()),
            shares=shares(samples, by_thread),
            floors=least,
        )
    text = document(found, on_what)
    print(text)
    DOCUMENT.write_text(text, encoding="utf-8")


@contextmanager
def counted_tasks() -> Iterator[Counter[str]]:
    """Counts the tasks that the client's event loop begins meanwhile."""
    from llmconfig.client.http import background_loop

    found: Counter[str] = Counter()

    def factory(loop: asyncio.AbstractEventLoop, coroutine: Any, **more: Any) -> Any:
        found["tasks"] += 1
        return asyncio.Task(coroutine, loop=loop, **more)

    async def use(made_by: Any) -> None:
        asyncio.get_running_loop().set_task_factory(made_by)

    background_loop.run(use(factory))
    try:
        yield found
    finally:
        background_loop.run(use(None))


@contextmanager
def sampled(file: Path) -> Iterator[list[str]]:
    """Notes meanwhile what this process is at; gives lines of a stack and its count, at the end."""
    command = [PY_SPY.program("py-spy"), "record", "--nonblocking", "--threads", "--full-filenames"]
    command += ["--rate", str(SAMPLES_A_SECOND), "--format", "raw", "--output", str(file)]
    sampler = subprocess.Popen(
        [*command, "--pid", str(os.getpid())], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    time.sleep(3)  # it reads the symbols of all libraries first
    stacks: list[str] = []
    try:
        yield stacks
    finally:
        sampler.send_signal(signal.SIGINT)
        _, told = sampler.communicate()
    if sampler.returncode or not file.exists():
        sys.exit(f"py-spy could not look into this process:\n{told.decode()}")
    stacks += file.read_text(encoding="utf-8", errors="replace").splitlines()


def by_part(stacks: Iterable[str]) -> dict[str, Counter[str]]:
    """Samples of each thread by part, of lines that hold a thread, its frames from the outermost
    on, and how often."""
    found: dict[str, Counter[str]] = {}
    for line in stacks:
        frames, _, times = line.rpartition(" ")
        thread, *inner = frames.split(";")
        named = _THREAD.match(thread)
        if named is None or not inner or not times.isdigit():
            continue  # the frames changed while they were read
        if inner[-1].startswith(WAITS):
            continue
        found.setdefault(named["name"], Counter())[_part(inner)] += int(times)
    return found


def shares(samples: Mapping[str, Counter[str]], seconds: Mapping[str, float]) -> dict[str, float]:
    """Each part's share of the CPU, from 0 to 1, the largest first.

    A thread's CPU `seconds` are spread over its samples: how often it waited for a core, or for
    Python's lock, while it looked awake, is another matter in each thread.
    """
    found: Counter[str] = Counter()
    for thread, parts in samples.items():
        for part, times in parts.items():
            found[part] += seconds.get(thread, 0.0) * times / parts.total()  # type: ignore[assignment]
    whole = sum(found.values())
    return {part: spent / whole for part, spent in found.most_common()}


def thread_seconds() -> Counter[str]:
    """CPU seconds of this process's threads by their names, as Linux tells."""
    found: Counter[str] = Counter()
    for thread in threading.enumerate():
        told = Path(f"/proc/self/task/{thread.native_id}/schedstat")
        nanoseconds = told.read_text(encoding="ascii").split()[0] if told.exists() else 0
        found[thread.name] += int(nanoseconds) / 1e9  # type: ignore[assignment]
    return found


def _part(frames: list[str]) -> str:
    for frame in reversed(frames):
        match = _FRAME.search(frame)
        path = match["path"].replace(f"{ROOT}{os.sep}", OURS) if match else ""
        for held, name in PARTS:
            if held in path:
                return name
    return ELSEWHERE


def document(found: Profile, on_what: str) -> str:
    """docs/performance-profile.md."""
    cores = len(os.sched_getaffinity(0))
    there_is = cores * LATENCY_SECONDS * 1000 / IN_FLIGHT
    shown = [(name, share) for name, share in found.shares.items() if share >= SMALLEST]
    rest = 1 - sum(share for _, share in shown)
    mine = found.plain.cpu_ms_per_row
    lines = [
        f"| {name} | {share:.0%} | {mine * share:.3f} ms | {mine * share / found.bare_ms:.2f} |"
        for name, share in (*shown, ("other", rest))
    ]
    table = "\n".join(lines)
    return f"""# Where a batch's CPU goes

Written by `make profile`; don't edit it by hand. Description cleaning of {ROWS:,}
listings, {IN_FLIGHT} in flight, everything written: **{mine:.2f} ms** of the worker's CPU a row
and {found.database_ms:.2f} ms of PostgreSQL's, all its processes; {found.tasks_a_row:.2f} tasks of
the event loop a row. Bare aiohttp, which makes the calls and does nothing else, took
{found.bare_ms:.2f} ms in the same process, so a batch takes **{mine / found.bare_ms:.1f} times**
that. The shares are of {found.samples:,} samples of the worker over {SAMPLED_ROWS:,} rows, taken by
py-spy, each thread's by its CPU time; C code counts for who called it, and so does the wait for a
core on a full machine, which meets system calls first. The last column has each part beside all
that bare aiohttp takes.

| part | share | a row | of bare's whole |
| --- | ---: | ---: | ---: |
{table}

{_in_the_way(mine, found.bare_ms, found.floors)}

What keeps {IN_FLIGHT} in flight from being used wholly: with the simulator, PostgreSQL, Valkey and
the system's work on sockets a row took {found.all_ms:.2f} ms of CPU in all, and {cores} cores have
{there_is:.2f} ms for each row if all places are to be used. The nearer these two come, the later
answers are heard, and each late one is a call less in flight. Bare aiohttp, which writes nothing,
falls short for the same reason ([performance.md](performance.md)).

How many functions a row asks is held by `test_calls_per_row.py`, and that it leaves nothing to the
garbage collector.

## On what
{on_what}
"""


def _in_the_way(mine: float, bare: float, floors: "Floors") -> str:
    """How far a row is from the aim, and what the least of it takes."""
    over = mine - AIM * bare
    if over <= 0:
        return f"That is within the aim of {AIM} times."
    ours, bares = floors.functions, floors.functions_bare
    times, room = ours / bares, AIM * bares
    return f"""The aim is {AIM} times: {over:.2f} ms a row less. What moves the bytes takes little
of that. Beside bare aiohttp's whole, in turns with it (`benchmarks.floors`): the calls alone, over
the client's own exchange, take {floors.exchange:.2f}; over sockets by hand, with no more of HTTP
than these replies need, {floors.sockets:.2f}; and these with all stored that a batch stores,
ready for COPY, {floors.stored:.2f}. No quicker exchange and no other way into the database brings a
batch there.

The rest is Python: what a batch is taken for, from rows and prompts over prices, budgets, limits,
gates and the cache to answers on disk and the records. A batch's row asks {ours} functions, one of
bare aiohttp's calls {bares}: {times:.1f} times as many. The aim has room for {room:.0f}."""


def busy_seconds() -> float:
    """CPU seconds of everything on the machine since it started, as Linux tells."""
    user, nice, system, _idle, _waiting, *interrupts = map(
        int, Path("/proc/stat").read_text(encoding="ascii").split("\n", 1)[0].split()[1:8]
    )
    return (user + nice + system + sum(interrupts)) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")
    main()
