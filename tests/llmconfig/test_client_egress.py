"""Where requests may go, what they carry, and what never leaves."""

import asyncio
import base64
import logging
import socket
import threading
import traceback
from pathlib import Path
from urllib.parse import quote

import pytest

from llmconfig import client
from llmconfig.client.credentials import provider_keys
from llmconfig.client.credentials.redaction import Scrubber
from llmconfig.client.errors import GenerationExhausted, GenerationRefused
from llmconfig.client.http import egress
from llmconfig.configuration import snapshot
from llmconfig.errors import SecretUnreadable
from llmconfig.models import Provider
from llmconfig.secrets import MASK, Secret
from tests.llmconfig.conftest import CANARY

pytestmark = pytest.mark.django_db


@pytest.fixture
def trap():
    """A listener on loopback that counts who connects."""
    listener = socket.create_server(("127.0.0.1", 0))
    hits: list[object] = []

    def accept():
        while True:
            try:
                connection, address = listener.accept()
            except OSError:
                return
            hits.append(address)
            connection.close()

    threading.Thread(target=accept, daemon=True).start()
    yield listener.getsockname()[1], hits
    listener.close()


def attempts_of(raised):
    return [each.outcome for each in raised.value.record.attempts]


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "localhost",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "2130706433",
        "0x7f000001",
        "0177.0.0.1",
        "127.1",
        "0.0.0.0",  # noqa: S104
        "127.0.0.1.",
        "10.0.0.1",
        "192.168.1.1",
        "172.16.0.1",
        "169.254.169.254",
        "[64:ff9b::7f00:1]",
        "[2002:7f00:1::]",
    ],
)
@pytest.mark.parametrize("provider_type", ["openai", "anthropic"])
def test_a_hosted_type_reaches_public_addresses_only(
    make_provider, make_node, ask, settings, trap, host, provider_type
):
    port, hits = trap
    make_provider("p", provider_type, model_id="m", api_base_url=f"http://{host}:{port}")
    settings.LLM_EGRESS_ALLOW = []
    make_node("p/m")
    with pytest.raises(GenerationRefused, match="p/m: egress_refused") as raised:
        client.generate(ask())
    assert attempts_of(raised) == ["egress_refused"]
    assert hits == []


@pytest.mark.parametrize(
    "address",
    [
        "http://api.example.com@127.0.0.1:{port}",
        "http://user:pw@127.0.0.1:{port}/v1",
        "ftp://127.0.0.1:{port}/v1",
        "file:///etc/passwd",
        "http://",
        "//127.0.0.1:{port}/v1",
    ],
)
def test_an_address_that_plays_tricks_is_refused(
    make_provider, make_node, ask, settings, trap, address
):
    port, hits = trap
    make_provider("p", api_base_url=address.format(port=port), model_id="m")
    make_node("p/m")
    with pytest.raises(GenerationRefused, match="its address must read like") as raised:
        client.generate(ask())
    assert attempts_of(raised) == ["address_unusable"]
    assert hits == []


@pytest.mark.parametrize("provider_type", ["local", "custom"])
def test_a_server_of_ones_own_may_be_on_this_machine(
    make_provider, make_node, ask, settings, provider_type
):
    make_provider("p", provider_type, model_id="m", key=None)
    settings.LLM_EGRESS_ALLOW = []
    make_node("p/m")
    assert client.generate(ask()).text


@pytest.mark.parametrize(
    "host",
    ["169.254.169.254", "[fe80::1]", "0.0.0.0", "[fd00:ec2::254]", "224.0.0.1"],  # noqa: S104
)
def test_nobody_reaches_the_machines_metadata(make_provider, make_node, ask, settings, host):
    make_provider("p", "local", model_id="m", api_base_url=f"http://{host}/v1")
    settings.LLM_EGRESS_ALLOW = ["0.0.0.0/0", "::/0"]
    make_node("p/m")
    with pytest.raises(GenerationRefused) as raised:
        client.generate(ask())
    assert attempts_of(raised) == ["egress_refused"]


@pytest.mark.parametrize(
    "entry", ["127.0.0.0/8", "127.0.0.1:{port}", "localhost:{port}", "localhost"]
)
def test_an_allowance_widens_what_a_hosted_type_reaches(
    make_provider, make_node, ask, simulator, settings, entry
):
    port = simulator.url.rpartition(":")[2]
    host = "localhost" if "localhost" in entry else "127.0.0.1"
    make_provider("p", model_id="m", api_base_url=f"http://{host}:{port}/v1")
    make_node("p/m")
    settings.LLM_EGRESS_ALLOW = [entry.format(port=port)]
    assert client.generate(ask()).text


def test_an_allowance_for_one_port_is_none_for_another(settings):
    settings.LLM_EGRESS_ALLOW = ["127.0.0.1:1234"]
    info = (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", 1234))
    egress.public_socket(info).close()
    with pytest.raises(egress.EgressRefused):
        egress.public_socket((*info[:4], ("127.0.0.1", 1235)))


def test_a_redirect_is_not_followed(make_provider, make_node, ask, simulator, trap):
    port, hits = trap
    make_provider()
    make_node("sim/gpt-4o-mini")
    simulator.fail(status=307, location=f"http://127.0.0.1:{port}/v1/chat/completions")
    with pytest.raises(GenerationRefused, match="redirect"):
        client.generate(ask())
    assert hits == []
    assert simulator.requests == 1


@pytest.mark.parametrize("action", [{"gzip_bomb_mb": 300}, {"huge_mb": 40}])
def test_a_huge_reply_is_capped(make_provider, make_node, ask, simulator, action):
    make_provider(timeout_seconds=20)
    make_node("sim/gpt-4o-mini")
    simulator.fail(**action)
    with pytest.raises(GenerationRefused, match="over 16 MB") as raised:
        client.generate(ask())
    assert attempts_of(raised) == ["reply_too_large"]


def test_a_closed_port_is_tried_again(make_provider, make_node, ask):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    make_provider(api_base_url=f"http://127.0.0.1:{port}/v1")
    make_node("sim/gpt-4o-mini")
    with pytest.raises(GenerationExhausted, match="onnect") as raised:
        client.generate(ask())
    assert attempts_of(raised) == ["connection"] * 3


# Keys


def test_no_credential_of_the_environment_is_sent(
    make_provider, make_node, ask, simulator, monkeypatch, trap
):
    port, hits = trap
    for name in ("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "OPENAI_BASE_URL", "OPENAI_ORG_ID"):
        monkeypatch.setenv(name, CANARY)
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{port}")
    make_provider("p", "custom", model_id="m", key=None)
    make_node("p/m")
    simulator.fail(echo_key=True)
    with pytest.raises(GenerationRefused) as raised:
        client.generate(ask())
    assert raised.value.record.attempts[0].detail == "Incorrect API key provided: ."
    assert hits == []


@pytest.mark.parametrize("provider_type", ["openai", "anthropic"])
def test_a_hosted_provider_without_a_key_is_not_asked(
    make_provider, make_node, ask, simulator, provider_type
):
    make_provider("p", provider_type, model_id="m", key=None)
    make_node("p/m")
    with pytest.raises(GenerationRefused, match="p has no key: enter one") as raised:
        client.generate(ask())
    assert attempts_of(raised) == ["secret_unreadable"]
    assert simulator.requests == 0


def test_a_target_whose_key_is_unreadable_is_passed_over(make_provider, make_node, ask):
    make_provider("p", model_id="m", key=None)
    make_provider("q", model_id="m")
    make_node("p/m", "q/m")
    record = client.generate(ask()).record
    assert [(each.outcome, each.moved_on) for each in record.attempts] == [
        ("secret_unreadable", "fallback"),
        ("ok", ""),
    ]


@pytest.mark.parametrize("where", ["env", "file"])
def test_a_key_is_read_from_where_its_reference_points(
    make_provider, make_node, ask, simulator, monkeypatch, tmp_path, settings, where
):
    settings.LLM_SECRET_REFERENCES = ["env:LLM_*_API_KEY", f"file:{tmp_path}/*"]
    path = tmp_path / "key"
    path.write_text(f"{CANARY}\n")
    monkeypatch.setenv("LLM_SOME_API_KEY", CANARY)
    make_provider(secret_ref="env:LLM_SOME_API_KEY" if where == "env" else f"file:{path}")
    make_node("sim/gpt-4o-mini")
    simulator.fail(echo_key=True)
    with pytest.raises(GenerationRefused) as raised:
        client.generate(ask())
    assert raised.value.record.attempts[0].detail == f"Incorrect API key provided: {MASK}."


def test_a_key_replaced_in_its_file_is_read_after_a_refusal(
    make_provider, make_node, ask, simulator, tmp_path, settings
):
    settings.LLM_SECRET_REFERENCES = [f"file:{tmp_path}/*"]
    path = tmp_path / "key"
    path.write_text("first-key-of-this-file")
    make_provider(secret_ref=f"file:{path}")
    make_node("sim/gpt-4o-mini")
    simulator.fail_first(1, status=401)
    with pytest.raises(GenerationRefused):
        client.generate(ask())
    path.unlink()
    with pytest.raises(GenerationRefused, match=r"can't be read \(No such file"):
        client.generate(ask())


@pytest.mark.parametrize(
    ("reference", "says"),
    [
        ("env:LLM_NO_SUCH_API_KEY", "that variable is not set"),
        ("file:/run/secrets/no_such_file", "can't be read"),
        ("vault:x", "none of env:, file: and aws-sm:"),
    ],
)
def test_an_unreadable_reference_says_what_to_do(make_provider, reference, says):
    make_provider(secret_ref=reference)
    with pytest.raises(SecretUnreadable, match=says):
        provider_keys.read(snapshot.current().providers["sim"])


@pytest.mark.parametrize("key", ["two\r\nlines-of-a-key", "with space in it", "ключ-ключ-ключ"])
def test_a_key_that_could_forge_a_header_is_not_sent(make_provider, key):
    make_provider(key=key)
    with pytest.raises(SecretUnreadable) as raised:
        provider_keys.read(snapshot.current().providers["sim"])
    assert key not in str(raised.value)


def test_a_key_of_another_row_is_not_sent(make_provider, make_node, ask, simulator):
    make_provider()
    other = make_provider("other", model_id="m")
    Provider.objects.filter(name="sim").update(api_key=other.api_key)
    snapshot.expire()
    make_node("sim/gpt-4o-mini")
    with pytest.raises(GenerationRefused, match="belongs to another row"):
        client.generate(ask())
    assert simulator.requests == 0


@pytest.mark.parametrize("provider_type", ["openai", "anthropic", "azure_openai"])
def test_an_echoed_key_appears_nowhere(
    make_provider, make_node, ask, simulator, caplog, provider_type
):
    caplog.set_level(logging.DEBUG)
    make_provider("p", provider_type, model_id="m")
    make_node("p/m")
    simulator.fail(echo_key=True)
    with pytest.raises(GenerationRefused) as raised:
        client.generate(ask())
    error = raised.value
    seen = "".join(traceback.format_exception(error)) + caplog.text
    seen += repr(error.record) + repr(snapshot.current()) + repr(snapshot.current().memo)
    assert MASK in error.record.attempts[0].detail
    for form in (CANARY, quote(CANARY, safe=""), base64.b64encode(CANARY.encode()).decode()):
        for at in range(len(form) - 7):
            assert form[at : at + 8] not in seen


def test_no_frame_of_a_failed_call_holds_the_key_in_words(make_provider, make_node, ask, simulator):
    make_provider()
    make_node("sim/gpt-4o-mini")
    simulator.fail(status=500)
    with pytest.raises(GenerationExhausted) as raised:
        client.generate(ask())
    assert raised.value.__cause__ is None
    assert raised.value.__context__ is None
    summary = traceback.StackSummary.extract(
        traceback.walk_tb(raised.value.__traceback__), capture_locals=True
    )
    assert CANARY not in "".join(summary.format())


@pytest.mark.parametrize(
    "text",
    [
        f"Wrong key {CANARY}!",
        f"Wrong key {CANARY[:12]}… ending in {CANARY[-9:]}",
        f"?key={quote(CANARY, safe='')}&x",
        f"Basic {base64.b64encode(f'user:{CANARY}'.encode()).decode()}",
        f"Basic {base64.b64encode(f'us:{CANARY}:x'.encode()).decode()}",
    ],
)
def test_keys_are_taken_out_of_providers_words(text):
    said = Scrubber(Secret(CANARY)).clean(text)
    assert MASK in said
    for form in (CANARY, quote(CANARY, safe="")):
        assert not any(form[at : at + 8] in said for at in range(len(form) - 7))
    for before in ("user:", "us:"):
        inner = base64.b64encode((before + CANARY).encode()).decode()[8:-4]
        assert not any(inner[at : at + 8] in said for at in range(len(inner) - 7))


def test_providers_words_become_one_short_line():
    said = Scrubber(None).clean("a\r\nFORGED\0line \ud83d" + "x" * 1000)
    assert said.startswith("a FORGED line ")
    assert len(said) == 300


def test_a_placeholder_key_hides_nothing():
    assert Scrubber(Secret("x")).clean("xenial fox") == "xenial fox"


@pytest.mark.django_db(transaction=True)
@pytest.mark.filterwarnings("error")
def test_sessions_are_closed_with_their_loop(make_provider, make_node, ask):
    make_provider()
    make_node("sim/gpt-4o-mini")
    before = _open_files()
    for _ in range(3):
        asyncio.run(client.agenerate(ask()))
    assert _open_files() <= before + 1  # the snapshot's database connection


def _open_files():
    return len(list(Path("/proc/self/fd").iterdir()))
