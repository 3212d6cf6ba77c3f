"""Any answer, in any form and cut at any byte, says the same whole and streamed."""

import json

import pytest
from hypothesis import HealthCheck, example, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from llmconfig.client.types import Generation
from tests.llmconfig.scripted import (
    DONE,
    USAGE,
    asked,
    calls_in,
    completion,
    event,
    scripted_server,
    streamed,
)

pytestmark = pytest.mark.django_db(transaction=True)

WORDS = st.text(
    st.sampled_from("ab <>/{}\"'\n\r`:é漢😀think"), min_size=0, max_size=24
)  # characters that tags, JSON and events are made of
REASONS = st.sampled_from(["stop", "length", "content_filter", "pause_turn", "weird", None])
ARGUMENTS = st.dictionaries(
    st.sampled_from(["a", "b", "ü"]), st.one_of(st.integers(0, 9), WORDS), max_size=2
)
# What the whole answer tells as well: one that tells no usage is counted in another way.
USED = event({"choices": [], "usage": USAGE})
THOUGHT = {"reasoning_content": "Hm."}


@pytest.fixture(scope="module")
def server():
    with scripted_server() as script:
        yield script


@pytest.fixture
def node(server, make_provider, make_node, settings):
    settings.LLM_ENVIRONMENT = {
        **settings.LLM_ENVIRONMENT, "LLM_COOLDOWN_FAILURES": 0, "LLM_RETRY_MAX_ATTEMPTS": 1,
    }  # fmt: skip
    make_provider("p", "custom", model_id="m", api_base_url=f"{server.url}/v1")
    return make_node("p/m")


@st.composite
def answers(draw):
    """A message in one of the forms, its deltas, its reason, and the bytes of its stream."""
    text, thought = draw(WORDS), draw(WORDS)
    form = draw(st.sampled_from(["none", "tags", "field", "details", "parts"]))
    message, deltas = _spoken(form, thought, text, draw(st.integers(0, len(text))))
    calls = [_call(draw, at) for at in range(draw(st.integers(0, 3)))]
    if calls:
        message["tool_calls"] = [json.loads(json.dumps(each)) for each in calls]
        deltas += _call_deltas(calls, draw)
    reason = draw(REASONS)
    stream = _bytes(draw, deltas, reason)
    cuts = sorted(draw(st.lists(st.integers(0, len(stream)), max_size=30)))
    pieces = [stream[a:b] for a, b in zip([0, *cuts], [*cuts, len(stream)], strict=True) if b > a]
    return message, reason, pieces


def _spoken(form, thought, text, at):
    if form == "tags":
        whole = f"<think>{thought}</think>{text}"
        place = min(len(whole), at + 3)
        return {"content": whole}, [{"content": whole[:place]}, {"content": whole[place:]}]
    halves = [{"content": text[:at]}, {"content": text[at:]}]
    if form == "none":
        return {"content": text}, halves
    if form == "parts":
        part = {"type": "thinking", "thinking": [{"type": "text", "text": thought}]}
        parts = [{"type": "text", "text": text}]
        return {"content": [part, *parts]}, [{"content": [part]}, *halves]
    if form == "details":
        detail = [{"type": "reasoning.text", "text": thought, "index": 0}]
        said = {"reasoning_details": detail, "reasoning": thought}
        return {"content": text, **said}, [said, *halves]
    return {"content": text, "reasoning_content": thought}, [
        {"reasoning_content": thought},
        *halves,
    ]


def _call(draw, at):
    arguments = draw(ARGUMENTS)
    function = {"name": draw(st.sampled_from(["sit", "run"]))}
    form = draw(st.sampled_from(["text", "object", "missing"]))
    if form != "missing":
        function["arguments"] = json.dumps(arguments) if form == "text" else arguments
    return {"id": f"call_{at}", "type": "function", "function": function}


def _call_deltas(calls, draw):
    """With indices, without, or with the same one for all; arguments at once or in two pieces."""
    style = draw(st.sampled_from(["proper", "none", "same"]))
    deltas = []
    for at, call in enumerate(calls):
        place = {"proper": {"index": at}, "none": {}, "same": {"index": 0}}[style]
        arguments = call["function"].get("arguments")
        if isinstance(arguments, str) and draw(st.booleans()):
            half = draw(st.integers(0, len(arguments)))
            first = {**call, "function": {**call["function"], "arguments": arguments[:half]}}
            rest = {**place, "function": {"arguments": arguments[half:]}}
            deltas += [{"tool_calls": [place | first]}, {"tool_calls": [rest]}]
        else:
            deltas.append({"tool_calls": [place | call]})
    return deltas


def _bytes(draw, deltas, reason):
    lines = [event({"choices": [{"index": 0, "delta": each}]}) for each in deltas]
    if reason is not None:
        lines.append(event({"choices": [{"index": 0, "delta": {}, "finish_reason": reason}]}))
    stream = b"".join([*lines, USED, DONE])
    newline = draw(st.sampled_from([b"\n", b"\r\n", b"\r"]))
    mark = draw(st.sampled_from([b"", b"\xef\xbb\xbf"]))
    return mark + stream.replace(b"\n", newline)


def seen(made):
    if not isinstance(made, Generation):
        return [each.detail for each in made.record.attempts[-1:]]
    calls = [(each["id"], each["function"]) for each in made.tool_calls]
    thoughts = "".join(each.text for each in made.thoughts)
    return made.text, thoughts, calls, made.record.finish_reason, made.native_finish_reason


@hypothesis_settings(
    max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(answers())
@example(({"content": ""}, None, [USED, DONE]))
@example(({"content": " "}, None, [event({"choices": [{"delta": {"content": " "}}]}), USED, DONE]))
@example(({"content": "", **THOUGHT}, None, [event({"choices": [{"delta": THOUGHT}]}), USED, DONE]))
def test_any_answer_says_the_same_whole_and_streamed_at_every_cut(server, node, ask, answer):
    message, reason, pieces = answer
    server.tell(completion(message, reason), pieces)
    whole = asked(ask())
    deltas, made = streamed(ask())
    assert seen(made) == seen(whole)
    if isinstance(made, Generation):
        assert calls_in(deltas) == [
            (each["id"], each["function"]["name"], each["function"]["arguments"])
            for each in whole.tool_calls
        ]
        if "think>" not in whole.text and not _closed_alone(message):
            assert "".join(each.text for each in deltas) == whole.text


def _closed_alone(message):
    """Then what stood before the tag has passed as text by the time that it comes."""
    content = message["content"]
    begins = isinstance(content, str) and content.lstrip().startswith("<think>")
    return isinstance(content, str) and "</think>" in content and not begins
