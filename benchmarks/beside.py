"""`python -m benchmarks.beside PATH`: a batch by this checkout beside the same one by another.

Both run in turn, each with a database of its own and this checkout's provider, and each beside bare
aiohttp's calls alone; medians of the rounds are printed. Uses this checkout's environment for both.
"""

import argparse
import os
import subprocess
import sys
from collections.abc import Iterable, Iterator
from operator import attrgetter
from pathlib import Path
from statistics import median

from benchmarks import runs
from benchmarks.measurement import Measurement
from benchmarks.peers import ROOT
from benchmarks.provider import simulator
from project.embedded.runner import servers

FIGURES = (attrgetter("cpu_ms_per_row"), attrgetter("efficiency"))
PREPARE = (
    "import sys, django; django.setup(); from benchmarks import database;"
    " database.prepare(sys.argv[1])"
)


def main() -> None:
    """Measure both in turn and print the table."""
    given = _arguments()
    found: dict[tuple[str, int, str], list[Measurement]] = {}
    with simulator() as provider:
        for turn in range(given.rounds):
            for checkout in (given.path, ROOT):
                for in_flight, name, run in measured(
                    checkout, provider.url, rows=given.rows, in_flight=given.in_flight
                ):
                    found.setdefault((str(checkout), in_flight, name), []).append(run)
            print(f"round {turn + 1} of {given.rounds} is done", file=sys.stderr)
    print("| checkout | in flight | CPU a row | of bare's | efficiency | of bare's |")
    print("| --- | ---: | ---: | ---: | ---: | ---: |")
    for in_flight in given.in_flight:
        for checkout in (given.path, ROOT):
            batch = found[str(checkout), in_flight, "lane"]
            bare = found[str(checkout), in_flight, "bare"]
            cpu, fast = (median(map(of, batch)) for of in FIGURES)
            cpu_share, fast_share = (
                median(of(ours) / of(floor) for ours, floor in zip(batch, bare, strict=True))
                for of in FIGURES
            )
            print(
                f"| {checkout.name} | {in_flight} | {cpu:.3f} ms | {cpu_share:.2f} | {fast:.3f}"
                f" | {fast_share:.3f} |"
            )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.beside", description=__doc__)
    parser.add_argument("path", type=Path, help="the other checkout, such as a git worktree")
    parser.add_argument("--rows", type=int, default=2000)
    parser.add_argument("--in-flight", type=int, nargs="+", default=[50, 200])
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    given.path = given.path.resolve()
    if not (given.path / "benchmarks" / "contestants.py").is_file():
        parser.error(f"{given.path} is no checkout of this project.")
    return given


def measured(
    checkout: Path, url: str, *, rows: int, in_flight: Iterable[int]
) -> Iterator[tuple[int, str, Measurement]]:
    """The batch and the bare calls by a checkout's own code, over a database of its own.

    Gives, for each number of calls in flight, the contestant's name and what it took.
    """
    with servers() as variables:
        surroundings = {**os.environ, **variables, "DJANGO_SETTINGS_MODULE": "project.settings"}
        command = [sys.executable, "-c", PREPARE, url]
        subprocess.run(command, cwd=checkout, env=surroundings | runs.settings(1), check=True)
        for calls in in_flight:
            for name in ("lane", "bare"):
                run = runs.measure(
                    name,
                    url,
                    rows=rows,
                    in_flight=calls,
                    checkout=checkout,
                    surroundings=surroundings,
                )
                yield calls, name, run


if __name__ == "__main__":
    main()
