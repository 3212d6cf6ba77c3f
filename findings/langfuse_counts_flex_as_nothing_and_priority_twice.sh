#!/bin/sh
# Packages: langfuse 5.0.4, the CallbackHandler for LangChain, beside langchain 1.5.2 and langchain-openai 1.7.4 (PyPI).
# Behaviour seen: one usage (1000 prompt tokens of which 900 cached, 100 answer tokens of which 64 reasoning) is recorded as
#     default   input 100,  input_cache_read 900,                               output 36,  output_reasoning 64
#     flex      input 0,    input_flex_cache_read 900, input_flex 100,          output 0,   output_flex_reasoning 64, output_flex 36
#     priority  input 1000, input_priority_cache_read 900, input_priority 100,  output 100, ...
#   LangChain renames the details by the tier; the handler takes every detail out of the total but those of "priority".
# One would guess: input, input_cache_read, output and output_reasoning, the names that prices are kept under, whatever the tier,
#   and parts that add up to the total.
# Why it matters: a price list by these names finds no token to price on flex, and on priority prices 900 cached tokens as fresh.
#   Moving jobs to flex looks like saving everything; the parts add up to 1100 of 1100 on flex and to 2200 of 1100 on priority.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq langfuse==5.0.4 langchain==1.5.2 langchain-openai==1.7.4 langchain-core==1.8.3
cat > "$work/program.py" <<'PY'
import http.server
import json
import sys
import threading
from importlib.metadata import version

from langchain_openai import ChatOpenAI
from langfuse import Langfuse
from langfuse.langchain import CallbackHandler
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

USAGE = {"prompt_tokens": 1000, "completion_tokens": 100, "total_tokens": 1100, "prompt_tokens_details": {"cached_tokens": 900},
         "completion_tokens_details": {"reasoning_tokens": 64}}  # fmt: skip
RECORDED = "langfuse.observation.usage_details"
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


spans, tracing = InMemorySpanExporter(), TracerProvider()
tracing.add_span_processor(SimpleSpanProcessor(spans))
Langfuse(public_key="p", secret_key="s", host="http://127.0.0.1:9", tracer_provider=tracing, span_exporter=InMemorySpanExporter())
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), OpenAI)
threading.Thread(target=server.serve_forever, daemon=True).start()
model = ChatOpenAI(model="gpt-5", base_url=f"http://127.0.0.1:{server.server_port}/v1", api_key="k", service_tier="auto")
print("langfuse", version("langfuse"), "langchain-openai", version("langchain-openai"))
seen = {}
for tier in ("default", "flex", "priority"):
    model.invoke("hi", config={"callbacks": [CallbackHandler()]})
    (told,) = {span.attributes[RECORDED] for span in spans.get_finished_spans() if RECORDED in span.attributes}
    seen[tier] = json.loads(told)
    spans.clear()
    print(f"{tier:9}", told, "- parts:", sum(count for name, count in seen[tier].items() if name != "total"))
standard = {tier: tuple(counts.get(name, 0) for name in ("input", "input_cache_read", "output", "output_reasoning")) for tier, counts in seen.items()}
if standard != {"default": (100, 900, 36, 64), "flex": (0, 0, 0, 0), "priority": (1000, 0, 100, 0)}:
    sys.exit("changed: tiers are recorded in another way now")
print("as described: nothing on flex, everything as fresh on priority")
PY
"$work/venv/bin/python" "$work/program.py"
