"""`make way`: what a batch's row took at each step of the way here; writes docs/performance-way.md.

Each step's commit is checked out beside this one, and all run in turn: with a database of their
own, this checkout's provider, and bare aiohttp's calls alone right after. Uses this checkout's
environment for all, and needs a clone with its history.
"""

import argparse
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import django

from benchmarks import report
from benchmarks.beside import measured
from benchmarks.measurement import Measurement
from benchmarks.peers import ROOT
from benchmarks.provider import simulator
from project.embedded.runner import servers

DOCUMENT = ROOT / "docs" / "performance-way.md"
ROWS, IN_FLIGHT = 2000, 200
# Commits with what had changed since the one before, for better or worse.
STEPS = (
    ("671b608", "the first release"),
    ("1fecf050", "gates for meaning; paid answers are on disk until they are written"),
    ("4b9c1575", "an HTTP exchange on httptools; gates look at what an answer changed"),
    ("28397ba9", "the usual reply is read in one look; what a call has at hand isn't asked for"),
    ("0572c118", "cleaned texts are held by word, words to a model are looked for by kind"),
    ("8ddead7a", "statements whose text is made once; fifty rows announced at a time"),
    ("695258a9", "the shortest way for the usual call; timers are shared"),
    ("9f40ce70", "gates: an ordinary word is held only in another one's place"),
    ("c7f2d472", "answers that differ in marks alone are told by one look; gates ask less"),
    ("140d735e", "records without dataclasses; what lanes ask again and again is prepared"),
    ("HEAD", "settings by their snapshot, keys' parts in one go, cached answers in one argument"),
)
TRIED = """- A quicker exchange: the simulator's replies have three headers, so their callbacks are
  few. The calls alone over the client's own exchange and over sockets by hand differ by a twentieth
  of bare aiohttp's whole (`benchmarks.floors`; [performance-profile.md](performance-profile.md)).
- Kept answers in a mapped file in place of a write a row: a new file's pages cost on their first
  touch what the write does.
- Compiled by mypyc 2.4.1: reading the usual reply takes 3.1 µs before and after, an exchange over a
  stub 3.9 and 3.4 (a whole batch wasn't measured so). And it takes `frozen` from a Struct without a
  word.
- Other settings of the garbage collector, none at all, another interval of Python's threads, `-O`:
  within noise."""


def main() -> None:
    """Measure the steps in turn, print the table and write the document."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.way", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    on_what = machine()
    with TemporaryDirectory() as folder, checkouts(Path(folder)) as places, simulator() as provider:
        found: list[list[dict[str, Measurement]]] = [[] for _ in STEPS]
        for turn in range(given.rounds):
            for place, runs in zip(places, found, strict=True):
                each = measured(place, provider.url, rows=ROWS, in_flight=[IN_FLIGHT])
                runs.append({name: measurement for _, name, measurement in each})
            print(f"round {turn + 1} of {given.rounds} is done", file=sys.stderr)
    text = document(found, on_what)
    print(text)
    DOCUMENT.write_text(text, encoding="utf-8")


def machine() -> str:
    """What the figures were taken on; PostgreSQL is asked for its own part."""
    before = dict(os.environ)
    with servers() as variables:
        os.environ.update(variables)
        django.setup()
        told = report.machine()
    os.environ.clear()
    os.environ.update(before)  # or all steps would share these servers
    return told


@contextmanager
def checkouts(folder: Path) -> Iterator[list[Path]]:
    """The steps' commits, each in a folder of its own; the last is this checkout as it is."""
    places: list[Path] = []
    try:
        for commit, _ in STEPS[:-1]:
            place = folder / commit
            _git("worktree", "add", "--quiet", "--detach", str(place), commit)
            places.append(place)
        yield [*places, ROOT]
    finally:
        for place in places:
            _git("worktree", "remove", "--force", str(place))


def _git(*words: str) -> None:
    done = subprocess.run(("git", *words), cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"git {' '.join(words)}: {done.stderr.strip()} (a shallow clone lacks the steps)")


def document(found: Sequence[Sequence[dict[str, Measurement]]], on_what: str) -> str:
    """docs/performance-way.md, from each step's rounds: a batch and the calls alone."""
    lines = []
    for (commit, told), rounds in zip(STEPS, found, strict=True):
        cpu = median(each["lane"].cpu_ms_per_row for each in rounds)
        share = median(each["lane"].cpu_ms_per_row / each["bare"].cpu_ms_per_row for each in rounds)
        fast = median(each["lane"].efficiency / each["bare"].efficiency for each in rounds)
        lines.append(f"| {commit} | {told} | {cpu:.3f} ms | {share:.2f} | {fast:.2f} |")
    table = "\n".join(lines)
    return f"""# The way of a batch's row, step by step

Written by `make way`; don't edit it by hand. Description cleaning of {ROWS:,} of the shipped listings, {IN_FLIGHT} in
flight, everything written. Each step's commit ran in turn with all others, beside bare aiohttp, which only
makes the calls; medians of {len(found[0])} rounds. The aim is 1.4 times bare's CPU and its whole speed. What takes the
CPU now is in [performance-profile.md](performance-profile.md).

| commit | since the one before | CPU a row | of bare's | speed, of bare's |
| --- | --- | ---: | ---: | ---: |
{table}

## Tried without gain
{TRIED}

## On what
{on_what}
"""  # noqa: E501


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")
    main()
