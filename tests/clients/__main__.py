"""`make clients`: each client of the matrix at `/v1`, before the simulator or a model of one's own.

Needs an empty database in DATABASE_URL, as `python -m project.embedded --ephemeral --` brings one.
Writes docs/clients.md when it knows all of them at the simulator, from this run and those of the
last day; exits 1 if a step failed that no note explains.
"""

import argparse
import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import django

from tests.clients import environments, kept, matrix, running
from tests.clients.listing import CLIENTS, MatrixClient

AT_A_TIME = 2
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


def main() -> None:
    """Run the clients that the arguments name, tell each step as it comes, write the matrix."""
    parser = argparse.ArgumentParser(prog="python -m tests.clients")
    parser.add_argument("only", nargs="*", help="Beginnings of clients' names. Default: all.")
    parser.add_argument("--local", action="store_true", help="Ask the model at LLM_LOCAL_URL.")
    parser.add_argument(
        "--resume", action="store_true", help="Leave out clients that worked within the last day."
    )
    given = parser.parse_args()
    found = kept.results(CLIENTS) if not given.local else {}
    chosen = [
        each
        for each in CLIENTS
        if (not given.only or each.shown.startswith(tuple(given.only)))
        and not (given.resume and each.shown in found and not found[each.shown].unexplained)
    ]
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")
    os.environ["ANTHROPIC_API_KEY"] = "sk-simulated-0123456789"
    if chosen:
        django.setup()
        with _gateway(local=given.local) as surroundings, ThreadPoolExecutor(AT_A_TIME) as pool:

            def run(client: MatrixClient) -> running.ClientResult:
                result = running.run(client, surroundings)
                if not given.local:
                    kept.keep(result)
                return result

            ran = list(pool.map(run, chosen))
        sys.stdout.write(f"{matrix.table(ran)}\n\n{matrix.failures(ran)}\n")
        found |= {result.client.shown: result for result in ran}
    missing = [each.shown for each in CLIENTS if each.shown not in found]
    if not given.local and not missing:
        matrix.write([found[each.shown] for each in CLIENTS])
        sys.stdout.write(f"Wrote {matrix.DOCUMENT}.\n")
    elif not given.local:
        sys.stdout.write(f"Not written, for these weren't run: {'; '.join(missing)}.\n")
    sys.exit(any(found[each.shown].unexplained for each in chosen))


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


if __name__ == "__main__":
    main()
