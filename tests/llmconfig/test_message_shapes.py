"""`/v1/messages` and chats over providers of other wires, read strictly by the vendors' own types.

Field by field: none missing, none unknown, no unknown event.
"""

import json
from typing import Any, get_args

import pytest
from anthropic.types import Message, RawMessageStreamEvent
from openai.types.chat import ChatCompletion, ChatCompletionChunk
from pydantic import BaseModel

from llmconfig import client as llm_client
from tests.llmconfig.test_responses import ANSWERS, chunks, serve, unknown, whole

__all__ = ["serve"]
pytestmark = pytest.mark.django_db(transaction=True)
KINDS: dict[str, type[BaseModel]] = {
    get_args(each.model_fields["type"].annotation)[0]: each
    for each in get_args(get_args(RawMessageStreamEvent)[0])
}
TOOL = {"name": "weather", "input_schema": {"type": "object"}}
CHAT_TOOL = {"type": "function", "function": {"name": "weather", "parameters": {"type": "object"}}}
ASKED: dict[str, Any] = {
    "model": "x",
    "max_tokens": 2000,
    "messages": [{"role": "user", "content": "Hi"}],
    "tools": [TOOL],
    "thinking": {"type": "enabled", "budget_tokens": 1024},
}
# Beside OpenAI's own fields: names that other vendors gave to what it has no place for.
OTHERS = {
    ".choices.delta.reasoning_content",
    ".choices.message.reasoning_content",
    ".usage.cost",
    ".usage.prompt_tokens_details.cache_write_tokens",
}


def strictly(kind: type[BaseModel], value: Any, known: frozenset[str] = frozenset()) -> Any:
    """A value as its type has it: fails for missing, wrong and unknown fields."""
    read = kind.model_validate(value)
    assert not set(unknown(read)) - known, unknown(read)
    return read


def streamed(path: str, **body: Any) -> list[dict[str, Any]]:
    http = llm_client.get_llm("tag_rows").openai()._client
    reply = http.post(f"http://in-process/v1{path}", json={**body, "stream": True})
    lines = reply.text.splitlines()
    names = [line[7:] for line in lines if line.startswith("event: ")]
    data = [line[6:] for line in lines if line.startswith("data: ") and line != "data: [DONE]"]
    found = [json.loads(each) for each in data]
    assert not names or names == [each["type"] for each in found]
    return found


@pytest.fixture(params=ANSWERS)
def answer(request, serve):
    message, deltas, reason, _ = ANSWERS[request.param]
    serve(
        lambda body: (
            200,
            chunks(*deltas, reason=reason) if "stream" in body else whole(reason, **message),
        )
    )
    return message


def test_messages_have_anthropics_fields_and_events_alone(answer):
    client = llm_client.get_llm("tag_rows").anthropic()
    made = strictly(Message, client.post("/v1/messages", cast_to=object, body=ASKED))
    events = [strictly(KINDS[each["type"]], each) for each in streamed("/messages", **ASKED)]
    kinds = [each.type for each in events]
    assert (kinds[0], kinds[-2:]) == ("message_start", ["message_delta", "message_stop"])
    blocks: dict[int, str] = {}
    for each in events:
        if each.type == "content_block_start":
            assert each.index == len(blocks)
            blocks[each.index] = each.content_block.type
    assert list(blocks.values()) == [each.type for each in made.content]
    assert kinds.count("content_block_stop") == len(blocks)
    assert events[-2].delta.stop_reason == made.stop_reason


def test_chats_have_openais_fields_and_those_that_others_named(answer):
    known = frozenset(OTHERS)
    body = {**ASKED, "tools": [CHAT_TOOL]}
    del body["thinking"]
    client = llm_client.get_llm("tag_rows").openai()
    made = strictly(
        ChatCompletion, client.post("/chat/completions", cast_to=object, body=body), known
    )
    told = streamed("/chat/completions", **body)
    events = [strictly(ChatCompletionChunk, each, known) for each in told]
    assert {each.id for each in events} != {made.id}
    assert len({each.id for each in events}) == 1
    assert events[-1].choices[0].finish_reason == made.choices[0].finish_reason
    text = "".join(each.choices[0].delta.content or "" for each in events)
    assert text == (made.choices[0].message.content or "")
