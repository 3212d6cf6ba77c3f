#!/bin/sh
# Package: litellm 1.110.2 (PyPI).
# Behaviour seen: completion(model="openai/gpt-4o", input_cost_per_token=1e-6, output_cost_per_token=1e-5) (the documented way to
#   set an own price), reply with 1000 prompt tokens of which 900 were read from the cache, 100 completion tokens:
#     response_cost 0.002225 = 100 * 1e-6 + 900 * 1.25e-6 + 100 * 1e-5
#   The 900 cached tokens are priced from the public list of gpt-4o, 25% dearer than the own price of a fresh token. The same
#   call for a model that the list doesn't know ("openai/my-model") costs 0.002000: cached tokens at the own input price.
# One would guess: an own price replaces the list's price of that call; a discount for cached tokens never makes them dearer.
# Why it matters: contracts below list price are the reason to set own prices. The more is cached, the more is overcharged,
#   and the number depends on what the model happens to be called.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq litellm==1.110.2
cat > "$work/program.py" <<'PY'
import http.server
import json
import os
import sys
import threading
from importlib.metadata import version

os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"
import litellm


class Provider(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_POST(self):
        model = json.loads(self.rfile.read(int(self.headers["content-length"])))["model"]
        usage = {"prompt_tokens": 1000, "completion_tokens": 100, "total_tokens": 1100, "prompt_tokens_details": {"cached_tokens": 900}}
        choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "ok"}}
        reply = {"id": "c", "object": "chat.completion", "created": 1, "model": model, "choices": [choice], "usage": usage}
        body = json.dumps(reply).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Provider)
threading.Thread(target=server.serve_forever, daemon=True).start()


def cost(model):
    reply = litellm.completion(
        model=model, messages=[{"role": "user", "content": "hi"}], api_key="k", api_base=f"http://127.0.0.1:{server.server_port}/v1",
        input_cost_per_token=1e-6, output_cost_per_token=1e-5,
    )  # fmt: skip
    return round(reply._hidden_params["response_cost"], 9)


listed, own = cost("openai/gpt-4o"), cost("openai/my-model")
print(f"litellm {version('litellm')}: gpt-4o {listed}, my-model {own}")
if (listed, own) != (0.002225, 0.002):
    sys.exit("changed: own prices are combined with the public list in another way now")
print("as described: cached tokens of a listed model keep the public price, here above the own price")
PY
"$work/venv/bin/python" "$work/program.py"
