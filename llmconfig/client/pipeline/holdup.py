"""What a call under way waits for, in a sentence for whoever wonders why nothing happens."""

import time

from msgspec import Struct

from llmconfig.client.pipeline.state import GenerationState
from llmconfig.client.traffic import cooldown
from llmconfig.client.types import ANSWERED, Attempt
from llmconfig.configuration.facts import ProviderFacts
from llmconfig.configuration.resolution import Target


class CallWatch(Struct, frozen=True):
    """A call under way, for the event loop that carries it out."""

    state: GenerationState

    @property
    def answerer(self) -> Target | None:
        """Who is being asked, or was last; None before that."""
        state = self.state
        if state.in_flight is not None:
            return state.in_flight[0]
        return state.last.target if state.last is not None else None

    def may_be_dropped(self) -> bool:
        """Whether nothing is in flight and nothing has been paid, so that nobody loses anything."""
        state = self.state
        if state.in_flight is not None or state.unsettled:
            return False
        return not any(each.attempt.paid or each.reply is not None for each in state.attempts)

    def waits(self) -> bool:
        """Whether limits, a budget or a cool-down hold it."""
        return self.state.waiting is not None

    def waits_for_room(self) -> bool:
        """Whether its provider's limits or a budget hold it, and no cool-down."""
        waiting = self.state.waiting
        return waiting is not None and cooldown.seconds_left(waiting[0]) <= 0

    def holdup(self) -> str:
        state = self.state
        trouble = _trouble(state.last.attempt) if state.last is not None else ""
        if state.waiting is not None:
            return f"{trouble} {_waiting(state.waiting[0])}".strip()
        if state.in_flight is not None:
            target, since = state.in_flight
            seconds = time.perf_counter() - since
            return f"{trouble} {_name(target)} has been thinking for {seconds:.0f} s.".strip()
        return f"{trouble} It is asked again in a moment.".strip()


def _trouble(attempt: Attempt) -> str:
    if attempt.outcome in ANSWERED or attempt.outcome == "cooling":
        return ""
    said = attempt.detail or attempt.outcome
    if attempt.outcome == cooldown.UNREACHABLE:
        return f"Nobody answers at the address of {attempt.provider}: {said}."
    return f"{attempt.provider}/{attempt.model}: {said}."


def _waiting(target: Target) -> str:
    if cooldown.seconds_left(target) > 0:
        return f"{_name(target)} is {cooldown.treatment(target)}: {cooldown.reason(target)}."
    return f"Waiting for {_limits(target.provider)}."


def _limits(provider: ProviderFacts) -> str:
    limits = [
        f"{limit:,} {what}"
        for limit, what in (
            (provider.max_concurrency, "calls at a time"),
            (provider.requests_per_minute, "requests a minute"),
            (provider.tokens_per_minute, "tokens a minute"),
        )
        if limit
    ]
    if not limits:
        return f"a place at {provider.name}, which bears no more calls at a time, or a budget"
    return f"the limits of {provider.name} ({', '.join(limits)})"


def _name(target: Target) -> str:
    return f"{target.provider.name}/{target.model_id}"
