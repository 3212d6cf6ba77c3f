"""Hugging Face's InferenceClient, as for a server of one's own."""

import json

from huggingface_hub import InferenceClient
from huggingface_hub.errors import HfHubHTTPError
from steps import (
    ASK,
    ASK_WEATHER,
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

client = InferenceClient(base_url=URL, api_key=KEY)
ASKED = [{"role": "user", "content": ASK}]


@step("chat")
def chat():
    expect(client.chat_completion(ASKED, model=MODEL).choices[0].message.content, "text")


@step("usage")
def usage():
    expect(client.chat_completion(ASKED, model=MODEL).usage.total_tokens, "tokens")


@step("stream")
def stream():
    told = {"include_usage": True}
    pieces = list(client.chat_completion(ASKED, model=MODEL, stream=True, stream_options=told))
    expect("".join(each.choices[0].delta.content or "" for each in pieces if each.choices), "text")
    expect(pieces[-1].usage, "usage")


@step("tools")
def tools():
    messages = [{"role": "user", "content": ASK_WEATHER}]
    given = [{"type": "function", "function": {"name": "weather", "parameters": WEATHER}}]
    first = client.chat_completion(messages, model=MODEL, tools=given, tool_choice="auto")
    said = first.choices[0].message
    call = expect(said.tool_calls, "tool call")[0]
    arguments = call.function.arguments
    result = weather(**(json.loads(arguments) if isinstance(arguments, str) else arguments))
    messages += [said, {"role": "tool", "tool_call_id": call.id, "content": result}]
    last = client.chat_completion(messages, model=MODEL, tools=given)
    expect(last.choices[0].message.content, "text")
    used_tool()


@step("structured")
def structured():
    form = {"type": "json_schema", "json_schema": {"name": "dog", "schema": SCHEMA, "strict": True}}
    made = client.chat_completion(ASKED, model=MODEL, response_format=form)
    expect(json.loads(made.choices[0].message.content)["name"], "object")


@step("errors")
def errors():
    wrong = InferenceClient(base_url=URL, api_key="nw-wrong")
    raises(HfHubHTTPError, lambda: wrong.chat_completion(ASKED, model=MODEL))
    raises(HfHubHTTPError, lambda: client.chat_completion(ASKED, model="no-such-model"))
    raises(HfHubHTTPError, lambda: client.chat_completion([], model=MODEL))


main()
