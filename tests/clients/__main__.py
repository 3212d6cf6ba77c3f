"""`make clients`: each client of the matrix at `/v1`, before the simulator or a model of one's own.

Needs an empty database in DATABASE_URL, as `python -m project.embedded --ephemeral --` brings one.
Writes docs/clients.md when it ran all of them at the simulator; exits 1 if a step failed that no
note explains.
"""

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from shutil import which

import django

from tests.clients import environments
from tests.clients.listing import CLIENTS, STEPS, MatrixClient

DOCUMENT = environments.ROOT / "docs" / "clients.md"
BEGIN, END = "<!-- written by make clients -->", "<!-- end -->"
MAX_SECONDS = 300
CONFIGURATION = """
providers:
  sim: {{provider_type: custom, api_base_url: "{url}/v1"}}
  simclaude: {{provider_type: anthropic, api_base_url: "{url}", secret_ref: env:ANTHROPIC_API_KEY}}
models:
  sim/agent-1:
    supports_tools: true
    supports_json_schema: true
    prices: [{{input_per_1m: 1, output_per_1m: 10}}]
  simclaude/agent-claude: {{supports_tools: true, supports_json_schema: true, prices: []}}
  sim/text-embedding-3-small: {{kind: embedding, prices: []}}
chat: {{default_model: "{model}", allow_unlisted_models: true}}
claude: {{default_model: simclaude/agent-claude}}
embedder: {{default_model: sim/text-embedding-3-small}}
"""


@dataclass(slots=True)
class ClientResult:
    """What became of each step: blank where it worked, else why it didn't."""

    client: MatrixClient
    steps: dict[str, str] = field(default_factory=dict)
    broken: str = ""  # why the script didn't get to its steps

    @property
    def unexplained(self) -> dict[str, str]:
        """The failures that no note is for."""
        known = self.client.known
        if self.broken:
            return {} if "all" in known else {"all": self.broken}
        return {step: why for step, why in self.steps.items() if why and step not in known}


def main() -> None:
    """Run the clients that the arguments name, print the results, write the matrix."""
    parser = argparse.ArgumentParser(prog="python -m tests.clients")
    parser.add_argument("only", nargs="*", help="Beginnings of clients' names. Default: all.")
    parser.add_argument("--local", action="store_true", help="Ask the model at LLM_LOCAL_URL.")
    given = parser.parse_args()
    chosen = [
        each for each in CLIENTS if not given.only or each.shown.startswith(tuple(given.only))
    ]
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")
    os.environ["ANTHROPIC_API_KEY"] = "sk-simulated-0123456789"
    django.setup()
    with _gateway(local=given.local) as surroundings, ThreadPoolExecutor(2) as pool:
        results = list(pool.map(lambda each: _run(each, surroundings), chosen))
    sys.stdout.write(f"{_matrix(results)}\n\n{_failures(results)}\n")
    if len(chosen) == len(CLIENTS) and not given.local:
        _write(results)
    sys.exit(any(each.unexplained for each in results))


@contextmanager
def _gateway(*, local: bool) -> Iterator[dict[str, str]]:
    """A running endpoint before the simulator; gives what a client needs to know of it."""
    from django.core.management import call_command

    from llmconfig.configuration.revisions import change
    from llmconfig.configuration.sync import nodes_file
    from llmconfig.configuration.sync.writing import sync_entries
    from llmconfig.models import LLMConfig, Provider
    from tests.llmconfig.gateway_server import new_key, running_server

    call_command("migrate", verbosity=0)
    with simulator() as url:
        model = "sim/agent-1"
        if local:
            call_command("seed_llm_config", local_model=os.environ["LLM_LOCAL_MODEL"], verbosity=0)
            model = f"local/{os.environ['LLM_LOCAL_MODEL']}"
        entries = nodes_file.parse(CONFIGURATION.format(url=url, model=model))
        sync_entries(entries, named="clients")
        with change(source="shell"):
            provider = Provider.objects.get(name="sim")
            LLMConfig.objects.update_or_create(
                pk=1, defaults={"enabled": True, "provider": provider}
            )
        with running_server() as server:
            key = server.until_known(new_key("clients"), "chat", "claude", "embedder")
            yield environments.surroundings(
                NODEWISE_URL=f"{server.url}/v1",
                NODEWISE_KEY=key,
                NODEWISE_MODEL="chat",
                NODEWISE_CLAUDE="claude",
                NODEWISE_EMBEDDER="embedder",
            )


@contextmanager
def simulator() -> Iterator[str]:
    """The simulator on a free port; gives its address."""
    command = [sys.executable, "-m", "project.embedded.simulator", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            line = process.stdout.readline() if process.stdout else ""
            yield line.split()[-1]
        finally:
            process.terminate()


def _run(client: MatrixClient, surroundings: dict[str, str]) -> ClientResult:
    result = ClientResult(client)
    if client.is_node and not which("node"):
        result.broken = "there is no node here"
        return result
    try:
        done = subprocess.run(
            environments.command(client),
            env={**surroundings, **client.environment},
            cwd=Path(surroundings["HOME"]),
            capture_output=True,
            text=True,
            timeout=MAX_SECONDS,
            check=False,
        )
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
        result.broken = str(error)[:200]
        return result
    for line in done.stdout.splitlines():
        if line.startswith("@@"):
            told = json.loads(line.removeprefix("@@"))
            result.steps[told["step"]] = "" if told["ok"] else told["why"]
    if not result.steps:
        result.broken = " ".join(done.stderr.split())[-300:] or "it said nothing"
    sys.stderr.write(f"{client.shown}: {_marks(result)}\n")
    return result


def _marks(result: ClientResult) -> str:
    return " ".join(f"{step}{'✓' if not why else '✗'}" for step, why in result.steps.items())


def _matrix(results: Sequence[ClientResult]) -> str:
    rows = [f"| client | version | {' | '.join(STEPS)} |", f"| --- | --- |{' --- |' * len(STEPS)}"]
    for each in results:
        marks = [
            "✗" if each.broken or each.steps.get(step) else "✓" if step in each.steps else "–"
            for step in STEPS
        ]
        rows.append(f"| {each.client.shown} | `{each.client.version}` | {' | '.join(marks)} |")
    return "\n".join(rows)


def _failures(results: Sequence[ClientResult]) -> str:
    lines = []
    for each in results:
        failed = {"all": each.broken} if each.broken else each.steps
        for step, why in failed.items():
            if why:
                told = each.client.known.get(step, f"unexplained: {why}")
                lines.append(f"- {each.client.shown}, {step}: {told}")
    return "\n".join(lines)


def _write(results: Sequence[ClientResult]) -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    head, _, rest = text.partition(BEGIN)
    _, _, tail = rest.partition(END)
    made = f"{_matrix(results)}\n\n{_failures(results)}".strip()
    DOCUMENT.write_text(f"{head}{BEGIN}\n{made}\n{END}{tail}", encoding="utf-8")


if __name__ == "__main__":
    main()
