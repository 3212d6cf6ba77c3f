#!/bin/sh
# Package: graphiti-core 0.31.2 (PyPI), the token_tracker of its clients, with anthropic 0.125.0 and openai 3.57.0.
# Behaviour seen: an answer that doesn't fit the wanted object is asked for again, up to twice. Three answers of 1,000 prompt tokens
#   each, of which the third fits, stand in the tracker of AnthropicClient as 6,000 tokens of three calls (after each try it adds all
#   tries so far, 1 + 2 + 3), in that of OpenAIClient as 1,000 tokens of one call (only the last is added), and in that of
#   OpenAIGenericClient, for servers of OpenAI's chats, as none, be there retries or not.
# One would guess: 3,000 tokens in all three, or at least the same in all three; the tracker is there to tell what a graph costs.
# Why it matters: building a graph is thousands of such calls. The same work looks six times as dear at one vendor as at the other,
#   free at a third, and which one is right depends on how often answers didn't fit.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq graphiti-core==0.31.2 anthropic==0.125.0 openai==3.57.0 httpx==0.28.1
cat > "$work/program.py" <<'PY'
import asyncio
import json
import logging
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.metadata import version
from threading import Thread

from anthropic import AsyncAnthropic
from graphiti_core.llm_client import LLMConfig, OpenAIClient
from graphiti_core.llm_client.anthropic_client import AnthropicClient
from graphiti_core.llm_client.openai_generic_client import OpenAIGenericClient
from graphiti_core.prompts.models import Message
from pydantic import BaseModel

logging.disable(logging.CRITICAL)
asked = []


def fitting(whole):
    """JSON of a dog; of the first two tries without what follows its name."""
    return '{"name": "Rex", "age": 3}' if whole else '{"name": "Rex"'


def message(whole):
    made = {"type": "tool_use", "id": "t", "name": "Dog", "input": {"name": "Rex", **({"age": 3} if whole else {})}}
    usage = {"input_tokens": 1000, "output_tokens": 10}
    return {"id": "m", "type": "message", "role": "assistant", "model": "m", "content": [made], "stop_reason": "tool_use", "usage": usage}


def response(whole):
    text = {"type": "output_text", "text": fitting(whole), "annotations": []}
    said = {"type": "message", "id": "m", "role": "assistant", "status": "completed", "content": [text]}
    usage = {"input_tokens": 1000, "output_tokens": 10, "total_tokens": 1010, "input_tokens_details": {"cached_tokens": 0},
             "output_tokens_details": {"reasoning_tokens": 0}}
    return {"id": "r", "object": "response", "created_at": 1, "model": "m", "status": "completed", "output": [said], "usage": usage,
            "parallel_tool_calls": True, "tool_choice": "auto", "tools": []}


def completion(whole):
    choice = {"index": 0, "message": {"role": "assistant", "content": fitting(whole)}, "finish_reason": "stop"}
    usage = {"prompt_tokens": 1000, "completion_tokens": 10, "total_tokens": 1010}
    return {"id": "c", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice], "usage": usage}


class Provider(BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_POST(self):
        self.rfile.read(int(self.headers["content-length"]))
        asked.append(self.path)
        made = next(make for end, make in ANSWERS.items() if self.path.endswith(end))(len(asked) % 3 == 0)
        told = json.dumps(made).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(told)))
        self.end_headers()
        self.wfile.write(told)


ANSWERS = {"/messages": message, "/responses": response, "/chat/completions": completion}
server = ThreadingHTTPServer(("127.0.0.1", 0), Provider)
Thread(target=server.serve_forever, daemon=True).start()
url = f"http://127.0.0.1:{server.server_port}"


class Dog(BaseModel):
    name: str
    age: int


async def main():
    config = LLMConfig(api_key="k", model="m", small_model="m", base_url=f"{url}/v1")
    clients = [
        AnthropicClient(LLMConfig(api_key="k", model="m"), client=AsyncAnthropic(api_key="k", base_url=url)),
        OpenAIClient(config),
        OpenAIGenericClient(config),
    ]
    seen = []
    print("graphiti-core", version("graphiti-core"))
    for client in clients:
        asked.clear()
        question = [Message(role="system", content="Be short."), Message(role="user", content="Make up a dog.")]
        made = await client.generate_response(question, response_model=Dog, prompt_name="dog")
        used, calls = client.token_tracker.get_total_usage(), client.token_tracker.get_usage()
        counted = sum(each.call_count for each in calls.values())
        print(f"{type(client).__name__}: {made}, {len(asked)} requests of 1000 tokens; tracked {used.input_tokens} tokens of {counted} calls")
        seen.append((len(asked), used.input_tokens, counted))
    if seen != [(3, 6000, 3), (3, 1000, 1), (3, 0, 0)]:
        sys.exit("changed: retried calls are counted in another way now")
    print("as described: three tries count as six, one and none")


asyncio.run(main())
PY
"$work/venv/bin/python" "$work/program.py"
