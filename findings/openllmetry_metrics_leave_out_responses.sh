#!/bin/sh
# Package: opentelemetry-instrumentation-openai 0.62.4 (PyPI, OpenLLMetry's), with openai 3.57.0 and opentelemetry-sdk 1.45.2.
# Behaviour seen: of three chats and three Responses calls, each whole, streamed and with_raw_response, with 1,000 prompt tokens each,
#   the histogram gen_ai.client.token.usage has 3,000 tokens, all of the chats; no measurement of gen_ai.client.operation.duration
#   is of a Responses call either. Spans have five of the six calls' tokens: of responses.with_raw_response.create() there is none.
# One would guess: that an instrumentor which measures chats measures Responses too, as its spans do; the metrics' names and
#   attributes (gen_ai.operation.name=chat, the model, the system) say nothing of one endpoint.
# Why it matters: agents' SDKs ask Responses by default (openai-agents, the AI SDK). Dashboards, budgets and alarms on the standard
#   metric see a part of the tokens, or none, beside traces that look whole, and moving from chats to Responses looks like a saving.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq opentelemetry-instrumentation-openai==0.62.4 openai==3.57.0 opentelemetry-sdk==1.45.2
cat > "$work/program.py" <<'PY'
import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.metadata import version
from threading import Thread

from openai import OpenAI
from opentelemetry.instrumentation.openai import OpenAIInstrumentor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

CHAT_USAGE = {"prompt_tokens": 1000, "completion_tokens": 50, "total_tokens": 1050}
USAGE = {"input_tokens": 1000, "output_tokens": 50, "total_tokens": 1050, "input_tokens_details": {"cached_tokens": 0},
         "output_tokens_details": {"reasoning_tokens": 0}}


def chat(streams):
    whole = {"id": "c", "created": 1, "model": "gpt-4o-mini", "object": "chat.completion.chunk" if streams else "chat.completion"}
    said = {"role": "assistant", "content": "Hi"}
    ended = {"index": 0, "delta" if streams else "message": said, "finish_reason": "stop"}
    if streams:
        return [whole | {"choices": [ended]}, whole | {"choices": [], "usage": CHAT_USAGE}]
    return whole | {"choices": [ended], "usage": CHAT_USAGE}


def response(streams):
    text = {"type": "output_text", "text": "Hi", "annotations": []}
    item = {"type": "message", "id": "m", "role": "assistant", "status": "completed", "content": [text]}
    made = {"id": "r", "object": "response", "created_at": 1, "model": "gpt-4o-mini", "status": "completed", "output": [item],
            "usage": USAGE, "parallel_tool_calls": True, "tool_choice": "auto", "tools": []}
    if streams:
        begun = made | {"status": "in_progress", "output": [], "usage": None}
        return [{"type": "response.created", "response": begun, "sequence_number": 0},
                {"type": "response.completed", "response": made, "sequence_number": 1}]
    return made


class Provider(BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        made = (response if self.path.endswith("/responses") else chat)(body.get("stream", False))
        kind, told = "application/json", json.dumps(made)
        if isinstance(made, list):
            kind, told = "text/event-stream", "".join(f"data: {json.dumps(each)}\n\n" for each in made) + "data: [DONE]\n\n"
        self.send_response(200)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(told)))
        self.end_headers()
        self.wfile.write(told.encode())


server = ThreadingHTTPServer(("127.0.0.1", 0), Provider)
Thread(target=server.serve_forever, daemon=True).start()
spans, reader, tracing = InMemorySpanExporter(), InMemoryMetricReader(), TracerProvider()
tracing.add_span_processor(SimpleSpanProcessor(spans))
OpenAIInstrumentor().instrument(tracer_provider=tracing, meter_provider=MeterProvider([reader]))
client = OpenAI(api_key="k", base_url=f"http://127.0.0.1:{server.server_port}/v1")
asked = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Hi"}]}
client.chat.completions.create(**asked)
list(client.chat.completions.create(**asked, stream=True, stream_options={"include_usage": True}))
client.chat.completions.with_raw_response.create(**asked).parse()
asked = {"model": "gpt-4o-mini", "input": "Hi"}
client.responses.create(**asked)
list(client.responses.create(**asked, stream=True))
client.responses.with_raw_response.create(**asked).parse()

traced = {}
for span in spans.get_finished_spans():
    traced[span.name] = traced.get(span.name, 0) + span.attributes["gen_ai.usage.input_tokens"]
found = [
    (metric.name, point)
    for resource in reader.get_metrics_data().resource_metrics
    for scope in resource.scope_metrics
    for metric in scope.metrics
    for point in metric.data.data_points
]
tokens = sum(
    point.sum for name, point in found
    if name == "gen_ai.client.token.usage" and point.attributes["gen_ai.token.type"] == "input"
)
timed = sum(point.count for name, point in found if name == "gen_ai.client.operation.duration")
print("opentelemetry-instrumentation-openai", version("opentelemetry-instrumentation-openai"))
print("asked: 3 chats and 3 responses of 1000 prompt tokens each")
print("spans' tokens:", traced)
print("gen_ai.client.token.usage:", tokens, "- gen_ai.client.operation.duration:", timed, "calls")
if traced != {"openai.chat": 3000, "openai.response": 2000} or (tokens, timed) != (3000, 3):
    sys.exit("changed: Responses are measured in another way now")
print("as described: metrics have the chats alone")
PY
"$work/venv/bin/python" "$work/program.py"
