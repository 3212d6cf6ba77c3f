"""Noticing that a client has closed its connection while its request is carried out."""

import asyncio
from typing import Any

from llmconfig.client.sdk.asgi_scope import Receive
from llmconfig.runtime.time_limits import time_limit

# From then on the client is watched; what is answered sooner is over by itself.
WATCH_AFTER_SECONDS = 0.05


class Gone(Exception):
    """The client has hung up."""


class Watch:
    """Cancels a request's task when its client hangs up, until it is ended."""

    __slots__ = ("_limit", "_receive", "_request", "_task")

    def __init__(self, receive: Receive, request: "asyncio.Task[Any]") -> None:
        self._receive = receive
        self._request = request
        self._task: asyncio.Task[None] | None = None
        self._limit = time_limit(WATCH_AFTER_SECONDS)
        self._limit.begin(self)

    @property
    def saw_it_go(self) -> bool:
        """Whether the client has hung up."""
        return self._task is not None and self._task.done()

    def end(self) -> None:
        self._limit.end(self)
        if self._task is not None:
            self._task.cancel()

    def time_is_over(self) -> None:
        """Begin to watch: it is no quick answer."""
        self._task = asyncio.get_running_loop().create_task(self._look())

    async def _look(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self._request.cancel()
