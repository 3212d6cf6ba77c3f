"""One object for the process, such as a thread, that a forked child must not inherit."""

import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Generic, TypeVar

from asgiref.sync import SyncToAsync

Held = TypeVar("Held")


class PerProcess(Generic[Held]):
    """The process's object, made by `make` when it is first asked for, from any thread.

    A forked child makes its own, with a new lock: a fork may happen while another thread holds the
    lock, which then nobody in the child would ever release.
    """

    def __init__(self, make: Callable[[], Held]) -> None:
        self._make = make
        self._lock = threading.Lock()
        self._held: Held | None = None
        os.register_at_fork(after_in_child=self._forget)

    def get(self) -> Held:
        """The process's object, made now if there is none."""
        held = self._held
        if held is None:
            with self._lock:
                held = self._held
                if held is None:
                    held = self._held = self._make()
        return held

    def find(self) -> Held | None:
        """The same, or None if nobody has asked for it yet."""
        return self._held

    def _forget(self) -> None:
        self._lock = threading.Lock()
        self._held = None


def _renew_asgiref_thread() -> None:
    """Give a forked child a thread for `sync_to_async` of its own.

    The executor is copied and its thread isn't: what is handed to it would wait for ever.
    """
    SyncToAsync.single_thread_executor = ThreadPoolExecutor(max_workers=1)


os.register_at_fork(after_in_child=_renew_asgiref_thread)
