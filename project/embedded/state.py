"""The state directory: what survives between two runs, and who may use it now."""

import fcntl
import os
import secrets
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from project.embedded.errors import NotStarted

ROOT = Path(__file__).resolve().parents[2]
DEFAULT_STATE = ROOT / ".nodewise"
# What a killed run's family may take to end before the next run gets the directory.
TAKEOVER_SECONDS = 20.0
# A fresh PostgreSQL cluster, its first WAL segments and the logs.
NEEDED_BYTES = 200 * 1024**2


@dataclass(frozen=True, slots=True)
class RunState:
    """Where one run keeps its data. `durable` is false for a run that forgets all."""

    directory: Path
    models: Path
    durable: bool

    def log(self, name: str) -> Path:
        """The path of a part's log, in a directory that exists."""
        logs = self.directory / "logs"
        logs.mkdir(exist_ok=True)
        return logs / f"{name}.log"


def new_secret() -> str:
    """A random password of 192 bits that needs no quoting in a URL."""
    return secrets.token_hex(24)


def write_private(path: Path, text: str) -> None:
    """Write `text` to a file that only its owner can read."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)


@contextmanager
def temporary_state() -> Iterator[RunState]:
    """A state directory that is removed at the end; models are kept with the default state."""
    try:
        directory = Path(tempfile.mkdtemp(prefix="nodewise-"))
    except OSError as error:
        raise NotStarted(f"No temporary directory can be made: {error.strerror}.") from error
    try:
        yield RunState(directory, DEFAULT_STATE / "models", durable=False)
    finally:
        shutil.rmtree(directory, ignore_errors=True)


@contextmanager
def kept_state(directory: Path) -> Iterator[RunState]:
    """A state directory that survives, held by this run alone.

    Raises NotStarted if it can't be written, has no room, or another run holds it.
    """
    directory = directory.resolve()
    _prepare(directory)
    with (directory / "lock").open("a+") as lock:
        _hold(lock.fileno(), directory)
        yield RunState(directory, directory / "models", durable=True)


def _prepare(directory: Path) -> None:
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        # As root access(2) says yes to all, so really open the file that will be locked.
        (directory / "lock").open("a").close()
    except OSError as error:
        raise NotStarted(
            f"The state directory {directory} can't be written ({error.strerror}):"
            " give another one with --state DIR."
        ) from error
    require_room(directory, NEEDED_BYTES)


def require_room(directory: Path, needed: int) -> None:
    """Raise NotStarted unless `needed` bytes are free where `directory` is."""
    free = shutil.disk_usage(directory).free
    if free < needed:
        raise NotStarted(
            f"{directory} has {free // 1024**2} MB free and needs {needed // 1024**2} MB:"
            " make room, or give another directory with --state DIR."
        )


def _hold(lock: int, directory: Path) -> None:
    deadline = time.monotonic() + TAKEOVER_SECONDS
    while not _locked(lock):
        holder = os.pread(lock, 32, 0).decode().strip()
        alive = bool(holder) and Path(f"/proc/{holder}").exists()
        if alive or time.monotonic() > deadline:
            raise NotStarted(
                f"Another run (process {holder}) uses {directory}: end it, or give this run"
                " its own directory with --state DIR or --ephemeral."
            )
        time.sleep(0.05)
    os.ftruncate(lock, 0)
    os.pwrite(lock, str(os.getpid()).encode(), 0)


def _locked(lock: int) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
