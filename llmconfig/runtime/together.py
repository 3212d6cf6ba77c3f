"""Coroutines side by side of which each may have paid for something: none is left half way."""

import asyncio
from collections.abc import Coroutine, Iterable
from typing import Any, Generic, TypeVar

from msgspec import Struct

Value = TypeVar("Value")


class Ended(Struct, Generic[Value], frozen=True):
    """What coroutines came to: the values of those that have one, in their order.

    `error` is what the first of the others raised.
    """

    values: list[Value]
    error: BaseException | None = None

    def or_raise(self) -> list[Value]:
        """All values; raises `error` where there is one. Keep the values before."""
        if self.error is not None:
            raise self.error
        return self.values


async def together(coroutines: Iterable[Coroutine[Any, Any, Value]]) -> Ended[Value]:
    """Run them all to their ends, also where one raises: the others' answers are paid."""
    came = await asyncio.gather(*coroutines, return_exceptions=True)
    errors = [each for each in came if isinstance(each, BaseException)]
    values = [each for each in came if not isinstance(each, BaseException)]
    return Ended(values, errors[0] if errors else None)
