"""`python -m tests.clients.beside_litellm`: LiteLLM's proxy and ours on the same file, by field.

Both get the same config.yaml (ours by import_litellm) with the simulator behind them, and answer
the same requests. Needs an empty database in DATABASE_URL; LiteLLM is installed into
.nodewise/bench, unless LITELLM_PROGRAM names its program.
"""

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import django
import httpx2

from benchmarks.peers import LITELLM

MASTER = "sk-master-of-litellm-0123456789"
READY_SECONDS = 180
# What differs from call to call, whoever answers.
OF_THE_CALL = ("id", "created", "system_fingerprint", "request_id", "tool_calls[].id")
ASK = [{"role": "user", "content": "Describe one dog in five words."}]
TOOL = {
    "type": "function",
    "function": {
        "name": "weather",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
    },
}
FORM = {
    "type": "json_schema",
    "json_schema": {
        "name": "dog",
        "strict": True,
        "schema": {
            "type": "object",
            "properties": {"name": {"type": "string"}},
            "required": ["name"],
            "additionalProperties": False,
        },
    },
}
REQUESTS: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("chat", "chat/completions", {"model": "fast", "messages": ASK}),
    ("chat by its fallback", "chat/completions", {"model": "broken", "messages": ASK}),
    ("chat at Claude", "chat/completions", {"model": "claude", "messages": ASK, "max_tokens": 100}),
    ("forced tool", "chat/completions",
     {"model": "fast", "messages": ASK, "tools": [TOOL], "tool_choice": "required"}),
    ("schema", "chat/completions", {"model": "fast", "messages": ASK, "response_format": FORM}),
    ("stream", "chat/completions",
     {"model": "fast", "messages": ASK, "stream": True, "stream_options": {"include_usage": True}}),
    ("embeddings", "embeddings", {"model": "vectors", "input": ["a dog", "a cat"]}),
    ("responses", "responses", {"model": "fast", "input": "Describe one dog."}),
    ("messages", "messages", {"model": "claude", "messages": ASK, "max_tokens": 100}),
    ("messages at OpenAI", "messages", {"model": "fast", "messages": ASK, "max_tokens": 100}),
    ("unknown model", "chat/completions", {"model": "nobody", "messages": ASK}),
    ("no messages", "chat/completions", {"model": "fast", "messages": []}),
)  # fmt: skip


def main() -> None:
    """Start everything, ask both, print what differs."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")
    os.environ["LLM_SECRET_REFERENCES"] = "env:SIM_KEY"
    os.environ["SIM_KEY"] = "sk-simulated-0123456789"
    django.setup()
    from tests.clients.__main__ import simulator

    with simulator() as url, TemporaryDirectory() as folder:
        config = Path(folder) / "config.yaml"
        config.write_text(json.dumps(_config(url)), encoding="utf-8")
        with _ours(config) as ours, _litellm(config) as theirs:
            for name, path, body in REQUESTS:
                _compare(name, _asked(ours, path, body), _asked(theirs, path, body))


def _config(url: str) -> dict[str, Any]:
    key = "os.environ/SIM_KEY"

    def deployment(name: str, model: str, address: str) -> dict[str, Any]:
        params = {"model": model, "api_base": address, "api_key": key, "timeout": 30}
        return {"model_name": name, "litellm_params": params}

    return {
        "model_list": [
            deployment("fast", "openai/gpt-4o-mini", f"{url}/v1"),
            deployment("broken", "openai/gone", "http://127.0.0.1:9/v1"),
            deployment("claude", "anthropic/claude-haiku-5-5", url),
            deployment("vectors", "openai/text-embedding-3-small", f"{url}/v1"),
        ],
        "router_settings": {"fallbacks": [{"broken": ["fast"]}], "num_retries": 0},
        "litellm_settings": {"drop_params": True},
        "general_settings": {"master_key": MASTER},
    }


@contextmanager
def _ours(config: Path) -> Iterator[httpx2.Client]:
    from django.core.management import call_command

    from llmconfig.configuration.revisions import change
    from llmconfig.models import LLMConfig, Provider
    from tests.llmconfig.gateway_server import new_key, running_server

    call_command("migrate", verbosity=0)
    call_command("import_litellm", str(config))
    with change(source="shell"):
        defaults = {"enabled": True, "provider": Provider.objects.first()}
        LLMConfig.objects.update_or_create(pk=1, defaults=defaults)
    with running_server() as server:
        key = server.until_known(new_key("beside"), "fast", "claude", "vectors")
        with server.client(key) as client:
            yield client


@contextmanager
def _litellm(config: Path) -> Iterator[httpx2.Client]:
    program = os.environ.get("LITELLM_PROGRAM", "")
    if not program:
        LITELLM.install()
        program = LITELLM.program("litellm")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [program, "--config", str(config), "--host", "127.0.0.1", "--port", str(port)]
    environment = LITELLM.environment(SIM_KEY=os.environ["SIM_KEY"], HOME=str(config.parent))
    with subprocess.Popen(
        [*command, "--telemetry", "False"], env=environment, stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:  # fmt: skip
        try:
            headers = {"authorization": f"Bearer {MASTER}"}
            with httpx2.Client(
                base_url=f"http://127.0.0.1:{port}", headers=headers, trust_env=False, timeout=60
            ) as client:
                _await(client)
                yield client
        finally:
            process.terminate()


def _await(client: httpx2.Client) -> None:
    ends = time.monotonic() + READY_SECONDS
    while time.monotonic() < ends:
        try:
            if client.get("/health/liveliness").status_code == 200:
                return
        except httpx2.HTTPError:
            pass
        time.sleep(0.5)
    raise SystemExit("LiteLLM's proxy didn't start.")


def _asked(client: httpx2.Client, path: str, body: Mapping[str, Any]) -> tuple[int, Any]:
    reply = client.post(f"/v1/{path}", json=dict(body))
    if not body.get("stream"):
        return reply.status_code, reply.json()
    lines = [line.removeprefix("data: ") for line in reply.text.splitlines() if "data: {" in line]
    chunks = [json.loads(line) for line in lines]
    merged: dict[str, Any] = {}
    for chunk in chunks:
        merged = _merged(merged, chunk)
    return reply.status_code, merged


def _merged(one: Any, other: Any) -> Any:
    """Chunks as one answer: texts joined, lists by place, else what came last."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one | {key: _merged(one.get(key), value) for key, value in other.items()}
    if isinstance(one, list) and isinstance(other, list):
        longer = max(len(one), len(other))
        pairs = [(one[at : at + 1], other[at : at + 1]) for at in range(longer)]
        return [_merged(a[0] if a else None, b[0] if b else a[0]) for a, b in pairs]
    return one if other is None else other


def _fields(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for name, each in value.items():
            yield from _fields(each, f"{path}.{name}".lstrip("."))
    elif isinstance(value, list):
        if value and not isinstance(value[0], dict | list):
            yield f"{path}[]", len(value)
        for at, each in enumerate(value[:5]):
            if isinstance(each, dict | list):
                yield from _fields(each, f"{path}[{at}]")
    else:
        yield path, value


def _compare(name: str, ours: tuple[int, Any], theirs: tuple[int, Any]) -> None:
    mine = {path: each for path, each in _fields(ours[1]) if each is not None}
    other = {path: each for path, each in _fields(theirs[1]) if each is not None}
    both = mine.keys() & other.keys()
    varying = {path for path in both if path.rpartition(".")[2] in OF_THE_CALL}
    same = {path for path in both if mine[path] == other[path]} | varying
    sys.stdout.write(f"\n{name}: {ours[0]} here, {theirs[0]} there; {len(same)} fields alike\n")
    for path in sorted(both - same):
        sys.stdout.write(f"  {path}: {_short(mine[path])} here, {_short(other[path])} there\n")
    for title, found, lacking in (("only here", mine, other), ("only there", other, mine)):
        paths = sorted(found.keys() - lacking.keys())
        if paths:
            told = ", ".join(f"{path}={_short(found[path])}" for path in paths)
            sys.stdout.write(f"  {title}: {told}\n")


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}…"


if __name__ == "__main__":
    main()
