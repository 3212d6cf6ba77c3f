"""The endpoint as its users meet it: a uvicorn process of its own on the tests' database."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Thread
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import httpx2
from django.db import connection

from llmconfig.configuration.revisions import change
from llmconfig.gateway.keys import Scope, make_key
from tests.clearing import clear_again

RUNNING = re.compile(r"running on (http://127\.0\.0\.1:\d+)")


@dataclass(frozen=True)
class Server:
    """A running endpoint."""

    url: str
    process: subprocess.Popen[str]

    def client(self, key: str, **options: Any) -> httpx2.Client:
        """A plain client that sends this key, none if it is blank."""
        headers = options.pop("headers", {})
        if key:
            headers = {"authorization": f"Bearer {key}", **headers}
        return httpx2.Client(
            base_url=self.url, headers=headers, trust_env=False, timeout=60, **options
        )

    def until_known(self, key: str, *names: str) -> str:
        """Wait until the server knows a new key and the configuration that came with it.

        The wait asks as another machine: its failures count for no test's own address.
        """
        ends = time.monotonic() + 60
        with self.client(key, headers={"x-forwarded-for": f"waits-{uuid4()}"}) as client:
            while True:
                reply = client.get("/v1/models")
                listed = {each["id"] for each in reply.json().get("data", ())}
                if reply.status_code == 200 and listed.issuperset(names):
                    return key
                assert time.monotonic() < ends, reply.text
                time.sleep(0.05)


@contextmanager
def running_server(**more: str) -> Iterator[Server]:
    """A server; `more` goes into its environment."""
    facts = connection.settings_dict
    password = quote(str(facts["PASSWORD"]), safe="")
    where = f"{facts['HOST']}:{facts['PORT']}/{facts['NAME']}"
    environment = os.environ | {
        "DATABASE_URL": f"postgres://{facts['USER']}:{password}@{where}",
        "LLM_EGRESS_ALLOW": "127.0.0.1",
        "LLM_RETRY_BASE_DELAY": "0.01",
        "LLM_COOLDOWN_FAILURES": "0",  # the server lives through many tests' failing providers
        "LLM_RETRY_MAX_DELAY": "0.5",
        "LLM_COOLDOWN_SECONDS": "0.1",
        **more,
    }
    command = [sys.executable, "-m", "uvicorn", "project.asgi:application", "--port", "0"]
    command += ["--http", "nodewise.uvicorn_http:Connection", "--no-access-log"]
    process = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)
    try:
        yield Server(_address(process), process)
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        process.wait(60)


@contextmanager
def shared_server(**more: str) -> Iterator[Server]:
    """The same for all tests of a module: it leaves no rows to the next one.

    What it writes at its end comes after the last test's rows have been cleared.
    """
    with running_server(**more) as server:
        yield server
    clear_again()


def _address(process: subprocess.Popen[str]) -> str:
    assert process.stderr is not None
    said = []
    for line in process.stderr:
        said.append(line)
        found = RUNNING.search(line)
        if found:
            # Else the pipe would fill and the server stand still.
            Thread(target=process.stderr.read, daemon=True).start()
            return found[1]
    raise AssertionError("".join(said))


def new_key(name: str = "test", *, names: tuple[str, ...] = (), **fields: Any) -> str:
    with change(source="shell"):
        _, key = make_key(name, scope=Scope(everything=not names, names=names), **fields)
    return key.reveal()
