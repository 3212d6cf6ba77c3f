#!/bin/sh
# Package: mcp-agent 0.2.6 (PyPI), AnthropicAugmentedLLM with `anthropic: {base_url: …, api_key: …}` in its settings, with anthropic
#   0.125.0, openai 3.57.0 and mcp 1.30.0.
# Behaviour seen: generate_structured() asks the server at base_url. generate_str() and generate(), which run the tools, don't: the same
#   agent's chats, with the same key, are sent to api.anthropic.com. Where that can't be reached, or refuses the key, nothing is raised:
#   generate_str() returns "", as it does for any failed call. OpenAIAugmentedLLM takes its base_url for both.
# One would guess: that an address in the settings is the address of all calls, and that a call which fails isn't an empty answer.
# Why it matters: a gateway before Anthropic sees the structured calls and takes the rest for nothing asked: its budgets, records and
#   rules miss most of the tokens, and prompts go where they weren't to go. An outage is an agent that answers with silence.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq mcp-agent==0.2.6 mcp==1.30.0 anthropic==0.125.0 openai==3.57.0 httpx==0.28.1
cat > "$work/program.py" <<'PY'
import asyncio
import json
import os
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.metadata import version
from threading import Thread

reached = []


class Server(BaseHTTPRequestHandler):
    """The server at base_url, and a proxy that lets nobody out: it notes where a client wanted to go."""

    def log_message(self, *_):
        pass

    def do_CONNECT(self):
        reached.append(f"{self.path}")
        self.send_error(403)

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        reached.append("base_url")
        made = {"type": "tool_use", "id": "t", "name": body["tools"][0]["name"], "input": {"name": "Rex"}}
        answer = {"id": "m", "type": "message", "role": "assistant", "model": "m", "content": [made], "stop_reason": "tool_use",
                  "usage": {"input_tokens": 1, "output_tokens": 1}}
        told = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(told)))
        self.end_headers()
        self.wfile.write(told)


server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
Thread(target=server.serve_forever, daemon=True).start()
url = f"http://127.0.0.1:{server.server_port}"
os.environ |= {"HTTPS_PROXY": url, "NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"}
os.environ.pop("ANTHROPIC_BASE_URL", None)

from mcp_agent.agents.agent import Agent
from mcp_agent.app import MCPApp
from mcp_agent.config import AnthropicSettings, LoggerSettings, Settings
from mcp_agent.workflows.llm.augmented_llm import RequestParams
from mcp_agent.workflows.llm.augmented_llm_anthropic import AnthropicAugmentedLLM
from pydantic import BaseModel


class Dog(BaseModel):
    name: str


async def main():
    anthropic = AnthropicSettings(api_key="key-of-the-gateway", base_url=url, default_model="m")
    settings = Settings(execution_engine="asyncio", logger=LoggerSettings(type="none"), anthropic=anthropic)
    how = RequestParams(model="m", maxTokens=100)
    print("mcp-agent", version("mcp-agent"))
    async with MCPApp(name="told", settings=settings).run(), Agent(name="helper", instruction="Be short.") as agent:
        llm = await agent.attach_llm(AnthropicAugmentedLLM)
        dog = await llm.generate_structured("Make up a dog.", Dog, how)
        structured = sorted({*reached})
        reached.clear()
        said = await llm.generate_str("Describe a dog.", how)
        chats = sorted({*reached})
    print("generate_structured():", repr(dog), "asked", structured)
    print("generate_str():", repr(said), "asked", chats)
    if (dog.name, structured, said, chats) != ("Rex", ["base_url"], "", ["api.anthropic.com:443"]):
        sys.exit("changed: base_url is taken in another way now")
    print("as described: structured answers come from base_url, chats are sent to Anthropic and fail as empty texts")


asyncio.run(main())
PY
"$work/venv/bin/python" "$work/program.py" 2>"$work/said" || { tail -5 "$work/said"; exit 1; }
