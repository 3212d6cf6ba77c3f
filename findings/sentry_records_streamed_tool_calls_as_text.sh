#!/bin/sh
# Package: sentry-sdk 2.75.0 (PyPI), its integrations for openai 3.57.0 and anthropic 2.14.0, with prompts and outputs recorded.
# Behaviour seen: one answer of Claude's, "Booking." and a call of the tool book_hotel. Whole, its span has the text and, under
#   gen_ai.response.tool_calls, the call. Streamed, with create(stream=True) as with stream(), it has no call: the arguments,
#   {"city": "Oslo"}, are a second text of the assistant's, and the tool's name and id are nowhere. With OpenAI two streamed
#   choices, "Yes." and "Never.", are recorded as one text, "YNees.ver.".
# One would guess: a span tells the same of an answer whether it was streamed or not, as the tokens in it do.
# Why it matters: a product that streams shows no tool calls at all in the monitoring of its agents, and users seem to have been
#   shown raw JSON; judges and searches over recorded answers read texts that no model wrote.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq sentry-sdk==2.75.0 openai==3.57.0 anthropic==2.14.0
cat > "$work/program.py" <<'PY'
import http.server
import json
import sys
import threading
from importlib.metadata import version

import anthropic
import openai
import sentry_sdk
from sentry_sdk.integrations.anthropic import AnthropicIntegration
from sentry_sdk.integrations.openai import OpenAIIntegration
from sentry_sdk.transport import Transport

CALL = {"type": "tool_use", "id": "toolu_1", "name": "book_hotel", "input": {"city": "Oslo"}}
MESSAGE = {
    "id": "m", "type": "message", "role": "assistant", "model": "claude-opus-4-6", "content": [{"type": "text", "text": "Booking."}, CALL],
    "stop_reason": "tool_use", "stop_sequence": None, "usage": {"input_tokens": 10, "output_tokens": 20},
}  # fmt: skip
EVENTS = [
    {"type": "message_start", "message": {**MESSAGE, "content": [], "stop_reason": None, "usage": {"input_tokens": 10, "output_tokens": 1}}},
    {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Booking."}},
    {"type": "content_block_stop", "index": 0},
    {"type": "content_block_start", "index": 1, "content_block": {**CALL, "input": {}}},
    {"type": "content_block_delta", "index": 1, "delta": {"type": "input_json_delta", "partial_json": '{"city": "Oslo"}'}},
    {"type": "content_block_stop", "index": 1},
    {"type": "message_delta", "delta": {"stop_reason": "tool_use", "stop_sequence": None}, "usage": {"output_tokens": 20}},
    {"type": "message_stop"},
]
CHUNKS = [
    {
        "id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m",
        "choices": [{"index": index, "delta": {"content": text}, "finish_reason": reason}],
    }
    for index, text, reason in ((0, "Y", None), (1, "Ne", None), (0, "es.", "stop"), (1, "ver.", "stop"))
]  # fmt: skip


class Both(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        kind = "text/event-stream"
        if self.path.endswith("/chat/completions"):
            told = "".join(f"data: {json.dumps(each)}\n\n" for each in CHUNKS) + "data: [DONE]\n\n"
        elif asked.get("stream"):
            told = "".join(f"event: {each['type']}\ndata: {json.dumps(each)}\n\n" for each in EVENTS)
        else:
            kind, told = "application/json", json.dumps(MESSAGE)
        body = told.encode()
        self.send_response(200)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


sent = []


class Kept(Transport):
    def capture_envelope(self, envelope):
        sent.extend(item.payload.json for item in envelope.items)


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Both)
threading.Thread(target=server.serve_forever, daemon=True).start()
address = f"http://127.0.0.1:{server.server_port}"
sentry_sdk.init(
    dsn=f"http://k@127.0.0.1:{server.server_port}/1", transport=Kept, traces_sample_rate=1.0, send_default_pii=True,
    integrations=[OpenAIIntegration(), AnthropicIntegration()],
)  # fmt: skip
claude = anthropic.Anthropic(api_key="k", base_url=address)
gpt = openai.OpenAI(api_key="k", base_url=f"{address}/v1")
ask = {"model": "claude-opus-4-6", "max_tokens": 100, "messages": [{"role": "user", "content": "A room in Oslo, please."}]}
with sentry_sdk.start_transaction(name="agent"):
    claude.messages.create(**ask)
    list(claude.messages.create(stream=True, **ask))
    with claude.messages.stream(**ask) as stream:
        stream.get_final_message()
    list(gpt.chat.completions.create(model="m", n=2, stream=True, messages=ask["messages"]))
sentry_sdk.flush()

spans = [{key: value["value"] for key, value in span.get("attributes", {}).items()} for told in sent for span in told.get("items", [])]
seen = []
print(*(f"{name} {version(name)}" for name in ("sentry-sdk", "anthropic", "openai")), sep=", ")
names = ("Claude, whole", "Claude, create(stream=True)", "Claude, stream()", "GPT, two choices streamed")
for name, span in zip(names, [span for span in spans if "gen_ai.response.model" in span], strict=True):
    calls = [call["name"] for call in json.loads(span.get("gen_ai.response.tool_calls", "[]"))]
    said = json.loads(span.get("gen_ai.output.messages", "[]"))
    texts = [part["content"] for message in said for part in message["parts"]] or [span["gen_ai.response.text"]]
    print(f"  {name:28} calls {calls}, texts {texts}")
    seen.append((calls, texts))
streamed = ([], ["Booking.", '{"city": "Oslo"}'])
if seen != [(["book_hotel"], ["Booking."]), streamed, streamed, ([], ["YNees.ver."])]:
    sys.exit("changed: streamed answers are recorded in another way now")
print("as described: a streamed call of a tool is a text")
PY
"$work/venv/bin/python" "$work/program.py"
