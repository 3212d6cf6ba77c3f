"""The web server and the workers of the demo, as real processes that end with it."""

import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from django.core.management.base import CommandError
from httpx2 import Client, HTTPError

from project.embedded.children import last_line, start
from project.embedded.ports import LOOPBACK, free_port
from project.embedded.state import ROOT

WEB_PORT = 8000
READY_WITHIN_SECONDS = 60.0
ENDED_WITHIN_SECONDS = 10.0
WORKER = "celery -A project worker --loglevel WARNING --without-gossip --without-mingle"


@contextmanager
def running(environment: Mapping[str, str], logs: Path) -> Iterator[str]:
    """Start them, wait until the web server answers, give its address; end them."""
    logs.mkdir(parents=True, exist_ok=True)
    port = _web_port()
    web = "uvicorn project.asgi:application --http nodewise.uvicorn_http:Connection"
    commands = {
        "web": f"{web} --host {LOOPBACK} --port {port} --no-access-log --log-level warning".split(),
        "worker": f"{WORKER} --concurrency 2".split(),
        "timers": f"{WORKER} --concurrency 1 --queues timers --hostname timers@%h".split(),
        "beat": [
            *"celery -A project beat --loglevel WARNING --pidfile= --schedule".split(),
            str(logs / "beat-schedule"),
        ],
    }
    children: dict[str, subprocess.Popen[bytes]] = {}
    try:
        for name, command in commands.items():
            with (logs / f"{name}.log").open("wb") as log:
                children[name] = start(
                    [sys.executable, "-m", *command],
                    env=environment,
                    at_parents_death=signal.SIGKILL,
                    cwd=ROOT,
                    output=log,
                )
        address = f"http://{LOOPBACK}:{port}"
        _await_web(address, children, logs)
        yield address
    finally:
        _end(list(children.values()))


def _web_port() -> int:
    """8000 where it is free, so that the address is the usual one."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, WEB_PORT))
        except OSError:
            return free_port()
    return WEB_PORT


def _await_web(address: str, children: Mapping[str, "subprocess.Popen[bytes]"], logs: Path) -> None:
    until = time.monotonic() + READY_WITHIN_SECONDS
    with Client(timeout=2, trust_env=False) as client:
        while time.monotonic() < until:
            for name, child in children.items():
                if child.poll() is not None:
                    raise CommandError(f"{name} ended: {last_line(logs / f'{name}.log')}")
            try:
                if client.get(f"{address}/admin/login/").status_code == 200:
                    return
            except HTTPError:
                pass  # not listening yet
            time.sleep(0.1)
    raise CommandError(f"The web server doesn't answer: {last_line(logs / 'web.log')}")


def _end(children: list["subprocess.Popen[bytes]"]) -> None:
    for child in children:
        child.terminate()
    until = time.monotonic() + ENDED_WITHIN_SECONDS
    for child in children:
        try:
            child.wait(max(0.1, until - time.monotonic()))
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
