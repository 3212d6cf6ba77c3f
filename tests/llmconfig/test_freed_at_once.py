"""What a call leaves behind goes with its last reference: a circle of objects would hold it."""

import asyncio
import gc

import pytest

from llmconfig import client

pytestmark = pytest.mark.django_db(transaction=True)
WARM, MANY, ROUNDS = 5, 20, 3


@pytest.fixture(params=["openai", "anthropic"])
def node(request, make_provider, make_node):
    model = {"openai": "gpt-4o-mini", "anthropic": "claude-haiku-4-5"}[request.param]
    make_provider("sim", request.param, model_id=model)
    return make_node(f"sim/{model}").node_name


async def _whole(call):
    await client.agenerate(call)


async def _in_pieces(call):
    async for _ in client.astream(call):
        pass


@pytest.mark.parametrize("made", [_whole, _in_pieces])
def test_no_call_waits_for_the_collector(node, ask, simulator, made):
    async def call(times):
        for number in range(times):
            await made(ask(f"Question {number}", node))

    async def count():
        gc.collect()
        gc.disable()
        try:
            await call(MANY)
            return gc.collect()
        finally:
            gc.enable()

    async def counts():
        await call(WARM)  # what is made once and stays
        try:
            return [await count() for _ in range(ROUNDS)]
        finally:
            await client.aclose()

    # A configuration read anew, a connection opened again leave something in one round; calls in
    # every one.
    assert min(asyncio.run(counts())) < MANY
