"""The response cache, in one process and across several."""

import asyncio
from decimal import Decimal

import pytest

from llmconfig import client
from llmconfig.client.errors import AnswerInvalid, GenerationFailed
from llmconfig.client.http import background_loop
from llmconfig.client.traffic import local_cache, response_cache, shared_cache
from llmconfig.configuration import snapshot
from llmconfig.models import ModelPrice
from tests.api import caller

pytestmark = pytest.mark.django_db(transaction=True)

SCHEMA = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]}


@pytest.fixture(autouse=True)
def cached(settings, make_provider, make_node):
    settings.LLM_ENVIRONMENT = {**settings.LLM_ENVIRONMENT, "LLM_CACHE_ENABLED": True}
    make_provider()
    make_node("sim/gpt-4o-mini")


async def told_to_redis():
    """Until what was kept and counted in this loop is with Redis."""
    writing = shared_cache.of_running_loop().writing
    assert writing is not None
    await writing


def test_a_second_identical_call_costs_nothing_and_says_what_it_saved(ask, simulator):
    first, second = client.generate(ask()), client.generate(ask())
    assert simulator.requests == 1
    assert (first.text, first.record.cache_hit) == (second.text, False)
    record = second.record
    assert record.cache_hit
    assert record.cost_usd == 0
    assert record.saved_usd == first.record.cost_usd
    assert record.saved_usd
    assert record.usage.tokens_input == 0
    assert [each.outcome for each in record.attempts] == ["cached"]


@pytest.mark.parametrize(
    "other",
    [
        {"text": "Name two dogs."},
        {"given": {"temperature": 0.9}},
        {"given": {"max_tokens": 7}},
        {"extra": {"seed": 4}},
        {"schema": SCHEMA},
    ],
)
def test_whatever_the_answer_follows_from_is_in_the_key(ask, simulator, other):
    client.generate(ask())
    assert not client.generate(ask(**other)).record.cache_hit
    assert simulator.requests == 2


def test_a_cached_answer_is_parsed_again(ask):
    first, second = client.generate(ask(schema=SCHEMA)), client.generate(ask(schema=SCHEMA))
    assert second.record.cache_hit
    assert second.parsed == first.parsed


def test_other_processes_share_the_answers(callers, simulator):
    variables = {"LLM_CACHE_ENABLED": "true"}
    order = {"processes": 1, "calls": 1, "in_flight": 1, "text": "The same."}
    (first,) = callers(variables, **order).results()
    (second,) = callers(variables, **order).results()
    assert (first["hits"], second["hits"]) == (0, 1)
    assert simulator.requests == 1
    assert Decimal(second["saved"]) == Decimal(first["cost"])


def test_answers_that_are_shared_in_one_message_stay_apart(ask, simulator):
    texts = (
        "Name a dog.",
        "Name two dogs: \u201cBella\u201d \U0001f436.",
        "Name three dogs, please.",
    )

    async def all_of_them():
        return await asyncio.gather(*(client.agenerate(ask(text=each)) for each in texts))

    made = background_loop.run(all_of_them())
    background_loop.run(told_to_redis())
    local_cache.local.clear()
    again = background_loop.run(all_of_them())
    assert [each.text for each in again] == [each.text for each in made]
    assert all(each.record.cache_hit for each in again)
    assert simulator.requests == len(texts)


def test_identical_calls_at_the_same_time_share_one_request(ask, simulator):
    simulator.control(latency_ms=100)

    async def calls():
        return await asyncio.gather(*(client.agenerate(ask()) for _ in range(10)))

    made = asyncio.run(calls())
    assert simulator.requests == 1
    assert sum(each.record.cache_hit for each in made) == 9


def test_identical_calls_that_fail_are_each_told_so(ask, simulator):
    simulator.fail(status=400)

    async def calls():
        return await asyncio.gather(
            *(client.agenerate(ask()) for _ in range(4)), return_exceptions=True
        )

    ends = asyncio.run(calls())
    assert all(isinstance(each, GenerationFailed) for each in ends)
    simulator.plan()
    assert not client.generate(ask()).record.cache_hit


def test_failures_and_cut_answers_are_not_kept(ask, simulator):
    simulator.fail(garbage="not_json")
    with pytest.raises(AnswerInvalid):
        client.generate(ask(schema=SCHEMA))
    simulator.plan()
    assert not client.generate(ask(schema=SCHEMA)).record.cache_hit
    short = {"text": "Tell me a long story about many dogs.", "given": {"max_tokens": 2}}
    assert client.generate(ask(**short)).record.truncated
    assert not client.generate(ask(**short)).record.cache_hit


def test_a_forced_call_is_answered_anew_and_kept(ask, simulator):
    client.generate(ask())
    assert not client.generate(ask(use_cache=False)).record.cache_hit
    assert client.generate(ask()).record.cache_hit
    assert simulator.requests == 2


def test_answers_are_bounded_in_number_and_time(ask, simulator, settings):
    client.generate(ask("before"))  # its write is still to come when the bounds change
    settings.LLM_ENVIRONMENT = {
        **settings.LLM_ENVIRONMENT,
        "LLM_CACHE_MAX_SIZE": 2,
        "LLM_CACHE_SHARED_SIZE": 3,
    }
    for number in range(6):
        client.generate(ask(f"{number}"))
    background_loop.run(told_to_redis())
    told = background_loop.run(response_cache.statistics())
    assert (told.process_size, told.size) == (2, 3)


def test_clearing_reaches_other_processes(ask, simulator):
    client.generate(ask())
    background_loop.run(told_to_redis())
    asyncio.run(
        response_cache.clear()
    )  # as another process would: this one's loop learns it from Redis
    assert not client.generate(ask()).record.cache_hit
    assert simulator.requests == 2


def test_statistics_count_hits_and_what_they_saved(ask):
    first = client.generate(ask()).record
    client.generate(ask())
    client.generate(ask())
    background_loop.run(told_to_redis())
    told = background_loop.run(response_cache.statistics())
    assert (told.hits, told.misses, told.total_requests) == (2, 1, 3)
    assert told.hit_rate == pytest.approx(2 / 3)
    assert first.cost_usd
    assert told.saved_usd == first.cost_usd * 2
    assert told.shared


def test_what_answers_of_unknown_cost_save_is_unknown(ask):
    ModelPrice.objects.all().delete()
    snapshot.expire()
    for _ in range(3):
        client.generate(ask())
    background_loop.run(told_to_redis())
    told = caller("viewer").get("/api/v1/llm/cache/stats").json()
    assert (told["hits"], told["unpriced_hits"], told["saved_usd"]) == (2, 2, None)


def test_without_redis_the_process_has_its_own(ask, simulator, settings):
    settings.REDIS_URL = "redis://127.0.0.1:1/0"

    async def calls():
        await client.agenerate(ask())
        return await client.agenerate(ask())

    assert asyncio.run(calls()).record.cache_hit
    assert simulator.requests == 1


def test_the_switch_turns_it_off(ask, simulator, settings):
    settings.LLM_ENVIRONMENT = {**settings.LLM_ENVIRONMENT, "LLM_CACHE_ENABLED": False}
    client.generate(ask())
    assert not client.generate(ask()).record.cache_hit
    assert simulator.requests == 2


def test_a_stream_is_answered_from_the_cache_too(ask, simulator):
    whole = client.generate(ask())

    async def heard():
        return [piece async for piece in client.astream(ask())]

    *pieces, last = asyncio.run(heard())
    assert "".join(each.text for each in pieces) == last.text == whole.text
    assert last.record.cache_hit
    assert simulator.requests == 1


def test_the_api_tells_how_it_does_and_clears_it(ask, simulator):
    client.generate(ask())
    client.generate(ask())
    background_loop.run(told_to_redis())
    viewer, operator = caller("viewer"), caller("operator")
    told = viewer.get("/api/llm/cache-stats").json()
    assert (told["enabled"], told["size"], told["hit_rate"]) == (True, 1, 0.5)
    assert told["total_requests"] == 2
    assert Decimal(told["saved_usd"]) > 0
    assert viewer.get("/api/v1/llm/cache/stats").json() == told
    assert operator.post("/api/v1/llm/cache/clear").json()["success"]
    assert viewer.get("/api/llm/cache-stats").json()["size"] == 0
    assert not client.generate(ask()).record.cache_hit


def test_many_looks_in_vain_make_it_look_more_rarely(ask, simulator):
    async def calls():
        for number in range(300):
            await client.agenerate(ask(f"{number}"), collect=lambda *_: None)
        desk = shared_cache.of_running_loop()
        assert desk.dry == 300
        await told_to_redis()
        local_cache.local.clear()
        return [
            (await client.agenerate(ask(f"{number}"), collect=lambda *_: None)).record.cache_hit
            for number in range(40)
        ]

    made = asyncio.run(calls())
    assert not made[0]
    assert all(made[20:])  # one look found something, and so all look again
