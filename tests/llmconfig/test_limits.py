"""Limits shared by real processes, counted by the simulated provider."""

import asyncio
import math
import os
import signal
import time

import pytest
from django.conf import settings as django_settings
from redis import Redis

from llmconfig import client
from llmconfig.client.errors import GenerationFailed
from llmconfig.client.traffic import limits_alone, rate_limits
from llmconfig.configuration import snapshot
from llmconfig.models import GlobalConfig
from tests.waiting import until

pytestmark = pytest.mark.django_db(transaction=True)


def total(results, name):
    return sum(each["ends"].get(name, 0) for each in results)


def test_sixteen_processes_keep_to_one_concurrency(make_provider, make_node, simulator, callers):
    make_provider(max_concurrency=7, timeout_seconds=60)
    make_node("sim/gpt-4o-mini")
    simulator.control(latency_ms=30)
    results = callers(processes=16, calls=25, in_flight=5).results()
    assert total(results, "ok") == 400
    stats = simulator.stats()
    # What a slow machine's queue takes from it, the limiter gives back on trial.
    assert 5 <= stats["max_in_flight"] <= 7
    assert stats["requests"] == 400


def test_sixteen_processes_keep_to_both_limits_also_when_some_are_killed(
    make_provider, make_node, simulator, callers
):
    """`make limits` is the same over more than a minute, and sees their places taken again."""
    make_provider(max_concurrency=7, requests_per_minute=600, timeout_seconds=60)
    make_node("sim/gpt-4o-mini")
    simulator.control(latency_ms=25)
    order = {"processes": 16, "calls": 600, "in_flight": 25}  # so that none is done before
    running = callers(**order)
    children = running.await_children()
    until(lambda: simulator.stats()["requests"] >= 200)
    for child in children[:3]:
        os.kill(child, signal.SIGKILL)
    # Those that were killed may have been allowed some that they never made.
    until(lambda: simulator.stats()["requests"] >= 600 - 3 * 25)
    time.sleep(1)  # for what shouldn't come
    running.kill()
    stats = simulator.stats()
    assert 5 <= stats["max_in_flight"] <= 7
    assert stats["peak"]["requests_60s"] <= 600


def test_no_minute_holds_more_requests_than_allowed(make_provider, make_node, simulator, callers):
    make_provider(requests_per_minute=60)
    make_node("sim/gpt-4o-mini")
    order = {"processes": 4, "calls": 40, "in_flight": 40}
    results = callers({"LLM_DEADLINE_SECONDS": "5"}, **order).results()
    answered = total(results, "ok")
    # On a slow machine a request that one process took ahead is given back after the others' end.
    assert 55 <= answered <= 60
    assert total(results, "GenerationExhausted") == 160 - answered
    assert simulator.stats()["peak"]["requests_60s"] == answered


def test_no_minute_holds_more_tokens_than_allowed(make_provider, make_node, simulator, callers):
    make_provider(tokens_per_minute=3000)
    make_node("sim/gpt-4o-mini")
    simulator.control(output_tokens={"median": 40, "sigma": 0.5})
    order = {"processes": 3, "calls": 40, "in_flight": 40, "max_tokens": 200}
    running = callers(**order)
    # Settled by what was used, not by the 200 that were feared.
    until(lambda: simulator.stats()["peak"]["tokens_60s"] > 2500)
    time.sleep(1)  # for what shouldn't come
    running.kill()
    stats = simulator.stats()
    assert stats["paid"] > 20
    assert stats["peak"]["tokens_60s"] <= 3000


def test_a_killed_processs_places_come_back(make_provider, make_node, simulator, callers, ask):
    make_provider(max_concurrency=2)
    make_node("sim/gpt-4o-mini")
    simulator.control(latency_ms=4_000)
    holding = callers(processes=1, calls=2, in_flight=2)
    (child,) = holding.await_children()
    until(lambda: simulator.stats()["in_flight"] == 2)
    os.kill(child, signal.SIGKILL)
    simulator.control(latency_ms=0)
    made = client.generate(ask())
    assert made.text
    assert made.record.attempts[0].waited_ms > 1000


def test_places_are_given_back_at_once_when_a_process_ends(make_provider, make_node, callers, ask):
    make_provider(max_concurrency=1)
    make_node("sim/gpt-4o-mini")
    assert total(callers(processes=1, calls=1, in_flight=1).results(), "ok") == 1
    assert client.generate(ask()).record.attempts[0].waited_ms < 3000


def test_a_provider_without_limits_asks_redis_nothing(make_provider, make_node, ask, settings):
    make_provider()
    make_node("sim/gpt-4o-mini")
    settings.REDIS_URL = "redis://127.0.0.1:1/0"  # nobody is there
    assert client.generate(ask()).text


def test_a_call_that_waits_too_long_takes_the_cheaper_model(
    make_provider, make_node, simulator, ask
):
    make_provider(requests_per_minute=1)
    make_provider("cheap", model_id="gpt-4.1-nano")
    make_node("sim/gpt-4o-mini")
    GlobalConfig.objects.create(
        interaction_type="reasoning", degrade_to="cheap/gpt-4.1-nano", degrade_after_seconds=0.2
    )
    snapshot.expire()
    first, second = client.generate(ask()).record, client.generate(ask()).record
    assert (first.provider, second.provider) == ("sim", "cheap")
    assert [(each.outcome, each.moved_on) for each in second.attempts] == [
        ("limited", "degrade"),
        ("ok", ""),
    ]
    assert "at its limits" in second.attempts[0].detail


def test_a_call_that_its_limits_hold_up_past_the_deadline_says_so(
    make_provider, make_node, ask, settings
):
    settings.LLM_ENVIRONMENT = {**settings.LLM_ENVIRONMENT, "LLM_DEADLINE_SECONDS": 2.0}
    make_provider(requests_per_minute=1)
    make_node("sim/gpt-4o-mini")
    client.generate(ask())
    with pytest.raises(GenerationFailed) as failed:
        client.generate(ask())
    assert failed.value.code == "generation_exhausted"
    assert failed.value.record.attempts[0].outcome == "deadline"
    assert "while it waited for" in failed.value.record.attempts[0].detail


def test_a_provider_that_bears_less_is_found_out(
    make_provider, make_node, simulator, ask, settings
):
    """Without any limit set: 429s above 8 in flight teach this process to send 8."""
    settings.LLM_ENVIRONMENT = {**settings.LLM_ENVIRONMENT, "LLM_RETRY_MAX_ATTEMPTS": 10}
    make_provider()
    make_node("sim/gpt-4o-mini")
    simulator.control(latency_ms=20, max_concurrency=8)

    async def calls():
        await asyncio.gather(
            *(client.agenerate(ask(f"Row {n}"), collect=lambda *_: None) for n in range(400))
        )
        facts = (await snapshot.acurrent()).providers["sim"]
        return rate_limits.limiter_of(facts).concurrency.limit

    found = asyncio.run(calls())
    stats = simulator.stats()
    assert stats["paid"] == 400
    assert 6 <= found <= 10
    # 392 of the first wave are refused; of the others hardly any.
    assert stats["limited"] < 460


def test_a_provider_whose_answers_queue_up_is_sent_less_on_trial(
    make_provider, make_node, simulator, ask
):
    """It works on 4 at a time, 200 a second: with 200 under way, an answer takes a second.

    Whether the trial is kept is told in simulated time (test_adaptive), which no load disturbs.
    """
    make_provider()
    make_node("sim/gpt-4o-mini")
    simulator.control(latency_ms=20, slots=4)
    bounds = []

    async def calls():
        gate = asyncio.Semaphore(200)
        facts = (await snapshot.acurrent()).providers["sim"]

        async def one(number):
            async with gate:
                await client.agenerate(ask(f"Row {number}"), collect=lambda *_: None)
                bounds.append(rate_limits.limiter_of(facts).concurrency.limit)

        for _ in range(3):
            await one("before")  # alone: as fast as it can be, also on a busy machine
        await asyncio.gather(*(one(number) for number in range(1200)))

    asyncio.run(calls())
    assert bounds[0] == math.inf
    assert 4 <= min(bounds) <= 160
    assert simulator.stats()["paid"] == 1203


def test_without_redis_paid_limits_hold_by_share_and_then_refuse(
    make_provider, make_node, ask, settings
):
    make_provider(max_concurrency=2)
    make_node("sim/gpt-4o-mini")
    settings.REDIS_URL = "redis://127.0.0.1:1/0"

    async def calls():
        assert (await client.agenerate(ask(), collect=lambda *_: None)).text
        gate = rate_limits.limiter_of((await snapshot.acurrent()).providers["sim"])
        assert gate._lost_at is not None
        gate._lost_at -= limits_alone.ALONE_SECONDS
        with pytest.raises(GenerationFailed) as failed:
            await client.agenerate(ask(), collect=lambda *_: None)
        return failed.value

    failed = asyncio.run(calls())
    assert failed.record.attempts[0].outcome == "limits_unknown"
    assert "Redis" in str(failed)


def test_without_redis_a_local_provider_goes_on(make_provider, make_node, ask, settings, simulator):
    make_provider("own", "local", key=None, max_concurrency=2)
    make_node("own/gpt-4o-mini")
    simulator.control(latency_ms=20)
    settings.REDIS_URL = "redis://127.0.0.1:1/0"

    async def calls():
        await asyncio.gather(
            *(client.agenerate(ask(f"{n}"), collect=lambda *_: None) for n in range(10))
        )
        gate = rate_limits.limiter_of((await snapshot.acurrent()).providers["own"])
        assert gate._lost_at is not None
        gate._lost_at -= limits_alone.ALONE_SECONDS
        await asyncio.gather(
            *(client.agenerate(ask(f"{n}"), collect=lambda *_: None) for n in range(10))
        )

    asyncio.run(calls())
    assert simulator.stats()["paid"] == 20
    assert simulator.stats()["max_in_flight"] <= 2


@pytest.mark.parametrize("limit", ["requests_per_minute", "tokens_per_minute"])
def test_after_a_flush_the_minute_counts_as_used(make_provider, make_node, ask, simulator, limit):
    make_provider(**{limit: 100_000})
    make_node("sim/gpt-4o-mini")

    async def run():
        for number in range(3):
            await client.agenerate(ask(f"Row {number}"), collect=lambda *_: None)
        gate = rate_limits.limiter_of((await snapshot.acurrent()).providers["sim"])
        assert any(gate._marks)
        assert gate._lost_at is None
        # What a fast machine's calls took for the next ones is given back first.
        await asyncio.to_thread(until, lambda: not gate._ahead.left)
        Redis.from_url(django_settings.REDIS_URL).flushdb()
        more = asyncio.create_task(client.agenerate(ask("More"), collect=lambda *_: None))
        done, _ = await asyncio.wait([more], timeout=3)
        assert not done, (more.result().record.attempts, gate._marks, gate._lost_at)
        more.cancel()
        await asyncio.wait([more])

    asyncio.run(run())
    assert simulator.stats()["paid"] == 3
