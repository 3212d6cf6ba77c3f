"""`python -m project.embedded [options] -- COMMAND ARGS…`"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from project.embedded.errors import NotStarted
from project.embedded.llm import Mode
from project.embedded.runner import NOT_STARTED, Order, run
from project.embedded.state import DEFAULT_STATE
from project.embedded.terminal import say


def parse(arguments: Sequence[str]) -> Order:
    """Read the command line; a wrong one ends the process with argparse's message."""
    parser = argparse.ArgumentParser(
        prog="python -m project.embedded",
        description="Run a command with PostgreSQL, Valkey and a model server that end with it."
        " A set DATABASE_URL, REDIS_URL or LLM_LOCAL_URL is used instead of starting that part.",
    )
    parser.add_argument(
        "--llm",
        type=Mode,
        choices=list(Mode),
        default=Mode.NONE,
        help="the local provider: no one, the simulator, a tiny model (for tests) or a"
        " presentable one (default: none)",
    )
    place = parser.add_mutually_exclusive_group()
    place.add_argument(
        "--state", type=Path, default=DEFAULT_STATE, help=f"data (default: {DEFAULT_STATE})"
    )
    place.add_argument("--ephemeral", action="store_true", help="forget all data at the end")
    parser.add_argument("command", nargs="+", metavar="COMMAND", help="after --, with arguments")
    given = parser.parse_args(arguments)
    return Order(
        command=tuple(given.command),
        mode=given.llm,
        directory=None if given.ephemeral else given.state,
    )


def main() -> int:
    """Run what the command line says and return the exit code."""
    try:
        return run(parse(sys.argv[1:]))
    except NotStarted as error:
        say(f"nodewise: {error}")
        return NOT_STARTED


if __name__ == "__main__":
    sys.exit(main())
