"""What clients do that no vendor's document names: packed bodies, addresses, numbers."""

import gzip
import json
import zlib

import pytest

from tests.llmconfig.gateway_server import new_key, shared_server
from tests.llmconfig.scripted import completion, scripted_server

pytestmark = pytest.mark.django_db(transaction=True)

CHAT = "/v1/chat/completions"
ASKED = {"model": "habits", "messages": [{"role": "user", "content": "Hello"}]}
PLAIN = json.dumps(ASKED).encode()
SCHEMA = {"type": "object", "properties": {"dog": {"type": "string"}}, "required": ["dog"]}


@pytest.fixture(scope="module")
def server(django_db_setup, django_db_blocker):
    with shared_server() as running:
        yield running


@pytest.fixture(scope="module")
def provider():
    with scripted_server() as made:
        yield made


@pytest.fixture
def key(server, provider, make_provider, make_node):
    make_provider("habits", api_base_url=provider.url)
    make_node("habits/gpt-4o-mini", name="habits")
    provider.tell(completion({"role": "assistant", "content": '{"dog": "Rex"}'}))
    return server.until_known(new_key("habits"), "habits")


def test_bodies_come_packed_and_as_javascript_and_python_write_them(server, provider, key):
    with server.client(key, headers={"content-type": "application/json"}) as client:
        for packing, body in (("gzip", gzip.compress(PLAIN)), ("deflate", zlib.compress(PLAIN))):
            reply = client.post(CHAT, content=body, headers={"content-encoding": packing})
            assert reply.status_code == 200, reply.text
            assert provider.asked["messages"] == ASKED["messages"]
        half = PLAIN.replace(b"Hello", rb"Hello \ud83d")
        for body, content in ((b"\xef\xbb\xbf" + PLAIN, "Hello"), (half, "Hello ?")):
            reply = client.post(CHAT, content=body)
            assert reply.status_code == 200, reply.text
            assert provider.asked["messages"][0]["content"] == content
        for packing, body, status in (
            ("br", PLAIN, 415),
            ("gzip", PLAIN, 400),
            ("gzip", gzip.compress(PLAIN)[:-9], 400),
            ("gzip", gzip.compress(b" " * (33 * 1024 * 1024)), 413),
        ):
            reply = client.post(CHAT, content=body, headers={"content-encoding": packing})
            assert reply.status_code == status, reply.text


@pytest.mark.parametrize(
    ("more", "sent"),
    [
        ({"max_tokens": 12.0}, 12),
        ({"max_tokens": -1}, None),
        ({"max_completion_tokens": None, "stream_options": None}, None),
    ],
)
def test_limits_come_as_the_clients_language_has_numbers(server, provider, key, more, sent):
    with server.client(key) as client:
        reply = client.post(CHAT, json=ASKED | more)
    assert reply.status_code == 200, reply.text
    assert provider.asked.get("max_completion_tokens") == sent


@pytest.mark.parametrize(
    "form",
    [
        {"type": "json_object", "schema": SCHEMA},
        {"type": "json_schema", "schema": SCHEMA},
        {"type": "json_schema", "json_schema": {"schema": SCHEMA}},
    ],
)
def test_a_schema_holds_wherever_a_client_puts_it(server, provider, key, form):
    with server.client(key) as client:
        reply = client.post(CHAT, json=ASKED | {"response_format": form})
        assert reply.json()["choices"][0]["message"]["content"] == '{"dog": "Rex"}'
        provider.tell(completion({"role": "assistant", "content": "a dog"}))
        reply = client.post(CHAT, json=ASKED | {"response_format": form})
    assert reply.status_code == 502
    assert "does not obey the schema" in reply.json()["error"]["message"]


def test_addresses_and_keys_are_found_where_clients_leave_them(server, provider, key):
    with server.client("") as client:
        for header in (key, f"bearer {key}"):
            reply = client.post(f"{CHAT}/", json=ASKED, headers={"authorization": header})
            assert reply.status_code == 200, reply.text
        client.headers["authorization"] = f"Bearer {key}"
        assert client.post(f"/v1{CHAT}", json=ASKED).status_code == 200
        told = client.head("/v1/models")
        assert (told.status_code, told.content) == (200, b"")
        for address in ("/v1", "/v1/files", "/v1/moderations"):
            reply = client.get(address)
            assert reply.status_code == 404
            assert "chat/completions" in reply.json()["error"]["message"]


def test_vectors_from_where_nobody_listens_are_refused_at_once(server, make_provider, make_node):
    make_provider("gone", api_base_url="http://127.0.0.1:9")
    make_node("gone/text-embedding-3-small", name="gone")
    with server.client(server.until_known(new_key("gone"), "gone")) as client:
        reply = client.post("/v1/embeddings", json={"model": "gone", "input": "a dog"})
    assert reply.status_code == 503
    assert reply.headers["retry-after"]
