"""OpenRouter's own SDK, which checks each field of an answer, and numbers as codes of errors."""

import json

from openrouter import OpenRouter
from openrouter.errors import OpenRouterError
from steps import (
    ASK,
    ASK_WEATHER,
    EMBEDDER,
    KEY,
    MODEL,
    SCHEMA,
    URL,
    WEATHER,
    expect,
    main,
    raises,
    step,
    used_tool,
    weather,
)

client = OpenRouter(api_key=KEY, server_url=URL)
ASKED = [{"role": "user", "content": ASK}]


def ask(at=client, **more):
    return at.chat.send(**{"model": MODEL, "messages": ASKED, **more})


@step("chat")
def chat():
    expect(ask().choices[0].message.content, "text")


@step("usage")
def usage():
    expect(ask().usage.total_tokens, "tokens")


@step("stream")
def stream():
    with ask(stream=True) as events:
        pieces = [each.choices[0].delta.content or "" for each in events if each.choices]
    expect("".join(pieces), "text")


@step("tools")
def tools():
    messages = [{"role": "user", "content": ASK_WEATHER}]
    tool = {"type": "function", "function": {"name": "weather", "parameters": WEATHER}}
    said = ask(messages=messages, tools=[tool]).choices[0].message
    call = expect(said.tool_calls, "tool call")[0].model_dump()
    result = weather(**json.loads(call["function"]["arguments"]))
    messages += [
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": call["id"], "content": result},
    ]
    expect(ask(messages=messages, tools=[tool]).choices[0].message.content, "text")
    used_tool()


@step("structured")
def structured():
    form = {"type": "json_schema", "json_schema": {"name": "dog", "schema": SCHEMA, "strict": True}}
    expect(json.loads(ask(response_format=form).choices[0].message.content)["name"], "object")


@step("embeddings")
def embeddings():
    made = client.embeddings.generate(model=EMBEDDER, input=["a dog", "a cat"])
    expect(len(made.data) == 2 and made.data[0].embedding, "vectors")


@step("errors")
def errors():
    for status, send in (
        (401, lambda: ask(OpenRouter(api_key="nw-wrong", server_url=URL))),
        (404, lambda: ask(model="no-such-model")),
    ):
        raises(OpenRouterError, lambda send=send, status=status: only(status, send))


def only(status, send):
    try:
        send()
    except OpenRouterError as error:
        expect(error.status_code == status, f"status {status}")
        raise


main()
