#!/bin/sh
# Packages: langchain-openai 1.7.4 with langchain-core 1.8.3 (PyPI); @langchain/openai 1.6.0 with @langchain/core 1.4.0 (npm).
# Behaviour seen: a stream whose every chunk carries the usage so far (vLLM with continuous_usage_stats, and several hosted
#   OpenAI-compatible services): prompt_tokens 1000 in each, completion_tokens 1, 2, 3. The truth is 1000 + 3.
#     Python: usage_metadata {'input_tokens': 3000, 'output_tokens': 6}    (the chunks are added up)
#     JavaScript, same vendor, same stream: {input_tokens: 1000, output_tokens: 3}
#   A hundred chunks give a hundred times the input. openai's own client keeps the last usage.
# One would guess: the last usage stands, and both ports of one library agree.
# Why it matters: costs and budgets computed from usage_metadata grow with the square of the answer's length, on streams only.
set -eu
work=$(mktemp -d)
trap 'kill "$server" 2>/dev/null || true; rm -rf "$work"' EXIT
server=
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq langchain-openai==1.7.4 langchain-core==1.8.3
(cd "$work" && npm init -y >/dev/null && npm install --silent --no-audit --no-fund @langchain/openai@1.6.0 @langchain/core@1.4.0)
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
        for number, text in enumerate("abc", 1):
            chunk = {
                "id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m",
                "choices": [{"index": 0, "delta": {"role": "assistant", "content": text} if number == 1 else {"content": text},
                             "finish_reason": "stop" if number == 3 else None}],
                "usage": {"prompt_tokens": 1000, "completion_tokens": number, "total_tokens": 1000 + number},
            }  # fmt: skip
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

from langchain_openai import ChatOpenAI

model = ChatOpenAI(model="m", base_url=sys.argv[1], api_key="k", stream_usage=True)
message = None
for chunk in model.stream("hi"):
    message = chunk if message is None else message + chunk
print(message.text, message.usage_metadata["input_tokens"], message.usage_metadata["output_tokens"])
PY
cat > "$work/program.mjs" <<'JS'
import { ChatOpenAI } from "@langchain/openai";

const model = new ChatOpenAI({ model: "m", apiKey: "k", configuration: { baseURL: process.argv[2] }, streamUsage: true });
let message;
for await (const chunk of await model.stream("hi")) message = message ? message.concat(chunk) : chunk;
console.log(message.text, message.usage_metadata.input_tokens, message.usage_metadata.output_tokens);
JS
url=http://127.0.0.1:$(cat "$work/port")/v1
python=$("$work/venv/bin/python" "$work/program.py" "$url")
javascript=$(cd "$work" && node program.mjs "$url")
echo "langchain-openai 1.7.4 (Python): $python"
echo "@langchain/openai 1.6.0 (JavaScript): $javascript"
[ "$python" = "abc 3000 6" ] || { echo "changed: Python no longer adds up running usage"; exit 1; }
[ "$javascript" = "abc 1000 3" ] || { echo "changed: JavaScript reports another usage"; exit 1; }
echo "as described: the Python port counts the input once a chunk"
