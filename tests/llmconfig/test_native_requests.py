"""Requests of the vendors' clients: untouched on a wire of their own, translated to the other."""

import json
from contextlib import ExitStack
from typing import Any

import pytest

from llmconfig import client as llm_client
from metrics.models import GenerationMetric
from tests.llmconfig.conftest import CANARY
from tests.llmconfig.test_responses_wire import message
from tests.llmconfig.test_responses_wire import whole as response
from tests.loopback import Loopback, answered, loopback

pytestmark = pytest.mark.django_db(transaction=True)

MARK = {"type": "ephemeral", "ttl": "1h"}
PICTURE = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AAAA"}}
PDF: dict[str, Any] = {
    "type": "document",
    "source": {"type": "base64", "media_type": "application/pdf", "data": "JVBERi0="},
    "title": "rules.pdf",
    "citations": {"enabled": True},
}
TOOL = {"name": "weather", "description": "d", "input_schema": {"type": "object", "properties": {}}}
THOUGHT = {"type": "thinking", "thinking": "hm", "signature": "s=="}
UNSIGNED = {"type": "thinking", "thinking": "another vendor's", "signature": ""}
USE = {"type": "tool_use", "id": "t1", "name": "weather", "input": {"city": "Lima"}}
# What Claude Code and agents send, in one request.
REQUEST: dict[str, Any] = {
    "max_tokens": 2000,
    "system": [{"type": "text", "text": "Rules.", "cache_control": MARK}],
    "thinking": {"type": "enabled", "budget_tokens": 1024},
    "metadata": {"user_id": "user_" + "f" * 80},
    "context_management": {"edits": [{"type": "clear_tool_uses_20250919"}]},
    "mcp_servers": [{"type": "url", "url": "https://mcp.example.com", "name": "m"}],
    "container": {"id": "c_1"},
    "output_config": {"effort": "max"},
    "stop_sequences": ["END"],
    "tools": [
        {**TOOL, "strict": True, "defer_loading": True, "cache_control": MARK},
        {"type": "web_search_20250305", "name": "web_search", "max_uses": 2},
    ],
    "tool_choice": {"type": "auto", "disable_parallel_tool_use": True},
    "messages": [
        {"role": "user", "content": [{"type": "text", "text": "Look", "cache_control": MARK}, PDF]},
        {"role": "assistant", "content": [THOUGHT, USE]},
        {
            "role": "user",
            "content": [
                {
                    "type": "tool_result",
                    "tool_use_id": "t1",
                    "is_error": True,
                    "cache_control": MARK,
                    "content": [{"type": "text", "text": "Seen:"}, PICTURE],
                },
                {"type": "text", "text": "And now?"},
            ],
        },
    ],
}
BETAS = "context-1m-2025-08-07,mcp-client-2025-04-04"
CITED = [{"type": "char_location", "cited_text": "s"}]
ANSWER: dict[str, Any] = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "m",
    "content": [
        THOUGHT,
        {"type": "server_tool_use", "id": "s1", "name": "web_search", "input": {"query": "q"}},
        {"type": "web_search_tool_result", "tool_use_id": "s1", "content": []},
        {"type": "text", "text": "Sunny.", "citations": CITED},
    ],
    "stop_reason": "pause_turn",
    "stop_sequence": None,
    "container": {"id": "c_1", "expires_at": "2026-11-28T00:00:00Z"},
    "usage": {
        "input_tokens": 100,
        "cache_read_input_tokens": 7,
        "cache_creation_input_tokens": 30,
        "cache_creation": {"ephemeral_5m_input_tokens": 10, "ephemeral_1h_input_tokens": 20},
        "output_tokens": 10,
        "server_tool_use": {"web_search_requests": 1},
    },
}  # fmt: skip


def answer(body: dict[str, Any]) -> Any:
    """As a server that speaks both wires, and counts tokens."""
    if "max_tokens" not in body and "stream" not in body and "seed" not in body:
        return 200, {"input_tokens": 42}
    if body.get("stream"):
        return 200, tuple(EVENTS)
    return 200, ANSWER


@pytest.fixture
def serve(make_provider, make_node):
    """Start a provider that answers by a function, behind the node `tag_rows`."""
    with ExitStack() as stack:

        def start(kind: str, says: Any = answer) -> Loopback:
            served = stack.enter_context(loopback(says))
            make_provider("p", kind, model_id="m", api_base_url=served.url, price=None)
            make_node("p/m")
            return served

        yield start


def post(path: str, body: dict[str, Any], **headers: str) -> Any:
    """The JSON that the endpoint answers."""
    client = llm_client.get_llm("tag_rows").anthropic()
    return client.post(
        path, cast_to=object, body={"model": "x", **body}, options={"headers": headers}
    )


def dropped() -> set[str]:
    return set(GenerationMetric.objects.latest("created_at").dropped_params)


def test_a_message_travels_to_anthropic_and_back_untouched(serve):
    served = serve("anthropic")
    headers = {"anthropic-beta": BETAS}
    made = post("/v1/messages", REQUEST, **headers)
    assert served.bodies == [REQUEST | {"model": "m"}]
    assert served.headers[0]["anthropic-beta"] == BETAS
    assert made == ANSWER | {"model": "tag_rows"}
    assert not dropped()
    row = GenerationMetric.objects.latest("created_at")
    assert (row.tokens_input, row.tokens_cached_input, row.finish_reason) == (137, 7, "pause_turn")


KINDS = {"/chat/completions": "custom", "/responses": "openai_responses"}
SAID: dict[str, Any] = {"messages": [{"role": "user", "content": "Hi"}], "input": "Hi"}


@pytest.mark.parametrize("kind", [*KINDS.values(), "anthropic"])
def test_features_in_the_making_are_asked_of_the_vendor_whose_wire_it_is(serve, kind):
    answers = {"custom": answered(), "openai_responses": response(), "anthropic": ANSWER}
    served = serve(kind, lambda _: (200, answers[kind]))
    client = llm_client.get_llm("tag_rows").openai()
    for path, own in KINDS.items():
        for wanted, told in (("assistants=v2, x-1", True), ("x\ty", False)):
            said = "messages" if path.startswith("/chat") else "input"
            body, headers = {"model": "x", said: SAID[said]}, {"OpenAI-Beta": wanted}
            client.post(path, cast_to=object, body=body, options={"headers": headers})
            sent = {name.lower(): value for name, value in served.headers[-1].items()}
            expected = wanted if told and own == kind else None
            assert sent.get("openai-beta") == expected


DOGS: dict[str, Any] = {
    "type": "object",
    "properties": {"n": {"type": "string"}},
    "required": ["n"],
    "additionalProperties": False,
}
NAMED = {"name": "dogs", "description": "What is known of a dog."}


@pytest.mark.parametrize("path", KINDS)
@pytest.mark.parametrize("kind", [*KINDS.values(), "anthropic"])
def test_a_schemas_name_and_description_reach_every_wire(serve, kind, path):
    text = '{"n": "Rex"}'
    block = {"content": [{"type": "text", "text": text}], "stop_reason": "end_turn"}
    answers = {
        "custom": answered(text),
        "openai_responses": response(message(text)),
        "anthropic": ANSWER | block,
    }
    served = serve(kind, lambda _: (200, answers[kind]))
    form: dict[str, Any] = {"type": "json_schema", **NAMED, "schema": DOGS}
    body: dict[str, Any] = {"model": "x", "input": "Hi", "text": {"format": form}}
    if path.startswith("/chat"):
        described = {"type": "json_schema", "json_schema": {**NAMED, "schema": DOGS}}
        body = {"model": "x", "messages": SAID["messages"], "response_format": described}
    llm_client.get_llm("tag_rows").openai().post(path, cast_to=object, body=body)
    sent, words = served.bodies[-1], json.dumps(served.bodies[-1])
    assert all(each in words for each in NAMED.values())
    assert not dropped()
    if kind == "openai_responses" == KINDS[path]:
        assert NAMED.items() <= sent["text"]["format"].items()
        assert "title" not in sent["text"]["format"]["schema"]


def test_only_our_limits_change_it(serve, make_node):
    served = serve("anthropic")
    make_node("p/m", name="short", default_max_tokens=50, default_temperature=0.3)
    asked = {"messages": [{"role": "user", "content": "Hi"}], "thinking": REQUEST["thinking"]}
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
    form = {"format": {"type": "json_schema", "schema": schema}, "effort": "low"}
    client = llm_client.get_llm("short").anthropic()
    client.post("/v1/messages", cast_to=object, body={"model": "x", **asked})
    sent = served.bodies[0]
    assert sent["max_tokens"] == 50
    assert "temperature" not in sent  # beside thinking it would be refused
    with pytest.raises(Exception, match="schema"):
        post("/v1/messages", REQUEST | {"output_config": form})
    sent = served.bodies[1]
    assert sent["output_config"]["effort"] == "low"
    assert sent["output_config"]["format"]["schema"]["properties"] == schema["properties"]


def test_a_schema_is_kept_where_the_beta_had_it(serve):
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
    form = {"type": "json_schema", "schema": schema}
    asked = {"messages": [{"role": "user", "content": "Hi"}], "max_tokens": 99}
    served = serve("anthropic")
    for more in ({}, {"output_config": {"effort": "low"}}, {"output_config": {"format": form}}):
        with pytest.raises(Exception, match="schema"):  # the answer is no object
            post("/v1/messages", asked | {"output_format": form} | more)
        sent = served.bodies[-1]
        assert "output_format" not in sent
        assert sent["output_config"]["format"]["schema"]["properties"] == schema["properties"]
        assert sent["output_config"].get("effort") == more.get("output_config", {}).get("effort")
    post("/v1/messages", asked | {"output_format": None})
    assert not {"output_format", "output_config"} & set(served.bodies[-1])
    with pytest.raises(Exception, match=r"output_config\.format"):
        post("/v1/messages", asked | {"output_format": "json"})


def test_no_other_name_of_the_token_limit_goes_around_it(serve):
    served = serve("anthropic")
    more = {"n_predict": 9999, "max_completion_tokens": 9999, "options": {"num_predict": 9999}}
    asked = {"max_tokens": 5, "messages": [{"role": "user", "content": "Hi"}]}
    post("/v1/messages", asked | more)
    assert served.bodies == [asked | {"model": "m"}]
    assert dropped() == set(more)


def test_a_whole_message_in_place_of_a_stream_is_streamed(serve):
    whole = {**ANSWER, "content": [{"type": "text", "text": "Sunny."}], "stop_reason": "end_turn"}
    serve("anthropic", lambda _: (200, (event("message", **whole), event("message_stop"))))
    kinds = [each["type"] for each in streamed()]
    assert kinds == [
        "message_start", "content_block_start", "content_block_delta", "content_block_stop",
        "message_delta", "message_stop",
    ]  # fmt: skip


def test_thoughts_that_nobody_signed_stay_here(serve):
    served = serve("anthropic")
    turns = [
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": [UNSIGNED]},
        {"role": "user", "content": "Hi?"},
        {"role": "assistant", "content": [UNSIGNED, THOUGHT, USE]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t1"}]},
    ]
    post("/v1/messages", {"max_tokens": 9, "messages": turns})
    kept = [turns[0], turns[2], {"role": "assistant", "content": [THOUGHT, USE]}, turns[4]]
    assert served.bodies[0]["messages"] == kept


def event(kind: str, **more: Any) -> bytes:
    return f"event: {kind}\ndata: {json.dumps({'type': kind, **more})}\n\n".encode()


def piece(index: int, kind: str, **said: Any) -> bytes:
    return event("content_block_delta", index=index, delta={"type": f"{kind}_delta", **said})


def blocks() -> list[bytes]:
    made = []
    for index, block in enumerate(ANSWER["content"]):
        empties: dict[str, dict[str, Any]] = {
            "thinking": {"thinking": "", "signature": ""},
            "text": {"text": "", "citations": []},
            "server_tool_use": {"input": {}},
        }
        empty = empties.get(block["type"], {})
        made.append(event("content_block_start", index=index, content_block={**block, **empty}))
        if block["type"] == "thinking":
            made.append(piece(index, "thinking", thinking="hm"))
            made.append(piece(index, "signature", signature="s=="))
        elif block["type"] == "server_tool_use":
            made.append(piece(index, "input_json", partial_json=json.dumps(block["input"])))
        elif block["type"] == "text":
            made += [piece(index, "text", text=each) for each in ("Sun", "ny.")]
            made.append(piece(index, "citations", citation=block["citations"][0]))
        made.append(event("content_block_stop", index=index))
    return made


HEAD = {**ANSWER, "content": [], "stop_reason": None}
END = {"stop_reason": "pause_turn", "stop_sequence": None, "container": ANSWER["container"]}
EVENTS = [
    event("message_start", message=HEAD),
    event("ping"),
    *blocks(),
    event("message_delta", delta=END, usage={"output_tokens": 10}),
    event("message_stop"),
]


def streamed() -> list[dict[str, Any]]:
    """The events of a stream, as a client reads their data."""
    client = llm_client.get_llm("tag_rows").anthropic()
    asked: dict[str, Any] = {"model": "x", "max_tokens": 2000, "messages": REQUEST["messages"]}
    asked["stream"] = True
    with client.messages.with_streaming_response.create(**asked, extra_body=REQUEST) as reply:
        lines = list(reply.iter_lines())
    return [json.loads(line[6:]) for line in lines if line.startswith("data: ")]


def test_a_stream_of_anthropics_passes_event_by_event(serve):
    served = serve("anthropic")
    sent = [json.loads(each.partition(b"data: ")[2]) for each in EVENTS]
    sent[0]["message"]["model"] = "tag_rows"
    assert streamed() == sent
    assert served.bodies == [REQUEST | {"model": "m", "stream": True}]
    row = GenerationMetric.objects.latest("created_at")
    assert (row.tokens_input, row.tokens_output) == (137, 10)


def block(index: int, opened: dict[str, Any], *pieces: bytes, closes: bool = True) -> list[bytes]:
    begun = event("content_block_start", index=index, content_block=opened)
    end = [event("content_block_stop", index=index)] if closes else []
    return [begun, *pieces, *end]


NO_TEXT = {"type": "text", "text": ""}
SUMMARY = piece(0, "compaction", content="They like dogs.", encrypted_content="e==")
REFUSED = {"type": "refusal", "category": "cyber", "explanation": "No."}
TOLD_USAGE = {"output_tokens": 8, "output_tokens_details": {"thinking_tokens": 3}}
# What Claude streams beside the usual: the blocks, the end, and what a chat is told of it.
RECORDED: dict[str, tuple[list[bytes], dict[str, Any], str, str]] = {
    "compaction": (
        [
            *block(0, {"type": "compaction", "content": None}, SUMMARY),
            *block(1, NO_TEXT, piece(1, "text", text="Hello.")),
        ],
        {"stop_reason": "end_turn", "stop_sequence": None},
        "stop",
        "Hello.",
    ),
    "refusal": (
        block(0, NO_TEXT, piece(0, "text", text="I can")),
        {"stop_reason": "refusal", "stop_sequence": None, "stop_details": REFUSED},
        "content_filter",
        "I can",
    ),
    "a call that the limit cut": (
        [
            *block(0, NO_TEXT, piece(0, "text", text="Looking.")),
            *block(
                1,
                {**USE, "input": {}},
                piece(1, "input_json", partial_json=""),
                piece(1, "input_json", partial_json='{"city": "Li'),
                closes=False,
            ),
        ],
        {"stop_reason": "max_tokens", "stop_sequence": None},
        "length",
        "Looking.",
    ),
}


@pytest.mark.parametrize("name", RECORDED)
def test_what_claude_streams_beside_the_usual_passes_and_is_told_to_chats(serve, name):
    parts, end, reason, text = RECORDED[name]
    begun = {**HEAD, "usage": {**ANSWER["usage"], "output_tokens": 1}}
    events = [
        event("message_start", message=begun),
        *parts,
        event("message_delta", delta=end, usage=TOLD_USAGE),
        event("message_stop"),
    ]
    serve("anthropic", lambda _: (200, tuple(events)))
    sent = [json.loads(each.partition(b"data: ")[2]) for each in events]
    sent[0]["message"]["model"] = "tag_rows"
    assert streamed() == sent
    create = llm_client.get_llm("tag_rows").openai().chat.completions.create
    chunks = list(create(model="x", messages=[{"role": "user", "content": "Hi"}], stream=True))
    choices = [choice for chunk in chunks for choice in chunk.choices]
    assert "".join(each.delta.content or "" for each in choices) == text
    assert [each.finish_reason for each in choices if each.finish_reason] == [reason]
    counted = [chunk.usage for chunk in chunks if chunk.usage]
    assert [each.total_tokens for each in counted] == [137 + 8]
    rows = GenerationMetric.objects.all()
    assert {(each.tokens_input, each.tokens_output, each.error_code) for each in rows} == {
        (137, 8, "")
    }


@pytest.mark.parametrize("role", ["system", "developer"])
def test_a_chat_of_instructions_alone_is_asked_of_claude_as_a_users_turn(serve, role):
    served = serve("anthropic")
    create = llm_client.get_llm("tag_rows").openai().chat.completions.create
    turns: Any = [{"role": role, "content": "Greet me."}]
    create(model="x", messages=turns, seed=1)
    sent = served.bodies[-1]
    assert "system" not in sent
    assert [each["role"] for each in sent["messages"]] == ["user"]
    assert "Greet me." in json.dumps(sent["messages"])


@pytest.mark.parametrize("cut", [3, 7, 11, 20])
def test_a_key_is_taken_out_of_its_events_wherever_they_are_cut(serve, cut):
    parts = [CANARY[:cut], CANARY[cut:]]
    events = [
        event("message_start", message=HEAD),
        event("content_block_start", index=0, content_block={"type": "text", "text": ""}),
        *(piece(0, "text", text=each) for each in ("It is ", *parts, ".")),
        event("content_block_stop", index=0),
        event("message_delta", delta={"stop_reason": "end_turn"}, usage={"output_tokens": 3}),
        event("message_stop"),
    ]
    serve("anthropic", lambda _: (200, tuple(events)))
    said = "".join(each["delta"].get("text", "") for each in streamed() if "delta" in each)
    assert said.startswith("It is ")
    assert said.endswith(".")
    assert CANARY[4:] not in said


def test_before_the_first_piece_another_target_may_answer(serve, make_node):
    error = {"type": "overloaded_error", "message": "Busy."}
    events = [EVENTS[0], EVENTS[1], event("error", error=error)]
    serve("anthropic", lambda body: (200, tuple(EVENTS if body["model"] == "good" else events)))
    make_node("p/m", "p/good", name="two")
    client = llm_client.get_llm("two").anthropic()
    with client.messages.stream(model="x", max_tokens=9, messages=REQUEST["messages"]) as stream:
        assert stream.get_final_message().content[-1].text == "Sunny."


def test_anthropics_request_in_openais_words(serve):
    served = serve("openai", lambda _: (200, answered()))
    made = post("/v1/messages", REQUEST, **{"anthropic-beta": BETAS})
    assert made["content"] == [{"type": "text", "text": "Fine."}]
    sent = served.bodies[0]
    function = {"name": "weather", "description": "d", "strict": True}
    assert sent == {
        "model": "m",
        "max_completion_tokens": 2000,
        "stop": ["END"],
        "reasoning_effort": "xhigh",
        "user": sent["user"],
        "parallel_tool_calls": False,
        "tool_choice": "auto",
        "tools": [
            {"type": "function", "function": {**function, "parameters": TOOL["input_schema"]}}
        ],
        "messages": [
            {"role": "system", "content": "Rules."},
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "Look"},
                    {
                        "type": "file",
                        "file": {
                            "filename": "rules.pdf",
                            "file_data": "data:application/pdf;base64,JVBERi0=",
                        },
                    },
                ],
            },
            {
                "role": "assistant",
                "content": "",
                "tool_calls": [
                    {
                        "id": "t1",
                        "type": "function",
                        "function": {"name": "weather", "arguments": '{"city":"Lima"}'},
                    }
                ],
            },
            {"role": "tool", "tool_call_id": "t1", "content": "Seen:"},
            {
                "role": "user",
                "content": [
                    {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}},
                    {"type": "text", "text": "And now?"},
                ],
            },
        ],
    }
    assert len(sent["user"]) == 64
    assert "anthropic-beta" not in served.headers[0]
    assert dropped() == {
        "cache_control", "citations", "container", "context_management", "is_error",
        "mcp_servers", "thinking", "tools.defer_loading", "tools.web_search_20250305",
    }  # fmt: skip


HELLO: list[Any] = [{"role": "user", "content": "Hi"}]
FILE = {"filename": "a.pdf", "file_data": "data:application/pdf;base64,JVBERi0="}
CALL = {"id": "t1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
SIGNED = {"type": "reasoning.text", "text": "hm", "signature": "s==", "index": 0}
FUNCTION = {"type": "function", "function": {"name": "f", "strict": True, "parameters": {}}}
NO_INPUT = {"type": "object", "properties": {}}
# What OpenAI's client sends, what of it Anthropic gets, and what is dropped.
TO_ANTHROPIC: list[tuple[dict[str, Any], dict[str, Any], set[str]]] = [
    ({"reasoning_effort": "minimal"}, {"output_config": {"effort": "low"}}, set()),
    ({"reasoning_effort": "none"}, {}, {"reasoning_effort"}),
    ({"user": "u1"}, {"metadata": {"user_id": "u1"}}, set()),
    ({"metadata": {"team": "a"}}, {}, {"metadata"}),
    ({"stop": "END"}, {"stop_sequences": ["END"]}, set()),
    ({"service_tier": "flex"}, {}, {"service_tier"}),
    ({"service_tier": "auto"}, {"service_tier": "auto"}, set()),
    (
        {"seed": 1, "store": True, "verbosity": "low", "prompt_cache_key": "k", "prediction": {}},
        {},
        {"seed", "store", "verbosity", "prompt_cache_key", "prediction"},
    ),
    (
        {"tools": [FUNCTION], "parallel_tool_calls": False},
        {
            "tools": [{"name": "f", "input_schema": NO_INPUT, "strict": True}],
            "tool_choice": {"type": "auto", "disable_parallel_tool_use": True},
        },
        set(),
    ),
    (
        {"messages": [{"role": "user", "content": [{"type": "file", "file": FILE}]}]},
        {
            "messages": [
                {
                    "role": "user",
                    "content": [{k: PDF[k] for k in ("type", "source")} | {"title": "a.pdf"}],
                }
            ]
        },
        set(),
    ),
    (
        {"messages": [{"role": "user", "content": [{"type": "input_audio"}]}]},
        {"messages": [{"role": "user", "content": ""}]},
        {"messages.input_audio"},
    ),
    (
        {
            "messages": [
                *HELLO,
                {"role": "assistant", "tool_calls": [CALL], "reasoning_details": [SIGNED]},
                {"role": "tool", "tool_call_id": "t1", "content": "ok"},
            ]
        },
        {
            "messages": [
                *HELLO,
                {
                    "role": "assistant",
                    "content": [THOUGHT, {**USE, "name": "f", "input": {}}],
                },
                {
                    "role": "user",
                    "content": [{"type": "tool_result", "tool_use_id": "t1", "content": "ok"}],
                },
            ]
        },
        set(),
    ),
]  # fmt: skip


def test_openais_request_in_anthropics_words(serve):
    served = serve("anthropic")
    client = llm_client.get_llm("tag_rows").openai()
    for given, wanted, lost in TO_ANTHROPIC:
        served.bodies.clear()
        asked = {"messages": HELLO, **given}
        client.post("/chat/completions", cast_to=object, body={"model": "x", **asked})
        expected = {"model": "m", "max_tokens": 4096, "messages": HELLO, **wanted}
        assert served.bodies == [expected], given
        assert dropped() == lost, given


def test_any_json_is_asked_of_anthropic_in_words(serve):
    served = serve("anthropic")
    client = llm_client.get_llm("tag_rows").openai()
    said: Any = {"role": "system", "content": "Bark."}
    client.chat.completions.create(
        model="x", messages=[said, *HELLO], response_format={"type": "json_object"}
    )
    assert served.bodies[0]["system"].startswith("Bark.\n\nAnswer with one JSON object")
    assert "response_format" not in served.bodies[0]
    assert not dropped()


def test_what_is_unknown_here_survives_between_openai_and_its_clients(serve):
    choice = {"index": 0, "finish_reason": "stop", "content_filter_results": {"hate": {}}}
    notes = [{"type": "url_citation", "url_citation": {"url": "https://example.com"}}]
    told = {"role": "assistant", "content": "Fine.", "annotations": notes}
    whole = {
        **answered(),
        "system_fingerprint": "fp_1",
        "service_tier": "default",
        "choices": [{**choice, "message": told}],
    }
    chunk = {"system_fingerprint": "fp_1", "choices": [{"index": 0, "delta": told}]}
    end = {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}
    lines = [f"data: {json.dumps(each)}\n\n".encode() for each in (chunk, end)]
    served = serve(
        "openai", lambda body: (200, (*lines, b"data: [DONE]\n\n") if "stream" in body else whole)
    )
    asked = {"model": "x", "messages": HELLO, "seed": 7, "brand_new": {"a": [1]}, "store": False}
    client = llm_client.get_llm("tag_rows").openai()
    made = client.post("/chat/completions", cast_to=object, body=asked)
    assert served.bodies[0] == asked | {"model": "m"}
    assert (made["system_fingerprint"], made["service_tier"], made["model"]) == (
        "fp_1",
        "default",
        "tag_rows",
    )
    assert made["choices"][0]["content_filter_results"] == {"hate": {}}
    assert made["choices"][0]["message"]["annotations"] == notes
    pieces = list(client.chat.completions.create(model="x", messages=HELLO, stream=True))
    assert [each.system_fingerprint for each in pieces][1] == "fp_1"
    assert pieces[1].choices[0].delta.model_extra == {"annotations": notes}


def test_headers_tell_a_hit_of_the_cache_which_keeps_what_words_can_say(serve, settings):
    settings.LLM_ENVIRONMENT = {**settings.LLM_ENVIRONMENT, "LLM_CACHE_ENABLED": True}
    plain = {**ANSWER, "content": ANSWER["content"][:1], "stop_reason": "end_turn"}
    cited = {**ANSWER, "stop_reason": "end_turn"}
    served = serve("anthropic", lambda body: (200, cited if body["max_tokens"] == 9 else plain))
    create = llm_client.get_llm("tag_rows").anthropic().messages.with_raw_response.create
    # By the token limit, for which the server says more than our words have a place for.
    for limit, caches in ((8, ["miss", "hit"]), (9, ["miss", "miss"])):
        asked: dict[str, Any] = {"model": "x", "max_tokens": limit, "messages": HELLO}
        use = {"x-nodewise-cache": "use"}
        replies = [create(**asked, extra_headers=use) for _ in range(2)]
        assert [each.headers["x-nodewise-cache"] for each in replies] == caches
        assert replies[1].headers["x-nodewise-model"] == "p/m"
    assert len(served.bodies) == 3


def test_tokens_are_counted_by_anthropic_or_estimated(serve, make_provider, make_node):
    served = serve("anthropic")
    asked = {name: REQUEST[name] for name in ("messages", "system", "tools", "thinking")}
    client = llm_client.get_llm("tag_rows").anthropic()
    body: dict[str, Any] = {"model": "x", **asked}
    reply = client.messages.with_raw_response.count_tokens(**body)
    assert reply.parse().input_tokens == 42
    assert reply.headers["x-nodewise-counted-by"] == "provider"
    assert served.paths == ["/v1/messages/count_tokens"]
    assert served.bodies == [body | {"model": "m"}]
    with loopback(lambda _: (500, {})) as broken:
        for kind in ("anthropic", "openai"):
            make_provider(kind, kind, model_id="n", api_base_url=broken.url)
            make_node(f"{kind}/n", name=f"by_{kind}")
            client = llm_client.get_llm(f"by_{kind}").anthropic()
            reply = client.messages.with_raw_response.count_tokens(**body)
            assert reply.parse().input_tokens > 20
            assert reply.headers["x-nodewise-counted-by"] == "estimated"
            assert reply.json()["estimated"] is True
    assert not GenerationMetric.objects.exists()
