"""Tools of free text in chats (`custom`): asked and told alike, whichever wire a target speaks."""

import json
from contextlib import ExitStack
from typing import Any

import openai
import orjson
import pytest
from openai.types.chat import ChatCompletion

from llmconfig import client as llm_client
from llmconfig.secrets import MASK
from metrics.models import GenerationMetric
from tests.llmconfig.conftest import CANARY
from tests.llmconfig.test_responses import chunks, post, stream, strictly
from tests.llmconfig.test_responses import whole as in_chat
from tests.llmconfig.test_responses_wire import whole as response
from tests.loopback import JSON, Loopback, answered, loopback

pytestmark = pytest.mark.django_db(transaction=True)

GRAMMAR = {"syntax": "lark", "definition": "start: /.+/"}
PATCH: Any = {
    "type": "custom",
    "custom": {
        "name": "patch",
        "description": "Patches.",
        "format": {"type": "grammar", "grammar": GRAMMAR},
    },
}
ALLOWED: Any = {"mode": "required", "tools": [{"type": "custom", "custom": {"name": "patch"}}]}
WEATHER: Any = {"type": "function", "function": {"name": "weather", "parameters": {}}}
CHOICE: Any = {"type": "custom", "custom": {"name": "patch"}}
HELLO: Any = [{"role": "user", "content": "Hi"}]
IN_WORDS = "tools.format (asked in words)"
TEXT = 'a "b"\nc'


@pytest.fixture
def serve(make_provider, make_node):
    """Start a provider that answers by a function, behind the node `tag_rows`."""
    with ExitStack() as stack:

        def start(kind: str, says: Any) -> Loopback:
            served = stack.enter_context(loopback(says))
            make_provider("p", kind, model_id="m", api_base_url=served.url, price=None)
            make_node("p/m")
            return served

        yield start


def client() -> Any:
    return llm_client.get_llm("tag_rows").openai()


def ask(messages: Any = HELLO, tool_choice: Any = CHOICE, **more: Any) -> Any:
    """A whole answer, read strictly."""
    made = client().chat.completions.create(
        model="x", messages=messages, tools=[PATCH, WEATHER], tool_choice=tool_choice, **more
    )
    assert strictly(ChatCompletion, made.model_dump(exclude={"usage": {"cost"}}))
    return made.choices[0]


def ask_streamed() -> tuple[JSON, str | None]:
    """The one call of a streamed answer put together as agents' libraries do, and its end."""
    call: JSON = {}
    reason = None
    stream = client().chat.completions.create(
        model="x", messages=HELLO, tools=[PATCH], tool_choice=CHOICE, stream=True
    )
    for chunk in stream:
        (choice,) = chunk.choices
        reason = choice.finish_reason or reason
        for part in choice.delta.tool_calls or ():
            told = part.model_dump(exclude_none=True)
            assert told.pop("index") == 0
            custom = told.pop("custom", {})
            text = call.get("custom", {}).get("input", "") + custom.pop("input", "")
            call |= told | {"custom": {**call.get("custom", {}), **custom, "input": text}}
    return call, reason


def turn_of(choice: Any, result: str = "done") -> list[Any]:
    """The conversation with the call and its result."""
    said = choice.message.model_dump(exclude_none=True)
    calls = [
        {"role": "tool", "tool_call_id": each["id"], "content": result}
        for each in said["tool_calls"]
    ]
    return [*HELLO, said, *calls]


def test_claude_is_offered_a_function_and_its_call_comes_back_as_free_text(
    simulator, make_provider, make_node
):
    make_provider("sim", "anthropic", model_id="claude-haiku-4-5")
    make_node("sim/claude-haiku-4-5")
    choice = ask()
    (call,) = choice.message.tool_calls
    assert (choice.finish_reason, call.type, call.custom.name) == ("tool_calls", "custom", "patch")
    assert call.custom.input
    assert not call.custom.input.startswith("{")
    record = GenerationMetric.objects.first()
    assert (record.tool_calls, record.dropped_params) == (["patch"], [IN_WORDS])
    streamed, reason = ask_streamed()
    assert reason == "tool_calls"
    assert streamed["type"] == "custom"
    assert streamed["custom"]["name"] == "patch"
    assert streamed["custom"]["input"]
    assert ask(turn_of(choice), "none").message.content


def test_what_claude_gets_names_the_tools_purpose_grammar_and_calls(serve):
    used = {"input_tokens": 5, "output_tokens": 2}
    said = {"type": "message", "role": "assistant", "stop_reason": "tool_use", "usage": used}
    use = {"type": "tool_use", "id": "t1", "name": "patch", "input": {"input": TEXT}}
    served = serve("anthropic", lambda _: (200, said | {"content": [use]}))
    choice = ask()
    assert choice.message.tool_calls[0].custom.input == TEXT
    tool = served.bodies[-1]["tools"][0]
    assert tool["name"] == "patch"
    assert tool["description"].startswith("Patches.")
    assert tool["description"].endswith("start: /.+/")
    assert tool["input_schema"]["required"] == ["input"]
    assert served.bodies[-1]["tool_choice"] == {"type": "tool", "name": "patch"}
    allowed = {"mode": "auto", "tools": [CHOICE]}
    ask(turn_of(choice), {"type": "allowed_tools", "allowed_tools": allowed})
    sent = served.bodies[-1]
    assert [each["name"] for each in sent["tools"]] == ["patch"]
    assert sent["messages"][1]["content"] == [use]
    assert sent["messages"][2]["content"][0]["tool_use_id"] == "t1"


CALLED = {"id": "ct_1", "type": "custom_tool_call", "call_id": "c1", "name": "patch", "input": TEXT}
AT = {"output_index": 0, "item_id": "ct_1"}


def called(body: JSON) -> Any:
    """A response that calls the tool."""
    if not body.get("stream"):
        return 200, response(CALLED)
    kind, at = "response.custom_tool_call_input", {"output_index": 0}
    told: list[JSON] = [
        {"type": "response.output_item.added", **at, "item": {**CALLED, "input": ""}},
        {"type": f"{kind}.delta", **AT, "delta": TEXT[:3]},
        {"type": f"{kind}.delta", **AT, "delta": TEXT[3:]},
        {"type": f"{kind}.done", **AT, "input": TEXT},
        {"type": "response.output_item.done", **at, "item": CALLED},
        {"type": "response.completed", "response": response(CALLED)},
    ]
    return 200, tuple(f"data: {json.dumps(each)}\n\n".encode() for each in told)


def test_a_target_of_responses_gets_the_tool_in_its_own_words(serve):
    served = serve("openai_responses", called)
    choice = ask()
    assert choice.finish_reason == "tool_calls"
    assert choice.message.tool_calls[0].model_dump(exclude_none=True) == {
        "id": "c1",
        "type": "custom",
        "custom": {"name": "patch", "input": TEXT},
    }
    sent = served.bodies[-1]
    assert sent["tools"][0] == {
        "type": "custom",
        "name": "patch",
        "description": "Patches.",
        "format": {"type": "grammar", **GRAMMAR},
    }
    assert sent["tool_choice"] == {"type": "custom", "name": "patch"}
    streamed, reason = ask_streamed()
    assert (streamed["id"], reason) == ("c1", "tool_calls")
    assert streamed["custom"] == {"name": "patch", "input": TEXT}
    allowed = {"mode": "required", "tools": [CHOICE, {**WEATHER}]}
    ask(turn_of(choice), {"type": "allowed_tools", "allowed_tools": allowed})
    sent = served.bodies[-1]
    assert [each["type"] for each in sent["tool_choice"]["tools"]] == ["custom", "function"]
    call, result = sent["input"][1:]
    assert (call["type"], call["call_id"], call["input"]) == ("custom_tool_call", "c1", TEXT)
    assert result == {"type": "custom_tool_call_output", "call_id": "c1", "output": "done"}
    assert {tuple(each.tool_calls or ()) for each in GenerationMetric.objects.all()} == {("patch",)}


def test_pieces_of_a_free_text_are_put_together_without_the_key(serve):
    said = f"{TEXT} {CANARY}"
    pieces = [said[at : at + 7] for at in range(0, len(said), 7)]
    begun = {"index": 0, "id": "c1", "type": "custom", "custom": {"name": "patch", "input": ""}}
    parts = [begun, *({"index": 0, "custom": {"input": each}} for each in pieces)]
    serve(
        "custom",
        lambda _: (200, chunks(*({"tool_calls": [each]} for each in parts), reason="tool_calls")),
    )
    streamed, reason = ask_streamed()
    assert (streamed["id"], streamed["type"], reason) == ("c1", "custom", "tool_calls")
    assert streamed["custom"]["name"] == "patch"
    assert MASK in streamed["custom"]["input"]
    assert streamed["custom"]["input"].replace(MASK, "") == f"{TEXT} "
    assert GenerationMetric.objects.get().tool_calls == ["patch"]


AS_FUNCTION: JSON = {
    "id": "c1",
    "type": "function",
    "function": {"name": "patch", "arguments": orjson.dumps({"input": TEXT}).decode()},
}
AS_TEXT: JSON = {"id": "c1", "type": "custom", "custom": {"name": "patch", "input": TEXT}}


def by_functions(body: JSON) -> Any:
    """A server that knows functions alone, as llama.cpp and vLLM do; it calls the first of them."""
    for tool in body["tools"]:
        if "function" not in tool:
            message = f"Unsupported tool type: '{tool['type']}'; supported values are: 'function'"
            return 400, {"error": {"message": message, "param": "tools[0].type"}}
    if isinstance(body.get("tool_choice"), dict):
        assert body["tool_choice"]["function"]["name"] == "patch"
    if body.get("stream"):
        return 200, chunks({"tool_calls": [{"index": 0, **AS_FUNCTION}]}, reason="tool_calls")
    return 200, in_chat("tool_calls", tool_calls=[AS_FUNCTION])


@pytest.mark.parametrize("kind", ["custom", "openrouter"])
def test_a_server_that_knows_functions_alone_gets_one_and_calls_come_back_as_text(kind, serve):
    served = serve(kind, by_functions)
    choice = ask()
    assert choice.message.tool_calls[0].model_dump(exclude_none=True) == AS_TEXT
    streamed, reason = ask_streamed()
    assert (streamed, reason) == (AS_TEXT, "tool_calls")
    ask(turn_of(choice), {"type": "allowed_tools", "allowed_tools": ALLOWED})
    assert len(served.bodies) == 3
    tool, other = served.bodies[0]["tools"]
    assert other == WEATHER
    assert tool["type"] == "function"
    assert tool["function"]["description"].startswith("Patches.\n\n")
    assert tool["function"]["description"].endswith("lark grammar:\nstart: /.+/")
    assert tool["function"]["parameters"]["required"] == ["input"]
    sent = served.bodies[-1]
    assert sent["tool_choice"] == "required"
    assert [each["function"]["name"] for each in sent["tools"]] == ["patch"]
    assert sent["messages"][1]["tool_calls"] == [AS_FUNCTION]
    assert sent["messages"][2] == {"role": "tool", "tool_call_id": "c1", "content": "done"}
    for record in GenerationMetric.objects.all():
        assert (record.tool_calls, record.dropped_params) == (["patch"], [IN_WORDS])


def test_where_a_choice_is_a_word_the_tool_that_must_be_called_is_the_only_one(serve):
    served = serve("local", by_functions)
    assert ask().message.tool_calls[0].model_dump(exclude_none=True) == AS_TEXT
    ask(tool_choice={"type": "function", "function": {"name": "weather"}})
    ask(tool_choice="auto")
    choices = [each["tool_choice"] for each in served.bodies]
    assert choices == ["required", "required", "auto"]
    offered = [[tool["function"]["name"] for tool in each["tools"]] for each in served.bodies]
    assert offered == [["patch"], ["weather"], ["patch", "weather"]]


def test_calls_of_earlier_turns_are_functions_though_no_tool_is_offered_any_more(serve):
    served = serve("custom", lambda _: (200, answered()))
    said = {"role": "assistant", "content": None, "tool_calls": [AS_TEXT]}
    result = {"role": "tool", "tool_call_id": "c1", "content": "done"}
    client().chat.completions.create(model="x", messages=[*HELLO, said, result])
    assert served.bodies[0]["messages"][1]["tool_calls"] == [AS_FUNCTION]
    assert GenerationMetric.objects.get().dropped_params == []


@pytest.mark.parametrize("kind", ["openai", "azure_openai"])
def test_openai_itself_gets_the_tool_its_choice_and_its_calls_untouched(kind, serve):
    served = serve(kind, lambda _: (200, in_chat("tool_calls", tool_calls=[AS_TEXT])))
    choice = ask()
    assert choice.message.tool_calls[0].model_dump(exclude_none=True) == AS_TEXT
    assert served.bodies[0]["tools"] == [PATCH, WEATHER]
    assert served.bodies[0]["tool_choice"] == CHOICE
    allowed = {"type": "allowed_tools", "allowed_tools": ALLOWED}
    ask(turn_of(choice), allowed)
    assert served.bodies[1]["tool_choice"] == allowed
    assert served.bodies[1]["messages"][1]["tool_calls"] == [AS_TEXT]
    assert {tuple(each.dropped_params) for each in GenerationMetric.objects.all()} == {()}


def test_a_model_of_openai_that_refuses_such_tools_is_asked_by_functions_from_then_on(serve):
    served = serve("azure_openai", by_functions)
    for _ in range(2):
        assert ask().message.tool_calls[0].model_dump(exclude_none=True) == AS_TEXT
    assert [each["tools"][0]["type"] for each in served.bodies] == ["custom", *["function"] * 2]
    assert GenerationMetric.objects.latest("created_at").dropped_params == [IN_WORDS]


def test_a_grammar_that_openai_finds_wrong_is_the_callers_to_hear_of(serve):
    message = "Invalid grammar of the custom tool 'patch': unexpected end of the definition."
    wrong = {"error": {"message": message, "param": "tools[0].custom.format"}}
    served = serve("openai", lambda _: (400, wrong))
    with pytest.raises(openai.BadRequestError, match="Invalid grammar"):
        ask()
    assert len(served.bodies) == 1


def test_a_free_text_that_a_limit_cut_ends_its_response_as_incomplete(serve):
    cut = {**AS_FUNCTION, "function": {"name": "patch", "arguments": '{"input": "a'}}
    serve("custom", lambda _: (200, chunks({"tool_calls": [{"index": 0, **cut}]}, reason="length")))
    last = stream(tools=[OF_RESPONSES])[-1]
    assert (last.type, last.response.status) == ("response.incomplete", "incomplete")
    assert last.response.output[0].input == '{"input": "a'


OF_RESPONSES: Any = {
    "type": "custom",
    "name": "patch",
    "description": "Patches.",
    "format": {"type": "grammar", **GRAMMAR},
}
CUSTOM_INPUT = "response.custom_tool_call_input"


def test_openai_gets_the_free_text_tools_of_responses_as_its_chats_have_them(serve):
    pieces = [{"index": 0, **AS_TEXT, "custom": {"name": "patch", "input": ""}}]
    pieces += [{"index": 0, "custom": {"input": each}} for each in (TEXT[:3], TEXT[3:])]
    streamed = chunks(*({"tool_calls": [each]} for each in pieces), reason="tool_calls")
    once = in_chat("tool_calls", tool_calls=[AS_TEXT])
    served = serve("openai", lambda body: (200, streamed if body.get("stream") else once))
    made = post(tools=[OF_RESPONSES], tool_choice={"type": "custom", "name": "patch"})
    (called,) = made.output
    assert (called.type, called.name, called.input) == ("custom_tool_call", "patch", TEXT)
    assert served.bodies[0]["tools"] == [PATCH]
    assert served.bodies[0]["tool_choice"] == CHOICE
    events = stream(tools=[OF_RESPONSES])
    told = [each for each in events if each.type == f"{CUSTOM_INPUT}.delta"]
    assert [each.delta for each in told] == [TEXT[:3], TEXT[3:]]
    assert [each.input for each in events if each.type == f"{CUSTOM_INPUT}.done"] == [TEXT]
    assert events[-1].response.output[0].input == TEXT
    result = {"type": "custom_tool_call_output", "call_id": "c1", "output": "done"}
    post(tools=[OF_RESPONSES], input=[called.model_dump(exclude_none=True), result])
    assert served.bodies[-1]["messages"][0]["tool_calls"] == [AS_TEXT]
    assert {tuple(each.dropped_params) for each in GenerationMetric.objects.all()} == {()}


def test_a_tool_without_a_name_is_refused_by_its_place(serve):
    served = serve("anthropic", lambda _: (200, answered()))
    with pytest.raises(openai.BadRequestError) as refused:
        client().chat.completions.create(
            model="x", messages=HELLO, tools=[WEATHER, {"type": "custom", "custom": {}}]
        )
    assert refused.value.param == "tools[1].custom.name"
    assert not served.bodies
