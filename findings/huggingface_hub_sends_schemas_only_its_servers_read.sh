#!/bin/sh
# Package: huggingface-hub 2.4.0 (PyPI).
# Behaviour seen: InferenceClient(base_url=…).chat_completion(response_format={"type": "json_schema", "json_schema": {…}})
#   posts {"type": "json_object", "value": <the schema>}: the name and `strict` are gone, and the schema stands under a word
#   that Hugging Face's own server (TGI) reads. Tools, messages and everything else are posted as they were given.
# One would guess: the response_format that was given. `base_url` is documented for any server with OpenAI's chat
#   completions, and `json_schema` is OpenAI's form, which such servers (vLLM, llama.cpp, OpenAI's own) enforce.
# Why it matters: servers take an unknown `value` without a word, so that any JSON comes back where an enforced schema was
#   asked for, or they refuse the request because the prompt doesn't say "JSON", which a json_schema needn't. A gateway
#   has to look for schemas in `value`, too. The openai package, given the same, posts it unchanged.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv env
env/bin/python -m pip install -q huggingface-hub==2.4.0 openai==3.57.0 2>/dev/null
cat > program.py <<'PY'
import json
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import openai
from huggingface_hub import InferenceClient

posted = []
ANSWER = {
    "id": "1", "object": "chat.completion", "created": 1, "model": "m",
    "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "{}"}}],
    "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
}


class Server(BaseHTTPRequestHandler):
    def do_POST(self):
        posted.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
        reply = json.dumps(ANSWER).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(reply)))
        self.end_headers()
        self.wfile.write(reply)

    def log_message(self, *_):
        pass


server = HTTPServer(("127.0.0.1", 0), Server)
Thread(target=server.serve_forever, daemon=True).start()
url = f"http://127.0.0.1:{server.server_port}/v1"
schema = {
    "type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"], "additionalProperties": False,
}
given = {"type": "json_schema", "json_schema": {"name": "dog", "strict": True, "schema": schema}}
asked = {"model": "m", "messages": [{"role": "user", "content": "Describe a dog."}], "response_format": given}
InferenceClient(base_url=url, api_key="k").chat_completion(**asked)
openai.OpenAI(base_url=url, api_key="k").chat.completions.create(**asked)
theirs, others = (each["response_format"] for each in posted)
print("huggingface_hub:", json.dumps(theirs))
print("openai:         ", json.dumps(others))
if theirs != {"type": "json_object", "value": schema} or others != given:
    sys.exit("changed: InferenceClient posts another response_format")
print("as described: the schema goes out as `value` of json_object, without its name and strictness")
PY
NO_PROXY=127.0.0.1 env/bin/python program.py
