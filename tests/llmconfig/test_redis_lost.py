"""A real Valkey, killed in the middle of a run and started again at its address."""

import asyncio
import os
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from llmconfig import client
from llmconfig.client.errors import GenerationFailed
from llmconfig.client.http import background_loop
from llmconfig.client.traffic import redis_connection
from project.embedded.children import ChildServer
from project.embedded.state import RunState
from project.embedded.valkey import start_valkey

pytestmark = pytest.mark.django_db(transaction=True)
PATIENCE = 60.0


class Server:
    """A Valkey of the test's own, which comes back at the same address."""

    def __init__(self, directory: Path) -> None:
        self._state = RunState(directory, directory, durable=False)
        self.part: ChildServer | None = None
        self.url: str | None = None

    def start(self) -> str:
        self.part, self.url = start_valkey(self._state, at=self.url)
        return self.url

    def kill(self) -> None:
        if self.part is not None and not self.part.has_ended():
            os.kill(self.part.process.pid, 9)
            self.part.process.wait()


@pytest.fixture
def valkey(tmp_path: Path, settings: Any) -> Iterator[Server]:
    server = Server(tmp_path)
    # Processes keep their client; this one's background loop may have used the tests' Valkey.
    background_loop.run(redis_connection.aclose())
    settings.REDIS_URL = server.start()
    yield server
    background_loop.run(redis_connection.aclose())
    server.kill()


async def eventually(ends: Callable[[], Any], wanted: Callable[[Any], bool]) -> float:
    """Seconds until one of the calls ends as wanted."""
    began = time.monotonic()
    while not wanted(await ends()):
        assert time.monotonic() - began < PATIENCE
        await asyncio.sleep(0.1)
    return time.monotonic() - began


def test_a_run_outlives_its_redis(make_provider, make_node, ask, settings, valkey, simulator):
    settings.LLM_ENVIRONMENT = {**settings.LLM_ENVIRONMENT, "LLM_CACHE_ENABLED": True}
    make_provider(max_concurrency=4)
    make_provider("own", "local", key=None, max_concurrency=4, model_id="qwen")
    make_node("sim/gpt-4o-mini")
    make_node("own/qwen", name="at_home")
    count = 0

    async def call(node="tag_rows"):
        nonlocal count
        count += 1
        try:
            return await client.agenerate(ask(f"Row {count}", node), collect=lambda *_: None)
        except GenerationFailed as failed:
            return failed

    def answered(end):
        return not isinstance(end, GenerationFailed)

    async def run():
        first = await call()
        assert answered(first)
        valkey.kill()
        assert answered(await call())  # by this process's own share, and without the shared cache
        again = await client.agenerate(ask("Row 1"), collect=lambda *_: None)
        assert again.record.cache_hit  # what this process remembers is as good as before
        refused_after = await eventually(call, lambda end: not answered(end))
        assert refused_after > 2
        paid = simulator.stats()["paid"]
        failed = await call()
        assert failed.record.attempts[0].outcome == "limits_unknown"
        assert simulator.stats()["paid"] == paid
        assert answered(await call("at_home"))  # costs nobody anything
        valkey.start()
        await eventually(call, answered)
        with suppress(Exception):
            await client.aclose()

    asyncio.run(run())
    assert simulator.stats()["max_in_flight"] <= 4
