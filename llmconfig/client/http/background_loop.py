"""One background event loop per process, for callers that have none of their own.

Its thread starts with the first use, and anew in a forked child: a loop doesn't survive a fork.
"""

import asyncio
import atexit
import os
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from contextvars import Context
from typing import Any, TypeVar

from llmconfig.runtime.green_threads import refuse_green_threads
from llmconfig.runtime.per_process import PerProcess

Result = TypeVar("Result")
ENDING_SECONDS = 2.0


class _LoopThread:
    """A daemon thread that runs a loop until the process ends."""

    def __init__(self) -> None:
        refuse_green_threads()
        self.pid = os.getpid()
        self.loop = _new_loop()
        self.thread = threading.Thread(target=self._serve, name="llm-calls", daemon=True)
        self.thread.start()

    def _serve(self) -> None:
        asyncio.set_event_loop(self.loop)
        self.loop.run_forever()
        # Closes the transport's sessions, see transport._keep.
        self.loop.run_until_complete(self.loop.shutdown_asyncgens())
        self.loop.close()

    def end(self) -> None:
        if self.pid == os.getpid() and self.thread.is_alive():
            self.loop.call_soon_threadsafe(self.loop.stop)
            self.thread.join(ENDING_SECONDS)


def _new_loop() -> asyncio.AbstractEventLoop:
    """uvloop's, where it is installed (`nodewise[worker]`): a quarter less CPU a call."""
    try:
        import uvloop  # noqa: PLC0415 - an extra's
    except ModuleNotFoundError:
        return asyncio.new_event_loop()
    return uvloop.new_event_loop()


def _started() -> _LoopThread:
    started = _LoopThread()
    atexit.register(started.end)
    return started


_threads = PerProcess(_started)


def submit(coroutine: Coroutine[Any, Any, Result]) -> Future[Result]:
    """Start a coroutine on the process's loop, from any thread.

    It runs in a context of its own. A caller's context may be that of an ASGI request, whose
    synchronous code has one thread: what the coroutine then did in a thread would be queued for the
    very thread that waits for the coroutine.
    """
    loop = _threads.get().loop
    return Context().run(asyncio.run_coroutine_threadsafe, coroutine, loop)


def run(coroutine: Coroutine[Any, Any, Result]) -> Result:
    """Run a coroutine there and wait for it; ended by an interrupt, it is cancelled.

    Not for code inside an event loop; ask `refuse_inside_a_loop` first.
    """
    future = submit(coroutine)
    try:
        return future.result()
    except BaseException:
        future.cancel()
        raise


def is_inside_a_loop() -> bool:
    """Whether this thread runs an event loop just now."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def refuse_inside_a_loop(function: str = "generate") -> None:
    """Raise RuntimeError where waiting would block an event loop, perhaps the one waited for.

    `function` is the synchronous one; the same with an `a` in front is named as the way out.
    Raises ImproperlyConfigured among green threads, before there is a coroutine to throw away.
    """
    refuse_green_threads()
    if is_inside_a_loop():
        raise RuntimeError(
            f"Await a{function}() in async code; {function}() would block its event loop."
        )


def call_soon(callback: Callable[..., object], *arguments: object) -> None:
    """Have the process's loop call a plain function, from any thread; in a context of its own."""
    _threads.get().loop.call_soon_threadsafe(callback, *arguments, context=Context())
