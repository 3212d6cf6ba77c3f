"""More attempts on the same target: when to stop, and how long to wait before each.

tenacity counts and waits. It is set up only with the first attempt's outcome already in hand: its
machinery costs 25 µs, a quarter of a whole call, and most calls succeed at once.
"""

import asyncio
import random
import time
from typing import Protocol

from tenacity import AsyncRetrying, RetryCallState, retry_if_result, stop_after_attempt
from tenacity.stop import stop_base
from tenacity.wait import wait_base, wait_random_exponential

from llmconfig.client.pipeline.state import AttemptResult, GenerationState
from llmconfig.client.traffic import cooldown
from llmconfig.configuration.resolution import Target
from llmconfig.runtime.records import replace


class Attempts(Protocol):
    """What makes one attempt after the other on a target."""

    @property
    def state(self) -> GenerationState:
        """The state of the generation that the attempts belong to."""

    @property
    def target(self) -> Target:
        """The provider, model and parameters that are tried."""

    async def attempt(self) -> AttemptResult:
        """Make one more request, and return what came of it."""


async def retry(attempts: Attempts, first: AttemptResult) -> AttemptResult:
    """Repeat while it is worth it, as LLM_RETRY_* say; gives the last attempt's result."""
    state = attempts.state
    setting = state.configuration.setting
    made_already = [first]

    async def attempt() -> AttemptResult:
        if made_already:
            return made_already.pop()
        if not await state.may_go_on() or await _moves_on(state, attempts.target):
            return replace(state.attempts[-1], again=False)
        return await attempts.attempt()

    retrying = AsyncRetrying(
        sleep=state.pause,
        stop=stop_after_attempt(setting("LLM_RETRY_MAX_ATTEMPTS")) | _NoTimeLeft(state),
        wait=_Pause(setting("LLM_RETRY_BASE_DELAY"), setting("LLM_RETRY_MAX_DELAY")),
        retry=retry_if_result(lambda made: made.again and not state.ended_by),
        retry_error_callback=_last,
    )
    made: AttemptResult = await retrying(attempt)
    return made


async def _moves_on(state: GenerationState, target: Target) -> bool:
    """Whether a target that has begun to cool down is left for another one that isn't.

    If there is no other one, waits until it may be asked again.
    """
    if cooldown.seconds_left(target) <= 0:
        return False
    tried = {each.target.candidate for each in state.attempts}
    if any(
        each.candidate not in tried and cooldown.seconds_left(each) <= 0
        for each in state.resolution.targets
    ):
        return True
    return not await wait_for_cooldown(state, target)


async def wait_for_cooldown(state: GenerationState, target: Target) -> bool:
    """Wait until a target may be asked again; False when that takes longer than the call may wait.

    The generation's deadline bounds it, and for a call that doesn't wait its provider's hold.
    """
    most = state.may_wait_s(target)
    if cooldown.seconds_left(target) > most:
        return False
    state.waiting = (target, time.perf_counter())
    if state.call.waits:
        await cooldown.wait_until_usable(target)
    else:
        try:
            async with asyncio.timeout(most):  # another call may try it meanwhile, and take long
                await cooldown.wait_until_usable(target)
        except TimeoutError:
            state.waiting = None
            return False
    state.waiting = None
    return True


def _last(state: RetryCallState) -> AttemptResult:
    assert state.outcome is not None  # noqa: S101 - tenacity calls this after an attempt
    made: AttemptResult = state.outcome.result()
    return made


class _Pause(wait_base):
    """None before a repair, what the provider asks, or exponential backoff with full jitter."""

    def __init__(self, base_s: float, cap_s: float) -> None:
        self.backoff = wait_random_exponential(multiplier=base_s, max=cap_s)

    def __call__(self, retry_state: RetryCallState) -> float:
        made = _last(retry_state)
        if made.repair:
            return 0.0
        asked = made.attempt.retry_after_s
        if asked is not None:
            # A little later than asked, or all calls in flight would come back at one moment.
            return asked * (1 + 0.1 * random.random())  # noqa: S311 - jitter
        return self.backoff(retry_state)


class _NoTimeLeft(stop_base):
    """Don't wait past the deadline: the next target can have that time."""

    def __init__(self, state: GenerationState) -> None:
        self.state = state

    def __call__(self, retry_state: RetryCallState) -> bool:
        return retry_state.upcoming_sleep >= self.state.time_left_s()
