"""The budgets' ledger in PostgreSQL: settling, deciding and holding under its lines' locks.

What a provider takes over for hours (`commit`) is a hold under an id of its own, which outlives the
process until it is settled.
"""

import datetime as dt
from collections.abc import Mapping
from decimal import ROUND_DOWN, Decimal
from enum import Enum
from typing import Any
from uuid import UUID

from django.db import close_old_connections, connection, transaction
from django.db.backends.utils import CursorWrapper
from django.db.models import Q
from msgspec import Struct
from psycopg import ClientCursor

from llmconfig.client.traffic.ahead import PART_OF_WHAT_IS_LEFT
from llmconfig.client.types import BudgetShortage
from llmconfig.configuration import time_zones
from llmconfig.configuration.facts import BudgetFacts
from llmconfig.models import BudgetPeriod
from llmconfig.runtime import database_clock

HOLD_SECONDS = 60.0
THE_BEGINNING = dt.date(1970, 1, 1)
NOTHING = Decimal(0)
DIGITS = 10  # of a hold's column
SMALLEST = Decimal(1).scaleb(-DIGITS)
# Of what is left to a provider: it is settled long before, or nobody will.
COMMITTED_SECONDS = 30 * 24 * 3600.0


class BudgetVerdict(Enum):
    """What the ledger says to a call."""

    GRANTED = "granted"
    REFUSED = "refused"  # a hard limit
    DEGRADED = "degraded"  # a soft limit, and the call has a cheaper model to go to
    WAITS = "waits"  # there is room only if calls under way cost less than they might


class BudgetAnswer(Struct, frozen=True):
    """The verdict, and why it isn't a grant: the budget and its state in words.

    `shortage` is what a hard limit lacks; None where no money would help.
    """

    verdict: BudgetVerdict
    why: str = ""
    shortage: BudgetShortage | None = None


GRANTED = BudgetAnswer(BudgetVerdict.GRANTED)


class Wish(Struct, frozen=True):
    """What a call wants held; `may_degrade` says that a soft limit turns it away."""

    budgets: tuple[BudgetFacts, ...]
    most_usd: Decimal
    may_degrade: bool


class LedgerLine(Struct):
    """One budget in its period, as read under its lock."""

    id: int
    name: str
    spent: Decimal
    soft: Decimal | None
    hard: Decimal | None
    held: Decimal = NOTHING


class LedgerOrder(Struct, frozen=True):
    """One exchange with the ledger: by budget id, what is held, what was spent, by how many calls
    nobody knows how much, and what to hold ahead of calls to come."""

    held: dict[int, Decimal]
    settled: dict[int, Decimal]
    unpriced: dict[int, int]
    periods: dict[int, dt.date]
    wishes: tuple[Wish, ...]
    ahead: dict[int, Decimal]


class LedgerReply(Struct, frozen=True):
    """The answers to an order's wishes, and by budget id what is now held ahead besides."""

    answers: list[BudgetAnswer]
    ahead: dict[int, Decimal]


def running_now() -> Q:
    """The ledger's rows of the periods that run now."""
    starts = {each: period_start(each) for each in BudgetPeriod.values}
    found = Q(pk__in=())
    for period, start in starts.items():
        found |= Q(budget__period=period, period_start=start)
    return found


def period_start(period: str, moment: dt.datetime | None = None) -> dt.date:
    """The first day (of LLM_TIME_ZONE) of the period that this moment, by default now, is in."""
    today = (moment or database_clock.now()).astimezone(time_zones.default()).date()
    if period == BudgetPeriod.TOTAL:
        return THE_BEGINNING
    return today if period == BudgetPeriod.DAY else today.replace(day=1)


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
UPDATE llm_budget_ledger l SET spent_usd = l.spent_usd + u.cost,
    unpriced_calls = l.unpriced_calls + u.unpriced, updated_at = clock_timestamp()
FROM unnest(%s::bigint[], %s::numeric[], %s::int[]) AS u(id, cost, unpriced) WHERE l.id = u.id
"""
_HOLD = """
INSERT INTO llm_budget_holds (id, spending_id, holder, held_usd, expires_at)
SELECT gen_random_uuid(), u.id, %s, u.held, clock_timestamp() + make_interval(secs => %s)
FROM unnest(%s::bigint[], %s::numeric[]) AS u(id, held)
ON CONFLICT (spending_id, holder)
DO UPDATE SET held_usd = EXCLUDED.held_usd, expires_at = EXCLUDED.expires_at
"""
# The three in one trip: what is settled, what is held from now on, and which holds are gone.
_WRITE = """
WITH settled AS (
    UPDATE llm_budget_ledger l SET spent_usd = l.spent_usd + u.cost,
        unpriced_calls = l.unpriced_calls + u.unpriced, updated_at = clock_timestamp()
    FROM unnest(%(rows)s::bigint[], %(costs)s::numeric[], %(unpriced)s::int[])
        AS u(id, cost, unpriced)
    WHERE l.id = u.id AND (u.cost <> 0 OR u.unpriced <> 0)
), held AS (
    INSERT INTO llm_budget_holds (id, spending_id, holder, held_usd, expires_at)
    SELECT gen_random_uuid(), u.id, %(holder)s, u.held,
        clock_timestamp() + make_interval(secs => %(seconds)s)
    FROM unnest(%(rows)s::bigint[], %(held)s::numeric[]) AS u(id, held) WHERE u.held <> 0
    ON CONFLICT (spending_id, holder)
    DO UPDATE SET held_usd = EXCLUDED.held_usd, expires_at = EXCLUDED.expires_at
)
DELETE FROM llm_budget_holds h USING unnest(%(rows)s::bigint[], %(held)s::numeric[]) AS u(id, held)
WHERE h.spending_id = u.id AND CASE WHEN h.holder = %(holder)s THEN u.held = 0
    ELSE h.expires_at <= clock_timestamp() END
"""
# Where nobody asks: all of it in one trip, whose two statements are one transaction. The second one
# begins when the lines are locked, and so sees what was committed until then.
_TELL = """
SELECT FROM llm_budget_ledger l
JOIN unnest(%(ids)s::bigint[], %(starts)s::date[]) AS u(id, start)
    ON l.budget_id = u.id AND l.period_start = u.start
ORDER BY l.id FOR UPDATE OF l;
WITH told AS (
    SELECT l.id, u.id AS budget_id, u.cost, u.unpriced, u.held, CASE
        WHEN u.ahead = 0 OR b.hard_limit_usd IS NULL THEN u.ahead
        ELSE least(u.ahead, trunc(greatest(
            b.hard_limit_usd - l.spent_usd - u.cost - u.held - coalesce((
                SELECT sum(h.held_usd) FROM llm_budget_holds h
                WHERE h.spending_id = l.id AND h.holder <> %(holder)s
                  AND h.expires_at > clock_timestamp()
            ), 0), 0) / %(part)s, %(digits)s))
        END AS ahead
    FROM unnest(%(ids)s::bigint[], %(starts)s::date[], %(costs)s::numeric[], %(unpriced)s::int[],
                %(held)s::numeric[], %(ahead)s::numeric[])
        AS u(id, start, cost, unpriced, held, ahead)
    JOIN llm_budget_ledger l ON l.budget_id = u.id AND l.period_start = u.start
    JOIN llm_budgets b ON b.id = u.id
), settled AS (
    UPDATE llm_budget_ledger l SET spent_usd = l.spent_usd + told.cost,
        unpriced_calls = l.unpriced_calls + told.unpriced, updated_at = clock_timestamp()
    FROM told WHERE l.id = told.id AND (told.cost <> 0 OR told.unpriced <> 0)
), held AS (
    INSERT INTO llm_budget_holds (id, spending_id, holder, held_usd, expires_at)
    SELECT gen_random_uuid(), told.id, %(holder)s, told.held + told.ahead,
        clock_timestamp() + make_interval(secs => %(seconds)s)
    FROM told WHERE told.held + told.ahead <> 0
    ON CONFLICT (spending_id, holder)
    DO UPDATE SET held_usd = EXCLUDED.held_usd, expires_at = EXCLUDED.expires_at
), gone AS (
    DELETE FROM llm_budget_holds h USING told
    WHERE h.spending_id = told.id AND CASE WHEN h.holder = %(holder)s
        THEN told.held + told.ahead = 0 ELSE h.expires_at <= clock_timestamp() END
)
SELECT budget_id, ahead FROM told
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


def carry_out(order: LedgerOrder, holder: UUID) -> LedgerReply:
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
        ahead = {key: _held_ahead(line, order.ahead[key]) for key, line in lines.items()}
        written: dict[str, Any] = {
            "rows": rows,
            "costs": [order.settled[key] for key in lines],
            "unpriced": [order.unpriced[key] for key in lines],
            "held": [line.held - others.get(line.id, NOTHING) for line in lines.values()],
            "holder": holder,
            "seconds": HOLD_SECONDS,
        }
        cursor.execute(_WRITE, written)
    return LedgerReply(answers, ahead)


def tell(order: LedgerOrder, holder: UUID) -> dict[int, Decimal]:
    """Carry out an order without wishes, whose lines are there; gives what it holds ahead.

    Over the connection as it is: who asks looks whether it is usable. Raises Django's errors.
    """
    connection.ensure_connection()
    with connection.wrap_database_errors, ClientCursor(connection.connection) as cursor:
        cursor.execute(
            _TELL,
            {
                "part": PART_OF_WHAT_IS_LEFT,
                "digits": DIGITS,
                "ids": list(order.periods),
                "starts": list(order.periods.values()),
                "costs": list(order.settled.values()),
                "unpriced": list(order.unpriced.values()),
                "held": list(order.held.values()),
                "ahead": list(order.ahead.values()),
                "holder": holder,
                "seconds": HOLD_SECONDS,
            },
        )
        cursor.nextset()
        return dict(cursor.fetchall())


def commit(amounts: Mapping[BudgetFacts, Decimal], *, holder: UUID) -> BudgetAnswer:
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
            answer = _decide(Wish((budget,), most_usd, may_degrade=False), lines)
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


def count_unpriced(calls: Mapping[BudgetFacts, int]) -> None:
    """Count calls whose price nobody knows in their budgets, in the periods that run now.

    For a caller within a transaction, which this is part of.
    """
    starts = [period_start(each.period) for each in calls]
    with connection.cursor() as cursor:
        lines = _opened(cursor, [each.id for each in calls], starts)
        counted = {lines[each.id].id: count for each, count in calls.items() if each.id in lines}
        costs = [NOTHING] * len(counted)
        cursor.execute(_SETTLE, [list(counted), costs, list(counted.values())])


def _opened(cursor: CursorWrapper, ids: list[int], starts: list[dt.date]) -> dict[int, LedgerLine]:
    """The lines of these budgets, made where there are none yet, under their locks."""
    lines = _locked(cursor, ids, starts)
    if len(lines) < len(ids):
        cursor.execute(_OPEN, [ids, starts])
        lines = _locked(cursor, ids, starts)  # fewer still: a budget was deleted
    return lines


def _held_by_others(cursor: CursorWrapper, rows: list[int], holder: UUID) -> dict[int, Decimal]:
    cursor.execute(_HELD_BY_OTHERS, [rows, holder])
    return dict(cursor.fetchall())


def _locked(cursor: CursorWrapper, ids: list[int], starts: list[dt.date]) -> dict[int, LedgerLine]:
    cursor.execute(_LOCK, [ids, starts])
    return {row[0]: LedgerLine(*row[1:]) for row in cursor.fetchall()}


def _decide(wish: Wish, lines: Mapping[int, LedgerLine]) -> BudgetAnswer:
    """Hold a wish in all its budgets, or say why not. A budget that is gone forbids nothing."""
    concerned = {each.id: lines[each.id] for each in wish.budgets if each.id in lines}
    waits = ""
    for budget_id, line in concerned.items():
        if line.soft is not None and wish.may_degrade and line.spent >= line.soft:
            why = f"the budget “{line.name}” is over its soft limit of ${line.soft:f}"
            return BudgetAnswer(BudgetVerdict.DEGRADED, why)
        if line.hard is None:
            continue
        if line.spent >= line.hard or line.spent + wish.most_usd > line.hard:
            why = (
                f"the budget “{line.name}” has spent ${line.spent:.4f} of its hard limit of"
                f" ${line.hard:f}, and this call may cost ${wish.most_usd:.4f}"
            )
            shortage = BudgetShortage(budget_id, wish.most_usd)
            return BudgetAnswer(BudgetVerdict.REFUSED, why, shortage)
        if line.spent + line.held + wish.most_usd > line.hard:
            waits = waits or f"the budget “{line.name}” is held by calls under way"
    if waits:
        return BudgetAnswer(BudgetVerdict.WAITS, waits)
    for line in concerned.values():
        line.held += wish.most_usd
    return GRANTED


def _held_ahead(line: LedgerLine, wanted: Decimal) -> Decimal:
    """Hold some more for calls to come, where that leaves enough to everybody else."""
    if line.hard is not None:
        left = max(line.hard - line.spent - line.held, NOTHING)
        wanted = min(wanted, (left / PART_OF_WHAT_IS_LEFT).quantize(SMALLEST, ROUND_DOWN))
    line.held += wanted
    return wanted
