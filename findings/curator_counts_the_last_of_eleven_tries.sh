#!/bin/sh
# Package: bespokelabs-curator 0.1.31 (PyPI), online requests with a response_format at an OpenAI-compatible base_url, with
#   litellm 1.83.7, model gpt-4o-mini.
# Behaviour seen: an answer that doesn't fit the response_format is asked for again, by default up to ten times, and none of those
#   answers is counted. Of two rows, one whose third answer fits and one whose answers never do, 14 answers were paid; token_usage
#   and cost_info have the one that fitted: 1,000 of 14,000 prompt tokens, $0.00015 of $0.0021. A request that tries out structured
#   output before the rows is paid and counted nowhere either. (Answers that are refused for their finish_reason are counted.)
# One would guess: that cost and tokens are of what was asked, or that rows which failed stand out by what they cost.
# Why it matters: curator makes data sets of many thousand rows, and a model that misses a schema now and then is the common case. The
#   costliest rows, eleven times the price for nothing, are the ones that seem free.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq bespokelabs-curator==0.1.31 litellm==1.83.7
cat > "$work/program.py" <<'PY'
import json
import logging
import os
import sys
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from threading import Thread

tables = Path(find_spec("litellm").origin).parent / "litellm_core_utils" / "tokenizers"  # of tokens, else fetched
os.environ |= {"TIKTOKEN_CACHE_DIR": str(tables), "CURATOR_DISABLE_RICH_DISPLAY": "1", "TELEMETRY_ENABLED": "false", "HF_HUB_OFFLINE": "1"}
from bespokelabs import curator
from pydantic import BaseModel

logging.disable(logging.CRITICAL)
asked = Counter()


class Provider(BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        messages = body["messages"]
        if not messages:  # asked for the limits in its headers
            return self.reply(400, {"error": {"message": "no messages"}})
        question = messages[-1]["content"]
        asked[question] += 1
        fits = asked[question] == 3 if question == "A dog" else question != "A unicorn"
        content = json.dumps({"name": "Rex", "age": 3} if fits else {"name": "Rex"})
        choice = {"index": 0, "message": {"role": "assistant", "content": content}, "finish_reason": "stop"}
        usage = {"prompt_tokens": 1000, "completion_tokens": 0, "total_tokens": 1000}
        self.reply(200, {"id": "c", "object": "chat.completion", "created": 1, "model": "gpt-4o-mini", "choices": [choice], "usage": usage})

    def reply(self, status, made):
        told = json.dumps(made).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(told)))
        self.end_headers()
        self.wfile.write(told)


class Animal(BaseModel):
    name: str
    age: int


class Maker(curator.LLM):
    response_format = Animal

    def prompt(self, row):
        return row["ask"]

    def parse(self, row, response):
        return [{"name": response.name}]


server = ThreadingHTTPServer(("127.0.0.1", 0), Provider)
Thread(target=server.serve_forever, daemon=True).start()
params = {"base_url": f"http://127.0.0.1:{server.server_port}/v1", "api_key": "k",
          "require_all_responses": False, "max_requests_per_minute": 10_000, "max_tokens_per_minute": 100_000_000}
maker = Maker(model_name="gpt-4o-mini", backend="openai", backend_params=params)
made = maker([{"ask": "A dog"}, {"ask": "A unicorn"}], working_dir=sys.argv[1])
rows = {question: count for question, count in asked.items() if question.startswith("A ")}
probes = asked.total() - sum(rows.values())
print("bespokelabs-curator", version("bespokelabs-curator"), "litellm", version("litellm"))
print("paid:", rows, "of 1000 prompt tokens and $0.00015 each, and", probes, "probe")
print("counted:", made.token_usage.input, "prompt tokens,", round(made.cost_info.total_cost, 6), "dollars,", len(made.dataset), "row")
if (rows, probes, made.token_usage.input, round(made.cost_info.total_cost, 6)) != ({"A dog": 3, "A unicorn": 11}, 1, 1000, 0.00015):
    sys.exit("changed: tries that didn't fit are counted in another way now")
print("as described: one of fourteen paid answers is counted")
PY
mkdir "$work/files"
HOME="$work/files" "$work/venv/bin/python" "$work/program.py" "$work/files" 2>"$work/said" || { tail -5 "$work/said"; exit 1; }
