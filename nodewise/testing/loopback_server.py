"""The fake provider's HTTP: OpenAI's shapes on the loopback interface, whole or as a stream."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, cast

JSON = dict[str, Any]
Answer = Callable[[str, JSON], tuple[int, JSON]]  # from path and body to status and body
# Whoever closes it waits for the next look.
LOOK_EVERY_SECONDS = 0.01


@contextmanager
def served(answer: Answer) -> Iterator[str]:
    """Serve while the block lasts; gives the address of `/v1`."""
    server = _Server(answer)
    threading.Thread(
        target=server.serve_forever, args=(LOOK_EVERY_SECONDS,), name="fake-provider", daemon=True
    ).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1"
    finally:
        server.shutdown()
        server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        super().__init__(("127.0.0.1", 0), _Handler)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, *_: Any) -> None:
        """Tests don't want to read of each request."""

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        status, said = cast("_Server", self.server).answer(self.path, body)
        if status == 200 and body.get("stream"):
            self.send_response(status)
            self.send_header("Content-Type", "text/event-stream")
            self.send_header("Connection", "close")
            self.end_headers()
            self.close_connection = True
            for piece in _events(said):
                self.wfile.write(piece)
                self.wfile.flush()
            return
        raw = json.dumps(said).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)


def _events(whole: JSON) -> Iterator[bytes]:
    """A whole answer as a stream, word by word."""
    message = whole["choices"][0]["message"]
    if "tool_calls" in message:
        deltas: list[JSON] = [
            {"tool_calls": [{"index": 0, **each} for each in message["tool_calls"]]}
        ]
    else:
        deltas = [{"content": word} for word in _words(message["content"])]
    for delta in deltas:
        yield _event({"choices": [{"index": 0, "delta": delta, "finish_reason": None}]})
    end = {"index": 0, "delta": {}, "finish_reason": whole["choices"][0]["finish_reason"]}
    yield _event({"choices": [end]})
    yield _event({"choices": [], "usage": whole["usage"]})
    yield b"data: [DONE]\n\n"


def _words(text: str) -> list[str]:
    """Pieces that make the text when they are put together."""
    return [f" {word}" if index else word for index, word in enumerate(text.split(" "))]


def _event(value: JSON) -> bytes:
    return b"data: " + json.dumps(value).encode() + b"\n\n"
