#!/bin/sh
# Packages: langchain-core 1.8.3, langchain-openai 1.7.4 (PyPI): set_llm_cache() and get_usage_metadata_callback().
# Behaviour seen: the same question ten times, with LangChain's cache in front of the model. The server is asked once and reports
#   1,000 prompt tokens; the callback has counted 10,000. A cached message carries the usage of the call that filled the cache, and
#   beside its tokens a key `total_cost: 0`, which is all that tells it from a paid one.
# One would guess: what a cache answers uses no tokens, as its purpose is to save them.
# Why it matters: a quota, a bill to a customer or a budget that is kept by this callback goes up as if there were no cache, and
#   the better the cache works the wronger it is: at nine hits of ten, tenfold. Count where requests leave, or skip messages whose
#   usage has total_cost.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq langchain-core==1.8.3 langchain-openai==1.7.4
cat > "$work/program.py" <<'PY'
import http.server
import json
import sys
import threading
from importlib.metadata import version

from langchain_core.caches import InMemoryCache
from langchain_core.callbacks import get_usage_metadata_callback
from langchain_core.globals import set_llm_cache
from langchain_openai import ChatOpenAI

requests = 0


class Server(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_POST(self):
        global requests
        requests += 1
        self.rfile.read(int(self.headers["content-length"]))
        choice = {"index": 0, "message": {"role": "assistant", "content": "Fine."}, "finish_reason": "stop"}
        usage = {"prompt_tokens": 1000, "completion_tokens": 10, "total_tokens": 1010}
        told = {"id": "c", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice], "usage": usage}
        body = json.dumps(told).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server)
threading.Thread(target=server.serve_forever, daemon=True).start()
set_llm_cache(InMemoryCache())
model = ChatOpenAI(model="m", api_key="k", base_url=f"http://127.0.0.1:{server.server_port}/v1")
with get_usage_metadata_callback() as counted:
    last = [model.invoke("How are you?") for _ in range(10)][-1]
used = counted.usage_metadata["m"]
print(*(f"{name} {version(name)}" for name in ("langchain-core", "langchain-openai")), sep=", ")
print(f"ten calls, {requests} request; prompt tokens counted: {used['input_tokens']}")
print("usage of a message from the cache:", {k: last.usage_metadata[k] for k in ("input_tokens", "total_cost")})
if (requests, used["input_tokens"], last.usage_metadata.get("total_cost")) != (1, 10_000, 0):
    sys.exit("changed: answers from the cache are counted in another way now")
print("as described: nine answers that cost nothing are counted in full")
PY
"$work/venv/bin/python" "$work/program.py"
