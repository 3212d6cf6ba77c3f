#!/bin/sh
# Packages: anthropic 2.11.0, opentelemetry-sdk 1.45.2 with opentelemetry-semantic-conventions 0.66b2 (PyPI).
# Behaviour seen: the SDK's own spans report cache writes as gen_ai.usage.cache_write.input_tokens. The conventions package of
#   the same months defines only gen_ai.usage.cache_creation.input_tokens. (The GenAI conventions moved to a repository of their
#   own and renamed it there; every constant of this package is marked as moved, and no constant has the new name.) Cache
#   reads have one name in both. The stop reason is in anthropic.message.stop_reason; gen_ai.response.finish_reasons is absent.
#   gen_ai.usage.input_tokens is 7100 for input 100, read 5000, written 2000, where the vendor's own input_tokens is 100.
# One would guess: the newest published constants name what current SDKs send, and a span attribute called input_tokens
#   holds the API's field input_tokens.
# Why it matters: a dashboard or cost job on the published names sees no cache writes (1.25 to 2 times the input price) and
#   no finish reasons; one that adds reads and writes to input_tokens, as the API's numbers require, counts them twice.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq anthropic==2.11.0 opentelemetry-sdk==1.45.2 opentelemetry-semantic-conventions==0.66b2
cat > "$work/program.py" <<'PY'
import http.server
import json
import sys
import threading
from importlib.metadata import version

import anthropic
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.semconv._incubating.attributes import gen_ai_attributes

USAGE = {"input_tokens": 100, "cache_read_input_tokens": 5000, "cache_creation_input_tokens": 2000, "output_tokens": 50}
MESSAGE = {"id": "m", "type": "message", "role": "assistant", "model": "claude-opus-4-5", "stop_reason": "end_turn",
           "stop_sequence": None, "content": [{"type": "text", "text": "ok"}], "usage": USAGE}  # fmt: skip


class Anthropic(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_POST(self):
        self.rfile.read(int(self.headers["content-length"]))
        body = json.dumps(MESSAGE).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


spans = InMemorySpanExporter()
tracing = TracerProvider()
tracing.add_span_processor(SimpleSpanProcessor(spans))
trace.set_tracer_provider(tracing)
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Anthropic)
threading.Thread(target=server.serve_forever, daemon=True).start()
client = anthropic.Anthropic(base_url=f"http://127.0.0.1:{server.server_port}", api_key="k")
client.messages.create(model="claude-opus-4-5", max_tokens=10, messages=[{"role": "user", "content": "hi"}])

attributes = spans.get_finished_spans()[0].attributes
published = {value for name, value in vars(gen_ai_attributes).items() if name.startswith("GEN_AI_USAGE_")}
sent = {name: value for name, value in attributes.items() if name.startswith("gen_ai.usage.")}
print("anthropic", version("anthropic"), sent, {name: value for name, value in attributes.items() if "stop" in name or "finish" in name})
print("semantic-conventions", version("opentelemetry-semantic-conventions"), sorted(published))
print("sent, but not published:", sorted(set(sent) - published))
if set(sent) - published != {"gen_ai.usage.cache_write.input_tokens"} or "gen_ai.usage.cache_creation.input_tokens" not in published:
    sys.exit("changed: the names of cache writes differ in another way now")
if sent["gen_ai.usage.input_tokens"] != 7100 or "gen_ai.response.finish_reasons" in attributes:
    sys.exit("changed: input tokens or finish reasons are reported in another way now")
print("as described: cache writes stand under a name that the published constants don't have")
PY
"$work/venv/bin/python" "$work/program.py"
