"""One timer for all that may take equally long: each ends when its own time is over."""

import asyncio
import functools

from llmconfig.runtime.time_limits import MIN_KEPT, limits

SHORT = 0.01


class Noted:
    """Something bounded that notes in which order it was ended."""

    def __init__(self, ended: list["Noted"], *, begins_again: bool = False) -> None:
        self.ended = ended
        self.begins_again = begins_again

    def time_is_over(self) -> None:
        self.ended.append(self)
        if self.begins_again:
            self.begins_again = False
            limits()[SHORT].begin(self)


def on_a_loop(test):
    """The test on an event loop of its own."""
    return functools.wraps(test)(lambda *args, **more: asyncio.run(test(*args, **more)))


async def until(ended, count):
    async with asyncio.timeout(10):
        while len(ended) < count:  # noqa: ASYNC110 - nothing else tells
            await asyncio.sleep(SHORT / 10)


@on_a_loop
async def test_those_whose_time_is_over_end_in_order_and_what_ended_before_doesnt():
    ended: list[Noted] = []
    first, second, third = Noted(ended), Noted(ended, begins_again=True), Noted(ended)
    for each in (first, second, third):
        limits()[SHORT].begin(each)
    limits()[SHORT].end(third)
    await until(ended, 3)
    assert ended == [first, second, second]
    limits()[SHORT].end(first)  # too late, and harmless
    assert limits()[SHORT] is limits()[SHORT]
    assert limits()[SHORT] is not limits()[2 * SHORT]


@on_a_loop
async def test_all_of_one_length_take_one_timer_of_the_loop(monkeypatch):
    loop, timers = asyncio.get_running_loop(), []
    call_at = loop.call_at

    def counted(*args):
        timers.append(args)
        return call_at(*args)

    monkeypatch.setattr(loop, "call_at", counted)
    ended: list[Noted] = []
    for _ in range(100):
        each = Noted(ended)
        limits()[60].begin(each)
        limits()[60].end(each)
    assert len(timers) == 1
    assert ended == []


@on_a_loop
async def test_lengths_that_nobody_uses_are_dropped_where_there_are_many():
    ended: list[Noted] = []
    used = Noted(ended)
    limits()[1000].begin(used)
    for seconds in range(2000, 2000 + 10 * MIN_KEPT):
        each = Noted(ended)
        limits()[seconds].begin(each)
        limits()[seconds].end(each)
    assert 1000 in limits()
    assert len(limits()) <= MIN_KEPT
