#!/bin/sh
# Package: litellm 1.110.2 (PyPI), Router with `rpm` in a deployment's litellm_params and its standard strategy (simple-shuffle).
# Behaviour seen: a group of one deployment with `rpm: 2` lets 20 calls through at once, each to the server. In a group of two with
#   `rpm: 1` and `rpm: 99`, 300 calls go out in nearly that proportion: the number is a weight for the draw. With
#   optional_pre_call_checks=["enforce_model_rate_limits"] the third call of a minute is refused, and from then on so are the calls
#   of any other Router of the process, also of one that was made without the option.
# One would guess: requests per minute, as it is named and as a virtual key's `rpm_limit` is kept; and an option of the one Router.
# Why it matters: a vendor's quota that was written down there isn't kept: the vendor answers 429, and the deployment cools down. Limits
#   that were guessed roughly shift load between vendors. And what enforces them for one team's Router stops another team's.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq litellm==1.110.2
cat > "$work/program.py" <<'PY'
import http.server
import json
import random
import sys
import threading
from collections import Counter
from importlib.metadata import version

import litellm

litellm.suppress_debug_info = True
seen = Counter()


class Server(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_POST(self):
        model = json.loads(self.rfile.read(int(self.headers["content-length"])))["model"]
        seen[model] += 1
        choice = {"index": 0, "message": {"role": "assistant", "content": "Fine."}, "finish_reason": "stop"}
        usage = {"prompt_tokens": 3, "completion_tokens": 1, "total_tokens": 4}
        told = {"id": "c", "object": "chat.completion", "created": 1, "model": model, "choices": [choice], "usage": usage}
        body = json.dumps(told).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server)
threading.Thread(target=server.serve_forever, daemon=True).start()
address = f"http://127.0.0.1:{server.server_port}/v1"


def requests(calls, rpms, **options):
    """How many requests of each deployment the server saw, and what the last call ended in."""
    seen.clear()
    random.seed(7)
    deployments = [
        {"model_name": "chat", "litellm_params": {"model": f"openai/{name}", "api_base": address, "api_key": "k", "rpm": rpm}}
        for name, rpm in rpms.items()
    ]
    router, ended = litellm.Router(model_list=deployments, num_retries=0, **options), "answer"
    for _ in range(calls):
        try:
            router.completion("chat", messages=[{"role": "user", "content": "Hello"}])
        except Exception as error:
            ended = type(error).__name__
    return dict(seen), ended


alone = requests(20, {"only": 2})
shared, _ = requests(300, {"one": 1, "ninety-nine": 99})
enforced = requests(20, {"only": 2}, optional_pre_call_checks=["enforce_model_rate_limits"])
after = requests(20, {"only": 2})
print(f"litellm {version('litellm')}")
print("20 calls, rpm 2:", alone, "- enforced:", enforced, "- by a Router without the option, made after that one:", after)
print("300 calls, rpm 1 and 99:", shared)
few = shared.get("one", 0)
kept = all(ended == "RateLimitError" and asked.get("only", 0) < 5 for asked, ended in (enforced, after))
if alone != ({"only": 20}, "answer") or not kept or not 0 < few < 15 or few + shared["ninety-nine"] != 300:
    sys.exit("changed: rpm is kept in another way now")
print("as described: rpm is a weight, until one Router of the process enforces it")
PY
LITELLM_LOCAL_MODEL_COST_MAP=True "$work/venv/bin/python" "$work/program.py"
