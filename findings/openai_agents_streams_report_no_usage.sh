#!/bin/sh
# Package: openai-agents 0.24.0 with openai 3.52.0 (PyPI).
# Behaviour seen: Runner.run_streamed with OpenAIChatCompletionsModel at any base_url but OpenAI's own doesn't ask for usage
#   (no stream_options in the request). The run's usage is then Usage(requests=1, input_tokens=0, output_tokens=0,
#   total_tokens=0, request_usage_entries=[]): zeros, not None, beside a right count of requests. Runner.run (not streamed),
#   same model and provider, reports 1000 + 10. With ModelSettings(include_usage=True) the stream does too.
# One would guess: the SDK asks for usage always, as it does at OpenAI; or the fields are None where nothing was reported.
# Why it matters: gateways, Azure-like hosts and local servers all answer stream_options. Costs, limits on tokens per run and
#   dashboards read 0, which looks like a free or cached call, only for streamed runs, only behind the gateway.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq openai-agents==0.24.0 openai==3.52.0
cat > "$work/program.py" <<'PY'
import asyncio
import http.server
import json
import sys
import threading
from importlib.metadata import version

from agents import Agent, ModelSettings, OpenAIChatCompletionsModel, Runner, set_tracing_disabled
from openai import AsyncOpenAI

USAGE = {"prompt_tokens": 1000, "completion_tokens": 10, "total_tokens": 1010}
asked = []


class Provider(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_POST(self):
        call = json.loads(self.rfile.read(int(self.headers["content-length"])))
        asked.append(call.get("stream_options"))
        reply = {"id": "c", "created": 1, "model": "m"}
        if call.get("stream"):
            piece = {"index": 0, "delta": {"role": "assistant", "content": "ok"}, "finish_reason": "stop"}
            chunks = [{**reply, "object": "chat.completion.chunk", "choices": [piece]}]
            if (call.get("stream_options") or {}).get("include_usage"):
                chunks.append({**reply, "object": "chat.completion.chunk", "choices": [], "usage": USAGE})
            text = "".join(f"data: {json.dumps(chunk)}\n\n" for chunk in chunks) + "data: [DONE]\n\n"
        else:
            choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "ok"}}
            text = json.dumps({**reply, "object": "chat.completion", "choices": [choice], "usage": USAGE})
        self.send_response(200)
        self.send_header("content-type", "text/event-stream" if call.get("stream") else "application/json")
        self.send_header("content-length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())


async def main():
    client = AsyncOpenAI(base_url=f"http://127.0.0.1:{server.server_port}/v1", api_key="k")
    seen = {}
    for name, settings in (("whole", ModelSettings()), ("stream", ModelSettings()), ("stream, include_usage", ModelSettings(include_usage=True))):
        agent = Agent(name="a", model=OpenAIChatCompletionsModel("m", client), model_settings=settings)
        if name == "whole":
            result = await Runner.run(agent, "hi")
        else:
            result = Runner.run_streamed(agent, "hi")
            async for _ in result.stream_events():
                pass
        usage = result.context_wrapper.usage
        seen[name] = (usage.requests, usage.input_tokens, usage.output_tokens, len(usage.request_usage_entries))
        print(f"{name}: answer {result.final_output!r}, requests/input/output/entries {seen[name]}, stream_options sent {asked[-1]}")
    await client.close()
    return seen


set_tracing_disabled(True)
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Provider)
threading.Thread(target=server.serve_forever, daemon=True).start()
print("openai-agents", version("openai-agents"))
if asyncio.run(main()) != {"whole": (1, 1000, 10, 1), "stream": (1, 0, 0, 0), "stream, include_usage": (1, 1000, 10, 1)}:
    sys.exit("changed: streamed runs report usage in another way now")
print("as described: a streamed run is counted as one request of no tokens")
PY
"$work/venv/bin/python" "$work/program.py"
