"""`python -m benchmarks.cold_start PATH`: starting this checkout's processes beside another's.

Started in turn, each checkout with a database and a broker of its own: `manage.py check`, a web
server until it has answered `/healthz`, another until it has answered its login page, and a Celery
worker of two children until it takes messages. CPU is of the process and its children, user and
system; the first round, which compiles what Python hasn't compiled yet, isn't counted. Then what
the packages of others take alone, as shares of the other checkout's whole (`start_floors`). Uses
this checkout's environment for both.
"""

import argparse
import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from statistics import median
from tempfile import TemporaryFile
from typing import IO

ROOT = Path(__file__).resolve().parents[1]
sys.path.append(str(ROOT))  # in the other checkout, too, this file is run
from benchmarks import start_floors  # noqa: E402

START_SECONDS = 120
LOOK_SECONDS = 0.02
MAX_SAID = 1_000_000  # bytes
TICKS = os.sysconf("SC_CLK_TCK")
WORKER = "worker --concurrency=2 --without-gossip --without-mingle --loglevel=INFO"


def main() -> None:
    """Measure both in turn and print the table."""
    # Who keeps no bytecode would have every start measure the compiler.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    parser = argparse.ArgumentParser(prog="python -m benchmarks.cold_start", description=__doc__)
    parser.add_argument("path", type=Path, help="the other checkout, such as a git worktree")
    parser.add_argument("--rounds", type=int, default=7)
    given = parser.parse_args()
    checkouts = (given.path.resolve(), ROOT)
    found: dict[Path, list[dict[str, float]]] = {each: [] for each in checkouts}
    with _inside(checkouts[0]) as theirs, _inside(checkouts[1]) as ours:
        for turn in range(given.rounds + 1):
            for checkout, process in zip(checkouts, (theirs, ours), strict=True):
                measured = _next_round(process, floors=checkout == ROOT)
                if turn:
                    found[checkout].append(measured)
    print(f"| CPU until | {checkouts[0].name} | {ROOT.name} | of it |")
    print("| --- | ---: | ---: | ---: |")
    for what in WAYS:
        before, after = (median(each[what] for each in found[of]) for of in checkouts)
        print(f"| {what} | {before:.2f} s | {after:.2f} s | {after / before:.2f} |")
    print(f"\n| packages of others alone | CPU | of {checkouts[0].name}'s whole |")
    print("| --- | ---: | ---: |")
    for what in FLOORS:
        alone = median(each[f"floor of {what}"] for each in found[ROOT])
        whole = median(each[what] for each in found[checkouts[0]])
        print(f"| {what} | {alone:.2f} s | {alone / whole:.2f} |")


@contextmanager
def _inside(checkout: Path) -> Iterator["subprocess.Popen[str]"]:
    command = [sys.executable, "-m", "project.embedded", "--ephemeral", "--llm", "none", "--"]
    process = subprocess.Popen(
        [*command, sys.executable, __file__, "inside"],
        cwd=checkout, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        yield process
    finally:
        process.communicate()


def _next_round(process: "subprocess.Popen[str]", *, floors: bool) -> dict[str, float]:
    assert process.stdin is not None  # noqa: S101 - they are pipes
    assert process.stdout is not None  # noqa: S101
    print("floors too" if floors else "go", file=process.stdin, flush=True)
    line = process.stdout.readline()
    if not line:
        sys.exit("A checkout's processes didn't start; see above.")
    measured: dict[str, float] = json.loads(line)
    return measured


def inside() -> None:
    """In a checkout: make its tables, then a round for each line that comes."""
    subprocess.run(
        [sys.executable, "manage.py", "migrate", "--verbosity=0"], check=True, stdout=sys.stderr
    )
    for line in sys.stdin:
        measured = {what: way() for what, way in WAYS.items()}
        if "floors" in line:
            measured |= {f"floor of {what}": way() for what, way in FLOORS.items()}
        print(json.dumps(measured), flush=True)


def check() -> float:
    """CPU seconds of `manage.py check`."""
    process = subprocess.Popen([sys.executable, "manage.py", "check"], stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    if status:
        sys.exit("manage.py check failed")
    return used.ru_utime + used.ru_stime


def web(path: str = "/healthz") -> float:
    """CPU seconds of a web server until it has answered a path."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    arguments = ["uvicorn", "project.asgi:application", "--port", str(port), "--no-access-log"]
    address = f"http://127.0.0.1:{port}{path}"

    def answers(_: str) -> bool:
        try:
            with urllib.request.urlopen(address, timeout=START_SECONDS) as answer:
                return bool(answer.status == 200)
        except urllib.error.URLError:
            return False

    return _until(arguments, answers)


def worker(app: str = "project") -> float:
    """CPU seconds of a worker and its two children until it takes messages."""
    arguments = ["celery", f"--app={app}", *WORKER.split()]
    return _until(arguments, lambda said: " ready." in said)


def _until(arguments: list[str], ready: Callable[[str], bool]) -> float:
    """CPU seconds of a module's process and its children until it is ready; ends it then."""
    with TemporaryFile() as said:
        process = subprocess.Popen(
            [sys.executable, "-m", *arguments], stdout=subprocess.DEVNULL, stderr=said
        )
        until = time.monotonic() + START_SECONDS
        while not ready(_text(said)):
            if process.poll() is not None or time.monotonic() > until:
                process.kill()
                sys.exit(f"{' '.join(arguments)} didn't start: {_text(said)[-2000:]}")
            time.sleep(LOOK_SECONDS)
        used = _cpu_seconds(process.pid)
        process.terminate()
        process.wait()
    return used


def _text(file: IO[bytes]) -> str:
    return os.pread(file.fileno(), MAX_SAID, 0).decode(errors="replace")


def _cpu_seconds(pid: int) -> float:
    """What a process and its descendants have used."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="utf-8").split()
    own = (int(fields[11]) + int(fields[12])) / TICKS
    return own + sum(_cpu_seconds(int(each)) for each in children)


WAYS: dict[str, Callable[[], float]] = {
    "`manage.py check` has ended": check,
    "a web server has answered `/healthz`": web,
    "a web server has answered its login page": partial(web, "/admin/login/"),
    "a worker takes messages": worker,
}
FLOORS: dict[str, Callable[[], float]] = {
    "`manage.py check` has ended": start_floors.check,
    "a worker takes messages": partial(start_floors.worker, worker),
}


if __name__ == "__main__":
    if sys.argv[1:2] == ["inside"]:
        inside()
    else:
        main()
