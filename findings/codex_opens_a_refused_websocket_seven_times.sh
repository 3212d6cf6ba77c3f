#!/bin/sh
# Package: @openai/codex 0.171.0 (npm).
# Behaviour seen: with `supports_websockets = true` for a provider whose server doesn't speak them, Codex falls back to HTTP at
#   once after status 426. After 405 (and 404, 403), which are as final, it opens the same WebSocket seven times within some
#   eight seconds, tells its user of each attempt as an error, and only then asks by POST, which is answered.
# One would guess: 404 and 405 on the upgrade end the attempts as 426 does; only 5xx and lost connections are tried again.
# Why it matters: a route that knows POST alone answers a GET with 405 in nearly every framework, and nginx or a gateway that
#   strips `Upgrade` makes just that of it. Each session begins eight seconds late and with errors that aren't any.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm init -y >/dev/null
npm install --silent --ignore-scripts --no-audit --no-fund @openai/codex@0.171.0
cat > program.py <<'PY'
import json
import os
import subprocess
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

ITEM = {"type": "message", "id": "m1", "role": "assistant", "status": "completed", "content": [{"type": "output_text", "text": "hi", "annotations": []}]}
USAGE = {
    "input_tokens": 1, "input_tokens_details": {"cached_tokens": 0},
    "output_tokens": 1, "output_tokens_details": {"reasoning_tokens": 0}, "total_tokens": 2,
}
DONE = {"id": "resp_1", "object": "response", "created_at": 1, "status": "completed", "model": "m", "output": [ITEM], "usage": USAGE}
EVENTS = (
    {"type": "response.created", "response": {**DONE, "status": "in_progress", "output": []}},
    {"type": "response.output_item.done", "output_index": 0, "item": ITEM},
    {"type": "response.completed", "response": DONE},
)
asked = []


class Provider(BaseHTTPRequestHandler):
    """Refuses upgrades with a status, and answers POSTs."""

    protocol_version = "HTTP/1.1"
    status = 0

    def log_message(self, *_):
        pass

    def do_GET(self):
        if self.path.startswith("/v1/responses"):
            asked.append("upgrade" if self.headers.get("upgrade") == "websocket" else "get")
        self.reply(self.status, "application/json", b'{"error": {"message": "POST only", "type": "invalid_request_error"}}')

    def do_POST(self):
        self.rfile.read(int(self.headers["content-length"]))
        asked.append("post")
        told = "".join(f"event: {each['type']}\ndata: {json.dumps(each)}\n\n" for each in EVENTS)
        self.reply(200, "text/event-stream", told.encode())

    def reply(self, status, kind, body):
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


server = ThreadingHTTPServer(("127.0.0.1", 0), Provider)
Thread(target=server.serve_forever, daemon=True).start()
home = os.path.join(os.getcwd(), "home")
os.makedirs(home)
with open(os.path.join(home, "config.toml"), "w") as file:
    file.write(f"""
model = "house-model"
model_provider = "house"
[model_providers.house]
name = "House"
base_url = "http://127.0.0.1:{server.server_port}/v1"
env_key = "HOUSE_KEY"
wire_api = "responses"
supports_websockets = true
""")
print("@openai/codex 0.171.0")
seen = {}
for Provider.status in (426, 405):
    asked.clear()
    done = subprocess.run(
        ["node_modules/.bin/codex", "exec", "--json", "--skip-git-repo-check", "--sandbox", "read-only", "Say hi."],
        env={"PATH": os.environ["PATH"], "HOME": home, "CODEX_HOME": home, "HOUSE_KEY": "sk-house"},
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=180,
    )
    seen[Provider.status] = (asked.count("upgrade"), asked.count("post"), done.returncode)
    print(f"{Provider.status}: {asked.count('upgrade')} upgrades, {asked.count('post')} POST, exit {done.returncode}")
if seen != {426: (1, 1, 0), 405: (7, 1, 0)}:
    sys.exit("changed: Codex takes a refused WebSocket in another way")
print("as described: 426 is taken for final, 405 is tried seven times")
PY
python3 program.py
