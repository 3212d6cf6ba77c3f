#!/bin/sh
# litellm 1.110.2: anthropic_messages() (the proxy's /v1/messages) for an `openai/` model with an
# api_base of one's own posts to <api_base>/responses, not to <api_base>/chat/completions.
# One would guess chat completions: `openai/` with an api_base is the documented way to name any
# OpenAI-compatible server, completion() for the same model goes there, and many such servers have
# no /responses.
# It matters when a proxy in front of such a server gets Anthropic's clients (Claude Code, the SDK):
# each of their requests fails with 404, while OpenAI's clients work on the same deployment.
# Ends with 1 if the behaviour has changed.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv env
env/bin/python -m pip install -q litellm==1.110.2 2> /dev/null
cat > ask.py <<'SCRIPT'
import asyncio
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import litellm

paths = []


class Server(BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers["content-length"]))
        paths.append(self.path)
        self.send_error(404)

    def log_message(self, *_):
        pass


async def ask(call, **more):
    try:
        await call(
            model="openai/m", messages=[{"role": "user", "content": "Hi"}], max_tokens=5,
            api_base=f"http://127.0.0.1:{server.server_port}/v1", api_key="k", **more,
        )
    except Exception:
        pass


server = HTTPServer(("127.0.0.1", 0), Server)
Thread(target=server.serve_forever, daemon=True).start()
asyncio.run(ask(litellm.acompletion, max_retries=0))
chat = list(paths)
paths.clear()
asyncio.run(ask(litellm.anthropic.messages.acreate))
print("acompletion:", chat, "\nmessages:", paths)
sys.exit(not (set(chat) == {"/v1/chat/completions"} and set(paths) == {"/v1/responses"}))
SCRIPT
LITELLM_LOCAL_MODEL_COST_MAP=True env/bin/python ask.py 2> /dev/null
