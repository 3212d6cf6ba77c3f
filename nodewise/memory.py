"""Memory that large requests have used goes back to the system soon after they have ended.

By itself the C library keeps it: blocks of up to twice the largest one that it has seen, and all
smaller ones below any that is still in use.
"""

import atexit
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
GROWN_BYTES = 16 * 1024 * 1024  # less isn't worth some milliseconds
# After it has grown, what took the memory ends within so many looks, or is looked for more rarely.
LOOKS_AFTER_GROWTH = 8
SELDOM = 15
STATM = Path("/proc/self/statm")
# Requests leave no cycles behind; at the usual 700 young objects each would be looked through, and
# at a start all that has been imported, again and again, for a tenth of its time.
YOUNG_OBJECTS = 20_000
# More than a start makes, of which all but a hundredth stays.
YOUNG_AT_START = 400_000


def collect_seldom() -> None:
    """Look for garbage after so many new objects only; for the first line of a process."""
    gc.set_threshold(YOUNG_OBJECTS, *gc.get_threshold()[1:])


def start_undisturbed() -> None:
    """Look for no garbage while a server or worker loads; its first line, and `settle` its last."""
    gc.set_threshold(YOUNG_AT_START, *gc.get_threshold()[1:])


def settle() -> None:
    """What was loaded by now stays as long as the process: it isn't looked through any more."""
    gc.freeze()
    collect_seldom()


def collect_never() -> None:
    """Look for no garbage at all; for a command that only looks and ends, such as a check."""
    gc.disable()


def end_at_once() -> None:
    """Let the process end without a look through all that it loaded, which the system takes back.

    Python looks for cycles three times as it ends; after a start that is a fifth of the command.
    """
    atexit.register(gc.freeze)  # the first to be registered is called last


def keep_small() -> None:
    """Begin to look after this process; nothing where the C library has no such choice."""
    import ctypes  # noqa: PLC0415 - commands don't need it

    library = ctypes.CDLL(None)
    if not (hasattr(library, "mallopt") and hasattr(library, "malloc_trim") and STATM.exists()):
        return
    library.mallopt(M_MMAP_THRESHOLD, LARGE_BYTES)
    threading.Thread(
        target=_give_back, args=(library.malloc_trim,), name="memory", daemon=True
    ).start()


def _give_back(trim: Callable[[int], int]) -> None:
    """For ever: while the process has more than at its start, give back what it doesn't use."""
    at_start = last = _taken()
    quiet = 0  # looks since it has grown
    while True:
        time.sleep(LOOK_EVERY_SECONDS)
        taken = _taken()
        quiet = 0 if taken - last > GROWN_BYTES else quiet + 1
        if taken - at_start > GROWN_BYTES and (quiet < LOOKS_AFTER_GROWTH or not quiet % SELDOM):
            gc.collect()
            trim(0)
        last = _taken()


def _taken() -> int:
    """Bytes of memory that the process has now."""
    return int(STATM.read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")
