"""OpenAI's SDK with Azure's addresses: deployments' chats and embeddings."""

import json

import openai
import pydantic
from steps import (
    ASK,
    ASK_WEATHER,
    EMBEDDER,
    KEY,
    MODEL,
    ROOT,
    WEATHER,
    expect,
    main,
    raises,
    step,
    used_tool,
    weather,
)


def made_for(key):
    return openai.AzureOpenAI(
        azure_endpoint=ROOT, api_key=key, api_version="2025-04-01-preview", max_retries=0
    )


client = made_for(KEY)


class Dog(pydantic.BaseModel):
    """A structured answer."""

    name: str
    age: int


@step("chat")
def chat():
    made = client.chat.completions.create(model=MODEL, messages=[{"role": "user", "content": ASK}])
    expect(made.choices[0].message.content, "text")


@step("usage")
def usage():
    made = client.chat.completions.create(model=MODEL, messages=[{"role": "user", "content": ASK}])
    expect(made.usage.total_tokens, "tokens")
    expect(made._request_id, "request id")


@step("stream")
def stream():
    told = {"include_usage": True}
    pieces = list(
        client.chat.completions.create(
            model=MODEL,
            messages=[{"role": "user", "content": ASK}],
            stream=True,
            stream_options=told,
        )
    )
    expect("".join(each.choices[0].delta.content or "" for each in pieces if each.choices), "text")
    expect(pieces[-1].usage, "usage")


@step("tools")
def tools():
    messages = [{"role": "user", "content": ASK_WEATHER}]
    tool = {"type": "function", "function": {"name": "weather", "parameters": WEATHER}}
    first = client.chat.completions.create(model=MODEL, messages=messages, tools=[tool])
    call = expect(first.choices[0].message.tool_calls, "tool call")[0]
    result = weather(**json.loads(call.function.arguments))
    messages += [
        first.choices[0].message,
        {"role": "tool", "tool_call_id": call.id, "content": result},
    ]
    last = client.chat.completions.create(model=MODEL, messages=messages, tools=[tool])
    expect(last.choices[0].message.content, "text")
    used_tool()


@step("structured")
def structured():
    made = client.chat.completions.parse(
        model=MODEL, messages=[{"role": "user", "content": ASK}], response_format=Dog
    )
    expect(made.choices[0].message.parsed, "object")


@step("embeddings")
def embeddings():
    made = client.embeddings.create(model=EMBEDDER, input=["a dog", "a cat"])
    expect(len(made.data) == 2 and made.data[0].embedding, "vectors")


@step("errors")
def errors():
    asked = {"model": MODEL, "messages": [{"role": "user", "content": ASK}]}
    raises(
        openai.AuthenticationError, lambda: made_for("nw-wrong").chat.completions.create(**asked)
    )
    unknown = asked | {"model": "no-such-model"}
    raises(openai.NotFoundError, lambda: client.chat.completions.create(**unknown))
    raises(openai.BadRequestError, lambda: client.chat.completions.create(model=MODEL, messages=[]))


main()
