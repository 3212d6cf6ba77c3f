#!/bin/sh
# Package: @openai/codex 0.171.0 (npm).
# Behaviour seen: a provider that the user configured by hand ([model_providers.…], wire_api = "responses"), with a model
#   that Codex doesn't know and says so ("Defaulting to fallback metadata"), is offered, beside functions, two kinds of
#   tools that OpenAI's own servers know: {"type": "web_search", "external_web_access": false}, which a provider would run
#   itself, and {"type": "namespace", "tools": [functions]}. With web_search = "disabled" the search is gone, the namespace
#   stays. Where the server refuses tools that it can't run, the turn ends with its 400: nothing is asked again without them.
# One would guess: a server that isn't OpenAI's, under fallback metadata, is offered function tools alone, and what only
#   OpenAI runs has to be switched on.
# Why it matters: `/v1/responses` of a gateway must take namespaces, and leave out a search that it can't run, or no turn of
#   Codex gets an answer there; whoever refuses by name what it can't carry does just that.
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

asked = []


class Provider(BaseHTTPRequestHandler):
    """Notes the tools and refuses those that aren't functions."""

    def log_message(self, *_):
        pass

    def do_GET(self):
        self.send_error(404)

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        asked.append(body)
        kinds = [tool["type"] for tool in body["tools"]]
        error = {"message": f"unknown tools: {sorted(set(kinds) - {'function'})}", "code": "invalid_value"}
        reply = json.dumps({"error": error}).encode()
        self.send_response(400)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(reply)))
        self.end_headers()
        self.wfile.write(reply)


server = ThreadingHTTPServer(("127.0.0.1", 0), Provider)
Thread(target=server.serve_forever, daemon=True).start()
CONFIG = """{search}
model = "house-model"
model_provider = "house"
[model_providers.house]
name = "House"
base_url = "http://127.0.0.1:{port}/v1"
env_key = "HOUSE_KEY"
wire_api = "responses"
request_max_retries = 0
stream_max_retries = 0
"""


def turn(search):
    """The kinds of tools that one turn offers that aren't functions, and whether the turn failed."""
    home = os.path.join(os.getcwd(), "home")
    os.makedirs(home, exist_ok=True)
    with open(os.path.join(home, "config.toml"), "w") as file:
        file.write(CONFIG.format(search=search, port=server.server_port))
    before = len(asked)
    done = subprocess.run(
        ["node_modules/.bin/codex", "exec", "--json", "--skip-git-repo-check", "--sandbox", "read-only", "Say hello."],
        env={"PATH": os.environ["PATH"], "HOME": home, "CODEX_HOME": home, "HOUSE_KEY": "sk-house"},
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120,
    )
    requests = asked[before:]
    found = [tool for tool in requests[0]["tools"] if tool["type"] != "function"]
    return len(requests), {tool["type"]: tool.get("external_web_access") for tool in found}, done.returncode


print("@openai/codex 0.171.0")
seen = [turn(""), turn('web_search = "disabled"')]
for requests, kinds, code in seen:
    print(f"requests: {requests}, tools beside functions: {kinds}, exit {code}")
if seen != [(1, {"namespace": None, "web_search": False}, 1), (1, {"namespace": None}, 1)]:
    sys.exit("changed: Codex offers other tools to a provider that isn't OpenAI's")
print("as described: an unknown provider is offered OpenAI's search and namespaces")
PY
python3 program.py
