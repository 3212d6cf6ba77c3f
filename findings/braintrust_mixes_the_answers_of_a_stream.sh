#!/bin/sh
# Package: braintrust 0.48.1 with openai 3.57.0 (PyPI): wrap_openai(), whose spans keep what a model answered.
# Behaviour seen: `n=2`, two answers to one question. Whole, the span's output has both, each with its index. Streamed, it has one
#   choice of index 0 whose text is the pieces of both in order of arrival: "Paris" and "Vienna" become "PaVierisnna".
# One would guess: two choices in both, for each piece bears the index of its choice, as OpenAI documents it. Or only the
#   first answer; but no text that no model wrote.
# Why it matters: several answers are asked for in order to vote or to score them, and streamed so that they don't time out. The
#   program gets the right ones; the log, the scorers that run on it and the data sets made of it get a text of neither.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq braintrust==0.48.1 openai==3.57.0 pytest==9.2.0
cat > "$work/program.py" <<'PY'
import http.server
import json
import sys
import threading
from importlib.metadata import version

import openai
from braintrust import wrap_openai
from braintrust.logger import _internal_with_memory_background_logger as kept_in_memory
from braintrust.test_helpers import init_test_logger

ANSWERS = ["Paris", "Vienna"]
PIECES = [(0, "Pa"), (1, "Vie"), (0, "ris"), (1, "nna")]
USAGE = {"prompt_tokens": 9, "completion_tokens": 4, "total_tokens": 13}


class Server(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        told = {"id": "c", "created": 1, "model": "m"}
        if body.get("stream"):
            chunks = [{"index": index, "delta": {"content": text}, "finish_reason": None} for index, text in PIECES]
            chunks += [{"index": index, "delta": {}, "finish_reason": "stop"} for index in (0, 1)]
            lines = [json.dumps({**told, "object": "chat.completion.chunk", "choices": [chunk]}) for chunk in chunks]
            answer, kind = "".join(f"data: {line}\n\n" for line in [*lines, "[DONE]"]).encode(), "text/event-stream"
        else:
            messages = [{"role": "assistant", "content": text} for text in ANSWERS]
            choices = [{"index": n, "finish_reason": "stop", "message": message} for n, message in enumerate(messages)]
            whole = {**told, "object": "chat.completion", "choices": choices, "usage": USAGE}
            answer, kind = json.dumps(whole).encode(), "application/json"
        self.send_response(200)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server)
threading.Thread(target=server.serve_forever, daemon=True).start()
address = {"base_url": f"http://127.0.0.1:{server.server_port}/v1", "api_key": "k"}
asked = {"model": "m", "n": 2, "messages": [{"role": "user", "content": "Name a capital."}]}


def received(stream):
    texts = ["", ""]
    for chunk in stream:
        for choice in chunk.choices:
            texts[choice.index] += choice.delta.content or ""
    return texts


def recorded(choices):
    return [(choice["index"], choice["message"]["content"]) for choice in choices]


with kept_in_memory() as memory:
    init_test_logger("test")
    client = wrap_openai(openai.OpenAI(**address))
    client.chat.completions.create(**asked)
    whole = recorded(memory.pop()[0]["output"])
    program = received(client.chat.completions.create(**asked, stream=True))
    streamed = recorded(memory.pop()[0]["output"])
print(f"braintrust {version('braintrust')}, openai {version('openai')}: two answers to one question")
print("  whole, in the span:      ", whole)
print("  streamed, to the program:", program)
print("  streamed, in the span:   ", streamed)
server.shutdown()
if (whole, program, streamed) != (list(enumerate(ANSWERS)), ANSWERS, [(0, "PaVierisnna")]):
    sys.exit("changed: a stream's choices are kept in another way now")
print("as described: the span has a text that is neither answer")
PY
"$work/venv/bin/python" "$work/program.py"
