"""`/v1/responses` with OpenAI's client over providers of both wires, its shapes read strictly."""

import json
from contextlib import ExitStack
from typing import Any, get_args

import openai
import pytest
from openai.types.responses import Response, ResponseStreamEvent
from pydantic import BaseModel

from llmconfig import client as llm_client
from metrics.models import GenerationMetric
from tests.loopback import Loopback, answered, loopback

pytestmark = pytest.mark.django_db(transaction=True)

HELLO = "Say hello."
WEATHER = {
    "type": "function",
    "name": "weather",
    "parameters": {"type": "object", "properties": {}},
}
USAGE = {
    "prompt_tokens": 20,
    "completion_tokens": 9,
    "total_tokens": 29,
    "prompt_tokens_details": {"cached_tokens": 5},
    "completion_tokens_details": {"reasoning_tokens": 4},
}
EVENTS: dict[str, type[BaseModel]] = {
    get_args(each.model_fields["type"].annotation)[0]: each
    for each in get_args(get_args(ResponseStreamEvent)[0])
}


class Dog(BaseModel):
    name: str


# What servers of Responses answer, though the package's types don't name it.
UNTYPED = {"store", "frequency_penalty", "presence_penalty"}


def unknown(value: Any, path: str = "") -> list[str]:
    """The fields that a type of OpenAI's doesn't have, but for those of UNTYPED."""
    if isinstance(value, list):
        return [name for each in value for name in unknown(each, path)]
    if not isinstance(value, BaseModel):
        return []
    extra = [f"{path}.{name}" for name in value.model_extra or () if name not in UNTYPED]
    names = type(value).model_fields
    return extra + [
        found for name in names for found in unknown(getattr(value, name), f"{path}.{name}")
    ]


def strictly(kind: type[BaseModel], value: Any) -> Any:
    """A value as its type has it; fails for missing and for unknown fields."""
    read = kind.model_validate(value)
    assert not unknown(read)
    return read


@pytest.fixture
def serve(make_provider, make_node):
    """Start a provider that answers by a function, behind the node `tag_rows`."""
    with ExitStack() as stack:

        def start(says: Any, kind: str = "custom") -> Loopback:
            served = stack.enter_context(loopback(says))
            make_provider("p", kind, model_id="m", api_base_url=served.url)
            make_node("p/m")
            return served

        yield start


def asked(**more: Any) -> dict[str, Any]:
    return {"model": "x", "input": HELLO, **more}


def post(**more: Any) -> Any:
    """A whole response, read strictly."""
    client = llm_client.get_llm("tag_rows").openai()
    return strictly(Response, client.post("/responses", cast_to=object, body=asked(**more)))


def stream(**more: Any) -> list[Any]:
    """The events of a streamed one, each read strictly, their numbers without a gap."""
    client = llm_client.get_llm("tag_rows").openai()
    create = client.responses.with_streaming_response.create
    with create(model="x", stream=True, extra_body=asked(**more)) as reply:
        lines = list(reply.iter_lines())
    data = [json.loads(line[6:]) for line in lines if line.startswith("data: ")]
    names = [line[7:] for line in lines if line.startswith("event: ")]
    assert names == [each["type"] for each in data]
    assert [each["sequence_number"] for each in data] == list(range(len(data)))
    return [strictly(EVENTS[each["type"]], each) for each in data]


def chunks(*deltas: dict[str, Any], reason: str = "stop") -> tuple[bytes, ...]:
    events: list[dict[str, Any]] = [{"choices": [{"index": 0, "delta": each}]} for each in deltas]
    events.append({"choices": [{"index": 0, "delta": {}, "finish_reason": reason}], "usage": USAGE})
    return (*(f"data: {json.dumps(each)}\n\n".encode() for each in events), b"data: [DONE]\n\n")


def whole(reason: str = "stop", **message: Any) -> dict[str, Any]:
    message = {"role": "assistant", "content": None, **message}
    return {
        "choices": [{"index": 0, "message": message, "finish_reason": reason}],
        "usage": USAGE,
    }


def call(index: int, arguments: str) -> dict[str, Any]:
    function = {"name": "weather", "arguments": arguments}
    return {"index": index, "id": f"c{index}", "type": "function", "function": function}


def part(index: int, arguments: str) -> dict[str, Any]:
    return {"tool_calls": [{"index": index, "function": {"arguments": arguments}}]}


CALLS = [call(0, '{"city":"Lima"}'), call(1, '{"city":"Oslo"}')]
TEXT = {"type": "message", "status": "completed", "content": ["Hi there."]}
LIMA = {"type": "function_call", "status": "completed", "call": ("c0", "weather", "Lima")}
OSLO = {"type": "function_call", "status": "completed", "call": ("c1", "weather", "Oslo")}
# A whole answer, the same as a stream's deltas, its finish reason, and the response's output.
ANSWERS: dict[str, tuple[dict[str, Any], list[dict[str, Any]], str, list[dict[str, Any]]]] = {
    "text": (
        {"content": "Hi there."},
        [{"role": "assistant", "content": ""}, {"content": "Hi "}, {"content": "there."}],
        "stop",
        [TEXT],
    ),
    "nothing": ({"content": ""}, [{"content": ""}], "stop", [{**TEXT, "content": [""]}]),
    "cut off": (
        {"content": "Hi"},
        [{"content": "Hi"}],
        "length",
        [{**TEXT, "status": "incomplete", "content": ["Hi"]}],
    ),
    "refused": (
        {"refusal": "Not this."},
        [{"refusal": "Not "}, {"refusal": "this."}],
        "stop",
        [{**TEXT, "content": ["Not this."]}],
    ),
    "parallel calls": (
        {"tool_calls": CALLS},
        [
            {"tool_calls": [call(0, "")]},
            part(0, '{"city":'),
            part(0, '"Lima"}'),
            {"tool_calls": [call(1, '{"city":"Os')]},
            part(1, 'lo"}'),
        ],
        "tool_calls",
        [LIMA, OSLO],
    ),
    "calls that are written side by side": (
        {"tool_calls": CALLS},
        [
            {"tool_calls": [call(0, ""), call(1, "")]},
            part(1, '{"city":"Oslo"}'),
            part(0, '{"city":"Lima"}'),
        ],
        "tool_calls",
        [LIMA, OSLO],
    ),
    "thoughts, text and a call": (
        {"reasoning_content": "Hm.", "content": "Hi there.", "tool_calls": CALLS[:1]},
        [
            {"reasoning_content": "H"},
            {"reasoning_content": "m."},
            {"content": "Hi there."},
            {"tool_calls": [call(0, '{"city":"Lima"}')]},
        ],
        "tool_calls",
        [{"type": "reasoning", "status": "completed", "thought": "Hm."}, TEXT, LIMA],
    ),
}


def told(item: Any) -> dict[str, Any]:
    """What an item of the output says."""
    found: dict[str, Any] = {"type": item.type, "status": item.status}
    if item.type == "message":
        content = [
            getattr(each, "text", None) or getattr(each, "refusal", "") for each in item.content
        ]
        return found | {"content": content}
    if item.type == "reasoning":
        parts = item.summary or item.content
        return found | {"thought": "".join(each.text for each in parts)}
    city = json.loads(item.arguments)["city"]
    return found | {"call": (item.call_id, item.name, city)}


@pytest.mark.parametrize("name", ANSWERS)
@pytest.mark.parametrize("summary", [None, "auto"])
def test_whole_and_streamed_responses_are_the_same(serve, name, summary):
    message, deltas, reason, output = ANSWERS[name]
    serve(
        lambda body: (
            200,
            chunks(*deltas, reason=reason) if "stream" in body else whole(reason, **message),
        )
    )
    given = {"reasoning": {"summary": summary}, "tools": [WEATHER], "metadata": {"a": "b"}}
    made = post(**given)
    events = stream(**given)
    last = events[-1].response
    assert [told(each) for each in made.output] == [told(each) for each in last.output] == output
    status = "incomplete" if reason == "length" else "completed"
    for each in (made, last):
        assert (each.status, each.model, each.metadata) == (status, "tag_rows", {"a": "b"})
        assert each.usage.model_dump(exclude_unset=True) == {
            "input_tokens": 20,
            "input_tokens_details": {"cached_tokens": 5, "cache_write_tokens": 0},
            "output_tokens": 9,
            "output_tokens_details": {"reasoning_tokens": 4},
            "total_tokens": 29,
        }
    assert events[-1].type == f"response.{status}"
    done = [each.item for each in events if each.type == "response.output_item.done"]
    assert sorted(done, key=lambda each: each.id) == sorted(last.output, key=lambda each: each.id)
    assert grown(events) == {each.id: told(each) for each in last.output}


def grown(events: list[Any]) -> dict[str, Any]:
    """The items as a client puts them together from their pieces."""
    texts: dict[str, str] = {}
    items: dict[str, Any] = {}
    for each in events:
        if each.type == "response.output_item.added":
            items[each.item.id] = each.item
            texts[each.item.id] = ""
        elif each.type.endswith(".delta"):
            texts[each.item_id] += each.delta
        elif each.type == "response.output_item.done":
            items[each.item.id] = items[each.item.id], each.item.status
    found = {}
    for name, (item, status) in items.items():
        said: dict[str, Any] = {"type": item.type, "status": status}
        if item.type == "message":
            said["content"] = [texts[name]]
        elif item.type == "reasoning":
            said["thought"] = texts[name]
        else:
            said["call"] = (item.call_id, item.name, json.loads(texts[name])["city"])
        found[name] = said
    return found


def test_openais_client_puts_streams_together_and_parses_shapes(serve):
    shape = whole(content='{"name": "Rex"}')
    served = serve(
        lambda body: (
            200,
            chunks({"content": "Hi "}, {"content": "there."}) if "stream" in body else shape,
        )
    )
    client = llm_client.get_llm("tag_rows").openai()
    with client.responses.stream(model="x", input=HELLO) as events:
        assert events.get_final_response().output_text == "Hi there."
    parsed = client.responses.parse(model="x", input=HELLO, text_format=Dog)
    assert parsed.output_parsed == Dog(name="Rex")
    sent = served.bodies[-1]["response_format"]
    assert sent["json_schema"]["schema"]["properties"]["name"]["type"] == "string"


IMAGE = {"type": "input_image", "image_url": "data:image/png;base64,AA", "detail": "low"}
FILE = {"type": "input_file", "filename": "a.pdf", "file_data": "data:application/pdf;base64,AA"}
PICTURE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA", "detail": "low"}}


def test_a_request_becomes_a_chat(serve):
    served = serve(lambda _: (200, answered()))
    post(
        instructions="Be brief.",
        input=[
            {"role": "developer", "content": "Bark."},
            {"role": "user", "content": [{"type": "input_text", "text": "Look"}, IMAGE, FILE]},
            {
                "type": "message",
                "role": "assistant",
                "content": [{"type": "output_text", "text": "Hm"}],
            },
            {"type": "function_call", "call_id": "c0", "name": "weather", "arguments": "{}"},
            {"type": "function_call", "call_id": "c1", "name": "weather", "arguments": "{}"},
            {"type": "function_call_output", "call_id": "c0", "output": "sunny"},
            {
                "type": "function_call_output",
                "call_id": "c1",
                "output": [{"type": "input_text", "text": "Seen:"}, IMAGE],
            },
        ],
        tools=[{**WEATHER, "strict": True, "description": "d"}, {**WEATHER, "name": "other"}],
        tool_choice={
            "type": "allowed_tools",
            "mode": "required",
            "tools": [{"type": "function", "name": "weather"}],
        },
        parallel_tool_calls=False,
        max_output_tokens=77,
        temperature=0.5,
        top_p=0.9,
        reasoning={"effort": "low"},
        text={"format": {"type": "json_object"}, "verbosity": "low"},
        store=False,
        include=["reasoning.encrypted_content"],
        prompt_cache_key="k",
        user="u",
        client_metadata={"a": "b"},
        truncation="auto",
    )
    functions = [
        {"id": f"c{at}", "type": "function", "function": {"name": "weather", "arguments": "{}"}}
        for at in (0, 1)
    ]
    file = {"file_data": "data:application/pdf;base64,AA", "filename": "a.pdf"}
    assert served.bodies == [
        {
            "model": "m",
            "messages": [
                {"role": "system", "content": "Be brief."},
                {"role": "developer", "content": "Bark."},
                {
                    "role": "user",
                    "content": [
                        {"type": "text", "text": "Look"},
                        PICTURE,
                        {"type": "file", "file": file},
                    ],
                },
                {"role": "assistant", "content": "Hm", "tool_calls": functions},
                {"role": "tool", "tool_call_id": "c0", "content": "sunny"},
                {"role": "tool", "tool_call_id": "c1", "content": "Seen:"},
                {"role": "user", "content": [PICTURE]},
            ],
            "tools": [
                {
                    "type": "function",
                    "function": {
                        "name": "weather",
                        "description": "d",
                        "parameters": WEATHER["parameters"],
                        "strict": True,
                    },
                }
            ],
            "tool_choice": "required",
            "parallel_tool_calls": False,
            "max_tokens": 77,
            "temperature": 0.5,
            "top_p": 0.9,
            "reasoning_effort": "low",
            "verbosity": "low",
            "response_format": {"type": "json_object"},
            "prompt_cache_key": "k",
            "user": "u",
        }
    ]
    row = GenerationMetric.objects.latest("created_at")
    assert set(row.dropped_params) == {"client_metadata", "truncation"}
    assert row.operation_type == "responses"


def test_signed_thoughts_go_out_and_come_back_in_a_loop_of_tools(serve):
    thought = {"type": "thinking", "thinking": "hm", "signature": "s=="}
    use = {"type": "tool_use", "id": "t1", "name": "weather", "input": {"city": "Lima"}}
    message = {"type": "message", "role": "assistant", "stop_sequence": None}
    usage = {"input_tokens": 9, "output_tokens": 4}
    first = {**message, "content": [thought, use], "stop_reason": "tool_use", "usage": usage}
    served = serve(lambda _: (200, first), "anthropic")
    made = post(tools=[WEATHER], include=["reasoning.encrypted_content"])
    assert [each.type for each in made.output] == ["reasoning", "function_call"]
    output = {"type": "function_call_output", "call_id": "t1", "output": "sunny"}
    items = [each.model_dump(exclude_unset=True) for each in made.output]
    post(tools=[WEATHER], input=[{"role": "user", "content": HELLO}, *items, output])
    result = {"type": "tool_result", "tool_use_id": "t1", "content": "sunny"}
    assert served.bodies[-1]["messages"] == [
        {"role": "user", "content": HELLO},
        {"role": "assistant", "content": [thought, use]},
        {"role": "user", "content": [result]},
    ]


# What is refused, and the field that the error names.
REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"background": True}, "background"),
    ({"conversation": "conv_1"}, "conversation"),
    ({"previous_response_id": "resp_1"}, "previous_response_id"),
    ({"prompt": {"id": "p"}}, "prompt"),
    ({"include": "all"}, "include"),
    ({"tools": [WEATHER, {"type": "web_search"}]}, "tools[1].type"),
    ({"tools": [WEATHER, {"type": "image_generation"}]}, "tools[1].type"),
    (
        {
            "tools": [{"type": "web_search", "external_web_access": False}],
            "tool_choice": {"type": "web_search"},
        },
        "tools[0].type",
    ),
    ({"tools": [{"type": "namespace", "name": "n", "tools": [{}]}]}, "tools[0].tools[0].name"),
    ({"tools": [{"type": "function"}]}, "tools[0].name"),
    ({"tools": [WEATHER], "tool_choice": {"type": "mcp"}}, "tool_choice"),
    ({"tools": [WEATHER], "tool_choice": {"type": "allowed_tools"}}, "tool_choice.tools"),
    ({"input": None}, "input"),
    ({"input": []}, "input"),
    ({"input": [1]}, "input[0]"),
    ({"input": [{"role": "robot", "content": ""}]}, "input[0].role"),
    ({"input": [{"role": "user", "content": 5}]}, "input[0].content"),
    ({"input": [{"type": "item_reference", "id": "msg_1"}]}, "input[0].type"),
    ({"input": [{"type": "web_search_call", "id": "ws_1"}]}, "input[0].type"),
    ({"input": [{"type": "function_call", "name": "f"}]}, "input[0].call_id"),
    ({"input": [{"type": "function_call_output", "output": ""}]}, "input[0].call_id"),
    (
        {"input": [{"role": "user", "content": [{"type": "input_image", "file_id": "f"}]}]},
        "input[0].content[0]",
    ),
    (
        {"input": [{"role": "user", "content": [{"type": "input_audio"}]}]},
        "input[0].content[0].type",
    ),
    ({"instructions": 5}, "instructions"),
    ({"reasoning": "high"}, "reasoning"),
    ({"text": {"format": {"type": "grammar"}}}, "text.format"),
    ({"text": {"format": {"type": "json_schema"}}}, "text.format.schema"),
    ({"max_output_tokens": 0}, "max_output_tokens"),
    ({"stream": "yes"}, "stream"),
    ({"metadata": 5}, "metadata"),
]


PATCH = {"type": "grammar", "syntax": "lark", "definition": "start: /.+/"}
NAMESPACE = {"type": "namespace", "name": "crm", "description": "Dogs.", "tools": [WEATHER]}
CODEX_TOOLS = [
    WEATHER,
    {"type": "custom", "name": "patch", "description": "Patches.", "format": PATCH},
    NAMESPACE,
    {"type": "web_search", "external_web_access": False},
]


def test_tools_of_codex_are_functions_of_a_chat_and_come_back_as_they_were(serve):
    calls = [
        {**call(0, '{"input": "a\\nb"}'), "id": "c0"},
        {**call(1, "{}"), "id": "c1"},
    ]
    for each, name in zip(calls, ("patch", "crm__weather"), strict=True):
        each["function"] = {**each["function"], "name": name}
    parts = [{"index": at, **each} for at, each in enumerate(calls)]
    served = serve(
        lambda body: (
            200,
            chunks({"tool_calls": parts}, reason="tool_calls")
            if body.get("stream")
            else whole("tool_calls", tool_calls=calls),
        )
    )
    made = post(tools=CODEX_TOOLS)
    patched, asked_crm = made.output
    assert (patched.type, patched.name, patched.input) == ("custom_tool_call", "patch", "a\nb")
    assert (asked_crm.name, asked_crm.namespace, asked_crm.arguments) == ("weather", "crm", "{}")
    events = stream(tools=CODEX_TOOLS)
    ours = {"id"}
    streamed = [each.model_dump(exclude=ours) for each in events[-1].response.output]
    assert streamed == [each.model_dump(exclude=ours) for each in made.output]
    texts = [each for each in events if each.type.startswith("response.custom_tool_call_input")]
    assert [each.type.rpartition(".")[2] for each in texts] == ["delta", "done"]
    assert texts[1].input == "a\nb"
    functions = [each["function"] for each in served.bodies[0]["tools"]]
    assert [each["name"] for each in functions] == ["weather", "patch", "crm__weather"]
    assert functions[1]["description"].endswith("start: /.+/")
    assert functions[1]["parameters"]["required"] == ["input"]
    record = GenerationMetric.objects.first()
    assert record.dropped_params == ["tools.format (asked in words)", "tools.web_search"]
    items = [each.model_dump(exclude_none=True) for each in made.output]
    results = [
        {"type": "custom_tool_call_output", "call_id": "c0", "output": "done"},
        {"type": "function_call_output", "call_id": "c1", "output": "sunny"},
    ]
    choice = {"type": "custom", "name": "patch"}
    post(tools=CODEX_TOOLS, tool_choice=choice, input=[*items, *results])
    sent = served.bodies[-1]
    assert sent["tool_choice"]["function"]["name"] == "patch"
    back, *answers = sent["messages"]
    names = [each["function"]["name"] for each in back["tool_calls"]]
    assert names == ["patch", "crm__weather"]
    assert json.loads(back["tool_calls"][0]["function"]["arguments"]) == {"input": "a\nb"}
    assert [each["content"] for each in answers] == ["done", "sunny"]


def test_the_live_search_of_codex_is_left_out_beside_its_own_tools_alone(serve):
    served = serve(lambda _: (200, answered()))
    live = {"type": "web_search", "external_web_access": True}
    post(tools=[WEATHER, live])
    assert [each["function"]["name"] for each in served.bodies[0]["tools"]] == ["weather"]
    assert GenerationMetric.objects.get().dropped_params == ["tools.web_search"]
    with pytest.raises(openai.BadRequestError, match="web_search"):
        post(tools=[live])


def test_what_cannot_be_carried_is_refused_by_name(serve):
    served = serve(lambda _: (200, answered()))
    for given, field in REFUSED:
        with pytest.raises(openai.BadRequestError) as refused:
            post(**given)
        assert refused.value.param == field, given
    assert not served.bodies


def test_a_stream_that_breaks_off_ends_as_failed(serve):
    piece = {"choices": [{"index": 0, "delta": {"content": "Hi"}}]}
    serve(lambda _: (200, (f"data: {json.dumps(piece)}\n\n".encode(),)))
    last = stream()[-1]
    assert last.type == "response.failed"
    assert last.response.status == "failed"
    assert last.response.error.code == "server_error"
    assert last.response.output[0].content[0].text == "Hi"


def test_another_servers_sealed_thoughts_are_left_out(serve):
    served = serve(lambda _: (200, answered()))
    for content in ("gAAA", "nw1.%%", "nw1.e30=", None):
        item: dict[str, Any] = {"type": "reasoning", "id": "rs_1", "summary": []}
        post(input=[{**item, "encrypted_content": content}, {"role": "user", "content": HELLO}])
        assert served.bodies[-1]["messages"] == [{"role": "user", "content": HELLO}]
