"""Whether this process has been asked to end, known before its server waits for what is open.

A server such as uvicorn tells an application of its end only after all connections are closed; what
stays open by itself, such as a stream, has to hear of it sooner.
"""

import signal
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any

SIGNALS = (signal.SIGTERM, signal.SIGINT)


class _Stopping:
    """The process's state, and what is called when it ends."""

    def __init__(self) -> None:
        self.begun = False
        self.callbacks: list[Callable[[], object]] = []
        self.before: dict[int, Any] = {}  # the handlers that were there, by signal


_state = _Stopping()


def begun() -> bool:
    """Whether the process is ending."""
    return _state.begun


def listen(callback: Callable[[], object]) -> None:
    """Have `callback` called when the process is asked to end, from a signal handler.

    The handlers that are there are called after it. Does nothing outside the main thread, which
    alone can handle signals.
    """
    if threading.current_thread() is not threading.main_thread():
        return
    _state.callbacks.append(callback)
    for number in SIGNALS:
        if number not in _state.before:
            _state.before[number] = signal.signal(number, _handle)


def begin() -> None:
    """The process is ending: tell those who listen, once."""
    if _state.begun:
        return
    _state.begun = True
    for callback in _state.callbacks:
        callback()


def _handle(number: int, frame: FrameType | None) -> None:
    begin()
    before = _state.before.get(number)
    if callable(before):
        before(number, frame)
    elif before == signal.SIG_DFL:
        signal.signal(number, signal.SIG_DFL)
        signal.raise_signal(number)
