"""Folders of this machine in which lanes keep what must outlive their process."""

import logging
import os
import tempfile
import time
from contextlib import suppress
from pathlib import Path

from llmconfig.runtime import database_clock

logger = logging.getLogger(__name__)


def own_folder(name: str, *, configured: str = "") -> Path | None:
    """The configured folder, or this user's of that name in the temporary one; makes it.

    None, with a warning, where it can't be made or others may write into it.
    """
    folder = Path(configured or Path(tempfile.gettempdir()) / f"{name}-{os.getuid()}")
    try:
        folder.mkdir(mode=0o700, parents=bool(configured), exist_ok=True)
        found = folder.lstat()
        ours = folder.is_dir() and not folder.is_symlink() and found.st_uid == os.getuid()
        if ours and configured and found.st_mode & 0o022:  # a mount may open what lies in it
            folder.chmod(0o700)
            found = folder.lstat()
    except OSError as error:
        logger.warning("%s can't be used: %s.", folder, error.strerror)
        return None
    if not ours or found.st_mode & 0o022:
        logger.warning("%s is not this user's own folder; nothing is kept there.", folder)
        return None
    return folder


def sweep(folder: Path, *, older_s: float, ending: str = "") -> None:
    """Remove files with this ending that nobody has written to for so many seconds.

    By the clock that is behind, this machine's or the database's.
    """
    before = min(time.time(), database_clock.now().timestamp()) - older_s
    for each in folder.iterdir():
        with suppress(OSError):
            if each.name.endswith(ending) and each.stat().st_mtime < before:
                each.unlink(missing_ok=True)
