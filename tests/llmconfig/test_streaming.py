"""Streamed answers against the simulated provider over loopback HTTP."""

import asyncio

import pytest

from llmconfig import client
from llmconfig.client.errors import AnswerInvalid, GenerationExhausted, GenerationRefused
from llmconfig.client.types import ESTIMATED, Delta, Generation
from llmconfig.errors import LLMError
from llmconfig.models import ProviderModel
from tests.waiting import until

pytestmark = pytest.mark.django_db(transaction=True)

TOOL = {
    "type": "function",
    "function": {
        "name": "set_name",
        "parameters": {
            "type": "object",
            "properties": {"name": {"type": "string", "maxLength": 20}},
            "required": ["name"],
            "additionalProperties": False,
        },
    },
}
WIRES = {"openai": "gpt-4o-mini", "anthropic": "claude-haiku-4-5"}


@pytest.fixture
def records():
    return []


@pytest.fixture
def collect(records):
    return lambda record, texts: records.append((record, texts))


@pytest.fixture(params=WIRES)
def node(request, make_provider, make_node):
    model = WIRES[request.param]
    make_provider("sim", request.param, model_id=model)
    return make_node(f"sim/{model}")


def heard(call, collect):
    """All that the stream gives, and the error that ends it, if one does."""

    async def listen():
        pieces = []
        try:
            async for piece in client.astream(call, collect=collect):
                pieces.append(piece)  # noqa: PERF401 - what came before an error counts too
        except LLMError as error:
            return pieces, error
        finally:
            await client.aclose()
        return pieces, None

    return asyncio.run(listen())


def text_of(pieces):
    return "".join(each.text for each in pieces if isinstance(each, Delta))


def outcomes(record):
    return [(each.provider, each.outcome, each.moved_on) for each in record.attempts]


def test_the_pieces_make_the_answer_and_the_end_has_its_record(node, ask, collect, records):
    pieces, error = heard(ask("Say hello to all the dogs."), collect)
    assert error is None
    *deltas, last = pieces
    assert len(deltas) > 1
    assert isinstance(last, Generation)
    assert text_of(deltas) == last.text
    [(record, texts)] = records
    assert record is last.record
    assert texts.answer == last.text
    assert record.finish_reason == "stop"
    assert record.usage.tokens_input > 1
    assert record.usage.tokens_output > 1
    assert record.cost_usd > 0
    assert outcomes(record) == [("sim", "ok", "")]


def test_a_stream_says_the_same_as_a_whole_answer(node, ask, collect):
    whole = asyncio.run(client.agenerate(ask("Name one dog."), collect=collect))
    pieces, _ = heard(ask("Name one dog."), collect)
    assert pieces[-1].text == whole.text
    assert pieces[-1].record.usage == whole.record.usage
    assert pieces[-1].record.cost_usd == whole.record.cost_usd


def test_the_parts_of_a_tool_call_make_the_call(node, ask, collect):
    extra = {"tools": [TOOL], "tool_choice": {"type": "function", "function": {"name": "set_name"}}}
    pieces, error = heard(ask("Call it Rex.", extra=extra), collect)
    assert error is None
    [call] = pieces[-1].tool_calls
    assert call["function"]["name"] == "set_name"
    parts = [part for each in pieces[:-1] for part in each.tool_calls]
    assert {part["index"] for part in parts} == {0}
    assert parts[0]["id"] == call["id"]
    told = "".join(part["function"].get("arguments", "") for part in parts)
    assert told == call["function"]["arguments"]


@pytest.mark.parametrize(
    "action", [{"status": 503}, {"disconnect": True}, {"garbage": "html"}, {"garbage": "empty"}]
)
def test_what_fails_before_the_first_piece_is_tried_again(
    node, ask, simulator, collect, records, action
):
    simulator.fail_first(1, **action)
    pieces, error = heard(ask(), collect)
    assert error is None
    assert len(records) == 1
    assert [each.moved_on for each in pieces[-1].record.attempts] == ["retry", ""]
    assert text_of(pieces[:-1]) == pieces[-1].text


def test_before_the_first_piece_another_target_may_serve(
    make_provider, make_node, ask, simulator, collect
):
    make_provider()
    make_provider("backup", "anthropic", model_id="claude-haiku-4-5")
    make_node("sim/gpt-4o-mini", "backup/claude-haiku-4-5")
    simulator.plan({"model": "gpt-*", "action": {"status": 401}})
    pieces, error = heard(ask(), collect)
    assert error is None
    assert outcomes(pieces[-1].record) == [("sim", "http_401", "fallback"), ("backup", "ok", "")]


def test_a_cut_after_the_first_piece_ends_the_call(
    make_provider, make_node, ask, simulator, collect, records
):
    make_provider()
    make_provider("backup", "anthropic", model_id="claude-haiku-4-5")
    make_node("sim/gpt-4o-mini", "backup/claude-haiku-4-5")
    simulator.fail(cut=0.7)
    pieces, error = heard(ask("A long enough sentence about dogs that like to run."), collect)
    assert isinstance(error, GenerationExhausted)
    assert text_of(pieces)
    [(record, texts)] = records
    assert error.record is record
    assert outcomes(record) == [("sim", "bad_reply", "")]
    assert record.error_code == "bad_reply"
    assert texts.answer == text_of(pieces)
    assert record.response_length == len(texts.answer)
    # It was billed, and nobody said how much: what came is counted.
    assert record.attempts[0].paid
    assert record.attempts[0].cost_source == ESTIMATED
    assert record.usage.output >= len(texts.answer) // 4
    assert record.cost_usd == record.attempts[0].estimated_usd > 0
    assert simulator.requests == 1


def test_a_refusal_comes_as_an_error(node, ask, simulator, collect, records):
    simulator.fail(status=400)
    pieces, error = heard(ask(), collect)
    assert isinstance(error, GenerationRefused)
    assert pieces == []
    assert len(records) == 1


def test_a_consumer_that_leaves_hangs_up_and_leaves_a_record(
    node, ask, simulator, collect, records
):
    simulator.fail(drip={"bytes": 20, "every_ms": 50})

    async def leave():
        stream = client.astream(ask("Speak slowly."), collect=collect)
        first = await anext(stream)
        await stream.aclose()
        return first.text

    text = asyncio.run(leave())
    until(lambda: simulator.stats()["paid_lost"])
    [(record, texts)] = records
    assert record.error_code == "cancelled"
    assert texts.answer.startswith(text)
    assert record.response_length == len(texts.answer)
    [attempt] = record.attempts
    assert attempt.paid
    assert attempt.cost_source == "estimated"
    assert attempt.estimated_usd is not None
    assert attempt.estimated_usd > 0
    assert "counted by what" in attempt.detail
    assert record.usage.input > 0
    assert record.usage.output >= len(text) // 4
    assert record.cost_usd == attempt.estimated_usd
    assert simulator.stats()["paid_lost"] == 1


def test_a_model_that_cannot_stream_is_told_at_once(make_provider, make_node, ask, collect):
    make_provider()
    ProviderModel.objects.update(supports_streaming=False)
    make_node("sim/gpt-4o-mini")
    pieces, error = heard(ask(), collect)
    assert error is None
    assert len(pieces) == 2
    assert pieces[0].text == pieces[1].text


def test_a_streamed_answer_is_held_to_its_schema(node, ask, collect):
    schema = {
        "type": "object",
        "properties": {"name": {"type": "string", "maxLength": 20}},
        "required": ["name"],
        "additionalProperties": False,
    }
    pieces, error = heard(ask(schema=schema), collect)
    assert error is None
    assert set(pieces[-1].parsed) == {"name"}


def test_a_streamed_answer_that_breaks_its_schema_is_not_repaired(
    node, ask, simulator, collect, records
):
    simulator.fail(garbage="truncated_content")
    schema = {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}
    _, error = heard(ask(schema=schema), collect)
    assert isinstance(error, AnswerInvalid)
    assert simulator.requests == 1
    assert len(records) == 1


def test_a_silent_provider_is_left_after_its_timeout(
    make_provider, make_node, ask, simulator, collect
):
    make_provider(timeout_seconds=0.2)
    make_node("sim/gpt-4o-mini")
    simulator.fail_first(1, delay_ms=2000)
    pieces, error = heard(ask(), collect)
    assert error is None
    assert outcomes(pieces[-1].record)[0] == ("sim", "timeout", "retry")


def test_a_slow_consumer_gets_everything(node, ask, collect):
    async def listen():
        pieces = []
        async for piece in client.astream(ask("word " * 900), collect=collect):
            await asyncio.sleep(0)
            pieces.append(piece)
        await client.aclose()
        return pieces

    pieces = asyncio.run(listen())
    assert len(pieces) > 64  # more than wait for a slow consumer
    assert text_of(pieces[:-1]) == pieces[-1].text
