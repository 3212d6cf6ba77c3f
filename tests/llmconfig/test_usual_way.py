"""A usual call's first request goes a shorter way than others, and must come to the same.

One table of what may happen runs over both.
"""

import asyncio
import functools
import re
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any

import pytest
from asgiref.sync import sync_to_async

from llmconfig import client
from llmconfig.client.pipeline import usual_way
from llmconfig.client.traffic import cooldown, response_cache, shared_cache
from llmconfig.client.traffic.budget_ledger import NOTHING
from llmconfig.client.traffic.budgets import ledger_client
from llmconfig.client.traffic.cooldown import is_all_well
from llmconfig.client.traffic.local_cache import local
from llmconfig.client.traffic.rate_limits import limiter_of
from llmconfig.configuration import in_force, snapshot
from llmconfig.configuration.resolution import resolve
from llmconfig.errors import LLMError
from llmconfig.models import Budget, BudgetSpending
from llmconfig.runtime.records import replace
from tests.measuring import function_calls
from tests.waiting import until

pytestmark = pytest.mark.django_db(transaction=True)

A_DOLLAR, ENOUGH = Decimal(1), Decimal(50)
MANY = 500
NODE = "tag_rows"
SCHEMA = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]}
REQUEST = re.compile(r"req_\w+")  # the simulator counts them
TOOL = {"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}
# What the provider does to the first request, and what is asked.
CASES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "a good answer": ({}, {}),
    "a cut answer": ({}, {"given": {"max_tokens": 2}}),
    "more in the request": ({}, {"extra": {"seed": 4, "service_tier": "flex"}}),
    "a tool is called": ({}, {"extra": {"tools": [TOOL], "tool_choice": "required"}}),
    "likelihoods": ({}, {"logprobs": True}),
    "a schema": ({}, {"schema": SCHEMA}),
    "an answer to repair": ({"garbage": "not_json"}, {"schema": SCHEMA}),
    "overloaded": ({"status": 429}, {}),
    "told to wait for long": ({"status": 429, "retry_after": "30"}, {}),
    "broken": ({"status": 500}, {}),
    "refused": ({"status": 400}, {}),
    "a bad key": ({"status": 401}, {}),
    "no money": ({"status": 402}, {}),
    "sent elsewhere": ({"status": 302, "location": "http://127.0.0.1:9/"}, {}),
    "hung up on": ({"disconnect": True}, {}),
    "cut off": ({"cut": 0.5}, {}),
    "no JSON": ({"garbage": "html"}, {}),
    "no choices": ({"garbage": "no_choices"}, {}),
    "absurd usage": ({"garbage": "negative_usage"}, {}),
    "not to be sent": ({}, {}),
    "given up": ({"delay_ms": 1_500}, {}),
    "too late": ({"delay_ms": 1_500}, {"deadline_s": 0.05}),
}


@pytest.fixture
def targets(settings, make_provider, make_node):
    settings.LLM_ENVIRONMENT = {**settings.LLM_ENVIRONMENT, "LLM_CACHE_ENABLED": True}
    settings.REDIS_URL = ""  # would remember who cooled down in the case before
    make_provider(timeout_seconds=600)
    make_provider("backup", model_id="gpt-4.1-nano")
    make_node("sim/gpt-4o-mini", "backup/gpt-4.1-nano")


@pytest.fixture
def send_the_general_way(monkeypatch):
    async def nothing(_state):
        return None

    return lambda: monkeypatch.setattr(usual_way, "first_request", nothing)


def budget_of(node):
    Budget.objects.create(name=node, scope="node", scope_value=node, hard_limit_usd=100_000)
    snapshot.expire()


@sync_to_async
def spent():
    """By all budgets, US dollars."""
    return sum(BudgetSpending.objects.values_list("spent_usd", flat=True))


@asynccontextmanager
async def much_ahead():
    """As where thousands of calls come: the budgets hold much for the next ones meanwhile."""
    budgets, ledger = (await in_force.acurrent()).budgets, ledger_client()
    counted = tuple(each for each in budgets if each.scope_value == NODE)
    if not counted:
        yield
        return
    reserve = functools.partial(ledger.reserve, counted, A_DOLLAR, may_degrade=False)
    settle = functools.partial(ledger.settle, counted, A_DOLLAR, NOTHING)
    await reserve()  # goes on, so that there is something to plan for
    while not ledger.takes_ahead(counted, ENOUGH, may_degrade=False):
        await asyncio.gather(*(reserve() for _ in range(MANY)))
        await asyncio.gather(*(settle() for _ in range(MANY)))
    ledger.put_back(counted, ENOUGH)
    try:
        yield
    finally:
        await settle()


def same(record):
    """A record without what differs from call to call."""
    attempts = tuple(
        replace(each, latency_ms=0, waited_ms=0, request_id="") for each in record.attempts
    )
    moment = dict.fromkeys(("id", "created_at", "correlation_id", "config_revision"))
    return replace(record, **moment, latency_ms=0, attempts=attempts)


async def made(case, call, simulator):
    """All that a call comes to: its answer or error, record, what was sent, what is remembered."""
    await client.agenerate(replace(call, node="sim/gpt-4o-mini", use_cache=False))
    before = await spent()
    assert is_all_well()  # so that nothing is in the way
    action, fields = CASES[case]
    simulator.reset()
    if action:
        simulator.fail_first(1, **action)
    records, sends = [], []

    def may_send():
        sends.append(case)
        if case == "given up":
            asyncio.get_running_loop().call_later(0.05, task.cancel)
        return case != "not to be sent"

    call = replace(call, use_cache=False, **fields)
    collect = lambda *pair: records.append(pair)  # noqa: E731 - it has no other name
    end: Any
    async with much_ahead():
        task = asyncio.ensure_future(client.agenerate(call, collect=collect, before_send=may_send))
        try:
            end = await task
            end = replace(end, record=None)
        except (LLMError, asyncio.CancelledError) as error:
            end = str(error)
    ((record, texts),) = records
    configuration = await in_force.acurrent()
    target = resolve(call.node, snapshot=configuration, given=call.given).targets[0]
    told = {
        "end": end,
        "record": same(record),
        "texts": texts,
        "sent": (len(sends), simulator.requests),
        "failing": cooldown.reason(target) if cooldown.seconds_left(target) else is_all_well(),
        "kept": response_cache.key_of(target, call) in local.answers,
        "counted": await spent() - before,
        "places taken": limiter_of(target.provider).in_flight,
    }
    return {name: REQUEST.sub("", repr(each)) for name, each in told.items()}


def all_of_them(ask, simulator):
    found = {}
    for case in CASES:
        cooldown.forget()
        response_cache.forget()
        found[case] = asyncio.run(made(case, ask(), simulator))
    # What was given up is still under way there, and would count in other tests.
    until(lambda: simulator.stats()["in_flight"] == 0)
    return found


def test_both_ways_come_to_the_same(targets, ask, simulator, send_the_general_way):
    short = all_of_them(ask, simulator)
    send_the_general_way()
    assert short == all_of_them(ask, simulator)


def test_they_do_where_a_budget_counts(targets, ask, simulator, send_the_general_way):
    budget_of(NODE)
    short = all_of_them(ask, simulator)
    send_the_general_way()
    assert short == all_of_them(ask, simulator)


def test_the_usual_way_is_the_shorter_one(targets, ask, send_the_general_way):
    call = replace(ask(), use_cache=False)

    async def calls():
        await asyncio.gather(*(client.agenerate(call) for _ in range(30)))

    def fewest(runner):
        """The least of several: once a second a call looks at more."""
        return min(function_calls(lambda: runner.run(calls())) for _ in range(8))

    with asyncio.Runner() as runner:
        budget_of("others")
        runner.run(calls())
        short = fewest(runner)
        send_the_general_way()
        assert short < fewest(runner)


def test_calls_that_a_budget_counts_go_it_while_enough_is_held_ahead(targets, ask, monkeypatch):
    asked, taken = usual_way._asked_counted, []

    async def watched(*given):
        taken.append(made := await asked(*given))
        return made

    async def calls():
        async with much_ahead():
            await asyncio.gather(*(client.agenerate(call) for _ in range(30)))

    monkeypatch.setattr(usual_way, "_asked_counted", watched)
    call = replace(ask(), use_cache=False)
    budget_of(NODE)
    asyncio.run(calls())
    assert any(each is not None for each in taken)


def test_who_waits_for_the_ledger_itself_has_the_answer_before(targets, ask):
    told: list[asyncio.Future[None]] = []

    async def calls():
        await client.agenerate(call)  # what the general way has stored when it returns
        before = await spent()
        async with much_ahead():
            made = await client.agenerate(call, collect=keep, settling=told.append)
            (stored,) = told
            assert not stored.done()
            await stored
            return made.record.cost_usd, await spent() - before

    keep = lambda *_: None  # noqa: E731 - it has no other name
    call = replace(ask(), use_cache=False)
    budget_of(NODE)
    cost, counted = asyncio.run(calls())
    assert cost == counted > 0


def test_of_identical_calls_one_asks_also_where_nothing_was_found_for_long(targets, ask, simulator):
    async def calls():
        shared_cache.of_running_loop().dry = shared_cache.DRY_AFTER
        await client.agenerate(ask("Something else"))
        simulator.reset()
        return await asyncio.gather(*(client.agenerate(ask()) for _ in range(5)))

    answers = asyncio.run(calls())
    assert simulator.requests == 1
    assert sum(each.record.cache_hit for each in answers) == 4
