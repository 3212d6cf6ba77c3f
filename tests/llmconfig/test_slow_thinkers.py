"""Servers that say nothing for a while: limits of their own, unknown cost, comments in streams."""

import asyncio
import json
import time
from decimal import Decimal
from threading import Event
from typing import Any

import pytest

from llmconfig import client
from llmconfig.client.errors import GenerationExhausted
from llmconfig.client.types import ESTIMATED, Call, Message
from llmconfig.gateway import access
from llmconfig.gateway.application import application
from llmconfig.gateway.keys import Scope, make_key
from llmconfig.gateway.writer import writer
from tests.loopback import answered, loopback, streamed

pytestmark = pytest.mark.django_db(transaction=True)

HANG_SECONDS = 30  # what waits for something that doesn't come
COMMENT = b": waiting\n\n"
CALL = Call(node="slow/m", messages=[Message(role="user", content="Think.")])


@pytest.fixture
def slow(make_provider):
    def make(served, **fields):
        return make_provider("slow", "custom", model_id="m", api_base_url=served.url, **fields)

    return make


def test_a_given_up_request_leaves_the_calls_cost_unknown_though_the_next_one_answers(slow):
    requests, asked_again = [], Event()

    def answer(body):
        requests.append(body)
        if len(requests) == 1:
            asked_again.wait(HANG_SECONDS)
        asked_again.set()
        return 200, answered()

    with loopback(answer) as served:
        slow(served, timeout_seconds=1)
        record = client.generate(CALL).record
        first, second = record.attempts
        assert (first.outcome, first.cost_source) == ("timeout", ESTIMATED)
        assert second.cost_usd > Decimal(0)
        assert record.cost_usd is None


def test_silence_within_a_stream_has_a_limit_of_its_own(slow, settings):
    settings.LLM_ENVIRONMENT |= {"LLM_STREAM_SILENCE_SECONDS": 0.3, "LLM_RETRY_MAX_ATTEMPTS": 1}

    given_up = Event()

    def answer(body):
        def pieces():
            time.sleep(0.6)  # before the first piece a model may think
            yield from streamed("Once ")[:1]
            given_up.wait(HANG_SECONDS)
            yield b"data: [DONE]\n\n"

        return 200, pieces()

    heard = []

    async def listen():
        try:
            async for piece in client.astream(CALL):
                heard.append(piece.text)  # noqa: PERF401 - to be there when the next one fails
        finally:
            await client.aclose()

    with loopback(answer) as served:
        slow(served, timeout_seconds=2 * HANG_SECONDS)
        with pytest.raises(GenerationExhausted) as failed:
            asyncio.run(listen())
        given_up.set()
        assert heard == ["Once "]
        assert failed.value.record.attempts[0].outcome == "timeout"


async def ask(key, said):
    """All parts of a stream's reply from /v1."""
    body = {"model": "slow/m", "stream": True, "messages": [{"role": "user", "content": "Hi"}]}
    requests = [{"type": "http.request", "body": json.dumps(body).encode(), "more_body": False}]
    gone = asyncio.Event()

    async def receive():
        if requests:
            return requests.pop()
        await gone.wait()
        return {"type": "http.disconnect"}

    async def send(message):
        said.append((time.monotonic(), message))

    headers = [(b"authorization", f"Bearer {key}".encode())]
    scope = {"type": "http", "method": "POST", "path": "/v1/chat/completions", "headers": headers}
    await application(scope, receive, send)
    await client.aclose()


@pytest.mark.parametrize("failing", [False, True])
def test_a_stream_in_which_nothing_comes_is_kept_open_by_comments(slow, settings, failing):
    settings.LLM_ENVIRONMENT |= {
        "LLM_STREAM_KEEPALIVE_SECONDS": 0.2,
        "LLM_RETRY_MAX_ATTEMPTS": 1,
    }

    said: list[tuple[float, dict[str, Any]]] = []

    def comments():
        return sum(message.get("body") == COMMENT for _, message in said)

    def answer(body):
        ends = time.monotonic() + HANG_SECONDS
        while comments() < 3 and time.monotonic() < ends:
            time.sleep(0.02)
        return (400, {"error": {"message": "Too hard."}}) if failing else (200, streamed("Done."))

    with loopback(answer) as served:
        slow(served, timeout_seconds=2 * HANG_SECONDS)
        _, key = make_key("k", scope=Scope(everything=True))
        access.expire()  # the keys of another test may have been read a moment ago
        writer.start()
        asyncio.run(ask(key.reveal(), said))
        writer.flush()  # while the test's database is there
    assert said[0][1]["status"] == 200
    parts = [message.get("body", b"") for _, message in said[1:]]
    assert comments() >= 3
    assert comments() <= (said[-1][0] - said[0][0]) / 0.2 + 1
    text = b"".join(parts).decode()
    assert ("Done." in text) is not failing
    assert ('"error"' in text) is failing
    assert said[-1][1]["more_body"] is False
