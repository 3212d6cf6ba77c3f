#!/bin/sh
# Packages: openai 3.52.0 (PyPI) and openai 7.55.0 (npm), chat.completions.stream() of both.
# Behaviour seen: a stream whose chunks repeat role, tool call id and function name (several OpenAI-compatible servers do, and
#   the chunk's schema allows these fields in each delta). The final completion is
#     Python:     role "assistantassistant", tool call id "call_1call_1", function name "getget", parsed_arguments None
#     JavaScript: role "assistant",          tool call id "call_1",       function name "get"
# One would guess: role and id are set once, or overwritten; and the two official clients accumulate alike.
# Why it matters: the tool is not found by its name, its result is refused for its id, and the message can't be sent back as
#   history ("assistantassistant"). It works in JavaScript and in every whole answer, so that the server is blamed.
set -eu
work=$(mktemp -d)
server=
trap 'kill $server 2>/dev/null || true; rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq openai==3.52.0
(cd "$work" && npm init -y >/dev/null && npm install --silent --no-audit --no-fund openai@7.55.0)
cat > "$work/provider.py" <<'PY'
import http.server
import json
import pathlib
import sys


class Provider(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_POST(self):
        self.rfile.read(int(self.headers["content-length"]))
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.end_headers()
        for piece in ('{"a"', ":1}", None):
            call = {"index": 0, "id": "call_1", "type": "function", "function": {"name": "get", "arguments": piece}}
            choice = {"index": 0, "delta": {"role": "assistant", "tool_calls": [call]} if piece else {}, "finish_reason": None if piece else "tool_calls"}
            chunk = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]}
            self.wfile.write(f"data: {json.dumps(chunk)}\n\n".encode())
        self.wfile.write(b"data: [DONE]\n\n")


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Provider)
pathlib.Path(sys.argv[1]).write_text(str(server.server_port))
server.serve_forever()
PY
"$work/venv/bin/python" "$work/provider.py" "$work/port" & server=$!
while [ ! -s "$work/port" ]; do sleep 0.1; done
cat > "$work/program.py" <<'PY'
import sys

from openai import OpenAI

parameters = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"], "additionalProperties": False}
tool = {"type": "function", "function": {"name": "get", "strict": True, "parameters": parameters}}
client = OpenAI(base_url=sys.argv[1], api_key="k")
with client.chat.completions.stream(model="m", messages=[{"role": "user", "content": "hi"}], tools=[tool]) as stream:
    message = stream.get_final_completion().choices[0].message
call = message.tool_calls[0]
print(message.role, call.id, call.function.name, call.function.parsed_arguments)
PY
cat > "$work/program.mjs" <<'JS'
import OpenAI from "openai";

const parameters = { type: "object", properties: { a: { type: "integer" } }, required: ["a"], additionalProperties: false };
const tools = [{ type: "function", function: { name: "get", strict: true, parameters } }];
const client = new OpenAI({ baseURL: process.argv[2], apiKey: "k" });
const stream = client.chat.completions.stream({ model: "m", messages: [{ role: "user", content: "hi" }], tools });
const { message } = (await stream.finalChatCompletion()).choices[0];
const call = message.tool_calls[0];
console.log(message.role, call.id, call.function.name);
JS
url=http://127.0.0.1:$(cat "$work/port")/v1
python=$("$work/venv/bin/python" "$work/program.py" "$url")
javascript=$(cd "$work" && node program.mjs "$url")
echo "openai 3.52.0 (Python): $python"
echo "openai 7.55.0 (JavaScript): $javascript"
[ "$python" = "assistantassistant call_1call_1 getget None" ] || { echo "changed: Python accumulates in another way now"; exit 1; }
[ "$javascript" = "assistant call_1 get" ] || { echo "changed: JavaScript accumulates in another way now"; exit 1; }
echo "as described: the Python client joins what is repeated"
