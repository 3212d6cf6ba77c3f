"""The requests under way, which end a while after the process was asked to."""

import asyncio
from typing import Any, Protocol

from llmconfig import project_settings
from llmconfig.configuration import process_settings

LAST_WORDS_SECONDS = 2.0


class Endable(Protocol):
    """A request under way."""

    @property
    def task(self) -> asyncio.Task[Any] | None:
        """What carries it out."""

    def cut(self) -> None:
        """End it: it says so to its client, and leaves its record."""


class RunningRequests:
    """Those of this process."""

    def __init__(self) -> None:
        self.requests: set[Endable] = set()

    def end_soon(self) -> None:
        seconds: float = process_settings.effective(
            "LLM_SHUTDOWN_SECONDS", environment=project_settings.process_values(), row={}
        )
        asyncio.get_running_loop().call_later(seconds, self.cut)

    def cut(self) -> None:
        for request in list(self.requests):
            request.cut()

    async def end(self) -> None:
        """Wait for the last words of those that the server has cut itself."""
        tasks = {each.task for each in self.requests if each.task is not None}
        if tasks:
            await asyncio.wait(tasks, timeout=LAST_WORDS_SECONDS)


running = RunningRequests()
