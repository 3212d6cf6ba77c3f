"""A provider's limits, held by all processes together: calls in flight, and a minute's requests
and tokens.

Each event loop has one limiter a provider. It takes what its waiting calls need from Redis in one
round trip for all of them, passes a freed place on to the next of its own calls, and gives back
what it doesn't need. What a killed process held comes back within LEASE_SECONDS. A provider without
limits costs no message: its limiter only keeps to what the provider bears
(`adaptive_concurrency`).
"""

import asyncio
import math
import random
from collections import deque
from dataclasses import dataclass
from uuid import uuid4

from llmconfig import provider_types
from llmconfig.client.traffic import redis_connection
from llmconfig.client.traffic.adaptive_concurrency import Concurrency
from llmconfig.client.traffic.rate_limits_script import SCRIPT
from llmconfig.client.traffic.redis_connection import RedisLost
from llmconfig.configuration.facts import ProviderFacts
from llmconfig.runtime.per_loop import PerLoop

LEASE_SECONDS = 12.0
RENEW_SECONDS = 4.0
# A lease that is older than this may already be another's by the time a request arrives.
TRUSTED_SECONDS = 9.0
IDLE_PLACE_SECONDS = 0.05  # a place nobody waits for is kept this long for one's own next call
POLL_SECONDS = 0.02
MAX_POLL_SECONDS = 0.5
MAX_AT_ONCE = 200  # calls that one round trip asks for
# Without Redis the limits of what is paid for hold by halves, so not for long.
ALONE_SECONDS = 5.0
MINUTE = 60.0
NO_MARKS = (0, 0)


class NotAdmitted(Exception):
    """A call that may not go: `code` is the attempt's outcome, `str()` its detail."""

    code = "limited"


class TooBusy(NotAdmitted):
    """It would wait longer for the provider's limits than it is ready to."""


class LimitsLost(NotAdmitted):
    """Redis is lost, so nobody knows what other processes send."""

    code = "limits_unknown"


@dataclass(frozen=True, slots=True)
class RateRoom:
    """What is left of a minute's limit, and in how many seconds all of it is free again."""

    limit: int
    left: int
    resets_in_s: float


@dataclass(frozen=True, slots=True)
class RateOutlook:
    """A provider's room for requests and for tokens; None where there is no such limit."""

    requests: RateRoom | None
    tokens: RateRoom | None


@dataclass(slots=True)
class _Waiter:
    """A call that waits to be admitted."""

    tokens: int
    admitted: asyncio.Future[None]


@dataclass(slots=True)
class _Alone:
    """What a limiter may admit without Redis until `until`: its share of the limits."""

    until: float
    places: float
    requests: float
    tokens: float


class RateLimiter:
    """One provider's calls in one event loop."""

    def __init__(self, facts: ProviderFacts) -> None:
        self.concurrency = Concurrency()
        self.in_flight = 0
        self._waiting: deque[_Waiter] = deque()
        self._holder = uuid4().hex
        self._places = 0  # of max_concurrency, ours by lease
        self._keep = 0  # as many may be passed on to our own next calls
        self._trusted_until = 0.0
        self._contended = False
        self._reserved = 0  # tokens of calls in flight
        self._used = 0  # tokens of ended calls that Redis hasn't been told
        self._sharing = 1  # processes at this provider, when last heard
        self._room_at = 0.0
        self._nap: asyncio.TimerHandle | None = None
        self._lost_at: float | None = None
        self._marks, self._marks_seen = NO_MARKS, 0.0
        self._alone: _Alone | None = None
        self.outlook: RateOutlook | None = None  # as Redis last said
        self._serving: asyncio.Task[None] | None = None
        self._wake = asyncio.Event()
        self._introduced = False  # to what will close the connection
        self.apply(facts)

    def apply(self, facts: ProviderFacts) -> None:
        """Go by these limits from now on."""
        self.facts = facts
        self._rated = bool(facts.requests_per_minute or facts.tokens_per_minute)
        self._limited = self._rated or bool(facts.max_concurrency)

    async def acquire(self, tokens: int, patience_s: float | None) -> None:
        """Wait for a place. Raises TooBusy after `patience_s` seconds, and LimitsLost.

        `tokens` is what the call may use at most. Each call that was admitted must `release`.
        """
        if self._is_admitted_at_once():
            self.in_flight += 1
            self._reserved += tokens
            return
        waiter = _Waiter(tokens, asyncio.get_running_loop().create_future())
        self._waiting.append(waiter)
        self._attend()
        try:
            await self._admission(waiter, patience_s)
        except asyncio.CancelledError:
            if not waiter.admitted.cancel() and not waiter.admitted.cancelled():
                self.release(tokens, 0)
            raise

    async def _admission(self, waiter: _Waiter, patience_s: float | None) -> None:
        if patience_s is None:
            await waiter.admitted
            return
        room_in_s = self._room_at - asyncio.get_running_loop().time()
        if room_in_s > patience_s:  # as Redis last said; no use in waiting for it
            waiter.admitted.cancel()
            raise TooBusy(self._story(f"there is room in {room_in_s:.0f} s"))
        done, _ = await asyncio.wait([waiter.admitted], timeout=patience_s)
        if not done:
            waiter.admitted.cancel()
            raise TooBusy(self._story(f"waited {patience_s:g} s"))
        waiter.admitted.result()

    def _story(self, what: str) -> str:
        return f"{self.facts.name} is at its limits; {what}"

    def release(self, reserved: int, used: int) -> None:
        """A call has ended: it had `reserved` tokens and used that many."""
        self.in_flight -= 1
        self._reserved -= reserved
        if not self._limited:
            if self._waiting:
                self._let_in_freely()
            return
        if self.facts.tokens_per_minute:
            self._used += used
        if self._waiting and self._is_admitted_at_once(passed_on=True):
            self._let_in(1)
            return
        if self._contended:
            self._wake.set()
        elif self._nap is None:
            loop = asyncio.get_running_loop()
            self._nap = loop.call_later(IDLE_PLACE_SECONDS, self._wake_up)
        self._attend()

    def _wake_up(self) -> None:
        """Give back what nobody of ours has used since."""
        self._nap = None
        self._attend()
        self._wake.set()

    def _is_admitted_at_once(self, *, passed_on: bool = False) -> bool:
        """Whether a call needs to ask nobody."""
        if self.in_flight >= self.concurrency.limit or (self._waiting and not passed_on):
            return False
        if not self._limited:
            return True
        if self._rated or self._alone is not None:
            return False
        trusted = asyncio.get_running_loop().time() < self._trusted_until
        return trusted and self.in_flight < min(self._places, self._keep)

    def _let_in_freely(self) -> None:
        while self._waiting and self.in_flight < self.concurrency.limit:
            self._let_in(1)

    def _let_in(self, count: int) -> None:
        """Admit the first ones; those who gave up in the meantime are passed over."""
        while count and self._waiting:
            waiter = self._waiting.popleft()
            if not waiter.admitted.done():
                waiter.admitted.set_result(None)
                self.in_flight += 1
                self._reserved += waiter.tokens
                count -= 1

    async def give_back(self) -> None:
        """Give everything back: the event loop ends."""
        if self._serving is not None:
            self._serving.cancel()
        if self._places or self._used:
            self._waiting.clear()
            self.in_flight = self._reserved = 0
            await self._exchange(asyncio.get_running_loop())

    # What goes to and fro with Redis

    def _attend(self) -> None:
        """See to it that somebody serves those who wait and keeps the lease."""
        if not self._limited:
            self._let_in_freely()
        elif self._serving is None or self._serving.done():
            self._wake.set()
            self._serving = asyncio.get_running_loop().create_task(self._serve())
        elif self._waiting:
            self._wake.set()

    async def _serve(self) -> None:
        """Exchange with Redis while calls wait or are in flight."""
        loop = asyncio.get_running_loop()
        if not self._introduced and redis_connection.configured():
            self._introduced = True
            await redis_connection.before_closing(self.give_back)
        while self._limited:
            self._wake.clear()
            self._forget_the_gone()
            await self._exchange(loop)
            if not self._waiting and self._idle():
                break
            if not self._wake.is_set():
                pause = self._pause(loop.time())
                handle = loop.call_later(pause, self._wake.set)
                await self._wake.wait()
                handle.cancel()
        self._let_in_freely()

    def _idle(self) -> bool:
        """Nothing is in flight and Redis knows it."""
        return not (self.in_flight or self._places or self._used)

    def _forget_the_gone(self) -> None:
        if any(each.admitted.done() for each in self._waiting):
            self._waiting = deque(each for each in self._waiting if not each.admitted.done())

    def _pause(self, now: float) -> float:
        """Seconds until the next exchange unless something happens."""
        if not self._waiting or self.in_flight >= self.concurrency.limit:
            return RENEW_SECONDS
        jitter = 0.75 + random.random() / 2  # noqa: S311 - so that processes don't go in step
        return min(max(POLL_SECONDS, self._room_at - now), MAX_POLL_SECONDS) * jitter

    async def _exchange(self, loop: asyncio.AbstractEventLoop) -> None:
        """Tell Redis how we stand and let in as many as it admits."""
        sent_at = loop.time()
        facts, used, using = self.facts, self._used, self.in_flight
        most = max(0, min(self.concurrency.limit - using, MAX_AT_ONCE))
        wanted = [self._fitting(each.tokens) for each in self._waiting][: int(most)]
        name = f"nodewise:limits:{{{facts.name}}}"
        # What isn't in use is given back by this message: nobody may take it while it travels.
        self._places = min(self._places, using)
        try:
            admitted, keep, contended, sharing, room_in, *rest = await redis_connection.run_script(
                SCRIPT,
                [f"{name}:seen", f"{name}:state", f"{name}:requests", f"{name}:tokens"],
                [
                    self._holder, int(LEASE_SECONDS * 1000), facts.max_concurrency or 0,
                    facts.requests_per_minute or 0, facts.tokens_per_minute or 0,
                    using, self._reserved, used, *self._known_marks(sent_at), *wanted,
                ],
            )  # fmt: skip
        except RedisLost:
            self._go_on_alone(loop.time())
            return
        self._lost_at = self._alone = None
        self._marks, self._marks_seen = (int(rest[0]), int(rest[1])), sent_at
        requests, tokens = facts.requests_per_minute, facts.tokens_per_minute
        self.outlook = RateOutlook(_room(requests, *rest[2:4]), _room(tokens, *rest[4:6]))
        self._used -= used
        self._places, self._keep = using + admitted, keep
        self._contended, self._sharing = bool(contended), max(1, sharing)
        self._room_at = loop.time() + room_in / 1000
        self._trusted_until = sent_at + TRUSTED_SECONDS
        self._let_in(admitted)

    def _known_marks(self, now: float) -> tuple[int, int]:
        """Of the windows that we have seen, while what we sent still counts in them."""
        return self._marks if now - self._marks_seen < MINUTE else NO_MARKS

    def forget_marks(self) -> None:
        """Take the windows as they are found next."""
        self._marks = NO_MARKS

    def _fitting(self, tokens: int) -> int:
        """A call that is larger than the whole minute passes alone."""
        most = self.facts.tokens_per_minute
        return min(tokens, most) if most else tokens

    # Without Redis

    def _go_on_alone(self, now: float) -> None:
        """Let in this process's share, for some seconds; what costs nothing goes on."""
        if self._lost_at is None:
            self._lost_at = now
        on_and_on = (
            not redis_connection.configured() or provider_types.get(self.facts.provider_type).free
        )
        if not on_and_on and now - self._lost_at >= ALONE_SECONDS:
            self._refuse()
            return
        if self._alone is None or now >= self._alone.until:
            self._alone = self._share(now)
        alone = self._alone
        while self._waiting:
            tokens = self._fitting(self._waiting[0].tokens)
            room = min(alone.places, self.concurrency.limit) - self.in_flight
            if room < 1 or alone.requests < 1 or alone.tokens < tokens:
                break
            alone.requests -= 1
            alone.tokens -= tokens
            self._let_in(1)
        self._used = self._places = 0
        self._room_at = 0.0

    def _share(self, now: float) -> _Alone:
        """An even share of the limits among the processes last seen, for the next seconds."""
        facts, part = self.facts, ALONE_SECONDS / MINUTE
        places, requests, tokens = (
            math.inf if limit is None else max(1.0, limit * share / self._sharing)
            for limit, share in (
                (facts.max_concurrency, 1.0),
                (facts.requests_per_minute, part),
                (facts.tokens_per_minute, part),
            )
        )
        if facts.tokens_per_minute:
            # One call must pass, or a limit lower than a call's worst case would be a wall.
            tokens = max(tokens, *(self._fitting(each.tokens) for each in self._waiting), 1.0)
        return _Alone(now + ALONE_SECONDS, math.floor(places), requests, tokens)

    def _refuse(self) -> None:
        self._alone = None
        for waiter in self._waiting:
            if not waiter.admitted.done():
                waiter.admitted.set_exception(
                    LimitsLost(
                        f"{self.facts.name} has limits, and Redis, which keeps them for all"
                        " processes, can't be reached"
                    )
                )
        self._waiting.clear()
        self._used = self._places = 0


_limiters: PerLoop[dict[str, RateLimiter]] = PerLoop(dict)


def limiter_of(provider: ProviderFacts) -> RateLimiter:
    """The running event loop's limiter of a provider, with its limits as they are now."""
    mine = _limiters.get()
    limiter = mine.get(provider.name)
    if limiter is None:
        limiter = mine[provider.name] = RateLimiter(provider)
    elif limiter.facts is not provider:
        limiter.apply(provider)
    return limiter


def outlook_of(provider: str) -> RateOutlook | None:
    """A provider's room as the running event loop last heard of it; None if it has no limits."""
    limiter = _limiters.get().get(provider)
    return limiter.outlook if limiter is not None else None


def _room(limit: int | None, left: int, resets_in_ms: int) -> RateRoom | None:
    return RateRoom(limit, max(0, int(left)), int(resets_in_ms) / 1000) if limit else None


def forget_marks() -> None:
    """Know of no windows, in this process: who empties Redis on purpose has lost none."""
    for limiters in _limiters.values():
        for limiter in list(limiters.values()):
            limiter.forget_marks()
