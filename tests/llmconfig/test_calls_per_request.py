"""What a usual request to /v1 costs in function calls, which a busy machine doesn't change.

Seconds tell more and depend on the machine: `make bench-gateway`.
"""

import asyncio
import cProfile
import json
import pstats
from typing import Any

import pytest
import uvloop

from llmconfig import client
from llmconfig.configuration.revisions import change
from llmconfig.gateway import access
from llmconfig.gateway.application import application
from llmconfig.gateway.keys import Scope, make_key
from llmconfig.gateway.writer import writer

pytestmark = pytest.mark.django_db(transaction=True)

# Python functions and built-in ones of the event loop's thread, from the request's body to the
# answer's, without a server. Lower it after a step forward; what needs a tenth more has to say what
# for.
CALLS_PER_REQUEST = 382
WARM, MANY = 30, 100


@pytest.fixture
def key(make_provider, make_node):
    make_provider("sim", "openai", model_id="gpt-4o-mini")
    node = make_node("sim/gpt-4o-mini").node_name
    with change(source="shell", message="A key"):
        _, key = make_key("counted", scope=Scope(names=(node,)))
    access.expire()
    yield node, key.reveal()
    writer.flush()


async def ask(node: str, key: str, number: int) -> None:
    """One request as a server hands it over."""
    messages = [{"role": "user", "content": f"Number {number}: describe one dog."}]
    body = json.dumps({"model": node, "messages": messages, "temperature": 0.3}).encode()
    told: list[dict[str, Any]] = []
    given = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive():
        return given.pop() if given else await asyncio.get_running_loop().create_future()

    async def send(message):
        told.append(message)

    headers = [
        (b"host", b"localhost"),
        (b"authorization", b"Bearer " + key.encode()),
        (b"content-type", b"application/json"),
        (b"content-length", b"%d" % len(body)),
    ]
    scope = {
        "type": "http",
        "method": "POST",
        "path": "/v1/chat/completions",
        "headers": headers,
        "client": ("127.0.0.1", 1),
    }
    await application(scope, receive, send)
    assert told[0]["status"] == 200, told


def test_a_usual_request_costs_no_more_function_calls_than_it_did(key, simulator):
    counted, (node, secret) = cProfile.Profile(), key

    async def requests() -> None:
        try:
            for number in range(WARM):
                await ask(node, secret, number)
            counted.enable()
            for number in range(WARM, WARM + MANY):
                await ask(node, secret, number)
            counted.disable()
        finally:
            await client.aclose()

    uvloop.run(requests())
    calls: int = pstats.Stats(counted).total_calls  # type: ignore[attr-defined]
    per_request = calls / MANY
    assert per_request <= CALLS_PER_REQUEST * 1.1
    assert per_request >= CALLS_PER_REQUEST * 0.75, "lower the bound"
