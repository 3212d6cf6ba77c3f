"""Mistral's SDK, which wants the server's address without `/v1`."""

import json

from mistralai.client import Mistral, errors
from steps import (
    ASK,
    ASK_WEATHER,
    EMBEDDER,
    KEY,
    MODEL,
    ROOT,
    SCHEMA,
    WEATHER,
    expect,
    main,
    step,
    used_tool,
    weather,
)

client = Mistral(server_url=ROOT, api_key=KEY)
ASKED = [{"role": "user", "content": ASK}]


def ask(at=client, **more):
    return at.chat.complete(**{"model": MODEL, "messages": ASKED, **more})


@step("chat")
def chat():
    expect(ask().choices[0].message.content, "text")


@step("usage")
def usage():
    expect(ask().usage.total_tokens, "tokens")


@step("stream")
def stream():
    with client.chat.stream(model=MODEL, messages=ASKED) as events:
        pieces = [each.data for each in events]
    expect("".join(each.choices[0].delta.content or "" for each in pieces), "text")
    expect(pieces[-1].usage.total_tokens, "usage")


@step("tools")
def tools():
    messages = [{"role": "user", "content": ASK_WEATHER}]
    tool = {"type": "function", "function": {"name": "weather", "parameters": WEATHER}}
    said = ask(messages=messages, tools=[tool]).choices[0].message
    call = expect(said.tool_calls, "tool call")[0]
    result = weather(**json.loads(call.function.arguments))
    told = {"role": "tool", "tool_call_id": call.id, "name": "weather", "content": result}
    expect(ask(messages=[*messages, said, told], tools=[tool]).choices[0].message.content, "text")
    used_tool()


@step("structured")
def structured():
    form = {"type": "json_schema", "json_schema": {"name": "dog", "schema": SCHEMA, "strict": True}}
    expect(json.loads(ask(response_format=form).choices[0].message.content)["name"], "object")


@step("embeddings")
def embeddings():
    made = client.embeddings.create(model=EMBEDDER, inputs=["a dog", "a cat"])
    expect(len(made.data) == 2 and made.data[0].embedding, "vectors")


@step("errors")
def failures():
    expect(client.models.list().data, "models")
    for more, status in (
        ({"at": Mistral(server_url=ROOT, api_key="nw-wrong")}, 401),
        ({"model": "no-such-model"}, 404),
        ({"messages": []}, 400),
    ):
        try:
            ask(**more)
        except errors.MistralError as error:
            expect(error.status_code == status, f"{status}: {error}")
        else:
            raise AssertionError(f"raised nothing for {status}")


main()
