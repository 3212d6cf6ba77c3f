"""The way to the tests' database, which can be closed, held, full, or cut at a COMMIT."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from urllib.parse import quote

from django.db import connection

COMMIT = b"COMMIT"
# What a client may ask before it starts: TLS and GSSAPI, which PostgreSQL declines with N.
ENCRYPTION_WISHES = ((80877103).to_bytes(4, "big"), (80877104).to_bytes(4, "big"))
TOO_MANY = b"SFATAL\0VFATAL\0C53300\0Msorry, too many clients already\0\0"


class Door:
    """Passes bytes on while it is open. Closed, it refuses; held, it takes them and is silent."""

    def __init__(self, host: str, port: int) -> None:
        self._there = (host, port)
        self._ends: list[socket.socket] = []
        self._may_pass = threading.Event()
        self._may_pass.set()
        self._listener: socket.socket | None = None
        self._full = False
        self.cuts_left = 0
        self.port = 0
        self.open()

    @property
    def url(self) -> str:
        """The database's address through this door."""
        facts = connection.settings_dict
        password = quote(str(facts["PASSWORD"]), safe="")
        return f"postgres://{facts['USER']}:{password}@127.0.0.1:{self.port}/{facts['NAME']}"

    def open(self) -> None:
        """Let everybody through."""
        self._full = False
        self._may_pass.set()
        if self._listener is None:
            self._listener = socket.create_server(("127.0.0.1", self.port))
            self.port = self._listener.getsockname()[1]
            threading.Thread(target=self._listen, args=(self._listener,), daemon=True).start()

    def hold(self) -> None:
        """Take connections and bytes, and pass nothing on."""
        self._may_pass.clear()

    def fill(self) -> None:
        """Refuse new connections as a server at its max_connections does; the others go on."""
        self.open()
        self._full = True

    def close(self) -> None:
        """Refuse connections, and end those that there are."""
        if self._listener is not None:
            listener, self._listener = self._listener, None
            with suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
            listener.close()
        ends, self._ends = self._ends, []
        for end in ends:
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
        self._may_pass.set()

    def cut_at_commit(self, times: int) -> None:
        """Lose the next connections in the moment in which the database has heard COMMIT."""
        self.cuts_left = times

    def _listen(self, listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                near, _ = listener.accept()
                if self._full:
                    threading.Thread(target=_refuse, args=(near,), daemon=True).start()
                    continue
                far = socket.create_connection(self._there)
                self._ends += [near, far]
                for one, other in ((near, far), (far, near)):
                    threading.Thread(target=self._pass, args=(one, other), daemon=True).start()

    def _pass(self, one: socket.socket, other: socket.socket) -> None:
        with suppress(OSError):
            while told := one.recv(65536):
                self._may_pass.wait()
                if COMMIT in told and self.cuts_left > 0:
                    self.cuts_left -= 1
                    one.shutdown(socket.SHUT_RDWR)
                    other.sendall(told)  # nobody will hear what comes of it
                    break
                other.sendall(told)
        for end in (one, other):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
        one.close()  # each direction closes the end that it read from


def _refuse(client: socket.socket) -> None:
    with suppress(OSError), client:
        while client.recv(1024)[4:8] in ENCRYPTION_WISHES:
            client.sendall(b"N")
        client.sendall(b"E" + (len(TOO_MANY) + 4).to_bytes(4, "big") + TOO_MANY)


@contextmanager
def door() -> Iterator[Door]:
    """A door to the tests' database."""
    facts = connection.settings_dict
    made = Door(str(facts["HOST"]), int(facts["PORT"]))
    try:
        yield made
    finally:
        made.close()
