#!/bin/sh
# Package: gptcache 0.1.44 with openai 0.28.1 (PyPI), the newest OpenAI client that its drop-in `gptcache.adapter.openai` works with.
# Behaviour seen: of `temperature`, `top_p`, `seed` and `max_tokens` three reach the server. The temperature is taken out of every
#   request, at 0 as at 1.2, whether the answer is cached or not: the adapter uses it to decide whether to ask the cache.
# One would guess: a wrapper for the same create() asks the cache first, and otherwise sends the request that it was given.
# Why it matters: extraction and classification written for temperature 0 run at the server's default, which is 1, from the day the
#   cache is put in front; and one sampled answer is then served to all who ask again, as if it were the model's settled one.
#   A temperature of 1.2, on the other hand, passes the cache by in most calls, is paid for each time, and isn't used either.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq gptcache==0.1.44 openai==0.28.1
cat > "$work/program.py" <<'PY'
import http.server
import json
import sys
import threading
from importlib.metadata import version

import openai as plain
from gptcache import cache
from gptcache.adapter import openai as cached

asked = []


class Server(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_POST(self):
        asked.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
        choice = {"index": 0, "message": {"role": "assistant", "content": "Fine."}, "finish_reason": "stop"}
        usage = {"prompt_tokens": 10, "completion_tokens": 2, "total_tokens": 12}
        told = {"id": "c", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice], "usage": usage}
        body = json.dumps(told).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server)
threading.Thread(target=server.serve_forever, daemon=True).start()
plain.api_base, plain.api_key = f"http://127.0.0.1:{server.server_port}/v1", "k"
cache.init()
OPTIONS = {"top_p": 0.9, "seed": 7, "max_tokens": 50}
print(*(f"{name} {version(name)}" for name in ("gptcache", "openai")), sep=", ")
seen = []
for client, temperature in ((plain, 0), (cached, 0), (cached, 0.3), (cached, 1.2)):
    message = {"role": "user", "content": f"Which currency? (asked at {temperature})"}
    client.ChatCompletion.create(model="m", temperature=temperature, messages=[message], **OPTIONS)
    sent = {key: value for key, value in asked[-1].items() if key not in ("messages", "model")}
    print(f"{'gptcache' if client is cached else 'openai':8} called with temperature {temperature:3}: sent {dict(sorted(sent.items()))}")
    seen.append(sent)
if len(asked) != 4 or seen != [OPTIONS | {"temperature": 0}, OPTIONS, OPTIONS, OPTIONS]:
    sys.exit("changed: the temperature is sent in another way now")
print("as described: the cache keeps the temperature, the server uses its own")
PY
mkdir "$work/files"
cd "$work/files"
"$work/venv/bin/python" "$work/program.py"
