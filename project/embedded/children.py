"""Child processes that end with their parent, whatever ends the parent.

Three means work together. A child asks the kernel for a signal at its parent's death
(PR_SET_PDEATHSIG). A guard process and the process that it guards adopt each other's orphans
(PR_SET_CHILD_SUBREAPER), so that grandchildren are found too. And whoever of the two is left
ends the whole family.

PR_SET_PDEATHSIG fires when the *thread* that forked ends: call `start` from the main thread.
"""

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
FORWARDED = frozenset({signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT})
WATCHED = FORWARDED | {signal.SIGCHLD}
TICK = 1.0
LOOK_EVERY = 0.05
GRACE = 2.0

_libc = ctypes.CDLL(None, use_errno=True)

_Output = IO[bytes] | int | None


def prctl(option: int, *arguments: int) -> None:
    """Call prctl(2); raises OSError when the kernel refuses."""
    words = [ctypes.c_ulong(argument) for argument in (*arguments, 0, 0, 0, 0)[:4]]
    if _libc.prctl(option, *words) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"prctl {option}: {os.strerror(number)}")


def end_with(parent: int, signum: signal.Signals) -> None:
    """Ask to be sent `signum` when `parent` ends; leave at once if it has ended already."""
    prctl(PR_SET_PDEATHSIG, signum)
    if os.getppid() != parent:
        os._exit(1)


def start(
    arguments: Sequence[str],
    *,
    env: Mapping[str, str],
    at_parents_death: signal.Signals,
    cwd: Path | None = None,
    output: _Output = None,
    stdin: _Output = None,
    own_group: bool = True,
    become: Callable[[], None] | None = None,
) -> subprocess.Popen[bytes]:
    """Start a foreground child that gets `at_parents_death` when this process ends.

    With `own_group` a Ctrl-C at the terminal doesn't reach it. `become` runs in the child
    before exec and changes whom it runs as. `output` takes stdout and stderr.
    Raises OSError when the program can't be executed.
    """
    parent = os.getpid()

    def prepare() -> None:
        signal.pthread_sigmask(signal.SIG_SETMASK, ())
        if become is not None:
            become()
        # Last, because a change of identity clears it.
        end_with(parent, at_parents_death)

    return subprocess.Popen(
        arguments,
        env=dict(env),
        cwd=cwd,
        stdin=stdin,
        stdout=output,
        stderr=None if output is None else subprocess.STDOUT,
        process_group=0 if own_group else None,
        preexec_fn=prepare,  # noqa: PLW1509 - the only place where prctl can be asked
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ChildServer:
    """A server that runs as a child: its name for people, its process and its log."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path
    stop_with: signal.Signals

    def stop(self) -> None:
        """End the server: politely first, surely in the end."""
        for signum, seconds in ((self.stop_with, 15.0), (signal.SIGKILL, 5.0)):
            if self.process.poll() is not None:
                return
            self.process.send_signal(signum)
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(seconds)

    def has_ended(self) -> bool:
        """Whether the server is gone although nobody stopped it."""
        return self.process.poll() is not None

    def last_words(self) -> str:
        """The last line of its log that says something, at most 300 characters."""
        return last_line(self.log)


def last_line(log: Path) -> str:
    """The last line with text in `log`, or a plain statement that there is none."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - 8192))
            lines = [line.strip() for line in file.read().decode(errors="replace").splitlines()]
    except OSError:
        lines = []
    said = [line for line in lines if line]
    return said[-1][:300] if said else "it left no message"


def parents() -> dict[int, int]:
    """The parent of each process of this machine that has not ended, by process id."""
    found = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with suppress(OSError):
                # The name, in parentheses, may itself hold spaces and parentheses.
                state, parent = (entry / "stat").read_text().rpartition(")")[2].split()[:2]
                if state not in "ZX":
                    found[int(entry.name)] = int(parent)
    return found


def descendants(ancestor: int) -> set[int]:
    """All living children, grandchildren and so on of `ancestor`."""
    family: set[int] = set()
    parent_of = parents()
    generation = {ancestor}
    while generation:
        generation = {pid for pid, parent in parent_of.items() if parent in generation} - family
        family |= generation
    return family


def reap_strays(known: Collection[int] = ()) -> None:
    """Collect adopted children that have ended, so that no zombie stays.

    Those in `known` are left to the Popen object that waits for them.
    """
    with suppress(ChildProcessError):
        for pid in _ended_children():
            if pid in known:
                return
            os.waitpid(pid, os.WNOHANG)


def _ended_children() -> Iterator[int]:
    while ended := os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT):
        yield ended.si_pid


def end_family(grace: float = GRACE) -> None:
    """End every descendant of this process; those that ignore SIGTERM for `grace` are killed."""
    for signum, seconds in ((signal.SIGTERM, grace), (signal.SIGKILL, grace)):
        for pid in descendants(os.getpid()):
            with suppress(ProcessLookupError):
                os.kill(pid, signum)
        deadline = time.monotonic() + seconds
        while descendants(os.getpid()) and time.monotonic() < deadline:
            reap_strays()
            time.sleep(0.02)
    reap_strays()


def guarded(work: Callable[[], int]) -> int:
    """Run `work` in a child process and return its exit code; nothing it started outlives it.

    If this process is killed, the child is told and ends its family. If the child is killed,
    its orphans become ours and are ended here.
    """
    prctl(PR_SET_CHILD_SUBREAPER, 1)
    guard = os.getpid()
    signal.pthread_sigmask(signal.SIG_BLOCK, WATCHED)
    child = os.fork()
    if child == 0:
        _work_under(guard, work)
    code = _wait_for(child)
    end_family()
    return code


def _work_under(guard: int, work: Callable[[], int]) -> None:
    """The child's whole life: it never returns to the caller's frames."""
    code = 1
    try:
        end_with(guard, signal.SIGTERM)
        prctl(PR_SET_CHILD_SUBREAPER, 1)
        code = work()
    except BaseException:  # noqa: BLE001 - the fork must not run on in the parent's code
        sys.excepthook(*sys.exc_info())
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _wait_for(child: int) -> int:
    while True:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return exit_code(os.waitstatus_to_exitcode(status))
        reap_strays(known={child})
        told = next_signal()
        if told is not None and is_for_us_alone(told):
            os.kill(child, told.si_signo)


def next_signal() -> signal.struct_siginfo | None:
    """One of WATCHED, waiting for it up to TICK seconds; None where none came.

    Asked for again and again instead of waited for: of a wait during which the process was stopped
    and continued, past its end, CPython 3.11 tells a signal that nobody sent.
    """
    ends = time.monotonic() + TICK
    while (told := signal.sigtimedwait(WATCHED, 0)) is None and time.monotonic() < ends:
        time.sleep(LOOK_EVERY)
    return told


def is_for_us_alone(told: signal.struct_siginfo) -> bool:
    """Whether a signal has to be passed on: one from the keyboard reaches the command itself.

    The kernel marks what a person typed as its own (SI_KERNEL, a positive code); what a
    process sent with kill has a code of 0 or less.
    """
    return told.si_signo != signal.SIGCHLD and told.si_code <= 0


def exit_code(returncode: int) -> int:
    """Python's return code as a shell shows it: 128 + N for a death by signal N."""
    return returncode if returncode >= 0 else 128 - returncode
