"""`python -m benchmarks.gateway`: our `/v1` beside LiteLLM's proxy, in one go.

Needs an empty database in DATABASE_URL, as `python -m project.embedded --ephemeral --` brings one.
LiteLLM is installed into an environment of its own under .nodewise/bench, for this run only: no
part of the product uses it. Writes docs/performance-gateway.md.
"""

import argparse
import asyncio
import itertools
import json
import os
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.request import Request, urlopen

import aiohttp
import django

ROOT = Path(__file__).resolve().parent.parent
DOCUMENT = ROOT / "docs" / "performance-gateway.md"
# 1.82.7 and 1.82.8 stole credentials; this one is installed alone, without any key of ours.
LITELLM = "litellm[proxy]==1.83.0"
PEER = ROOT / ".nodewise" / "bench" / "litellm"
KEY = "sk-benchmark-0123456789"
BODY = {
    "messages": [{"role": "user", "content": "Describe one dog in a few friendly words. " * 6}],
    "temperature": 0.3,
}
READY_SECONDS = 120


@dataclass(frozen=True, slots=True)
class Contestant:
    """Somebody who answers chat completions."""

    name: str
    url: str
    key: str
    model: str
    process: subprocess.Popen[str] | None = None


@dataclass(frozen=True, slots=True)
class Figures:
    """What was measured of one contestant."""

    median_ms: float
    per_second: float
    at_200_ms: float  # share of the limit, 50 in flight
    memory_mb: float


def main() -> None:
    """Measure, print and write."""
    given = _arguments()
    django.setup()
    with ExitStack() as running:
        simulator = running.enter_context(_simulator())
        contestants = [Contestant("provider itself", f"{simulator}/v1", KEY, "gpt-4o-mini")]
        contestants.append(running.enter_context(_ours(simulator)))
        if not given.alone:
            contestants.append(running.enter_context(_litellm(simulator)))
        figures = {each.name: asyncio.run(_measure(each, simulator, given)) for each in contestants}
    said = _table(figures)
    print(said)
    if not given.alone and not given.quick:
        DOCUMENT.write_text(_document(said), encoding="utf-8")
        print(f"Written to {DOCUMENT}")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gateway", description=__doc__)
    parser.add_argument("--seconds", type=float, default=8.0, help="of each measurement")
    parser.add_argument("--alone", action="store_true", help="without LiteLLM; writes nothing")
    parser.add_argument("--quick", action="store_true", help="a second each; writes nothing")
    given = parser.parse_args()
    if given.quick:
        given.seconds = 1.0
    return given


@contextmanager
def _process(command: list[str], **environment: str) -> Iterator[subprocess.Popen[str]]:
    started = subprocess.Popen(
        command,
        env=os.environ | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        yield started
    finally:
        started.terminate()
        started.wait(20)


def _address(process: subprocess.Popen[str], pattern: str) -> str:
    """The address in what a server says first; the rest of its words are read and forgotten."""
    said = []
    for line in process.stdout or ():
        said.append(line)
        found = re.search(pattern, line)
        if found:
            Thread(target=(process.stdout or sys.stdin).read, daemon=True).start()
            return found[1]
    sys.exit("A server did not start:\n" + "".join(said))


@contextmanager
def _simulator() -> Iterator[str]:
    command = [sys.executable, "-m", "project.embedded.simulator", "--port", "0"]
    with _process(command) as process:
        yield _address(process, r"listening on (\S+)")


@contextmanager
def _ours(simulator: str) -> Iterator[Contestant]:
    from django.core.management import call_command

    from benchmarks.gateway_rows import configure

    call_command("migrate", verbosity=0)
    key = configure(simulator)
    command = [sys.executable, "-m", "uvicorn", "project.asgi:application", "--port", "0"]
    command += ["--no-access-log", "--log-level", "info"]
    with _process(command, LOG_LEVEL="WARNING", LLM_EGRESS_ALLOW="127.0.0.1") as process:
        address = _address(process, r"running on (http://\S+)")
        yield Contestant("Nodewise", f"{address}/v1", key, "chat", process)


@contextmanager
def _litellm(simulator: str) -> Iterator[Contestant]:
    binary = PEER / "bin" / "litellm"
    if not binary.exists():
        print(f"Installing {LITELLM} into {PEER} …", flush=True)
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(PEER)], check=True)
        pip = [str(PEER / "bin" / "python"), "-m", "pip", "install", "-q", LITELLM]
        subprocess.run(pip, check=True)
    config = PEER / "config.yaml"
    model = {
        "model_name": "chat",
        "litellm_params": {
            "model": "openai/gpt-4o-mini",
            "api_base": f"{simulator}/v1",
            "api_key": KEY,
        },
    }
    settings = {"model_list": [model], "general_settings": {"master_key": KEY}}
    config.write_text(json.dumps(settings), encoding="utf-8")  # JSON is YAML
    port = _free_port()
    command = [str(binary), "--config", str(config), "--host", "127.0.0.1", "--port", str(port)]
    # Its price list from its own wheel: nothing is fetched.
    with _process(command, LITELLM_LOCAL_MODEL_COST_MAP="True") as process:
        Thread(target=(process.stdout or sys.stdin).read, daemon=True).start()
        url = f"http://127.0.0.1:{port}/v1"
        peer = Contestant("LiteLLM proxy", url, KEY, "chat", process)
        _wait_for(peer)
        yield peer


def _free_port() -> int:
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
    return port


def _wait_for(peer: Contestant) -> None:
    ends = time.monotonic() + READY_SECONDS
    while time.monotonic() < ends:
        try:
            _post(f"{peer.url}/chat/completions", {"model": peer.model, **BODY}, peer.key)
        except OSError:
            time.sleep(0.5)
        else:
            return
    sys.exit(f"{peer.name} did not answer within {READY_SECONDS} s.")


def _post(url: str, body: dict[str, Any], key: str = KEY) -> None:
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {key}"}
    request = Request(url, json.dumps(body).encode(), headers)  # noqa: S310 - loopback
    with urlopen(request, timeout=30):  # noqa: S310 - loopback
        pass


async def _measure(who: Contestant, simulator: str, given: argparse.Namespace) -> Figures:
    latency = {"latency_ms": 0}
    await asyncio.to_thread(_post, f"{simulator}/_control", latency)
    await _load(who, in_flight=5, seconds=min(2.0, given.seconds))  # warm
    alone = await _load(who, in_flight=1, seconds=given.seconds)
    ten = await _load(who, in_flight=10, seconds=given.seconds)
    latency["latency_ms"] = 200
    await asyncio.to_thread(_post, f"{simulator}/_control", latency)
    fifty = await _load(who, in_flight=50, seconds=given.seconds)
    figures = Figures(
        median_ms=statistics.median(alone) * 1000,
        per_second=len(ten) / given.seconds,
        at_200_ms=len(fifty) / given.seconds * 0.2 / 50,
        memory_mb=_memory_mb(who.process),
    )
    print(f"{who.name}: {figures}", flush=True)
    return figures


async def _load(who: Contestant, *, in_flight: int, seconds: float) -> list[float]:
    """Seconds that each request took which ended in time."""
    took: list[float] = []
    # Each asks something else, or a cache would answer.
    body = json.dumps({"model": who.model, **BODY}).replace("Describe", "Number %d: describe", 1)
    numbers = itertools.count(time.time_ns())
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {who.key}"}
    connector = aiohttp.TCPConnector(limit=in_flight)
    url = f"{who.url}/chat/completions"
    async with aiohttp.ClientSession(connector=connector, headers=headers) as session:
        ends = time.perf_counter() + seconds

        async def worker() -> None:
            while (began := time.perf_counter()) < ends:
                async with session.post(url, data=(body % next(numbers)).encode()) as reply:
                    await reply.read()
                    if reply.status != 200:
                        sys.exit(f"{who.name}: {reply.status} {await reply.text()}")
                now = time.perf_counter()
                if now <= ends:
                    took.append(now - began)

        await asyncio.gather(*(worker() for _ in range(in_flight)))
    return took


def _memory_mb(process: subprocess.Popen[str] | None) -> float:
    if process is None:
        return 0.0
    status = Path(f"/proc/{process.pid}/status").read_text(encoding="utf-8")
    found = re.search(r"VmRSS:\s+(\d+) kB", status)
    return int(found[1]) / 1024 if found else 0.0


def _table(figures: dict[str, Figures]) -> str:
    floor = figures["provider itself"].median_ms
    lines = [
        "| what | latency added | requests/s, 10 in flight | of the limit, 50 at 200 ms | memory |",
        "| --- | ---: | ---: | ---: | ---: |",
    ]
    for name, each in figures.items():
        added = "" if name == "provider itself" else f"{each.median_ms - floor:.2f} ms"
        memory = f"{each.memory_mb:.0f} MB" if each.memory_mb else ""
        lines.append(
            f"| {name} | {added} | {each.per_second:,.0f} | {each.at_200_ms:.3f} | {memory} |"
        )
    peer = figures.get("LiteLLM proxy")
    if peer is not None:
        ratio = figures["Nodewise"].per_second / peer.per_second
        lines += ["", f"Nodewise serves {ratio:.1f} times as many requests a second as LiteLLM."]
    return "\n".join(lines)


def _document(said: str) -> str:
    load = os.getloadavg()[0]
    return f"""# Performance of `/v1`

Written by `python -m benchmarks.gateway`; don't edit it by hand. The figures compare within this
table, whose runs were made one after the other in one go.

{said}

- The provider is the simulator on loopback: no latency for the first two columns, 200 ms for the
  third. Latency added is the median of one request at a time, less the provider's own.
- Nodewise: one uvicorn worker, with keys, resolution, limits and records in PostgreSQL.
- {LITELLM}, one worker, a master key, no database: installed into an environment of its own for
  this comparison only.
- The load comes from aiohttp on the same machine of {len(os.sched_getaffinity(0))} cores; load
  average at the end {load:.1f}.
"""


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")
    main()
