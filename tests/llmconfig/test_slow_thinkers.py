"""Servers that say nothing for a while: limits of their own, unknown cost, comments in streams."""

import asyncio
import json
import time
from decimal import Decimal
from typing import Any

import pytest

from llmconfig import client
from llmconfig.client.errors import GenerationExhausted
from llmconfig.client.types import ESTIMATED, Call, Message
from llmconfig.gateway.application import application
from llmconfig.gateway.keys import Scope, make_key
from tests.loopback import answered, loopback, streamed

pytestmark = pytest.mark.django_db(transaction=True)

CALL = Call(node="slow/m", messages=[Message(role="user", content="Think.")])


@pytest.fixture
def slow(make_provider):
    def make(served, **fields):
        return make_provider("slow", "custom", model_id="m", api_base_url=served.url, **fields)

    return make


def test_a_given_up_request_leaves_the_calls_cost_unknown_though_the_next_one_answers(slow):
    requests = []

    def answer(body):
        requests.append(body)
        if len(requests) == 1:
            time.sleep(0.6)
        return 200, answered()

    with loopback(answer) as served:
        slow(served, timeout_seconds=0.3)
        record = client.generate(CALL).record
        first, second = record.attempts
        assert (first.outcome, first.cost_source) == ("timeout", ESTIMATED)
        assert second.cost_usd > Decimal(0)
        assert record.cost_usd is None


def test_silence_within_a_stream_has_a_limit_of_its_own(slow, settings):
    settings.LLM_ENVIRONMENT |= {"LLM_STREAM_SILENCE_SECONDS": 0.3, "LLM_RETRY_MAX_ATTEMPTS": 1}

    def answer(body):
        def pieces():
            time.sleep(0.6)  # before the first piece a model may think
            yield from streamed("Once ")[:1]
            time.sleep(2)
            yield b"data: [DONE]\n\n"

        return 200, pieces()

    async def listen():
        try:
            async for _ in client.astream(CALL):
                pass
        finally:
            await client.aclose()

    with loopback(answer) as served:
        slow(served, timeout_seconds=30)
        began = time.monotonic()
        with pytest.raises(GenerationExhausted) as failed:
            asyncio.run(listen())
        assert 0.6 < time.monotonic() - began < 1.9
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

    def answer(body):
        time.sleep(1)
        return (400, {"error": {"message": "Too hard."}}) if failing else (200, streamed("Done."))

    with loopback(answer) as served:
        slow(served, timeout_seconds=30)
        _, key = make_key("k", scope=Scope(everything=True))
        said: list[tuple[float, dict[str, Any]]] = []
        asyncio.run(ask(key.reveal(), said))
    assert said[0][1]["status"] == 200
    parts = [message.get("body", b"") for _, message in said[1:]]
    assert 2 <= parts.count(b": waiting\n\n") <= 6
    text = b"".join(parts).decode()
    assert ("Done." in text) is not failing
    assert ('"error"' in text) is failing
    assert said[-1][1]["more_body"] is False
