"""What is known of one generation while it is carried out; each step of the pipeline gets it."""

import asyncio
import datetime as dt
import time
from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Any

from msgspec import Struct, field

from llmconfig.client import structured_output
from llmconfig.client.pipeline import token_limits
from llmconfig.client.structured_output import OutputSchema
from llmconfig.client.types import (
    ESTIMATED,
    NO_USAGE,
    REPORTED,
    UNKNOWN,
    Attempt,
    BudgetShortage,
    Call,
    Usage,
)
from llmconfig.client.wire import Reply
from llmconfig.configuration import in_force
from llmconfig.configuration.facts import Degradation
from llmconfig.configuration.resolution import Resolution, Target, resolve
from llmconfig.configuration.snapshot import Snapshot
from llmconfig.runtime.records import replace

# Called before each request, once budgets and limits let it go: may it still be sent? It must not
# block.
BeforeSend = Callable[[], bool]
# Sleeps for as many seconds between two requests.
Pause = Callable[[float], Awaitable[None]]

# Called with what is done when the budgets have stored a cost that the call doesn't wait for.
Settling = Callable[[asyncio.Future[None]], None]

# The master switch is read again before a request if it was last read longer ago than this.
SWITCH_SEEN_SECONDS = 0.1


class AttemptResult(Struct, frozen=True):
    """An attempt and what may follow it: the same again, a repair, a cheaper model, or nothing.

    `transient` says whether a later call may fare better; `reply` is set if the answer is good,
    `rejected` if it breaks its schema, `shortage` if a budget's hard limit forbade it.
    """

    target: Target
    attempt: Attempt
    reply: Reply | None = None
    parsed: Any = None
    rejected: Reply | None = None
    transient: bool = False
    again: bool = False
    repair: bool = False
    degrade: bool = False
    adjusted: bool = False  # a parameter was refused, and the request was changed
    shortage: BudgetShortage | None = None
    ended: float = field(default_factory=time.perf_counter)


class Interrupted(Struct, frozen=True):
    """What is counted for a request that was not heard to its end, US dollars, and by what.

    `usage` is what its provider had told, or what the pieces of an answer that had come make of it,
    which are never free; None if neither came. `source` says where the amount comes from.
    """

    amount: Decimal | None
    known_by: str
    usage: Usage | None = None
    source: str = ESTIMATED

    def counted(self, attempt: Attempt) -> Attempt:
        """The attempt with it. Without any usage its cost stays unknown."""
        told = self.usage is not None or self.source == REPORTED
        attempt = replace(
            attempt, usage=self.usage or NO_USAGE, paid=told or attempt.paid, cost_source=UNKNOWN
        )
        if self.amount is None:
            return attempt
        return replace(
            attempt,
            cost_usd=self.amount if told else None,
            cost_source=self.source,
            estimated_usd=self.amount if self.source == ESTIMATED else None,
            detail=f"{attempt.detail}; {self.known_by}".removeprefix("; "),
        )


class GenerationState:
    """One generation in progress: what is asked, of whom, what was tried and why it ended.

    Raises on creation what resolution raises, and SchemaUnusable.
    """

    dropped: tuple[str, ...] = ()  # parameters that the last target's wire can't carry
    batch = False  # answered by a provider's own batch
    in_flight: tuple[Target, float] | None = None
    unsettled = False  # from a request until its attempt stands in `attempts`
    # What a request in flight may have cost when it was given up, and by what that is known.
    given_up: Interrupted | None = None
    waiting: tuple[Target, float] | None = None  # for budgets, limits or a cool-down
    saved_usd: Decimal | None = None
    # What of the last answer goes to a caller of its wire as it came, without any key.
    native: dict[str, Any] | None = None
    others_native: tuple[dict[str, Any] | None, ...] = ()  # of its other choices
    # A part of the answer has been passed on: no retry, repair or other target can follow.
    committed = False
    partial = ""  # what was passed on of an answer that broke off
    ended_by = ""  # "deadline", "cancelled", "calls_disabled" or "aborted"

    def __init__(
        self,
        call: Call,
        configuration: Snapshot,
        *,
        shadow: bool = False,
        before_send: BeforeSend | None = None,
        pause: Pause = asyncio.sleep,
        settling: Settling | None = None,
    ) -> None:
        call = self.call = token_limits.with_one_limit(call) if call.extra else call
        self.before_send = before_send
        self.pause = pause
        self.settling = settling
        self.configuration = configuration
        self.resolution: Resolution = resolve(
            call.node,
            snapshot=configuration,
            user_id=call.user_id,
            given=call.given,
            experiment_key=call.experiment_key,
            shadow=shadow,
        )
        self.schema: OutputSchema | None = (
            None if call.schema is None else structured_output.compile_schema(call.schema)
        )
        self.created_at = dt.datetime.now(dt.UTC)
        self.started = self.switch_seen = time.perf_counter()
        self.deadline_s: float = configuration.setting("LLM_DEADLINE_SECONDS")
        if call.deadline_s is not None:
            self.deadline_s = min(self.deadline_s, call.deadline_s)
        self.attempts: list[AttemptResult] = []
        # The cheaper model it may go to, once.
        self.degradation: Degradation | None = configuration.degradations.get(
            self.resolution.interaction_type
        )

    def add(self, made: AttemptResult) -> None:
        """Keep an attempt that has ended; what it may cost is in the books from now on."""
        self.attempts.append(made)
        self.unsettled = False

    @property
    def last(self) -> AttemptResult | None:
        """The last attempt, None before the first."""
        return self.attempts[-1] if self.attempts else None

    @property
    def rejected(self) -> Reply | None:
        """The last answer, if it breaks its schema; None if it doesn't, or none came."""
        return self.attempts[-1].rejected if self.attempts else None

    @property
    def served(self) -> Reply | None:
        """The good answer, None if there is none (yet)."""
        return self.attempts[-1].reply if self.attempts else None

    def pin_target(self) -> None:
        """Ask the first target only: neither the others nor a cheaper model."""
        self.degradation = None
        self.resolution = replace(self.resolution, targets=self.resolution.targets[:1])

    def time_left_s(self) -> float:
        """The seconds that are left until the call's deadline."""
        return self.deadline_s - (time.perf_counter() - self.started)

    def may_wait_s(self, target: Target) -> float:
        """How many seconds the call may wait for a target that cools down.

        All that are left, or for a call that doesn't wait those that its provider may hold it;
        negative where that time is over.
        """
        if self.call.waits:
            return self.time_left_s()
        held_s = time.perf_counter() - self.started
        return min(self.time_left_s(), target.provider.hold_seconds - held_s)

    async def may_go_on(self) -> bool:
        """Whether another request is allowed; asked before everything after the first one.

        It isn't once a part of an answer was passed on, nor when the master switch is off.
        """
        if self.committed:
            return False
        allowed = (await in_force.acurrent()).allows_calls
        self.switch_seen = time.perf_counter()
        if allowed:
            return True
        self.ended_by = "calls_disabled"
        return False

    def switch_is_stale(self, now: float) -> bool:
        """Whether the master switch was last read so long ago that it must be read again.

        `now` is by `time.perf_counter()`.
        """
        return now - self.switch_seen > SWITCH_SEEN_SECONDS

    def may_send(self) -> bool:
        """Whether the caller still wants the next request sent; if not, the call ends here."""
        if self.before_send is None or self.before_send():
            return True
        self.ended_by = "aborted"
        return False


def not_sent(target: Target, outcome: str, detail: str) -> Attempt:
    """The attempt of a request that was never sent."""
    return Attempt(
        provider=target.provider.name,
        model=target.model_id,
        outcome=outcome,
        latency_ms=0.0,
        detail=detail,
    )


def unwanted(state: GenerationState, target: Target) -> AttemptResult:
    """What comes of a request that its caller, or the master switch, stopped before it was sent."""
    return AttemptResult(target, not_sent(target, state.ended_by, ""), transient=True)


def ms_since(started: float) -> float:
    """Milliseconds since a moment of `time.perf_counter()`."""
    return (time.perf_counter() - started) * 1000
