"""The processes that `benchmarks.gateway` compares, each on a free port of its own."""

import json
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.request import Request, urlopen

from benchmarks.peers import ROOT
from benchmarks.processes import OTHER_CORES, SERVER_CORES, on
from benchmarks.provider import KEY, MODEL

READY_SECONDS = 120
NO_HEADERS: Mapping[str, str] = {}
LISTENING, RUNNING = r"listening on (\S+)", r"running on (http://\S+)"
SERVE = (sys.executable, "-m", "uvicorn", "--port", "0", "--no-access-log")
HTTP = "nodewise.uvicorn_http:Connection"  # of our server, as it is started everywhere


@dataclass(frozen=True, slots=True)
class Contestant:
    """A server that answers chat completions and is measured."""

    name: str
    url: str
    key: str
    model: str
    process: subprocess.Popen[str]
    headers: Mapping[str, str] = field(default_factory=dict)  # beside the usual ones

    def ask(self, body: Mapping[str, Any]) -> None:
        url, content = f"{self.url}/chat/completions", {"model": self.model, **body}
        post(url, content, self.key, self.headers)


def post(
    url: str, body: Mapping[str, Any], key: str = KEY, more: Mapping[str, str] = NO_HEADERS
) -> None:
    """POST a body as JSON; raises OSError."""
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {key}", **more}
    request = Request(url, json.dumps(body).encode(), headers)  # noqa: S310 - loopback
    with urlopen(request, timeout=30):  # noqa: S310 - loopback
        pass


@contextmanager
def provider() -> Iterator[Contestant]:
    """The provider that all contestants ask."""
    command = [sys.executable, "-m", "benchmarks.gateway_provider"]
    with process(command, cores=OTHER_CORES) as started:
        url = f"{address_of(started, LISTENING)}/v1"
        yield Contestant("the provider itself", url, KEY, MODEL, started)


@contextmanager
def floor(name: str, application: str, provider: Contestant) -> Iterator[Contestant]:
    """A server that only forwards requests to the provider, or only answers them."""
    address = provider.url.removesuffix("/v1")
    command = [*SERVE, f"benchmarks.gateway_floors:{application}"]
    with process(command, BENCHMARK_PROVIDER=address) as started:
        url = f"{address_of(started, RUNNING)}/v1"
        yield Contestant(name, url, KEY, MODEL, started)


@contextmanager
def pieces_provider() -> Iterator[Contestant]:
    """A provider that streams each answer in many pieces, one after the other."""
    command = [*SERVE, "benchmarks.gateway_floors:pieces"]
    with process(command, cores=OTHER_CORES) as started:
        yield Contestant("pieces", f"{address_of(started, RUNNING)}/v1", KEY, MODEL, started)


@contextmanager
def nodewise(
    key: str,
    name: str = "**Nodewise**",
    *,
    application: str = "project.asgi:application",
    variables: Mapping[str, str],
) -> Iterator[Contestant]:
    """Ours, as the demo and the image start it, over rows that were written before."""
    command = [*SERVE, "--http", HTTP, "--lifespan", "on", application]
    told = {"LOG_LEVEL": "WARNING", "LLM_EGRESS_ALLOW": "127.0.0.1", **variables}
    with process(command, alone=os.environ | told) as started:
        url = f"{address_of(started, RUNNING)}/v1"
        yield Contestant(name, url, key, "chat", started)


@contextmanager
def process(
    command: Sequence[str],
    *,
    alone: Mapping[str, str] | None = None,
    folder: Path = ROOT,
    cores: Iterable[int] = SERVER_CORES,
    **more: str,
) -> Iterator[subprocess.Popen[str]]:
    """A server that ends with the block; `alone` is all of its environment, `folder` where it
    starts, and `cores` are those that it has."""
    with on(cores):
        started = subprocess.Popen(
            command,
            cwd=folder,
            env=os.environ | more if alone is None else dict(alone),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
    try:
        yield started
    finally:
        started.terminate()
        try:
            started.wait(20)
        except subprocess.TimeoutExpired:
            started.kill()
            started.wait()


def address_of(process: subprocess.Popen[str], pattern: str) -> str:
    """The address in what a server says first; the rest of its words are read and forgotten."""
    said = []
    for line in process.stdout or ():
        said.append(line)
        found = re.search(pattern, line)
        if found:
            listen_to(process)
            return found[1]
    sys.exit("A server did not start:\n" + "".join(said))


def listen_to(process: subprocess.Popen[str]) -> None:
    """Or a server would wait for its words to be read."""
    Thread(target=(process.stdout or sys.stdin).read, daemon=True).start()


def free_port() -> int:
    """A port of loopback that nobody uses now."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
    return port


def await_answer(peer: Contestant, body: Mapping[str, Any]) -> None:
    """Wait until it answers; ends the process if it doesn't in time."""
    ends = time.monotonic() + READY_SECONDS
    while time.monotonic() < ends and peer.process.poll() is None:
        try:
            peer.ask(body)
        except OSError:
            time.sleep(0.5)
        else:
            return
    sys.exit(f"{peer.name} did not answer within {READY_SECONDS} s.")
