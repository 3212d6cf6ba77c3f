"""OpenAI's SDK: responses."""

import json

import openai
import pydantic
from steps import (
    ASK,
    ASK_WEATHER,
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
    expect(client.responses.create(model=MODEL, input=ASK).output_text, "text")


@step("usage")
def usage():
    expect(client.responses.create(model=MODEL, input=ASK).usage.total_tokens, "tokens")


@step("stream")
def stream():
    with client.responses.stream(model=MODEL, input=ASK) as events:
        kinds = [each.type for each in events]
        expect(events.get_final_response().output_text, "text")
    expect("response.output_text.delta" in kinds, "deltas")


@step("tools")
def tools():
    tool = {"type": "function", "name": "weather", "parameters": WEATHER}
    first = client.responses.create(model=MODEL, input=ASK_WEATHER, tools=[tool])
    call = next(each for each in first.output if each.type == "function_call")
    result = weather(**json.loads(call.arguments))
    asked = [
        {"role": "user", "content": ASK_WEATHER},
        *first.output,
        {"type": "function_call_output", "call_id": call.call_id, "output": result},
    ]
    expect(client.responses.create(model=MODEL, input=asked, tools=[tool]).output_text, "text")
    used_tool()


@step("structured")
def structured():
    expect(client.responses.parse(model=MODEL, input=ASK, text_format=Dog).output_parsed, "object")


@step("errors")
def errors():
    wrong = openai.OpenAI(base_url=URL, api_key="nw-wrong", max_retries=0)
    raises(openai.AuthenticationError, lambda: wrong.responses.create(model=MODEL, input=ASK))
    raises(openai.NotFoundError, lambda: client.responses.create(model="no/such", input=ASK))
    raises(openai.BadRequestError, lambda: client.responses.create(model=MODEL, input=3))


main()
