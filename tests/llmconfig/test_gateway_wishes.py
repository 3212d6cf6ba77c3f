"""Callers at `/v1` that want an answer now: refusals in time, deadlines, the cache by request."""

import datetime as dt
import hashlib
import itertools
import json
import re
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.core.management import call_command

from llmconfig.configuration.revisions import change
from llmconfig.models import Budget, Provider
from metrics.models import GenerationHistory, GenerationMetric
from tests.llmconfig.gateway_server import new_key, shared_server
from tests.llmconfig.scripted import completion, scripted_server
from tests.loopback import answered, loopback, streamed
from tests.waiting import until

pytestmark = pytest.mark.django_db(transaction=True)

HELLO = {"messages": [{"role": "user", "content": "Say hello to the dogs."}]}
numbers = itertools.count()
SETTINGS = {
    "LLM_COOLDOWN_FAILURES": "2",
    "LLM_COOLDOWN_SECONDS": "20",
    "LLM_CACHE_ENABLED": "true",
    "LLM_RETRY_MAX_ATTEMPTS": "3",
}


@pytest.fixture(scope="module")
def server(django_db_setup, django_db_blocker):
    with shared_server(**SETTINGS) as running:
        yield running


@pytest.fixture(scope="module")
def provider():
    with scripted_server() as made:
        yield made


@pytest.fixture
def connect(server, make_provider, make_node):
    """A client of a node and target that no other test knows, at an address."""

    def made(url, name="test"):
        node = f"chat-{next(numbers)}"
        make_provider(f"sim-{node}", api_base_url=url)
        make_node(f"sim-{node}/gpt-4o-mini", name=node)
        client = server.client(server.until_known(new_key(name), node))
        client.params = {"node": node}
        return client

    return made


@pytest.fixture
def client(connect, provider):
    with connect(provider.url) as made:
        yield made


def ask(client, headers=None, **body):
    asked = HELLO | {"model": client.params["node"]} | body
    return client.post("/v1/chat/completions", json=asked, headers=headers or {})


TOOL = {"type": "function", "function": {"name": "find_dog", "parameters": {"type": "object"}}}
CALLED = {
    "id": "call_1",
    "type": "function",
    "function": {"name": "find_dog", "arguments": '{"name": "Rex"}'},
}
ANTHROPIC_TOOL = {"name": "find_dog", "input_schema": {"type": "object"}}
LOOP = [
    {"role": "user", "content": "Find Rex."},
    {"role": "assistant", "tool_calls": [CALLED]},
    {"role": "tool", "tool_call_id": "call_1", "content": "in the garden"},
    {"role": "assistant", "content": "He is there."},
    {"role": "user", "content": "And Bello?"},
    {"role": "assistant", "tool_calls": [CALLED | {"id": "call_2"}]},
    {"role": "tool", "tool_call_id": "call_2", "content": "nowhere"},
]


@pytest.mark.parametrize(
    ("path", "body", "said"),
    [
        (
            "chat/completions",
            {
                "messages": LOOP,
                "tools": [TOOL],
                "user": "rex",
                "metadata": {"run": "7", "deep": {}, "tags": ["own"]},
            },
            ("rex", ["own", "dogs", "night shift"], {"run": "7"}, 7),
        ),
        (
            "responses",
            {"input": "Find Rex.", "safety_identifier": "rex", "metadata": {"run": "7"}},
            ("rex", ["dogs", "night shift"], {"run": "7"}, 0),
        ),
        (
            "messages",
            {
                "messages": [{"role": "user", "content": "Find Rex."}],
                "tools": [ANTHROPIC_TOOL],
                "max_tokens": 10,
                "metadata": {"user_id": "rex"},
            },
            ("rex", ["dogs", "night shift"], None, 0),
        ),
    ],
)
def test_a_record_says_who_asked_for_what_and_which_tools_were_called(
    client, provider, path, body, said
):
    provider.tell(completion({"content": None, "tool_calls": [CALLED]}, "tool_calls"))
    headers = {"x-nodewise-tags": "dogs, night shift,dogs,"}
    reply = client.post(
        f"/v1/{path}", json=body | {"model": client.params["node"]}, headers=headers
    )
    assert reply.status_code == 200, reply.text
    row = recorded(client)
    assert (row.account, row.tool_calls) == ("test", ["find_dog"])
    assert (row.end_user, row.tags, row.metadata, row.tool_results_length) == said
    kept = GenerationHistory.objects.get(correlation_id=row.correlation_id)
    assert kept.tool_calls[0]["function"] == CALLED["function"]


def recorded(client):
    """The record of the node's call: it is written half a second late."""
    of_node = GenerationMetric.objects.filter(method_name=client.params["node"])
    return until(lambda: of_node.all().first())


def test_an_imported_virtual_key_opens_the_door_and_a_guessable_one_does_not(server, tmp_path):
    keys = ["sk-QJ5nq0Yy0n0o7cWb3vT1xA", "sk-1234"]
    hashes = [hashlib.sha256(each.encode()).hexdigest() for each in keys]
    export = tmp_path / "keys.json"
    export.write_text(json.dumps({"keys": [{"token": each, "models": []} for each in hashes]}))
    call_command("import_litellm", str(export))
    server.until_known(keys[0])
    with server.client(keys[1]) as client:
        assert client.get("/v1/models").status_code == 401


def test_too_long_a_tag_is_refused_by_name(client):
    reply = ask(client, {"x-nodewise-tags": "d" * 101})
    assert reply.status_code == 400
    assert reply.json()["error"]["param"] == "x-nodewise-tags"


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (500, "image input is not supported - hint: you may need to provide the mmproj"),
        (500, "input is too large to process. increase the physical batch size"),
        (501, "This server does not do that."),
    ],
)
def test_a_request_that_brings_its_failure_stops_nobody_else(client, provider, status, said):
    provider.tell({"error": {"message": said, "code": status}}, status=status)
    for index in range(4):
        reply = ask(client, user=f"{said} {index}")
        assert reply.status_code == 400
        assert said in reply.json()["error"]["message"]
    assert provider.requests == 4
    provider.tell(completion({"content": "Woof."}))
    assert ask(client).status_code == 200


def test_a_call_counts_once_and_cooling_targets_are_refused_at_once(client, provider):
    provider.tell({"error": {"message": "Oops."}}, status=500)
    assert ask(client, user="one").status_code == 502
    provider.tell(completion({"content": "Woof."}))
    assert ask(client, user="two").status_code == 200
    provider.tell({"error": {"message": "Oops."}}, status=500)
    for user in ("three", "four"):
        assert ask(client, user=user).status_code >= 500
    began = time.monotonic()
    reply = ask(client, user="five")
    assert reply.status_code == 503
    assert 10 <= int(reply.headers["retry-after"]) <= 20
    assert time.monotonic() - began < 5  # it didn't wait for that
    told = reply.json()["error"]
    assert (told["type"], told["code"]) == ("api_error", "unavailable")
    node = client.params["node"]
    named = re.search(rf": sim-{node} is cooling down until ([\d :-]+) UTC\.$", told["message"])
    assert named is not None, told
    assert dt.datetime.fromisoformat(f"{named[1]}+00:00") > dt.datetime.now(dt.UTC)
    anthropic = client.post("/v1/messages", json={"model": node, "max_tokens": 9} | HELLO)
    assert anthropic.status_code == 503
    told = anthropic.json()["error"]
    assert told["type"] == "overloaded_error"
    assert f"sim-{node} is cooling down until 2" in told["message"]


def test_where_nobody_listens_the_refusal_comes_at_once(connect):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        with connect(f"http://127.0.0.1:{unused.getsockname()[1]}") as client:
            for user in "abc":
                began = time.monotonic()
                reply = ask(client, user=user)
                assert reply.status_code == 503
                assert int(reply.headers["retry-after"]) >= 1
                assert time.monotonic() - began < 5
                assert "127.0.0.1" not in reply.text


@pytest.mark.parametrize("header", ["x-nodewise-timeout", "x-stainless-read-timeout"])
def test_a_callers_own_deadline_is_kept(connect, simulator, header):
    simulator.fail(delay_ms=4000)
    with connect(f"{simulator.url}/v1") as client:
        began = time.monotonic()
        assert ask(client, {header: "0.3"}, user=header).status_code == 504
        assert time.monotonic() - began < 4
        assert ask(client, {"x-nodewise-timeout": "soon"}).status_code == 400


def test_a_call_whose_time_ends_while_it_waits_for_limits_is_told_to_come_back(connect, provider):
    provider.tell(completion({"content": "Woof."}))
    with connect(provider.url) as client:
        Provider.objects.update(requests_per_minute=1)
        with change(source="shell"):
            pass
        # Another process may not know of the limit yet; afterwards none is left for a minute.
        reply = until(
            lambda: (
                (said := ask(client, {"x-nodewise-timeout": "0.3"})).status_code != 200 and said
            ),
            every=0.1,
        )
    assert reply.status_code == 429
    assert reply.json()["error"]["code"] == "rate_limited"
    assert int(reply.headers["retry-after"]) >= 1
    assert "x-should-retry" not in reply.headers


def test_a_used_up_budget_is_not_worth_another_try(connect, provider):
    Budget.objects.create(name="none", scope="everything", period="day", hard_limit_usd="0.00001")
    provider.tell(completion({"content": "Woof."}))
    with connect(provider.url) as poor:
        reply = ask(poor)
    assert reply.status_code == 429
    assert reply.headers["x-should-retry"] == "false"
    assert "retry-after" not in reply.headers


def test_the_cache_answers_at_temperature_0_or_where_it_is_asked(client, provider):
    provider.tell(completion({"content": "Woof."}))
    for _ in range(2):
        reply = ask(client, temperature=0.7)
        assert reply.headers["x-nodewise-cache"] == "miss"
    assert provider.requests == 2
    asked = {"x-nodewise-cache": "use"}
    first, second = (ask(client, asked, temperature=0.7, seed=1) for _ in range(2))
    assert (provider.requests, second.headers["x-nodewise-cache"]) == (3, "hit")
    assert first.json()["usage"]["total_tokens"] == second.json()["usage"]["total_tokens"] == 13
    ask(client, temperature=0)
    assert ask(client, temperature=0).headers["x-nodewise-cache"] == "hit"
    streamed = ask(client, temperature=0, stream=True)
    assert streamed.headers["x-nodewise-cache"] == "hit"
    assert provider.requests == 4
    for header in ({"x-nodewise-cache": "off"}, {"cache-control": "no-cache"}):
        assert ask(client, header, temperature=0).headers["x-nodewise-cache"] == "miss"
    assert provider.requests == 6


ONCE: tuple[dict[str, Any], ...] = ({}, {"stream": True}, {"n": 2})
TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def test_headers_tell_limits_revision_and_trace_in_both_vendors_words(connect):
    usage = f"data: {json.dumps({'choices': [], 'usage': answered()['usage']})}\n\n".encode()
    stream = (streamed()[0], usage, streamed()[1])
    with loopback(lambda body: (200, stream if body.get("stream") else answered())) as served:
        client = connect(served.url)
        Provider.objects.update(requests_per_minute=60, tokens_per_minute=100_000)
        with change(source="shell"):
            pass
        node = client.params["node"]

        def limited():
            return ask(client, {"traceparent": TRACE}, temperature=1)

        told = "x-ratelimit-limit-requests"
        reply = until(lambda: told in (said := limited()).headers and said, every=0.1)
        assert reply.headers["x-ratelimit-limit-requests"] == "60"
        assert 0 <= int(reply.headers["x-ratelimit-remaining-requests"]) < 60
        assert float(reply.headers["x-ratelimit-reset-requests"].removesuffix("s")) <= 61
        assert int(reply.headers["x-ratelimit-remaining-tokens"]) < 100_000
        assert int(reply.headers["x-nodewise-revision"]) >= 0
        assert served.headers[-1]["traceparent"] == TRACE
        asked = {"model": node, "max_tokens": 50, **HELLO}
        said = client.post("/v1/messages", json=asked).headers
        assert said["anthropic-ratelimit-requests-limit"] == "60"
        assert int(said["anthropic-ratelimit-requests-remaining"]) < 60
        assert said["anthropic-ratelimit-tokens-reset"].endswith("Z")
        told = ask(client, {"traceparent": "00-junk"}, stream=True, temperature=1)
        assert told.headers["x-nodewise-model"] == f"sim-{node}/gpt-4o-mini"
        assert "; x-nodewise-cost-usd: 0.000039" in told.text
        assert "traceparent" not in served.headers[-1]
        whole = limited().json()
        assert whole["usage"]["cost"] == pytest.approx(9e-6 + 3e-5)


def hang_up_once(seen, client, headers, **more):
    """What `ask` asks, by a client that leaves when `seen`."""
    body = HELLO | {"model": client.params["node"]} | more
    asked = client.build_request("POST", "/v1/chat/completions", json=body, headers=headers)
    lines = [f"{name}: {value}" for name, value in asked.headers.items()]
    head = "\r\n".join(["POST /v1/chat/completions HTTP/1.1", *lines, "", ""])
    with socket.create_connection((asked.url.host, asked.url.port)) as wire:
        wire.sendall(head.encode() + asked.content)
        until(seen)


def test_an_idempotency_key_answers_twice_with_one_payment(connect):
    may_answer = threading.Event()
    may_answer.set()

    def answer(body):
        may_answer.wait(60)
        if body.get("seed") == 400:
            return 400, {"error": {"message": "Too hard."}}
        if body.get("seed") == 4:
            return 200, answered("x" * 4_200_000)
        return 200, streamed() if body.get("stream") else answered()

    with loopback(answer) as served:
        client = connect(served.url)
        other = connect(served.url, "other")
        for number, more in enumerate(ONCE):
            key = {"idempotency-key": f"once-{number}"}
            first, again = (ask(client, key, temperature=1, **more) for _ in range(2))
            assert first.status_code == 200, first.text
            assert (again.content, again.headers["x-request-id"]) == (
                first.content,
                first.headers["x-request-id"],
            )
            assert again.headers["idempotent-replayed"] == "true"
            assert "idempotent-replayed" not in first.headers
        assert len(served.bodies) == 4
        # Another key's caller has keys of his own, another request is another one.
        assert ask(other, {"idempotency-key": "once-0"}, temperature=1).status_code == 200
        assert len(served.bodies) == 5
        reused = ask(client, {"idempotency-key": "once-0"}, temperature=0.5)
        assert (reused.status_code, reused.json()["error"]["code"]) == (
            422,
            "idempotency_key_reused",
        )
        assert ask(client, {"idempotency-key": "x" * 256}).status_code == 400
        # An answer of more than 4 MB isn't kept.
        for _ in range(2):
            long = ask(client, {"idempotency-key": "long"}, seed=4)
            assert (long.status_code, "idempotent-replayed" in long.headers) == (200, False)
        # What failed may be tried again.
        for _ in range(2):
            failed = ask(client, {"idempotency-key": "hard"}, seed=400)
            assert (failed.status_code, "idempotent-replayed" in failed.headers) == (400, False)
        before = len(served.bodies)
        # The second one waits for the first, though that one's client hangs up.
        may_answer.clear()
        key = {"idempotency-key": "gone"}
        with ThreadPoolExecutor(1) as pool:
            hang_up_once(lambda: len(served.bodies) > before, client, key, temperature=1)
            again = pool.submit(ask, client, key, temperature=1)
            time.sleep(0.2)  # it is there and waits
            may_answer.set()
            reply = again.result()
        assert (reply.status_code, reply.headers["idempotent-replayed"]) == (200, "true")
        assert len(served.bodies) == before + 1
