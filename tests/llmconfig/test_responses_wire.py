"""Models that speak OpenAI's Responses: asked so by nodes, chats, messages and `/v1/responses`."""

import asyncio
import json
from contextlib import ExitStack
from typing import Any

import openai
import pytest
from openai.types.responses import Response

from llmconfig import client as llm_client
from llmconfig.client.provider_batches import BatchRequest, answers
from llmconfig.client.provider_batches import openai as openai_batches
from llmconfig.client.types import Call, Message
from llmconfig.configuration import snapshot
from llmconfig.provider_types import get
from llmconfig.secrets import MASK
from metrics.models import GenerationMetric
from tests.llmconfig.conftest import CANARY
from tests.llmconfig.test_responses import EVENTS, strictly
from tests.loopback import JSON, Loopback, loopback

pytestmark = pytest.mark.django_db(transaction=True)
USAGE = {
    "input_tokens": 20,
    "input_tokens_details": {"cached_tokens": 5, "cache_write_tokens": 0},
    "output_tokens": 9,
    "output_tokens_details": {"reasoning_tokens": 4},
    "total_tokens": 29,
}
REASONING = {
    "id": "rs_1",
    "type": "reasoning",
    "summary": [{"type": "summary_text", "text": "Hm."}],
    "encrypted_content": "gAAA",
}
CALLED = {
    "id": "fc_1",
    "type": "function_call",
    "status": "completed",
    "call_id": "c1",
    "name": "weather",
    "arguments": '{"city":"Lima"}',
}
TOOL = {"type": "function", "name": "weather", "parameters": {"type": "object", "properties": {}}}
CHAT_TOOL = {"type": "function", "function": {"name": "weather", "parameters": {"type": "object"}}}


def message(text: str = "Fine.") -> JSON:
    part = {"type": "output_text", "text": text, "annotations": [], "logprobs": []}
    facts = {"id": "msg_1", "type": "message", "role": "assistant", "status": "completed"}
    return {**facts, "content": [part]}


def whole(*output: JSON, status: str = "completed", **more: Any) -> JSON:
    return {
        "id": "resp_theirs",
        "object": "response",
        "created_at": 1,
        "status": status,
        "error": None,
        "incomplete_details": None,
        "model": "gpt-5-pro",
        "output": list(output or [message()]),
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": [],
        "usage": USAGE,
        "store": False,
        **more,
    }


def events(*pieces: str, last: JSON | None = None) -> tuple[bytes, ...]:
    """A streamed response with one message."""
    text = "".join(pieces)
    at = {"output_index": 0, "item_id": "msg_1", "content_index": 0}
    part = message(text)["content"][0]
    begun = {**whole(), "status": "in_progress", "output": [], "usage": None}
    item = {**message(), "status": "in_progress", "content": []}
    told: list[JSON] = [
        {"type": "response.created", "response": begun},
        {"type": "response.output_item.added", "output_index": 0, "item": item},
        {"type": "response.content_part.added", **at, "part": {**part, "text": ""}},
        *(
            {"type": "response.output_text.delta", **at, "delta": each, "logprobs": []}
            for each in pieces
        ),
        {"type": "response.output_text.done", **at, "text": text, "logprobs": []},
        {"type": "response.content_part.done", **at, "part": part},
        {"type": "response.output_item.done", "output_index": 0, "item": message(text)},
        last or {"type": "response.completed", "response": whole(message(text))},
    ]
    return tuple(
        f"event: {each['type']}\ndata: {json.dumps({**each, 'sequence_number': at})}\n\n".encode()
        for at, each in enumerate(told)
    )


@pytest.fixture
def serve(make_provider, make_node):
    with ExitStack() as stack:

        def start(says: Any, kind: str = "openai", model: str = "gpt-5-pro") -> Loopback:
            served = stack.enter_context(loopback(says))
            make_provider("p", kind, model_id=model, api_base_url=served.url)
            make_node(f"p/{model}")
            return served

        yield start


def client() -> Any:
    return llm_client.get_llm("tag_rows").openai()


def answering(*output: JSON) -> Any:
    def answer(body: JSON) -> Any:
        return 200, events("Fi", "ne.") if body.get("stream") else whole(*output)

    return answer


ONLY = ("gpt-5-pro", "o3-pro-2025-06-10", "gpt-5.1-codex-max", "codex-mini-latest", "o1-pro")
ELSE = ("gpt-5", "gpt-5-mini", "o3", "gpt-4o", "gpt-5-chat-latest")


def test_models_that_are_offered_there_alone_are_known():
    kind = get("openai")
    assert {kind.wire_of(each) for each in ONLY} == {"responses"}
    assert {kind.wire_of(each) for each in ELSE} == {"openai"}
    assert get("openai_responses").wire_of("gpt-4o") == "responses"


def test_a_node_and_a_chat_ask_in_words_of_responses(serve):
    served = serve(answering(REASONING, CALLED), "openai_responses", "any")
    schema = {"type": "object", "properties": {"n": {"type": "string"}}, "required": ["n"]}
    made = llm_client.generate(
        Call(
            node="tag_rows",
            messages=[Message(role="system", content="Bark."), Message(role="user", content="Hi")],
            schema=schema,
            given={"max_tokens": 50, "temperature": 0.5},
        )
    )
    assert made.record.usage.reasoning == 4
    sent = served.bodies[0]
    assert served.paths == ["/v1/responses"]
    assert sent["text"]["format"]["type"] == "json_schema"
    assert {name: sent[name] for name in sent if name != "text"} == {
        "model": "any",
        "input": [{"role": "system", "content": "Bark."}, {"role": "user", "content": "Hi"}],
        "max_output_tokens": 50,
        "temperature": 0.5,
        "store": False,
        "include": ["reasoning.encrypted_content"],
    }
    chat = client().chat.completions.create(
        model="x",
        messages=[{"role": "user", "content": "Hi"}],
        tools=[CHAT_TOOL],
        tool_choice={"type": "function", "function": {"name": "weather"}},
        reasoning_effort="low",
        verbosity="low",
        stop=["\n"],
    )
    sent = served.bodies[-1]
    assert sent["tools"][0]["name"] == "weather"
    assert sent["tool_choice"] == {"type": "function", "name": "weather"}
    assert (sent["reasoning"], sent["text"]) == ({"effort": "low"}, {"verbosity": "low"})
    assert GenerationMetric.objects.latest("created_at").dropped_params == ["stop"]
    said = chat.choices[0]
    assert said.finish_reason == "tool_calls"
    assert said.message.tool_calls[0].function.arguments == '{"city":"Lima"}'
    assert said.message.reasoning_content == "Hm."
    # What was thought goes back encrypted, before the call that followed it.
    turn = said.message.model_dump(exclude_none=True)
    result = {"role": "tool", "tool_call_id": "c1", "content": "sunny"}
    client().chat.completions.create(
        model="x", messages=[{"role": "user", "content": "Hi"}, turn, result], tools=[CHAT_TOOL]
    )
    assert [each.get("type", "message") for each in served.bodies[-1]["input"]] == [
        "message",
        "reasoning",
        "function_call",
        "function_call_output",
    ]
    assert served.bodies[-1]["input"][1]["encrypted_content"] == "gAAA"


def test_a_chat_streams_from_there(serve):
    serve(answering())
    told = list(
        client().chat.completions.create(
            model="x", messages=[{"role": "user", "content": "Hi"}], stream=True
        )
    )
    assert "".join(each.choices[0].delta.content or "" for each in told) == "Fine."
    assert told[-1].usage.completion_tokens == 9
    assert told[-1].choices[0].finish_reason == "stop"


def test_a_request_of_responses_travels_as_it_is(serve):
    search = {"id": "ws_1", "type": "web_search_call", "status": "completed", "action": None}
    served = serve(answering(REASONING, search, message()), "openai_responses", "any")
    asked: JSON = {
        "input": [{"role": "user", "content": "Hi"}, REASONING, {"type": "item_x", "id": "i"}],
        "tools": [{"type": "web_search"}, TOOL],
        "tool_choice": {"type": "web_search"},
        "include": ["message.output_text.logprobs"],
        "top_logprobs": 2,
        "prompt": {"id": "pmpt_1"},
        "truncation": "auto",
        "new_field": 1,
        "metadata": {"a": "b"},
    }
    made = client().post("/responses", cast_to=object, body={"model": "x", **asked})
    sent = served.bodies[0]
    given = ("input", "tools", "tool_choice", "top_logprobs", "prompt", "truncation", "new_field")
    assert {name: sent[name] for name in given} == {name: asked[name] for name in given}
    assert (sent["model"], sent["store"], "metadata" in sent) == ("any", False, False)
    assert made["output"] == [REASONING, search, message()]
    assert (made["model"], made["metadata"], made["store"]) == ("tag_rows", {"a": "b"}, True)
    assert made["id"] != "resp_theirs"
    assert made["usage"] == USAGE
    # It is kept here, and goes on with all that the provider said.
    again = {"model": "x", "input": "And?", "previous_response_id": made["id"]}
    client().post("/responses", cast_to=object, body=again)
    kinds = [each.get("type", "message") for each in served.bodies[-1]["input"]]
    assert kinds == [
        "message", "reasoning", "item_x", "reasoning", "web_search_call", "message", "message",
    ]  # fmt: skip
    with pytest.raises(openai.BadRequestError, match="streamed"):
        client().post("/responses", cast_to=object, body={**again, "background": True})


def stream() -> list[Any]:
    create = client().responses.with_streaming_response.create
    with create(model="x", input="Hi", stream=True) as reply:
        lines = [json.loads(each[6:]) for each in reply.iter_lines() if each.startswith("data: ")]
    assert [each["sequence_number"] for each in lines] == list(range(len(lines)))
    return [strictly(EVENTS[each["type"]], each) for each in lines]


def test_its_events_travel_under_our_names(serve):
    serve(answering())
    told = stream()
    assert [each.type for each in told][-1] == "response.completed"
    assert "".join(each.delta for each in told if each.type.endswith(".delta")) == "Fine."
    assert {each.response.model for each in told if hasattr(each, "response")} == {"tag_rows"}
    ids = {each.response.id for each in told if hasattr(each, "response")}
    assert len(ids) == 1
    kept = client().get(f"/responses/{ids.pop()}", cast_to=object)
    assert strictly(Response, kept).output_text == "Fine."
    row = GenerationMetric.objects.latest("created_at")
    assert (row.tokens_input, row.tokens_output, row.error_code) == (20, 9, "")


def test_a_model_without_thoughts_is_asked_again_without_them(serve):
    said = {"message": "Encrypted content is not supported with this model.", "param": "include"}
    refusal = {"error": {**said, "type": "invalid_request_error", "code": None}}

    def answer(body: JSON) -> Any:
        wanted = "reasoning.encrypted_content" in body.get("include", ())
        return (400, refusal) if wanted else (200, whole())

    served = serve(answer, "openai_responses", "gpt-4o")
    likely = {"include": ["message.output_text.logprobs"]}
    for more in ({}, likely):
        body = {"model": "x", "input": "Hi", **more}
        assert client().post("/responses", cast_to=object, body=body)["status"] == "completed"
    assert [each.get("include") for each in served.bodies] == [
        ["reasoning.encrypted_content"],
        None,
        likely["include"],
    ]
    assert not GenerationMetric.objects.latest("created_at").dropped_params


FAILED = {
    "type": "response.failed",
    "response": {**whole(), "status": "failed", "error": {"code": "server_error", "message": "Oh"}},
}


GOING_ON = {"type": "response.in_progress", "response": {**whole(), "status": "in_progress"}}


@pytest.mark.parametrize("last", [FAILED, GOING_ON], ids=["failed", "cut"])
def test_a_stream_that_fails_there_ends_as_failed(serve, last):
    serve(lambda _: (200, events("Hi", last=last)))
    assert stream()[-1].type == "response.failed"


def test_no_key_comes_out_of_its_events(serve):
    pieces = [CANARY[at : at + 4] for at in range(0, len(CANARY), 4)]
    serve(lambda _: (200, events("Key: ", *pieces)))
    told = stream()
    text = json.dumps([each.model_dump() for each in told])
    assert CANARY[:16] not in text
    said = "".join(each.delta for each in told if each.type.endswith(".delta"))
    assert said.replace(MASK, "") == "Key: "


FILE = {
    "id": "file-1",
    "object": "file",
    "bytes": 1,
    "created_at": 1,
    "filename": "m.jsonl",
    "purpose": "batch",
    "status": "processed",
}
BATCH = {
    "id": "batch_1",
    "object": "batch",
    "endpoint": "/v1/responses",
    "input_file_id": "file-1",
    "completion_window": "24h",
    "status": "validating",
    "created_at": 1,
}


def test_a_providers_own_batch_asks_its_models_there(make_provider, make_node):
    call = Call(node="tag_rows", messages=[Message(role="user", content="Hi")])

    async def submitted() -> str:
        configuration = await snapshot.acurrent()
        target = answers.target_of("tag_rows", configuration)
        assert target is not None
        request = BatchRequest("row-1", answers.body_of(call, configuration))
        async with openai_batches.opened(target, configuration) as vendor:
            made = await vendor.submit([request], marker="m")
        await llm_client.aclose()
        return made

    with loopback(lambda body: (200, FILE if b"purpose" in body else BATCH), reads=bytes) as served:
        make_provider("p", "openai", model_id="gpt-5-pro", api_base_url=served.url)
        make_node("p/gpt-5-pro")
        assert asyncio.run(submitted()) == "batch_1"
    sent: list[Any] = served.bodies
    upload, batch = sent
    line = json.loads(next(each for each in upload.splitlines() if each[:1] == b"{"))
    assert line["url"] == json.loads(batch)["endpoint"] == "/v1/responses"
    assert line["body"]["input"] == [{"role": "user", "content": "Hi"}]
    read = answers.read(call, whole(message("Done.")), snapshot.current())
    assert read.outcome.text == "Done."
    assert read.record.attempts[0].batch_price
