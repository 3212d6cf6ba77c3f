"""Call records on disk while the database is away: one file a process, written back by any.

A file belongs to the process that holds its lock, so that what a killed one left is found by the
next. Folder and files are for their owner alone: they hold what the history would hold.
"""

import fcntl
import logging
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from uuid import UUID, uuid4

from msgspec import Struct

from llmconfig import project_settings
from llmconfig.client.recording import recorders
from llmconfig.client.recording.disk_format import line_of, read_line, taken_up, to_keep
from llmconfig.client.recording.recorders import Batch, Texts
from llmconfig.client.types import CallRecord

logger = logging.getLogger(__name__)

OPEN = ".jsonl"
# What the database refused on its own: tried again when a process starts.
REFUSED = ".refused"
MAX_BATCH_BYTES = 16 * 1024 * 1024
MAX_BATCH_LINES = 1_000
UNREADABLE = "unreadable.lines"  # such as those of another release
WRITING = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
NO_TEXTS = Texts("", "")


class _Kept(Struct, frozen=True):
    """One line."""

    record: CallRecord
    texts: Texts


class Journal:
    """This process's file, and those that others left in the same folder."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._file: int | None = None
        self._path = Path()
        self._written_back = 0  # bytes of the own file

    def append(self, batch: Batch) -> None:
        """Have records on the disk when this returns; raises OSError, and then none of them is."""
        keep_texts = recorders.keep_texts()
        told = b"".join(
            line_of(_Kept(to_keep(record), texts if keep_texts else NO_TEXTS))
            for record, texts in batch
        )
        with self._lock:
            if self._file is None:
                self._path = _folder() / f"{uuid4().hex}{OPEN}"
                self._file, self._written_back = _created(self._path), 0
            _append(self._file, told)

    def set_aside(self, batch: Batch) -> None:
        """Keep records that the database refuses by themselves; raises OSError."""
        told = b"".join(line_of(_Kept(to_keep(record), texts)) for record, texts in batch)
        file = _created(_folder() / f"{uuid4().hex}{REFUSED}")
        try:
            _append(file, told)
        finally:
            os.close(file)

    def write_back(self, write: Callable[[Batch], None]) -> None:
        """Hand the own file's records to `write`, in batches; what it raises leaves the rest.

        For one thread at a time; others may append meanwhile.
        """
        file = self._file
        while file is not None:
            for batch, ends_at in _batches(file, self._written_back):
                write(batch)
                self._written_back = ends_at
            with self._lock:
                if os.fstat(file).st_size == self._written_back:
                    self._path.unlink(missing_ok=True)
                    os.close(file)
                    file = self._file = None

    def write_back_left(self, write: Callable[[Batch], None], *, refused: bool = False) -> None:
        """The same for the files of processes that are gone; `refused` ones too."""
        for path in _left(refused=refused):
            with suppress(FileNotFoundError):
                _write_back_one(path, write)


def _write_back_one(path: Path, write: Callable[[Batch], None]) -> None:
    file = os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
    try:
        if not _is_mine(file, path):
            return
        for batch, _ in _batches(file, 0):
            write(batch)
        path.unlink(missing_ok=True)
    finally:
        os.close(file)


def _is_mine(file: int, path: Path) -> bool:
    """Whether the file's lock could be had, and it is still the one at its path."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return path.exists() and os.fstat(file).st_ino == path.stat().st_ino


def _left(*, refused: bool) -> list[Path]:
    folder = project_settings.journal_dir()
    if not folder.is_dir():
        return []
    kinds = {OPEN, REFUSED} if refused else {OPEN}
    return sorted(each for each in folder.iterdir() if each.suffix in kinds)


def _folder() -> Path:
    """The folder, closed to others."""
    folder = project_settings.journal_dir()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if folder.stat().st_mode & 0o077:
        folder.chmod(0o700)
    return folder


def _created(path: Path) -> int:
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC
    file = os.open(path, flags, 0o600)
    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    return file


def _append(file: int, told: bytes) -> None:
    """Write all of it or nothing; a full disk may take a part."""
    before = os.fstat(file).st_size
    try:
        left = memoryview(told)
        while left:
            left = left[os.write(file, left) :]
        os.fsync(file)
    except OSError:
        with suppress(OSError):
            os.ftruncate(file, before)
        raise


def _batches(file: int, starts_at: int) -> Iterator[tuple[Batch, int]]:
    """The records from an offset on, in batches, each with the offset at its end."""
    batch: dict[UUID, tuple[CallRecord, Texts]] = {}  # what was in hand may stand there twice
    size, at = 0, starts_at
    with os.fdopen(os.dup(file), "rb") as source:
        source.seek(starts_at)
        for line in source:
            if not line.endswith(b"\n"):
                break  # it is being written, or its process was killed as it wrote it
            at += len(line)
            size += len(line)
            found = _read(line)
            if found is not None:
                batch[found[0].id] = found
            if len(batch) >= MAX_BATCH_LINES or size >= MAX_BATCH_BYTES:
                yield list(batch.values()), at
                batch, size = {}, 0
    if size:
        yield list(batch.values()), at


def _read(line: bytes) -> tuple[CallRecord, Texts] | None:
    """The line's record; None if it can't be read here, and then the line is kept elsewhere."""
    try:
        kept = read_line(_Kept, line)
    except ValueError as error:
        logger.warning("A call record on disk can't be read, see %s: %s", UNREADABLE, error)
        with os.fdopen(os.open(_folder() / UNREADABLE, WRITING, 0o600), "ab") as file:
            file.write(line)
        return None
    return taken_up(kept.record), kept.texts
