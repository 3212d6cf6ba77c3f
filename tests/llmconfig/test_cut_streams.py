"""Streams that end where they shouldn't: cut at every byte, reset, left at every event."""

import asyncio
import json
import socket
import time
from contextlib import ExitStack, asynccontextmanager
from decimal import Decimal
from typing import Any

import pytest

from llmconfig import client
from llmconfig.client.traffic import rate_limits
from llmconfig.client.types import ESTIMATED, PRICED, UNKNOWN, Call, Delta, Message
from llmconfig.configuration import snapshot
from llmconfig.errors import LLMError
from metrics.models import GenerationMetric
from tests.loopback import loopback

pytestmark = pytest.mark.django_db(transaction=True)


def event(value: Any) -> bytes:
    return f"data: {json.dumps(value, separators=(',', ':'))}\n\n".encode()


def chunk(**choice: Any) -> bytes:
    return event({"choices": [{"index": 0, **choice}]})


OPENAI = (
    chunk(delta={"content": "Fi"}),
    chunk(delta={"content": "ne."}),
    chunk(delta={}, finish_reason="stop"),
    event({"choices": [], "usage": {"prompt_tokens": 20, "completion_tokens": 9}}),
    b"data: [DONE]\n\n",
)
ANTHROPIC = (
    event(
        {"type": "message_start", "message": {"usage": {"input_tokens": 20, "output_tokens": 1}}}
    ),
    event(
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}
    ),
    *(
        event(
            {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": t}}
        )
        for t in ("Fi", "ne.")
    ),
    event({"type": "content_block_stop", "index": 0}),
    event(
        {
            "type": "message_delta",
            "delta": {"stop_reason": "end_turn"},
            "usage": {"output_tokens": 9},
        }
    ),
    event({"type": "message_stop"}),
)
PART = {"type": "output_text", "text": "Fine.", "annotations": []}
WHOLE = {
    "status": "completed",
    "output": [{"type": "message", "role": "assistant", "content": [PART]}],
    "usage": {"input_tokens": 20, "output_tokens": 9, "total_tokens": 29},
}
RESPONSES = (
    event({"type": "response.created", "response": {"status": "in_progress", "output": []}}),
    event({"type": "response.output_text.delta", "item_id": "m", "delta": "Fi"}),
    event({"type": "response.output_text.delta", "item_id": "m", "delta": "ne."}),
    event({"type": "response.output_text.done", "item_id": "m", "text": "Fine."}),
    event({"type": "response.completed", "response": WHOLE}),
)
STREAMS = {
    "openai": ("gpt-4o-mini", OPENAI),
    "anthropic": ("claude-haiku-4-5", ANTHROPIC),
    "openai_responses": ("gpt-5-pro", RESPONSES),
}
WHOLE_USD = Decimal(20) / 10**6 + Decimal(90) / 10**6
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"


class CuttingServer:
    """Sends as much of a stream as it is told, and counts the connections that are open."""

    def __init__(self, stream: bytes, port: int) -> None:
        self.stream = stream
        self.port = port
        self.open = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.open += 1
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0])
            asked = json.loads(await reader.readexactly(length))
            self.answer(writer, json.dumps(asked))
            await writer.drain()
        except ConnectionError:
            pass
        finally:
            self.open -= 1
            writer.close()

    def answer(self, writer: asyncio.StreamWriter, asked: str) -> None:
        """By the words `cut N` or `reset N` of a stream, in the prompt."""
        how, size = asked.partition("||")[2].partition("||")[0].split()
        body = self.stream[: int(size)]
        if how == "cut":
            writer.write(HEAD + b"Connection: close\r\n\r\n" + body)
            return
        writer.write(HEAD + b"Transfer-Encoding: chunked\r\n\r\n%x\r\n" % (len(body) + 9) + body)


@asynccontextmanager
async def cutting_server(made: CuttingServer) -> Any:
    server = await asyncio.start_server(made.serve, "127.0.0.1", made.port)
    async with server:
        yield
    await client.aclose()


def ask(how: str, node: str) -> Call:
    prompt = Message(role="user", content=f"||{how}||")
    return Call(node=node, messages=[prompt], use_cache=False)


def check(text: str, whole: Any, record: Any, *, cut: int, size: int) -> None:
    """What one cut stream came to."""
    assert "Fine.".startswith(text), (cut, text)
    attempt = record.attempts[-1]
    if whole is not None:
        assert (whole.text, text, record.error_code) == ("Fine.", "Fine.", ""), cut
    else:
        assert record.error_code in {"bad_reply", "timeout"}, (cut, record.error_code)
        assert cut < size
    if attempt.cost_source == PRICED and whole is not None and record.usage.tokens_output == 9:
        assert record.cost_usd == WHOLE_USD, (cut, record)
    elif text:
        # What came has cost something, and nobody says that it didn't.
        assert record.cost_usd is None or record.cost_usd > 0, (cut, record)
        assert attempt.cost_source in {ESTIMATED, UNKNOWN, PRICED}, (cut, record)
        if attempt.cost_source == ESTIMATED:
            assert attempt.estimated_usd > 0, (cut, record)


@pytest.fixture
def unused_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@pytest.mark.parametrize("kind", STREAMS)
def test_a_stream_cut_at_every_byte_leaves_one_right_record(
    make_provider, make_node, settings, unused_port, kind
):
    settings.LLM_ENVIRONMENT |= {"LLM_RETRY_MAX_ATTEMPTS": 1, "LLM_COOLDOWN_FAILURES": 0}
    model, parts = STREAMS[kind]
    stream = b"".join(parts)
    made = CuttingServer(stream, unused_port)
    address = f"http://127.0.0.1:{unused_port}" + ("" if kind == "anthropic" else "/v1")
    make_provider("p", kind, model_id=model, api_base_url=address)
    make_node(f"p/{model}")

    async def one(how: str, cut: int, room: asyncio.Semaphore) -> None:
        records: list[Any] = []
        text, whole = "", None
        async with room:
            try:
                call = ask(f"{how} {cut}", "tag_rows")
                async for piece in client.astream(call, collect=lambda *each: records.append(each)):
                    if isinstance(piece, Delta):
                        text += piece.text
                    else:
                        whole = piece
            except LLMError:
                pass
        [(record, _texts)] = records
        check(text, whole, record, cut=cut, size=len(stream))

    async def all_of_them() -> Any:
        room = asyncio.Semaphore(8)
        async with cutting_server(made):
            cuts = [one("cut", cut, room) for cut in range(len(stream) + 1)]
            resets = [one("reset", cut, room) for cut in range(0, len(stream), 41)]
            await asyncio.gather(*cuts, *resets)
            facts = (await snapshot.acurrent()).providers["p"]
            return rate_limits.limiter_of(facts).in_flight

    assert asyncio.run(all_of_them()) == 0
    assert made.open == 0


LEAVING: dict[str, tuple[str, dict[str, Any]]] = {
    "chat": ("/chat/completions", {"messages": [{"role": "user", "content": "Hi"}]}),
    "messages": ("/messages", {"messages": [{"role": "user", "content": "Hi"}], "max_tokens": 9}),
    "responses": ("/responses", {"input": "Hi"}),
}


@pytest.mark.parametrize("kind", STREAMS)
@pytest.mark.parametrize("words", LEAVING)
def test_a_client_that_hangs_up_at_any_event_ends_the_request_and_leaves_a_record(
    make_provider, make_node, kind, words
):
    model, parts = STREAMS[kind]
    ended: list[int] = []

    def answer(_body: Any) -> Any:
        def pieces() -> Any:
            sent = 0
            try:
                for part in parts:
                    yield part
                    sent += 1
                    time.sleep(0.02)
            finally:
                ended.append(sent)

        return 200, pieces()

    path, body = LEAVING[words]
    with ExitStack() as stack:
        served = stack.enter_context(loopback(answer))
        address = served.url.removesuffix("/v1") if kind == "anthropic" else served.url
        make_provider("p", kind, model_id=model, api_base_url=address)
        make_node(f"p/{model}")
        http = client.get_llm("tag_rows").openai()._client
        for wanted in range(8):
            asked = {"model": "x", "stream": True, **body}
            with http.stream("POST", f"http://in-process/v1{path}", json=asked) as reply:
                assert reply.status_code == 200
                read = 0
                for line in reply.iter_lines():
                    read += line.startswith("data: ")
                    if read > wanted:
                        break
        rows = list(GenerationMetric.objects.order_by("created_at"))
        ends = time.monotonic() + 60
        while len(rows) < 8 and time.monotonic() < ends:
            time.sleep(0.05)
            rows = list(GenerationMetric.objects.order_by("created_at"))
    assert len(rows) == 8
    for row in rows:
        attempt = row.attempts[-1]
        if row.error_code:
            assert row.error_code == "cancelled"
            assert attempt["cost_source"] in {ESTIMATED, UNKNOWN, PRICED}, attempt
            assert row.cost_usd is None or row.cost_usd > 0
        else:
            assert (row.tokens_input, row.tokens_output, row.cost_usd) == (20, 9, WHOLE_USD)
    assert rows[0].error_code == "cancelled"


def test_a_stream_that_begins_late_has_its_head_all_the_same(make_provider, make_node):
    """The configuration in memory is over a second old by then, and is read anew beside it."""

    def answer(_body: Any) -> Any:
        time.sleep(snapshot.CHECK_EVERY_SECONDS + 0.2)
        return 200, OPENAI

    with loopback(answer) as served:
        make_provider("p", "openai", model_id="gpt-4o-mini", api_base_url=served.url)
        make_node("p/gpt-4o-mini")
        http = client.get_llm("tag_rows").openai()._client
        asked = {"model": "x", "stream": True, **LEAVING["chat"][1]}
        reply = http.post("http://in-process/v1/chat/completions", json=asked)
    assert reply.status_code == 200
    assert reply.headers["x-nodewise-model"] == "p/gpt-4o-mini"
