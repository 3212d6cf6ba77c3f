"""Other people's gateways before the same provider, each in an environment of its own."""

import json
import subprocess
import sys
from collections.abc import Collection, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

from benchmarks.gateway_servers import (
    RUNNING,
    Contestant,
    address_of,
    await_answer,
    free_port,
    listen_to,
    process,
)
from benchmarks.peers import LITELLM, PORTKEY, TENSORZERO
from benchmarks.provider import KEY, MODEL

# No line a request from any.
QUIET = {
    "version": 1,
    "disable_existing_loggers": False,
    "loggers": {"uvicorn.access": {"handlers": [], "propagate": False}},
}
# What `tensorzero.patch_openai_client` does: its gateway listens inside of a Python process.
TENSORZERO_PROGRAM = """
import asyncio, sys
from tensorzero.tensorzero import _start_http_gateway

async def main():
    gateway = await _start_http_gateway(
        config_file=sys.argv[1],
        clickhouse_url=None,
        postgres_url=None,
        valkey_url=None,
        async_setup=True,
    )
    print("running on", gateway.base_url, flush=True)
    await asyncio.Event().wait()

asyncio.run(main())
"""
TENSORZERO_CONFIG = """
[gateway]
observability.enabled = false

[models.chat]
routing = ["simulated"]

[models.chat.providers.simulated]
type = "openai"
model_name = "{model}"
api_base = "{url}/"
api_key_location = "none"
"""


@dataclass(slots=True)
class Joined:
    """The peers that run, and for each other one why it doesn't."""

    there: list[Contestant]
    missing: list[str]


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
    port = free_port()
    command = [LITELLM.program("litellm"), "--config", str(config), "--log_config", str(logs)]
    command += ["--host", "127.0.0.1", "--port", str(port), "--telemetry", "False"]
    with process(command, alone=LITELLM.environment(), folder=LITELLM.folder) as started:
        listen_to(started)
        peer = Contestant("LiteLLM proxy", f"http://127.0.0.1:{port}/v1", KEY, "chat", started)
        await_answer(peer, body)
        yield peer


@contextmanager
def portkey(provider: Contestant, body: Mapping[str, Any]) -> Iterator[Contestant]:
    """Portkey's gateway on Node; each request says itself where it goes."""
    PORTKEY.install()
    program = PORTKEY.folder / "node_modules" / "@portkey-ai" / "gateway" / "build"
    port = free_port()
    command = ["node", str(program / "start-server.js"), f"--port={port}", "--headless"]
    headers = {"x-portkey-provider": "openai", "x-portkey-custom-host": provider.url}
    with process(command, alone=PORTKEY.environment(), folder=PORTKEY.folder) as started:
        listen_to(started)
        url = f"http://127.0.0.1:{port}/v1"
        peer = Contestant("Portkey gateway", url, KEY, MODEL, started, headers)
        await_answer(peer, body)
        yield peer


@contextmanager
def tensorzero(provider: Contestant, body: Mapping[str, Any]) -> Iterator[Contestant]:
    """TensorZero's embedded gateway, which is Rust inside of Python; it keeps no records here."""
    TENSORZERO.install()
    config = TENSORZERO.folder / "tensorzero.toml"
    written = TENSORZERO_CONFIG.format(model=MODEL, url=provider.url)
    config.write_text(written, encoding="utf-8")
    command = [TENSORZERO.program("python"), "-c", TENSORZERO_PROGRAM, str(config)]
    alone = TENSORZERO.environment(RUST_LOG="error")
    with process(command, alone=alone, folder=TENSORZERO.folder) as started:
        url = address_of(started, RUNNING).rstrip("/")
        model = "tensorzero::model_name::chat"
        peer = Contestant("TensorZero embedded", url, KEY, model, started)
        await_answer(peer, body)
        yield peer


ALL = {"LiteLLM": litellm, "Portkey": portkey, "TensorZero": tensorzero}


def joined(
    running: ExitStack,
    provider: Contestant,
    body: Mapping[str, Any],
    wanted: Collection[str] | None = None,
) -> Joined:
    """Those that can be installed and answer; the others are left out, and said.

    `wanted` names those of ALL that are to be asked at all; without it, everybody is.
    """
    found = Joined([], [])
    for name in wanted or ALL:
        try:
            found.there.append(running.enter_context(ALL[name](provider, body)))
        except (SystemExit, OSError, subprocess.SubprocessError) as error:
            why = " ".join(str(error).split())[:200]
            found.missing.append(f"{name} is not among them: {why}")
            sys.stderr.write(f"{found.missing[-1]}\n")
    return found


def versions() -> str:
    """What the servers are made of; a peer that isn't there has none."""
    try:
        return _versions()
    except (OSError, subprocess.SubprocessError, KeyError):
        return f"uvicorn {version('uvicorn')}, uvloop {version('uvloop')}"


def _versions() -> str:
    ours = ", ".join(f"{name} {version(name)}" for name in ("uvicorn", "uvloop", "aiohttp"))
    listed = subprocess.run(
        [LITELLM.program("python"), "-m", "pip", "list", "--format", "json"],
        capture_output=True,
        check=True,
    )
    theirs = {each["name"]: each["version"] for each in json.loads(listed.stdout)}
    named = ", ".join(f"{name} {theirs[name]}" for name in ("uvicorn", "uvloop", "aiohttp"))
    node = subprocess.run(["node", "--version"], capture_output=True, check=True, text=True)
    return (
        f"ours {ours}; LiteLLM {theirs['litellm']} with {named}; {PORTKEY.requirement} on Node"
        f" {node.stdout.strip()}; {TENSORZERO.requirement}"
    )
