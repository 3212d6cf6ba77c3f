"""Portkey's SDK, whose gateway's address is ours."""

import json

from portkey_ai import Portkey
from portkey_ai._vendor import openai
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


def made(key=KEY):
    return Portkey(base_url=URL, api_key="unused", Authorization=key, max_retries=0)


client = made()
ASKED = [{"role": "user", "content": ASK}]


def ask(at=client, **more):
    return at.chat.completions.create(**{"model": MODEL, "messages": ASKED, **more})


@step("chat")
def chat():
    expect(ask().choices[0].message.content, "text")
    expect(client.responses.create(model=MODEL, input=ASK).output_text, "text by responses")


@step("usage")
def usage():
    expect(ask().usage.total_tokens, "tokens")


@step("stream")
def stream():
    pieces = list(ask(stream=True))
    expect("".join(each.choices[0].delta.content or "" for each in pieces if each.choices), "text")


@step("tools")
def tools():
    messages = [{"role": "user", "content": ASK_WEATHER}]
    tool = {"type": "function", "function": {"name": "weather", "parameters": WEATHER}}
    said = ask(messages=messages, tools=[tool]).choices[0].message
    call = expect(said.tool_calls, "tool call")[0]
    result = weather(**json.loads(call.function.arguments))
    said = {"role": "assistant", "tool_calls": [call.model_dump(exclude_none=True)]}
    messages += [said, {"role": "tool", "tool_call_id": call.id, "content": result}]
    expect(ask(messages=messages, tools=[tool]).choices[0].message.content, "text")
    used_tool()


@step("structured")
def structured():
    form = {"type": "json_schema", "json_schema": {"name": "dog", "schema": SCHEMA, "strict": True}}
    expect(json.loads(ask(response_format=form).choices[0].message.content)["name"], "object")


@step("embeddings")
def embeddings():
    vectors = client.embeddings.create(model=EMBEDDER, input=["a dog", "a cat"])
    expect(len(vectors.data) == 2 and vectors.data[0].embedding, "vectors")


@step("errors")
def errors():
    raises(openai.AuthenticationError, lambda: ask(made("nw-wrong")))
    raises(openai.NotFoundError, lambda: ask(model="no-such-model"))
    raises(openai.BadRequestError, lambda: ask(messages=[]))


main()
