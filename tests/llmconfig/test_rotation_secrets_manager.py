"""Keys that stay in AWS Secrets Manager, against a local one."""

import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import botocore.session  # type: ignore[import-untyped]  # it has no types
import pytest

from llmconfig.client import generate
from llmconfig.client.credentials import provider_keys, secrets_manager
from llmconfig.client.errors import GenerationRefused
from llmconfig.configuration import snapshot
from llmconfig.errors import SecretUnreadable
from llmconfig.models import Provider
from tests.llmconfig.conftest import CANARY

pytestmark = pytest.mark.django_db(transaction=True)

SERVER = """
from moto.server import ThreadedMotoServer
server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
server.start()
print("http://%s:%s" % server.get_host_and_port(), flush=True)
import sys
sys.stdin.read()
"""
ROTATED = "sk-rotated-0123456789abcdefgh"


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", SERVER],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout
    yield process.stdout.readline().strip()
    process.kill()
    process.wait(10)


@pytest.fixture
def aws(server: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A client of the local Secrets Manager, which the environment names."""
    for name, value in (
        ("AWS_ENDPOINT_URL_SECRETS_MANAGER", server),
        ("AWS_DEFAULT_REGION", "eu-west-1"),
        ("AWS_ACCESS_KEY_ID", "testing"),
        ("AWS_SECRET_ACCESS_KEY", "testing"),
    ):
        monkeypatch.setenv(name, value)
    client = botocore.session.get_session().create_client("secretsmanager")
    yield client
    for each in client.list_secrets()["SecretList"]:
        client.delete_secret(SecretId=each["ARN"], ForceDeleteWithoutRecovery=True)
    secrets_manager._held.clear()


def key_of(reference: str) -> str:
    Provider.objects.update_or_create(
        name="vaulted", defaults={"provider_type": "openai", "secret_ref": reference}
    )
    snapshot.expire()
    key = provider_keys.read(snapshot.current().providers["vaulted"])
    assert key
    return key.reveal()


def test_a_key_is_read_by_name_by_arn_and_out_of_json(aws):
    aws.create_secret(Name="llm/plain", SecretString=CANARY)
    made = aws.create_secret(
        Name="llm/many", SecretString=json.dumps({"openai": "sk-in-json", "n": 3})
    )
    assert key_of("aws-sm:llm/plain") == CANARY
    assert key_of("aws-sm:llm/many#openai") == "sk-in-json"
    assert key_of(f"aws-sm:{made['ARN']}#openai") == "sk-in-json"


def test_what_is_missing_is_named_and_nothing_of_the_secret_is_told(aws):
    aws.create_secret(Name="llm/plain", SecretString=CANARY)
    for reference, why in (
        ("aws-sm:llm/none", "vaulted: aws-sm:llm/none: AWS Secrets Manager answers Resource"),
        ("aws-sm:llm/plain#openai", "is no JSON object with a text 'openai'"),
    ):
        with pytest.raises(SecretUnreadable, match=why) as caught:
            key_of(reference)
        assert CANARY[:8] not in str(caught.value)


def test_a_key_in_hand_is_not_asked_for_again_and_outlives_an_aws_that_is_away(aws, monkeypatch):
    aws.create_secret(Name="llm/plain", SecretString=CANARY)
    reference = "aws-sm:llm/plain"
    assert key_of(reference) == CANARY
    aws.put_secret_value(SecretId="llm/plain", SecretString=ROTATED)
    assert key_of(reference) == CANARY
    monkeypatch.setenv("AWS_ENDPOINT_URL_SECRETS_MANAGER", "http://127.0.0.1:9")
    secrets_manager._held[reference].stale_at = 0
    assert key_of(reference) == CANARY
    secrets_manager.forget(reference)
    with pytest.raises(SecretUnreadable, match="EndpointConnectionError"):
        key_of(reference)


def test_a_refused_key_is_fetched_anew_for_the_next_call(
    aws, make_provider, make_node, ask, simulator
):
    aws.create_secret(Name="llm/sim", SecretString=CANARY)
    make_provider(key=None, secret_ref="aws-sm:llm/sim")
    make_node("sim/gpt-4o-mini")
    assert generate(ask()).record.error_code == ""
    aws.put_secret_value(SecretId="llm/sim", SecretString=ROTATED)
    simulator.fail_first(1, status=401)
    with pytest.raises(GenerationRefused):
        generate(ask())
    assert generate(ask("Another dog?")).record.error_code == ""
    assert key_of("aws-sm:llm/sim") == ROTATED


def test_botocore_never_logs_what_aws_answered(aws, caplog):
    aws.create_secret(Name="llm/plain", SecretString=CANARY)
    caplog.clear()
    caplog.set_level("DEBUG")
    caplog.set_level("DEBUG", "botocore")
    assert key_of("aws-sm:llm/plain") == CANARY
    assert CANARY not in caplog.text
