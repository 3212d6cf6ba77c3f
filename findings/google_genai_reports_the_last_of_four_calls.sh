#!/bin/sh
# Package: google-genai 3.6.1 (PyPI), with a Python function among the tools (automatic function calling).
# Behaviour seen: one generate_content() or chat.send_message() asks the model, runs the function and asks again, here four times,
#   each with a longer prompt: 1000, 2000, 3000 and 4000 tokens. The response's usage_metadata is the last request's alone: 4020
#   tokens of 10,080. automatic_function_calling_history has the three calls and their results and no usage; in a stream the sum
#   of what the chunks say comes out right, so that the same question costs two and a half times as much once it streams.
# One would guess: the usage of a call is that of all its requests, as Pydantic AI and OpenAI's Agents SDK count their own loops.
# Why it matters: up to ten requests hide behind one call (maximum_remote_calls), each resending all before it. What is logged,
#   charged to a customer or held against a budget by response.usage_metadata leaves out all of them but the last.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq google-genai==3.6.1
cat > "$work/program.py" <<'PY'
import http.server
import json
import logging
import sys
import threading
from importlib.metadata import version

from google import genai
from google.genai import types

logging.disable(logging.WARNING)
billed = []


class Gemini(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_POST(self):
        call = json.loads(self.rfile.read(int(self.headers["content-length"])))
        turn = 1 + sum(content["role"] == "model" for content in call["contents"])
        part = {"functionCall": {"name": "stock", "args": {"article": f"A{turn}"}}} if turn < 4 else {"text": "In stock."}
        counts = {"promptTokenCount": 1000 * turn, "candidatesTokenCount": 20, "totalTokenCount": 1000 * turn + 20}
        billed.append(counts["totalTokenCount"])
        candidate = {"index": 0, "finishReason": "STOP", "content": {"role": "model", "parts": [part]}}
        text = json.dumps({"candidates": [candidate], "usageMetadata": counts, "modelVersion": "gemini-2.5-flash"})
        streams = "streamGenerateContent" in self.path
        body = f"data: {text}\n\n".encode() if streams else text.encode()
        self.send_response(200)
        self.send_header("content-type", "text/event-stream" if streams else "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def stock(article: str) -> int:
    """How many of an article are in stock."""
    return 3


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Gemini)
threading.Thread(target=server.serve_forever, daemon=True).start()
client = genai.Client(api_key="k", http_options=types.HttpOptions(base_url=f"http://127.0.0.1:{server.server_port}"))
asked = {"model": "gemini-2.5-flash", "config": types.GenerateContentConfig(tools=[stock])}


def whole():
    answer = client.models.generate_content(contents="Are A1 to A3 in stock?", **asked)
    assert len(answer.automatic_function_calling_history) == 7
    return answer.usage_metadata.total_token_count


def chat():
    return client.chats.create(**asked).send_message("Are A1 to A3 in stock?").usage_metadata.total_token_count


def streamed():
    chunks = client.models.generate_content_stream(contents="Are A1 to A3 in stock?", **asked)
    return sum(chunk.usage_metadata.total_token_count for chunk in chunks if chunk.usage_metadata)


print("google-genai", version("google-genai"))
seen = []
for way in (whole, chat, streamed):
    billed.clear()
    seen.append((way(), len(billed), sum(billed)))
    print(f"{way.__name__:8} reported {seen[-1][0]}, {seen[-1][1]} requests of {seen[-1][2]} tokens")
if seen != [(4020, 4, 10080), (4020, 4, 10080), (10080, 4, 10080)]:
    sys.exit("changed: the usage of automatic function calls is reported in another way now")
print("as described: the last of four requests stands for all")
PY
"$work/venv/bin/python" "$work/program.py"
