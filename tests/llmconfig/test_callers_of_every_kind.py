"""No caller waits for itself: with a budget, a limit and a retry, a call ends wherever it was made.

A call that meets these needs the database, Redis and a pause while it runs on the client's event
loop. Were the caller's thread needed for any of that, it would wait until the deadline.
"""

import asyncio
import os
import pickle
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from asgiref.sync import ThreadSensitiveContext, async_to_sync, sync_to_async
from django.db import connections, transaction

from llmconfig import client
from llmconfig.client.types import Call, Generation
from llmconfig.configuration import snapshot
from llmconfig.models import Budget

pytestmark = pytest.mark.django_db(transaction=True)
DEADLINE_SECONDS = 30
BEFORE_THE_FORK = Call("tag_rows", [{"role": "user", "content": "Once."}], use_cache=False)
PAUSE_SECONDS = 1.2  # longer than the snapshot is trusted: the database is asked after it


def sync_code(call: Call) -> Generation:
    return client.generate(call)


def async_code(call: Call) -> Generation:
    return asyncio.run(client.agenerate(call))


def in_a_request(work: Callable[[], Coroutine[Any, Any, Generation]]) -> Generation:
    """As in Django's ASGI handler: a request has one thread for its synchronous code."""

    async def request() -> Generation:
        async with ThreadSensitiveContext():
            try:
                return await work()
            finally:
                await sync_to_async(connections.close_all)()

    return asyncio.run(request())


def sync_code_in_an_asgi_request(call: Call) -> Generation:
    return in_a_request(lambda: sync_to_async(client.generate)(call))


def async_code_in_an_asgi_request(call: Call) -> Generation:
    return in_a_request(lambda: client.agenerate(call))


def async_code_called_by_a_sync_view(call: Call) -> Generation:
    return in_a_request(lambda: sync_to_async(async_to_sync(client.agenerate))(call))


def a_stream_in_an_asgi_request(call: Call) -> Generation:
    async def last_piece() -> Generation:
        *_, made = [piece async for piece in client.astream(call)]
        assert isinstance(made, Generation)
        return made

    return in_a_request(last_piece)


def a_thread_pool(call: Call) -> Generation:
    with ThreadPoolExecutor(1) as pool:
        made = pool.submit(client.generate, call).result()
        pool.submit(connections.close_all).result()
        return made


def a_transaction(call: Call) -> Generation:
    with transaction.atomic():
        return client.generate(call)


def a_forked_child(call: Call) -> Generation:
    """After the parent has used its own loop."""
    assert client.generate(BEFORE_THE_FORK).text
    ours, theirs = os.pipe()
    connections.close_all()  # a connection can't be shared; servers close theirs before they fork
    child = os.fork()
    if child == 0:
        told = b""
        try:
            told = pickle.dumps(client.generate(call))
        finally:
            os.write(theirs, told)
            os._exit(0)
    os.close(theirs)
    with os.fdopen(ours, "rb") as pipe:
        told = pipe.read()
    os.waitpid(child, 0)
    made = pickle.loads(told)  # noqa: S301 - our own child's
    assert isinstance(made, Generation)
    return made


CALLERS: list[Callable[[Call], Generation]] = [
    sync_code,
    async_code,
    sync_code_in_an_asgi_request,
    async_code_in_an_asgi_request,
    async_code_called_by_a_sync_view,
    a_stream_in_an_asgi_request,
    a_thread_pool,
    a_transaction,
    a_forked_child,
]


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")
@pytest.mark.parametrize("caller", CALLERS, ids=lambda caller: caller.__name__)
def test_a_call_with_a_budget_a_limit_and_a_retry_ends(
    caller: Callable[[Call], Generation],
    make_provider: Any,
    make_node: Any,
    simulator: Any,
    ask: Any,
    settings: Any,
) -> None:
    settings.LLM_ENVIRONMENT = {
        **settings.LLM_ENVIRONMENT,
        "LLM_DEADLINE_SECONDS": DEADLINE_SECONDS,
        "LLM_RETRY_MAX_DELAY": 3.0,
    }
    make_provider(max_concurrency=2, tokens_per_minute=1_000_000)
    make_node("sim/gpt-4o-mini")
    Budget.objects.create(name="cap", hard_limit_usd=5)
    snapshot.expire()
    again = {"status": 429, "retry_after": PAUSE_SECONDS}
    simulator.plan({"text": "once more", "action": again, "first": 1})
    made = caller(ask("Dogs, once more.", use_cache=False))
    assert made.text
    assert [each.outcome for each in made.record.attempts] == ["http_429", "ok"]
    assert made.record.latency_ms < DEADLINE_SECONDS * 1000
