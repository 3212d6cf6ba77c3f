"""Coroutines side by side: all end, their values are kept, the first error is raised."""

import asyncio

import pytest

from llmconfig.runtime.together import together


async def answer(turns: int, error: Exception | None = None) -> int:
    for _ in range(turns):
        await asyncio.sleep(0)
    if error is not None:
        raise error
    return turns


def test_all_end_before_the_first_error_in_their_order_is_raised():
    told = [answer(5), answer(3, ValueError("second")), answer(0), answer(1, KeyError("fourth"))]
    ended = asyncio.run(together(told))
    assert ended.values == [5, 0]
    with pytest.raises(ValueError, match="second"):
        ended.or_raise()


def test_without_an_error_the_values_are_given():
    assert asyncio.run(together([answer(2), answer(1)])).or_raise() == [2, 1]
