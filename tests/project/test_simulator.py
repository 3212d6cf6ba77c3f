"""The simulator as others use it: a process of its own, the vendors' SDKs, raw sockets."""

from __future__ import annotations

import json
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import anthropic
import openai
import pytest

from tests.waiting import until

CHAT: Any = "/v1/chat/completions"
TEXT = "Luna is a calm dog!!! She likes   long walks and children."


@dataclass(frozen=True)
class Simulator:
    """A running simulator and what a test asks of it."""

    url: str

    @property
    def port(self) -> int:
        return int(self.url.rsplit(":", 1)[1])

    def ask(
        self, path: str, body: object = None, headers: dict[str, str] | None = None
    ) -> tuple[int, bytes, dict[str, str]]:
        data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        request = Request(self.url + path, data=data, headers=headers or {})  # noqa: S310
        try:
            with urlopen(request, timeout=60) as reply:  # noqa: S310
                return reply.status, reply.read(), dict(reply.headers.items())
        except HTTPError as error:
            return error.code, error.read(), dict(error.headers.items())

    def json(self, path: str, body: object = None) -> Any:
        status, content, _ = self.ask(path, body)
        assert status == 200, content
        return json.loads(content)

    def chat(self, text: str = TEXT, **more: Any) -> tuple[int, bytes, dict[str, str]]:
        headers = more.pop("headers", None)
        return self.ask(CHAT, {"model": "m", "messages": [_user(text)], **more}, headers)

    def stats(self) -> Any:
        return self.json("/_stats?keys=1")


def _user(text: str) -> Any:
    return {"role": "user", "content": text}


def _start(*options: str) -> tuple[subprocess.Popen[str], str]:
    command = [sys.executable, "-m", "project.embedded.simulator", "--port", "0", *options]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line.startswith("listening on http://127.0.0.1:"), line
    return process, line.split()[-1]


@pytest.fixture(scope="module")
def running() -> Iterator[Simulator]:
    process, url = _start("--seed", "7")
    yield Simulator(url)
    process.terminate()
    assert process.wait(5) == 0


@pytest.fixture
def simulator(running: Simulator) -> Iterator[Simulator]:
    before = running.json("/_control")
    running.json("/_reset", {})
    yield running
    running.json("/_control", before)
    running.json("/_reset", {})


@pytest.fixture
def openai_client(simulator: Simulator) -> openai.OpenAI:
    return openai.OpenAI(base_url=f"{simulator.url}/v1", api_key="sk-test", max_retries=0)


@pytest.fixture
def anthropic_client(simulator: Simulator) -> anthropic.Anthropic:
    return anthropic.Anthropic(base_url=simulator.url, auth_token="test", max_retries=0)


PROFILE: Any = {
    "type": "object",
    "properties": {
        "tagline": {"type": "string", "maxLength": 40},
        "energy": {"enum": ["low", "high"]},
    },
    "required": ["tagline", "energy"],
    "additionalProperties": False,
}


def test_an_answer_echoes_its_question_and_is_the_same_every_time(
    openai_client: openai.OpenAI,
) -> None:
    first, second = (
        openai_client.chat.completions.create(model="gpt-4o-mini", messages=[_user(TEXT)])
        for _ in range(2)
    )
    text = first.choices[0].message.content or ""
    assert text == second.choices[0].message.content
    assert text.startswith("Luna is a calm dog! She likes long")
    assert re.search(r"\[sim:[0-9a-f]{8}\]$", text)
    assert first.usage
    assert first.usage.prompt_tokens == len(TEXT) // 4
    assert first.id != second.id


def test_a_stream_brings_the_same_text_and_its_usage(openai_client: openai.OpenAI) -> None:
    messages: Any = [_user(TEXT)]
    whole = openai_client.chat.completions.create(model="m", messages=messages)
    stream = openai_client.chat.completions.create(
        model="m", messages=messages, stream=True, stream_options={"include_usage": True}
    )
    chunks = list(stream)
    text = "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)
    assert text == whole.choices[0].message.content
    assert len(chunks) > 3
    assert chunks[-1].usage == whole.usage


def test_a_schema_is_obeyed_in_the_words_of_the_question(
    openai_client: openai.OpenAI, anthropic_client: anthropic.Anthropic
) -> None:
    chat = openai_client.chat.completions.create(
        model="m",
        messages=[_user(TEXT)],
        response_format={"type": "json_schema", "json_schema": {"name": "p", "schema": PROFILE}},
    )
    message = anthropic_client.messages.create(
        model="c",
        max_tokens=500,
        messages=[_user(TEXT)],
        output_config={"format": {"type": "json_schema", "schema": PROFILE}},
    )
    block = message.content[0]
    assert block.type == "text"
    for content in (chat.choices[0].message.content or "", block.text):
        profile = json.loads(content)
        assert set(profile) == {"tagline", "energy"}
        assert profile["energy"] in ("low", "high")
        assert profile["tagline"].split()[0].rstrip("!") in TEXT


def test_embeddings_are_the_same_unit_vectors_in_both_encodings(
    openai_client: openai.OpenAI,
) -> None:
    as_base64 = openai_client.embeddings.create(model="e", input=["a", "b"])
    as_floats = openai_client.embeddings.create(
        model="e", input=["a", "b"], encoding_format="float"
    )
    one, two = (reply.data[0].embedding for reply in (as_base64, as_floats))
    assert one == pytest.approx(two, abs=1e-6)
    assert sum(x * x for x in two) == pytest.approx(1)
    assert as_floats.data[1].embedding != two


def test_models_are_listed_in_each_vendors_shape(
    simulator: Simulator,
    openai_client: openai.OpenAI,
    anthropic_client: anthropic.Anthropic,
) -> None:
    models = [
        {"id": "new", "context_window": 5},
        {"id": "old", "retired": True, "retires_at": "2026-02-01"},
    ]
    simulator.json("/_control", {"models": models, "unknown_models": ["ghost"]})
    assert [model.id for model in openai_client.models.list()] == ["new"]
    listed = list(anthropic_client.models.list(limit=1))
    assert [(m.id, m.lifecycle, m.max_input_tokens) for m in listed] == [
        ("new", "active", 5),
        ("old", "retired", 128_000),
    ]
    assert simulator.json("/api/v1/models")["data"][0]["context_length"] == 5
    assert openai_client.models.retrieve("new").id == "new"
    for gone in ("ghost", "old"):
        assert simulator.chat(model=gone)[0] == 404
    status, body, _ = simulator.chat("x" * 100, model="new")
    assert (status, json.loads(body)["error"]["code"]) == (400, "context_length_exceeded")


def test_anthropic_speaks_both_versions_and_refuses_sampling_in_the_new_one(
    simulator: Simulator, anthropic_client: anthropic.Anthropic
) -> None:
    asked: dict[str, Any] = {"model": "c", "max_tokens": 100, "messages": [_user(TEXT)]}
    sampled = {"extra_body": {"temperature": 0.2}}
    old = {"extra_headers": {"anthropic-version": "2023-06-01"}}
    assert _create(anthropic_client, asked | sampled | old).stop_reason == "end_turn"
    with pytest.raises(anthropic.BadRequestError, match="temperature"):
        _create(anthropic_client, asked | sampled)
    keyed = {"x-api-key": "k", "anthropic-version": "2023-06-01"}
    assert simulator.ask("/v1/messages", asked, keyed)[0] == 200
    status, body, _ = simulator.ask("/v1/messages", asked)
    assert (status, json.loads(body)["type"]) == (400, "error")


def _create(client: Any, fields: dict[str, Any]) -> Any:
    return client.messages.create(**fields)


def test_an_anthropic_stream_has_the_real_events(anthropic_client: anthropic.Anthropic) -> None:
    messages: Any = [_user(TEXT)]
    with anthropic_client.messages.stream(model="c", max_tokens=99, messages=messages) as stream:
        events = [event.type for event in stream]
        final = stream.get_final_message()
    assert events[0] == "message_start"
    assert events[-1] == "message_stop"
    whole = anthropic_client.messages.create(model="c", max_tokens=99, messages=messages)
    assert getattr(final.content[0], "text", None) == getattr(whole.content[0], "text", 0)
    assert final.usage.output_tokens == whole.usage.output_tokens


def test_an_agents_model_calls_a_tool_by_itself_until_it_has_a_result(
    openai_client: openai.OpenAI,
) -> None:
    names = ("final_answer", "save")
    tools: Any = [
        {"type": "function", "function": {"name": name, "parameters": PROFILE}} for name in names
    ]
    asked: Any = [{"role": "user", "content": "Save it."}]

    def called(model: str = "agent-1", **more: Any) -> str:
        made = openai_client.chat.completions.create(
            model=model, messages=asked, tools=more.pop("tools", tools), **more
        )
        calls = made.choices[0].message.tool_calls
        return str(calls[0].function.name) if calls else ""

    assert called() == "save"
    assert called("gpt-4o") == ""
    assert called(tool_choice="none") == ""
    asked += [
        {"role": "assistant", "tool_calls": []},
        {"role": "tool", "tool_call_id": "c", "content": "Saved."},
    ]
    assert called() == "final_answer"
    assert called(tools=tools[1:]) == ""


def test_an_agents_model_says_what_the_user_scripts(
    openai_client: openai.OpenAI, anthropic_client: anthropic.Anthropic
) -> None:
    asked: list[Any] = [{"role": "user", "content": "Dog?\nSAY name: Rex\nSAY age: 3"}]
    for model, said in (("agent-1", "name: Rex\nage: 3"), ("gpt-4o", None)):
        made = openai_client.chat.completions.create(model=model, messages=asked)
        told = anthropic_client.messages.create(model=model, max_tokens=99, messages=asked)
        block = told.content[0]
        assert block.type == "text"
        answers = {made.choices[0].message.content, block.text}
        assert (answers == {said}) == bool(said)


def test_an_agents_model_calls_what_the_user_scripts(
    openai_client: openai.OpenAI, anthropic_client: anthropic.Anthropic
) -> None:
    script = 'Do it.\nCALL save {"name": "Rex"}\nCALL look {"at": "a\\nb"}'
    functions: list[Any] = [
        {"name": name, "parameters": {"type": "object"}} for name in ("look", "save")
    ]
    chat: list[Any] = [{"role": "user", "content": script}]
    messages: list[Any] = [{"role": "user", "content": [{"type": "text", "text": script}]}]
    for name, arguments in (("save", {"name": "Rex"}), ("look", {"at": "a\nb"}), ("", {})):
        made = openai_client.chat.completions.create(
            model="agent-1",
            messages=chat,
            tools=[{"type": "function", "function": each} for each in functions],
        )
        told = anthropic_client.messages.create(
            model="agent-1",
            max_tokens=99,
            messages=messages,
            tools=[
                {"name": each["name"], "input_schema": {"type": "object"}} for each in functions
            ],
        )
        block = told.content[0]
        if not name:
            assert made.choices[0].message.content
            assert block.type == "text"
            break
        call = (made.choices[0].message.tool_calls or [])[0]
        assert call.type == "function"
        assert (call.function.name, json.loads(call.function.arguments)) == (name, arguments)
        assert block.type == "tool_use"
        assert (block.name, block.input) == (name, arguments)
        chat += [
            {"role": "assistant", "content": None, "tool_calls": [call.model_dump()]},
            {"role": "tool", "tool_call_id": call.id, "content": "Done."},
        ]
        result = {"type": "tool_result", "tool_use_id": block.id, "content": "Done."}
        messages += [
            {"role": "assistant", "content": [block.model_dump()]},
            {"role": "user", "content": [result]},
        ]


def test_a_forced_tool_is_called_with_arguments_that_fit(
    openai_client: openai.OpenAI, anthropic_client: anthropic.Anthropic
) -> None:
    message = anthropic_client.messages.create(
        model="c",
        max_tokens=200,
        messages=[_user(TEXT)],
        tools=[{"name": "save", "input_schema": PROFILE}],
        tool_choice={"type": "tool", "name": "save"},
    )
    assert message.stop_reason == "tool_use"
    assert message.content[0].type == "tool_use"
    assert "energy" in message.content[0].input
    chat: Any = openai_client.chat.completions.create(
        model="m",
        messages=[_user(TEXT)],
        tools=[{"type": "function", "function": {"name": "save", "parameters": PROFILE}}],
        tool_choice="required",
    )
    assert "energy" in json.loads(chat.choices[0].message.tool_calls[0].function.arguments)


def test_azure_paths_take_the_deployment_as_the_model(simulator: Simulator) -> None:
    client = openai.AzureOpenAI(
        azure_endpoint=simulator.url, api_version="2024-10-21", api_key="k", max_retries=0
    )
    messages: Any = [_user(TEXT)]
    assert client.chat.completions.create(model="mine", messages=messages).model == "mine"
    assert simulator.stats()["by_model"] == {"mine": 1}


def _lines(*texts: str) -> bytes:
    rows = [
        {
            "custom_id": f"row-{number}",
            "method": "POST",
            "url": CHAT,
            "body": {"model": "m", "messages": [_user(text)]},
        }
        for number, text in enumerate(texts)
    ]
    return "\n".join(json.dumps(row) for row in rows).encode()


def _openai_batch(client: openai.OpenAI, content: bytes) -> Any:
    file = client.files.create(file=("in.jsonl", content), purpose="batch")
    assert client.files.content(file.id).content == content
    return client.batches.create(
        input_file_id=file.id, endpoint=CHAT, completion_window="24h", metadata={"run": "1"}
    )


def test_an_openai_batch_ends_with_an_output_and_an_error_file(
    simulator: Simulator, openai_client: openai.OpenAI
) -> None:
    simulator.json("/_control", {"batch_ms": 60_000})
    simulator.json("/_plan", {"rules": [{"text": "poison", "action": {"status": 500}}]})
    batch = _openai_batch(openai_client, _lines("one", "two poison", "three"))
    assert batch.status == "validating"
    simulator.json("/_control", {"batch_ms": 200})
    done = until(lambda: _ended(openai_client, batch.id))
    assert done.status == "completed"
    assert (done.request_counts.completed, done.request_counts.failed) == (2, 1)
    good = openai_client.files.content(done.output_file_id).text.splitlines()
    bad = json.loads(openai_client.files.content(done.error_file_id).text)
    assert {json.loads(line)["custom_id"] for line in good} == {"row-0", "row-2"}
    assert (bad["custom_id"], bad["response"]["status_code"]) == ("row-1", 500)
    assert simulator.stats()["paid"] == 2
    assert next(iter(openai_client.batches.list())).id == batch.id


def test_a_batch_that_was_begun_before_a_reset_counts_no_more_and_meets_no_later_plan(
    simulator: Simulator, openai_client: openai.OpenAI
) -> None:
    simulator.json("/_control", {"batch_ms": 60_000})
    batch = _openai_batch(openai_client, _lines("one", "two"))
    simulator.json("/_reset", {})
    simulator.json("/_plan", {"rules": [{"action": {"status": 500}}]})
    simulator.json("/_control", {"batch_ms": 100})
    done = until(lambda: _ended(openai_client, batch.id))
    assert (done.request_counts.completed, done.request_counts.failed) == (2, 0)
    assert simulator.stats()["paid"] == 0


def _ended(client: openai.OpenAI, batch_id: str) -> Any:
    batch = client.batches.retrieve(batch_id)
    return batch if batch.status in ("completed", "failed", "expired", "cancelled") else None


def test_an_openai_batch_can_expire_be_cancelled_or_fail_its_check(
    simulator: Simulator, openai_client: openai.OpenAI
) -> None:
    simulator.json("/_control", {"batch_ms": 100, "batch_expire_at": 0.5})
    late = _openai_batch(openai_client, _lines("a", "b"))
    expired = until(lambda: _ended(openai_client, late.id))
    assert (expired.status, expired.request_counts.completed) == ("expired", 1)
    assert "batch_expired" in openai_client.files.content(expired.error_file_id).text
    broken = _openai_batch(openai_client, b'{"custom_id": 1}\nno json')
    failed = until(lambda: _ended(openai_client, broken.id))
    assert (failed.status, [error.line for error in failed.errors.data]) == ("failed", [1, 2])
    simulator.json("/_control", {"batch_ms": 60_000})
    slow = _openai_batch(openai_client, _lines("a"))
    assert openai_client.batches.cancel(slow.id).status == "cancelling"


def test_anthropic_batch_results_carry_every_fate(
    simulator: Simulator, anthropic_client: anthropic.Anthropic
) -> None:
    simulator.json("/_control", {"batch_ms": 100})
    simulator.json("/_plan", {"rules": [{"text": "poison", "action": {"status": 529}}]})
    requests: Any = [
        {
            "custom_id": name,
            "params": {"model": "c", "max_tokens": 50, "messages": [_user(name)]},
        }
        for name in ("good", "poison")
    ]
    batch = anthropic_client.messages.batches.create(requests=requests)
    assert batch.request_counts.processing == 2

    def ended() -> bool:
        return anthropic_client.messages.batches.retrieve(batch.id).processing_status == "ended"

    until(ended)
    fates = {
        entry.custom_id: entry.result.type
        for entry in anthropic_client.messages.batches.results(batch.id)
    }
    assert fates == {"good": "succeeded", "poison": "errored"}
    assert next(iter(anthropic_client.messages.batches.list())).id == batch.id


def test_a_plan_fails_a_row_so_often_and_no_more(simulator: Simulator) -> None:
    action = {"status": 429, "retry_after": 2, "code": "insufficient_quota"}
    rule = {"text": "Luna", "first": 2, "per": "key", "action": action}
    simulator.json("/_plan", {"rules": [rule]})
    replies = [simulator.chat() for _ in range(3)]
    assert [reply[0] for reply in replies] == [429, 429, 200]
    assert replies[0][2]["retry-after"] == "2"
    assert json.loads(replies[0][1])["error"]["code"] == "insufficient_quota"
    assert simulator.chat("Bella")[0] == 200
    stats = simulator.stats()
    assert (stats["paid"], stats["by_fault"]) == (2, {"429": 2})


def test_random_faults_by_attempt_let_every_prompt_through_in_the_end(
    simulator: Simulator,
) -> None:
    plan = {"faults_per_1000": 500, "kinds": ["500", "429"], "by": "attempt", "attempts": 2}
    simulator.json("/_plan", plan)
    first = [simulator.chat(f"row {number}")[0] for number in range(40)]
    assert 8 < sum(status != 200 for status in first) < 32
    for number in range(40):
        simulator.chat(f"row {number}")
        assert simulator.chat(f"row {number}")[0] == 200
    simulator.json("/_plan", plan)
    simulator.json("/_reset", {})
    simulator.json("/_plan", plan)
    assert [simulator.chat(f"row {number}")[0] for number in range(40)] == first


def _raw(simulator: Simulator, text: str, fault: dict[str, Any], **more: Any) -> bytes:
    body = json.dumps({"model": "m", "messages": [_user(text)], **more}).encode()
    head = f"POST {CHAT} HTTP/1.1\r\nhost: x\r\nx-sim-fault: {json.dumps(fault)}\r\n"
    with socket.create_connection(("127.0.0.1", simulator.port), timeout=60) as client:
        client.sendall(f"{head}connection: close\r\ncontent-length: {len(body)}\r\n\r\n".encode())
        client.sendall(body)
        received = b""
        try:
            while piece := client.recv(65_536):
                received += piece
        except ConnectionResetError:
            pass
        return received


def test_a_cut_reply_is_paid_and_lost_and_a_disconnect_is_not_paid(simulator: Simulator) -> None:
    cut = _raw(simulator, TEXT, {"cut": 0.5})
    promised = int(re.search(rb"content-length: (\d+)", cut)[1])
    assert len(cut.split(b"\r\n\r\n", 1)[1]) == promised // 2
    stream = _raw(simulator, TEXT, {"cut": 0.5}, stream=True)
    assert b"data: " in stream
    assert b"[DONE]" not in stream
    assert _raw(simulator, TEXT, {"disconnect": True}) == b""
    stats = simulator.stats()
    assert (stats["paid"], stats["paid_lost"], stats["in_flight"]) == (2, 2, 0)


def test_a_drip_comes_in_small_pieces(simulator: Simulator) -> None:
    began = time.monotonic()
    reply = _raw(simulator, TEXT, {"drip": {"bytes": 100, "every_ms": 20}})
    assert time.monotonic() - began > 0.08
    assert json.loads(reply.split(b"\r\n\r\n", 1)[1])["object"] == "chat.completion"


@pytest.mark.parametrize(
    ("kind", "sign"),
    [
        ("html", b"<html>"),
        ("empty", b""),
        ("no_choices", b'"choices":[]'),
        ("wrong_types", b'"id":7'),
        ("nul", b"\\u0000Luna"),
        ("surrogate", b'"\\ud83dLuna'),
        ("nan", b"1e400"),
        ("negative_usage", b'"prompt_tokens":-'),
        ("deep", b"[[[["),
        ("truncated_body", b'{"id":'),
    ],
)
def test_garbage_comes_as_a_200(simulator: Simulator, kind: str, sign: bytes) -> None:
    status, body, _ = simulator.chat(headers={"x-sim-fault": json.dumps({"garbage": kind})})
    assert status == 200
    assert sign in body
    assert simulator.stats()["paid"] == (0 if kind in ("html", "empty") else 1)


def test_a_truncated_content_is_no_json_and_a_surrogate_survives_a_stream(
    simulator: Simulator,
) -> None:
    schema = {"type": "json_schema", "json_schema": {"name": "p", "schema": PROFILE}}
    fault = {"x-sim-fault": '{"garbage": "truncated_content"}'}
    _, body, _ = simulator.chat(response_format=schema, headers=fault)
    with pytest.raises(json.JSONDecodeError):
        json.loads(json.loads(body)["choices"][0]["message"]["content"])
    fault = {"x-sim-fault": '{"garbage": "surrogate"}'}
    _, body, _ = simulator.chat(stream=True, headers=fault)
    assert b'"content":"\\ud83dLuna' in body


def test_hostile_sizes_and_echoed_keys_are_sent(simulator: Simulator) -> None:
    _, body, _ = simulator.chat(headers={"x-sim-fault": '{"huge_mb": 3}'})
    assert len(body) > 3_000_000
    _, body, headers = simulator.chat(headers={"x-sim-fault": '{"gzip_bomb_mb": 20}'})
    assert headers["content-encoding"] == "gzip"
    assert len(body) < 100_000
    keyed = {"authorization": "Bearer sk-canary", "x-sim-fault": '{"echo_key": true}'}
    status, body, _ = simulator.chat(headers=keyed)
    assert (status, b"sk-canary" in body) == (401, True)
    moved = {"x-sim-fault": '{"status": 302, "location": "http://127.0.0.1:9/"}'}
    request = _raw(simulator, TEXT, json.loads(moved["x-sim-fault"]))
    assert b"location: http://127.0.0.1:9/" in request


def test_what_is_answered_after_the_client_left_is_still_paid(simulator: Simulator) -> None:
    simulator.json("/_control", {"latency_ms": 150})
    body = json.dumps({"model": "m", "messages": [_user(TEXT)]}).encode()
    with socket.create_connection(("127.0.0.1", simulator.port)) as client:
        client.sendall(
            f"POST {CHAT} HTTP/1.1\r\ncontent-length: {len(body)}\r\n\r\n".encode() + body
        )
        until(lambda: simulator.stats()["in_flight"] == 1)
    until(lambda: simulator.stats()["in_flight"] == 0)
    stats = simulator.stats()
    assert (stats["paid"], stats["paid_lost"]) == (1, 1)


def test_stats_count_tokens_cost_keys_and_peaks(simulator: Simulator) -> None:
    prices = {"m": {"input": "2", "output": "8", "cached": "1"}}
    control = {"prices": prices, "cached_tokens": 4, "latency_ms": 100, "usage_cost": 0.5}
    simulator.json("/_control", control)
    texts = ["same words here again", "same words here again", "other words in this one"]
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(simulator.chat, texts))
    simulator.chat("x", headers={"x-request-key": "row-9"})
    stats = simulator.stats()
    assert (stats["paid"], stats["distinct"], stats["repeats"]) == (4, 3, 1)
    assert stats["keys"]["row-9"] == 1
    assert stats["max_in_flight"] == 3
    tokens = stats["tokens"]
    fresh = tokens["input"] - tokens["cached"]
    expected = (fresh * 2 + tokens["cached"] + tokens["output"] * 8) / 1_000_000
    assert float(stats["cost"]["usd"]) == pytest.approx(expected)
    assert stats["cost"]["reported"] == pytest.approx(2.0)
    assert stats["peak"]["requests_60s"] == 4


def test_the_simulator_limits_concurrency_and_rates(simulator: Simulator) -> None:
    simulator.json("/_control", {"max_concurrency": 1, "latency_ms": 200})
    with ThreadPoolExecutor(2) as pool:
        statuses = sorted(reply[0] for reply in pool.map(simulator.chat, ["a", "b"]))
    assert statuses == [200, 429]
    simulator.json("/_control", {"max_concurrency": None, "latency_ms": 0, "rpm": 3})
    simulator.json("/_reset", {})
    replies = [simulator.chat() for _ in range(4)]
    assert [reply[0] for reply in replies] == [200, 200, 200, 429]
    assert 50 < float(replies[-1][2]["retry-after"]) <= 60


def test_an_answer_that_was_asked_for_before_a_reset_counts_no_more(simulator: Simulator) -> None:
    simulator.json("/_control", {"latency_ms": 300})
    with ThreadPoolExecutor(1) as pool:
        late = pool.submit(simulator.chat)
        while not simulator.stats()["in_flight"]:
            time.sleep(0.01)
        simulator.json("/_reset", {})
        assert late.result()[0] == 200
    stats = simulator.stats()
    assert (stats["paid"], stats["in_flight"], stats["tokens"]["output"]) == (0, 0, 0)


def test_answers_are_as_long_as_asked_for(simulator: Simulator) -> None:
    simulator.json("/_control", {"output_tokens": {"median": 100, "sigma": 1.0}})
    lengths = [
        json.loads(simulator.chat(f"row {n}")[1])["usage"]["completion_tokens"] for n in range(60)
    ]
    assert min(lengths) < 100
    assert max(lengths) > 200
    _, body, _ = simulator.chat(max_tokens=5)
    reply = json.loads(body)
    assert reply["choices"][0]["finish_reason"] == "length"
    assert reply["usage"]["completion_tokens"] == 5


def test_traces_are_counted_and_kept(simulator: Simulator) -> None:
    simulator.ask("/v1/traces", b"\x0a\x01", {"x-api-key": "t"})
    kept = simulator.json("/_otlp")
    assert (kept["received"], kept["last"][0]["body"]) == (1, "CgE=")
    assert kept["last"][0]["headers"]["x-api-key"] == "t"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[1]",
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"model": 5}',
        b'{"model": "m", "messages": [5]}',
        b'{"model": "m", "messages": [{"role": "user", "content": 7}], "max_tokens": -1}',
        (
            b'{"model":"m","messages":[{"role":"u"}],"response_format":{"type":"json_schema",'
            b'"json_schema":{"name":"p","schema":{"properties":5}}}}'
        ),
        b'{"model":"m","messages":[{"role":"u"}],"tools":5,"tool_choice":"required"}',
        b'{"model":"m","messages":[{"role":"u"}],"tool_choice":{"function":7},"tools":[]}',
    ],
)
def test_a_bad_body_is_refused_in_the_vendors_shape(simulator: Simulator, body: bytes) -> None:
    status, content, _ = simulator.ask(CHAT, body)
    assert (status, "message" in json.loads(content)["error"]) == (400, True)
    version = {"anthropic-version": "2023-06-01"}
    status, content, _ = simulator.ask("/v1/messages", body, version)
    assert (status, json.loads(content)["type"]) == (400, "error")


def test_unknown_paths_and_controls_are_named(simulator: Simulator) -> None:
    assert simulator.ask("/v1/nothing")[0] == 404
    assert b"latencyms" in simulator.ask("/_control", {"latencyms": 1})[1]
    assert b"rules[0]" in simulator.ask("/_plan", {"rules": [{"acton": {}}]})[1]
    assert simulator.ask("/_nothing")[0] == 404
    assert simulator.ask("/_plan", {"rules": [{"action": {"status": "x"}}]})[0] == 400


def test_bytes_that_are_no_http_are_refused(simulator: Simulator) -> None:
    with socket.create_connection(("127.0.0.1", simulator.port), timeout=60) as client:
        client.sendall(b"\x16\x03\x01 hello\r\n\r\n")
        assert client.recv(1_000).startswith(b"HTTP/1.1 400")
    assert simulator.chat()[0] == 200


def test_pipelined_requests_are_answered_in_their_order(simulator: Simulator) -> None:
    simulator.json("/_control", {"latency_ms": 20})
    body = json.dumps({"model": "m", "messages": [_user(TEXT)]}).encode()
    slow = f"POST {CHAT} HTTP/1.1\r\ncontent-length: {len(body)}\r\n\r\n".encode() + body
    quick = b"GET /v1/models HTTP/1.1\r\nconnection: close\r\n\r\n"
    with socket.create_connection(("127.0.0.1", simulator.port), timeout=60) as client:
        client.sendall(slow + quick)
        received = b"".join(iter(lambda: client.recv(65_536), b""))
    assert 0 < received.index(b"chat.completion") < received.index(b'"object":"list"')


def test_a_wrong_key_is_refused_where_a_key_is_set() -> None:
    process, url = _start("--api-key", "right")
    try:
        simulator = Simulator(url)
        assert simulator.chat(headers={"authorization": "Bearer right"})[0] == 200
        assert simulator.chat(headers={"api-key": "right"})[0] == 200
        assert simulator.chat(headers={"authorization": "Bearer wrong"})[0] == 401
        assert simulator.chat()[0] == 401
    finally:
        process.terminate()
        assert process.wait(5) == 0


def test_a_taken_port_ends_with_one_line(simulator: Simulator) -> None:
    command = [sys.executable, "-m", "project.embedded.simulator", "--port", str(simulator.port)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 1
    assert ended.stderr.count("\n") == 1
    assert "--port" in ended.stderr
