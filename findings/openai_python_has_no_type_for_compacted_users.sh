#!/bin/sh
# Package: openai 3.57.0 (PyPI).
# Behaviour seen: `client.responses.compact()` promises "all user messages, followed by a single compaction item", but the
#   union of its items (`ResponseOutputItem`) has no message of a user's. What the user said comes back as the model's:
#   a ResponseOutputMessage whose content is a ResponseOutputText of type "input_text"; model_dump() warns, and
#   CompactedResponse.model_validate refuses the same answer.
# One would guess: a type of its own for a user's message, as `responses.input_items.list()` has (ResponseInputMessageItem).
# Why it matters: isinstance(item, ResponseOutputMessage) takes the user's words for the model's; with warnings as errors a
#   conversation can't be stored; and no gateway can answer in a form that the SDK's types take strictly.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq openai==3.57.0
cat > "$work/program.py" <<'PY'
import http.server
import json
import sys
import threading
import warnings

import openai
import pydantic
from openai.types.responses import CompactedResponse

SAID = {"type": "message", "id": "msg_1", "role": "user", "status": "completed", "content": [{"type": "input_text", "text": "I like Rex."}]}
USAGE = {
    "input_tokens": 9, "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
    "output_tokens": 3, "output_tokens_details": {"reasoning_tokens": 0}, "total_tokens": 12,
}
SUMMARY = {"type": "compaction", "id": "cmp_1", "encrypted_content": "abc"}
ANSWER = {"id": "resp_1", "object": "response.compaction", "created_at": 1, "output": [SAID, SUMMARY], "usage": USAGE}


class Provider(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_POST(self):
        self.rfile.read(int(self.headers["content-length"]))
        body = json.dumps(ANSWER).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Provider)
threading.Thread(target=server.serve_forever, daemon=True).start()
client = openai.OpenAI(base_url=f"http://127.0.0.1:{server.server_port}/v1", api_key="k")
made = client.responses.compact(model="gpt-5", input="I like Rex.")
item = made.output[0]
kinds = (type(item).__name__, item.role, type(item.content[0]).__name__, item.content[0].type)
with warnings.catch_warnings(record=True) as warned:
    warnings.simplefilter("always")
    made.model_dump()
try:
    CompactedResponse.model_validate(ANSWER)
    refused = False
except pydantic.ValidationError:
    refused = True
print("openai", openai.__version__)
print("the user's message comes back as", kinds)
print(f"model_dump() warns: {bool(warned)}; model_validate refuses: {refused}")
if (kinds, bool(warned), refused) != (("ResponseOutputMessage", "user", "ResponseOutputText", "input_text"), True, True):
    sys.exit("changed: compacted user messages have a type now")
print("as described: what the user said has no type in a compacted response")
PY
"$work/venv/bin/python" "$work/program.py"
