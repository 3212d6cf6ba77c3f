"""The processes that `benchmarks.gateway` compares, each on a free port of its own."""

import json
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from threading import Thread
from typing import Any
from urllib.request import Request, urlopen

from benchmarks.peers import LITELLM, ROOT
from benchmarks.provider import KEY, MODEL

READY_SECONDS = 120
LISTENING, RUNNING = r"listening on (\S+)", r"running on (http://\S+)"
SERVE = (sys.executable, "-m", "uvicorn", "--port", "0", "--no-access-log")
# No line a request from either.
QUIET = {
    "version": 1,
    "disable_existing_loggers": False,
    "loggers": {"uvicorn.access": {"handlers": [], "propagate": False}},
}


@dataclass(frozen=True, slots=True)
class Contestant:
    """A server that answers chat completions and is measured."""

    name: str
    url: str
    key: str
    model: str
    process: subprocess.Popen[str]

    def ask(self, body: Mapping[str, Any]) -> None:
        post(f"{self.url}/chat/completions", {"model": self.model, **body}, self.key)


def post(url: str, body: Mapping[str, Any], key: str = KEY) -> None:
    """POST a body as JSON and return the answer's bytes; raises OSError."""
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {key}"}
    request = Request(url, json.dumps(body).encode(), headers)  # noqa: S310 - loopback
    with urlopen(request, timeout=30):  # noqa: S310 - loopback
        pass


@contextmanager
def simulator() -> Iterator[Contestant]:
    """The simulator alone, as the provider that all contestants ask."""
    command = [sys.executable, "-m", "project.embedded.simulator", "--port", "0"]
    with _process(command) as process:
        url = f"{_address(process, LISTENING)}/v1"
        yield Contestant("the provider itself", url, KEY, MODEL, process)


@contextmanager
def floor(name: str, application: str, provider: Contestant) -> Iterator[Contestant]:
    """A server that only forwards requests to the provider, or only answers them."""
    address = provider.url.removesuffix("/v1")
    command = [*SERVE, f"benchmarks.gateway_floors:{application}"]
    with _process(command, BENCHMARK_PROVIDER=address) as process:
        url = f"{_address(process, RUNNING)}/v1"
        yield Contestant(name, url, KEY, MODEL, process)


@contextmanager
def nodewise(provider: Contestant) -> Iterator[Contestant]:
    """Ours, as the demo and the image start it, with a node and a key made for it."""
    from django.core.management import call_command

    from benchmarks.gateway_rows import configure

    call_command("migrate", verbosity=0)
    key = configure(provider.url)
    command = [*SERVE, "--lifespan", "on", "project.asgi:application"]
    with _process(command, LOG_LEVEL="WARNING", LLM_EGRESS_ALLOW="127.0.0.1") as process:
        url = f"{_address(process, RUNNING)}/v1"
        yield Contestant("**Nodewise**", url, key, "chat", process)


@contextmanager
def litellm(provider: Contestant, body: Mapping[str, Any]) -> Iterator[Contestant]:
    """LiteLLM's proxy with the same provider, a master key and no database."""
    LITELLM.install()
    given = {"model": f"openai/{MODEL}", "api_base": provider.url, "api_key": KEY}
    models = [{"model_name": "chat", "litellm_params": given}]
    config, logs = LITELLM.folder / "config.yaml", LITELLM.folder / "logs.json"
    settings = {"model_list": models, "general_settings": {"master_key": KEY}}
    config.write_text(json.dumps(settings), encoding="utf-8")  # JSON is YAML
    logs.write_text(json.dumps(QUIET), encoding="utf-8")
    port = _free_port()
    command = [LITELLM.program("litellm"), "--config", str(config), "--log_config", str(logs)]
    command += ["--host", "127.0.0.1", "--port", str(port), "--telemetry", "False"]
    with _process(command, alone=LITELLM.environment()) as process:
        _listen_to(process)
        url = f"http://127.0.0.1:{port}/v1"
        peer = Contestant("LiteLLM proxy", url, KEY, "chat", process)
        _await(peer, body)
        yield peer


def versions() -> str:
    """What the servers are made of."""
    ours = ", ".join(f"{name} {version(name)}" for name in ("uvicorn", "uvloop", "aiohttp"))
    listed = subprocess.run(
        [LITELLM.program("python"), "-m", "pip", "list", "--format", "json"],
        capture_output=True,
        check=True,
    )
    theirs = {each["name"]: each["version"] for each in json.loads(listed.stdout)}
    named = ", ".join(f"{name} {theirs[name]}" for name in ("uvicorn", "uvloop", "aiohttp"))
    return f"ours {ours}; LiteLLM {theirs['litellm']} with {named}"


@contextmanager
def _process(
    command: list[str], *, alone: Mapping[str, str] | None = None, **more: str
) -> Iterator[subprocess.Popen[str]]:
    """A server that ends with the block; `alone` is all of its environment."""
    started = subprocess.Popen(
        command,
        cwd=ROOT if alone is None else LITELLM.folder,
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


def _address(process: subprocess.Popen[str], pattern: str) -> str:
    """The address in what a server says first; the rest of its words are read and forgotten."""
    said = []
    for line in process.stdout or ():
        said.append(line)
        found = re.search(pattern, line)
        if found:
            _listen_to(process)
            return found[1]
    sys.exit("A server did not start:\n" + "".join(said))


def _listen_to(process: subprocess.Popen[str]) -> None:
    """Or a server would wait for its words to be read."""
    Thread(target=(process.stdout or sys.stdin).read, daemon=True).start()


def _free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
    return port


def _await(peer: Contestant, body: Mapping[str, Any]) -> None:
    ends = time.monotonic() + READY_SECONDS
    while time.monotonic() < ends and peer.process.poll() is None:
        try:
            peer.ask(body)
        except OSError:
            time.sleep(0.5)
        else:
            return
    sys.exit(f"{peer.name} did not answer within {READY_SECONDS} s.")
