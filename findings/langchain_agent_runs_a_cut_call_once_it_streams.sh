#!/bin/sh
# Packages: langchain 1.5.2, langchain-core 1.8.3, langchain-openai 1.7.4 (PyPI): create_agent with one tool, against a loopback server.
# Behaviour seen: the model's answer is cut by its limit of tokens in the middle of a call: `{"order": 77, "cents": 15`, of 1500,
#   finish_reason "length". agent.invoke() files it under `invalid_tool_calls` and runs nothing. The same agent read by
#   agent.stream(stream_mode="messages") runs the tool, with 15: pieces are parsed by a reader that closes open braces, and what
#   it made of the last state stays when the stream has ended.
# One would guess: streaming changes when the pieces arrive, not which calls are valid.
# Why it matters: tests call invoke() and find the guard that the streaming user interface goes without. The tool's schema doesn't
#   help, since 15 is a number too. A middleware or the tool's caller has to look at finish_reason itself.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq langchain==1.5.2 langchain-core==1.8.3 langchain-openai==1.7.4
cat > "$work/program.py" <<'PY'
import http.server
import json
import sys
import threading
from importlib.metadata import version

from langchain.agents import create_agent
from langchain_openai import ChatOpenAI

CUT = {"name": "refund", "arguments": '{"order": 77, "cents": 15'}
CALL = {"index": 0, "id": "call_1", "type": "function", "function": CUT}


class Server(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        done = asked["messages"][-1]["role"] == "tool"
        said = {"role": "assistant", "content": "Done."} if done else {"role": "assistant", "content": None, "tool_calls": [CALL]}
        reason = "stop" if done else "length"
        told = {"id": "c", "created": 1, "model": "m"}
        self.send_response(200)
        if asked.get("stream"):
            self.send_header("content-type", "text/event-stream")
            self.end_headers()
            for delta, finish_reason in ((said, None), ({}, reason)):
                choice = {"index": 0, "delta": delta, "finish_reason": finish_reason}
                chunk = told | {"object": "chat.completion.chunk", "choices": [choice]}
                self.wfile.write(f"data: {json.dumps(chunk)}\n\n".encode())
            self.wfile.write(b"data: [DONE]\n\n")
            return
        choice = {"index": 0, "message": said, "finish_reason": reason}
        body = json.dumps(told | {"object": "chat.completion", "choices": [choice]}).encode()
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server)
threading.Thread(target=server.serve_forever, daemon=True).start()
refunds = []


def refund(order: int, cents: int) -> str:
    """Pay an order back."""
    refunds.append(cents)
    return "paid"


agent = create_agent(ChatOpenAI(model="m", api_key="k", base_url=f"http://127.0.0.1:{server.server_port}/v1"), tools=[refund])
question = {"messages": [{"role": "user", "content": "Refund the 15 euros of order 77."}]}


def paid(run):
    refunds.clear()
    run()
    return list(refunds)


invoked = paid(lambda: agent.invoke(question))
streamed = paid(lambda: list(agent.stream(question, stream_mode="messages")))
print(*(f"{name} {version(name)}" for name in ("langchain", "langchain-core", "langchain-openai")), sep=", ")
print("cents paid back with invoke():", invoked, "- with stream(stream_mode='messages'):", streamed)
if (invoked, streamed) != ([], [15]):
    sys.exit("changed: cut calls are treated in another way now")
print("as described: only the streamed run pays, and pays the wrong sum")
PY
"$work/venv/bin/python" "$work/program.py"
