"""Langfuse's wrapper of OpenAI's SDK."""

import os

os.environ["LANGFUSE_TRACING_ENABLED"] = "false"

import openai as plain
from langfuse.openai import openai
from steps import ASK, KEY, MODEL, URL, expect, main, raises, step

client = openai.OpenAI(base_url=URL, api_key=KEY, max_retries=0)
messages = [{"role": "user", "content": ASK}]


@step("chat")
def chat():
    made = client.chat.completions.create(
        model=MODEL, messages=messages, name="n", metadata={"a": "b"}
    )
    expect(made.choices[0].message.content, "text")


@step("usage")
def usage():
    expect(
        client.chat.completions.create(model=MODEL, messages=messages).usage.total_tokens, "tokens"
    )


@step("stream")
def stream():
    expect(
        list(client.chat.completions.create(model=MODEL, messages=messages, stream=True)), "pieces"
    )


@step("errors")
def errors():
    wrong = openai.OpenAI(base_url=URL, api_key="nw-wrong", max_retries=0)
    raises(
        plain.AuthenticationError,
        lambda: wrong.chat.completions.create(model=MODEL, messages=messages),
    )


main()
