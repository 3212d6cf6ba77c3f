"""OpenAI's SDK: chat completions."""

import json

import openai
import pydantic
from steps import (
    ASK,
    ASK_WEATHER,
    EMBEDDER,
    KEY,
    MODEL,
    URL,
    WEATHER,
    expect,
    main,
    raises,
    step,
    used_tool,
    weather,
)

client = openai.OpenAI(base_url=URL, api_key=KEY, max_retries=0)


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
    wrong = openai.OpenAI(base_url=URL, api_key="nw-wrong", max_retries=0)
    raises(openai.AuthenticationError, wrong.models.list)
    raises(openai.NotFoundError, lambda: client.models.retrieve("no-such-model"))
    raises(openai.BadRequestError, lambda: client.chat.completions.create(model=MODEL, messages=[]))


main()
