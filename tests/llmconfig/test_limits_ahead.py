"""What many calls take ahead of limits and budgets: never more than there is, and it comes back."""

import asyncio
import random
from decimal import Decimal

import pytest

from llmconfig.client.traffic import redis_connection
from llmconfig.client.traffic.budget_ledger import BudgetVerdict
from llmconfig.client.traffic.budgets import BudgetLedgerClient
from llmconfig.client.traffic.rate_limits import RateLimiter, TooBusy, limiter_of
from llmconfig.client.traffic.requests_ahead import RequestsAhead
from llmconfig.configuration.facts import BudgetFacts, ProviderFacts
from llmconfig.models import Budget, BudgetHold, BudgetSpending
from tests.waiting import until

WINDOW = """
local sum, rows = 0, redis.call('HGETALL', KEYS[1])
for i = 1, #rows, 2 do
    if rows[i] ~= 'mark' then sum = sum + tonumber(rows[i + 1]) end
end
return sum
"""


def limited(name, **limits):
    return ProviderFacts(name, "openai", "", "", "", "", "", 60.0, 0, 1, is_enabled=True, **limits)


async def used(name, window):
    return await redis_connection.run_script(WINDOW, [f"nodewise:limits:{{{name}}}:{window}"], [])


class Calls:
    """Calls of several limiters, which share a provider as processes do."""

    def __init__(self, facts, *, limiters, tokens=0, patience_s=0.3):
        self.limiters = [RateLimiter(facts) for _ in range(limiters)]
        self.tokens = tokens
        self.patience_s = patience_s
        self.in_flight = self.most = self.let_in = 0

    async def one(self, limiter, dice):
        tokens = dice.randint(self.tokens // 2, self.tokens)
        try:
            await limiter.acquire(tokens, self.patience_s)
        except TooBusy:
            return
        self.let_in += 1
        self.in_flight += 1
        self.most = max(self.most, self.in_flight)
        await asyncio.sleep(dice.random() * 0.02)
        self.in_flight -= 1
        limiter.release(tokens, tokens)

    async def make(self, each, seed):
        dice = random.Random(seed)

        async def some(limiter):
            async with asyncio.TaskGroup() as group:
                for _ in range(each):
                    group.create_task(self.one(limiter, dice))
                    await asyncio.sleep(dice.random() * 0.004)

        async with asyncio.TaskGroup() as group:
            for limiter in self.limiters:
                group.create_task(some(limiter))

    async def gave_all_back(self):
        await asyncio.to_thread(until, lambda: all(each._idle() for each in self.limiters))


def test_all_that_a_limiter_took_ahead_and_did_not_use_comes_back():
    async def run():
        calls = Calls(limited("few", requests_per_minute=100_000), limiters=1, patience_s=60)
        await calls.make(400, 1)
        await calls.gave_all_back()
        return calls, await used("few", "requests")

    calls, counted = asyncio.run(run())
    assert calls.let_in == counted == 400


@pytest.mark.parametrize("seed", range(2))
def test_several_limiters_use_a_minute_up_and_never_more(seed):
    async def run():
        calls = Calls(limited(f"all{seed}", requests_per_minute=300), limiters=3)
        await calls.make(150, seed)
        await calls.gave_all_back()
        return calls, await used(f"all{seed}", "requests")

    calls, counted = asyncio.run(run())
    assert calls.let_in == counted == 300


def test_places_and_tokens_hold_too():
    async def run():
        facts = limited("both", max_concurrency=5, tokens_per_minute=20_000)
        calls = Calls(facts, limiters=2, tokens=50)
        await calls.make(150, 3)
        await calls.gave_all_back()
        return calls, await used("both", "tokens")

    calls, counted = asyncio.run(run())
    assert calls.most <= 5
    assert counted <= 20_000


def test_a_call_that_ends_after_its_loops_farewell_begins_nothing():
    """Its loop would be closed in the middle of that; an end is told of by the farewell."""

    async def ended_late():
        facts = limited("ending", max_concurrency=2)
        limiter = limiter_of(facts)
        await limiter.acquire(0, 30)
        await redis_connection.aclose()
        limiter.release(0, 0)
        going_on = asyncio.all_tasks() - {asyncio.current_task()}
        return going_on, limiter_of(facts) is limiter

    assert asyncio.run(ended_late()) == (set(), False)


def test_many_calls_take_ahead_what_the_next_fifth_of_a_second_needs():
    ahead = RequestsAhead()
    ahead.order(0.0, most=100)
    for _ in range(30):
        ahead.came(0)
    *_, kept, more, _, part = ahead.order(0.1, most=100)
    assert (kept, more, part) == (0, 60, 16)
    ahead.got(more, 500, 0.1)
    assert sum(ahead.take(0, 0.15) for _ in range(40)) == 40
    assert ahead.is_low
    assert not ahead.take(0, 0.31)  # too long ago: they count no more as they should
    counted_at, unused, kept, more, *_ = ahead.order(0.31, most=10)
    assert (counted_at, unused, kept, more) == (500, 20, 10, 0)


def test_few_calls_take_nothing_ahead():
    ahead = RequestsAhead()
    for second in range(1, 20):
        ahead.came(0)
        assert ahead.order(float(second), most=100)[3] == 0


class Spenders:
    """Calls of several holders under one budget, which cost half of what they may."""

    def __init__(self, budget, holders, *, later):
        self.later = later  # nobody waits until their costs are stored
        self.facts = (BudgetFacts(budget.pk, "all", "everything", "", "total", None, budget.hard_limit_usd, False),)  # fmt: skip  # noqa: E501
        self.holders = [BudgetLedgerClient() for _ in range(holders)]
        self.cost = Decimal(0)
        self.refused = 0

    async def one(self, holder):
        most = Decimal("0.01")
        answer = await holder.reserve(self.facts, most, may_degrade=False)
        if answer.verdict is not BudgetVerdict.GRANTED:
            self.refused += 1
            return
        await asyncio.sleep(0.01)
        self.cost += most / 2
        if self.later:
            holder.settle_later(self.facts, most, most / 2)
        else:
            await holder.settle(self.facts, most, most / 2)

    async def make(self, each):
        async def some(holder):
            async with asyncio.TaskGroup() as group:
                for _ in range(each):
                    group.create_task(self.one(holder))
                    await asyncio.sleep(0.002)

        async with asyncio.TaskGroup() as group:
            for holder in self.holders:
                group.create_task(some(holder))
        await asyncio.to_thread(until, lambda: not any(each._accounts for each in self.holders))


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("later", [False, True])
@pytest.mark.parametrize(("limit", "holders"), [(1000, 1), (1, 3)])
def test_what_is_held_ahead_is_held_and_comes_back(limit, holders, later):
    budget = Budget.objects.create(name="all", period="total", hard_limit_usd=limit)
    calls = Spenders(budget, holders, later=later)
    asyncio.run(calls.make(150))
    assert BudgetSpending.objects.get().spent_usd == calls.cost <= limit
    assert not BudgetHold.objects.exists()
    if holders == 1:
        assert calls.cost == Decimal("0.75")
        assert not calls.refused
    else:
        assert calls.cost > Decimal("0.98")
        assert calls.refused > 200


@pytest.mark.django_db(transaction=True)
def test_costs_that_nobody_waits_for_are_stored_together_and_soon():
    budget = Budget.objects.create(name="all", period="total", hard_limit_usd=1000)
    facts, cost = Spenders(budget, 0, later=True).facts, Decimal("0.01")

    async def run():
        holder = BudgetLedgerClient()
        for _ in range(3):
            await holder.reserve(facts, cost, may_degrade=False)
        stored = {holder.settle_later(facts, cost, cost) for _ in range(3)}
        assert not any(each.done() for each in stored)
        await asyncio.gather(*stored)
        return len(stored)

    assert asyncio.run(run()) == 1
    assert BudgetSpending.objects.get().spent_usd == 3 * cost
