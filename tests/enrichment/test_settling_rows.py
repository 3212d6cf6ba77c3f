"""A row whose cost isn't in the budgets' ledger yet: out of the window, and not handed over."""

import asyncio
from typing import Any

from enrichment.engine.outgoing import OutgoingRow

NOBODYS: Any = None  # neither its claim nor its item is asked


def test_a_row_is_told_of_once_its_cost_is_stored():
    async def run():
        told = []
        free = OutgoingRow(NOBODYS, NOBODYS, 0)
        free.when_settled(lambda: told.append("nothing counts it"))
        counted = OutgoingRow(NOBODYS, NOBODYS, 1)
        stored = asyncio.get_running_loop().create_future()
        counted.settles(stored)
        counted.when_settled(lambda: told.append("stored"))
        await asyncio.sleep(0)
        before = list(told)
        stored.set_result(None)
        await asyncio.sleep(0)
        counted.when_settled(lambda: told.append("at once"))
        return before, told

    before, told = asyncio.run(run())
    assert before == ["nothing counts it"]
    assert told == ["nothing counts it", "stored", "at once"]
