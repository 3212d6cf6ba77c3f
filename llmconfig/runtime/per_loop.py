"""One object for each event loop, such as a session that no other loop may use."""

import asyncio
from asyncio import get_running_loop
from collections.abc import Callable
from typing import Generic, TypeVar
from weakref import WeakKeyDictionary, ref

Held = TypeVar("Held")


class PerLoop(Generic[Held]):
    """The running loop's object, made by `make` when it is first asked for, or put there.

    A loop that is gone takes its object with it; those of closed loops are dropped when another
    loop's is made. All methods but `values` must be called inside a running loop, and raise
    RuntimeError elsewhere.
    """

    def __init__(self, make: Callable[[], Held] | None = None) -> None:
        self._make = make
        self._held: WeakKeyDictionary[asyncio.AbstractEventLoop, Held] = WeakKeyDictionary()
        # The loop that asked last and its object: most processes have one loop.
        self._last: tuple[Callable[[], object], Held] | None = None

    def get(self) -> Held:
        """The running loop's object, made now if there is none."""
        last = self._last
        if last is not None and last[0]() is get_running_loop():
            return last[1]
        held = self.find()
        if held is not None:
            return held
        if self._make is None:
            raise LookupError("Nothing was put here for the running event loop.")
        return self.put(self._make())

    def of(self, loop: asyncio.AbstractEventLoop) -> Held:
        """The same for who has the running loop at hand: to ask for it takes a system call."""
        last = self._last
        return last[1] if last is not None and last[0]() is loop else self.get()

    def find(self, loop: asyncio.AbstractEventLoop | None = None) -> Held | None:
        """The same, or None if the loop has none yet. `loop` is the running one, if at hand."""
        last, loop = self._last, loop or get_running_loop()
        if last is not None and last[0]() is loop:
            return last[1]
        held = self._held.get(loop)
        if held is not None:
            self._last = (ref(loop, self._forget), held)
        return held

    def _forget(self, _loop: object) -> None:
        self._last = None

    def put(self, held: Held) -> Held:
        """Hold this object for the running loop, for those whose making must be awaited."""
        for ended in [each for each in self._held if each.is_closed()]:
            del self._held[ended]
        self._last = None
        self._held[get_running_loop()] = held
        return held

    def pop(self) -> Held | None:
        """The running loop's object, which is held no longer; None if there is none."""
        self._last = None
        return self._held.pop(get_running_loop(), None)

    def values(self) -> list[Held]:
        """The objects of all event loops that are still there."""
        return list(self._held.values())
