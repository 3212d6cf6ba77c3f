"""Budgets: what calls may still cost is held before they are made, and settled when they end.

The ledger is in PostgreSQL, so that no restart of anything forgets it. What a process's calls under
way may cost at most is one hold a process and budget, renewed while they run; a killed process's
holds expire. All calls of an event loop that wait together are answered by one transaction, and a
call that no budget matches costs nothing.

What a provider takes over for hours (`commit`) is a hold under an id of its own, which outlives the
process until it is settled.
"""

import asyncio
import datetime as dt
import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from uuid import UUID, uuid4

from asgiref.sync import sync_to_async
from django.db import DatabaseError, InterfaceError, close_old_connections, connection, transaction
from django.db.backends.utils import CursorWrapper
from django.db.models import Q
from django.utils import timezone

from llmconfig.configuration import snapshot
from llmconfig.configuration.snapshot import BudgetFacts, Snapshot
from llmconfig.errors import ChangeRefused
from llmconfig.models import BudgetPeriod, BudgetScope, InteractionType
from llmconfig.runtime.per_loop import PerLoop

logger = logging.getLogger(__name__)

HOLD_SECONDS = 60.0
RENEW_SECONDS = 15.0
# How soon a call looks again whether others' calls cost less than they might have.
LOOK_AGAIN_SECONDS = 0.1
RETRY_SECONDS = 1.0
THE_BEGINNING = dt.date(1970, 1, 1)
NOTHING = Decimal(0)
# Of what is left to a provider: it is settled long before, or nobody will.
COMMITTED_SECONDS = 30 * 24 * 3600.0


class LedgerLost(Exception):
    """The ledger can't be read or written now, so no budget can grant anything."""


class Verdict(Enum):
    """What the ledger says to a call."""

    GRANTED = "granted"
    REFUSED = "refused"  # a hard limit
    DEGRADED = "degraded"  # a soft limit, and the call has a cheaper model to go to
    WAITS = "waits"  # there is room only if calls under way cost less than they might


@dataclass(frozen=True, slots=True)
class Answer:
    """The verdict, and why it isn't a grant: the budget and its state in words."""

    verdict: Verdict
    why: str = ""


GRANTED = Answer(Verdict.GRANTED)


@dataclass(frozen=True, slots=True)
class Caller:
    """What budgets are matched by."""

    provider: str
    node: str
    organization: str = ""
    batch: str = ""
    account: str = ""


@dataclass(slots=True)
class _Request:
    """A call that waits for its answer."""

    wish: "_Wish"
    answer: asyncio.Future[Answer]


@dataclass(frozen=True, slots=True)
class _Wish:
    """What a call wants held; `may_degrade` says that a soft limit turns it away."""

    budgets: tuple[BudgetFacts, ...]
    most_usd: Decimal
    may_degrade: bool


@dataclass(slots=True)
class _Line:
    """One budget in its period, as read under its lock."""

    id: int
    name: str
    spent: Decimal
    soft: Decimal | None
    hard: Decimal | None
    held: Decimal = NOTHING


@dataclass(slots=True)
class _Account:
    """What this holder has told, or is to tell, of one budget."""

    period: str
    held: Decimal = NOTHING
    to_settle: Decimal = NOTHING


@dataclass(frozen=True, slots=True)
class _Order:
    """One exchange with the ledger: by budget id, what is held and what was spent."""

    held: dict[int, Decimal]
    settled: dict[int, Decimal]
    periods: dict[int, dt.date]
    wishes: tuple[_Wish, ...]


def matching(configuration: Snapshot, caller: Caller) -> tuple[BudgetFacts, ...]:
    """The budgets that count a call."""
    values = {
        BudgetScope.EVERYTHING: "",
        BudgetScope.PROVIDER: caller.provider,
        BudgetScope.NODE: caller.node,
        BudgetScope.ORGANIZATION: caller.organization,
        BudgetScope.BATCH: caller.batch,
        BudgetScope.ACCOUNT: caller.account,
    }
    return tuple(
        each
        for each in configuration.budgets
        if values[BudgetScope(each.scope)] == each.scope_value
    )


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
    ) -> Answer:
        """Hold the worst case in every budget, or learn why not; waits while it may become free.

        The caller bounds the time. What was granted must be settled. Raises LedgerLost.
        """
        wish = _Wish(budgets, most_usd, may_degrade)
        while True:
            answer = await self._ask(wish)
            if answer.verdict is not Verdict.WAITS:
                return answer
            await asyncio.sleep(LOOK_AGAIN_SECONDS)

    async def _ask(self, wish: _Wish) -> Answer:
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
        self, budgets: tuple[BudgetFacts, ...], most_usd: Decimal, cost_usd: Decimal
    ) -> None:
        """Turn a hold into what the call really cost; returns when that is stored."""
        for budget in budgets:
            account = self._accounts.setdefault(budget.id, _Account(budget.period))
            account.held -= most_usd
            account.to_settle += cost_usd
        stored: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._settling.append(stored)
        self._attend()
        await asyncio.shield(stored)

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
        order = _Order(
            held={key: each.held for key, each in self._accounts.items()},
            settled={key: each.to_settle for key, each in self._accounts.items()},
            periods={key: period_start(each.period) for key, each in self._accounts.items()},
            wishes=tuple(each.wish for each in asking),
        )
        try:
            answers = await sync_to_async(_carry_out)(order, self.holder)
        except (DatabaseError, InterfaceError) as error:
            self._behind = True
            self._refuse(asking, error)
        else:
            self._behind = False
            self._grant(asking, answers)
            for key, amount in order.settled.items():
                self._accounts[key].to_settle -= amount
        for stored in settling:
            if not stored.done():
                stored.set_result(None)
        for key, each in list(self._accounts.items()):
            if not (each.held or each.to_settle or order.held.get(key)):
                del self._accounts[key]

    def _grant(self, asking: Sequence[_Request], answers: Sequence[Answer]) -> None:
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
    """Raises ChangeRefused for a provider or node that isn't there: its budget would count nothing.

    Organizations, batches and accounts are the callers' labels, which nobody lists here.
    """
    state = snapshot.current()
    known: Mapping[str, Iterable[str]] = {
        BudgetScope.PROVIDER: state.providers,
        BudgetScope.NODE: [*state.nodes, *state.interactions, *InteractionType.values],
    }
    if value and scope in known and value not in known[scope]:
        raise ChangeRefused(f"There is no {scope} {value!r}.", field="scope_value")


def running_now() -> Q:
    """The ledger's rows of the periods that run now."""
    starts = {each: period_start(each) for each in BudgetPeriod.values}
    found = Q(pk__in=())
    for period, start in starts.items():
        found |= Q(budget__period=period, period_start=start)
    return found


def period_start(period: str, moment: dt.datetime | None = None) -> dt.date:
    """The first day (UTC) of the period that this moment, by default now, is in."""
    today = (moment or timezone.now()).astimezone(dt.UTC).date()
    if period == BudgetPeriod.TOTAL:
        return THE_BEGINNING
    return today if period == BudgetPeriod.DAY else today.replace(day=1)


# In the database's thread

_OPEN = """
INSERT INTO llm_budget_ledger (budget_id, period_start, spent_usd, updated_at)
SELECT u.id, u.start, 0, now()
FROM unnest(%s::bigint[], %s::date[]) AS u(id, start) JOIN llm_budgets b ON b.id = u.id
ON CONFLICT DO NOTHING
"""
_LOCK = """
SELECT b.id, l.id, b.name, l.spent_usd, b.soft_limit_usd, b.hard_limit_usd
FROM unnest(%s::bigint[], %s::date[]) AS u(id, start)
JOIN llm_budget_ledger l ON l.budget_id = u.id AND l.period_start = u.start
JOIN llm_budgets b ON b.id = u.id
ORDER BY l.id FOR UPDATE OF l
"""
# A statement of its own: it must see what was committed while the lock was waited for.
_HELD_BY_OTHERS = """
SELECT spending_id, sum(held_usd) FROM llm_budget_holds
WHERE spending_id = ANY(%s) AND holder <> %s AND expires_at > clock_timestamp()
GROUP BY spending_id
"""
_SETTLE = """
UPDATE llm_budget_ledger l SET spent_usd = l.spent_usd + u.cost, updated_at = clock_timestamp()
FROM unnest(%s::bigint[], %s::numeric[]) AS u(id, cost) WHERE l.id = u.id
"""
_HOLD = """
INSERT INTO llm_budget_holds (id, spending_id, holder, held_usd, expires_at)
SELECT gen_random_uuid(), u.id, %s, u.held, clock_timestamp() + make_interval(secs => %s)
FROM unnest(%s::bigint[], %s::numeric[]) AS u(id, held)
ON CONFLICT (spending_id, holder)
DO UPDATE SET held_usd = EXCLUDED.held_usd, expires_at = EXCLUDED.expires_at
"""
_LET_GO = """
DELETE FROM llm_budget_holds
WHERE spending_id = ANY(%s) AND (expires_at <= clock_timestamp() OR holder = %s AND held_usd = 0)
"""
_LOCK_COMMITTED = """
SELECT l.id FROM llm_budget_ledger l JOIN llm_budget_holds h ON h.spending_id = l.id
WHERE h.holder = %s ORDER BY l.id FOR UPDATE OF l
"""
# In the period in which it was committed.
_SETTLE_COMMITTED = """
UPDATE llm_budget_ledger l SET spent_usd = l.spent_usd + u.cost, updated_at = clock_timestamp()
FROM unnest(%s::bigint[], %s::numeric[]) AS u(budget_id, cost), llm_budget_holds h
WHERE h.holder = %s AND l.id = h.spending_id AND l.budget_id = u.budget_id
"""


def _carry_out(order: _Order, holder: UUID) -> list[Answer]:
    """Settle, decide and hold, in one transaction under the locks of all lines concerned."""
    close_old_connections()
    ids, starts = list(order.periods), list(order.periods.values())
    with transaction.atomic(), connection.cursor() as cursor:
        lines = _opened(cursor, ids, starts)
        rows = [line.id for line in lines.values()]
        others = _held_by_others(cursor, rows, holder)
        for key, line in lines.items():
            line.spent += order.settled[key]
            line.held = others.get(line.id, NOTHING) + order.held[key]
        answers = [_decide(wish, lines) for wish in order.wishes]
        spent = {
            lines[key].id: cost for key, cost in order.settled.items() if cost and key in lines
        }
        if spent:
            cursor.execute(_SETTLE, [list(spent), list(spent.values())])
        mine = [line.held - others.get(line.id, NOTHING) for line in lines.values()]
        cursor.execute(_HOLD, [holder, HOLD_SECONDS, rows, mine])
        cursor.execute(_LET_GO, [rows, holder])
    return answers


def commit(amounts: Mapping[BudgetFacts, Decimal], *, holder: UUID) -> Answer:
    """Hold what may be spent of each budget until `settle_commitment`: all of it, or nothing.

    Amounts are US dollars. For a caller within a transaction, which the hold is part of.
    """
    ids = [each.id for each in amounts]
    starts = [period_start(each.period) for each in amounts]
    with connection.cursor() as cursor:
        lines = _opened(cursor, ids, starts)
        others = _held_by_others(cursor, [line.id for line in lines.values()], holder)
        for line in lines.values():
            line.held = others.get(line.id, NOTHING)
        for budget, most_usd in amounts.items():
            answer = _decide(_Wish((budget,), most_usd, may_degrade=False), lines)
            if answer is not GRANTED:
                return answer
        held = {lines[each.id].id: most for each, most in amounts.items() if each.id in lines}
        cursor.execute(_HOLD, [holder, COMMITTED_SECONDS, list(held), list(held.values())])
    return GRANTED


def settle_commitment(costs: Mapping[int, Decimal], *, holder: UUID) -> None:
    """Turn a commitment into what it cost, US dollars by budget id. Once: a second time is none.

    For a caller within a transaction, which this is part of.
    """
    with connection.cursor() as cursor:
        cursor.execute(_LOCK_COMMITTED, [holder])
        cursor.execute(_SETTLE_COMMITTED, [list(costs), list(costs.values()), holder])
        cursor.execute("DELETE FROM llm_budget_holds WHERE holder = %s", [holder])


def _opened(cursor: CursorWrapper, ids: list[int], starts: list[dt.date]) -> dict[int, _Line]:
    """The lines of these budgets, made where there are none yet, under their locks."""
    lines = _locked(cursor, ids, starts)
    if len(lines) < len(ids):
        cursor.execute(_OPEN, [ids, starts])
        lines = _locked(cursor, ids, starts)  # fewer still: a budget was deleted
    return lines


def _held_by_others(cursor: CursorWrapper, rows: list[int], holder: UUID) -> dict[int, Decimal]:
    cursor.execute(_HELD_BY_OTHERS, [rows, holder])
    return dict(cursor.fetchall())


def _locked(cursor: CursorWrapper, ids: list[int], starts: list[dt.date]) -> dict[int, _Line]:
    cursor.execute(_LOCK, [ids, starts])
    return {row[0]: _Line(*row[1:]) for row in cursor.fetchall()}


def _decide(wish: _Wish, lines: Mapping[int, _Line]) -> Answer:
    """Hold a wish in all its budgets, or say why not. A budget that is gone forbids nothing."""
    concerned = [lines[each.id] for each in wish.budgets if each.id in lines]
    waits = ""
    for line in concerned:
        if line.soft is not None and wish.may_degrade and line.spent >= line.soft:
            why = f"the budget “{line.name}” is over its soft limit of ${line.soft:f}"
            return Answer(Verdict.DEGRADED, why)
        if line.hard is None:
            continue
        if line.spent >= line.hard or line.spent + wish.most_usd > line.hard:
            why = (
                f"the budget “{line.name}” has spent ${line.spent:.4f} of its hard limit of"
                f" ${line.hard:f}, and this call may cost ${wish.most_usd:.4f}"
            )
            return Answer(Verdict.REFUSED, why)
        if line.spent + line.held + wish.most_usd > line.hard:
            waits = waits or f"the budget “{line.name}” is held by calls under way"
    if waits:
        return Answer(Verdict.WAITS, waits)
    for line in concerned:
        line.held += wish.most_usd
    return GRANTED
