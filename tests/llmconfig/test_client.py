"""Calls against the simulated provider over loopback HTTP."""

import asyncio
import datetime as dt
import os
import threading
from decimal import Decimal
from email.utils import format_datetime

import pytest

from llmconfig import client
from llmconfig.client.errors import AnswerInvalid, GenerationExhausted, GenerationRefused
from llmconfig.client.http import background_loop
from llmconfig.client.recording import recorders
from llmconfig.client.types import Usage
from llmconfig.configuration import snapshot
from llmconfig.errors import CallsDisabled, UnknownNode
from llmconfig.models import LLMConfig, ModelPrice

pytestmark = pytest.mark.django_db

SCHEMA = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "age": {"type": "integer", "minimum": 0}},
    "required": ["name", "age"],
    "additionalProperties": False,
}


@pytest.fixture
def records():
    """What the caller collects."""
    return []


@pytest.fixture
def collect(records):
    return lambda record, texts: records.append((record, texts))


@pytest.fixture
def node(make_provider, make_node):
    make_provider()
    return make_node("sim/gpt-4o-mini")


@pytest.fixture
def two_targets(make_provider, make_node):
    """A first target, and a second one of the other wire."""
    make_provider()
    make_provider("backup", "anthropic", model_id="claude-haiku-4-5")
    return make_node("sim/gpt-4o-mini", "backup/claude-haiku-4-5")


def outcomes(record):
    return [(each.provider, each.outcome, each.moved_on) for each in record.attempts]


def test_an_answer_comes_with_the_plain_facts_of_its_call(node, ask, simulator, collect, records):
    made = client.generate(ask("Say hello."), collect=collect)
    assert "[sim:" in made.text
    record, texts = records.pop()
    assert record is made.record
    assert (record.provider, record.model, record.node) == ("sim", "gpt-4o-mini", "tag_rows")
    assert record.interaction_type == "reasoning"
    assert record.finish_reason == "stop"
    assert not record.truncated
    assert record.error_code == ""
    assert record.usage.input == simulator.stats()["tokens"]["input"]
    spent = record.usage
    assert record.cost_usd == Decimal(spent.input) / 10**6 + Decimal(spent.output) / 10**5
    assert record.attempts[0].request_id
    assert record.attempts[0].paid
    assert record.response_length == len(made.text)
    assert record.prompt_length == len("Say hello.")
    assert texts.prompt == "Say hello."
    assert texts.answer == made.text


def test_a_record_goes_to_the_registered_recorder_in_the_callers_thread(node, ask):
    seen = []

    def recorder(record, texts):
        seen.append((record, threading.current_thread()))

    held = list(recorders._recorders)
    recorders.register(recorder)
    try:
        made = client.generate(ask())
    finally:
        recorders._recorders[:] = held
    assert [(made.record, threading.current_thread())] == seen


@pytest.mark.parametrize(
    ("action", "outcome"),
    [
        ({"status": 408}, "http_408"),
        ({"status": 409}, "http_409"),
        ({"status": 425}, "http_425"),
        ({"status": 429}, "http_429"),
        ({"status": 500}, "http_500"),
        ({"status": 503, "body": "html"}, "http_503"),
        ({"status": 529}, "http_529"),
        ({"disconnect": True}, "connection"),
        ({"cut": 0.5}, "bad_reply"),
        ({"garbage": "truncated_body"}, "bad_reply"),
        ({"garbage": "wrong_types"}, "bad_reply"),
        ({"garbage": "no_choices"}, "bad_reply"),
        ({"garbage": "html"}, "bad_reply"),
        ({"garbage": "empty"}, "bad_reply"),
        ({"garbage": "deep"}, "bad_reply"),
    ],
)
def test_what_may_pass_is_tried_again(node, ask, simulator, action, outcome):
    simulator.fail_first(2, **action)
    record = client.generate(ask()).record
    again = ("sim", outcome, "retry")
    assert outcomes(record) == [again, again, ("sim", "ok", "")]
    assert simulator.requests == 3


@pytest.mark.parametrize("garbage", ["truncated_body", "wrong_types", "html", "deep"])
def test_garbage_in_anthropics_shape_is_tried_again(
    make_provider, make_node, ask, simulator, garbage
):
    make_provider("a", "anthropic", model_id="claude-haiku-4-5")
    make_node("a/claude-haiku-4-5")
    simulator.fail_first(1, garbage=garbage)
    assert outcomes(client.generate(ask()).record)[0] == ("a", "bad_reply", "retry")


@pytest.mark.parametrize(
    ("action", "outcome"),
    [
        ({"status": 400}, "http_400"),
        ({"status": 401}, "http_401"),
        ({"status": 403}, "http_403"),
        ({"status": 404}, "http_404"),
        ({"status": 413}, "http_413"),
        ({"status": 422}, "http_422"),
        ({"status": 402}, "quota_exhausted"),
        ({"status": 429, "code": "insufficient_quota"}, "quota_exhausted"),
        ({"status": 302, "location": "http://127.0.0.1:9/"}, "http_302"),
    ],
)
def test_what_can_not_pass_is_asked_once_only(node, ask, simulator, action, outcome):
    simulator.fail(**action)
    with pytest.raises(GenerationRefused) as raised:
        client.generate(ask())
    assert outcomes(raised.value.record) == [("sim", outcome, "")]
    assert raised.value.record.error_code == outcome
    assert raised.value.record.cost_usd == 0
    assert simulator.requests == 1


def test_attempts_end_at_their_number(node, ask, simulator, settings):
    settings.LLM_ENVIRONMENT = {**settings.LLM_ENVIRONMENT, "LLM_RETRY_MAX_ATTEMPTS": 4}
    simulator.fail(status=500)
    with pytest.raises(GenerationExhausted, match=r"sim/gpt-4o-mini: http_500") as raised:
        client.generate(ask())
    assert len(raised.value.record.attempts) == simulator.requests == 4


def test_a_fallback_serves_and_the_record_says_why(two_targets, ask, simulator):
    simulator.plan({"model": "gpt-*", "action": {"status": 503, "message": "Overloaded today."}})
    record = client.generate(ask()).record
    assert outcomes(record) == [
        ("sim", "http_503", "retry"),
        ("sim", "http_503", "retry"),
        ("sim", "http_503", "fallback"),
        ("backup", "ok", ""),
    ]
    assert record.attempts[2].detail == "Overloaded today."
    assert (record.provider, record.model) == ("backup", "claude-haiku-4-5")
    assert record.error_code == ""


@pytest.mark.parametrize(
    ("action", "outcome"),
    [
        ({"status": 400}, "http_400"),
        ({"status": 401}, "http_401"),
        ({"status": 403}, "http_403"),
        ({"status": 404}, "http_404"),
        ({"status": 429, "code": "insufficient_quota"}, "quota_exhausted"),
    ],
)
def test_after_a_refusal_the_second_serves_at_once(two_targets, ask, simulator, action, outcome):
    simulator.plan({"model": "gpt-*", "action": {**action, "message": "Not for you."}})
    record = client.generate(ask()).record
    assert outcomes(record) == [("sim", outcome, "fallback"), ("backup", "ok", "")]
    assert record.attempts[0].detail == "Not for you."
    assert simulator.stats()["by_model"] == {"gpt-4o-mini": 1, "claude-haiku-4-5": 1}


def test_attempts_times_targets_is_the_most(two_targets, ask, simulator):
    simulator.fail(status=429)
    with pytest.raises(GenerationExhausted):
        client.generate(ask())
    assert simulator.requests == 6


@pytest.mark.parametrize("status", [400, 401, 403, 404])
def test_each_target_is_asked_once_where_all_refuse(two_targets, ask, simulator, status):
    simulator.fail(status=status)
    with pytest.raises(GenerationRefused):
        client.generate(ask())
    assert simulator.stats()["by_model"] == {"gpt-4o-mini": 1, "claude-haiku-4-5": 1}


def test_a_call_may_be_tried_later_if_any_target_failed_in_passing(two_targets, ask, simulator):
    simulator.plan(
        {"model": "gpt-*", "action": {"status": 503}},
        {"model": "claude-*", "action": {"status": 401}},
    )
    with pytest.raises(GenerationExhausted):
        client.generate(ask())


# Waiting


def test_retry_after_is_honoured(node, ask, simulator):
    simulator.fail_first(1, status=429, retry_after="0.3")
    record = client.generate(ask()).record
    assert record.attempts[0].retry_after_s == 0.3
    assert record.latency_ms >= 300


def test_retry_after_as_a_date_is_understood(node, ask, simulator):
    moment = dt.datetime.now(dt.UTC) - dt.timedelta(seconds=30)
    simulator.fail_first(1, status=503, retry_after=format_datetime(moment, usegmt=True))
    assert client.generate(ask()).record.attempts[0].retry_after_s == 0


@pytest.mark.parametrize("asked", ["3600", "inf", "1e400"])
def test_a_target_that_asks_for_too_long_is_left_at_once(two_targets, ask, simulator, asked):
    simulator.plan({"model": "gpt-*", "action": {"status": 429, "retry_after": asked}})
    record = client.generate(ask()).record
    assert outcomes(record) == [("sim", "http_429", "fallback"), ("backup", "ok", "")]


@pytest.mark.parametrize("asked", ["-5", "nan", "soon", "Wed, 99 Foo"])
def test_a_wait_that_means_nothing_is_ignored(node, ask, simulator, asked):
    simulator.fail_first(1, status=429, retry_after=asked)
    assert client.generate(ask()).record.attempts[0].retry_after_s is None


def test_one_request_ends_at_the_providers_timeout(make_provider, make_node, ask, simulator):
    make_provider(timeout_seconds=0.2)
    make_node("sim/gpt-4o-mini")
    simulator.fail_first(1, delay_ms=3000)
    assert outcomes(client.generate(ask()).record)[0] == ("sim", "timeout", "retry")


def test_a_drip_ends_at_the_providers_timeout(make_provider, make_node, ask, simulator):
    make_provider(timeout_seconds=0.3)
    make_node("sim/gpt-4o-mini")
    simulator.fail_first(1, drip={"bytes": 1, "every_ms": 50})
    assert outcomes(client.generate(ask()).record)[0] == ("sim", "timeout", "retry")


def test_the_deadline_bounds_all_attempts_and_fallbacks(two_targets, ask, simulator, settings):
    settings.LLM_ENVIRONMENT = {**settings.LLM_ENVIRONMENT, "LLM_DEADLINE_SECONDS": 0.4}
    simulator.plan(
        {"model": "gpt-*", "action": {"status": 503}},
        {"model": "claude-*", "action": {"delay_ms": 5000}},
    )
    with pytest.raises(GenerationExhausted, match=r"no answer within 0.4 s") as raised:
        client.generate(ask())
    record = raised.value.record
    assert record.error_code == "deadline"
    assert outcomes(record)[-1] == ("backup", "deadline", "")
    assert record.latency_ms < 2000


def test_no_wait_goes_past_the_deadline(two_targets, ask, simulator, settings):
    settings.LLM_ENVIRONMENT = {
        **settings.LLM_ENVIRONMENT,
        "LLM_DEADLINE_SECONDS": 2.0,
        "LLM_RETRY_MAX_DELAY": 60.0,
    }
    simulator.plan({"model": "gpt-*", "action": {"status": 429, "retry_after": "30"}})
    record = client.generate(ask()).record
    assert outcomes(record) == [("sim", "http_429", "fallback"), ("backup", "ok", "")]
    assert record.latency_ms < 1000


def test_a_cancelled_call_leaves_a_record(node, ask, simulator, collect, records):
    snap = snapshot.current()
    simulator.fail(delay_ms=5000)

    async def give_up():
        assert await snapshot.acurrent() is snap
        task = asyncio.create_task(client.agenerate(ask(), collect=collect))
        await asyncio.sleep(0.2)
        task.cancel()
        await asyncio.wait([task])
        assert task.cancelled()

    asyncio.run(give_up())
    assert records[0][0].error_code == "cancelled"
    assert outcomes(records[0][0]) == [("sim", "cancelled", "")]


def test_a_call_that_breaks_off_before_its_first_request_raises_why(
    node, ask, known_configuration, collect, records
):
    def broken() -> bool:
        raise LookupError("why")

    with pytest.raises(LookupError, match="why"):
        asyncio.run(client.agenerate(ask(), collect=collect, before_send=broken))
    assert records[0][0].attempts == ()


# Usage and money


@pytest.mark.parametrize(
    ("provider_type", "model_id"), [("openai", "gpt-4o-mini"), ("anthropic", "claude-haiku-4-5")]
)
def test_both_wires_give_the_same_disjoint_buckets(
    make_provider, make_node, ask, simulator, provider_type, model_id
):
    provider = make_provider("p", provider_type, model_id=model_id)
    ModelPrice.objects.update(cached_input_per_1m="0.1", cache_write_per_1m="1.25")
    snapshot.expire()
    make_node(f"p/{model_id}")
    simulator.control(cached_tokens=40, cache_creation_tokens=10, reasoning_tokens=7)
    record = client.generate(ask("word " * 80)).record
    usage = record.usage
    assert provider.provider_type == provider_type
    assert usage == Usage(
        input=50, cached_input=40, cache_write=10, output=usage.output, reasoning=7
    )
    assert usage.tokens_input == 100
    stats = simulator.stats()["tokens"]
    assert usage.tokens_output == stats["output"]
    million = Decimal(1_000_000)
    expected = 50 + 40 * Decimal("0.1") + 10 * Decimal("1.25") + 10 * usage.tokens_output
    assert record.cost_usd == expected / million


@pytest.mark.parametrize("garbage", ["negative_usage", "nan"])
def test_absurd_usage_counts_nothing_and_its_cost_is_unknown(node, ask, simulator, garbage):
    simulator.fail(garbage=garbage)
    record = client.generate(ask()).record
    assert record.usage == Usage()
    assert record.cost_usd is None
    assert not record.attempts[0].paid


def test_a_cost_that_the_provider_reports_wins(make_provider, make_node, ask, simulator):
    make_provider("or", "openrouter", model_id="any/model", price=None)
    make_node("or/any/model")
    simulator.control(usage_cost=0.00125)
    assert client.generate(ask()).record.cost_usd == Decimal("0.00125")


def test_an_unknown_price_is_an_unknown_cost(make_provider, make_node, ask):
    make_provider(price=None)
    make_node("sim/gpt-4o-mini")
    assert client.generate(ask()).record.cost_usd is None


def test_the_length_of_the_answer_is_bounded_and_said(node, ask):
    made = client.generate(ask("word " * 200, given={"max_tokens": 5}))
    assert len(made.text) == 20
    assert made.record.finish_reason == "length"
    assert made.record.truncated


@pytest.mark.parametrize(
    "extra",
    [
        {"n_predict": 5},
        {"max_new_tokens": 5, "n_predict": 90},
        {"options": {"num_predict": 5, "top_k": 3}},
        {"max_completion_tokens": 5, "max_tokens": -1},
    ],
)
def test_a_limit_under_another_name_is_the_limit(node, ask, extra):
    made = client.generate(ask("word " * 200, given={"max_tokens": 50}, extra=extra))
    assert (len(made.text), made.record.finish_reason) == (20, "length")


def test_no_other_name_lifts_the_limit(node, ask):
    for extra in ({"n_predict": -1}, {"n_predict": 900}, {"options": {"num_predict": 900}}):
        made = client.generate(ask("word " * 200, given={"max_tokens": 5}, extra=extra))
        assert (len(made.text), made.record.finish_reason) == (20, "length")


# Structured answers


@pytest.mark.parametrize(
    ("provider_type", "model_id", "own"),
    [
        ("openai", "gpt-4o-mini", True),
        ("openai", "gpt-4o-mini", False),
        ("anthropic", "claude-haiku-4-5", True),
    ],
)
def test_a_schema_is_obeyed(make_provider, make_node, ask, provider_type, model_id, own):
    make_provider("p", provider_type, model_id=model_id, schema=own)
    make_node(f"p/{model_id}")
    made = client.generate(ask(schema=SCHEMA))
    assert set(made.parsed) == {"name", "age"}


@pytest.mark.parametrize("garbage", ["truncated_content", "not_json"])
def test_an_answer_that_breaks_the_schema_is_repaired_once(node, ask, simulator, garbage):
    simulator.fail_first(1, garbage=garbage)
    made = client.generate(ask(schema=SCHEMA))
    assert made.parsed["name"]
    record = made.record
    assert outcomes(record) == [("sim", "invalid_answer", "repair"), ("sim", "ok", "")]
    assert all(each.paid for each in record.attempts)
    assert record.usage.tokens_output == simulator.stats()["tokens"]["output"]
    assert record.cost_usd == sum(each.cost_usd or 0 for each in record.attempts)


def test_an_answer_that_stays_wrong_is_an_error(node, ask, simulator):
    simulator.fail(garbage="not_json")
    with pytest.raises(AnswerInvalid) as raised:
        client.generate(ask(schema=SCHEMA))
    assert simulator.requests == 2
    assert raised.value.record.cost_usd


def test_the_model_is_told_what_was_wrong(node, ask, simulator):
    simulator.plan({"text": "That answer is not usable: ", "action": {"status": 404}},
                   {"action": {"garbage": "not_json"}})  # fmt: skip
    with pytest.raises(GenerationRefused) as raised:
        client.generate(ask(schema=SCHEMA))
    assert [each.outcome for each in raised.value.record.attempts] == ["invalid_answer", "http_404"]


def test_tool_calls_have_one_shape_from_both_wires(make_provider, make_node, ask):
    make_provider()
    make_provider("ant", "anthropic", model_id="claude-haiku-4-5")
    make_node("sim/gpt-4o-mini")
    make_node("ant/claude-haiku-4-5", name="other")
    parameters = {"type": "object", "properties": {"dog": {"type": "string"}}, "required": ["dog"]}
    tools = [{"type": "function", "function": {"name": "adopt", "parameters": parameters}}]
    extra = {"tools": tools, "tool_choice": {"type": "function", "function": {"name": "adopt"}}}
    for node in ("tag_rows", "other"):
        made = client.generate(ask(node=node, extra=extra))
        assert made.tool_calls[0]["function"]["name"] == "adopt"
        assert '"dog"' in made.tool_calls[0]["function"]["arguments"]
        assert made.record.finish_reason == "tool_calls"


# Parameters


@pytest.mark.parametrize("version", ["", "2026-10-21"])
def test_what_anthropic_no_longer_takes_is_dropped_and_recorded(
    make_provider, make_node, ask, version
):
    make_provider("a", "anthropic", model_id="claude-haiku-4-5", api_version=version)
    make_node("a/claude-haiku-4-5", default_temperature=0.3)
    record = client.generate(ask(extra={"top_p": 0.5, "seed": 3})).record
    assert record.dropped_params == ("top_p", "seed", "temperature")


def test_anthropics_older_version_still_takes_a_temperature(make_provider, make_node, ask):
    make_provider("a", "anthropic", model_id="claude-haiku-4-5", api_version="2023-06-01")
    make_node("a/claude-haiku-4-5", default_temperature=0.3)
    assert client.generate(ask()).record.dropped_params == ()


def test_a_temperature_that_the_model_refuses_is_dropped(make_provider, make_node, ask):
    make_provider(temperature=False)
    make_node("sim/gpt-4o-mini", default_temperature=0.3)
    assert client.generate(ask()).record.dropped_params == ("temperature",)


def test_a_stream_can_not_be_asked_for_by_the_way(node, ask):
    made = client.generate(ask(extra={"stream": True, "stop": ["x"]}))
    assert made.text
    assert made.record.dropped_params == ("stream",)


def test_azure_is_asked_at_its_deployment(make_provider, make_node, ask, simulator):
    make_provider("az", "azure_openai", model_id="our-gpt", api_version="2024-10-21")
    make_node("az/our-gpt")
    client.generate(ask())
    assert "/openai/deployments/our-gpt/chat/completions" in simulator.stats()["by_path"]


@pytest.mark.parametrize("garbage", ["nul", "surrogate"])
def test_characters_that_no_database_stores_do_no_harm(node, ask, simulator, garbage):
    simulator.fail(garbage=garbage)
    text = client.generate(ask()).text
    assert "\0" not in text
    text.encode()


def test_half_an_emoji_in_a_prompt_does_no_harm(node, ask):
    assert client.generate(ask("half \ud83d of it \0")).text


# Switches and callers


def test_the_master_switch_stops_every_call(node, ask, simulator):
    LLMConfig.objects.update(enabled=False)
    snapshot.expire()
    with pytest.raises(CallsDisabled):
        client.generate(ask())
    assert simulator.requests == 0


def test_an_unknown_node_is_named(node, ask):
    with pytest.raises(UnknownNode, match="tag_rows"):
        client.generate(ask(node="tag_row"))


def test_threads_share_one_background_loop(node, known_configuration, ask, collect, records):
    threads = [
        threading.Thread(target=client.generate, args=(ask(),), kwargs={"collect": collect})
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [record.error_code for record, _ in records] == [""] * 8
    assert len([each for each in threading.enumerate() if each.name == "llm-calls"]) == 1


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")
def test_a_forked_child_gets_a_loop_of_its_own(node, known_configuration, ask, collect):
    client.generate(ask(), collect=collect)
    child = os.fork()
    if child == 0:
        status = 1
        try:
            client.generate(ask("From the child."), collect=collect)
            status = 0
        finally:
            os._exit(status)
    assert os.waitpid(child, 0)[1] == 0
    assert client.generate(ask("From the parent."), collect=collect).text


def test_waiting_for_oneself_is_refused(node, ask):
    async def inside():
        client.generate(ask())

    with pytest.raises(RuntimeError, match="agenerate"):
        background_loop.run(inside())


@pytest.mark.django_db(transaction=True)
def test_async_callers_on_any_loop_are_served(node, ask):
    for _ in range(2):
        assert asyncio.run(client.agenerate(ask())).text


@pytest.mark.django_db(transaction=True)
def test_a_switch_turned_off_ends_repeated_attempts(node, ask, simulator, settings):
    settings.LLM_ENVIRONMENT = {**settings.LLM_ENVIRONMENT, "LLM_RETRY_MAX_DELAY": 10.0}
    simulator.fail(status=429, retry_after="1.5")
    future = background_loop.submit(client.agenerate(ask()))
    while simulator.requests == 0:
        pass
    LLMConfig.objects.update(enabled=False)
    with pytest.raises(GenerationRefused, match="switched off"):
        future.result(10)
    assert simulator.requests == 1
