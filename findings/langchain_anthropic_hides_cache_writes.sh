#!/bin/sh
# Package: langchain-anthropic 1.7.10 with langchain-core 1.8.3 and anthropic 2.11.0 (PyPI).
# Behaviour seen: one answer with usage input 100, cache read 5000, cache write 2000 (500 for five minutes, 1500 for an hour):
#     invoke: input_token_details {cache_read: 5000, cache_creation: 0,
#                                  ephemeral_5m_input_tokens: 500, ephemeral_1h_input_tokens: 1500}
#     stream: input_token_details {cache_read: 5000, cache_creation: 2000}
#   The standard key says 0 where the answer is whole, 2000 where it is streamed; in a stream the hour's share is unknown.
# One would guess: `cache_creation`, the key that UsageMetadata documents, holds the written tokens both ways, and the
#   ephemeral_* keys split it.
# Why it matters: a cost reader of the standard keys prices 2000 written tokens (1.25 or 2 times the input price) as plain
#   input; one that adds all keys counts right whole and can't tell 1.25 from 2 in streams. Switching streaming on moves the bill.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq langchain-anthropic==1.7.10 langchain-core==1.8.3 anthropic==2.11.0
cat > "$work/program.py" <<'PY'
import http.server
import json
import sys
import threading
from importlib.metadata import version

from langchain_anthropic import ChatAnthropic

WRITTEN = {"ephemeral_5m_input_tokens": 500, "ephemeral_1h_input_tokens": 1500}
USAGE = {"input_tokens": 100, "cache_creation_input_tokens": 2000, "cache_read_input_tokens": 5000, "cache_creation": WRITTEN, "output_tokens": 50}
MESSAGE = {"id": "m", "type": "message", "role": "assistant", "model": "claude-opus-4-5", "content": [{"type": "text", "text": "ok"}],
           "stop_reason": "end_turn", "stop_sequence": None, "usage": USAGE}  # fmt: skip
RUNNING = {key: USAGE[key] for key in ("input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens", "output_tokens")}
EVENTS = [
    {"type": "message_start", "message": {**MESSAGE, "content": [], "stop_reason": None, "usage": {**USAGE, "output_tokens": 1}}},
    {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "ok"}},
    {"type": "content_block_stop", "index": 0},
    {"type": "message_delta", "delta": {"stop_reason": "end_turn", "stop_sequence": None}, "usage": RUNNING},
    {"type": "message_stop"},
]


class Anthropic(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_POST(self):
        streamed = json.loads(self.rfile.read(int(self.headers["content-length"]))).get("stream")
        text = "".join(f"event: {e['type']}\ndata: {json.dumps(e)}\n\n" for e in EVENTS) if streamed else json.dumps(MESSAGE)
        self.send_response(200)
        self.send_header("content-type", "text/event-stream" if streamed else "application/json")
        self.send_header("content-length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Anthropic)
threading.Thread(target=server.serve_forever, daemon=True).start()
model = ChatAnthropic(model="claude-opus-4-5", base_url=f"http://127.0.0.1:{server.server_port}", api_key="k", max_tokens=100)
whole = model.invoke("hi").usage_metadata
streamed = None
for chunk in model.stream("hi"):
    streamed = chunk if streamed is None else streamed + chunk
streamed = streamed.usage_metadata
print("langchain-anthropic", version("langchain-anthropic"))
for name, usage in (("invoke", whole), ("stream", streamed)):
    print(name, usage["input_tokens"], usage["input_token_details"])
if whole["input_token_details"] != {"cache_read": 5000, "cache_creation": 0, **WRITTEN}:
    sys.exit("changed: a whole answer's cache writes are reported in another way now")
if streamed["input_token_details"] != {"cache_read": 5000, "cache_creation": 2000}:
    sys.exit("changed: a stream's cache writes are reported in another way now")
print("as described: cache_creation is 0 whole and 2000 streamed")
PY
"$work/venv/bin/python" "$work/program.py"
