#!/bin/sh
# Packages: pydantic-ai-slim 2.68.0, opentelemetry-sdk 1.45.2 (PyPI): the metrics of an instrumented agent.
# Behaviour seen: the histogram `operation.cost` (unit USD) has OpenTelemetry's standard bounds 0, 5, 10, 25 ... 10000, which were
#   chosen for milliseconds. Nineteen calls at $0.00027 and one at $0.0156 all lie between $0 and $5; a median and a 95th percentile
#   estimated from the buckets, as Prometheus does it, are $2.50 and $4.75. The histogram of tokens beside it has bounds of its own.
# One would guess: a histogram of the cost of a call is fit for what calls cost, as that of tokens is: tenths of a cent to cents.
# Why it matters: a panel of the cost's percentiles shows dollars for calls of hundredths of a cent, moves only with the number of
#   calls, and can't tell a dear model from a cheap one. Sum and count are right; for the rest give the MeterProvider a View.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq "pydantic-ai-slim[openai]==2.68.0" opentelemetry-sdk==1.45.2
cat > "$work/program.py" <<'PY'
import http.server
import json
import sys
import threading
from importlib.metadata import version

from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from pydantic_ai import Agent, InstrumentationSettings
from pydantic_ai.models.instrumented import InstrumentedModel
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.openai import OpenAIProvider

CALLS = 20


class Server(http.server.BaseHTTPRequestHandler):
    calls = 0

    def log_message(self, *_):
        pass

    def do_POST(self):
        self.rfile.read(int(self.headers["content-length"]))
        Server.calls += 1
        prompt, answer = (100_000, 1000) if Server.calls == CALLS else (1000, 200)
        message = {"role": "assistant", "content": "Fine."}
        told = {
            "id": "c", "object": "chat.completion", "created": 1, "model": "gpt-4o-mini",
            "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": prompt, "completion_tokens": answer, "total_tokens": prompt + answer},
        }
        body = json.dumps(told).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server)
threading.Thread(target=server.serve_forever, daemon=True).start()
reader = InMemoryMetricReader()
settings = InstrumentationSettings(meter_provider=MeterProvider([reader]))
provider = OpenAIProvider(base_url=f"http://127.0.0.1:{server.server_port}/v1", api_key="k")
agent = Agent(InstrumentedModel(OpenAIChatModel("gpt-4o-mini", provider=provider), settings))
for _ in range(CALLS):
    agent.run_sync("How are you?")
metrics = {
    metric.name: metric.data.data_points[0]
    for resource in reader.get_metrics_data().resource_metrics
    for scope in resource.scope_metrics
    for metric in scope.metrics
}
cost, tokens = metrics["operation.cost"], metrics["gen_ai.client.token.usage"]


def quantile(point, part):
    """As Prometheus estimates it: evenly within a bucket."""
    rank, below, low = part * point.count, 0, 0
    for high, number in zip(point.explicit_bounds, point.bucket_counts):
        if below + number >= rank and number:
            return round(low + (high - low) * (rank - below) / number, 4)
        below, low = below + number, high


bounds = [b for b, number in zip(cost.explicit_bounds, cost.bucket_counts) if number]
print(f"pydantic-ai-slim {version('pydantic-ai-slim')}, opentelemetry-sdk {version('opentelemetry-sdk')}")
print(f"bounds of the cost in dollars: {cost.explicit_bounds}, of tokens: {tokens.explicit_bounds}")
print(f"{cost.count} calls, $ {cost.sum:.5f} in all; bounds of the buckets with calls: {bounds}")
print("median and 95th percentile from the buckets, in dollars:", quantile(cost, 0.5), quantile(cost, 0.95))
if bounds != [5.0] or not cost.sum < 0.03 or (quantile(cost, 0.5), quantile(cost, 0.95)) != (2.5, 4.75):
    sys.exit("changed: other bounds now")
print("as described: each call that costs anything is one of 'up to 5 dollars'")
PY
"$work/venv/bin/python" "$work/program.py"
