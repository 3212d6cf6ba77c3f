#!/bin/sh
# Package: agno 3.1.10 with anthropic 2.14.0 and openai 3.57.0 (PyPI).
# Behaviour seen: one prompt of 7,100 tokens, 5,000 of them read from the cache, and an answer of 50. With GPT the run's metrics are
#   input 7100, cache_read 5000, total 7150; with Claude input 100, cache_read 5000, cache_write 2000, total 150. Added up by
#   their own +: input 7200, cache_read 10000, more than all input, and total 7300 of 14,300.
# One would guess: a field called total_tokens has all tokens, and cache_read_tokens is within input_tokens for every vendor, or for
#   none, once a framework has brought them to one class.
# Why it matters: an agent seems to need a fiftieth of the tokens after a move from GPT to Claude, a limit on total_tokens lets
#   fifty times as many through, and no formula prices both: input - cache_read is -4900 for the one, cached tokens count twice
#   for the other. A hit rate of 10000 / 7200 gives it away only where both kinds meet.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq agno==3.1.10 anthropic==2.14.0 openai==3.57.0
cat > "$work/program.py" <<'PY'
import http.server
import json
import sys
import threading
from importlib.metadata import version

from agno.agent import Agent
from agno.models.anthropic import Claude
from agno.models.openai import OpenAIChat

MESSAGE = {
    "id": "m", "type": "message", "role": "assistant", "model": "claude-opus-4-6", "content": [{"type": "text", "text": "ok"}],
    "stop_reason": "end_turn", "stop_sequence": None,
    "usage": {"input_tokens": 100, "cache_read_input_tokens": 5000, "cache_creation_input_tokens": 2000, "output_tokens": 50},
}  # fmt: skip
COMPLETION = {
    "id": "c", "object": "chat.completion", "created": 1, "model": "gpt-5",
    "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "ok"}}],
    "usage": {"prompt_tokens": 7100, "completion_tokens": 50, "total_tokens": 7150, "prompt_tokens_details": {"cached_tokens": 5000}},
}  # fmt: skip


class Both(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_POST(self):
        self.rfile.read(int(self.headers["content-length"]))
        body = json.dumps(COMPLETION if self.path.endswith("/chat/completions") else MESSAGE).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Both)
threading.Thread(target=server.serve_forever, daemon=True).start()
address = f"http://127.0.0.1:{server.server_port}"
gpt = OpenAIChat(id="gpt-5", api_key="k", base_url=f"{address}/v1")
claude = Claude(id="claude-opus-4-6", api_key="k", client_params={"base_url": address})


def counted(metrics):
    return metrics.input_tokens, metrics.cache_read_tokens, metrics.cache_write_tokens, metrics.total_tokens


runs = [Agent(model=model, telemetry=False).run("hi").metrics for model in (gpt, claude)]
seen = [counted(metrics) for metrics in (*runs, runs[0] + runs[1])]
print("agno", version("agno"), "- input, of it or beside it cached, written to the cache, total")
for name, counts in zip(("GPT", "Claude", "both added"), seen, strict=True):
    print(f"  {name:11}", *counts)
if seen != [(7100, 5000, 0, 7150), (100, 5000, 2000, 150), (7200, 10000, 2000, 7300)]:
    sys.exit("changed: the vendors' tokens are counted in another way now")
print("as described: one prompt is 7150 tokens with GPT and 150 with Claude")
PY
"$work/venv/bin/python" "$work/program.py"
