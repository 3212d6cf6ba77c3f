"""What a request needs before it may go, and what is told when it has ended.

Budgets, limits, what the provider bears, cool-downs: all roads to a provider pass here, request by
request. Where none of them is set this costs some microseconds and no message.
"""

import asyncio
import time
from collections.abc import Coroutine
from decimal import Decimal
from typing import Any, Self

from llmconfig.client.traffic import budget_ledger, budget_scopes, budgets, cooldown, holds
from llmconfig.client.traffic.adaptive_concurrency import OVERLOADED
from llmconfig.client.traffic.budget_ledger import BudgetVerdict
from llmconfig.client.traffic.budgets import BudgetLedgerClient, LedgerLost
from llmconfig.client.traffic.rate_limits import NotAdmitted, RateLimiter, limiter_of
from llmconfig.client.types import ANSWERED, Attempt, BudgetShortage, Call, Usage
from llmconfig.configuration import prices
from llmconfig.configuration.facts import BudgetFacts
from llmconfig.configuration.resolution import Target
from llmconfig.configuration.snapshot import Snapshot
from llmconfig.runtime import database_clock

# In a snapshot's memo: the budgets that count calls, by what such calls have.
BY_CALL = ("budgets by call",)
MAX_KNOWN = 1000
# What may have been billed although nobody says how much.
MAYBE_BILLED = frozenset({"timeout", "bad_reply", "reply_too_large", *ANSWERED})


class BudgetRefused(NotAdmitted):
    """A budget's hard limit forbids the call; `shortage` says how much it would have to have."""

    code = "budget_exceeded"

    def __init__(self, why: str, shortage: BudgetShortage | None = None) -> None:
        super().__init__(why)
        self.shortage = shortage


class BudgetSoft(NotAdmitted):
    """A soft limit sends it to the cheaper model."""

    code = "budget_soft"


class BudgetUnknown(NotAdmitted):
    """Nobody knows what the budget has left."""

    code = "budget_unknown"


def budgets_of(call: Call, target: Target, configuration: Snapshot) -> tuple[BudgetFacts, ...]:
    """The budgets that count a call to this target."""
    if not configuration.budgets:
        return ()
    labels, provider = call.labels, target.provider.name
    known = configuration.memo.get(BY_CALL)
    if known is None or len(known) > MAX_KNOWN:
        known = configuration.memo[BY_CALL] = {}
    key = (provider, call.node, labels.organization_id, labels.session_id, labels.account)
    found: tuple[BudgetFacts, ...] | None = known.get(key)
    if found is None:
        organization, batch = str(labels.organization_id or ""), str(labels.session_id or "")
        by = budget_scopes.BudgetLabels(provider, call.node, organization, batch, labels.account)
        found = known[key] = budget_scopes.matching(configuration, by)
    return found


def worst_case(
    target: Target, most: Usage | None, call: Call, *, service_tier: str = ""
) -> Decimal | None:
    """What a request may cost at most, US dollars; None if its price is unknown.

    `service_tier` is `batch` for a provider's own batch.
    """
    model = target.candidate.model
    if model is None or most is None:
        return None
    price = prices.price_at(model.prices, database_clock.now())
    return None if price is None else holds.dearest(price, most, call, service_tier=service_tier)


def release_place(limiter: RateLimiter, call: Call, attempt: Attempt | None, reserved: int) -> None:
    """Free the place of a request that was sent, and learn from what came of it.

    `attempt` is None where nobody knows; `reserved` are the tokens that were held for it.
    """
    used = reserved
    if attempt is not None:
        if limiter.counts_tokens:
            used = attempt.usage.tokens_input + attempt.usage.tokens_output
        if attempt.outcome in ANSWERED:
            limiter.concurrency.answered(
                (call.node, attempt.model),
                seconds=attempt.latency_ms / 1000,
                words=attempt.usage.tokens_output,
                in_flight=limiter.in_flight,
                now=time.monotonic(),
            )
        elif attempt.outcome in OVERLOADED:
            limiter.concurrency.refused(others=limiter.in_flight - 1, now=time.monotonic())
    limiter.release(reserved, used)


class Admission:
    """`async with Admission(…) as admission:` around one request to a provider.

    `most` is what it may use; None where nobody needs to know. `budgets` are those that count it.
    `patience_s`, seconds, and `may_degrade` are those of a call that has a cheaper model to go to;
    `is_counted` says whether it counts as a failure of the target's if it fails.

    Tell `admission.sent()` when it is sent and `admission.ended(…)` how it went. What was sent
    and then cancelled is settled at its worst; what wasn't sent has used nothing. Raises
    NotAdmitted's kinds on entry.
    """

    __slots__ = (
        "_amount",
        "_attempt",
        "_budgets",
        "_call",
        "_configuration",
        "_held",
        "_is_counted",
        "_limiter",
        "_matched",
        "_may_degrade",
        "_most",
        "_patience_s",
        "_sent",
        "_target",
        "_tokens",
        "_unpriced",
    )

    _limiter: RateLimiter

    def __init__(
        self,
        call: Call,
        target: Target,
        configuration: Snapshot,
        most: Usage | None,
        matched: tuple[BudgetFacts, ...] = (),
        patience_s: float | None = None,
        *,
        may_degrade: bool = False,
        is_counted: bool = True,
    ) -> None:
        self._call = call
        self._target = target
        self._configuration = configuration
        self._most = most
        self._matched = matched
        self._patience_s = patience_s
        self._may_degrade = may_degrade
        self._is_counted = is_counted
        self._amount: Decimal | None = None
        self._attempt: Attempt | None = None
        self._budgets: tuple[BudgetFacts, ...] = ()  # those that hold something for it
        self._held = budget_ledger.NOTHING
        self._sent = False
        self._unpriced = False  # nobody knows what it may cost at most
        self._tokens = most.tokens_input + most.tokens_output if most is not None else 0

    async def __aenter__(self) -> Self:
        target = self._target
        if self._matched:
            await self._reserve(self._matched)
        cooldown.try_it(target)
        limiter = self._limiter = limiter_of(target.provider)
        if limiter.is_acquired_at_once(self._tokens):
            return self
        try:
            await limiter.acquire(self._tokens, self._patience_s)
        except BaseException:
            cooldown.release(target)
            if self._budgets:
                await self._settle(budget_ledger.NOTHING)
            raise
        return self

    def is_entered_at_once(self, limiter: RateLimiter, ledger: BudgetLedgerClient | None) -> bool:
        """Enter where that needs no waiting; False where it does, and then nothing is held.

        `limiter` is the target's, `ledger` the running event loop's, None where no budget matched.
        """
        matched, held = self._matched, budget_ledger.NOTHING
        if ledger is not None:
            most = worst_case(self._target, self._most, self._call)
            if most is None or not ledger.takes_ahead(matched, most, may_degrade=self._may_degrade):
                return False
            held = most
        self._limiter = limiter
        if not limiter.is_acquired_at_once(self._tokens):
            if ledger is not None:
                ledger.put_back(matched, held)
            return False
        self._budgets, self._held = matched, held
        cooldown.try_it(self._target)
        return True

    def __aexit__(self, *error: object) -> Coroutine[Any, Any, None]:
        return self.leave()

    async def leave(self) -> None:
        """Free what was held, and settle what it cost."""
        if not self._sent:
            await self._release_unsent()
            return
        attempt = self._attempt
        release_place(self._limiter, self._call, attempt, self._tokens)
        if self._budgets:
            await self._settle(self._cost(attempt), unpriced=self._is_unpriced(attempt))

    def leave_answered(self, ledger: BudgetLedgerClient) -> asyncio.Future[None]:
        """The same for a good answer that budgets count, without waiting.

        Gives what is done when its cost is stored.
        """
        attempt = self._attempt
        release_place(self._limiter, self._call, attempt, self._tokens)
        matched, self._budgets = self._budgets, ()
        return ledger.settle_later(matched, self._held, self._cost(attempt))

    async def _release_unsent(self) -> None:
        cooldown.release(self._target)
        self._limiter.release(self._tokens, 0)
        if self._budgets:
            await self._settle(budget_ledger.NOTHING)

    def sent(self) -> None:
        """Note that the request has been sent."""
        self._sent = True

    def ended(self, attempt: Attempt, *, transient: bool) -> None:
        """How the request went; `transient`: the same again may fare better."""
        self._attempt = attempt
        cooldown.ended(
            self._target,
            attempt,
            transient=transient,
            configuration=self._configuration,
            is_counted=self._is_counted,
        )

    def interrupted(self, amount: Decimal | None) -> None:
        """It was given up; this is what is counted for it, None for all that is held."""
        self._amount = amount

    # Money

    async def _reserve(self, matched: tuple[BudgetFacts, ...]) -> None:
        held = worst_case(self._target, self._most, self._call)
        if held is None:
            refusal = budget_scopes.unpriced_refusal(matched, self._target.model_id)
            if refusal:
                raise BudgetRefused(refusal)
            held, self._unpriced = budget_ledger.NOTHING, True
        try:
            answer = await budgets.ledger_client().reserve(
                matched, held, may_degrade=self._may_degrade
            )
        except LedgerLost as lost:
            if any(each.hard_limit_usd is not None for each in matched):
                raise BudgetUnknown(str(lost)) from None
            self._budgets = matched  # soft limits forbid nothing: it is settled later
            return
        if answer.verdict is BudgetVerdict.DEGRADED:
            raise BudgetSoft(answer.why)
        if answer.verdict is BudgetVerdict.REFUSED:
            raise BudgetRefused(answer.why, answer.shortage)
        self._budgets, self._held = matched, held

    def _cost(self, attempt: Attempt | None) -> Decimal:
        """What it cost; where that isn't known and it may have been billed, the worst."""
        if attempt is None:
            return self._held if self._amount is None else self._amount
        if attempt.cost_usd is not None:
            return attempt.cost_usd
        if attempt.estimated_usd is not None:
            return attempt.estimated_usd
        return self._held if attempt.outcome in MAYBE_BILLED else budget_ledger.NOTHING

    def _is_unpriced(self, attempt: Attempt | None) -> bool:
        """Whether it may have been billed, and nobody knows even the most that it may be."""
        if not self._unpriced:
            return False
        if attempt is None:
            return self._amount is None
        known = attempt.cost_usd is not None or attempt.estimated_usd is not None
        return not known and attempt.outcome in MAYBE_BILLED

    async def _settle(self, cost: Decimal, *, unpriced: bool = False) -> None:
        matched, self._budgets = self._budgets, ()
        await budgets.ledger_client().settle(matched, self._held, cost, unpriced=unpriced)
