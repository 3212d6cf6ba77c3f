"""Ollama's client."""

import ollama
from steps import ASK, KEY, MODEL, ROOT, expect, main, step

client = ollama.Client(host=ROOT, headers={"Authorization": f"Bearer {KEY}"})


@step("chat")
def chat():
    expect(client.list().models, "models")
    expect(
        client.chat(model=MODEL, messages=[{"role": "user", "content": ASK}]).message.content,
        "text",
    )


@step("stream")
def stream():
    expect(
        list(client.chat(model=MODEL, messages=[{"role": "user", "content": ASK}], stream=True)),
        "pieces",
    )


main()
