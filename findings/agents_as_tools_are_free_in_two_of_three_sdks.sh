#!/bin/sh
# Packages: agent-framework-core 1.23.0 with agent-framework-openai 1.17.0, strands-agents 1.62.0, openai-agents 0.24.0 (PyPI).
# Behaviour seen: an agent calls another one as its tool, as each SDK's documents show it, and that one's prompt has 100,000 tokens.
#   Of 102,000 prompt tokens in three requests, usage_details of Agent Framework's answer and metrics.accumulated_usage of Strands'
#   result have 2,000, of two; context_wrapper.usage of OpenAI's SDK has all. The rest is in the helper's own answer, which its tool keeps.
# One would guess: that a run's usage is what the run took, helpers included, and that SDKs with the same way of nesting agree on it.
# Why it matters: helpers exist to read much and say little, so most tokens are theirs. Costs by run, limits on a run's usage and
#   comparisons of one agent with several are too low by just that part, and moving work into a helper looks like a saving.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/first"
"$work/first/bin/pip" install -qq openai-agents==0.24.0 agent-framework-openai==1.17.0 agent-framework-core==1.23.0
python3 -m venv "$work/second"
"$work/second/bin/pip" install -qq 'strands-agents[openai]==1.62.0'
cat > "$work/program.py" <<'PY'
import asyncio
import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.metadata import version
from threading import Thread

asked = []


class Provider(BaseHTTPRequestHandler):
    """Calls the tool `helper` once where it is offered; a prompt without it is the helper's, and long."""

    def log_message(self, *_):
        pass

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        tools = {each["function"]["name"]: each["function"]["parameters"] for each in body.get("tools") or ()}
        prompt = 1000 if "helper" in tools else 100_000
        asked.append(prompt)
        message, reason = {"role": "assistant", "content": "Done."}, "stop"
        if "helper" in tools and all(each["role"] != "tool" for each in body["messages"]):
            arguments = json.dumps({name: "Read it." for name in tools["helper"]["properties"]})
            call = {"index": 0, "id": "c", "type": "function", "function": {"name": "helper", "arguments": arguments}}
            message, reason = {"role": "assistant", "content": None, "tool_calls": [call]}, "tool_calls"
        usage = {"prompt_tokens": prompt, "completion_tokens": 10, "total_tokens": prompt + 10}
        head, kind = {"id": "c", "created": 1, "model": "m"}, "application/json"
        if body.get("stream"):
            pieces = [{"index": 0, "delta": message, "finish_reason": None}], [{"index": 0, "delta": {}, "finish_reason": reason}], []
            chunks = [{**head, "object": "chat.completion.chunk", "choices": each} for each in pieces]
            chunks[-1]["usage"] = usage
            told, kind = "".join(f"data: {json.dumps(each)}\n\n" for each in chunks) + "data: [DONE]\n\n", "text/event-stream"
        else:
            choice = {"index": 0, "message": message, "finish_reason": reason}
            told = json.dumps({**head, "object": "chat.completion", "choices": [choice], "usage": usage})
        self.send_response(200)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(told)))
        self.end_headers()
        self.wfile.write(told.encode())


server = ThreadingHTTPServer(("127.0.0.1", 0), Provider)
Thread(target=server.serve_forever, daemon=True).start()
url = f"http://127.0.0.1:{server.server_port}/v1"


def agent_framework():
    from agent_framework import Agent
    from agent_framework.openai import OpenAIChatCompletionClient

    client = OpenAIChatCompletionClient(model="m", api_key="k", base_url=url)
    tool = Agent(client=client, name="inner", instructions="Read.").as_tool(name="helper", description="Reads.")
    made = asyncio.run(Agent(client=client, name="outer", instructions="Ask.", tools=[tool]).run("Go."))
    return "agent-framework-core", made.usage_details["input_token_count"]


def openai_agents():
    from agents import Agent, OpenAIChatCompletionsModel, Runner, set_tracing_disabled
    from openai import AsyncOpenAI

    set_tracing_disabled(True)
    model = OpenAIChatCompletionsModel("m", AsyncOpenAI(api_key="k", base_url=url))
    tool = Agent(name="inner", instructions="Read.", model=model).as_tool("helper", "Reads.")
    made = asyncio.run(Runner.run(Agent(name="outer", instructions="Ask.", model=model, tools=[tool]), "Go."))
    return "openai-agents", made.context_wrapper.usage.input_tokens


def strands():
    from strands import Agent
    from strands.models.openai import OpenAIModel

    inner, outer = (OpenAIModel(client_args={"api_key": "k", "base_url": url}, model_id="m") for _ in range(2))
    tool = Agent(model=inner, name="helper", description="Reads.", callback_handler=None)
    made = Agent(model=outer, tools=[tool], callback_handler=None)("Go.")
    return "strands-agents", made.metrics.accumulated_usage["inputTokens"]


COUNTED = {"agent-framework-core": 2000, "openai-agents": 102_000, "strands-agents": 2000}
for run in [agent_framework, openai_agents] if sys.argv[1] == "first" else [strands]:
    asked.clear()
    name, counted = run()
    print(f"{name} {version(name)}: {sum(asked)} prompt tokens in {len(asked)} requests, counted {counted}")
    if (asked, counted) != ([1000, 100_000, 1000], COUNTED[name]):
        sys.exit(f"changed: {name} counts a helper's tokens in another way now")
PY
"$work/first/bin/python" "$work/program.py" first
"$work/second/bin/python" "$work/program.py" second
echo "as described: a helper's tokens are counted by openai-agents alone"
