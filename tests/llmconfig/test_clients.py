"""The clients that tests have anyway, by the scripts of `make clients`: each step has to work."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from llmconfig.models import ModelKind, ProviderModel
from tests.llmconfig.gateway_server import new_key, running_server

pytestmark = pytest.mark.django_db(transaction=True)

SCRIPTS = Path(__file__).parents[1] / "clients" / "scripts"
NAMES = (
    "openai_chat",
    "openai_responses",
    "anthropic_messages",
    "langchain_openai_chat",
    "httpx_raw",
)


def test_each_step_of_each_client_works(simulator, make_provider, make_node):
    sim = make_provider(model_id="agent-1")
    make_provider("claude-sim", "anthropic", model_id="agent-claude")
    ProviderModel.objects.create(
        provider=sim, model_id="text-embedding-3-small", kind=ModelKind.EMBEDDING
    )
    make_node("sim/agent-1", name="chat")
    make_node("claude-sim/agent-claude", name="claude")
    make_node("sim/text-embedding-3-small", name="embedder")
    with running_server() as server:
        told = subprocess.run(
            [sys.executable, str(SCRIPTS / "several.py"), *NAMES],
            env={
                "NODEWISE_URL": f"{server.url}/v1",
                "NODEWISE_KEY": server.until_known(new_key(), "chat", "claude", "embedder"),
                "NODEWISE_MODEL": "chat",
                "NODEWISE_CLAUDE": "claude",
                "NODEWISE_EMBEDDER": "embedder",
                "AT": "anthropic",
            },
            capture_output=True,
            text=True,
            timeout=250,
            check=False,
        )
    lines = [line for line in told.stdout.splitlines() if line.startswith("@@")]
    assert [line for line in lines if line.startswith("@@@")] == [f"@@@{name}" for name in NAMES]
    steps = [json.loads(line[2:]) for line in lines if not line.startswith("@@@")]
    assert len(steps) == 32, told.stderr[-2000:]
    assert [step for step in steps if not step["ok"]] == []
