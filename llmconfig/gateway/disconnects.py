"""Noticing that a client has closed its connection while its request is carried out."""

import asyncio
from typing import Any

from llmconfig.client.sdk.asgi_scope import Receive

# From then on the client is watched; what is answered sooner is over by itself.
WATCH_AFTER_SECONDS = 0.05


class Gone(Exception):
    """The client has hung up."""


class Watch:
    """Cancels a request's task when its client hangs up, until it is ended."""

    __slots__ = ("_receive", "_request", "_task")

    def __init__(self, receive: Receive, request: "asyncio.Task[Any]") -> None:
        self._receive = receive
        self._request = request
        self._task = asyncio.get_running_loop().create_task(self._look())

    @property
    def saw_it_go(self) -> bool:
        """Whether the client has hung up."""
        return self._task.done()

    def end(self) -> None:
        self._task.cancel()

    async def _look(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self._request.cancel()
