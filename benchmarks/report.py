"""Measurements as text: the table, the ratios, and on what they were taken."""

import os
import platform
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path

from django.db import connection

from benchmarks.measurement import LATENCY_SECONDS, Measurement
from benchmarks.peers import CURATOR, LITELLM

Runs = Mapping[tuple[str, int], Measurement]  # contestant and in flight
TITLES = {
    "lane": "**Nodewise**: a whole batch, rows, results, metrics and texts written",
    "sdk": "openai SDK, asyncio.gather: the calls alone, nothing written",
    "bare": "bare aiohttp on uvloop: the calls alone, replies read and dropped",
    "large": "**Nodewise**: the same over {rows} rows",
    "litellm_router": "LiteLLM's Router, asyncio.gather: the calls alone, nothing written",
    "curator": "bespokelabs-curator: the calls, in files of its own",
    "one_by_one": "one call at a time, each row and its metrics committed",
}
PACKAGES = ("Django", "psycopg", "aiohttp", "uvloop", "openai", "httpx2")


def table(runs: Runs) -> str:
    """A row for each contestant and number in flight."""
    lines = [
        "| what | in flight | rows/s | efficiency | CPU per row | memory, peak (grown) |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    lines += [
        f"| {TITLES[name].format(rows=f'{run.rows:,}')} | {in_flight}"
        f" | {run.rows_per_second:,.1f} | {run.efficiency:.3f}"
        f" | {run.cpu_ms_per_row:.2f} ms | {run.memory_peak:.0f} MB ({run.memory_grown:.0f}) |"
        for (name, in_flight), run in sorted(runs.items(), key=lambda each: each[0][1])
    ]
    return "\n".join(lines)


def ratios(runs: Runs) -> str:
    """How our runs compare with the others of the same run."""
    baseline = runs["one_by_one", 1]
    lines = []
    for (name, in_flight), ours in sorted(runs.items(), key=lambda each: each[0][1]):
        if name != "lane":
            continue
        sdk, bare = runs["sdk", in_flight], runs["bare", in_flight]
        lines.append(
            f"- {in_flight} in flight:"
            f" {ours.rows_per_second / baseline.rows_per_second:.0f} times as fast as one call at a"
            f" time, {ours.rows_per_second / sdk.rows_per_second:.2f} times as fast as the SDK's"
            f" calls alone, with {ours.cpu_ms_per_row / sdk.cpu_ms_per_row:.2f} of its CPU and"
            f" {ours.memory_peak / sdk.memory_peak:.2f} of its memory per process;"
            f" {ours.rows_per_second / bare.rows_per_second:.3f} of bare aiohttp's speed."
        )
    return "\n".join(lines + _beside_peers(runs))


def _beside_peers(runs: Runs) -> list[str]:
    """How the large run compares with other people's products."""
    lines = []
    large = next((run for (name, _), run in runs.items() if name == "large"), None)
    for (name, _), peer in runs.items():
        if large is not None and name in {"litellm_router", "curator"}:
            lines.append(
                f"- {large.rows:,} rows, {large.in_flight} in flight, beside"
                f" {TITLES[name].partition(':')[0]} over {peer.rows:,}:"
                f" {large.rows_per_second / peer.rows_per_second:.1f} times its speed, with"
                f" {large.cpu_ms_per_row / peer.cpu_ms_per_row:.2f} of its CPU a row and"
                f" {large.memory_peak / peer.memory_peak:.2f} of its memory."
            )
    return lines


def machine() -> str:
    """What it ran on, in one line each."""
    cores = len(os.sched_getaffinity(0))
    with connection.cursor() as cursor:
        cursor.execute("SELECT split_part(version(), ' ', 2)")
        server = cursor.fetchone()[0]
        cursor.execute("SHOW fsync")
        fsync = cursor.fetchone()[0]
    packages = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    return (
        f"- {cores} cores ({_processor()}), load average before the run {os.getloadavg()[0]:.1f}\n"
        f"- {platform.system()} {platform.release()}, Python {platform.python_version()}\n"
        f"- PostgreSQL {server} on the same machine, fsync {fsync}; {packages}"
    )


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def document(
    runs: Runs, *, on: str, command: str, repeat: int, baseline_rows: int, peer_rows: int
) -> str:
    """The text of docs/performance.md, made from the measurements."""
    rows = max(run.rows for (name, _), run in runs.items() if name == "lane")
    peers = (
        f"""- LiteLLM's Router ({LITELLM.requirement}) and curator ({CURATOR.requirement}) run in
  environments of their own and ask {peer_rows:,} of the copies, once; curator's clock includes
  reading its answers back from its files. The many rows are the shipped listings, copied with ids
  of their own, in their texts too, so that no two questions are the same; they run once.
"""
        if peer_rows
        else ""
    )
    often = "once" if repeat == 1 else f"{repeat} times, with the median of each figure"
    return f"""# Performance

Written by `{command}`; don't edit it by hand. Figures of different machines say nothing beside each
other: compare within one table, whose runs were made one after the other in one go.
Starting processes: [performance-start.md](performance-start.md); the way here, step by step:
[performance-way.md](performance-way.md).

{table(runs)}

{ratios(runs)}

## What is measured
- The provider is the simulator on loopback with {LATENCY_SECONDS * 1000:.0f} ms latency, in a
  process of its own. Efficiency is rows per second over what that allows: in flight / latency.
- Nodewise: description cleaning of {rows:,} of the shipped listings, one lane in one process, from
  claiming the first chunk to the completed batch. Writes start at 25 rows
  (`LLM_BATCH_DEFAULT_SIZE`) times 4 (`LLM_BATCH_COMMIT_FREQUENCY`); `LLM_BATCH_CONCURRENT` is the
  number in flight. Each row leaves its value, its result, its metrics and its texts.
- The SDK asks the same for the same rows, prepared beforehand, and keeps nothing.
- Bare aiohttp shows what loop, machine and simulator allow at that moment.
- One call at a time uses the SDK too, on {baseline_rows} rows: `save()` and `create()`, a commit
  each.
{peers}- Everybody else runs in a fresh process, {often}
  (one call at a time: once). The clock starts after the imports and includes opening connections.
  CPU is the process's own, user and system, all threads; the database's and the simulator's are
  not in it. Memory is the process's peak, and in brackets how much of it the run added to what the
  imports took.

## On what
{on}
"""
