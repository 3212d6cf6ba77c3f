#!/bin/sh
# Package: gptme 0.35.1 (PyPI): the cost that it keeps with each answer and adds up for /cost, its warnings and session logs.
# Behaviour seen: a chat with openai/gpt-5.6-sol ($5 a million prompt tokens in its own table), 100,000 prompt tokens each time.
#   Nothing cached: $0.50. 90,000 reported as written to the cache (`prompt_tokens_details.cache_write_tokens`): $0.05, for they
#   are taken out of the prompt and then priced at 0, as only Anthropic's writes have a price. 90,000 read from it: $0.275, half
#   price, where the model's cached tokens cost a tenth.
# One would guess: a written token costs at least what a plain one costs (it does at each vendor that charges for writing), so that
#   no report of caching makes the first turn cheaper.
# Why it matters: it is wrong in both directions: the first turn of a long agent session shows a tenth of its cost, each later one
#   shows twice its cost or more. A limit on spending lets the expensive start through and stops the cheap rest.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq gptme==0.35.1
cat > "$work/program.py" <<'PY'
import http.server
import json
import os
import sys
import threading
from importlib.metadata import version

usage = {}


class Server(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_POST(self):
        self.rfile.read(int(self.headers["content-length"]))
        message = {"role": "assistant", "content": "Fine."}
        told = {
            "id": "c", "object": "chat.completion", "created": 1, "model": "gpt-5.6-sol", "usage": usage,
            "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
        }
        body = json.dumps(told).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server)
threading.Thread(target=server.serve_forever, daemon=True).start()
os.environ |= {
    "OPENAI_BASE_URL": f"http://127.0.0.1:{server.server_port}/v1", "OPENAI_API_KEY": "k",
    "GPTME_OPENAI_RESPONSES_API": "0", "HOME": os.environ["WORK"], "XDG_CONFIG_HOME": os.environ["WORK"],
}

from gptme.llm import init_llm, reply
from gptme.llm.models import get_model
from gptme.message import Message

MODEL = "openai/gpt-5.6-sol"
init_llm("openai")


def cost(**details):
    usage.update(prompt_tokens=100_000, completion_tokens=0, total_tokens=100_000, prompt_tokens_details=details)
    return round(reply([Message("user", "Hello")], MODEL, stream=False).metadata["cost"], 4)


plain, written, read = cost(), cost(cached_tokens=0, cache_write_tokens=90_000), cost(cached_tokens=90_000)
print(f"\ngptme {version('gptme')}, {MODEL} at ${get_model(MODEL).price_input} a million prompt tokens")
print(f"100,000 prompt tokens: ${plain}; 90,000 of them written to the cache: ${written}; read from it: ${read}")
if (plain, written, read) != (0.5, 0.05, 0.275):
    sys.exit("changed: other costs now")
print("as described: written tokens are free")
PY
WORK="$work" "$work/venv/bin/python" "$work/program.py"
