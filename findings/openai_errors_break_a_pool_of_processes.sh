#!/bin/sh
# Packages: openai 3.52.0 and anthropic 2.11.0 (PyPI), their errors in concurrent.futures.ProcessPoolExecutor.
# Behaviour seen: of six calls in a pool of two processes, the first is answered with 429. anthropic's RateLimitError reaches the
#   caller, and so do five results. openai's can be pickled but not unpickled (its __init__ wants keywords that the pickle doesn't
#   give): the caller gets BrokenProcessPool for it and for what was still to come, and the pool takes no more work.
# One would guess: one refused call costs one result, whichever of two clients from one generator made it.
# Why it matters: a worker that spreads prompts over processes dies of its first rate limit, and an `except RateLimitError` around
#   result() never sees one. Paid answers of the other calls are lost. Catch inside the process and hand back plain values.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq openai==3.52.0 anthropic==2.11.0
cat > "$work/program.py" <<'PY'
import http.server
import json
import sys
import threading
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from importlib.metadata import version
from multiprocessing import get_context


class Server(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        refused = asked["messages"][0]["content"] == "1"
        if refused:
            told = {"type": "error", "error": {"type": "rate_limit_error", "message": "Slower, please."}}
        elif "chat" in self.path:
            choice = {"index": 0, "message": {"role": "assistant", "content": "Fine."}, "finish_reason": "stop"}
            told = {"id": "c", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice]}
        else:
            told = {
                "id": "m", "type": "message", "role": "assistant", "model": "m", "stop_reason": "end_turn", "stop_sequence": None,
                "content": [{"type": "text", "text": "Fine."}], "usage": {"input_tokens": 1, "output_tokens": 1},
            }
        body = json.dumps(told).encode()
        self.send_response(429 if refused else 200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def ask(vendor, port, n):
    messages = [{"role": "user", "content": str(n)}]
    if vendor == "openai":
        from openai import OpenAI

        client = OpenAI(api_key="k", base_url=f"http://127.0.0.1:{port}/v1", max_retries=0)
        return client.chat.completions.create(model="m", messages=messages).choices[0].message.content
    from anthropic import Anthropic

    client = Anthropic(api_key="k", base_url=f"http://127.0.0.1:{port}", max_retries=0)
    return client.messages.create(model="m", max_tokens=5, messages=messages).content[0].text


def outcomes(vendor, port):
    """What each of six calls ended in, the refused one first, and whether the pool still works."""
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        made = [pool.submit(ask, vendor, port, 1), *(pool.submit(ask, vendor, port, n) for n in (0, 2, 3, 4, 5))]
        ended = [type(each.exception()).__name__ if each.exception() else each.result() for each in made]
        try:
            after = pool.submit(ask, vendor, port, 6).result()
        except Exception as error:
            after = type(error).__name__
    return ended, after


if __name__ == "__main__":
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    for vendor, refused, still in (("anthropic", "RateLimitError", "Fine."), ("openai", "BrokenProcessPool", "BrokenProcessPool")):
        ended, after = outcomes(vendor, server.server_port)
        print(f"{vendor} {version(vendor)}: the refused call ended in {ended[0]}; a call after them all in: {after}")
        if (ended[0], after) != (refused, still) or (vendor == "anthropic" and Counter(ended)["Fine."] != 5):
            sys.exit(f"changed: {ended}")
    print("as described: openai's error ends the pool, anthropic's one call")
PY
"$work/venv/bin/python" "$work/program.py"
