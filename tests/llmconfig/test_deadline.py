"""A deadline ends a wait as `asyncio.timeout` does, whoever else cancels the task."""

import asyncio
import gc

import pytest
import uvloop

from llmconfig.runtime.deadline import Deadline
from llmconfig.runtime.time_limits import limits


@pytest.fixture(params=[asyncio.run, uvloop.run], ids=["asyncio", "uvloop"])
def run(request):
    return request.param


async def waiting(seconds):
    with Deadline(seconds):
        await asyncio.get_running_loop().create_future()


def test_what_waits_too_long_ends_with_a_timeout(run):
    async def main():
        with pytest.raises(TimeoutError):
            await waiting(0)
        assert asyncio.current_task().cancelling() == 0

    run(main())


def test_what_is_done_in_time_is_left_alone(run):
    async def main():
        with Deadline(0):
            pass
        for _ in range(3):  # a timer that had been left would go off
            await asyncio.sleep(0)

    run(main())


def test_who_is_cancelled_by_another_stays_cancelled(run):
    async def main():
        task = asyncio.create_task(waiting(1000))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    run(main())


def test_of_two_deadlines_the_one_that_is_over_ends_its_own_block(run):
    async def main():
        with pytest.raises(TimeoutError), Deadline(0):
            await waiting(1000)
        with Deadline(1000), pytest.raises(TimeoutError):
            await waiting(0)

    run(main())


def test_another_error_is_passed_on_and_nothing_is_left_to_the_collector(run):
    async def main():
        gc.collect()
        gc.disable()
        try:
            with pytest.raises(LookupError), Deadline(1000):
                raise LookupError
            assert not [each for each in gc.get_objects() if type(each) is Deadline]
        finally:
            gc.enable()

    run(main())


def test_outside_a_loop_there_is_nothing_to_end():
    with pytest.raises(RuntimeError), Deadline(1):
        pass


def test_nearly_the_same_time_takes_the_same_timer(run):
    async def main():
        for passed in range(100):
            with Deadline(1000 - passed / 1_000_000):
                pass
        assert len(limits()) == 1

    run(main())
