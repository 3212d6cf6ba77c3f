#!/bin/sh
# Package: langchain-openai 1.7.4 with langchain-core 1.8.3 (PyPI).
# Behaviour seen: the same usage (1000 prompt tokens of which 900 cached; 100 completion tokens of which 64 reasoning):
#     service_tier absent or "default": input_token_details {'cache_read': 900},      output_token_details {'reasoning': 64}
#     service_tier "flex":     {'flex_cache_read': 900, 'flex': 100},  {'flex_reasoning': 64, 'flex': 36}
#     service_tier "priority": {'priority_cache_read': 900, ...}
#   The standard keys are not there at all. The reply's tier decides, not the request's: with "auto" the keys change from call
#   to call. Summed over a conversation the dictionary holds both kinds.
# One would guess: cache_read and reasoning keep their names, and the tier stands beside them.
# Why it matters: details.get("cache_read", 0) is 0 on flex and priority, so that 900 cached tokens are priced as fresh
#   (2 to 10 times), and hit rates fall when a project's default tier is changed by an administrator.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq langchain-openai==1.7.4 langchain-core==1.8.3
cat > "$work/program.py" <<'PY'
import http.server
import json
import sys
import threading
from importlib.metadata import version

from langchain_openai import ChatOpenAI

USAGE = {"prompt_tokens": 1000, "completion_tokens": 100, "total_tokens": 1100, "prompt_tokens_details": {"cached_tokens": 900},
         "completion_tokens_details": {"reasoning_tokens": 64}}  # fmt: skip
tier = ""


class OpenAI(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_POST(self):
        self.rfile.read(int(self.headers["content-length"]))
        choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "ok"}}
        reply = {"id": "c", "object": "chat.completion", "created": 1, "model": "gpt-5", "service_tier": tier, "choices": [choice], "usage": USAGE}
        body = json.dumps(reply).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), OpenAI)
threading.Thread(target=server.serve_forever, daemon=True).start()
model = ChatOpenAI(model="gpt-5", base_url=f"http://127.0.0.1:{server.server_port}/v1", api_key="k", service_tier="auto")
print("langchain-openai", version("langchain-openai"))
seen = {}
for tier in ("default", "flex", "priority"):
    usage = model.invoke("hi").usage_metadata
    seen[tier] = (usage["input_token_details"], usage["output_token_details"])
    print(tier, *seen[tier])
if seen != {
    "default": ({"cache_read": 900}, {"reasoning": 64}),
    "flex": ({"flex_cache_read": 900, "flex": 100}, {"flex_reasoning": 64, "flex": 36}),
    "priority": ({"priority_cache_read": 900, "priority": 100}, {"priority_reasoning": 64, "priority": 36}),
}:
    sys.exit("changed: the details are named in another way now")
print("as described: the standard keys are gone on flex and priority")
PY
"$work/venv/bin/python" "$work/program.py"
