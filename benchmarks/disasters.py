"""What a storm does to a running product: its servers, its processes, and how each one is hurt."""

import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.client import HTTPException
from pathlib import Path
from urllib.request import Request, urlopen

from project.embedded.children import ChildServer, start
from project.embedded.ports import LOOPBACK, free_port
from project.embedded.postgres import start_postgres
from project.embedded.state import DEFAULT_STATE, RunState
from project.embedded.valkey import start_valkey
from project.embedded.variables import settings_variables

ASLEEP_SECONDS = 13.0  # a lease lasts 10
ANSWER_SECONDS = 5.0
LOOK_EVERY_SECONDS = 0.2

Process = subprocess.Popen[bytes]


@dataclass(slots=True)
class Servers:
    """PostgreSQL and Valkey, their data, and the variables that name them."""

    state: RunState
    postgres: ChildServer
    valkey: ChildServer
    variables: dict[str, str]

    def restart_postgres(self) -> None:
        """Immediate shutdown, without a checkpoint; then it recovers from its log."""
        self.postgres.process.send_signal(signal.SIGQUIT)
        self.postgres.process.wait()
        self.postgres, _ = start_postgres(self.state, at=self.variables["DATABASE_URL"])

    def restart_valkey(self, *, after: float = 0.0) -> None:
        """It keeps nothing: queued tasks, limits and cached answers are gone. `after` seconds."""
        self.valkey.process.kill()
        self.valkey.process.wait()
        time.sleep(after)
        self.valkey, _ = start_valkey(self.state, at=self.variables["REDIS_URL"])


@contextmanager
def servers() -> Iterator[Servers]:
    """Both on free ports. What PostgreSQL has committed outlives its crash, not this block."""
    directory = Path(tempfile.mkdtemp(prefix="nodewise-storm-"))
    state = RunState(directory, DEFAULT_STATE / "models", durable=True)
    variables = settings_variables(os.environ, None)
    running: Servers | None = None
    try:
        postgres, variables["DATABASE_URL"] = start_postgres(state)
        try:
            valkey, variables["REDIS_URL"] = start_valkey(state)
            running = Servers(state, postgres, valkey, variables)
            yield running
            running.valkey.stop()
        finally:
            (running.postgres if running else postgres).stop()
    finally:
        shutil.rmtree(directory, ignore_errors=True)


@dataclass(slots=True)
class Launcher:
    """Starts the product's processes, each in a group of its own; they end when we do."""

    log: Path
    file_bytes: int = 0  # no file of theirs may grow beyond; 0: any

    def launch(self, *command: str) -> Process:
        """A module of Python's."""
        return self.run("-m", *command)

    def run(self, *arguments: str) -> Process:
        """Python with these arguments."""
        with self.log.open("ab") as log:
            return start(
                [sys.executable, "-W", "ignore", *arguments],
                env=os.environ,
                at_parents_death=signal.SIGKILL,
                output=log,
                become=self._bounded if self.file_bytes else None,
            )

    def _bounded(self) -> None:
        hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
        resource.setrlimit(resource.RLIMIT_FSIZE, (self.file_bytes, hard))

    def celery(self, *command: str) -> Process:
        return self.launch("celery", "--quiet", "-A", "project", *command, "--loglevel", "INFO")


def kill(process: Process) -> None:
    """Its whole group at once, as when a machine loses its power."""
    _signal(process, signal.SIGKILL)
    process.wait()


def _signal(process: Process, signum: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signum)


@dataclass(slots=True)
class Workers:
    """Celery workers: as many as there are to be, whatever happens to one of them."""

    launcher: Launcher
    lanes: int
    running: list[Process] = field(default_factory=list)
    ending: list[Process] = field(default_factory=list)
    asleep: list[tuple[Process, float]] = field(default_factory=list)  # and when it wakes
    kills: int = 0
    stops: int = 0

    def add(self) -> None:
        alone = ("--without-gossip", "--without-mingle")
        self.running.append(
            self.launcher.celery("worker", "--concurrency", str(self.lanes), *alone)
        )

    def kill_one(self) -> None:
        """The oldest; another one takes its place."""
        kill(self.running.pop(0))
        self.kills += 1
        self.add()

    def stop_one(self) -> None:
        """As when a machine hangs; another one takes its place before it wakes."""
        process = self.running.pop(0)
        _signal(process, signal.SIGSTOP)
        self.stops += 1
        self.asleep.append((process, time.monotonic() + ASLEEP_SECONDS))
        self.add()

    def wake_due(self) -> int:
        """Wake those that slept past their lease, and let them end; returns how many."""
        due = [each for each in self.asleep if each[1] <= time.monotonic()]
        for process, _ in due:
            _signal(process, signal.SIGCONT)
            process.terminate()  # the parent alone: it lets its lanes end
        self.asleep = [each for each in self.asleep if each not in due]
        self.ending += [process for process, _ in due]
        return len(due)

    def alive(self) -> bool:
        """Whether all that were not killed are there."""
        return all(process.poll() is None for process in self.running)

    def end(self) -> None:
        for process in (*self.running, *self.ending, *(process for process, _ in self.asleep)):
            kill(process)


class Web:
    """The web process, as somebody sees it who looks at a batch all the time."""

    def __init__(self, launcher: Launcher, path: str, token: str) -> None:
        port = str(free_port())
        self.process = launcher.launch("uvicorn", "project.asgi:application", "--port", port)
        self.answers = 0
        self.refusals = 0
        self.longest_silence = 0.0
        self.said = ""  # the batch's status, as it was last told
        self._request = Request(
            f"http://{LOOPBACK}:{port}{path}", headers={"Authorization": f"Token {token}"}
        )
        self._over = threading.Event()
        self._looker = threading.Thread(target=self._look_on, daemon=True)
        self._looker.start()

    def end(self) -> None:
        """Look no more, and end it."""
        self._over.set()
        self._looker.join()
        kill(self.process)

    def _look_on(self) -> None:
        answered_at = 0.0
        while not self._over.wait(LOOK_EVERY_SECONDS):
            try:
                with urlopen(self._request, timeout=ANSWER_SECONDS) as reply:  # noqa: S310
                    self.said = json.load(reply)["status"]
            except (OSError, HTTPException):
                self.refusals += bool(answered_at)  # before the first one it only starts
                continue
            now = time.monotonic()
            if answered_at:
                self.longest_silence = max(self.longest_silence, now - answered_at)
            self.answers, answered_at = self.answers + 1, now
