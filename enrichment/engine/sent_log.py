"""Notes of which rows of a leased chunk were really sent, kept by this machine.

The database is told beforehand, some rows ahead (announcements), so nothing is sent that it doesn't
know of. When a worker is killed, the last rows it announced may not have left yet, or may have
waited for a provider's limits. Which ones had left is noted in a file, which a killed process
leaves behind: who takes over on the same machine counts exactly. Elsewhere all announced rows count
as sent, which may be a few too many, never too few.
"""

import logging
import mmap
import os
from collections.abc import Iterable
from pathlib import Path
from uuid import UUID

from enrichment.engine import machine_files

logger = logging.getLogger(__name__)

STALE_SECONDS = 24 * 3600
SENT = ord("1")


class SentLog:
    """One lane's notes. A machine that can't keep them goes without."""

    def __init__(self) -> None:
        self._folder = _folder()
        self._open: dict[int, mmap.mmap] = {}  # by the lease's number, which is hashed sooner
        if self._folder is not None:
            machine_files.sweep(self._folder, older_s=STALE_SECONDS)

    def begin(self, token: UUID, rows: int) -> None:
        """Note from now on what is sent of the chunk with this lease and so many rows."""
        if self._folder is None:
            return
        try:
            self._open[token.int] = _mapped(self._folder / token.hex, max(1, rows))
        except OSError as error:
            self._give_up(error)

    def sent(self, token: UUID, position: int) -> None:
        """A request leaves for the row at this position of the chunk."""
        notes = self._open.get(token.int)
        if notes is not None and position < len(notes):
            notes[position] = SENT

    def _give_up(self, error: OSError) -> None:
        """Without a file, what was announced counts."""
        logger.warning("No notes of sent rows can be kept: %s.", error.strerror)
        self.drop([UUID(int=lease) for lease in self._open])
        self._folder = None

    def drop(self, tokens: Iterable[UUID]) -> None:
        """These chunks are settled: nobody will ask."""
        for token in tokens:
            notes = self._open.pop(token.int, None)
            if notes is not None:
                notes.close()
                _remove(token)

    def close(self) -> None:
        """Keep what is noted of chunks that aren't settled, for the one who takes them over."""
        for notes in self._open.values():
            notes.close()
        self._open.clear()


def _mapped(path: Path, size: int) -> mmap.mmap:
    """A file of this size in memory, which the system keeps when the process is killed."""
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    try:
        os.posix_fallocate(file, 0, size)  # a full disk refuses now, not when a page is written
        return mmap.mmap(file, size)
    finally:
        os.close(file)


def noted(token: UUID) -> frozenset[int] | None:
    """The positions of rows sent under a lease; None when this machine doesn't know."""
    folder = _folder()
    if folder is None:
        return None
    try:
        kept = (folder / token.hex).read_bytes()
    except OSError:
        return None
    return frozenset(position for position, byte in enumerate(kept) if byte == SENT)


def _remove(token: UUID) -> None:
    folder = _folder()
    if folder is not None:
        (folder / token.hex).unlink(missing_ok=True)


def _folder() -> Path | None:
    return machine_files.own_folder("nodewise-sent")
