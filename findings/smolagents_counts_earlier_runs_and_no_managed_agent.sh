#!/bin/sh
# Package: smolagents 1.26.0 with openai 3.57.0 (PyPI): RunResult.token_usage, "count of tokens used during the run".
# Behaviour seen: each request has 1,000 prompt tokens. Three runs of one request each, of which the second and third continue the
#   conversation (reset=False), say 1,000, 2,000 and 3,000: a run's usage is that of every step in memory. A run that hands its task
#   to a managed agent makes three requests and says 2,000: those of the managed agent are in no count of the run's, neither in
#   the result nor in agent.monitor.
# One would guess: a run's usage is what the run sent, helpers included: 1,000 each time, and 3,000.
# Why it matters: whoever adds up the results bills a chat of 20 turns for 210 requests, ten times too much; and whoever limits a
#   team of agents by its manager's usage lets all the work through, for the managed agents do it. The errors are opposite, so a
#   sum over a day can look right.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq smolagents==1.26.0 openai==3.57.0
cat > "$work/program.py" <<'PY'
import http.server
import json
import sys
import threading
from importlib.metadata import version

from smolagents import LogLevel, OpenAIModel, ToolCallingAgent

requests = 0


class Server(http.server.BaseHTTPRequestHandler):
    """Hands the task to the helper if there's one that hasn't answered yet, and else gives the final answer."""

    def log_message(self, *_):
        pass

    def do_POST(self):
        global requests
        requests += 1
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        helped = "final answer from your managed agent" in json.dumps(body["messages"])
        name, arguments = "final_answer", {"answer": "ok"}
        if not helped and any(tool["function"]["name"] == "helper" for tool in body["tools"]):
            name, arguments = "helper", {"task": "Do it."}
        call = {"id": f"c{requests}", "type": "function", "function": {"name": name, "arguments": json.dumps(arguments)}}
        message = {"role": "assistant", "content": None, "tool_calls": [call]}
        told = {
            "id": "c", "object": "chat.completion", "created": 1, "model": "m",
            "choices": [{"index": 0, "finish_reason": "tool_calls", "message": message}],
            "usage": {"prompt_tokens": 1000, "completion_tokens": 10, "total_tokens": 1010},
        }  # fmt: skip
        answer = json.dumps(told).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server)
threading.Thread(target=server.serve_forever, daemon=True).start()
model = OpenAIModel(model_id="m", api_base=f"http://127.0.0.1:{server.server_port}/v1", api_key="k")
quiet = {"model": model, "tools": [], "verbosity_level": LogLevel.OFF}
seen = []


def run(what, agent, **options):
    global requests
    requests = 0
    result = agent.run("Say ok.", return_full_result=True, **options)
    monitored = agent.monitor.get_total_token_counts().input_tokens
    seen.append((requests, result.token_usage.input_tokens, monitored))
    print(f"{what:28} {requests} requests, {requests}000 prompt tokens; result {result.token_usage.input_tokens}, monitor {monitored}")


print("smolagents", version("smolagents"))
chat = ToolCallingAgent(**quiet)
run("a run", chat)
run("its second turn, reset=False", chat, reset=False)
run("its third turn, reset=False", chat, reset=False)
helper = ToolCallingAgent(name="helper", description="Does things.", **quiet)
run("a run with a managed agent", ToolCallingAgent(managed_agents=[helper], **quiet))
if seen != [(1, 1000, 1000), (1, 2000, 2000), (1, 3000, 3000), (3, 2000, 2000)]:
    sys.exit("changed: runs are counted in another way now")
print("as described: a run's usage has earlier runs in it, and none of its managed agent's")
PY
"$work/venv/bin/python" "$work/program.py"
