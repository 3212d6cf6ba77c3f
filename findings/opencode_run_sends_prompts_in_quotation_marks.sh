#!/bin/sh
# Package: opencode-ai 1.18.33 (npm).
# Behaviour seen: `opencode run 'Say "hi" twice.'` asks the model "Say \"hi\" twice." with the outer quotation marks and the
#   backslashes in the text; `opencode run Hello` asks Hello. The same text by stdin arrives as it is. An argument with a
#   space is quoted again after the shell has read it.
# One would guess: the model reads what the argument holds, as from `codex exec`, `claude -p` or stdin.
# Why it matters: scripts and CI hand prompts over as one argument. Code, JSON, commands and quotes in them reach the model
#   with a backslash before each quotation mark, which models copy into files; two prompts that differ in nothing else are
#   two texts to caches and evaluations, and a gateway's history shows something nobody wrote.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
echo '{"private": true}' > package.json
npm install --silent --ignore-scripts --no-audit --no-fund opencode-ai@1.18.33
(cd node_modules/opencode-ai && node postinstall.mjs > /dev/null)  # puts its own program in place
cat > program.py <<'PY'
import json
import os
import subprocess
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

asked = []
EVENTS = [
    {"choices": [{"index": 0, "delta": {"role": "assistant", "content": "Hi."}, "finish_reason": None}]},
    {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}],
     "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}},
]


class Provider(BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_POST(self):
        asked.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.end_headers()
        for event in EVENTS:
            told = {"id": "1", "object": "chat.completion.chunk", "created": 1, "model": "m", **event}
            self.wfile.write(f"data: {json.dumps(told)}\n\n".encode())
        self.wfile.write(b"data: [DONE]\n\n")


server = ThreadingHTTPServer(("127.0.0.1", 0), Provider)
Thread(target=server.serve_forever, daemon=True).start()
options = {"baseURL": f"http://127.0.0.1:{server.server_port}/v1", "apiKey": "k"}
provider = {"npm": "@ai-sdk/openai-compatible", "name": "House", "options": options, "models": {"m": {"name": "m"}}}
with open("opencode.json", "w") as file:
    json.dump({"autoupdate": False, "share": "disabled", "small_model": "house/m", "provider": {"house": provider}}, file)


def sent(*words, by_stdin=""):
    """What the model is asked in the turn that offers tools."""
    before = len(asked)
    nowhere = "http://127.0.0.1:9"
    subprocess.run(
        ["node_modules/.bin/opencode", "run", "--model", "house/m", *words],
        env={
            "PATH": os.environ["PATH"], "HOME": os.getcwd(), "OPENCODE_DISABLE_MODELS_FETCH": "1",
            "HTTPS_PROXY": nowhere, "NO_PROXY": "127.0.0.1,localhost",
        },
        input=by_stdin, capture_output=True, text=True, timeout=120, check=True,
    )
    turn = next(each for each in asked[before:] if each.get("tools"))
    said = turn["messages"][-1]["content"]
    return said if isinstance(said, str) else "".join(part["text"] for part in said)


PROMPT = 'Say "hi" twice.'
found = sent(PROMPT), sent(by_stdin=PROMPT), sent("Hello")
print("as an argument:", found[0])
print("by stdin:      ", found[1].strip())
print("one word:      ", found[2])
if (found[0], found[1].strip(), found[2]) != ('"Say \\"hi\\" twice."', PROMPT, "Hello"):
    sys.exit("changed: opencode run sends its argument otherwise")
print("as described: an argument with a space is sent in quotation marks, its own ones with backslashes")
PY
python3 program.py
