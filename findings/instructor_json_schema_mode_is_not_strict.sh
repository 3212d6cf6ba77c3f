#!/bin/sh
# Package: instructor 1.17.0 with openai 3.3.0, the release that pip chooses beside it (PyPI).
# Behaviour seen: from_openai(client, mode=Mode.JSON_SCHEMA) sends response_format {"type": "json_schema", "json_schema":
#   {"name", "schema"}}: no "strict", no "additionalProperties": false. OpenAI documents strict as false unless it is set, and
#   only strict schemas as enforced. openai's own parse() with the same model sends strict: true.
#   The usage handed back is the sum over the repeats (2000 + 200 for two requests of 1000 + 100) on the last reply's object.
# One would guess: the mode named after the vendor's enforced feature asks for enforcement.
# Why it matters: an answer may break the schema; instructor then asks again with the error in the prompt. The user pays for
#   repeats that a strict request rules out, and a cost reader that logs both HTTP replies and the final usage counts twice.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq instructor==1.17.0 openai==3.3.0
cat > "$work/program.py" <<'PY'
import http.server
import json
import sys
import threading
from importlib.metadata import version

import instructor
import openai
from pydantic import BaseModel

received = []


class Provider(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_POST(self):
        call = json.loads(self.rfile.read(int(self.headers["content-length"])))
        received.append(call)
        text = '{"price": "cheap"}' if len(received) == 1 else '{"price": 12}'
        choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": text}}
        usage = {"prompt_tokens": 1000, "completion_tokens": 100, "total_tokens": 1100}
        body = json.dumps({"id": "c", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice], "usage": usage}).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class Offer(BaseModel):
    price: float


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Provider)
threading.Thread(target=server.serve_forever, daemon=True).start()
client = openai.OpenAI(base_url=f"http://127.0.0.1:{server.server_port}/v1", api_key="k")
ask = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}
offer, reply = instructor.from_openai(client, mode=instructor.Mode.JSON_SCHEMA).chat.completions.create_with_completion(
    response_model=Offer, max_retries=2, **ask
)
requests = len(received)
client.chat.completions.parse(response_format=Offer, **ask)
theirs, plain = (received[n]["response_format"]["json_schema"] for n in (0, -1))
print("instructor", version("instructor"), json.dumps(theirs))
print("openai    ", version("openai"), json.dumps(plain))
print(f"{offer!r} after {requests} requests, usage handed back: {reply.usage.prompt_tokens} + {reply.usage.completion_tokens}")
if theirs.get("strict") or "additionalProperties" in theirs["schema"] or not plain.get("strict"):
    sys.exit("changed: the schema is sent in another way now")
if (requests, reply.usage.prompt_tokens, reply.usage.completion_tokens) != (2, 2000, 200):
    sys.exit("changed: repeats are counted in another way now")
print("as described: JSON_SCHEMA mode asks for no enforcement")
PY
"$work/venv/bin/python" "$work/program.py"
