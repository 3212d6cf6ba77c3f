"""Work that runs once for all tasks of an event loop that want the same thing at the same time."""

import asyncio
from collections.abc import Callable, Coroutine, Hashable
from typing import Any, Generic, TypeVar

from llmconfig.runtime.per_loop import PerLoop

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class SingleFlight(Generic[Key, Value]):
    """One coroutine for each key: who asks while it runs gets its result, or its exception.

    Nothing is kept once it has ended. A waiting task that is cancelled doesn't cancel the others'
    work. All methods must be called inside a running loop.
    """

    def __init__(self) -> None:
        self._flights: PerLoop[dict[Key, asyncio.Task[Value]]] = PerLoop(dict)

    def start(
        self, key: Key, make: Callable[[], Coroutine[Any, Any, Value]]
    ) -> asyncio.Task[Value]:
        """The task under way for a key, or a new one of `make()`. Await it through `shield`."""
        flights = self._flights.get()
        task = flights.get(key)
        if task is None:
            task = flights[key] = asyncio.get_running_loop().create_task(make())
            task.add_done_callback(lambda _: flights.pop(key, None))
        return task

    async def run(self, key: Key, make: Callable[[], Coroutine[Any, Any, Value]]) -> Value:
        """The result of the one coroutine for a key; raises what it raises."""
        return await asyncio.shield(self.start(key, make))


class LedFlight(Generic[Key]):
    """For work that one caller does itself, outside of any coroutine of ours, while others wait."""

    def __init__(self) -> None:
        self._flights: PerLoop[dict[Key, asyncio.Future[None]]] = PerLoop(dict)

    async def lead(self, key: Key) -> bool:
        """True where nobody does it: the caller leads now, and must call `land` at the end.

        Otherwise waits until the leader has landed, and returns False: look again for what it did.
        """
        flight = self._flights.get().get(key)
        if flight is not None:
            await asyncio.shield(flight)
            return False
        return self.lead_at_once(key)

    def lead_at_once(self, key: Key) -> bool:
        """The same without waiting: False where another caller leads."""
        flights = self._flights.get()
        if key in flights:
            return False
        flights[key] = asyncio.get_running_loop().create_future()
        return True

    def land(self, key: Key) -> None:
        """End the caller's lead and wake those who wait; harmless when there is none."""
        flight = self._flights.get().pop(key, None)
        if flight is not None and not flight.done():
            flight.set_result(None)
