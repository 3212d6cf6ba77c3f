"""Memory that large requests have used goes back to the system soon after they have ended.

By itself the C library keeps it: blocks of up to twice the largest one that it has seen, and all
smaller ones below any that is still in use.
"""

import ctypes
import gc
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

# What glibc's mallopt(3) calls the size from which a block is the system's own, and goes back.
M_MMAP_THRESHOLD = -3
LARGE_BYTES = 4 * 1024 * 1024
LOOK_EVERY_SECONDS = 4.0
GROWN_BYTES = 16 * 1024 * 1024  # since the last time: less isn't worth some milliseconds
STATM = Path("/proc/self/statm")


def keep_small() -> None:
    """Begin to look after this process; nothing where the C library has no such choice."""
    library = ctypes.CDLL(None)
    if not (hasattr(library, "mallopt") and hasattr(library, "malloc_trim") and STATM.exists()):
        return
    library.mallopt(M_MMAP_THRESHOLD, LARGE_BYTES)
    threading.Thread(
        target=_give_back, args=(library.malloc_trim,), name="memory", daemon=True
    ).start()


def _give_back(trim: Callable[[int], int]) -> None:
    """For ever: whenever the process has grown, give back what it doesn't use."""
    smallest = _taken()
    while True:
        time.sleep(LOOK_EVERY_SECONDS)
        if _taken() - smallest > GROWN_BYTES:
            gc.collect()
            trim(0)
            smallest = _taken()
        smallest = min(smallest, _taken())


def _taken() -> int:
    """Bytes of memory that the process has now."""
    return int(STATM.read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")
