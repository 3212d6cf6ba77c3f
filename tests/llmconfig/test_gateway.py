"""`/v1` with the vendors' own clients, over a real server against the simulated provider."""

import asyncio
import json
import re
import shutil
import subprocess
import threading
import time

import pytest
from django.core.management import CommandError, call_command
from django.db.backends.signals import connection_created
from django.utils import timezone

from llmconfig import client as llm_client
from llmconfig.client.recording import recorders
from llmconfig.configuration.revisions import change
from llmconfig.gateway import access
from llmconfig.gateway.refusals import RequestRefused
from llmconfig.gateway.writer import Writer
from llmconfig.models import (
    Budget,
    GatewayKey,
    LLMConfig,
    NodeConfiguration,
    RevisionChange,
    StoredResponse,
)
from metrics.models import GenerationMetric
from tests.llmconfig.gateway_server import new_key, running_server, shared_server
from tests.waiting import until

pytestmark = pytest.mark.django_db(transaction=True)

WIRES = {"openai": "gpt-4o-mini", "anthropic": "claude-haiku-4-5"}
HELLO = [{"role": "user", "content": "Say hello to all the dogs in the park."}]
SCHEMA = {
    "type": "object",
    "properties": {"name": {"type": "string", "maxLength": 20}},
    "required": ["name"],
    "additionalProperties": False,
}


@pytest.fixture(scope="module")
def server(django_db_setup, django_db_blocker):
    with shared_server() as running:
        yield running


@pytest.fixture(params=WIRES)
def node(request, make_provider, make_node):
    """The node `chat`, served by a provider of either wire."""
    model = WIRES[request.param]
    make_provider("sim", request.param, model_id=model)
    return make_node(f"sim/{model}", name="chat")


@pytest.fixture
def key(server, node):
    return server.until_known(new_key(), "chat")


@pytest.fixture
def plain(server, make_provider, make_node):
    """The node `chat` at an OpenAI provider, and a key for it."""
    make_provider()
    make_node("sim/gpt-4o-mini", name="chat")
    return server.until_known(new_key(), "chat")


@pytest.fixture(autouse=True)
def metrics():
    """The records of this test's calls, once there are so many; the server writes them soon."""
    began = timezone.now()

    def rows(count=1):
        found = GenerationMetric.objects.filter(created_at__gte=began).order_by("pk")
        return until(lambda: (rows := list(found.all())) and len(rows) >= count and rows)

    return rows


def openai_of(server, key):
    from openai import OpenAI  # noqa: PLC0415 - slow to import

    return OpenAI(api_key=key, base_url=f"{server.url}/v1", max_retries=0)


def anthropic_of(server, key):
    from anthropic import Anthropic  # noqa: PLC0415 - slow to import

    return Anthropic(api_key=key, base_url=server.url, max_retries=0)


def test_openais_client_gets_answers_streams_tools_and_shapes(server, key, metrics):
    with openai_of(server, key) as client:
        made = client.chat.completions.create(model="chat", messages=HELLO, temperature=0.2, seed=7)
        assert "[sim:" in made.choices[0].message.content
        assert made.choices[0].finish_reason == "stop"
        assert made.usage.total_tokens == made.usage.prompt_tokens + made.usage.completion_tokens

        events = list(
            client.chat.completions.create(
                model="chat", messages=HELLO, stream=True, stream_options={"include_usage": True}
            )
        )
        told = "".join(e.choices[0].delta.content or "" for e in events if e.choices)
        assert "[sim:" in told
        assert events[-1].usage.completion_tokens > 0
        assert events[-2].choices[0].finish_reason == "stop"

        tool = {"type": "function", "function": {"name": "set_name", "parameters": SCHEMA}}
        asked = {"model": "chat", "messages": HELLO, "tools": [tool], "tool_choice": "required"}
        whole = client.chat.completions.create(**asked).choices[0]
        assert whole.finish_reason == "tool_calls"
        assert set(json.loads(whole.message.tool_calls[0].function.arguments)) == {"name"}
        parts = [
            part.function.arguments
            for event in client.chat.completions.create(**asked, stream=True)
            for part in event.choices[0].delta.tool_calls or ()
        ]
        assert json.loads("".join(filter(None, parts))).keys() == {"name"}

        shaped = client.chat.completions.create(
            model="chat",
            messages=HELLO,
            response_format={
                "type": "json_schema",
                "json_schema": {"name": "dog", "schema": SCHEMA},
            },
        )
        assert set(json.loads(shaped.choices[0].message.content)) == {"name"}
    rows = metrics(5)
    assert {(row.service_name, row.method_name) for row in rows} == {("gateway", "chat")}
    assert all(row.tokens_total > 0 and row.cost_usd > 0 for row in rows)


def test_anthropics_client_gets_answers_streams_and_tools(server, key, metrics):
    tool = {"name": "set_name", "description": "Names it.", "input_schema": SCHEMA}
    with anthropic_of(server, key) as client:
        made = client.messages.create(model="chat", max_tokens=100, system="Bark.", messages=HELLO)
        assert "[sim:" in made.content[0].text
        assert made.stop_reason == "end_turn"
        assert made.usage.input_tokens > 0
        with client.messages.stream(model="chat", max_tokens=100, messages=HELLO) as stream:
            told = "".join(stream.text_stream)
            last = stream.get_final_message()
        assert "[sim:" in told
        assert last.content[0].text == told
        assert last.usage.output_tokens > 0
        asked = {
            "model": "chat",
            "max_tokens": 200,
            "tools": [tool],
            "tool_choice": {"type": "tool", "name": "set_name"},
        }
        used = client.messages.create(messages=HELLO, **asked)
        block = used.content[-1]
        assert (used.stop_reason, block.type, set(block.input)) == (
            "tool_use",
            "tool_use",
            {"name"},
        )
        with client.messages.stream(messages=HELLO, **asked) as stream:
            streamed = stream.get_final_message()
        assert set(streamed.content[-1].input) == {"name"}
        turn = {"type": "tool_result", "tool_use_id": block.id, "content": "Done."}
        after = client.messages.create(
            model="chat",
            max_tokens=100,
            tools=[tool],
            messages=[
                *HELLO,
                {"role": "assistant", "content": [block.model_dump()]},
                {"role": "user", "content": [turn, {"type": "text", "text": "And now?"}]},
            ],
        )
        assert after.content[0].type == "text"
        assert next(each.id for each in client.models.list()) == "chat"
    assert metrics(5)


def test_the_asynchronous_clients_do_too(server, key):
    from anthropic import AsyncAnthropic  # noqa: PLC0415 - slow to import
    from openai import AsyncOpenAI  # noqa: PLC0415

    async def work():
        async with AsyncOpenAI(api_key=key, base_url=f"{server.url}/v1", max_retries=0) as client:
            stream = await client.chat.completions.create(model="chat", messages=HELLO, stream=True)
            told = [event.choices[0].delta.content or "" async for event in stream]
            both = await asyncio.gather(
                *(client.chat.completions.create(model="chat", messages=HELLO) for _ in range(5))
            )
        async with (
            AsyncAnthropic(api_key=key, base_url=server.url, max_retries=0) as client,
            client.messages.stream(model="chat", max_tokens=50, messages=HELLO) as events,
        ):
            said = [text async for text in events.text_stream]
        return "".join(told), both, "".join(said)

    told, both, said = asyncio.run(work())
    assert {each.choices[0].message.content for each in both} == {told}
    assert "[sim:" in said


def test_embeddings_come_as_the_client_asks(server, make_provider):
    make_provider(model_id="text-embedding-3-small")
    key = server.until_known(new_key(), "sim/text-embedding-3-small")
    with openai_of(server, key) as client:
        asked = {"model": "sim/text-embedding-3-small", "input": ["a dog", "a cat"]}
        packed = client.embeddings.create(**asked)
        floats = client.embeddings.create(**asked, encoding_format="float")
    assert len(packed.data) == 2
    assert packed.data[1].embedding == pytest.approx(floats.data[1].embedding, abs=1e-6)
    assert packed.usage.prompt_tokens > 0


def test_curl_gets_a_stream(server, plain):
    if shutil.which("curl") is None:
        pytest.skip("curl is not installed")
    body = json.dumps({"model": "chat", "messages": HELLO, "stream": True})
    said = subprocess.run(
        ["curl", "-sN", f"{server.url}/v1/chat/completions", "-H", f"api-key: {plain}", "-d", body],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    ).stdout
    events = said.strip().split("\n\n")
    assert events[-1] == "data: [DONE]"
    assert json.loads(events[0].removeprefix("data: "))["object"] == "chat.completion.chunk"


def test_models_are_those_that_a_key_may_call(server, plain):
    with server.client(plain) as client:
        listed = {each["id"] for each in client.get("/v1/models").json()["data"]}
        assert {"chat", "reasoning", "sim/gpt-4o-mini"} <= listed
        assert client.get("/v1/models/sim%2Fgpt-4o-mini").json()["owned_by"] == "sim"
        assert client.get("/v1/models/gpt-4o-mini").json()["id"] == "gpt-4o-mini"
        assert client.get("/v1/models/nothing").status_code == 404
        kinds = {each["id"]: each["type"] for each in client.get("/v1/models").json()["data"]}
        assert kinds["chat"] == "chat"
    narrow = server.until_known(new_key("narrow", names=("chat",)), "chat")
    with server.client(narrow) as client:
        assert [each["id"] for each in client.get("/v1/models").json()["data"]] == ["chat"]
        assert client.get("/v1/models/gpt-4o-mini").status_code == 404
    with server.client("") as client:
        assert client.head("/").status_code == 200


def test_azures_client_calls_a_deployment_by_our_names(server, plain):
    from openai import APIStatusError, AzureOpenAI  # noqa: PLC0415 - slow to import

    narrow = server.until_known(new_key("narrow", names=("chat",)), "chat")
    for endpoint in (server.url, f"{server.url}/v1"):
        with AzureOpenAI(
            azure_endpoint=endpoint, api_key=narrow, api_version="2024-10-21", max_retries=0
        ) as client:
            made = client.chat.completions.create(model="chat", messages=HELLO)
            assert "[sim:" in made.choices[0].message.content
            assert made.model == "chat"
            told = client.chat.completions.create(model="chat", messages=HELLO, stream=True)
            assert "[sim:" in "".join(e.choices[0].delta.content or "" for e in told)
            with pytest.raises(APIStatusError) as refused:
                client.chat.completions.create(model="sim/gpt-4o-mini", messages=HELLO)
            assert refused.value.status_code == 403
    with server.client(plain) as client:
        assert client.get("/openai/deployments/chat/models").status_code == 404
        assert client.get("/openai/v1/models/chat").json()["id"] == "chat"
        reply = client.post("/openai/v1/responses", json={"model": "chat", "input": "Hi"})
        assert reply.json()["status"] == "completed"


def test_ollamas_addresses_answer_in_its_words(server, plain, make_provider, metrics):
    make_provider("e", model_id="text-embedding-3-small")
    server.until_known(plain, "e/text-embedding-3-small")
    for base in ("", "/v1"):
        with server.client(plain) as client:
            ask = client.post(f"{base}/api/chat", json={"model": "chat:latest", "messages": HELLO})
            lines = [json.loads(line) for line in ask.text.splitlines()]
            assert ask.headers["content-type"] == "application/x-ndjson"
            assert "[sim:" in "".join(each["message"]["content"] for each in lines)
            assert [each["done"] for each in lines] == [False] * (len(lines) - 1) + [True]
            assert lines[-1]["done_reason"] == "stop"
            assert lines[-1]["prompt_eval_count"] > 0 < lines[-1]["eval_count"]
            listed = client.get(f"{base}/api/tags").json()["models"]
            assert {"chat", "e/text-embedding-3-small"} <= {each["model"] for each in listed}
            assert client.get(f"{base}/api/version").json()["version"]
            asked = {"model": "e/text-embedding-3-small", "input": ["a", "b"]}
            assert len(client.post(f"{base}/api/embed", json=asked).json()["embeddings"]) == 2
            refused = client.post(f"{base}/api/chat", json={"model": "no", "messages": HELLO})
            assert (refused.status_code, set(refused.json())) == (404, {"error"})
    with server.client(plain) as client:
        whole = client.post(
            "/api/generate",
            json={
                "model": "chat",
                "prompt": "Name a dog.",
                "stream": False,
                "format": SCHEMA,
                "options": {"temperature": 0.5, "num_predict": -1, "num_ctx": 99, "seed": 7},
                "keep_alive": "5m",
            },
        ).json()
        assert set(json.loads(whole["response"])) == {"name"}
        assert client.post("/api/generate", json={"model": "chat"}).json()["done_reason"] == "load"
        shown = client.post("/api/show", json={"model": "e/text-embedding-3-small"}).json()
        assert "completion" in shown["capabilities"]
        assert client.post("/api/pull", json={"model": "chat"}).status_code == 404
    rows = metrics(5)
    assert {"options.num_ctx", "keep_alive"} <= {
        name for row in rows if row.operation_type == "api.generate" for name in row.dropped_params
    }


def test_headers_say_which_call_it_was_who_answered_and_what_it_took(server, plain, metrics):
    with server.client(plain) as client:
        whole = ask(client)
        refused = ask(client, model="nothing")
        stream = ask(client, stream=True, temperature=0.7)
    rows = {str(row.correlation_id): row for row in metrics(2)}
    told = whole.headers
    row = rows[told["x-request-id"]]
    assert told["request-id"] == told["x-request-id"]
    assert told["x-nodewise-model"] == "sim/gpt-4o-mini"
    assert told["x-nodewise-cache"] == "miss"
    assert float(told["x-nodewise-cost-usd"]) == pytest.approx(float(row.cost_usd)) != 0
    assert refused.headers["x-request-id"]
    assert stream.headers["x-request-id"] in rows


def test_streams_tell_their_usage_also_unasked(server, key, metrics):
    with openai_of(server, key) as client:
        asked = {"model": "chat", "messages": HELLO, "stream": True}
        plain, wanted = (
            list(client.chat.completions.create(**asked, **more))
            for more in ({}, {"stream_options": {"include_usage": True}})
        )
    assert plain[-1].choices[0].finish_reason == "stop"
    assert plain[-1].usage.prompt_tokens == wanted[-1].usage.prompt_tokens > 0
    assert [each.usage is not None for each in wanted].count(True) == 1
    with (
        anthropic_of(server, key) as client,
        client.messages.stream(model="chat", max_tokens=50, messages=HELLO) as events,
    ):
        assert next(iter(events)).message.usage.input_tokens > 0
        events.until_done()
    assert metrics(3)


# Who may do what


def test_a_kept_response_is_found_by_its_key_and_its_owners(server, plain, django_user_model):
    owner = django_user_model.objects.create_user("owner")
    keys = [new_key("mine", user=owner), new_key("also mine", user=owner), new_key("theirs"), plain]
    for key in keys:
        server.until_known(key, "chat")
    table = {0: [200, 200, 404, 404], 2: [404, 404, 200, 404]}
    asked = {"model": "chat", "input": "Say hello."}
    for maker, statuses in table.items():
        with server.client(keys[maker]) as client:
            made = client.post("/v1/responses", json=asked).json()["id"]
        for key, status in zip(keys, statuses, strict=True):
            with server.client(key) as client:
                assert client.get(f"/v1/responses/{made}").status_code == status
                going_on = client.post(
                    "/v1/responses", json={**asked, "previous_response_id": made}
                )
                assert (going_on.status_code == 200) is (status == 200)
    owner.delete()
    assert StoredResponse.objects.exists()
    assert not StoredResponse.objects.exclude(user=None).exists()


def ask(client, model="chat", **more):
    return client.post("/v1/chat/completions", json={"model": model, "messages": HELLO, **more})


def test_who_may_call_what(server, plain, make_node, django_user_model):
    make_node("sim/gpt-4o-mini", name="other")
    owner = django_user_model.objects.create_user("owner", is_active=False)
    narrow = new_key("narrow", names=("chat", "reasoning"))
    gone = new_key("gone", user=owner)
    server.until_known(narrow, "chat")
    table = [
        (plain, "chat", 200),
        (plain, "sim/gpt-4o-mini", 200),
        (plain, "no-such-model", 404),
        (narrow, "chat", 200),
        (narrow, "other", 403),
        (narrow, "sim/gpt-4o-mini", 403),
        (gone, "chat", 401),
        ("nw-" + "x" * 43, "chat", 401),
        ("' OR 1=1 --", "chat", 401),
        ("", "chat", 401),
    ]
    for key, model, status in table:
        with server.client(key) as client:
            reply = ask(client, model)
            refused = {401, 429} if status == 401 else {status}  # 429: waiting for keys failed too
            assert reply.status_code in refused, (model, reply.text)
            if status != 200:
                assert set(reply.json()["error"]) == {"message", "type", "param", "code"}
    for header in ("x-api-key", "api-key"):
        with server.client("", headers={header: plain}) as client:
            assert ask(client).status_code == 200
    with server.client(plain, headers={"x-api-key": plain}) as client:
        assert ask(client).status_code == 200
    with server.client(plain, headers={"x-api-key": narrow}) as client:
        assert ask(client).status_code in {401, 429}


@pytest.mark.parametrize("header", [b"x-api-key", b"api-key", b"authorization"])
def test_two_different_keys_are_told_and_not_shown(header):
    keys = [b"nw-" + letter * 43 for letter in (b"x", b"y")]
    headers = [(b"authorization", b"Bearer " + keys[0]), (header, keys[1])]
    with pytest.raises(RequestRefused, match=r"different API keys.*send one key") as refused:
        asyncio.run(access.authenticate(headers, dict(headers), f"203.0.113.{len(header)}"))
    assert (refused.value.status, refused.value.code) == (401, "invalid_api_key")
    assert not any(key[3:].decode() in str(refused.value) for key in keys)


@pytest.mark.parametrize("how", ["disabled", "deleted", "expired", "owner"])
def test_a_revoked_key_stops_within_two_seconds(server, plain, django_user_model, how):
    owner = django_user_model.objects.create_user("owner")
    key = server.until_known(new_key("victim", user=owner), "chat")
    with server.client(key) as client:
        assert ask(client).status_code == 200
        rows = GatewayKey.objects.filter(name="victim")
        with change(source="shell"):
            if how == "disabled":
                rows.update(is_enabled=False)
            elif how == "deleted":
                rows.delete()
            elif how == "expired":
                rows.update(expires_at="2020-01-01T00:00:00Z")
            else:
                django_user_model.objects.update(is_active=False)
        ends = time.monotonic() + 10
        while ask(client).status_code == 200:
            assert time.monotonic() < ends
        assert ask(client).status_code in {401, 429}


@pytest.mark.parametrize("surface", ["admin", "api"])
def test_a_rotated_key_opens_until_its_overlap_ends_and_the_new_one_at_once(
    server, plain, admin_client, surface
):
    old = server.until_known(new_key("mine"), "chat")
    row = GatewayKey.objects.get(name="mine")
    if surface == "admin":
        page = f"/admin/llmconfig/gatewaykey/{row.pk}/rotate/"
        shown = admin_client.post(page, {"overlap_hours": "1"}, follow=True).content.decode()
        assert "The previous key works until" in shown
    else:
        shown = admin_client.post(
            f"/api/v1/llm/keys/{row.pk}/rotate",
            {"overlap_hours": 1},
            content_type="application/json",
        ).content.decode()
    [new] = set(re.findall(r"nw-[A-Za-z0-9_-]{43}", shown))
    server.until_known(new, "chat")
    with server.client(old) as client:
        assert ask(client).status_code == 200
        GatewayKey.objects.update(previous_until="2020-01-01T00:00:00Z")
        ends = time.monotonic() + 2
        while ask(client).status_code == 200:
            assert time.monotonic() < ends
    with server.client(new) as client:
        assert ask(client).status_code == 200
    last = RevisionChange.objects.filter(table_name="llm_gateway_keys").last()
    assert "previous_until" in last.after
    assert not {"key_hash", "previous_hash"} & last.after.keys()


def test_a_rotation_that_can_not_be_is_refused_by_name(admin_client, plain):
    row = GatewayKey.objects.get(name="test")
    page = f"/admin/llmconfig/gatewaykey/{row.pk}/rotate/"
    for hours in ("-1", "721", "soon"):
        answer = admin_client.post(page, {"overlap_hours": hours}, follow=True)
        assert "Give from 0 to 720 hours." in answer.content.decode()
    assert GatewayKey.objects.get(name="test").key_hash == row.key_hash


def test_a_keys_page_has_its_budget_its_use_and_no_key(admin_client, plain, django_user_model):
    row = GatewayKey.objects.get(name="test")
    page = f"/admin/llmconfig/gatewaykey/{row.pk}/change/"
    assert "applies_to=account:test" in admin_client.get(page).content.decode()
    Budget.objects.create(name="mine", scope="account", scope_value="test", hard_limit_usd=5)
    shown = admin_client.get(page).content.decode()
    for part in ("$0 of $5.00", "$NODEWISE_KEY", "/v1/chat/completions", "new OpenAI(", "Python"):
        assert part in shown, part
    assert plain not in shown


def test_guessing_keys_is_slowed_and_good_keys_are_not(server, plain):
    with server.client("nw-" + "y" * 43) as guesser:
        statuses = [ask(guesser).status_code for _ in range(45)]
        assert statuses[-1] == 429
        assert int(ask(guesser).headers["retry-after"]) >= 1
    with server.client(plain) as client:
        assert ask(client).status_code == 200


def test_the_hash_of_a_key_is_in_no_history(plain):
    row = GatewayKey.objects.get(name="test")
    with change(source="shell"):
        GatewayKey.objects.update(is_enabled=False)
    sides = [
        side
        for each in RevisionChange.objects.filter(table_name="llm_gateway_keys")
        for side in (each.before, each.after)
        if side
    ]
    assert sides
    assert not any(row.key_hash in json.dumps(side) or plain in json.dumps(side) for side in sides)
    assert all("key_hash" not in side for side in sides)
    number = RevisionChange.objects.count()
    GatewayKey.objects.update(last_used_at="2026-01-01T00:00:00Z")
    assert RevisionChange.objects.count() == number


def test_the_admin_shows_a_new_key_once(server, plain, admin_client):
    form = {"name": "website", "names": "chat", "is_enabled": "on", "_seen_revision": "0"}
    page = admin_client.post("/admin/llmconfig/gatewaykey/add/", form, follow=True)
    assert page.status_code == 200
    [key] = re.findall(r"nw-[A-Za-z0-9_-]{43}", page.content.decode())
    again = admin_client.get("/admin/llmconfig/gatewaykey/").content.decode()
    row = GatewayKey.objects.get(name="website")
    assert row.prefix in again
    assert key not in again
    assert row.key_hash not in again
    change_page = admin_client.get(f"/admin/llmconfig/gatewaykey/{row.pk}/change/")
    assert key not in change_page.content.decode()
    server.until_known(key, "chat")
    wrong = {**form, "name": "other", "names": "no_such_node"}
    refused = admin_client.post("/admin/llmconfig/gatewaykey/add/", wrong)
    assert "no node or interaction type" in refused.content.decode()
    over = {**form, "name": "late", "expires_at_0": "2020-01-01", "expires_at_1": "00:00"}
    refused = admin_client.post("/admin/llmconfig/gatewaykey/add/", over)
    assert "This time is over" in refused.content.decode()


def test_the_command_prints_a_key(server, plain, capsys):
    call_command("create_llm_key", "cron", "--node", "chat", "--days", "1")
    assert server.until_known(capsys.readouterr().out.strip(), "chat")
    with pytest.raises(CommandError, match="names"):
        call_command("create_llm_key", "again", "--node", "no_such_node")


# What goes wrong


BAD = [
    ({"messages": HELLO}, "model"),
    ({"model": 5, "messages": HELLO}, "model"),
    ({"model": "chat"}, "messages"),
    ({"model": "chat", "messages": []}, "messages"),
    ({"model": "chat", "messages": "hi"}, "messages"),
    ({"model": "chat", "messages": [{"content": "hi"}]}, "messages[0].role"),
    ({"model": "chat", "messages": [{"role": "user", "content": 5}]}, "messages[0].content"),
    ({"model": "chat", "messages": HELLO, "temperature": "hot"}, "temperature"),
    ({"model": "chat", "messages": HELLO, "temperature": 9}, "temperature"),
    ({"model": "chat", "messages": HELLO, "max_tokens": 0}, "max_tokens"),
    ({"model": "chat", "messages": HELLO, "n": [1]}, "n"),
    ({"model": "chat", "messages": HELLO, "stream": "yes"}, "stream"),
    ({"model": "chat", "messages": HELLO, "tools": [1]}, "tools"),
    ({"model": "chat", "messages": HELLO, "models": ["gpt-5"]}, "models"),
    ({"model": "chat", "messages": HELLO, "logprobs": "yes"}, "logprobs"),
    ({"model": "chat", "messages": HELLO, "n": 129}, "n"),
    ({"model": "chat", "messages": HELLO, "modalities": {}}, "modalities"),
    ({"model": "chat", "messages": HELLO, "response_format": 1}, "response_format"),
    ({"model": "chat", "messages": HELLO, "response_format": {"type": []}}, "response_format"),
    (
        {
            "model": "chat",
            "messages": HELLO,
            "response_format": {"type": "json_schema", "json_schema": {"schema": {"type": 5}}},
        },
        "response_format",
    ),
    *(
        (
            {
                "model": "chat",
                "messages": HELLO,
                "response_format": {"type": "json_schema", "json_schema": {"schema": schema}},
            },
            "response_format",
        )
        for schema in (
            {"$ref": "file:///etc/hostname"},
            {"$ref": "http://127.0.0.1:1/schema.json"},
            {"$ref": "#/$defs/missing"},
            {"anyOf": [{"$ref": "#"}]},
            {"type": "string", "minLength": 3, "maxLength": 2},
            {"type": "string", "pattern": r"(a)\1"},
            {"const": 10**19 * 1.0},
            {"description": "d" * 200_000},
        )
    ),
    *(
        (
            {
                "model": "chat",
                "messages": HELLO,
                "tools": [{"type": "function", "function": {"name": "f", "parameters": schema}}],
            },
            "tools[0]",
        )
        for schema in (
            {"type": "object", "properties": {"a": {"$ref": "https://127.0.0.1:1/a"}}},
            {"type": "array", "minItems": 3, "maxItems": 2},
        )
    ),
]


def test_bad_requests_are_refused_by_field(server, plain, simulator):
    before = simulator.requests
    with server.client(plain) as client:
        for body, field in BAD:
            reply = client.post("/v1/chat/completions", json=body)
            assert reply.status_code == 400, (body, reply.text)
            error = reply.json()["error"]
            assert error["param"] == field, (body, reply.text)
            assert field in error["message"]  # all that OpenAI's clients show
        for raw in (b"", b"{", b"[]", b'"x"', b"\xff\xfe", b"[" * 100_000, b"null"):
            reply = client.post("/v1/chat/completions", content=raw)
            assert reply.json()["error"]["code"] == "invalid_json"
        for method, address, allow in (
            ("GET", "/v1/chat/completions", "POST"),
            ("PUT", "/v1/models", "GET, HEAD"),
            ("PUT", "/v1/responses/resp_1", "GET, DELETE, HEAD"),
        ):
            reply = client.request(method, address)
            assert (reply.status_code, reply.headers.get("allow")) == (405, allow)
        assert client.post("/v1/nothing", json={}).status_code == 404
        big = client.post("/v1/chat/completions", content=b" " * (33 * 1024 * 1024))
        assert big.status_code == 413
        said = client.post("/v1/messages", json={"model": "chat", "messages": 1}).json()
        assert said["type"] == "error"
        assert said["error"]["type"] == "invalid_request_error"
    assert simulator.requests == before


def test_unknown_parameters_reach_the_provider(server, plain, simulator):
    simulator.plan({"key": "passed-on", "action": {"status": 400, "message": "Seen."}})
    with server.client(plain) as client:
        reply = ask(client, metadata={"request_key": "passed-on"})
    assert reply.status_code == 400
    assert "Seen." in reply.json()["error"]["message"]


@pytest.mark.parametrize(
    ("action", "status"),
    [
        ({"status": 400, "message": "Too long."}, 400),
        ({"echo_key": True}, 502),
        ({"status": 404}, 502),
        ({"status": 500, "message": "Broken."}, 502),
        ({"status": 429, "retry_after": "0.1"}, 429),
    ],
)
def test_a_providers_failure_reveals_nothing_inside(server, plain, simulator, action, status):
    simulator.fail(**action)
    with server.client(plain) as client:
        reply = ask(client)
        streamed = ask(client, stream=True)
    for each in (reply, streamed):
        assert each.status_code == status
        assert "canary" not in each.text
        assert "127.0.0.1" not in each.text
        assert "sim" not in each.json()["error"]["message"]
    if status == 429:
        assert int(reply.headers["retry-after"]) >= 1
    elif status >= 500:
        assert reply.headers["x-should-retry"] == "false"


def test_a_providers_reason_reaches_the_caller(server, plain, simulator):
    simulator.fail(status=500, message="CUDA out of memory")
    with server.client(plain) as client:
        for reply in (ask(client), ask(client, stream=True)):
            assert reply.status_code == 502
            said = reply.json()["error"]["message"]
            assert said == "No model could answer: CUDA out of memory"


def test_a_switched_off_system_says_so(server, plain):
    with change(source="shell"):
        LLMConfig.objects.update(enabled=False)
    with server.client(plain) as client:
        reply = until(lambda: (said := ask(client)).status_code == 503 and said)
    assert reply.json()["error"]["code"] == "calls_disabled"


def test_a_fallback_serves_and_the_record_tells(
    server, make_provider, make_node, simulator, metrics
):
    make_provider()
    make_provider("backup", "anthropic", model_id="claude-haiku-4-5")
    # A name of its own: the server may still hold an earlier test's node, and its switch.
    make_node("sim/gpt-4o-mini", "backup/claude-haiku-4-5", name="chat_or_backup")
    key = server.until_known(new_key(), "chat_or_backup")
    simulator.plan({"model": "gpt-*", "action": {"status": 401}})
    with server.client(key) as client:
        answer = ask(client, "chat_or_backup")
    assert answer.status_code == 200, answer.text
    [row] = metrics()
    assert row.provider == "backup"
    assert [each["outcome"] for each in row.attempts] == ["http_401", "ok"]


def test_the_owners_own_choice_applies(server, plain, make_provider, django_user_model, metrics):
    owner = django_user_model.objects.create_user("owner")
    make_provider("mine", model_id="gpt-4o")
    node = NodeConfiguration.objects.get(node_name="chat")
    owner.llm_configs.create(node=node, model="mine/gpt-4o")
    key = server.until_known(new_key("owned", user=owner), "mine/gpt-4o")
    with server.client(key) as client:
        assert ask(client).status_code == 200
    [row] = metrics()
    assert (row.provider, row.user_id) == ("mine", owner.pk)


def test_a_client_that_hangs_up_ends_the_providers_request(server, plain, simulator, metrics):
    simulator.fail(drip={"bytes": 20, "every_ms": 50})
    with server.client(plain) as client:
        body = {"model": "chat", "messages": HELLO, "stream": True}
        with client.stream("POST", "/v1/chat/completions", json=body) as reply:
            next(reply.iter_bytes())
    [row] = metrics()
    assert row.error_code == "cancelled"
    assert until(lambda: simulator.stats()["paid_lost"]) == 1


def test_a_stream_that_breaks_off_ends_with_an_error(server, plain, simulator, metrics):
    from openai import APIError  # noqa: PLC0415 - slow to import

    simulator.fail(cut=0.6)
    with (
        openai_of(server, plain) as client,
        pytest.raises(APIError),
    ):
        list(client.chat.completions.create(model="chat", messages=HELLO, stream=True))
    [row] = metrics()
    assert row.error_code == "bad_reply"


def test_an_ordinary_end_loses_no_record(make_provider, make_node):
    make_provider()
    make_node("sim/gpt-4o-mini", name="chat")
    with running_server() as running:
        key = running.until_known(new_key(), "chat")
        with running.client(key) as client:
            for _ in range(7):
                assert ask(client).status_code == 200
    assert GenerationMetric.objects.count() == 7
    assert GatewayKey.objects.get().last_used_at is not None


# Objects in this process


def test_the_vendors_objects_answer_in_this_process(node):
    bound = llm_client.get_llm("chat")
    assert llm_client.get_llm("chat") is bound
    assert bound.openai() is bound.openai()
    made = bound.openai().chat.completions.create(model="whatever", messages=HELLO)
    assert "[sim:" in made.choices[0].message.content
    events = bound.openai().chat.completions.create(model="chat", messages=HELLO, stream=True)
    assert "".join(each.choices[0].delta.content or "" for each in events) == (
        made.choices[0].message.content
    )
    said = bound.anthropic().messages.create(model="chat", max_tokens=50, messages=HELLO)
    assert "[sim:" in said.content[0].text
    assert bound.generate("Hello").text
    assert GenerationMetric.objects.filter(method_name="chat").count() == 4


def test_the_asynchronous_objects_work_on_any_loop(node):
    bound = llm_client.get_llm("chat")

    async def work():
        try:
            stream = await bound.async_openai().chat.completions.create(
                model="chat", messages=HELLO, stream=True
            )
            told = "".join([each.choices[0].delta.content or "" async for each in stream])
            said = await bound.async_anthropic().messages.create(
                model="chat", max_tokens=50, messages=HELLO
            )
            return told, said.content[0].text
        finally:
            await llm_client.aclose()

    for told, said in (asyncio.run(work()), asyncio.run(work())):
        assert "[sim:" in told
        assert "[sim:" in said


def test_an_objects_errors_are_the_vendors(node, simulator):
    from openai import APIStatusError  # noqa: PLC0415 - slow to import

    simulator.fail(status=500)
    with pytest.raises(APIStatusError) as raised:
        llm_client.get_llm("chat").openai().chat.completions.create(model="chat", messages=HELLO)
    assert raised.value.status_code == 502


def test_a_mistake_in_writing_many_records_writes_each_and_ends_nothing(plain, ask):
    told, held = [], list(recorders._recorders)

    def together(_batch):
        raise AttributeError("a mistake of ours")

    def recorder(record, _texts):
        told.append(record.node)

    recorders.register(recorder, many=together)
    queue = Writer()
    try:
        for _ in range(3):
            llm_client.generate(ask(node="chat"), collect=queue.take)
        assert until(lambda: told == ["chat"] * 3)
        llm_client.generate(ask(node="chat"), collect=queue.take)
        assert until(lambda: len(told) == 4)
    finally:
        recorders._recorders[:] = held
        queue.flush()


def test_who_comes_during_a_write_waits_for_the_next_one(plain, ask):
    told, sizes, held = [], [], list(recorders._recorders)
    llm_client.generate(ask(node="chat"), collect=lambda *pair: told.append(pair))
    queue = Writer()

    def together(batch):
        sizes.append(len(batch))
        if len(sizes) < 4:  # or it would be written for ever
            queue._waiting.append(told[0])

    recorders.register(lambda *_: None, many=together)
    try:
        queue._waiting.extend(told * 3)
        queue._write_waiting()
        assert sizes == [3]
        queue._write_waiting()
        assert sizes == [3, 1]
    finally:
        recorders._recorders[:] = held


def test_the_writing_thread_outlives_whatever_a_round_ends_with(plain, ask):
    broke_off: list[bool] = []

    def refuse(**_):
        """As a project's own receiver may, or a library that guards connections."""
        if threading.current_thread().name == "gateway-records" and not broke_off:
            broke_off.append(True)
            raise RuntimeError("no connection for this thread yet")

    connection_created.connect(refuse)
    queue = Writer()
    try:
        queue.start()
        assert until(lambda: broke_off)
        for _ in range(2):  # a server of the same process that begins anew
            queue.start()
            llm_client.generate(ask(node="chat"), collect=queue.take)
            assert until(GenerationMetric.objects.exists)
            GenerationMetric.objects.all().delete()
            queue.flush()
    finally:
        connection_created.disconnect(refuse)
        queue.flush()
