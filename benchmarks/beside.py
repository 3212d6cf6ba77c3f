"""`python -m benchmarks.beside PATH`: a batch by this checkout beside the same one by another.

Both run in turn, each with a database of its own and this checkout's provider, and each beside bare
aiohttp's calls alone; medians of the rounds are printed. Uses this checkout's environment for both.
"""

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path
from statistics import median
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
RUN_SECONDS = 900


def main() -> None:
    """Measure both in turn and print the table."""
    from benchmarks.provider import simulator

    given = _arguments()
    found: dict[tuple[str, int, str], list[dict[str, float]]] = {}
    with simulator() as provider:
        for turn in range(given.rounds):
            for checkout in (given.path, ROOT):
                for in_flight, name, measured in _inside(checkout, provider.url, given):
                    key = (str(checkout), in_flight, name)
                    found.setdefault(key, []).append(measured)
            print(f"round {turn + 1} of {given.rounds} is done", file=sys.stderr)
    print("| checkout | in flight | CPU a row | of bare's | efficiency | of bare's |")
    print("| --- | ---: | ---: | ---: | ---: | ---: |")
    for in_flight in given.in_flight:
        for checkout in (given.path, ROOT):
            batch = found[str(checkout), in_flight, "lane"]
            bare = found[str(checkout), in_flight, "bare"]
            cpu, fast = (median(each[what] for each in batch) for what in ("cpu_ms", "efficiency"))
            cpu_share, fast_share = (
                median(ours[what] / floor[what] for ours, floor in zip(batch, bare, strict=True))
                for what in ("cpu_ms", "efficiency")
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


def _inside(
    checkout: Path, url: str, given: argparse.Namespace
) -> list[tuple[int, str, dict[str, float]]]:
    command = [sys.executable, "-m", "project.embedded", "--ephemeral", "--llm", "none", "--"]
    command += [sys.executable, __file__, "inside", url, str(given.rows)]
    command += map(str, given.in_flight)
    ran = subprocess.run(
        command, cwd=checkout, stdout=subprocess.PIPE, text=True, timeout=RUN_SECONDS, check=True
    )
    return [(row[0], row[1], row[2]) for row in json.loads(ran.stdout.splitlines()[-1])]


def inside(url: str, rows: int, in_flight: list[int]) -> None:
    """In a checkout's own process: fill its database, run the batch and the bare calls."""
    import django

    sys.path[0] = str(Path.cwd())  # not the folder of this file
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")
    os.environ.setdefault("LOG_LEVEL", "WARNING")
    django.setup()
    from benchmarks import database

    database.prepare(url)
    made = [
        (count, name, _measured(name, url, rows, count))
        for count in in_flight
        for name in ("lane", "bare")
    ]
    print(json.dumps(made))


def _measured(name: str, url: str, rows: int, in_flight: int) -> dict[str, float]:
    command = [sys.executable, "-m", "benchmarks.contestants", name, "--url", url]
    command += ["--rows", str(rows), "--in-flight", str(in_flight)]
    settings = {"LLM_BATCH_CONCURRENT": str(in_flight), "LLM_BATCH_COMMIT_FREQUENCY": "4"}
    ran = subprocess.run(
        command, env=os.environ | settings, stdout=subprocess.PIPE, text=True,
        timeout=RUN_SECONDS, check=True,
    )  # fmt: skip
    told: dict[str, Any] = json.loads(ran.stdout.splitlines()[-1])
    from benchmarks.measurement import Measurement

    measured = Measurement(**told)
    return {"cpu_ms": measured.cpu_ms_per_row, "efficiency": measured.efficiency}


if __name__ == "__main__":
    if sys.argv[1:2] == ["inside"]:
        inside(sys.argv[2], int(sys.argv[3]), list(map(int, sys.argv[4:])))
    else:
        main()
