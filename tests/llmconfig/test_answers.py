"""Answers as vendors and local servers really send them: the lines of docs/compatibility.md."""

import json
from typing import Any

import pytest

from llmconfig import client as llm_client
from llmconfig.client.errors import GenerationExhausted
from llmconfig.client.finish_reasons import Ending, ending_of, reason_in
from llmconfig.client.types import Call, Generation
from tests.llmconfig.scripted import (
    DONE,
    asked,
    calls_in,
    chunks,
    completion,
    event,
    scripted_server,
    streamed,
)

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(scope="module")
def server():
    with scripted_server() as script:
        yield script


@pytest.fixture
def node(server, make_provider, make_node):
    make_provider("p", "custom", model_id="m", api_base_url=f"{server.url}/v1")
    return make_node("p/m")


@pytest.fixture
def anthropic_node(server, make_provider, make_node):
    make_provider("p", "anthropic", model_id="m", api_base_url=server.url)
    return make_node("p/m")


def seen(made):
    """What an application reads of an answer."""
    assert isinstance(made, Generation), made
    return {
        "text": made.text,
        "thoughts": "".join(each.text for each in made.thoughts),
        "refusal": made.refusal,
        "calls": [
            (each["function"]["name"], each["function"]["arguments"]) for each in made.tool_calls
        ],
        "reason": made.record.finish_reason,
    }


def expected(text="", thoughts="", refusal="", calls=(), reason="stop"):
    return {
        "text": text, "thoughts": thoughts, "refusal": refusal, "calls": list(calls),
        "reason": reason,
    }  # fmt: skip


def part(index, name, arguments, **more):
    place = {} if index is None else {"index": index}
    return {**place, "type": "function", "function": {"name": name, "arguments": arguments}, **more}


THINKING = {"type": "thinking", "thinking": [{"type": "text", "text": "12 times 12."}]}
# What it is, the whole message, the same as a stream's deltas, and what an application gets.
ANSWERS = [
    # Thoughts
    (
        "Mistral: parts, thoughts among them",
        {"content": [THINKING, {"type": "text", "text": "144"}]},
        [{"content": [THINKING]}, {"content": [{"type": "text", "text": "1"}]}, {"content": "44"}],
        expected("144", "12 times 12."),
    ),
    (
        "a list of plain texts",
        {"content": ["Rex ", "sits."]},
        [{"content": ["Rex "]}, {"content": ["sits."]}],
        expected("Rex sits."),
    ),
    (
        "DeepSeek, vLLM: reasoning_content",
        {"content": "Yes.", "reasoning_content": "Is it a dog?"},
        [{"content": None, "reasoning_content": "Is it "}, {"reasoning_content": "a dog?"},
         {"content": "Yes.", "reasoning_content": None}],
        expected("Yes.", "Is it a dog?"),
    ),
    (
        "OpenRouter: reasoning beside reasoning_details counts once",
        {"content": "Yes.", "reasoning": "Hm.",
         "reasoning_details": [{"type": "reasoning.text", "text": "Hm.", "index": 0}]},
        [{"reasoning": "Hm.",
          "reasoning_details": [{"type": "reasoning.text", "text": "Hm.", "index": 0}]},
         {"content": "Yes."}],
        expected("Yes.", "Hm."),
    ),
    (
        "Qwen without a parser: tags",
        {"content": "<think>\nA calm dog?\n</think>\n\nA calm dog."},
        [{"content": "<thi"}, {"content": "nk>\nA calm dog?\n</"}, {"content": "think>\n"},
         {"content": "\nA calm dog."}],
        expected("A calm dog.", "\nA calm dog?\n"),
    ),
    (
        "Gemini with include_thoughts",
        {"content": "<thought>Count.</thought>Three."},
        [{"content": "<thought>Cou"}, {"content": "nt.</thought>"}, {"content": "Three."}],
        expected("Three.", "Count."),
    ),
    (
        "a thought that never ends is no answer",
        {"content": "<think>Let me see"},
        [{"content": "<think>Let "}, {"content": "me see"}],
        expected("", "Let me see"),
    ),
    (
        "a tag behind the answer's beginning is text",
        {"content": "Write `<think>` and `</think>` around it."},
        [{"content": "Write `<think>` and `<"}, {"content": "/think>` around it."}],
        expected("Write `<think>` and `</think>` around it."),
    ),
    (
        "a tag in a JSON value is text",
        {"content": '{"html": "a </think> b"}'},
        [{"content": '{"html": "a </th'}, {"content": 'ink> b"}'}],
        expected('{"html": "a </think> b"}'),
    ),
    (
        "gpt-oss without a parser: channels",
        {"content": "<|channel|>analysis<|message|>Calm?<|end|><|start|>assistant"
                    "<|channel|>final<|message|>Rex is calm.<|return|>"},
        [{"content": "<|channel|>ana"}, {"content": "lysis<|message|>Calm?<|en"},
         {"content": "d|><|start|>assistant<|channel|>fin"},
         {"content": "al<|message|>Rex is calm.<|ret"}, {"content": "urn|>"}],
        expected("Rex is calm.", "Calm?"),
    ),
    (
        "gpt-oss with the final channel alone",
        {"content": "<|channel|>final<|message|>Rex is calm."},
        [{"content": "<|channel|>final<|mess"}, {"content": "age|>Rex is calm."}],
        expected("Rex is calm."),
    ),
    # What a server without the model's template leaves at the end
    *(
        (
            f"the template's {token}",
            {"content": f"Rex is calm.{token}\n"},
            [{"content": "Rex is calm."}, {"content": token[:3]},
             {"content": f"{token[3:]}\n"}],
            expected("Rex is calm."),
        )
        for token in ("<|im_end|>", "<|eot_id|>", "</s>", "<end_of_turn>")
    ),
    (
        "two of them",
        {"content": "Rex is calm.<|end|><|endoftext|>"},
        [{"content": "Rex is calm.<|end"}, {"content": "|><|endo"}, {"content": "ftext|>"}],
        expected("Rex is calm."),
    ),
    (
        "an answer about them",
        {"content": "Qwen ends a turn with `<|im_end|>`, Llama with \"<|eot_id|>"},
        [{"content": "Qwen ends a turn with `<|im_"}, {"content": "end|>`, Llama with \"<|eot"},
         {"content": "_id|>"}],
        expected("Qwen ends a turn with `<|im_end|>`, Llama with \"<|eot_id|>"),
    ),
    (
        "HTML that is struck through",
        {"content": "<s>Rex is calm.</s>"},
        [{"content": "<s"}, {"content": ">Rex is calm.</"}, {"content": "s>"}],
        expected("<s>Rex is calm.</s>"),
    ),
    # Tool calls
    (
        "arguments as an object",
        {"content": None, "tool_calls": [part(0, "sit", {"dog": "Rex"}, id="a")]},
        [{"tool_calls": [part(0, "sit", {"dog": "Rex"}, id="a")]}],
        expected(calls=[("sit", '{"dog":"Rex"}')], reason="tool_calls"),
    ),
    (
        "no arguments",
        {"tool_calls": [{"id": "a", "type": "function", "function": {"name": "list_dogs"}}]},
        [{"tool_calls": [{"index": 0, "id": "a", "function": {"name": "list_dogs"}}]}],
        expected(calls=[("list_dogs", "{}")], reason="tool_calls"),
    ),
    (
        "OpenAI's older function_call",
        {"content": None, "function_call": {"name": "sit", "arguments": '{"dog":"Rex"}'}},
        [{"function_call": {"name": "sit", "arguments": '{"dog":'}},
         {"function_call": {"arguments": '"Rex"}'}}],
        expected(calls=[("sit", '{"dog":"Rex"}')], reason="tool_calls"),
    ),
    (
        "three calls without index or ids",
        {"tool_calls": [part(None, "sit", f'{{"n":{n}}}') for n in range(3)]},
        [{"tool_calls": [part(None, "sit", f'{{"n":{n}}}')]} for n in range(3)],
        expected(calls=[("sit", f'{{"n":{n}}}') for n in range(3)], reason="tool_calls"),
    ),
    (
        "the same index for all, in pieces",
        {"tool_calls": [part(0, "sit", '{"n":1}', id="a"), part(0, "run", '{"n":2}', id="b")]},
        [{"tool_calls": [part(0, "sit", "", id="a")]}, {"tool_calls": [part(0, "", '{"n":')]},
         {"tool_calls": [part(0, "", "1}")]}, {"tool_calls": [part(0, "run", '{"n"', id="b")]},
         {"tool_calls": [part(0, "", ":2}")]}],
        expected(calls=[("sit", '{"n":1}'), ("run", '{"n":2}')], reason="tool_calls"),
    ),
    (
        "old vLLM: another id with each piece",
        {"tool_calls": [part(0, "sit", '{"n":1}', id="a")]},
        [{"tool_calls": [part(0, "sit", "", id="a")]},
         {"tool_calls": [{"index": 0, "id": "b", "function": {"arguments": '{"n"'}}]},
         {"tool_calls": [{"index": 0, "id": "c", "function": {"arguments": ":1}"}}]}],
        expected(calls=[("sit", '{"n":1}')], reason="tool_calls"),
    ),
    (
        "a second call at the first one's index, without its name",
        {"tool_calls": [part(0, "glob", '{"p":1}'), part(1, "glob", '{"p":2}')]},
        [{"tool_calls": [part(0, "glob", "", id="a")]}, {"tool_calls": [part(0, "", '{"p":1}')]},
         {"tool_calls": [part(0, "", '{"p":2}')]}],
        expected(calls=[("glob", '{"p":1}'), ("glob", '{"p":2}')], reason="tool_calls"),
    ),
    # Refusals and empty answers
    (
        "OpenAI's refusal",
        {"content": None, "refusal": "I can't help with that."},
        [{"refusal": "I can't "}, {"refusal": "help with that."}],
        expected(refusal="I can't help with that.", reason="content_filter"),
    ),
    ("an honest empty answer", {"content": ""}, [{"content": ""}], expected()),
]  # fmt: skip


@pytest.mark.parametrize(("message", "deltas", "wanted"), [each[1:] for each in ANSWERS],
                         ids=[each[0] for each in ANSWERS])  # fmt: skip
def test_an_answer_says_the_same_whole_and_streamed(server, node, ask, message, deltas, wanted):
    server.tell(completion(message), chunks(*deltas))
    assert seen(asked(ask())) == wanted
    pieces, made = streamed(ask())
    assert seen(made) == wanted
    assert server.requests == 2
    assert "".join(each.text for each in pieces) == wanted["text"]
    assert "".join(each.refusal for each in pieces) == wanted["refusal"]
    told = "".join(thought.text for each in pieces for thought in each.thoughts)
    assert told == wanted["thoughts"]
    joined = calls_in(pieces)
    assert [each[1:] for each in joined] == wanted["calls"]
    ids = [each[0] for each in joined]
    assert all(ids)
    assert len({*ids}) == len(ids)
    assert ids == [each["id"] for each in made.tool_calls]


def test_gpt_oss_without_its_control_tokens_is_told_apart_in_the_whole(server, node, ask):
    server.tell(completion({"content": "analysisIs he calm?assistantfinalRex is calm."}))
    assert seen(asked(ask())) == expected("Rex is calm.", "Is he calm?")


def test_a_closing_tag_alone_ends_the_thoughts(server, node, ask):
    text = "The dog is calm, I think.\n</think>\n\nA calm dog."
    server.tell(
        completion({"content": text}), chunks({"content": text[:30]}, {"content": text[30:]})
    )
    for made in (asked(ask()), streamed(ask())[1]):
        assert made.text == "A calm dog."
        assert made.thoughts[0].text.startswith("The dog is calm")


ENDS = [
    ("length", "length", "length", "max_tokens"),
    ("max_tokens", "length", "length", "max_tokens"),
    ("model_length", "length", "length", "model_context_window_exceeded"),
    ("model_context_window_exceeded", "length", "length", "model_context_window_exceeded"),
    ("content_filter", "content_filter", "content_filter", "refusal"),
    ("SAFETY", "content_filter", "content_filter", "refusal"),
    ("sensitive", "content_filter", "content_filter", "refusal"),
    ("pause_turn", "pause_turn", "length", "pause_turn"),
    ("a_word_of_next_year", "a_word_of_next_year", "length", "max_tokens"),
]
BROKEN = ["error", "abort", "network_error", "insufficient_system_resource", "ERROR",
          "function_call_filter: MALFORMED_FUNCTION_CALL"]  # fmt: skip


@pytest.mark.parametrize(("native", "kept", "openai", "anthropic"), ENDS)
def test_v1_hands_on_why_an_answer_is_not_whole(server, node, native, kept, openai, anthropic):
    hello: Any = [{"role": "user", "content": "Hello"}]
    server.tell(completion({"content": "Half"}, native), chunks({"content": "Half"}, reason=native))
    bound = llm_client.get_llm("tag_rows")
    made = bound.openai().chat.completions.create(model="m", messages=hello)
    assert made.choices[0].finish_reason == openai
    assert (getattr(made.choices[0], "native_finish_reason", native)) == native
    events = bound.openai().chat.completions.create(model="m", messages=hello, stream=True)
    assert [each.choices[0].finish_reason for each in events if each.choices][-1] == openai
    said = bound.anthropic().messages.create(model="m", max_tokens=9, messages=hello)
    assert said.stop_reason == anthropic
    assert llm_client.generate(Call("tag_rows", hello)).record.finish_reason == kept
    assert server.requests == 4  # none is asked again, and none comes from a cache


@pytest.mark.parametrize("reason", BROKEN)
def test_an_answer_that_its_provider_broke_off_is_a_failed_attempt(server, node, ask, reason):
    server.tell(completion({"content": "Half"}, reason), chunks({"content": "Half"}, reason=reason))
    error = asked(ask())
    assert isinstance(error, GenerationExhausted)
    assert [each.outcome for each in error.record.attempts] == ["bad_reply"] * 3
    assert reason in error.record.attempts[0].detail
    assert error.record.attempts[0].paid
    pieces, error = streamed(ask())
    assert [each.text for each in pieces] == ["Half"]
    assert isinstance(error, GenerationExhausted)
    assert len(error.record.attempts) == 1


def test_only_these_words_mean_a_whole_answer():
    whole = {"stop", "tool_calls", "function_call", "end_turn", "stop_sequence", "tool_use", None}
    assert all(ending_of(each) is Ending.WHOLE for each in whole)
    others = [*(each[0] for each in ENDS), *BROKEN, "done", "other", "time_limit"]
    assert not any(ending_of(each) is Ending.WHOLE for each in others)
    spelled = {"eos": "stop", "eos_token": "stop", "null": None, " ": None, "end\0": "end"}
    assert {each: reason_in(each) for each in spelled} == spelled


STREAMS = [
    ("a byte order mark", [b"\xef\xbb\xbf", *chunks({"content": "Rex"})]),
    ("no reason but the word that it's all", [*chunks({"content": "Rex"})[:1], DONE]),
    ("a whole answer as its only event", [event(completion({"content": "Rex"})), DONE]),
    ("a whole answer and no event", [json.dumps(completion({"content": "Rex"})).encode()]),
    ("lines that end in CR", [b"".join(chunks({"content": "Rex"})).replace(b"\n", b"\r")]),
    ("usage in every event", [event({"choices": [{"delta": {"content": each}}],
                                     "usage": {"prompt_tokens": 1, "completion_tokens": at}})
                              for at, each in enumerate(["R", "e", "x"])] + chunks()),
    ("comments, blank data, a forgotten last line",
     [b": ping\n\n", *chunks({"content": "Rex"})[:-1], b"data: [DONE]"]),
    ("a chunk without choices, data that is null", [
        event({"choices": None}), *chunks({"content": "Rex"})[:-1], event(None), DONE]),
    ("a text as completions have it", [
        event({"choices": [{"text": "Rex", "finish_reason": "stop"}]}), DONE]),
    ("no blank lines between the events",
     [b"".join(chunks({"content": "Rex"})).replace(b"\n\n", b"\n")]),
    ("a reason that is blank until the end", [event({"choices": [
        {"delta": {"content": "Rex"}, "finish_reason": ""}]}), *chunks()]),
]  # fmt: skip


@pytest.mark.parametrize("pieces", [each[1] for each in STREAMS], ids=[each[0] for each in STREAMS])
def test_a_stream_is_read_in_whatever_form_it_comes(server, node, ask, pieces):
    server.tell(b"", pieces)
    deltas, made = streamed(ask())
    assert isinstance(made, Generation), made
    assert made.text == "".join(each.text for each in deltas) == "Rex"
    assert server.requests == 1


def test_a_stream_that_nobody_asked_for_is_put_together(server, node, ask):
    server.tell(b"".join(chunks({"content": "R"}, {"content": "ex"})), kind="text/plain")
    assert asked(ask()).text == "Rex"
    assert streamed(ask())[1].text == "Rex"


def test_a_stream_without_reason_or_end_was_cut(server, node, ask):
    server.tell(b"", [event({"choices": [{"delta": {"content": "Re"}}]})])
    pieces, error = streamed(ask())
    assert pieces[0].text == "Re"
    assert isinstance(error, GenerationExhausted)


def test_azures_filtered_choice_is_a_refusal_and_asked_once(server, node, ask):
    filtered = {"hate": {"filtered": True, "severity": "high"}}
    server.tell(completion(None, "content_filter", content_filter_results=filtered))
    made = asked(ask())
    assert (made.text, made.record.finish_reason) == ("", "content_filter")
    assert server.requests == 1


def message(content, reason="end_turn", **more):
    return {
        "id": "msg", "type": "message", "role": "assistant", "model": "m", "content": content,
        "stop_reason": reason, "stop_sequence": None, **more,
        "usage": {"input_tokens": 9, "output_tokens": 4},
    }  # fmt: skip


THOUGHTS = [
    {"type": "thinking", "thinking": "Sunny?", "signature": "c2ln"},
    {"type": "redacted_thinking", "data": "b3BhcXVl"},
]
FORECAST = {"type": "tool_use", "id": "toolu_1", "name": "forecast", "input": {}}


def test_anthropics_thoughts_reach_its_clients_as_they_came(server, anthropic_node):
    hello: Any = [{"role": "user", "content": "Weather?"}]
    server.tell(message([*THOUGHTS, FORECAST], "tool_use"), _events([*THOUGHTS, FORECAST]))
    bound = llm_client.get_llm("tag_rows").anthropic()
    thinking: Any = {"type": "enabled", "budget_tokens": 1024}
    made = bound.messages.create(model="m", max_tokens=2000, messages=hello, thinking=thinking)
    assert [each.to_dict() for each in made.content[:2]] == THOUGHTS
    assert made.content[2].input == {}
    with bound.messages.stream(
        model="m", max_tokens=2000, messages=hello, thinking=thinking
    ) as stream:
        made = stream.get_final_message()
    assert [each.to_dict() for each in made.content[:2]] == THOUGHTS
    assert (made.content[2].name, made.content[2].input) == ("forecast", {})
    assert made.stop_reason == "tool_use"
    plain = (
        llm_client.get_llm("tag_rows").openai().chat.completions.create(model="m", messages=hello)
    )
    assert plain.choices[0].message.to_dict()["reasoning_content"] == "Sunny?"
    assert plain.choices[0].message.tool_calls[0].function.arguments == "{}"


def _events(blocks):
    """A message as Anthropic streams it."""
    made = [event({"type": "message_start", "message": message([], None)})]
    for at, block in enumerate(blocks):
        bare = {"thinking": "", "signature": ""} if block["type"] == "thinking" else {}
        made.append(event({"type": "content_block_start", "index": at,
                           "content_block": {**block, **bare}}))  # fmt: skip
        if block["type"] == "thinking":
            for kind, name in (("thinking_delta", "thinking"), ("signature_delta", "signature")):
                said = {"type": kind, name: block[name]}
                made.append(event({"type": "content_block_delta", "index": at, "delta": said}))
        made.append(event({"type": "content_block_stop", "index": at}))
    end = {"stop_reason": "tool_use", "stop_sequence": None}
    made.append(event({"type": "message_delta", "delta": end, "usage": {"output_tokens": 4}}))
    return [*made, event({"type": "message_stop"})]


@pytest.mark.parametrize(
    ("told", "reason", "sequence", "text"),
    [
        (message([], "end_turn"), "end_turn", None, ""),
        (message([{"type": "text", "text": "1, 2"}], "stop_sequence", stop_sequence=", 3"),
         "stop_sequence", ", 3", "1, 2"),
        (message([{"type": "text", "text": "Searching"}], "pause_turn"),
         "pause_turn", None, "Searching"),
        (message([], "refusal", stop_details={"type": "refusal", "category": "bio",
                                              "explanation": "Not this."}),
         "refusal", None, ""),
    ],
)  # fmt: skip
def test_anthropics_clients_learn_how_a_message_ended(
    server, anthropic_node, told, reason, sequence, text
):
    server.tell(told)
    made = (
        llm_client.get_llm("tag_rows")
        .anthropic()
        .messages.create(model="m", max_tokens=9, messages=[{"role": "user", "content": "Count"}])
    )
    assert (made.stop_reason, made.stop_sequence) == (reason, sequence)
    assert "".join(each.text for each in made.content) == text
    assert made.stop_details is None or made.stop_details.explanation == "Not this."
    assert server.requests == 1


def test_a_refusals_text_reaches_openais_clients(server, node):
    server.tell(completion({"content": None, "refusal": "No."}), chunks({"refusal": "No."}))
    bound = llm_client.get_llm("tag_rows").openai()
    hello: Any = [{"role": "user", "content": "Hello"}]
    made = bound.chat.completions.create(model="m", messages=hello).choices[0].message
    assert (made.content, made.refusal) == (None, "No.")
    events = bound.chat.completions.create(model="m", messages=hello, stream=True)
    assert "".join(each.choices[0].delta.refusal or "" for each in events) == "No."
