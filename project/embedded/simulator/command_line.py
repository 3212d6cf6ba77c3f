"""The simulator as a process: its options, its first line, its end."""

from __future__ import annotations

import argparse
import asyncio
import gc
import os
import random
import signal
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from project.embedded.simulator.controls import Controls
from project.embedded.simulator.errors import CannotListen, SimulatorError
from project.embedded.simulator.server import Connection
from project.embedded.simulator.state import State

DEFAULT_PORT = 8089


@dataclass(frozen=True, slots=True)
class Options:
    """What the command was asked for; port 0 takes a free one."""

    host: str
    port: int
    api_key: str | None
    seed: int
    controls: Controls


def add_options(parser: argparse.ArgumentParser) -> None:
    """Declare the options on this parser."""
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
    parser.add_argument("--port", type=_port, default=DEFAULT_PORT, help="0 takes a free port")
    parser.add_argument(
        "--latency-ms", type=_amount, default=0.0, help="median time until an answer"
    )
    parser.add_argument(
        "--latency-spread",
        type=_amount,
        default=0.0,
        help="sigma of the lognormal spread of the latency, such as 0.5",
    )
    parser.add_argument("--api-key", default=None, help="refuse other keys; else any is taken")
    parser.add_argument(
        "--whole", action="store_true", help="answer with the whole text and nothing besides"
    )
    parser.add_argument("--seed", type=int, default=0, help="answers and chance follow from it")


def options_from(values: dict[str, object]) -> Options:
    """The simulator's options from parsed arguments."""
    parsed = argparse.Namespace(**values)
    controls = Controls(latency_ms=parsed.latency_ms, latency_spread=parsed.latency_spread)
    if parsed.whole:
        controls = replace(controls, left_out=0.0, marked=False)
    return Options(parsed.host, parsed.port, parsed.api_key, parsed.seed, controls)


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) > 65_535:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port between 0 and 65535")
    return int(text)


def _amount(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not 0 <= number < 1e9:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of at least 0")
    return number


def run(options: Options) -> None:
    """Serve until SIGTERM or SIGINT; raises SimulatorError if it cannot listen."""
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        runner.run(_serve(options))


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """uvloop where it is installed: it halves the cost of a request."""
    try:
        import uvloop  # noqa: PLC0415 - optional
    except ImportError:
        return None
    return uvloop.new_event_loop


async def _serve(options: Options) -> None:
    loop = asyncio.get_running_loop()
    rng = random.Random(options.seed)  # noqa: S311 - repeatable on purpose
    state = State(options.controls, options.api_key, options.seed, rng)
    try:
        server = await loop.create_server(
            lambda: Connection(state, loop), options.host, options.port, backlog=2_048
        )
    except OSError as error:
        raise CannotListen(_cannot_listen(options, error)) from None
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    # What was imported stays; collecting it over and over costs what is to be measured.
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)
    port = server.sockets[0].getsockname()[1]
    sys.stdout.write(f"listening on http://{options.host}:{port}\n")
    sys.stdout.flush()
    await stop.wait()
    # Open connections and pending answers are dropped: nobody waits for a simulator.
    os._exit(0)


def _cannot_listen(options: Options, error: OSError) -> str:
    where = f"{options.host}:{options.port}"
    reason = error.strerror or str(error)
    return f"cannot listen on {where}: {reason}. Choose another with --port, or 0 for a free one."


def main(arguments: Sequence[str] | None = None) -> None:
    """Run from the shell; what cannot work ends with one line and exit code 1."""
    parser = argparse.ArgumentParser(
        prog="llm_simulator", description="A loopback provider for tests, demo and benchmarks."
    )
    add_options(parser)
    try:
        run(options_from(vars(parser.parse_args(arguments))))
    except SimulatorError as error:
        sys.exit(f"llm_simulator: {error}")
