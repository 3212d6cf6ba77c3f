#!/bin/sh
# Package: @portkey-ai/gateway 1.15.2 (npm), the open gateway, with provider "anthropic".
# Behaviour seen, on one ordinary chat/completions call (no max_tokens, response_format json_schema with a schema):
#   1. What reaches Anthropic is {"model", "messages", "system": []}: the schema is gone, not even a sentence in the prompt,
#      and so is the required max_tokens (Anthropic documents it as required). The answer is plain text with status 200.
#   2. Usage comes back as prompt_tokens 100, cached_tokens 5000, total_tokens 7150 for input_tokens 100, cache read 5000,
#      cache write 2000, output 50: cached_tokens, a part of prompt_tokens by OpenAI's definition, is fifty times the whole.
# One would guess: a gateway translates the schema (Anthropic has output_config.format), imitates it by a tool, or refuses;
#   and prompt_tokens is 7100, so that prompt + completion = total.
# Why it matters: a fallback target from OpenAI to Anthropic loses structured output without an error. The usual formula,
#   (prompt - cached) * input price, makes the call's cost negative (-4900 fresh tokens) or clamps it to nothing.
set -eu
work=$(mktemp -d)
gateway=
trap 'kill $gateway 2>/dev/null || true; rm -rf "$work"' EXIT
(cd "$work" && npm init -y >/dev/null && npm install --silent --no-audit --no-fund @portkey-ai/gateway@1.15.2)
cat > "$work/program.py" <<'PY'
import http.server
import json
import sys
import threading
import time
import urllib.request

received = {}


class Anthropic(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_POST(self):
        received.update(json.loads(self.rfile.read(int(self.headers["content-length"]))))
        usage = {"input_tokens": 100, "cache_read_input_tokens": 5000, "cache_creation_input_tokens": 2000, "output_tokens": 50}
        reply = {"id": "m", "type": "message", "role": "assistant", "model": "claude-opus-4-5", "stop_reason": "end_turn",
                 "stop_sequence": None, "content": [{"type": "text", "text": "Sure!"}], "usage": usage}  # fmt: skip
        body = json.dumps(reply).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Anthropic)
threading.Thread(target=server.serve_forever, daemon=True).start()
schema = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"], "additionalProperties": False}
call = {"model": "claude-opus-4-5", "messages": [{"role": "user", "content": "hi"}],
        "response_format": {"type": "json_schema", "json_schema": {"name": "x", "strict": True, "schema": schema}}}  # fmt: skip
headers = {"content-type": "application/json", "authorization": "Bearer k", "x-portkey-provider": "anthropic",
           "x-portkey-custom-host": f"http://127.0.0.1:{server.server_port}/v1"}  # fmt: skip
request = urllib.request.Request(f"http://127.0.0.1:{sys.argv[1]}/v1/chat/completions", json.dumps(call).encode(), headers)
for _ in range(100):
    try:
        urllib.request.urlopen(f"http://127.0.0.1:{sys.argv[1]}/")
        break
    except OSError:
        time.sleep(0.2)
with urllib.request.urlopen(request) as answer:
    reply = json.load(answer)
usage = reply["usage"]
print("reached the provider:", json.dumps(received))
print("answer:", reply["choices"][0]["message"]["content"], json.dumps(usage))
if set(received) != {"model", "messages", "system"}:
    sys.exit("changed: another request reaches the provider now")
if (usage["prompt_tokens"], usage["prompt_tokens_details"]["cached_tokens"], usage["total_tokens"]) != (100, 5000, 7150):
    sys.exit("changed: usage is translated in another way now")
print("as described: no schema, and more cached tokens than prompt tokens")
PY
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
cd "$work"
TRUSTED_CUSTOM_HOSTS=127.0.0.1,localhost node node_modules/@portkey-ai/gateway/build/start-server.js --headless "--port=$port" >gateway.log 2>&1 &
gateway=$!
echo "@portkey-ai/gateway $(node -p 'require("@portkey-ai/gateway/package.json").version')"
python3 program.py "$port"
