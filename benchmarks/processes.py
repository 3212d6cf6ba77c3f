"""What processes of this machine have taken so far, from /proc, and which cores they may use."""

import os
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psycopg

TICKS = os.sysconf("SC_CLK_TCK")
CORES = sorted(os.sched_getaffinity(0))
# A core for the measured server alone, so that what the others take isn't taken from it.
SERVER_CORES = frozenset(CORES[:1])
OTHER_CORES = frozenset(CORES[1:] or CORES)


def family(pid: int) -> Iterator[int]:
    """It, its children, and theirs."""
    yield pid
    for children in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in children.read_text(encoding="utf-8").split():
            yield from family(int(child))


def memory_mb(pid: int) -> float:
    """What it and its children hold in memory now."""
    return sum(_resident_mb(each) for each in family(pid))


def cpu_seconds(pids: Iterable[int]) -> float:
    """User and system time so far, all threads of those that still run."""
    total = 0
    for pid in pids:
        with suppress(FileNotFoundError, ProcessLookupError):
            user, system = _stat(pid)[11:13]
            total += int(user) + int(system)
    return total / TICKS


@contextmanager
def on(cores: Iterable[int]) -> Iterator[None]:
    """Processes that the block starts stay on these cores, as they inherit this thread's."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def database_server(url: str) -> int | None:
    """The process of the PostgreSQL that listens there; None if it isn't on this machine."""
    with psycopg.connect(url) as connection:
        backend = connection.info.backend_pid
        with suppress(OSError):
            parent = int(_stat(backend)[1])
            if _name(parent) == _name(backend) == "postgres":
                return parent
    return None


def _stat(pid: int) -> list[str]:
    """The fields of /proc/<pid>/stat from the third on: state, parent and so forth."""
    facts = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    return facts.rpartition(")")[2].split()


def _name(pid: int) -> str:
    return Path(f"/proc/{pid}/comm").read_text(encoding="utf-8").strip()


def _resident_mb(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    found = re.search(r"VmRSS:\s+(\d+) kB", status)
    return int(found[1]) / 1024 if found else 0.0
