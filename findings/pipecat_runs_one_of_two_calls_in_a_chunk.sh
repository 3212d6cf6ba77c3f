#!/bin/sh
# Package: pipecat-ai 1.14.0 (PyPI), OpenAILLMService: the language model of a voice agent.
# Behaviour seen: a server streams two calls of tools. In a chunk each, both functions run. In one chunk, whose `tool_calls` is a
#   list of two (as Gemini's OpenAI address, Ollama and other servers send calls that they have at once), only the first runs.
#   Nothing is logged, and the run ends as if the model had asked for one.
# One would guess: both run, for `delta.tool_calls` is a list in OpenAI's own types, and each entry bears its index.
# Why it matters: the caller is told that the table is booked and the taxi isn't ordered; the model never sees a result for the
#   second call, and on servers that insist on one for each call the next turn is refused. It depends on how a server cuts its
#   stream, so the same agent works at OpenAI and loses calls behind another base_url.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq "pipecat-ai[openai]==1.14.0"
cat > "$work/program.py" <<'PY'
import asyncio
import http.server
import json
import sys
import threading
from importlib.metadata import version

from loguru import logger
from pipecat.frames.frames import LLMContextFrame
from pipecat.processors.aggregators.llm_context import LLMContext
from pipecat.services.openai.llm import OpenAILLMService
from pipecat.tests.utils import SleepFrame, run_test

warnings = []
logger.remove()
logger.add(lambda said: warnings.append(said.strip()), level="WARNING", format="{message}")


def call(index, name):
    return {"index": index, "id": f"call_{index}", "type": "function", "function": {"name": name, "arguments": "{}"}}


CALLS = [call(0, "book_table"), call(1, "order_taxi")]
TOGETHER, APART = [CALLS], [[each] for each in CALLS]


class Server(http.server.BaseHTTPRequestHandler):
    chunks = []

    def log_message(self, *_):
        pass

    def do_POST(self):
        self.rfile.read(int(self.headers["content-length"]))
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.end_headers()
        told = [{"index": 0, "delta": {"tool_calls": calls}, "finish_reason": None} for calls in self.chunks]
        told.append({"index": 0, "delta": {}, "finish_reason": "tool_calls"})
        for choice in told:
            chunk = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]}
            self.wfile.write(f"data: {json.dumps(chunk)}\n\n".encode())
        self.wfile.write(b"data: [DONE]\n\n")


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server)
threading.Thread(target=server.serve_forever, daemon=True).start()


async def functions_run(chunks):
    Server.chunks, ran = chunks, []
    address = f"http://127.0.0.1:{server.server_port}/v1"
    service = OpenAILLMService(api_key="k", base_url=address, settings=OpenAILLMService.Settings(model="m"))

    async def handler(params):
        ran.append(params.function_name)
        await params.result_callback("done")

    for name in ("book_table", "order_taxi"):
        service.register_function(name, handler)
    context = LLMContext(messages=[{"role": "user", "content": "A table and a taxi, please."}])
    await run_test(service, frames_to_send=[LLMContextFrame(context), SleepFrame(1.0)])
    return ran


apart, together = asyncio.run(functions_run(APART)), asyncio.run(functions_run(TOGETHER))
print(f"pipecat-ai {version('pipecat-ai')}")
print("two calls, a chunk each:", sorted(apart))
print("two calls in one chunk: ", sorted(together), "- warnings:", [each for each in warnings if "taxi" in each])
if sorted(apart) != ["book_table", "order_taxi"] or together != ["book_table"]:
    sys.exit("changed: calls are run in another way now")
print("as described: the second call of a chunk is lost without a word")
PY
"$work/venv/bin/python" "$work/program.py"
