"""Chats in other endpoints' words, as Cursor asks them: Responses' input, and flat tools."""

import json
from typing import Any

import pytest

from metrics.models import GenerationMetric
from tests.llmconfig.gateway_server import new_key, shared_server
from tests.llmconfig.scripted import chunks, completion, scripted_server
from tests.waiting import until

pytestmark = pytest.mark.django_db(transaction=True)

CHAT = "/v1/chat/completions"
SCHEMA = {"type": "object", "properties": {"path": {"type": "string"}}}
NESTED = {"type": "function", "function": {"name": "read_file", "parameters": SCHEMA}}
FLAT = {"type": "function", "name": "read_file", "parameters": SCHEMA}
ANTHROPIC = {"name": "read_file", "input_schema": SCHEMA}
RULE = {"syntax": "lark", "definition": "start: /.+/"}
PATCH = {"type": "custom", "name": "ApplyPatch", "format": {"type": "grammar", **RULE}}
PATCH_IN_CHAT = {
    "type": "custom",
    "custom": {"name": "ApplyPatch", "format": {"type": "grammar", "grammar": RULE}},
}
ASKED: dict[str, Any] = {"model": "crossed", "messages": [{"role": "user", "content": "Hi"}]}
AGENT: dict[str, Any] = {
    "model": "crossed",
    "input": [
        {"role": "system", "content": "Be short."},
        {"role": "user", "content": [{"type": "input_text", "text": "Patch it."}]},
        {"type": "function_call", "call_id": "c1", "name": "read_file", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "c1", "output": "wuff"},
    ],
    "tools": [FLAT, PATCH],
    "tool_choice": "auto",
    "reasoning": {"effort": "low", "summary": "auto"},
    "include": ["reasoning.encrypted_content"],
    "store": False,
    "max_tokens": 300,
}
CALL = {"id": "c2", "type": "custom", "custom": {"name": "ApplyPatch", "input": "*** Begin Patch"}}


@pytest.fixture(scope="module")
def server(django_db_setup, django_db_blocker):
    with shared_server() as running:
        yield running


@pytest.fixture(scope="module")
def provider():
    with scripted_server() as made:
        yield made


@pytest.fixture
def ask(server, provider, make_provider, make_node):
    """Post a chat; gives the reply and what the provider was asked."""
    make_provider("crossed", "openai", api_base_url=provider.url)
    make_node("crossed/gpt-5.1", name="crossed")
    provider.tell(completion({"role": "assistant", "content": "Done."}))
    key = server.until_known(new_key("crossed"), "crossed")

    def post(body: dict[str, Any]) -> tuple[Any, Any]:
        with server.client(key) as client:
            return client.post(CHAT, json=body), provider.asked

    return post


@pytest.mark.parametrize(
    ("tools", "choice", "sent", "chosen"),
    [
        ([NESTED, PATCH], "required", [NESTED, PATCH_IN_CHAT], "required"),
        ([FLAT], {"type": "function", "name": "read_file"}, [NESTED],
         {"type": "function", "function": {"name": "read_file"}}),
        ([ANTHROPIC], {"type": "tool", "name": "read_file"}, [NESTED],
         {"type": "function", "function": {"name": "read_file"}}),
        ([{"type": "custom", **ANTHROPIC}], {"type": "any"}, [NESTED], "required"),
        ([NESTED | {"name": "read_file"}], None, [NESTED | {"name": "read_file"}], None),
    ],
)  # fmt: skip
def test_a_chats_tools_may_come_in_any_endpoints_form(ask, tools, choice, sent, chosen):
    reply, asked = ask(ASKED | {"tools": tools, "tool_choice": choice})
    assert reply.status_code == 200, reply.text
    assert asked["tools"] == sent
    assert asked.get("tool_choice") == chosen


def test_a_flat_tools_schema_may_lead_nowhere_else_either(ask):
    outside = {"type": "object", "properties": {"a": {"$ref": "https://example.com/a.json"}}}
    reply, _ = ask(ASKED | {"tools": [FLAT | {"parameters": outside}]})
    assert reply.status_code == 400
    assert reply.json()["error"]["param"] == "tools[0]"


def test_responses_input_is_answered_as_a_chat(ask, provider):
    provider.tell(completion({"role": "assistant", "content": None, "tool_calls": [CALL]}, "stop"))
    reply, asked = ask(AGENT)
    assert reply.status_code == 200, reply.text
    whole = reply.json()
    assert whole["object"] == "chat.completion"
    assert whole["choices"][0]["message"]["tool_calls"] == [CALL]
    assert whole["choices"][0]["finish_reason"] == "tool_calls"
    system, user, called, result = asked["messages"]
    assert (system["content"], user["content"]) == ("Be short.", "Patch it.")
    assert called["tool_calls"][0]["function"]["name"] == "read_file"
    assert (result["role"], result["content"]) == ("tool", "wuff")
    assert asked["tools"] == [NESTED, PATCH_IN_CHAT]
    assert (asked["reasoning_effort"], asked["max_completion_tokens"]) == ("low", 300)
    assert "input" not in asked


def test_what_of_responses_input_a_chat_has_no_place_for_is_recorded(ask):
    more = {"context_management": [{"type": "compaction"}], "stream": False}
    reply, asked = ask(AGENT | more)
    assert reply.status_code == 200, reply.text
    assert "context_management" not in asked
    calls = GenerationMetric.objects.filter(dropped_params__contains=["context_management"])
    assert until(calls.exists)


def test_responses_input_streams_as_a_chat(ask, provider):
    provider.tell(pieces=chunks({"content": "Do"}, {"content": "ne."}))
    reply, _ = ask(AGENT | {"stream": True, "stream_options": {"include_usage": True}})
    assert reply.status_code == 200, reply.text
    *told, done = [line[6:] for line in reply.text.splitlines() if line.startswith("data: ")]
    pieces = [json.loads(each) for each in told]
    assert done == "[DONE]"
    assert {each["object"] for each in pieces} == {"chat.completion.chunk"}
    said = [each["choices"][0]["delta"].get("content") for each in pieces if each["choices"]]
    assert "".join(filter(None, said)) == "Done."
    assert (pieces[-1]["choices"], pieces[-1]["usage"]["total_tokens"] > 0) == ([], True)


def test_a_chats_form_of_tools_is_read_beside_responses_input(ask):
    choice = {"type": "function", "function": {"name": "read_file"}}
    reply, asked = ask(
        AGENT | {"tools": [NESTED, ANTHROPIC | {"name": "b"}], "tool_choice": choice}
    )
    assert reply.status_code == 200, reply.text
    assert [each["function"]["name"] for each in asked["tools"]] == ["read_file", "b"]
    assert asked["tool_choice"] == choice


def test_a_chat_goes_on_with_no_response(ask):
    reply, _ = ask(AGENT | {"previous_response_id": "resp_1"})
    assert reply.status_code == 400
    assert reply.json()["error"]["param"] == "previous_response_id"
