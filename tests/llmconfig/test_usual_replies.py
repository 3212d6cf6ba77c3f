"""The short way of reading a usual reply and the general one say the same of every reply."""

from contextlib import suppress
from typing import Any

from hypothesis import HealthCheck, example, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from llmconfig.client.wire import BadReply
from llmconfig.client.wire.errors import error_in
from llmconfig.client.wire.openai import OpenAIWire
from llmconfig.client.wire.openai_answers import read_answer
from llmconfig.client.wire.usual_reply import usual_reply

USUAL = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "created": 1_767_225_600,
    "model": "m",
    "choices": [
        {
            "index": 0,
            "message": {"role": "assistant", "content": "Rex likes cats.", "refusal": None},
            "logprobs": None,
            "finish_reason": "stop",
        }
    ],
    "usage": {
        "prompt_tokens": 9,
        "completion_tokens": 4,
        "total_tokens": 13,
        "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": 0},
    },
    "service_tier": "default",
}
# What stands in one of the places of a reply instead, or nothing.
PLACES = (
    ("service_tier",), ("object",), ("error",), ("base_resp",), ("usage",), ("choices",),
    ("usage", "prompt_tokens"), ("usage", "completion_tokens"), ("usage", "total_tokens"),
    ("usage", "cost"), ("usage", "reasoning_tokens"), ("usage", "prompt_tokens_details"),
    ("usage", "completion_tokens_details"), ("usage", "completion_tokens_details", "audio_tokens"),
    ("usage", "prompt_tokens_details", "cached_tokens"), ("choices", 0, "finish_reason"),
    ("choices", 0, "stop_reason"), ("choices", 0, "error"), ("choices", 0, "logprobs"),
    ("choices", 0, "message"), ("choices", 0, "message", "content"),
    ("choices", 0, "message", "refusal"), ("choices", 0, "message", "tool_calls"),
    ("choices", 0, "message", "function_call"), ("choices", 0, "message", "reasoning"),
    ("choices", 0, "message", "annotations"),
)  # fmt: skip
VALUES: st.SearchStrategy[Any] = st.sampled_from(
    [
        None, True, False, 0, 3, 9, -1, 4.0, 13, 10**12, "", "stop", "length", "error", "flex",
        "<think>Hm.</think>Yes.", "analysisHm.assistantfinalYes.", "Yes.</s>", "A\0b", " ",
        [], {}, ["x"], {"content": []}, {"code": 500},
        [{"type": "text", "text": "Yes."}], {"name": "f", "arguments": "{}"}, {"status_code": 5},
        [{"id": "1", "function": {"name": "f", "arguments": "{}"}}], {"cached_tokens": "0"},
    ]
)  # fmt: skip
CHANGES = st.lists(st.tuples(st.sampled_from(PLACES), VALUES), max_size=3)

ON_A_BUSY_MACHINE = hypothesis_settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


@ON_A_BUSY_MACHINE
@given(CHANGES)
@example([])
@example([(("usage", "prompt_tokens_details"), None)])
@example([(("service_tier",), None)])
@example([(("object",), "error")])
def test_what_the_short_way_reads_the_general_way_reads_in_the_same_words(changes):
    reply = _changed(changes)
    found = usual_reply(reply)
    if found is None:
        return
    assert error_in(reply, good=True) is None
    assert read_answer(reply) == found


def test_a_usual_reply_is_read_on_the_short_way():
    assert usual_reply(USUAL) is not None
    assert usual_reply(_changed([(("choices", 0, "finish_reason"), "length")])) is None


@ON_A_BUSY_MACHINE
@given(CHANGES)
def test_an_error_beside_an_answer_is_found_as_in_any_other_object(changes):
    reply = _changed(changes)
    found = error_in(reply, good=True)
    if "error" in reply and isinstance(reply["error"], dict) and any(reply["error"].values()):
        assert found is not None
    if found is not None:
        return
    with suppress(BadReply):  # no answer, but no error either
        OpenAIWire().read(reply)


def _changed(changes):
    reply = _copied(USUAL)
    for path, value in changes:
        place = reply
        for step in path[:-1]:
            try:
                place = place[step]
            except (KeyError, IndexError, TypeError):
                place = None
                break
        if isinstance(place, dict):
            place[path[-1]] = value
    return reply


def _copied(value):
    if isinstance(value, dict):
        return {name: _copied(each) for name, each in value.items()}
    return list(map(_copied, value)) if isinstance(value, list) else value
