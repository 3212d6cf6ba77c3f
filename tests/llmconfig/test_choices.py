"""Several answers to one request, old completions, log probabilities, marks for the cache."""

import json
import re
from contextlib import ExitStack
from decimal import Decimal
from typing import Any

import openai
import pytest
from openai.types.responses import Response

from llmconfig import client as llm_client
from llmconfig.secrets import MASK
from metrics.models import GenerationMetric
from tests.llmconfig.conftest import CANARY
from tests.llmconfig.test_responses import EVENTS, strictly
from tests.loopback import JSON, Loopback, loopback

pytestmark = pytest.mark.django_db(transaction=True)
HELLO: Any = [{"role": "user", "content": "Say hello."}]


def row(token: str, logprob: float = -0.5) -> JSON:
    other = {"token": "x", "logprob": -3.0, "bytes": [120]}
    said = {"token": token, "logprob": logprob, "bytes": list(token.encode())}
    return {**said, "top_logprobs": [said, other]}


def answering(tokens: list[str]) -> Any:
    """A provider that says these tokens, with their probabilities if it is asked for them."""

    def answer(body: JSON) -> Any:
        likely = bool(body.get("logprobs"))
        rows = [row(each) for each in tokens]
        usage = {"prompt_tokens": 9, "completion_tokens": 3, "total_tokens": 12}
        if not body.get("stream"):
            said = {"role": "assistant", "content": "".join(tokens)}
            choice: JSON = {"index": 0, "message": said, "finish_reason": "stop"}
            choice["logprobs"] = {"content": rows, "refusal": None} if likely else None
            return 200, {"choices": [choice], "usage": usage}
        events: list[JSON] = []
        for token, likely_row in zip(tokens, rows, strict=True):
            part: JSON = {"index": 0, "delta": {"content": token}, "logprobs": None}
            if likely:
                part["logprobs"] = {"content": [likely_row], "refusal": None}
            events.append({"choices": [part]})
        end = {"index": 0, "delta": {}, "finish_reason": "stop"}
        events.append({"choices": [end], "usage": usage})
        lines = [f"data: {json.dumps(each)}\n\n".encode() for each in events]
        return 200, (*lines, b"data: [DONE]\n\n")

    return answer


@pytest.fixture
def serve(make_provider, make_node):
    with ExitStack() as stack:

        def start(says: Any, kind: str = "custom", **fields: Any) -> Loopback:
            served = stack.enter_context(loopback(says))
            make_provider("p", kind, model_id="m", api_base_url=served.url, **fields)
            make_node("p/m")
            return served

        yield start


def client() -> Any:
    return llm_client.get_llm("tag_rows").openai()


def texts(events: Any, of: Any) -> dict[int, str]:
    found: dict[int, str] = {}
    for event in events:
        for choice in event.choices:
            found[choice.index] = found.get(choice.index, "") + (of(choice) or "")
    return found


def test_n_answers_are_asked_side_by_side_each_with_its_record(serve):
    served = serve(answering(["Fi", "ne."]))
    create = client().chat.completions.create
    for temperature in (0, 1):  # at 0 the cache would give one answer three times
        GenerationMetric.objects.all().delete()
        whole = create(model="x", messages=HELLO, n=3, temperature=temperature)
        assert [(each.index, each.message.content) for each in whole.choices] == [
            (at, "Fine.") for at in range(3)
        ]
        assert (whole.usage.prompt_tokens, whole.usage.completion_tokens) == (27, 9)
        rows = GenerationMetric.objects.all()
        assert len({each.correlation_id for each in rows}) == len(rows) == 3
        assert sum(each.tokens_total for each in rows) == 36
        first = whole.id.removeprefix("chatcmpl-")
        assert [each.session_id.hex for each in rows if each.session_id] == [first, first]
    # A server that passes over n is asked for the others, and not for several again.
    assert [each.get("n") for each in served.bodies] == [3, *[None] * 5]
    raw = client().chat.completions.with_raw_response.create(
        model="x", messages=HELLO, n=2, temperature=1
    )
    assert float(raw.headers["x-nodewise-cost-usd"]) == pytest.approx(2 * (9e-6 + 3e-5))
    for options, place in (({}, -1), ({"include_usage": True}, -1)):
        events = list(
            create(model="x", messages=HELLO, n=3, stream=True, stream_options=options or None)
        )
        assert texts(events, lambda choice: choice.delta.content) == dict.fromkeys(
            range(3), "Fine."
        )
        reasons = [choice.finish_reason for event in events for choice in event.choices]
        assert reasons.count("stop") == 3
        counted = [each.usage.total_tokens for each in events if each.usage]
        assert counted == [36]
        assert events[place].usage


CALL: JSON = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}


def several(body: JSON) -> Any:
    """A provider that gives as many answers as it is asked for, their pieces in turn."""
    said: list[JSON] = [
        {"content": "Fine."},
        {"content": "<think>Hm.</think>Good.", "annotations": [{"type": "note"}]},
        {"content": f"Key {CANARY}.", "tool_calls": [CALL]},
    ]
    answers = said[: body["n"]]
    usage = {"prompt_tokens": 9, "completion_tokens": 12, "total_tokens": 21}
    reasons = ["stop", "stop", "tool_calls"]
    if not body.get("stream"):
        choices = [
            {"index": at, "message": {"role": "assistant", **each}, "finish_reason": reasons[at]}
            for at, each in enumerate(answers)
        ]
        return 200, {"choices": choices, "usage": usage}
    events: list[JSON] = []
    for begin in range(0, 60, 4):
        for at, each in enumerate(answers):
            piece = each["content"][begin : begin + 4]
            if piece:
                events.append({"choices": [{"index": at, "delta": {"content": piece}}]})
    if len(answers) > 2:
        part = {"index": 2, "delta": {"tool_calls": [{"index": 0, **CALL}]}}
        events.append({"choices": [part]})
    ends: list[JSON] = [
        {"index": at, "delta": {}, "finish_reason": reasons[at]} for at in range(len(answers))
    ]
    events += [{"choices": ends}, {"choices": [], "usage": usage}]
    lines = [f"data: {json.dumps(each)}\n\n".encode() for each in events]
    return 200, (*lines, b"data: [DONE]\n\n")


def test_n_answers_come_in_one_request_of_a_target_that_gives_them(serve):
    served = serve(several)
    create = client().chat.completions.with_raw_response.create
    raw = create(model="x", messages=HELLO, n=3, temperature=1)
    whole = raw.parse()
    said = [each.message for each in whole.choices]
    assert [each.content for each in said] == ["Fine.", "Good.", f"Key {MASK}."]
    assert said[1].reasoning_content == "Hm."
    assert [each.type for each in said[1].annotations] == ["note"]
    assert said[2].tool_calls[0].function.name == "f"
    assert [each.finish_reason for each in whole.choices] == ["stop", "stop", "tool_calls"]
    assert [each.index for each in whole.choices] == [0, 1, 2]
    assert whole.usage.total_tokens == 21
    row = GenerationMetric.objects.get()
    assert (row.tokens_total, row.response_length) == (21, len(f"Fine.Good.Key {MASK}."))
    assert Decimal(raw.headers["x-nodewise-cost-usd"]) == row.cost_usd
    assert [each["n"] for each in served.bodies] == [3]
    GenerationMetric.objects.all().delete()
    events = list(
        client().chat.completions.create(model="x", messages=HELLO, n=3, temperature=1, stream=True)
    )
    found = texts(events, lambda choice: choice.delta.content)
    assert [found[0], found[1]] == ["Fine.", "Good."]
    assert re.fullmatch(rf"Key [{MASK}]+\.", found[2])
    choices = [choice for event in events for choice in event.choices]
    assert {each.index: each.finish_reason for each in choices if each.finish_reason} == {
        0: "stop", 1: "stop", 2: "tool_calls"
    }  # fmt: skip
    assert [each.usage.total_tokens for each in events if each.usage] == [21]
    assert GenerationMetric.objects.get().tokens_total == 21
    assert served.bodies[-1]["n"] == 3
    client().completions.create(model="x", prompt="Hi", n=2, temperature=1)
    assert served.bodies[-1]["n"] == 2


def test_a_stream_of_several_answers_that_is_cut_leaves_one_record_and_no_other_request(serve):
    _, lines = several({"n": 3, "stream": True})
    sent = b"".join(lines)
    ends = sent.index(b'"finish_reason"')  # from here on no answer is cut short
    cut: list[int] = [0]
    served = serve(lambda _: (200, (sent[: cut[0]],)))
    create = client().with_options(max_retries=0).chat.completions.create
    for at in range(sent.index(b"Fine") + 40, ends, 150):
        cut[0] = at
        GenerationMetric.objects.all().delete()
        before = len(served.bodies)
        with pytest.raises(openai.APIError):
            list(create(model="x", messages=HELLO, n=3, temperature=1, stream=True))
        assert len(served.bodies) == before + 1
        row = GenerationMetric.objects.get()
        assert row.error_code == "bad_reply"
        assert row.cost_usd is not None or row.tokens_total == 0
        assert row.response_length


def test_a_target_that_refuses_n_is_asked_side_by_side(serve):
    def answer(body: JSON) -> Any:
        if "n" in body:
            told = {"message": "'n' : number must be at most 1", "param": "n"}
            return 400, {"error": told}
        return answering(["Fine."])(body)

    served = serve(answer)
    for stream in (False, True):
        made = client().chat.completions.create(
            model="x", messages=HELLO, n=2, temperature=1, stream=stream
        )
        if stream:
            assert texts(made, lambda choice: choice.delta.content) == {0: "Fine.", 1: "Fine."}
        else:
            assert [each.message.content for each in made.choices] == ["Fine.", "Fine."]
    assert [each.get("n") for each in served.bodies] == [2, None, None, None, None]


def test_answers_that_must_obey_a_schema_are_asked_one_by_one(serve):
    served = serve(answering(['{"dog": "Rex"}']))
    schema = {"type": "object", "properties": {"dog": {"type": "string"}}, "required": ["dog"]}
    form: Any = {"type": "json_schema", "json_schema": {"name": "dog", "schema": schema}}
    made = client().chat.completions.create(
        model="x", messages=HELLO, n=2, temperature=1, response_format=form
    )
    assert [each.message.content for each in made.choices] == ['{"dog": "Rex"}'] * 2
    assert [each.get("n") for each in served.bodies] == [None, None]


def test_one_failing_choice_fails_the_request_and_ends_the_others(serve):
    asked: list[JSON] = []
    failing: list[bool] = []

    def answer(body: JSON) -> Any:
        asked.append(body)
        if len(asked) == 1 or failing:
            return 400, {"error": {"message": "Too hard."}}
        return answering(["Fine."])(body)

    serve(answer)
    with pytest.raises(openai.BadRequestError, match="Too hard"):
        client().chat.completions.create(model="x", messages=HELLO, n=3)
    failing.append(True)
    with pytest.raises(openai.BadRequestError, match="Too hard"):
        client().chat.completions.create(model="x", messages=HELLO, n=3)
    with pytest.raises(openai.BadRequestError, match="1 to 128"):
        client().chat.completions.create(model="x", messages=HELLO, n=129)


def test_log_probabilities_are_handed_on_whole_and_streamed(serve):
    served = serve(answering(["Fi", "ne."]))
    create = client().chat.completions.create
    asked = {"model": "x", "messages": HELLO, "logprobs": True, "top_logprobs": 2}
    for _ in range(2):  # the cache has no place for them
        rows = create(**asked, temperature=0).choices[0].logprobs.content
        assert [(each.token, each.logprob) for each in rows] == [("Fi", -0.5), ("ne.", -0.5)]
        assert rows[0].top_logprobs[1].token == "x"
    streamed = [
        each
        for event in create(**asked, stream=True)
        for choice in event.choices
        for each in (choice.logprobs.content if choice.logprobs else ())
    ]
    assert [each.token for each in streamed] == ["Fi", "ne."]
    assert len(served.bodies) == 3
    assert all(each["top_logprobs"] == 2 and each["logprobs"] for each in served.bodies)


def test_responses_tell_log_probabilities_where_they_are_included(serve):
    serve(answering(["Fi", "ne."]))
    asked: JSON = {"input": "Hi", "include": ["message.output_text.logprobs"], "top_logprobs": 2}
    asked["model"] = "x"
    made = strictly(Response, client().post("/responses", cast_to=object, body=asked))
    rows = made.output[0].content[0].logprobs
    assert [(each.token, each.logprob, len(each.top_logprobs)) for each in rows] == [
        ("Fi", -0.5, 2),
        ("ne.", -0.5, 2),
    ]
    create = client().responses.with_streaming_response.create
    with create(model="x", stream=True, extra_body=asked) as reply:
        lines = [json.loads(each[6:]) for each in reply.iter_lines() if each.startswith("data: ")]
    told = [strictly(EVENTS[each["type"]], each) for each in lines]
    pieces = [each for each in told if each.type == "response.output_text.delta"]
    assert [row.token for each in pieces for row in each.logprobs] == ["Fi", "ne."]
    assert told[-1].response.output[0].content[0].logprobs == rows
    without = client().post("/responses", cast_to=object, body={"model": "x", "input": "Hi"})
    assert without["output"][0]["content"][0]["logprobs"] == []


def test_no_key_comes_out_in_the_tokens_of_log_probabilities(serve):
    pieces = [CANARY[at : at + 4] for at in range(0, len(CANARY), 4)]
    serve(answering(["Key: ", *pieces, " end"]))
    create = client().chat.completions.create
    asked = {"model": "x", "messages": HELLO, "logprobs": True, "top_logprobs": 2}
    whole = create(**asked).choices[0].logprobs.content
    streamed = [
        each
        for event in create(**asked, stream=True)
        for choice in event.choices
        for each in (choice.logprobs.content if choice.logprobs else ())
    ]
    for rows in (whole, streamed):
        assert [each.token for each in rows] == ["Key: ", *(MASK for _ in pieces), " end"]
        told = json.dumps([each.model_dump() for each in rows])
        assert not any(piece in told for piece in pieces[1:-1])


def test_old_completions_are_one_user_message_each(serve):
    served = serve(answering(["Fi", "ne."]))
    create = client().completions.create
    made = create(model="x", prompt=["One", "Two"], n=2, echo=True, stop=["\n"], logprobs=None)
    assert [each.text for each in made.choices] == ["OneFine.", "OneFine.", "TwoFine.", "TwoFine."]
    assert (made.object, made.choices[3].index, made.usage.total_tokens) == (
        "text_completion",
        3,
        48,
    )
    prompts = sorted(each["messages"][0]["content"] for each in served.bodies)
    assert prompts == ["One", "One", "Two", "Two"]
    assert {each["max_tokens"] for each in served.bodies} == {16}
    assert served.bodies[0]["stop"] == ["\n"]
    likely = create(model="x", prompt="One", logprobs=2, max_tokens=5).choices[0].logprobs
    assert likely.model_dump() == {
        "tokens": ["Fi", "ne."],
        "token_logprobs": [-0.5, -0.5],
        "top_logprobs": [{"Fi": -0.5, "x": -3.0}, {"ne.": -0.5, "x": -3.0}],
        "text_offset": [0, 2],
    }
    events = list(create(model="x", prompt=["One", "Two"], stream=True, echo=True))
    assert texts(events, lambda choice: choice.text) == {0: "OneFine.", 1: "TwoFine."}
    assert [each.usage.total_tokens for each in events if each.usage] == [24]
    events = list(
        create(model="x", prompt="One", stream=True, stream_options={"include_usage": True})
    )
    assert events[-1].usage.total_tokens == 12
    assert GenerationMetric.objects.filter(operation_type="completions").count() == 8
    for field, value in (
        ("prompt", [1, 2]),
        ("prompt", []),
        ("suffix", "}"),
        ("best_of", 3),
        ("logprobs", 21),
        ("n", 0),
    ):
        with pytest.raises(openai.BadRequestError) as refused:
            create(**{"model": "x", "prompt": "One", field: value})
        assert refused.value.param == field
    with pytest.raises(openai.BadRequestError, match="echo"):
        create(model="x", prompt="One", logprobs=1, echo=True)


MARK = {"type": "ephemeral"}
USE = {"type": "tool_use", "id": "t", "name": "f", "input": {}}
MARKED: Any = {
    "model": "x",
    "max_tokens": 50,
    "system": [{"type": "text", "text": "Rules.", "cache_control": MARK}],
    "tools": [{"name": "f", "input_schema": {"type": "object"}, "cache_control": MARK}],
    "messages": [
        {"role": "user", "content": [{"type": "text", "text": "Hi", "cache_control": MARK}]},
        {
            "role": "assistant",
            "content": [{"type": "tool_use", "id": "t", "name": "f", "input": {}}],
        },
        {
            "role": "user",
            "content": [
                {"type": "tool_result", "tool_use_id": "t", "content": "1", "cache_control": MARK}
            ],
        },
    ],
}
CHAT_MARKED: Any = {
    "messages": [
        {"role": "user", "content": [{"type": "text", "text": "Hi", "cache_control": MARK}]}
    ],
    "tools": [{"type": "function", "function": {"name": "f"}, "cache_control": MARK}],
}
# Kind of provider, how many marks of /v1/messages and of /v1/chat/completions arrive.
ARRIVING = [("openrouter", 4, 2), ("custom", 0, 2), ("openai", 0, 0)]


@pytest.mark.parametrize(("kind", "of_messages", "of_chat"), ARRIVING)
def test_marks_for_anthropics_cache_go_where_they_are_taken(serve, kind, of_messages, of_chat):
    served = serve(answering(["Fine."]), kind)
    llm = llm_client.get_llm("tag_rows")
    llm.anthropic().post("/v1/messages", cast_to=object, body=MARKED)
    llm.openai().post("/chat/completions", cast_to=object, body={"model": "x", **CHAT_MARKED})
    arrived = [json.dumps(each).count("cache_control") for each in served.bodies]
    assert arrived == [of_messages, of_chat]
    lost = [
        "cache_control" in each.dropped_params
        for each in GenerationMetric.objects.order_by("created_at")
    ]
    assert lost == [of_messages == 0, of_chat == 0]
    if not of_messages:
        contents = [each["content"] for each in served.bodies[0]["messages"]]
        assert contents == ["Rules.", "Hi", "", "1"]


def test_ollamas_loop_of_tools_gets_ids_and_pictures_kinds(serve):
    call = {"id": "c9", "type": "function", "function": {"name": "f", "arguments": '{"a":1}'}}
    made = {"role": "assistant", "content": "", "reasoning_content": "Hm.", "tool_calls": [call]}
    whole = {"choices": [{"index": 0, "message": made, "finish_reason": "tool_calls"}]}
    parts = {**made, "tool_calls": [{"index": 0, **call}]}
    event = {"choices": [{"index": 0, "delta": parts, "finish_reason": "tool_calls"}]}
    stream = (f"data: {json.dumps(event)}\n\n".encode(), b"data: [DONE]\n\n")
    served = serve(lambda body: (200, stream if body.get("stream") else whole))
    used = [{"function": {"name": name, "arguments": {"a": 1}}} for name in ("f", "g")]
    asked = {
        "model": "x",
        "tools": [{"type": "function", "function": {"name": "f"}}],
        "messages": [
            {"role": "user", "content": "Look", "images": ["/9j/AA=="]},
            {"role": "assistant", "content": "", "tool_calls": used},
            {"role": "tool", "tool_name": "g", "content": "2"},
            {"role": "tool", "tool_name": "f", "content": "1"},
        ],
    }
    said = {"thinking": "Hm.", "tool_calls": [{"function": {"name": "f", "arguments": {"a": 1}}}]}
    whole_said = client().post("/api/chat", cast_to=object, body={**asked, "stream": False})
    assert whole_said["message"] == {"role": "assistant", "content": "", **said}
    raw = client().with_options(max_retries=0).post("/api/chat", cast_to=str, body=asked)
    lines = [json.loads(line)["message"] for line in raw.splitlines()]
    assert [line[name] for line in lines for name in said if name in line] == list(said.values())
    quiet = {**asked, "stream": False, "think": False}
    assert "thinking" not in client().post("/api/chat", cast_to=object, body=quiet)["message"]
    messages = served.bodies[-1]["messages"]
    assert messages[0]["content"][1]["image_url"]["url"] == "data:image/jpeg;base64,/9j/AA=="
    ids = {each["function"]["name"]: each["id"] for each in messages[1]["tool_calls"]}
    assert [each.get("tool_call_id") for each in messages[2:]] == [ids["g"], ids["f"]]
