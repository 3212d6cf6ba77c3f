#!/bin/sh
# Package: dspy 3.4.1 with litellm 1.110.2 (PyPI).
# Behaviour seen: two LMs of one model name at two addresses (api_base), each with its own key. The first is asked and answers
#   "Rome". The second is asked the same: "Rome" again, and its server has had no request. The cache, on unless cache=False,
#   leaves api_base, base_url and api_key out of what an answer is filed under; it is kept on disk, so that the next run, too,
#   is answered by a server that is no longer there.
# One would guess: where a question was sent is part of the question; only the key would be left out.
# Why it matters: comparing a model before and after a new quantisation, a new chat template or a fine-tuning is two addresses
#   with one served name. dspy.Evaluate then scores the first server twice, finds no difference at no cost, and picks the cheaper.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq dspy==3.4.1 litellm==1.110.2
cat > "$work/program.py" <<'PY'
import http.server
import json
import logging
import sys
import threading
from importlib.metadata import version

import dspy

logging.disable(logging.WARNING)


class Model(http.server.ThreadingHTTPServer):
    def __init__(self, says):
        super().__init__(("127.0.0.1", 0), Answering)
        self.says, self.requests = says, 0
        threading.Thread(target=self.serve_forever, daemon=True).start()


class Answering(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_POST(self):
        self.rfile.read(int(self.headers["content-length"]))
        self.server.requests += 1
        choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": self.server.says}}
        usage = {"prompt_tokens": 10, "completion_tokens": 1, "total_tokens": 11}
        body = json.dumps({"id": "c", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice], "usage": usage}).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def ask(server, **more):
    address = f"http://127.0.0.1:{server.server_port}/v1"
    lm = dspy.LM("openai/served", api_base=address, api_key=f"key-{server.says}", **more)
    return lm("The capital of Italy?")[0], server.requests


before, after = Model("Rome"), Model("Milan")
seen = [ask(before), ask(after), ask(after, cache=False)]
print("dspy", version("dspy"))
print("first address:               ", *seen[0])
print("second address:              ", *seen[1])
print("second address, cache=False: ", *seen[2])
if seen != [("Rome", 1), ("Rome", 0), ("Milan", 1)]:
    sys.exit("changed: answers are filed by their address now, or not kept")
print("as described: the second server was never asked")
PY
DSPY_CACHEDIR="$work/cache" LITELLM_LOCAL_MODEL_COST_MAP=True "$work/venv/bin/python" "$work/program.py"
