"""The event loop's side of budgets: many calls' holds and settlements in one trip to the ledger.

The ledger (`budget_ledger`) is in PostgreSQL, so that no restart of anything forgets it. What a
process's calls under way may cost at most is one hold for each process and budget, renewed while
they run; a killed process's holds expire. All calls of an event loop that wait at the same time are
answered by one transaction, where many come also those that come next (`ahead`), and a call that no
budget matches costs nothing. What a call has cost is told soon if somebody waits for that, else
some time later, with others.
"""

import asyncio
import datetime as dt
import logging
from collections.abc import Sequence
from decimal import Decimal
from uuid import uuid4

from asgiref.sync import sync_to_async
from django.db import DatabaseError, InterfaceError

from llmconfig.client.traffic.ahead import AHEAD_SECONDS, TOGETHER_SECONDS, spacing
from llmconfig.client.traffic.budget_accounts import Account, AskingCall
from llmconfig.client.traffic.budget_ledger import (
    GRANTED,
    BudgetAnswer,
    BudgetVerdict,
    LedgerOrder,
    LedgerReply,
    Wish,
    carry_out,
    period_start,
    tell,
)
from llmconfig.configuration.facts import BudgetFacts
from llmconfig.runtime.per_loop import PerLoop
from llmconfig.runtime.time_limits import DoneInTime, limits_of

logger = logging.getLogger(__name__)
RENEW_SECONDS = 15.0
# How soon a call looks again whether others' calls cost less than they might have.
LOOK_AGAIN_SECONDS = 0.1
RETRY_SECONDS = 1.0
# A ledger that answers no sooner counts as lost.
PATIENCE_SECONDS = 5.0
# What was held ahead isn't given out any more when the ledger wasn't heard for so long.
TRUSTED_SECONDS = 2.0
# Made once: it looks at what it is made of.
_carry_out, _tell = sync_to_async(carry_out), sync_to_async(tell)


class LedgerLost(Exception):
    """The ledger can't be read or written now, so no budget can grant anything."""


class BudgetLedgerClient:
    """One event loop's calls at the ledger."""

    def __init__(self) -> None:
        self.holder = uuid4()
        self._asking: list[AskingCall] = []
        self._settling: list[DoneInTime] = []
        self._accounts: dict[int, Account] = {}
        self._later: asyncio.TimerHandle | None = None  # until what nobody waits for is told
        self._together: asyncio.Future[None] | None = None  # done when that is stored
        self._opened: dict[int, dt.date] = {}  # lines that were there just now
        self._behind = False  # something is still to be told after a failure
        self._under_way = 0  # calls that hold something
        self._trusted_until = 0.0
        self._serving: asyncio.Task[None] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None  # once it has exchanged anything
        self._wake = asyncio.Event()

    async def reserve(
        self, budgets: tuple[BudgetFacts, ...], most_usd: Decimal, *, may_degrade: bool
    ) -> BudgetAnswer:
        """Hold the worst case in every budget, or learn why not; waits while it may become free.

        The caller bounds the time. What was granted must be settled. Raises LedgerLost.
        """
        if self.takes_ahead(budgets, most_usd, may_degrade=may_degrade):
            return GRANTED
        wish = Wish(budgets, most_usd, may_degrade)
        while True:
            try:
                async with asyncio.timeout(PATIENCE_SECONDS):
                    answer = await self._ask(wish)
            except TimeoutError:
                raise LedgerLost("the budgets' ledger does not answer") from None
            if answer.verdict is not BudgetVerdict.WAITS:
                return answer
            await asyncio.sleep(LOOK_AGAIN_SECONDS)

    def takes_ahead(
        self, budgets: tuple[BudgetFacts, ...], most_usd: Decimal, *, may_degrade: bool
    ) -> bool:
        """Take it from what is held ahead in every budget; tells whether there was enough.

        Whether a soft limit is reached only the ledger knows.
        """
        if self._asking or self._loop is None or self._loop.time() > self._trusted_until:
            return False
        accounts = []
        for budget in budgets:
            account = self._accounts.get(budget.id)
            if account is None or account.ahead < most_usd or not account.ahead:
                return False
            if may_degrade and budget.soft_limit_usd is not None:
                return False
            accounts.append(account)
        for account in accounts:
            account.ahead -= most_usd
            account.hold(most_usd)
            if account.ahead < account.low:
                self._wake.set()
        self._under_way += 1
        return True

    def has_ahead(self, budgets: tuple[BudgetFacts, ...]) -> bool:
        """Whether anything is held ahead in every budget, which `takes_ahead` may take."""
        accounts = self._accounts
        for each in budgets:
            account = accounts.get(each.id)
            if account is None or not account.ahead:
                return False
        return True

    def put_back(self, budgets: tuple[BudgetFacts, ...], most_usd: Decimal) -> None:
        """Undo `takes_ahead`, before anything else has happened."""
        for budget in budgets:
            account = self._accounts[budget.id]
            account.held -= most_usd
            account.ahead += most_usd
        self._under_way -= 1

    async def _ask(self, wish: Wish) -> BudgetAnswer:
        request = AskingCall(wish, asyncio.get_running_loop().create_future())
        self._asking.append(request)
        self._attend()
        try:
            return await request.answer
        except asyncio.CancelledError:
            if not request.answer.cancel() and not request.answer.cancelled():
                self._give_back(request)
            raise

    def _give_back(self, request: AskingCall) -> None:
        """It was answered in the moment in which its call gave up."""
        if request.answer.exception() is None and request.answer.result() is GRANTED:
            for budget in request.wish.budgets:
                account = self._accounts.setdefault(budget.id, Account(budget.period))
                account.held -= request.wish.most_usd
            self._under_way -= 1
            self._attend()

    async def settle(
        self,
        budgets: tuple[BudgetFacts, ...],
        most_usd: Decimal,
        cost_usd: Decimal,
        *,
        unpriced: bool = False,
    ) -> None:
        """Turn a hold into what the call really cost; returns when that is stored.

        `unpriced` says that it was billed, and that nobody knows how much.

        Where the ledger is lost, it is told as soon as it is back, and this returns before.
        """
        self._spent(budgets, most_usd, cost_usd, unpriced=unpriced)
        loop = asyncio.get_running_loop()
        stored = DoneInTime(loop.create_future())
        self._settling.append(stored)
        self._attend()
        patience = limits_of(loop)[PATIENCE_SECONDS]
        patience.begin(stored)
        try:
            await stored.future
        finally:
            patience.end(stored)

    def settle_later(
        self, budgets: tuple[BudgetFacts, ...], most_usd: Decimal, cost_usd: Decimal
    ) -> asyncio.Future[None]:
        """The same within TOGETHER_SECONDS; gives what is done when it is stored.

        Not to be cancelled: it is that of all who settle meanwhile.
        """
        self._spent(budgets, most_usd, cost_usd)
        if self._together is None or self._together.done():
            loop = asyncio.get_running_loop()
            stored = DoneInTime(loop.create_future())
            self._together = stored.future
            self._settling.append(stored)
            patience = limits_of(loop)[PATIENCE_SECONDS]
            patience.begin(stored)
            stored.future.add_done_callback(lambda _: patience.end(stored))
            if self._later is None:
                self._later = loop.call_later(TOGETHER_SECONDS, self._attend)
        return self._together

    def _spent(
        self,
        budgets: tuple[BudgetFacts, ...],
        most_usd: Decimal,
        cost_usd: Decimal,
        *,
        unpriced: bool = False,
    ) -> None:
        for budget in budgets:
            account = self._accounts.get(budget.id)
            if account is None:
                account = self._accounts[budget.id] = Account(budget.period)
            account.held -= most_usd
            account.to_settle += cost_usd
            account.unpriced += unpriced
        self._under_way = max(0, self._under_way - 1)

    def _attend(self) -> None:
        self._wake.set()
        if self._serving is None or self._serving.done():
            self._serving = asyncio.get_running_loop().create_task(self._serve())

    async def _serve(self) -> None:
        """Exchange with the ledger whenever anybody asks or settles; renew while calls run."""
        loop = self._loop = asyncio.get_running_loop()
        while True:
            self._wake.clear()
            next_at = loop.time() + spacing(self._under_way)
            await self._exchange(loop)
            if not self._accounts and not self._asking:
                return
            if not self._wake.is_set():
                handle = loop.call_later(self._pause(), self._wake.set)
                await self._wake.wait()
                handle.cancel()
            if (early := next_at - loop.time()) > 0:
                await asyncio.sleep(early)

    def _pause(self) -> float:
        """Seconds until the next exchange if nobody asks or settles."""
        if self._behind:
            return RETRY_SECONDS
        held_ahead = any(each.ahead for each in self._accounts.values())
        return AHEAD_SECONDS if held_ahead else RENEW_SECONDS

    async def _exchange(self, loop: asyncio.AbstractEventLoop) -> None:
        sent_at = loop.time()
        asking, settling = self._taken()
        accounts = self._accounts.items()
        ahead = {key: each.plan(sent_at) for key, each in accounts}
        order = LedgerOrder(
            held={key: each.held + each.ahead for key, each in accounts},
            settled={key: each.to_settle for key, each in accounts},
            unpriced={key: each.unpriced for key, each in accounts},
            periods={key: period_start(each.period) for key, each in accounts},
            wishes=tuple(each.wish for each in asking),
            ahead=ahead,
        )
        try:
            if asking or not order.periods.items() <= self._opened.items():
                reply = await _carry_out(order, self.holder)
                self._opened |= order.periods
            else:
                reply = LedgerReply([], await _tell(order, self.holder))
        except (DatabaseError, InterfaceError) as error:
            self._behind, self._opened = True, {}
            self._refuse(asking, error)
        else:
            self._behind, self._trusted_until = False, sent_at + TRUSTED_SECONDS
            self._grant(asking, reply.answers)
            for key, amount in order.settled.items():
                self._accounts[key].to_settle -= amount
                self._accounts[key].unpriced -= order.unpriced[key]
            for key, amount in reply.ahead.items():
                self._accounts[key].got(amount)
        for stored in settling:
            stored.end()
        for key, each in list(self._accounts.items()):
            if not (each.is_open or order.held.get(key)):
                del self._accounts[key]

    def _taken(self) -> tuple[list[AskingCall], list[DoneInTime]]:
        """Who asks and who settles now; who comes later has the next exchange."""
        asking = [each for each in self._asking if not each.answer.done()]
        for request in asking:
            for budget in request.wish.budgets:
                self._accounts.setdefault(budget.id, Account(budget.period))
        settling, self._asking, self._settling = self._settling, [], []
        self._together = None
        if self._later is not None:
            self._later.cancel()
            self._later = None
        return asking, settling

    def _grant(self, asking: Sequence[AskingCall], answers: Sequence[BudgetAnswer]) -> None:
        for request, answer in zip(asking, answers, strict=True):
            if request.answer.done():
                continue  # it gave up: the next exchange says that nothing is held for it
            accounts = [self._accounts[budget.id] for budget in request.wish.budgets]
            if answer is GRANTED:
                self._under_way += 1
            for account in accounts:
                if answer is GRANTED:
                    account.hold(request.wish.most_usd)
                else:
                    account.rate.stop()  # others may wait for what is held ahead
            request.answer.set_result(answer)

    def _refuse(self, asking: Sequence[AskingCall], error: Exception) -> None:
        """Nobody may call; what is to be settled is told with the next exchange."""
        logger.error("The budgets' ledger can't be reached: %s.", type(error).__name__)
        for request in asking:
            if not request.answer.done():
                request.answer.set_exception(LedgerLost("the budgets' ledger can't be reached"))


_ledger_clients = PerLoop(BudgetLedgerClient)


def ledger_client() -> BudgetLedgerClient:
    """The running event loop's client of the ledger."""
    return _ledger_clients.get()
