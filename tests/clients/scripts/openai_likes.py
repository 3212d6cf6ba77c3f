"""SDKs of vendors whose API is OpenAI's with an address of its own: AT names the package.

Groq's adds `/openai/v1` by itself, Cerebras' `/v1`.
"""

import json
import os
from importlib import import_module

from steps import (
    ASK,
    ASK_WEATHER,
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

SDKS = {
    "groq": ("Groq", ROOT),
    "cerebras.cloud.sdk": ("Cerebras", ROOT),
    "together": ("Together", URL),
}
sdk = import_module(os.environ["AT"])
name, address = SDKS[os.environ["AT"]]
client = getattr(sdk, name)(base_url=address, api_key=KEY, max_retries=0)
ASKED = [{"role": "user", "content": ASK}]


@step("chat")
def chat():
    made = client.chat.completions.create(model=MODEL, messages=ASKED)
    expect(made.choices[0].message.content, "text")


@step("usage")
def usage():
    made = client.chat.completions.create(model=MODEL, messages=ASKED)
    expect(made.usage.total_tokens, "tokens")


@step("stream")
def stream():
    pieces = list(client.chat.completions.create(model=MODEL, messages=ASKED, stream=True))
    expect("".join(each.choices[0].delta.content or "" for each in pieces if each.choices), "text")


@step("tools")
def tools():
    messages = [{"role": "user", "content": ASK_WEATHER}]
    tool = {"type": "function", "function": {"name": "weather", "parameters": WEATHER}}
    first = client.chat.completions.create(model=MODEL, messages=messages, tools=[tool])
    call = expect(first.choices[0].message.tool_calls, "tool call")[0]
    result = weather(**json.loads(call.function.arguments))
    said = first.choices[0].message.model_dump(exclude_none=True)
    messages += [said, {"role": "tool", "tool_call_id": call.id, "content": result}]
    last = client.chat.completions.create(model=MODEL, messages=messages, tools=[tool])
    expect(last.choices[0].message.content, "text")
    used_tool()


@step("structured")
def structured():
    form = {"type": "json_schema", "json_schema": {"name": "dog", "schema": SCHEMA, "strict": True}}
    made = client.chat.completions.create(model=MODEL, messages=ASKED, response_format=form)
    expect(json.loads(made.choices[0].message.content)["name"], "object")


def embeddings():
    made = client.embeddings.create(model=EMBEDDER, input=["a dog", "a cat"])
    expect(len(made.data) == 2 and made.data[0].embedding, "vectors")


if hasattr(client, "embeddings"):
    step("embeddings")(embeddings)


@step("errors")
def errors():
    wrong = getattr(sdk, name)(base_url=address, api_key="nw-wrong", max_retries=0)
    raises(sdk.AuthenticationError, lambda: ask(wrong))
    raises(sdk.NotFoundError, lambda: ask(client, model="no-such-model"))
    raises(sdk.BadRequestError, lambda: ask(client, messages=[]))


def ask(at, **more):
    return at.chat.completions.create(**{"model": MODEL, "messages": ASKED, **more})


main()
