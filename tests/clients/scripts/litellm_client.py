"""LiteLLM as a client."""

import json

import litellm
from steps import (
    ASK,
    ASK_WEATHER,
    CLAUDE,
    EMBEDDER,
    KEY,
    MODEL,
    ROOT,
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

given = {
    "model": f"openai/{MODEL}",
    "api_base": URL,
    "api_key": KEY,
    "num_retries": 0,
    "max_retries": 0,
}
messages = [{"role": "user", "content": ASK}]


@step("chat")
def chat():
    expect(litellm.completion(messages=messages, **given).choices[0].message.content, "text")
    claude = litellm.completion(
        f"anthropic/{CLAUDE}", messages, api_base=ROOT, api_key=KEY, max_tokens=200
    )
    expect(claude.choices[0].message.content, "text by Anthropic's wire")
    expect(
        litellm.responses(input=ASK, **{**given, "model": f"openai/{MODEL}"}).output, "a response"
    )


@step("usage")
def usage():
    expect(litellm.completion(messages=messages, **given).usage.total_tokens, "tokens")


@step("stream")
def stream():
    pieces = litellm.completion(messages=messages, stream=True, **given)
    expect("".join(piece.choices[0].delta.content or "" for piece in pieces), "text")


@step("tools")
def tools():
    asked = [{"role": "user", "content": ASK_WEATHER}]
    tool = {"type": "function", "function": {"name": "weather", "parameters": WEATHER}}
    said = litellm.completion(messages=asked, tools=[tool], **given).choices[0].message
    call = expect(said.tool_calls, "tool call")[0]
    result = weather(**json.loads(call.function.arguments))
    asked += [said.model_dump(), {"role": "tool", "tool_call_id": call.id, "content": result}]
    expect(
        litellm.completion(messages=asked, tools=[tool], **given).choices[0].message.content, "text"
    )
    used_tool()


@step("structured")
def structured():
    form = {"type": "json_schema", "json_schema": {"name": "dog", "schema": SCHEMA, "strict": True}}
    made = litellm.completion(messages=messages, response_format=form, **given)
    expect(json.loads(made.choices[0].message.content)["name"] is not None, "object")


@step("embeddings")
def embeddings():
    made = litellm.embedding(f"openai/{EMBEDDER}", ["a dog"], api_base=URL, api_key=KEY)
    expect(made.data[0]["embedding"], "vector")


@step("errors")
def errors():
    wrong = {**given, "api_key": "nw-wrong"}
    raises(litellm.AuthenticationError, lambda: litellm.completion(messages=messages, **wrong))
    missing = {**given, "model": "openai/no/such"}
    raises(litellm.NotFoundError, lambda: litellm.completion(messages=messages, **missing))


main()
