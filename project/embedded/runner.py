"""Run a command with the servers that it needs, and end them with it."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from project.embedded.children import (
    FORWARDED,
    WATCHED,
    ChildServer,
    end_family,
    exit_code,
    guarded,
    is_for_us_alone,
    last_line,
    next_signal,
    reap_strays,
    start,
)
from project.embedded.errors import NotStarted
from project.embedded.llm import Mode, start_llm
from project.embedded.postgres import start_postgres
from project.embedded.state import ROOT, RunState, kept_state, temporary_state
from project.embedded.terminal import say
from project.embedded.valkey import start_valkey
from project.embedded.variables import settings_variables

# What a command whose runner was killed gets between SIGTERM and SIGKILL.
ORPHAN_GRACE = 5.0
COMMAND_NOT_FOUND = 127
NOT_STARTED = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What to run and with what. `directory` None means a state that is forgotten."""

    command: tuple[str, ...]
    mode: Mode
    directory: Path | None


class _ToldToEnd(Exception):
    """A signal came while the parts were starting."""

    def __init__(self, signum: int) -> None:
        super().__init__(signum)
        self.signum = signum


def run(order: Order) -> int:
    """Start what the environment doesn't name yet, run the command, return its exit code."""
    missing = _missing(order.mode, os.environ)
    if not missing:
        _replace_us_by(order)
    if sys.platform != "linux":
        raise NotStarted(f"The embedded servers run on Linux only: set {' and '.join(missing)}.")
    with temporary_state() if order.directory is None else kept_state(order.directory) as state:
        return guarded(lambda: _run_with_parts(order, state))


def _missing(mode: Mode, environment: Mapping[str, str]) -> list[str]:
    """The variables, of those that this run needs, for which a part has to be started."""
    needed = ["DATABASE_URL", "REDIS_URL", *([] if mode is Mode.NONE else ["LLM_LOCAL_URL"])]
    return [name for name in needed if not environment.get(name)]


def _replace_us_by(order: Order) -> None:
    """All servers are given: become the command. Raises NotStarted if there is no such one."""
    environment = os.environ | settings_variables(os.environ, order.directory)
    try:
        # Running the user's command is our task.
        os.execvpe(order.command[0], order.command, environment)  # noqa: S606
    except OSError as error:
        raise NotStarted(f"Can't run {order.command[0]!r}: {error.strerror}.") from error


def _run_with_parts(order: Order, state: RunState) -> int:
    """The guarded process: it owns the servers and the command."""
    for signum in FORWARDED:
        signal.signal(signum, _raise_told_to_end)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    parts: list[ChildServer] = []
    try:
        environment = os.environ | _start_parts(order.mode, state, parts)
        signal.pthread_sigmask(signal.SIG_BLOCK, WATCHED)
        return _attend(order.command, environment, parts)
    except NotStarted as error:
        say(f"nodewise: {error}")
        return NOT_STARTED
    except _ToldToEnd as told:
        return 128 + told.signum
    finally:
        signal.pthread_sigmask(signal.SIG_BLOCK, WATCHED)
        for part in reversed(parts):
            part.stop()
        end_family()
        if not state.durable:
            shutil.rmtree(state.directory, ignore_errors=True)


def _raise_told_to_end(signum: int, _frame: FrameType | None) -> None:
    raise _ToldToEnd(signum)


def _start_parts(mode: Mode, state: RunState, parts: list[ChildServer]) -> dict[str, str]:
    """Start each missing part, append it to `parts` and return the variables that name them."""
    began = time.monotonic()
    variables = settings_variables(os.environ, state.directory)
    missing = _missing(mode, os.environ)
    if "DATABASE_URL" in missing:
        part, variables["DATABASE_URL"] = start_postgres(state)
        parts.append(part)
    if "REDIS_URL" in missing:
        part, variables["REDIS_URL"] = start_valkey(state)
        parts.append(part)
    if "LLM_LOCAL_URL" in missing:
        model = start_llm(mode, state)
        parts.append(model.part)
        variables |= model.variables()
    names = ", ".join(part.name for part in parts)
    say(f"nodewise: {names} ready in {time.monotonic() - began:.1f} s")
    return variables


def _attend(
    command: Sequence[str], environment: Mapping[str, str], parts: Sequence[ChildServer]
) -> int:
    """Run the command to its end, pass signals on to it, and watch that the parts live."""
    guard = os.getppid()
    try:
        process = start(command, env=environment, at_parents_death=signal.SIGTERM, own_group=False)
    except OSError as error:
        say(f"nodewise: can't run {command[0]!r}: {error.strerror}.")
        return COMMAND_NOT_FOUND
    watched = list(parts)
    known = {process.pid, *(part.process.pid for part in parts)}
    while process.poll() is None:
        told = next_signal()
        reap_strays(known)
        if os.getppid() != guard:
            _end_orphan(process)
        elif told is not None and is_for_us_alone(told):
            process.send_signal(told.si_signo)
        for part in [part for part in watched if part.has_ended()]:
            watched.remove(part)
            say(f"nodewise: {part.name} ended unexpectedly: {part.last_words()}; stopping.")
            process.terminate()
    return exit_code(process.returncode)


def _end_orphan(process: subprocess.Popen[bytes]) -> None:
    """Nobody waits for the command any more: end it, whatever it does about SIGTERM."""
    process.terminate()
    try:
        process.wait(ORPHAN_GRACE)
    except subprocess.TimeoutExpired:
        process.kill()


@contextmanager
def servers(*, state: Path | None = None, llm: Mode = Mode.NONE) -> Iterator[dict[str, str]]:
    """The variables of running servers, for a test run; all ends with the block or the process.

    Servers that the environment names already are used. Without `state` (a directory) all data
    is forgotten in the end. Under xdist the controller enters this and puts the variables into
    its environment, which the workers inherit. Raises NotStarted with one line.
    """
    place = ["--ephemeral"] if state is None else [f"--state={state}"]
    runner = [sys.executable, "-m", "project.embedded", f"--llm={llm}", *place]
    with ExitStack() as stack:
        said = Path(stack.enter_context(tempfile.NamedTemporaryFile(prefix="nodewise-")).name)
        process = stack.enter_context(
            subprocess.Popen(
                [*runner, "--", sys.executable, "-m", "project.embedded.hold"],
                cwd=ROOT,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stack.enter_context(said.open("wb")),
                # A Ctrl-C is the tests' to handle; the servers live until the pipe closes.
                process_group=0,
            )
        )
        line = process.stdout.readline() if process.stdout else b""
        if not line:
            process.wait()
            raise NotStarted(last_line(said).removeprefix("nodewise: "))
        yield json.loads(line)
