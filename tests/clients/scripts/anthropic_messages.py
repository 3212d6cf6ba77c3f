"""Anthropic's SDK: messages."""

import os

import anthropic
import pydantic
from steps import (
    ASK,
    ASK_WEATHER,
    CLAUDE,
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

model = {"openai": MODEL, "anthropic": CLAUDE}[os.environ.get("AT", "openai")]
client = anthropic.Anthropic(base_url=ROOT, api_key=KEY, max_retries=0)
ask = {"model": model, "max_tokens": 200, "messages": [{"role": "user", "content": ASK}]}


class Dog(pydantic.BaseModel):
    """A structured answer."""

    name: str
    age: int


@step("chat")
def chat():
    expect(client.messages.create(**ask).content[0].text, "text")


@step("usage")
def usage():
    made = client.messages.create(**ask)
    expect(made.usage.input_tokens and made.usage.output_tokens, "tokens")
    expect(
        client.messages.count_tokens(model=model, messages=ask["messages"]).input_tokens, "count"
    )


@step("stream")
def stream():
    with client.messages.stream(**ask) as events:
        expect("".join(events.text_stream), "text")
        expect(events.get_final_message().usage.output_tokens, "usage")


@step("tools")
def tools():
    messages = [{"role": "user", "content": ASK_WEATHER}]
    tool = {"name": "weather", "input_schema": WEATHER}
    first = client.messages.create(**{**ask, "messages": messages, "tools": [tool]})
    call = next(each for each in first.content if each.type == "tool_use")
    result = {"type": "tool_result", "tool_use_id": call.id, "content": weather(**call.input)}
    messages += [
        {"role": "assistant", "content": first.content},
        {"role": "user", "content": [result]},
    ]
    expect(
        client.messages.create(**{**ask, "messages": messages, "tools": [tool]}).content[0].text,
        "text",
    )
    used_tool()


@step("structured")
def structured():
    expect(client.messages.parse(**ask, output_format=Dog).parsed_output, "object")


@step("errors")
def errors():
    wrong = anthropic.Anthropic(base_url=ROOT, api_key="nw-wrong", max_retries=0)
    raises(anthropic.AuthenticationError, lambda: wrong.messages.create(**ask))
    raises(anthropic.NotFoundError, lambda: client.messages.create(**{**ask, "model": "no/such"}))
    raises(anthropic.BadRequestError, lambda: client.messages.create(**{**ask, "messages": []}))


main()
