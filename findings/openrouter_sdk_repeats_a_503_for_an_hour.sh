#!/bin/sh
# Package: openrouter 1.3.84 (PyPI), the vendor's own Python SDK.
# Behaviour seen: one chat.send() against a provider that answers 503 {"error": {"code": 503, ...}} (documented: "no available
#   model provider meets your routing requirements") sends about 70 requests over 3,600 s before it raises. No option was
#   set. The clock is a stand-in here, so that the hour passes at once; the requests to the loopback server are real.
# One would guess: two or three tries within some seconds, as the openai and anthropic SDKs do (max_retries=2).
# Why it matters: a fallback to another model behind this client comes an hour late, and a batch worker looks stuck. A wrapper
#   that repeats the call three times makes it 200 requests and three hours. Pass retry_config=None or a short one.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq openrouter==1.3.84
cat > "$work/program.py" <<'PY'
import http.server
import json
import sys
import threading
import time
from importlib.metadata import version

import openrouter.utils.retries as retries
from openrouter import OpenRouter, errors

requests = 0


class NoProvider(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_POST(self):
        global requests
        requests += 1
        self.rfile.read(int(self.headers["content-length"]))
        body = json.dumps({"error": {"code": 503, "message": "No available model provider"}}).encode()
        self.send_response(503)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class Clock:
    """Passes the waits of the SDK's retry loop at once and adds them up."""

    waited = 0.0

    @classmethod
    def sleep(cls, seconds):
        cls.waited += seconds

    @classmethod
    def time(cls):
        return time.time() + cls.waited


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), NoProvider)
threading.Thread(target=server.serve_forever, daemon=True).start()
retries.time = Clock
try:
    OpenRouter(api_key="k", server_url=f"http://127.0.0.1:{server.server_port}").chat.send(
        model="openai/gpt-4o", messages=[{"role": "user", "content": "hi"}]
    )
except errors.OpenRouterError as error:
    print("raised at last:", type(error).__name__)
print(f"openrouter {version('openrouter')}: {requests} requests, {Clock.waited:.0f} s of waiting")
if not (requests > 50 and Clock.waited > 3500):
    sys.exit("changed: the SDK gives up earlier now")
print("as described: about an hour of repeats by default")
PY
"$work/venv/bin/python" "$work/program.py"
