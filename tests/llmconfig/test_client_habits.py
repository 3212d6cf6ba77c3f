"""What clients do that no vendor's document names: packed bodies, addresses, numbers."""

import gzip
import json
import zlib
from typing import Any

import openai
import pytest

from llmconfig import project_settings
from llmconfig.gateway import cross_origin
from tests.llmconfig.gateway_server import new_key, shared_server
from tests.llmconfig.scripted import DONE, completion, scripted_server

pytestmark = pytest.mark.django_db(transaction=True)

CHAT = "/v1/chat/completions"
SITE = "https://app.example.com"
ASKED = {"model": "habits", "messages": [{"role": "user", "content": "Hello"}]}
PLAIN = json.dumps(ASKED).encode()
SCHEMA = {"type": "object", "properties": {"dog": {"type": "string"}}, "required": ["dog"]}


@pytest.fixture(scope="module")
def server(django_db_setup, django_db_blocker):
    with shared_server(LLM_CORS_ORIGINS=SITE) as running:
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
        {"type": "json_object", "value": SCHEMA},
        {"type": "json", "value": SCHEMA},
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


def test_a_response_holds_the_numbers_that_strict_clients_check(server, provider, key):
    numbers = ("frequency_penalty", "presence_penalty", "top_logprobs")
    asked = {"model": "habits", "input": "Hello"}
    with server.client(key) as client:
        told = client.post("/v1/responses", json=asked).json()
        assert [told[each] for each in numbers] == [0, 0, 0]
        told = client.post("/v1/responses", json=asked | {"frequency_penalty": 0.5}).json()
    assert (told["frequency_penalty"], provider.asked["frequency_penalty"]) == (0.5, 0.5)


def test_json_without_its_schema_is_refused_by_name(server, provider, key):
    with server.client(key) as client:
        reply = client.post(CHAT, json=ASKED | {"response_format": {"type": "json"}})
    assert (reply.status_code, provider.requests) == (400, 0)
    assert "response_format" in reply.json()["error"]["param"]


def test_addresses_and_keys_are_found_where_clients_leave_them(server, provider, key):
    with server.client("") as client:
        for header in (key, f"bearer {key}"):
            reply = client.post(f"{CHAT}/", json=ASKED, headers={"authorization": header})
            assert reply.status_code == 200, reply.text
        client.headers["authorization"] = f"Bearer {key}"
        assert client.post(f"/v1{CHAT}", json=ASKED).status_code == 200
        told = client.head("/v1/models")
        assert (told.status_code, told.content) == (200, b"")
        for address in ("/v1", "/v1/nothing"):
            reply = client.get(address)
            assert reply.status_code == 404
            assert "chat/completions" in reply.json()["error"]["message"]


FUNCTION = {"name": "weather", "parameters": {"type": "object", "properties": {}}}
USED = {"name": "weather", "arguments": "{}"}
CALLED = {"role": "assistant", "content": None, "function_call": USED}


def test_functions_of_2023_are_asked_as_tools_and_told_as_they_were(server, provider, key):
    call = {"id": "c1", "type": "function", "function": USED}
    said = {"role": "assistant", "content": None, "tool_calls": [call]}
    parts = [
        {"index": 0, "id": "c1", "type": "function", "function": {"name": "weather"}},
        {"index": 0, "function": {"arguments": "{"}},
        {"index": 0, "function": {"arguments": "}"}},
        {"index": 1, "id": "c2", "function": {"name": "weather", "arguments": "{}"}},
    ]
    deltas = [{"choices": [{"index": 0, "delta": {"tool_calls": [part]}}]} for part in parts]
    end = {"choices": [{"index": 0, "delta": {}, "finish_reason": "tool_calls"}]}
    pieces = [f"data: {json.dumps(each)}\n\n".encode() for each in [*deltas, end]]
    provider.tell(completion(said, "tool_calls"), [*pieces, DONE])
    result = {"role": "function", "name": "weather", "content": "sunny"}
    asked: Any = ASKED | {"functions": [FUNCTION], "function_call": {"name": "weather"}}
    asked["messages"] = [*ASKED["messages"], CALLED, result]
    with openai.OpenAI(base_url=f"{server.url}/v1", api_key=key) as client:
        choice = client.chat.completions.create(**asked).choices[0]
        assert choice.finish_reason == "function_call"
        assert choice.message.function_call.model_dump() == USED
        assert choice.message.tool_calls is None
        sent = provider.asked
        assert sent["tools"] == [{"type": "function", "function": FUNCTION}]
        assert sent["tool_choice"] == {"type": "function", "function": {"name": "weather"}}
        assert not {"functions", "function_call"} & sent.keys()
        used, told = sent["messages"][1:]
        assert used["tool_calls"][0]["function"] == USED
        assert told == {
            "role": "tool", "content": "sunny", "tool_call_id": used["tool_calls"][0]["id"]
        }  # fmt: skip
        events = list(client.chat.completions.create(**asked, stream=True))
    came = [choice for event in events for choice in event.choices]
    calls = [each.delta.function_call for each in came if each.delta.function_call]
    assert calls[0].name == "weather"
    assert "".join(each.arguments or "" for each in calls) == "{}"
    assert came[-1].finish_reason == "function_call"
    assert not any(each.delta.tool_calls for each in came)


def test_calls_of_several_tools_come_one_a_chunk_with_what_strict_clients_check(
    server, provider, key
):
    function = {"name": "weather", "arguments": "{}"}
    calls = [
        {"index": at, "id": f"c{at}", "type": "function", "function": function} for at in (0, 1, 2)
    ]
    delta = {"content": "Both.", "tool_calls": calls}
    told = [
        {"choices": [{"index": 0, "delta": delta}], "system_fingerprint": "fp_1"},
        {"choices": [{"index": 0, "delta": {}, "finish_reason": "tool_calls"}]},
    ]
    pieces = [*(f"data: {json.dumps(each)}\n\n".encode() for each in told), DONE]
    provider.tell(completion({"role": "assistant", "content": "Hello."}), pieces)
    with server.client(key) as client:
        said = client.post(CHAT, json=ASKED | {"stream": True}).text
        whole = client.post(CHAT, json=ASKED).json()
    lines = [
        line.removeprefix("data: ") for line in said.splitlines() if line.startswith("data: {")
    ]
    chunks = [json.loads(line, object_pairs_hook=_once) for line in lines]
    deltas = [each["choices"][0]["delta"] for each in chunks]
    found = [each["tool_calls"] for each in deltas if each.get("tool_calls")]
    assert [[call["id"] for call in each] for each in found] == [["c0"], ["c1"], ["c2"]]
    assert "".join(each.get("content") or "" for each in deltas) == "Both."
    prints = [each["system_fingerprint"] for each in (*chunks, whole)]
    assert (prints[0], prints[1], prints[-1]) == ("", "fp_1", "")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object, in which no name stands twice."""
    assert len({name for name, _ in pairs}) == len(pairs), pairs
    return dict(pairs)


@pytest.mark.parametrize(
    ("more", "named"),
    [
        ({"functions": [FUNCTION], "tools": [{"type": "function"}]}, "functions"),
        ({"functions": [FUNCTION], "function_call": {"name": "other"}}, "function_call"),
        ({"functions": "weather"}, "functions"),
        (
            {"functions": [FUNCTION], "messages": [{"role": "function", "name": "weather"}]},
            "messages[0].name",
        ),
    ],
)
def test_functions_that_make_no_sense_are_refused_by_name(server, provider, key, more, named):
    with server.client(key) as client:
        reply = client.post(CHAT, json=ASKED | more)
    assert (reply.status_code, reply.json()["error"]["param"]) == (400, named)
    assert provider.requests == 0


def test_pages_of_named_sites_may_call(server, provider, key):
    asks = {"access-control-request-method": "POST", "access-control-request-headers": "x-a, x-b"}
    origin, other = {"origin": SITE}, {"origin": "https://other.example"}
    with server.client("") as client:
        told = client.options(CHAT, headers=origin | asks)
        assert (told.status_code, told.content) == (204, b"")
        assert told.headers["access-control-allow-origin"] == SITE
        assert told.headers["access-control-allow-headers"] == "x-a, x-b"
        assert "POST" in told.headers["access-control-allow-methods"]
        assert client.options(CHAT, headers=other | asks).status_code == 405
        refused = client.post(CHAT, json=ASKED, headers=origin)
        assert refused.status_code in {401, 429}  # after other tests' wrong keys
        assert refused.headers["access-control-allow-origin"] == SITE
        client.headers["authorization"] = f"Bearer {key}"
        for stream in (False, True):
            reply = client.post(CHAT, json=ASKED | {"stream": stream}, headers=origin)
            assert reply.status_code == 200, reply.text
            assert reply.headers["access-control-allow-origin"] == SITE
            assert reply.headers["vary"] == "Origin"
        for headers in (other, {}):
            reply = client.post(CHAT, json=ASKED, headers=headers)
            assert reply.status_code == 200
            assert "access-control-allow-origin" not in reply.headers


def test_sites_are_named_by_scheme_and_host(settings):
    assert not cross_origin.is_allowed(SITE.encode())
    for named, allowed in (((f"{SITE}/",), True), (("*",), True), (("https://b.example",), False)):
        settings.LLM_CORS_ORIGINS = named
        assert cross_origin.is_allowed(SITE.encode()) == allowed
        assert not any("LLM_CORS_ORIGINS" in each for each in project_settings.problems())
    settings.LLM_CORS_ORIGINS = ("app.example.com",)
    assert any("LLM_CORS_ORIGINS" in each for each in project_settings.problems())


# What clients ask beyond what is served, by whom, and what the refusal must speak of.
UNSERVED = [
    ("POST", "/v1/audio/speech", "Open WebUI", "Sound"),
    ("POST", "/v1/images/generations", "LibreChat", "Pictures"),
    ("GET", "/v1/files", "openai", "file's data"),
    ("POST", "/v1/batches", "openai", "enrichment"),
    ("POST", "/v1/conversations", "openai-agents", "previous_response_id"),
    ("POST", "/v1/threads/runs", "openai", "previous_response_id"),
    ("POST", "/v1/moderations", "LangChain", "moderated"),
    ("POST", "/v1/rerank", "Continue", "embeddings"),
    ("GET", "/v1/model/info", "Cline", "/v1/models"),
    ("POST", "/v1/messages/batches?beta=true", "anthropic", "side by side"),
    ("POST", "/v1/complete", "anthropic", "/v1/messages"),
    ("GET", "/v1/chat/completions/chatcmpl-1", "openai", "/v1/responses"),
]


@pytest.mark.parametrize(("method", "path", "who", "way_out"), UNSERVED)
def test_what_nobody_serves_is_refused_by_name_with_a_way_out(
    server, provider, key, method, path, who, way_out
):
    with server.client(key) as client:
        if who == "anthropic":
            client.headers["anthropic-version"] = "2023-06-01"
        reply = client.request(method, path, json={} if method == "POST" else None)
    assert reply.status_code == 404
    error = reply.json()["error"]
    assert ("code" in error) == (who != "anthropic")
    assert path.partition("?")[0] in error["message"]
    assert way_out in error["message"]


def test_vectors_from_where_nobody_listens_are_refused_at_once(server, make_provider, make_node):
    make_provider("gone", api_base_url="http://127.0.0.1:9")
    make_node("gone/text-embedding-3-small", name="gone")
    with server.client(server.until_known(new_key("gone"), "gone")) as client:
        reply = client.post("/v1/embeddings", json={"model": "gone", "input": "a dog"})
    assert reply.status_code == 503
    assert reply.headers["retry-after"]
