"""A provider on loopback that answers, byte for byte, what a test tells it to."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from threading import Thread
from typing import Any

from llmconfig import client
from llmconfig.client.http import background_loop
from llmconfig.client.types import Call, Delta, Generation
from llmconfig.errors import LLMError
from tests.loopback import BusyServer

USAGE = {"prompt_tokens": 9, "completion_tokens": 4, "total_tokens": 13}
DONE = b"data: [DONE]\n\n"


class Scripted:
    """`whole` answers a request, `pieces` one that asks for a stream; `asked` is the last body."""

    def __init__(self, server: BusyServer) -> None:
        self.url = f"http://127.0.0.1:{server.server_port}"
        self.tell(b"")

    def tell(
        self,
        whole: Any = None,
        pieces: list[bytes] | None = None,
        *,
        status: int = 200,
        kind: str = "application/json",
        **headers: str,
    ) -> None:
        self.whole = whole if isinstance(whole, bytes) else json.dumps(whole).encode()
        self.pieces, self.status, self.kind, self.headers = pieces, status, kind, headers
        self.requests = 0
        self.asked: dict[str, Any] = {}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    script: Scripted

    def log_message(self, *_: Any) -> None:
        pass

    def do_POST(self) -> None:
        script = self.script
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        script.requests += 1
        script.asked = asked
        streams = bool(asked.get("stream")) and script.pieces is not None
        self.send_response(script.status)
        self.send_header("Content-Type", "text/event-stream" if streams else script.kind)
        for name, value in script.headers.items():
            self.send_header(name.replace("_", "-"), value)
        if not streams or script.pieces is None:
            self.send_header("Content-Length", str(len(script.whole)))
            self.end_headers()
            self.wfile.write(script.whole)
            return
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for piece in script.pieces:
            self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
            self.wfile.flush()
        self.wfile.write(b"0\r\n\r\n")


@contextmanager
def scripted_server() -> Iterator[Scripted]:
    server = BusyServer(("127.0.0.1", 0), _Handler)
    server.daemon_threads = True
    script = _Handler.script = Scripted(server)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield script
    finally:
        server.shutdown()
        server.server_close()


def event(value: Any) -> bytes:
    return b"data: " + json.dumps(value, ensure_ascii=False).encode() + b"\n\n"


def completion(message: Any, reason: str | None = "stop", **choice: Any) -> dict[str, Any]:
    """A whole answer in OpenAI's shape; a message of None is left out."""
    said = {} if message is None else {"message": {"role": "assistant", **message}}
    return {
        "id": "c",
        "object": "chat.completion",
        "choices": [{"index": 0, "finish_reason": reason, **said, **choice}],
        "usage": USAGE,
    }


def chunks(*deltas: dict[str, Any], reason: str | None = "stop", **choice: Any) -> list[bytes]:
    """The same as events, one for each delta."""
    made = [event({"choices": [{"index": 0, "delta": each}]}) for each in deltas]
    end = {"index": 0, "delta": {}, "finish_reason": reason, **choice}
    return [*made, event({"choices": [end]}), event({"choices": [], "usage": USAGE}), DONE]


def streamed(call: Call) -> tuple[list[Delta], Generation | LLMError]:
    """The pieces of a stream, and how it ended."""

    async def listen() -> tuple[list[Delta], Generation | LLMError]:
        pieces: list[Delta] = []
        try:
            async for piece in client.astream(call):
                if isinstance(piece, Generation):
                    return pieces, piece
                pieces.append(piece)
        except LLMError as error:
            return pieces, error
        raise AssertionError("The stream had no end.")

    return background_loop.run(listen())


def asked(call: Call) -> Generation | LLMError:
    """A whole answer, or the error."""
    try:
        return client.generate(call)
    except LLMError as error:
        return error


def calls_in(pieces: list[Delta]) -> list[tuple[str, str, str]]:
    """Tool calls put together from their pieces by index, as the vendors' clients do it."""
    found: dict[int, list[str]] = {}
    for piece in pieces:
        for part in piece.tool_calls:
            function = part.get("function", {})
            held = found.setdefault(part["index"], [part.get("id", ""), function.get("name"), ""])
            held[2] += function.get("arguments", "")
    return [(each[0], each[1], each[2]) for _, each in sorted(found.items())]
