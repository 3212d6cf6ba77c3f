"""A generation's targets in turn, until one answers or the deadline is over."""

import asyncio

from llmconfig.client.pipeline import endpoints, retries, usual_way
from llmconfig.client.pipeline.attempt import TargetExchange
from llmconfig.client.pipeline.state import AttemptResult, GenerationState, ms_since, not_sent
from llmconfig.client.pipeline.strategy import CHAT, Strategy
from llmconfig.client.traffic import cooldown
from llmconfig.client.types import Attempt
from llmconfig.configuration.resolution import Target, resolve
from llmconfig.errors import ConfigurationError
from llmconfig.runtime.deadline import Deadline
from llmconfig.runtime.records import replace


async def carry_out(state: GenerationState, strategy: Strategy = CHAT) -> None:
    """Ask each target in turn until one answers; what happened is then in `state.attempts`."""
    try:
        begun = await usual_way.first_request(state) if strategy is CHAT else None
        if begun is None or not _is_over(state):
            with Deadline(state.time_left_s()):
                await _ask_in_turn(state, strategy, begun)
    except TimeoutError:
        _stop(state, "deadline", f"the call's {state.deadline_s:g} s are over")
    except asyncio.CancelledError:
        _stop(state, "cancelled", "it was given up")
        raise
    finally:
        if state.committed and (progress := strategy.progress()) is not None:
            state.partial = progress.text


def _is_over(state: GenerationState) -> bool:
    """Whether the last attempt needs nothing behind it."""
    return state.attempts[-1].reply is not None or bool(state.ended_by)


async def _ask_in_turn(
    state: GenerationState, strategy: Strategy, begun: TargetExchange | None
) -> None:
    """`begun` is with the first target, which was asked once."""
    if not cooldown.has_looked():
        await cooldown.know()
    ahead = list(state.resolution.targets)
    aside: list[Target] = []  # cooling down: asked when there is nobody else
    while ahead or aside:
        if begun is not None:
            del ahead[0]
            made, begun = await _repeat(begun, state.attempts[-1]), None
        else:
            if state.attempts and not await state.may_go_on():
                return
            target = await _next(state, ahead, aside)
            if target is None:
                return
            made = await _ask(state, strategy, target)
        if made.reply is not None or state.ended_by:
            return
        if made.degrade:
            ahead, aside = _cheaper(state), []


async def _next(state: GenerationState, ahead: list[Target], aside: list[Target]) -> Target | None:
    """Take the next target to ask, if need be once it has cooled down; None if there is none."""
    while ahead:
        target = ahead.pop(0)
        if cooldown.seconds_left(target) <= 0:
            return target
        _note_cooling(state, target)
        aside.append(target)
    target = min(aside, key=lambda each: cooldown.seconds_left(each) - state.may_wait_s(each))
    aside.remove(target)
    return target if await retries.wait_for_cooldown(state, target) else None


async def _ask(state: GenerationState, strategy: Strategy, target: Target) -> AttemptResult:
    try:
        if target.provider.secret_ref and endpoints.lacks_key(target):
            await endpoints.fetch_key(target, state.configuration)
        endpoint = endpoints.endpoint_of(target, state.configuration)
    except ConfigurationError as error:
        last = AttemptResult(target, not_sent(target, error.code, str(error)[:300]))
        state.add(last)
        return last
    exchange = TargetExchange(state, strategy, target, endpoint)
    return await _repeat(exchange, await exchange.attempt())


async def _repeat(exchange: TargetExchange, last: AttemptResult) -> AttemptResult:
    return await retries.retry(exchange, last) if last.again else last


def _note_cooling(state: GenerationState, target: Target) -> None:
    left = cooldown.seconds_left(target)
    detail = f"{cooldown.treatment(target)} after {cooldown.reason(target)}"
    attempt = replace(not_sent(target, "cooling", detail), retry_after_s=left)
    state.add(AttemptResult(target, attempt, transient=True))


def _cheaper(state: GenerationState) -> list[Target]:
    """The targets of `degrade_to`, which is taken once."""
    degradation, state.degradation = state.degradation, None
    if degradation is None:
        return []
    call = state.call
    given = {key: value for key, value in call.given.items() if key != "provider"}
    try:
        resolution = resolve(
            call.node,
            snapshot=state.configuration,
            user_id=call.user_id,
            given={**given, "model": degradation.reference},
        )
    except ConfigurationError:
        return []
    refused = {each.target.candidate for each in state.attempts if each.degrade}
    return [each for each in resolution.targets if each.candidate not in refused]


def _stop(state: GenerationState, code: str, detail: str) -> None:
    """End in the middle; the request in flight becomes an attempt without an answer."""
    state.ended_by = code
    interrupted = state.in_flight or state.waiting
    if interrupted is None:
        return
    target, started = interrupted
    waited_ms = 0.0
    if state.in_flight is None:
        cooling = cooldown.seconds_left(target) > 0
        waited_ms = 0.0 if cooling else ms_since(started)
        waited_for = "a cool-down" if cooling else "budgets or limits"
        detail += f" while it waited for {waited_for}"
    attempt = Attempt(
        provider=target.provider.name,
        model=target.model_id,
        outcome=code,
        latency_ms=ms_since(started),
        detail=detail,
        waited_ms=waited_ms,
    )
    if state.given_up is not None:
        attempt = state.given_up.counted(attempt)
    state.add(AttemptResult(target, attempt, transient=True))
