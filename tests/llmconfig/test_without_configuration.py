"""Calls in the states before a configuration: the environment's key serves them, with a warning."""

import json
import os
import subprocess
import sys

import pytest

from llmconfig import client, provider_types
from llmconfig.client.types import Call
from llmconfig.configuration import snapshot
from llmconfig.errors import CallsDisabled
from llmconfig.models import LLMConfig, NodeConfiguration, Provider
from llmconfig.provider_types.contract import ProviderType
from tests.loopback import answered, loopback

pytestmark = pytest.mark.django_db(transaction=True)
KEY = "LLM_LOOPBACK_API_KEY"


@pytest.fixture
def served(monkeypatch):
    """A kind of provider whose key the environment holds; it keeps what it was asked."""
    with loopback(lambda _: (200, answered())) as provider:
        kind = ProviderType(
            name="loopback",
            label="Loopback",
            wire="openai",
            base_url=provider.url,
            private_network=True,
            key_variable=KEY,
            last_resort="",
        )
        provider_types.register(kind)
        monkeypatch.setenv(KEY, "sk-in-the-environment")
        try:
            yield provider
        finally:
            provider_types.unregister("loopback")


def ask(node="reasoning"):
    return client.generate(Call(node=node, messages=[{"role": "user", "content": "Hello"}]))


@pytest.mark.parametrize("state", ["migrated", "nodes synced", "no usable provider"])
def test_the_key_in_the_environment_serves_calls(served, state, caplog):
    NodeConfiguration.objects.create(node_name="greeting", interaction_type="tools")
    if state == "no usable provider":
        off = Provider.objects.create(name="off", provider_type="custom", is_enabled=False)
        LLMConfig.objects.create(pk=1, provider=off, enabled=True)
    snapshot.expire()
    node, model = ("reasoning", "gpt-4o") if state == "migrated" else ("greeting", "gpt-4o-mini")
    assert ask(node).text == "Fine."
    assert [each["model"] for each in served.bodies] == [model]
    assert served.headers[0]["authorization"] == "Bearer sk-in-the-environment"
    assert f"using {KEY} with {model}" in caplog.text


def test_switched_off_or_without_a_key_nothing_is_called(served, monkeypatch):
    row = Provider.objects.create(
        name="own", provider_type="custom", api_base_url=served.url, is_enabled=True
    )
    snapshot.expire()
    with pytest.raises(CallsDisabled):  # providers, but nobody has turned calls on
        ask()
    LLMConfig.objects.create(pk=1, provider=row, enabled=False)
    snapshot.expire()
    with pytest.raises(CallsDisabled):
        ask()
    LLMConfig.objects.all().delete()
    Provider.objects.all().delete()
    monkeypatch.delenv(KEY)
    snapshot.expire()
    with pytest.raises(CallsDisabled):
        ask()
    assert served.bodies == []


SCRIPT = """
import asyncio, json, os, sys
import django
django.setup()
from llmconfig import client, provider_types
from llmconfig.client.types import Call
from llmconfig.errors import ConfigurationUnavailable
from llmconfig.provider_types.contract import ProviderType
provider_types.register(ProviderType(
    name="loopback", label="Loopback", wire="openai", base_url=sys.argv[1],
    private_network=True, key_variable="LLM_LOOPBACK_API_KEY", last_resort=""))
call = Call(node=sys.argv[2], messages=[{"role": "user", "content": "Hello"}])
said = [client.generate(call).text, asyncio.run(client.agenerate(call)).text]
del os.environ["LLM_LOOPBACK_API_KEY"]
try:
    client.generate(call)
except ConfigurationUnavailable as error:
    said.append(str(error))
print(json.dumps(said))
"""


def test_with_the_database_away_from_the_start_calls_go_on(served, tmp_path):
    nodes = tmp_path / "nodes.yaml"
    nodes.write_text("greeting:\n  interaction_type: planning\n  default_temperature: 0.3\n")
    away = {"DATABASE_URL": "postgres://nobody@127.0.0.1:9/none", "LLM_NODES_FILE": str(nodes)}
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, served.url, "greeting"],
        env={**os.environ, **away, "DJANGO_SETTINGS_MODULE": "project.settings"},
        capture_output=True, text=True, timeout=250, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    first, second, refused = json.loads(done.stdout.splitlines()[-1])
    assert (first, second) == ("Fine.", "Fine.")
    assert "The configuration can't be read: " in refused
    asked = [(each["model"], each["temperature"]) for each in served.bodies]
    assert asked == [("gpt-4o", 0.3)] * 2
    assert f"using {KEY}" in done.stderr
