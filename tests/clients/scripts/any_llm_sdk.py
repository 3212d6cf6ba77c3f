"""Mozilla's any-llm."""

import any_llm
import pydantic
from steps import ASK, EMBEDDER, KEY, MODEL, URL, WEATHER, expect, main, raises, step

given = {"model": MODEL, "provider": "openai", "api_base": URL, "api_key": KEY}
messages = [{"role": "user", "content": ASK}]


class Dog(pydantic.BaseModel):
    """A structured answer."""

    name: str
    age: int


@step("chat")
def chat():
    expect(any_llm.completion(messages=messages, **given).choices[0].message.content, "text")


@step("usage")
def usage():
    expect(any_llm.completion(messages=messages, **given).usage.total_tokens, "tokens")


@step("stream")
def stream():
    expect(list(any_llm.completion(messages=messages, stream=True, **given)), "pieces")


@step("tools")
def tools():
    tool = {
        "type": "function",
        "function": {"name": "weather", "description": "w", "parameters": WEATHER},
    }
    made = any_llm.completion(messages=messages, tools=[tool], **given)
    expect(made.choices[0].message.tool_calls, "tool call")


@step("structured")
def structured():
    made = any_llm.completion(messages=messages, response_format=Dog, **given)
    expect(made.choices[0].message.content, "JSON")


@step("embeddings")
def embeddings():
    made = any_llm.embedding(inputs="a dog", **{**given, "model": EMBEDDER})
    expect(made.data[0].embedding, "vector")


@step("errors")
def errors():
    raises(
        Exception, lambda: any_llm.completion(messages=messages, **{**given, "api_key": "nw-wrong"})
    )


main()
