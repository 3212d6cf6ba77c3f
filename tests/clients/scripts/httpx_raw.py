"""Plain HTTP by httpx, as a program without an SDK."""

import json

import httpx
from steps import ASK, EMBEDDER, KEY, MODEL, SCHEMA, URL, expect, main, step

client = httpx.Client(base_url=URL, headers={"Authorization": f"Bearer {KEY}"}, timeout=30)
body = {"model": MODEL, "messages": [{"role": "user", "content": ASK}]}


@step("chat")
def chat():
    expect(
        client.post("/chat/completions", json=body).json()["choices"][0]["message"]["content"],
        "text",
    )


@step("usage")
def usage():
    done = client.post("/chat/completions", json=body)
    expect(done.json()["usage"]["total_tokens"] and done.headers["x-nodewise-cost-usd"], "usage")


@step("stream")
def stream():
    with client.stream("POST", "/chat/completions", json={**body, "stream": True}) as reply:
        lines = [line for line in reply.iter_lines() if line]
    expect(lines[-1] == "data: [DONE]", "end")


@step("structured")
def structured():
    form = {"type": "json_schema", "json_schema": {"name": "dog", "schema": SCHEMA}}
    done = client.post("/chat/completions", json={**body, "response_format": form}).json()
    expect("name" in json.loads(done["choices"][0]["message"]["content"]), "object")


@step("embeddings")
def embeddings():
    done = client.post("/embeddings", json={"model": EMBEDDER, "input": "a dog"}).json()
    expect(done["data"][0]["embedding"], "vector")


@step("errors")
def errors():
    expect(client.post("/chat/completions", json={}).status_code == 400, "400")
    expect(httpx.get(f"{URL}/models").status_code == 401, "401")


main()
