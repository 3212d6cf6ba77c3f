"""A provider's limits, held by all processes together: calls in flight, and a minute's requests
and tokens.

Each event loop has one limiter a provider. It takes what its waiting calls need from Redis in one
round trip for all of them, where many come also what the next ones need (`ahead`), passes a freed
place on to its next call, and gives back what it doesn't need. What a killed process held comes
back within LEASE_SECONDS. A provider without limits costs no message: its limiter only keeps to
what the provider bears (`adaptive_concurrency`).
"""

import asyncio
import random
from collections import deque
from itertools import islice
from uuid import uuid4

from msgspec import Struct

from llmconfig import provider_types
from llmconfig.client.traffic import redis_connection
from llmconfig.client.traffic.adaptive_concurrency import Concurrency
from llmconfig.client.traffic.ahead import AHEAD_SECONDS, spacing
from llmconfig.client.traffic.limits_alone import ALONE_SECONDS, MINUTE, LimitsAlone
from llmconfig.client.traffic.rate_limits_script import SCRIPT
from llmconfig.client.traffic.rate_outlook import RateOutlook, room
from llmconfig.client.traffic.redis_connection import RedisLost
from llmconfig.client.traffic.requests_ahead import RequestsAhead
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
NO_MARKS = (0, 0)


class NotAdmitted(Exception):
    """A call that may not go: `code` is the attempt's outcome, `str()` its detail."""

    code = "limited"


class TooBusy(NotAdmitted):
    """It would wait longer for the provider's limits than it is ready to."""


class LimitsLost(NotAdmitted):
    """Redis is lost, so nobody knows what other processes send."""

    code = "limits_unknown"


class _Waiter(Struct):
    """A call that waits to be admitted."""

    tokens: int
    admitted: asyncio.Future[None]


class RateLimiter:
    """One provider's calls in one event loop."""

    def __init__(self, facts: ProviderFacts) -> None:
        self.concurrency = Concurrency()
        self.in_flight = 0
        self._waiting: deque[_Waiter] = deque()
        self._holder = uuid4().hex
        self._places = 0  # of max_concurrency, ours by lease
        self._keep = 0  # as many may be passed on to our own next calls
        self._trusted_until, self._contended = 0.0, False
        self._reserved = 0  # tokens of calls in flight
        self._used = 0  # tokens of ended calls that Redis hasn't been told
        self._ahead = RequestsAhead()
        self._sharing = 1  # processes at this provider, when last heard
        self._room_at = 0.0
        self._gave_up = False  # somebody who waited
        self._nap: asyncio.TimerHandle | None = None
        self._lost_at: float | None = None
        self._marks, self._marks_seen = NO_MARKS, 0.0
        self._alone: LimitsAlone | None = None
        self.outlook: RateOutlook | None = None  # as Redis last said
        self._serving: asyncio.Task[None] | None = None
        self._wake = asyncio.Event()
        self._introduced = False  # to what will close the connection
        self.apply(facts)

    def apply(self, facts: ProviderFacts) -> None:
        """Go by these limits from now on."""
        self.facts = facts
        self.counts_tokens = bool(facts.tokens_per_minute)
        self._rated = bool(facts.requests_per_minute or facts.tokens_per_minute)
        self._limited = self._rated or bool(facts.max_concurrency)

    @property
    def is_full(self) -> bool:
        """Whether calls wait for a place, or would have to."""
        return bool(self._waiting) or self.in_flight >= self.concurrency.limit

    def is_acquired_at_once(self, tokens: int) -> bool:
        """Take a place where that needs no waiting, as `acquire` does; False where it does."""
        if self._is_admitted_at_once() or self._takes_ahead(tokens):
            self.in_flight += 1
            self._reserved += tokens
            return True
        return False

    async def acquire(self, tokens: int, patience_s: float | None) -> None:
        """Wait for a place. Raises TooBusy after `patience_s` seconds, and LimitsLost.

        `tokens` is what the call may use at most. Each call that was admitted must `release`.
        """
        if self.is_acquired_at_once(tokens):
            return
        waiter = _Waiter(tokens, asyncio.get_running_loop().create_future())
        self._waiting.append(waiter)
        self._attend()
        try:
            await self._admission(waiter, patience_s)
        except NotAdmitted:
            self._gave_up = True
            raise
        except asyncio.CancelledError:
            self._gave_up = True
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
        if self.counts_tokens:
            self._used += used
        if self._waiting and self._is_admitted_at_once(passed_on=True):
            self._let_in(1)
            return
        if self._contended:
            self._wake.set()
        elif self._nap is None and not self._ahead.left:  # else it is looked at soon anyway
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

    def _takes_ahead(self, tokens: int) -> bool:
        """Whether a call was let in before it came."""
        if not self._ahead.left or self.is_full:
            return False
        took = self._ahead.take(self._counted(tokens), asyncio.get_running_loop().time())
        if self._ahead.is_low:
            self._wake.set()
        return took

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
                self._ahead.came(self._counted(waiter.tokens))
                count -= 1

    async def give_back(self) -> None:
        """Give everything back, for good: the event loop ends, or its client does."""
        _limiters.get().pop(self.facts.name, None)
        self._limited = False  # a call that is released later begins no task
        for going_on in (self._serving, self._nap):
            if going_on is not None:
                going_on.cancel()
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
            next_at = loop.time() + (0.0 if self._contended else spacing(self.in_flight))
            await self._exchange(loop)
            if not self._waiting and self._idle():
                break
            if not self._wake.is_set():
                pause = self._pause(loop.time())
                handle = loop.call_later(pause, self._wake.set)
                await self._wake.wait()
                handle.cancel()
            if (early := next_at - loop.time()) > 0:
                await asyncio.sleep(early)
        self._let_in_freely()

    def _idle(self) -> bool:
        """Nothing is in flight and Redis knows it."""
        return not (self.in_flight or self._places or self._used)

    def _forget_the_gone(self) -> None:
        if self._gave_up:
            self._gave_up = False
            self._waiting = deque(each for each in self._waiting if not each.admitted.done())

    def _pause(self, now: float) -> float:
        """Seconds until the next exchange unless something happens."""
        if not self._waiting or self.in_flight >= self.concurrency.limit:
            return AHEAD_SECONDS if self._ahead.left else RENEW_SECONDS
        jitter = 0.75 + random.random() / 2  # noqa: S311 - so that processes don't go in step
        return min(max(POLL_SECONDS, self._room_at - now), MAX_POLL_SECONDS) * jitter

    async def _exchange(self, loop: asyncio.AbstractEventLoop) -> None:
        """Tell Redis how we stand and let in as many as it admits."""
        sent_at = loop.time()
        facts, used = self.facts, self._used
        ahead = self._ahead.order(sent_at, most=self._most_ahead())
        using = self.in_flight + self._ahead.left
        reserved = self._reserved + self._ahead.left * self._ahead.tokens
        most = max(0, min(self.concurrency.limit - using, MAX_AT_ONCE))
        wanted = [self._fitting(each.tokens) for each in islice(self._waiting, int(most))]
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
                    using, reserved, used, *self._known_marks(sent_at), *ahead, *wanted,
                ],
            )  # fmt: skip
        except RedisLost:
            self._go_on_alone(loop.time())
            return
        self._lost_at = self._alone = None
        self._marks, self._marks_seen = (int(rest[0]), int(rest[1])), sent_at
        requests, tokens = facts.requests_per_minute, facts.tokens_per_minute
        self.outlook = RateOutlook(room(requests, *rest[2:4]), room(tokens, *rest[4:6]))
        self._used -= used
        more, counted_at = map(int, rest[6:8])
        self._ahead.got(more, counted_at, sent_at)
        self._places, self._keep = using + admitted + more, keep
        self._contended, self._sharing = bool(contended), max(1, sharing)
        self._room_at = loop.time() + room_in / 1000
        self._trusted_until = sent_at + TRUSTED_SECONDS
        self._let_in(admitted)

    def _most_ahead(self) -> int:
        """Requests that may be let in before their calls come: none where others wait."""
        if not (self._rated and self.in_flight) or self._contended:
            return 0
        return int(min(self.concurrency.limit - self.in_flight, MAX_AT_ONCE))

    def _counted(self, tokens: int) -> int:
        """A call's tokens, where the provider's limits count them."""
        return tokens if self.facts.tokens_per_minute else 0

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
        self._ahead.lose()
        on_and_on = (
            not redis_connection.configured() or provider_types.get(self.facts.provider_type).free
        )
        if not on_and_on and now - self._lost_at >= ALONE_SECONDS:
            self._refuse()
            return
        if self._alone is None or now >= self._alone.until:
            fitting = [self._fitting(each.tokens) for each in self._waiting]
            self._alone = LimitsAlone.of(self.facts, self._sharing, fitting, now)
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


def forget_marks() -> None:
    """Know of no windows, in this process: who empties Redis on purpose has lost none."""
    for limiters in _limiters.values():
        for limiter in list(limiters.values()):
            limiter.forget_marks()
