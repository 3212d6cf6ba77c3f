"""Moving what budgets have counted, after the cost of past calls was corrected."""

import datetime as dt
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from django.db import connection
from msgspec import Struct

from llmconfig.client.traffic.budget_ledger import period_start
from llmconfig.client.traffic.budget_scopes import BudgetLabels, matching
from llmconfig.configuration.snapshot import Snapshot
from llmconfig.models import Budget

LEDGER_TABLE = "llm_budget_ledger"
Line = tuple[int, dt.date]  # a budget's id and the first day of its period

_READ = """
SELECT l.id, l.budget_id, l.period_start, b.name, l.spent_usd
FROM unnest(%s::bigint[], %s::date[]) AS u(id, start)
JOIN llm_budget_ledger l ON l.budget_id = u.id AND l.period_start = u.start
JOIN llm_budgets b ON b.id = u.id
ORDER BY l.id
"""
_LOCK = f"{_READ} FOR UPDATE OF l"
_MOVE = """
UPDATE llm_budget_ledger l SET spent_usd = u.spent, updated_at = clock_timestamp()
FROM unnest(%s::bigint[], %s::numeric[]) AS u(id, spent) WHERE l.id = u.id
"""
# The ledger moves with each call, so no trigger writes its history; a correction is told all the
# same.
_TELL = """
INSERT INTO llm_revision_changes (revision_id, table_name, row_key, before, after)
SELECT llm_open_revision(), %s, u.id::text,
    jsonb_build_object('budget', u.name, 'period_start', u.start, 'spent_usd', u.before),
    jsonb_build_object('budget', u.name, 'period_start', u.start, 'spent_usd', u.after)
FROM unnest(%s::bigint[], %s::text[], %s::date[], %s::numeric[], %s::numeric[])
    AS u(id, name, start, before, after)
"""


class Moved(Struct, frozen=True):
    """One budget's period: what it had counted, US dollars, and what it counts now."""

    budget: str
    period_start: dt.date
    before: Decimal
    after: Decimal


class Counted:
    """Which budgets counted a past call, and in which of their periods."""

    def __init__(self, configuration: Snapshot) -> None:
        self._configuration = configuration
        self._since: dict[int, dt.datetime] = dict(Budget.objects.values_list("pk", "created_at"))

    def lines(self, caller: BudgetLabels, moment: dt.datetime) -> list[Line]:
        """The ledger's lines of a call at this moment; a budget made later counted nothing."""
        return [
            (budget.id, period_start(budget.period, moment))
            for budget in matching(self._configuration, caller)
            if moment >= self._since.get(budget.id, moment)
        ]


def move(differences: Mapping[Line, Decimal], *, dry_run: bool) -> list[Moved]:
    """Move what budgets have counted by these amounts of US dollars, never below 0.

    With `dry_run` only says how. Inside `change()` and the transaction of the correction: what
    moves is written to the history. Periods that counted nothing have no line and are left out.
    """
    wanted = {line: amount for line, amount in differences.items() if amount}
    if not wanted:
        return []
    keys: list[Any] = [[line[0] for line in wanted], [line[1] for line in wanted]]
    with connection.cursor() as cursor:
        cursor.execute(_READ if dry_run else _LOCK, keys)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
        moved = [
            Moved(name, start, spent, max(spent + wanted[budget, start], Decimal(0)))
            for _, budget, start, name, spent in rows
        ]
        if rows and not dry_run:
            ids = [row[0] for row in rows]
            cursor.execute(_MOVE, [ids, [each.after for each in moved]])
            names, starts = [row[3] for row in rows], [row[2] for row in rows]
            before, after = [row[4] for row in rows], [each.after for each in moved]
            cursor.execute(_TELL, [LEDGER_TABLE, ids, names, starts, before, after])
    return moved
