#!/bin/sh
# Package: ragas 0.4.3 with langchain-openai 1.1.9 and langchain-community 0.4.1 (PyPI): CostCallbackHandler, the handler behind
#   evaluate(..., token_usage_parser=...).total_cost().
# Behaviour seen: a million prompt tokens at $2.50 a million are $2.50, two are $5.00. Once a third million is answered by another
#   snapshot of the same gpt-4o, total_cost(cost_per_input_token=2.5e-6) is $0.0: with more than one model name the price for all
#   is passed over without a word. With a table the model that's missing in it costs nothing, though it raises a ValueError
#   when it is the only one.
# One would guess: a price per token holds for all tokens, $7.50; or an error, as for a single model that isn't in the table.
# Why it matters: the names are the server's, not the caller's: an alias that moves to a new snapshot, or a gateway with two
#   deployments behind one name, turns a bill of an evaluation into nothing, and a budget that reads it never ends a run.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq ragas==0.4.3 langchain-openai==1.1.9 langchain-community==0.4.1
cat > "$work/program.py" <<'PY'
import http.server
import json
import os
import sys
import threading
from importlib.metadata import version

os.environ["RAGAS_DO_NOT_TRACK"] = "true"
from langchain_openai import ChatOpenAI
from ragas.cost import CostCallbackHandler, get_token_usage_for_openai

SNAPSHOTS = iter(["gpt-4o-2024-08-06", "gpt-4o-2024-08-06", "gpt-4o-2024-11-20"])


class Server(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_POST(self):
        self.rfile.read(int(self.headers["content-length"]))
        choice = {"index": 0, "message": {"role": "assistant", "content": "1"}, "finish_reason": "stop"}
        usage = {"prompt_tokens": 1_000_000, "completion_tokens": 0, "total_tokens": 1_000_000}
        told = {"id": "c", "object": "chat.completion", "created": 1, "model": next(SNAPSHOTS), "choices": [choice], "usage": usage}
        body = json.dumps(told).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server)
threading.Thread(target=server.serve_forever, daemon=True).start()
books = CostCallbackHandler(get_token_usage_for_openai)
model = ChatOpenAI(model="gpt-4o", api_key="k", base_url=f"http://127.0.0.1:{server.server_port}/v1", callbacks=[books])
print("ragas", version("ragas"))
seen = []
for _ in range(3):
    answered = model.invoke("Is it faithful?").response_metadata["model_name"]
    seen.append(books.total_cost(cost_per_input_token=2.5e-6))
    print(f"answered by {answered}: {len(seen)} million tokens at $2.50 cost ${seen[-1]}")
by_table = books.total_cost(per_model_costs={"gpt-4o-2024-08-06": (2.5e-6, 1e-5)})
print(f"with a table that has the first snapshot only: ${by_table}")
if seen != [2.5, 5.0, 0.0] or by_table != 5.0:
    sys.exit("changed: the costs of two models are added in another way now")
print("as described: a second model, and all calls cost nothing")
PY
"$work/venv/bin/python" "$work/program.py"
