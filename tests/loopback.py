"""A provider on loopback whose answers a test gives as a function."""

import json
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

JSON = dict[str, Any]
# Status and body; bytes in pieces are a stream of events.
Answer = tuple[int, JSON | list[Any] | Iterable[bytes]]


@dataclass
class Loopback:
    """Its address, and the requests that it got."""

    url: str
    bodies: list[JSON] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)


class BusyServer(ThreadingHTTPServer):
    """Lets many connections wait until its threads come to them; five are the rule."""

    request_queue_size = 128


@contextmanager
def loopback(
    answer: Callable[[Any], Answer], *, reads: Callable[[bytes], Any] = json.loads
) -> Iterator[Loopback]:
    """Serve until the block ends; `reads` makes what `answer` gets of a body."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: Any) -> None:
            pass

        def do_POST(self) -> None:
            body = reads(self.rfile.read(int(self.headers["Content-Length"])))
            served.bodies.append(body)
            served.paths.append(self.path)
            served.headers.append({name.lower(): value for name, value in self.headers.items()})
            status, said = answer(body)
            if isinstance(said, dict | list):
                raw = json.dumps(said).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(raw)))
                self.end_headers()
                self.wfile.write(raw)
                return
            self.send_response(status)
            self.send_header("Content-Type", "text/event-stream")
            self.send_header("Connection", "close")
            self.end_headers()
            self.close_connection = True
            try:
                for piece in said:
                    self.wfile.write(piece)
                    self.wfile.flush()
            except OSError:
                pass

    server = BusyServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    served = Loopback(f"http://127.0.0.1:{server.server_port}/v1")
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield served
    finally:
        server.shutdown()
        server.server_close()


def answered(text: str = "Fine.") -> JSON:
    """A whole chat completion."""
    choice = {"index": 0, "message": {"role": "assistant", "content": text}}
    usage = {"prompt_tokens": 9, "completion_tokens": 3, "total_tokens": 12}
    return {"choices": [{**choice, "finish_reason": "stop"}], "usage": usage}


def streamed(text: str = "Fine.") -> tuple[bytes, ...]:
    """The same as events."""
    delta = {"choices": [{"index": 0, "delta": {"content": text}, "finish_reason": "stop"}]}
    return (f"data: {json.dumps(delta)}\n\n".encode(), b"data: [DONE]\n\n")
