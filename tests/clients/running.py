"""One client's script as a process: each step is told when it is done, with why it failed."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from shutil import which
from threading import Thread
from typing import IO

from tests.clients import environments
from tests.clients.listing import MatrixClient

MAX_SECONDS = 300
STEP = "@@"  # what a line of a script begins with that tells of a step


@dataclass(slots=True)
class ClientResult:
    """What became of each step: blank where it worked, else why it didn't."""

    client: MatrixClient
    steps: dict[str, str] = field(default_factory=dict)
    broken: str = ""  # why the script didn't come to its end

    @property
    def unexplained(self) -> dict[str, str]:
        """The failures that no note is for."""
        known = self.client.known
        found = {step: why for step, why in self.steps.items() if why and step not in known}
        return found | ({"all": self.broken} if self.broken and "all" not in known else {})


def run(
    client: MatrixClient, surroundings: Mapping[str, str], max_seconds: float = MAX_SECONDS
) -> ClientResult:
    """Install the client where it isn't yet, run its script, and tell its steps on stderr.

    What the script started ends with it, at the latest after `max_seconds`.
    """
    result = ClientResult(client)
    if client.is_node and not which("node"):
        result.broken = "there is no node here"
    else:
        began = time.monotonic()
        try:
            command = environments.command(client)
        except subprocess.CalledProcessError as error:
            result.broken = f"can't be installed: {(error.stderr or str(error))[-300:]}"
        else:
            took = time.monotonic() - began
            if took > 2:
                _tell(client, f"installed in {took:.0f} s")
            _listen(command, result, surroundings, max_seconds)
    if result.broken:
        _tell(client, f"✗ {result.broken}")
    return result


def _listen(
    command: list[str], result: ClientResult, surroundings: Mapping[str, str], max_seconds: float
) -> None:
    client = result.client
    home = environments.home(client)
    with (
        tempfile.TemporaryFile("w+", errors="replace") as said,
        subprocess.Popen(
            command,
            env={**surroundings, "HOME": str(home), **client.environment},
            cwd=home,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=said,
            text=True,
            errors="replace",
            start_new_session=True,
        ) as process,
    ):
        reader = Thread(target=_hear, args=(process.stdout, result))
        reader.start()
        try:
            process.wait(max_seconds)
        except subprocess.TimeoutExpired:
            result.broken = f"stopped after {max_seconds:g} s"
        finally:
            _end(process)
            reader.join()
        if result.broken:
            return
        if not result.steps or process.returncode:
            result.broken = _last_words(said) or f"ended with {process.returncode}"


def _hear(said: Iterable[str], result: ClientResult) -> None:
    for line in said:
        if not line.startswith(STEP):
            continue
        told = json.loads(line.removeprefix(STEP))
        step, why = told["step"], "" if told["ok"] else told["why"]
        result.steps[step] = why
        known = result.client.known.get(step)
        mark = "✓" if not why else f"✗ {why}" + (f" (known: {known})" if known else "")
        _tell(result.client, f"{step} {mark}")


def _end(process: subprocess.Popen[str]) -> None:
    """End what the process started too, which would hold its output open."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)


def _last_words(said: IO[str]) -> str:
    said.seek(0)
    return " ".join(said.read().split())[-300:]


def _tell(client: MatrixClient, what: str) -> None:
    sys.stderr.write(f"{client.shown}: {what}\n")
    sys.stderr.flush()
