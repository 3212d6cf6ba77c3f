"""The event loop's side of budgets: many calls' holds and settlements in one trip to the ledger.

The ledger (`budget_ledger`) is in PostgreSQL, so that no restart of anything forgets it. What a
process's calls under way may cost at most is one hold for each process and budget, renewed while
they run; a killed process's holds expire. All calls of an event loop that wait at the same time are
answered by one transaction, and a call that no budget matches costs nothing.
"""

import asyncio
import logging
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from operator import itemgetter
from uuid import uuid4

from asgiref.sync import sync_to_async
from django.db import DatabaseError, InterfaceError

from llmconfig.client.traffic.budget_ledger import (
    GRANTED,
    NOTHING,
    BudgetAnswer,
    BudgetVerdict,
    LedgerOrder,
    Wish,
    carry_out,
    period_start,
)
from llmconfig.configuration import snapshot
from llmconfig.configuration.facts import BudgetFacts
from llmconfig.configuration.snapshot import Snapshot
from llmconfig.errors import ChangeRefused
from llmconfig.models import BudgetScope, InteractionType
from llmconfig.runtime.per_loop import PerLoop

logger = logging.getLogger(__name__)
RENEW_SECONDS = 15.0
# How soon a call looks again whether others' calls cost less than they might have.
# As calls have them: an id without leading zeros, a UUID in lower case.
WHOLE = re.compile(r"[1-9][0-9]{0,18}")
UUID_FORM = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
LOOK_AGAIN_SECONDS = 0.1
RETRY_SECONDS = 1.0
# A ledger that answers no sooner counts as lost.
PATIENCE_SECONDS = 5.0
# In a snapshot's memo: its budgets by what they count.
BY_PLACE = ("budgets by place",)
# A scope's word and what it names. Plain words: members of an enumeration are hashed by Python.
Place = tuple[str, str]
EVERYTHING, PROVIDER, NODE = (
    str(each.value) for each in (BudgetScope.EVERYTHING, BudgetScope.PROVIDER, BudgetScope.NODE)
)
ORGANIZATION, BATCH, ACCOUNT = (
    str(each.value) for each in (BudgetScope.ORGANIZATION, BudgetScope.BATCH, BudgetScope.ACCOUNT)
)
FIRST = itemgetter(0)


class LedgerLost(Exception):
    """The ledger can't be read or written now, so no budget can grant anything."""


@dataclass(frozen=True, slots=True)
class BudgetLabels:
    """The values of a call by which budgets are matched."""

    provider: str
    node: str
    organization: str = ""
    batch: str = ""
    account: str = ""


@dataclass(slots=True)
class _Request:
    """A call that waits for its answer."""

    wish: "Wish"
    answer: asyncio.Future[BudgetAnswer]


@dataclass(slots=True)
class _Account:
    """What this holder has told, or is to tell, of one budget."""

    period: str
    held: Decimal = NOTHING
    to_settle: Decimal = NOTHING
    unpriced: int = 0  # calls to be told of that have no known price


def matching(configuration: Snapshot, caller: BudgetLabels) -> tuple[BudgetFacts, ...]:
    """The budgets that count a call, in their own order."""
    if not configuration.budgets:
        return ()
    places = configuration.memo.get(BY_PLACE)
    if places is None:
        places = configuration.memo[BY_PLACE] = _by_place(configuration.budgets)
    found: list[tuple[int, BudgetFacts]] = []
    for scope, named in (
        (EVERYTHING, ""),
        (PROVIDER, caller.provider),
        (NODE, caller.node),
        (ORGANIZATION, caller.organization),
        (BATCH, caller.batch),
        (ACCOUNT, caller.account),
    ):
        if (scope, named) in places:
            found += places[scope, named]
    return tuple(budget for _, budget in sorted(found, key=FIRST)) if found else ()


def _by_place(budgets: Iterable[BudgetFacts]) -> Mapping[Place, list[tuple[int, BudgetFacts]]]:
    """Each budget with its position, by what it counts: one among hundreds is found at once."""
    places: dict[Place, list[tuple[int, BudgetFacts]]] = {}
    for at, each in enumerate(budgets):
        places.setdefault((str(each.scope), each.scope_value), []).append((at, each))
    return places


class BudgetLedgerClient:
    """One event loop's calls at the ledger."""

    def __init__(self) -> None:
        self.holder = uuid4()
        self._asking: list[_Request] = []
        self._settling: list[asyncio.Future[None]] = []
        self._accounts: dict[int, _Account] = {}
        self._behind = False  # something is still to be told after a failure
        self._serving: asyncio.Task[None] | None = None
        self._wake = asyncio.Event()

    async def reserve(
        self, budgets: tuple[BudgetFacts, ...], most_usd: Decimal, *, may_degrade: bool
    ) -> BudgetAnswer:
        """Hold the worst case in every budget, or learn why not; waits while it may become free.

        The caller bounds the time. What was granted must be settled. Raises LedgerLost.
        """
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

    async def _ask(self, wish: Wish) -> BudgetAnswer:
        request = _Request(wish, asyncio.get_running_loop().create_future())
        self._asking.append(request)
        self._attend()
        try:
            return await request.answer
        except asyncio.CancelledError:
            if not request.answer.cancel() and not request.answer.cancelled():
                self._give_back(request)
            raise

    def _give_back(self, request: _Request) -> None:
        """It was answered in the moment in which its call gave up."""
        if request.answer.exception() is None and request.answer.result() is GRANTED:
            for budget in request.wish.budgets:
                account = self._accounts.setdefault(budget.id, _Account(budget.period))
                account.held -= request.wish.most_usd
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
        for budget in budgets:
            account = self._accounts.setdefault(budget.id, _Account(budget.period))
            account.held -= most_usd
            account.to_settle += cost_usd
            account.unpriced += unpriced
        stored: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._settling.append(stored)
        self._attend()
        await asyncio.wait({stored}, timeout=PATIENCE_SECONDS)

    def _attend(self) -> None:
        self._wake.set()
        if self._serving is None or self._serving.done():
            self._serving = asyncio.get_running_loop().create_task(self._serve())

    async def _serve(self) -> None:
        """Exchange with the ledger whenever anybody asks or settles; renew while calls run."""
        loop = asyncio.get_running_loop()
        while True:
            self._wake.clear()
            await self._exchange()
            if not self._accounts and not self._asking:
                return
            if not self._wake.is_set():
                pause = RETRY_SECONDS if self._behind else RENEW_SECONDS
                handle = loop.call_later(pause, self._wake.set)
                await self._wake.wait()
                handle.cancel()

    async def _exchange(self) -> None:
        asking = [each for each in self._asking if not each.answer.done()]
        settling, self._asking, self._settling = self._settling, [], []
        for request in asking:
            for budget in request.wish.budgets:
                self._accounts.setdefault(budget.id, _Account(budget.period))
        order = LedgerOrder(
            held={key: each.held for key, each in self._accounts.items()},
            settled={key: each.to_settle for key, each in self._accounts.items()},
            unpriced={key: each.unpriced for key, each in self._accounts.items()},
            periods={key: period_start(each.period) for key, each in self._accounts.items()},
            wishes=tuple(each.wish for each in asking),
        )
        try:
            answers = await sync_to_async(carry_out)(order, self.holder)
        except (DatabaseError, InterfaceError) as error:
            self._behind = True
            self._refuse(asking, error)
        else:
            self._behind = False
            self._grant(asking, answers)
            for key, amount in order.settled.items():
                self._accounts[key].to_settle -= amount
                self._accounts[key].unpriced -= order.unpriced[key]
        for stored in settling:
            if not stored.done():
                stored.set_result(None)
        for key, each in list(self._accounts.items()):
            if not (each.held or each.to_settle or each.unpriced or order.held.get(key)):
                del self._accounts[key]

    def _grant(self, asking: Sequence[_Request], answers: Sequence[BudgetAnswer]) -> None:
        for request, answer in zip(asking, answers, strict=True):
            if request.answer.done():
                continue  # it gave up: the next exchange says that nothing is held for it
            if answer is GRANTED:
                for budget in request.wish.budgets:
                    self._accounts[budget.id].held += request.wish.most_usd
            request.answer.set_result(answer)

    def _refuse(self, asking: Sequence[_Request], error: Exception) -> None:
        """Nobody may call; what is to be settled is told with the next exchange."""
        logger.error("The budgets' ledger can't be reached: %s.", type(error).__name__)
        for request in asking:
            if not request.answer.done():
                request.answer.set_exception(LedgerLost("the budgets' ledger can't be reached"))


_ledger_clients = PerLoop(BudgetLedgerClient)


def ledger_client() -> BudgetLedgerClient:
    """The running event loop's client of the ledger."""
    return _ledger_clients.get()


def unpriced_refusal(budgets: Iterable[BudgetFacts], model: str) -> str:
    """Why a model without a price may not be called, blank if it may."""
    for budget in budgets:
        if budget.hard_limit_usd is not None and not budget.allow_unpriced:
            return (
                f"the budget “{budget.name}” has a hard limit and {model} has no known price: enter"
                " its price, or allow unpriced models in the budget"
            )
    return ""


def check_scope(scope: str, value: str) -> None:
    """Raises ChangeRefused for what no call can have: a budget of it would count nothing.

    Providers and nodes must be there, organizations be numbers and batches whole ids. Accounts are
    the callers' own words.
    """
    state = snapshot.current()
    known: Mapping[str, Iterable[str]] = {
        BudgetScope.PROVIDER: state.providers,
        BudgetScope.NODE: [*state.nodes, *state.interactions, *InteractionType.values],
    }
    if value and scope in known and value not in known[scope]:
        raise ChangeRefused(f"There is no {scope} {value!r}.", field="scope_value")
    if scope == BudgetScope.ORGANIZATION and value and not WHOLE.fullmatch(value):
        raise ChangeRefused("Give the organization's number.", field="scope_value")
    if scope == BudgetScope.BATCH and value and not UUID_FORM.fullmatch(value):
        raise ChangeRefused("Give the batch's whole id, as its page shows it.", field="scope_value")
