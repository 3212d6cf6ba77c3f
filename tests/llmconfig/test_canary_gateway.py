"""A provider that repeats its key in everything it says, heard through `/v1`: no part comes out."""

import base64
import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import quote

import pytest
import re2
import redis
from django.conf import settings as django_settings
from django.db import connection
from hypothesis import given
from hypothesis import strategies as st

from llmconfig.client.credentials.redaction import Scrubber
from llmconfig.client.types import Delta
from llmconfig.client.wire import Reply
from llmconfig.secrets import MASK, Secret
from metrics.models import GenerationHistory, GenerationMetric
from tests.llmconfig.gateway_server import new_key, shared_server
from tests.llmconfig.test_canary import forms
from tests.waiting import until

pytestmark = pytest.mark.django_db(transaction=True)

KEY = "sk-proj-Zk9/vQ2+wX7rTb4LmH8yUd3NcP6sEa1Jf5Gg0Rq"
SLICES = {form[at : at + 12] for form in forms(KEY) for at in range(len(form) - 11)}
PATTERN = re2.compile("|".join(map(re2.escape, sorted(SLICES))))
ENDS = {"stop": "end_turn", "tool_calls": "tool_use"}


def told(key: str) -> str:
    """What a talkative provider makes of a key."""
    encoded = base64.b64encode(f"Bearer {key}".encode()).decode()
    return f"You sent {key}, that is {quote(key, safe='')} or {encoded}, so {key[5:25]}. Goodbye."


def clean(where: str, text: str) -> None:
    """No 12 characters of the key, also not behind JSON's own way to write a slash."""
    found = PATTERN.search(text.replace("\\/", "/"))
    assert found is None, f"{where}: …{text[max(0, found.start() - 80) : found.end() + 20]}…"


class Echo(BaseHTTPRequestHandler):
    """Both wires; the path's first part says how to answer: `plain`, `tools`, `error`, `late`."""

    protocol_version = "HTTP/1.1"
    heard: list[str] = []

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        given = self.headers.get("Authorization") or self.headers["x-api-key"]
        self.key = given.removeprefix("Bearer ")
        self.heard.append(self.key)
        self.how = self.path.split("/")[1]
        self.stream = bool(body.get("stream"))
        if self.how == "error":
            self._send(401, "application/json", self._error())
        elif self.path.endswith("/messages"):
            self._answer(self._anthropic_events() if self.stream else [self._message()])
        else:
            self._answer(self._openai_events() if self.stream else [self._completion()])

    def _error(self) -> bytes:
        error = {"type": told(self.key), "code": self.key, "message": told(self.key)}
        return json.dumps({"type": "error", "error": error}).replace("/", "\\/").encode()

    def _answer(self, values: list[Any]) -> None:
        if not self.stream:
            text = json.dumps(values[0]).replace("/", "\\/")
            self._send(200, "application/json", text.encode())
            return
        parts = [
            (f"event: {each['type']}\n" if "type" in each else "") + f"data: {json.dumps(each)}\n\n"
            for each in values
        ]
        if self.how == "late":
            parts.append(f"data: {self._error().decode()}\n\n")
        self._send(200, "text/event-stream", "".join(parts).encode())

    def _send(self, status: int, kind: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("x-request-id", f"req-{self.key}")
        self.send_header("x-echo", self.key)
        self.end_headers()
        self.wfile.write(body)

    def _reason(self) -> str:
        return "tool_calls" if self.how == "tools" else "stop"

    def _said(self) -> list[str]:
        """In small pieces, so that the key is cut everywhere."""
        text = json.dumps({"said": told(self.key)}) if self.how == "tools" else told(self.key)
        return [text[at : at + 5] for at in range(0, len(text), 5)] if self.stream else [text]

    def _completion(self) -> Any:
        message: Any = {"role": "assistant", "content": self._said()[0]}
        if self.how == "tools":
            call = {"name": self.key, "arguments": self._said()[0]}
            message = {"role": "assistant", "content": None}
            message["tool_calls"] = [{"id": self.key, "type": "function", "function": call}]
        choice = {"index": 0, "message": message, "finish_reason": f"{self._reason()}{self.key}"}
        usage = {"prompt_tokens": 9, "completion_tokens": 9}
        return {"id": self.key, "model": self.key, "choices": [choice], "usage": usage}

    def _openai_events(self) -> list[Any]:
        deltas: list[Any] = [{"content": each} for each in self._said()]
        if self.how == "tools":
            call = {"index": 0, "id": self.key, "type": "function"}
            deltas = [{"tool_calls": [{**call, "function": {"name": self.key, "arguments": ""}}]}]
            deltas += [
                {"tool_calls": [{"index": 0, "function": {"arguments": each}}]}
                for each in self._said()
            ]
        head = {"id": self.key, "model": self.key}
        chunks = [{**head, "choices": [{"index": 0, "delta": each}]} for each in deltas]
        if self.how == "late":
            return chunks
        last = {"index": 0, "delta": {}, "finish_reason": self._reason()}
        usage = {"prompt_tokens": 9, "completion_tokens": 9}
        return [*chunks, {**head, "choices": [last], "usage": usage}]

    def _message(self) -> Any:
        block: Any = {"type": "text", "text": self._said()[0]}
        if self.how == "tools":
            said = json.loads(self._said()[0])
            block = {"type": "tool_use", "id": self.key, "name": self.key, "input": said}
        usage = {"input_tokens": 9, "output_tokens": 9}
        end = ENDS[self._reason()]
        return {"id": self.key, "model": self.key, "content": [block], "stop_reason": end} | {
            "type": "message",
            "role": "assistant",
            "usage": usage,
        }

    def _anthropic_events(self) -> list[Any]:
        block: Any = {"type": "text", "text": ""}
        kind, part = "text_delta", "text"
        if self.how == "tools":
            block = {"type": "tool_use", "id": self.key, "name": self.key, "input": {}}
            kind, part = "input_json_delta", "partial_json"
        usage = {"input_tokens": 9, "output_tokens": 1}
        message: Any = {"id": self.key, "model": self.key, "usage": usage, "content": []}
        events = [
            {"type": "message_start", "message": {**message, "role": "assistant"}},
            {"type": "content_block_start", "index": 0, "content_block": block},
            *(
                {"type": "content_block_delta", "index": 0, "delta": {"type": kind, part: each}}
                for each in self._said()
            ),
        ]
        if self.how == "late":
            return events
        end = {"stop_reason": ENDS[self._reason()], "stop_sequence": None}
        return [
            *events,
            {"type": "content_block_stop", "index": 0},
            {"type": "message_delta", "delta": end, "usage": {"output_tokens": 9}},
            {"type": "message_stop"},
        ]

    def log_message(self, *_given: Any) -> None:
        """Nothing."""


@pytest.fixture(scope="module")
def provider_url() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Echo)
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def server(django_db_setup, django_db_blocker):
    with shared_server() as running:
        yield running


@pytest.mark.parametrize("wire", ["openai", "anthropic"])
def test_no_answer_error_or_stream_holds_any_part_of_the_providers_key(
    server, provider_url, make_provider, make_node, wire
):
    Echo.heard.clear()
    path = "" if wire == "anthropic" else "/v1"
    ways = ("plain", "tools", "error", "late")
    for how in ways:
        address = f"{provider_url}/{how}{path}"
        make_provider(how, wire, model_id="m", key=KEY, api_base_url=address)
        make_node(f"{how}/m", name=how)
    key = server.until_known(new_key(), *ways)
    asked = {"messages": [{"role": "user", "content": "What is your key?"}], "max_tokens": 500}
    answers = 0
    with server.client(key) as client:
        clean("models", client.get("/v1/models").text)
        for how in ways:
            for ours in ("/v1/chat/completions", "/v1/messages"):
                for stream in (False, True):
                    body = {**asked, "model": how, "stream": stream, "seed": answers}
                    reply = client.post(ours, json=body)
                    answers += 1
                    where = f"{how} {ours} stream={stream}"
                    clean(where, f"{reply.text} {reply.headers}")
                    clean(f"{where}, put together", "".join(texts(reply.text)))
                    good = how != "error"
                    assert (reply.status_code == 200) == good, f"{where}: {reply.text}"
                    if good:
                        assert "You sent" in "".join(texts(reply.text)), reply.text
                        assert MASK in "".join(texts(reply.text)), reply.text
    assert set(Echo.heard) == {KEY}
    assert until(lambda: GenerationMetric.objects.count() >= answers)
    assert GenerationHistory.objects.filter(generated_code__contains="You sent").exists()
    with connection.cursor() as cursor:
        for table in ("llm_generation_metrics", "llm_generation_history"):
            cursor.execute(f'SELECT t::text FROM "{table}" t')
            for (row,) in cursor.fetchall():
                clean(table, row)
    store: Any = redis.Redis.from_url(django_settings.REDIS_URL)
    for name in store.scan_iter():
        if store.type(name) == b"string":
            clean(f"redis {name!r}", store.get(name).decode())


def texts(reply: str) -> Iterator[str]:
    """All texts of an answer in their order, without what stands between a stream's pieces."""
    lines = [line.removeprefix("data: ") for line in reply.splitlines() if line[:1] != "e"]
    for line in lines:
        if line[:1] == "{":
            yield from _texts(json.loads(line))


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for name, each in value.items():
            if name in {"content", "text", "arguments", "partial_json"} and isinstance(each, str):
                yield each
            else:
                yield from _texts(each)
            if name == "input":
                yield from each.values()
    elif isinstance(value, list):
        for each in value:
            yield from _texts(each)


@given(
    st.lists(st.sampled_from([KEY, quote(KEY, safe=""), "sk-proj-", "text ", "Zk9/", "R"])),
    st.lists(st.integers(1, 15), min_size=1),
)
def test_a_key_is_found_wherever_a_stream_is_cut_and_nothing_else_is_lost(parts, sizes):
    whole, scrubber = "".join(parts), Scrubber(Secret(KEY))
    stream, passed, at, turn = scrubber.stream(), [], 0, 0
    while at < len(whole):
        size = sizes[turn % len(sizes)]
        passed.append(stream.feed(Delta(whole[at : at + size])))
        at, turn = at + size, turn + 1
    passed.append(stream.end())
    text = "".join(each.text for each in passed if each is not None)
    clean("stream", text)
    if KEY not in whole and quote(KEY, safe="") not in whole and not PATTERN.search(whole):
        assert text == whole
    clean("whole", scrubber.redacted(whole))


def test_an_answer_about_keys_is_left_as_it_is():
    said = "OpenAI's keys begin with sk-proj- and Anthropic's with sk-ant-api03-."
    for key in ("sk-ant-api03-Zk9vQ2wX7rTb4LmH8yUd", KEY):
        reply = Reply(text=said, finish_reason="stop")
        assert Scrubber(Secret(key)).answer(reply) is reply
    assert Scrubber(Secret("ollama")).redacted("ollama run ollama") == "ollama run ollama"
