"""A provider on loopback whose streams drip, and which counts those that are open."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

EVERY_SECONDS = 0.1


class Dripping:
    """`open` streams there are now; `begun` there have been."""

    def __init__(self) -> None:
        self.url = ""
        self.open = 0
        self.begun = 0
        self.ended = threading.Event()
        self.lock = threading.Lock()


@contextmanager
def dripping_server() -> Iterator[Dripping]:
    """Each stream says a word every tenth of a second, for ever."""
    state = Dripping()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: Any) -> None:
            pass

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            with state.lock:
                state.open += 1
                state.begun += 1
            try:
                self._drip()
            except OSError:
                self.close_connection = True
            finally:
                with state.lock:
                    state.open -= 1

        def _drip(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/event-stream")
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            choice = {"index": 0, "delta": {"content": "woof "}}
            told = b"data: %s\n\n" % json.dumps({"choices": [choice]}).encode()
            while not state.ended.wait(EVERY_SECONDS):
                self.wfile.write(b"%x\r\n%s\r\n" % (len(told), told))
                self.wfile.flush()

    class Server(ThreadingHTTPServer):
        request_queue_size = 256
        daemon_threads = True

    server = Server(("127.0.0.1", 0), Handler)
    state.url = f"http://127.0.0.1:{server.server_port}/v1"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield state
    finally:
        state.ended.set()
        server.shutdown()
        server.server_close()
