#!/bin/sh
# Packages: google-genai 3.6.1 with an MCP session among its tools, mcp 2.3.0 as the server (PyPI).
# Behaviour seen: a tool that returns 50 orders answers as MCP prescribes, for clients of both kinds: the data as
#   structuredContent (2.4 kB of JSON), and once more as text, for those that don't read it (a block an order, indented). google-genai
#   puts the whole result into the prompt, both copies and the protocol's own fields: 7.4 kB, of which the text is JSON in
#   strings, every quotation mark and line end escaped. It is sent again in each later turn.
# One would guess: one of the two, as the specification means it: Pydantic AI sends the structured part alone, LangChain's adapters
#   and the AI SDK the text alone.
# Why it matters: three times the prompt for what tools say, which is most of an agent's prompt, for the same server and question.
#   The tool's author can't help it: leaving the text out breaks the other clients.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq google-genai==3.6.1 mcp==2.3.0
cat > "$work/orders.py" <<'PY'
from mcp.server import MCPServer
from pydantic import BaseModel


class Order(BaseModel):
    number: int
    city: str
    cents: int


server = MCPServer("orders")


@server.tool()
def orders() -> list[Order]:
    """All orders."""
    return [Order(number=number, city="Lisbon", cents=100 * number) for number in range(1, 51)]


server.run()
PY
cat > "$work/program.py" <<'PY'
import asyncio
import http.server
import json
import logging
import sys
import threading
from importlib.metadata import version
from pathlib import Path

from google import genai
from google.genai import types
from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client

logging.disable(logging.WARNING)
requests = []


class Gemini(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_POST(self):
        requests.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
        part = {"functionCall": {"name": "orders", "args": {}}} if len(requests) == 1 else {"text": "Fifty."}
        candidate = {"index": 0, "finishReason": "STOP", "content": {"role": "model", "parts": [part]}}
        body = json.dumps({"candidates": [candidate]}).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


async def ask(address):
    client = genai.Client(api_key="k", http_options=types.HttpOptions(base_url=address))
    tools = StdioServerParameters(command=sys.executable, args=[str(Path(__file__).with_name("orders.py"))])
    async with stdio_client(tools) as streams, ClientSession(*streams) as session:
        await session.initialize()
        await client.aio.models.generate_content(model="gemini-2.5-flash", contents="How many orders?", config={"tools": [session]})
        return await session.call_tool("orders", {})


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Gemini)
threading.Thread(target=server.serve_forever, daemon=True).start()
result = asyncio.run(ask(f"http://127.0.0.1:{server.server_port}"))
sent = requests[-1]["contents"][-1]["parts"][0]["functionResponse"]["response"]["result"]
once = len(json.dumps(result.structured_content))
print("google-genai", version("google-genai"), "mcp", version("mcp"))
print("the tool's data as JSON:", once, "bytes; sent to the model:", len(json.dumps(sent)))
print("fields of what is sent:", {name: len(json.dumps(value)) for name, value in sent.items()})
both = sent.get("structured_content") == result.structured_content and len(sent.get("content", ())) == 50
if not both or len(json.dumps(sent)) < 2.9 * once:
    sys.exit("changed: results of MCP tools are sent in another way now")
print("as described: the data stands in the prompt twice, in three times the bytes")
PY
"$work/venv/bin/python" "$work/program.py"
