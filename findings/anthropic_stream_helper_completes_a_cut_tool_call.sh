#!/bin/sh
# Package: anthropic 2.11.0 (PyPI), client.messages.stream() and its get_final_message().
# Behaviour seen: an answer reaches max_tokens in the middle of a call of a tool. Its text ends `"order": 77, "cents": 15`, of
#   1500. The final message has a block tool_use with input {'order': 77, 'cents': 15}; of `"cents": 1500, "note": "brok` it has
#   {'order': 77, 'cents': 1500}, without the key that was cut. Neither the block nor the message keeps the text, so nothing on
#   them but the stop_reason tells such a call from a whole one.
# One would guess: a call whose JSON doesn't end raises, or has no input, as the same SDK raises for a schema's cut answer.
# Why it matters: a loop that runs each tool_use block pays 15 cents for 1500, and 15 validates as well as 1500 does. What has to be
#   checked is stop_reason == "tool_use", before anything runs; the SDK's own tool_runner does so, loops of one's own often don't.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq anthropic==2.11.0
cat > "$work/program.py" <<'PY'
import http.server
import json
import sys
import threading
from importlib.metadata import version

from anthropic import Anthropic


class Server(http.server.BaseHTTPRequestHandler):
    pieces = ()

    def log_message(self, *_):
        pass

    def do_POST(self):
        self.rfile.read(int(self.headers["content-length"]))
        usage = {"input_tokens": 9, "output_tokens": 1}
        message = {
            "id": "m", "type": "message", "role": "assistant", "model": "c", "content": [], "stop_reason": None,
            "stop_sequence": None, "usage": usage,
        }
        block = {"type": "tool_use", "id": "toolu_1", "name": "refund", "input": {}}
        events = [
            {"type": "message_start", "message": message},
            {"type": "content_block_start", "index": 0, "content_block": block},
            *(
                {"type": "content_block_delta", "index": 0, "delta": {"type": "input_json_delta", "partial_json": each}}
                for each in self.pieces
            ),
            {"type": "content_block_stop", "index": 0},
            {"type": "message_delta", "delta": {"stop_reason": "max_tokens", "stop_sequence": None}, "usage": usage},
            {"type": "message_stop"},
        ]
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.end_headers()
        for each in events:
            self.wfile.write(f"event: {each['type']}\ndata: {json.dumps(each)}\n\n".encode())


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server)
threading.Thread(target=server.serve_forever, daemon=True).start()
client = Anthropic(api_key="k", base_url=f"http://127.0.0.1:{server.server_port}")


def called(*pieces):
    Server.pieces = pieces
    with client.messages.stream(model="c", max_tokens=20, messages=[{"role": "user", "content": "Refund it."}]) as stream:
        message = stream.get_final_message()
    return message.stop_reason, message.content[0].input, "".join(pieces) in message.to_json()


in_a_number = called('{"order": 77, ', '"cents": 15')
in_a_string = called('{"order": 77, ', '"cents": 1500, "note": "brok')
print(f"anthropic {version('anthropic')}")
print("cut in a number (stop reason, input, text kept):", in_a_number)
print("cut in a string:                                ", in_a_string)
expected = [("max_tokens", {"order": 77, "cents": cents}, False) for cents in (15, 1500)]
if [in_a_number, in_a_string] != expected:
    sys.exit("changed: cut calls are told in another way now")
print("as described: a cut call looks like a whole one")
PY
"$work/venv/bin/python" "$work/program.py"
