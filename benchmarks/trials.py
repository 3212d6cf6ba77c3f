"""`make storm`: batches and `/v1` through what goes wrong, counted beside the provider's own count.

    make storm
    make storm ARGS="--rows 2000 --away 10"     # smaller
    make storm ARGS="--only valkey_flushed"     # one trial, by its name

First the storm of kills and crashes (`python -m benchmarks.storm`), then one trial for each other
thing that goes wrong. Writes its table into docs/reliability.md; ends with exit 1 unless every
answer that was paid is recorded once, or counted as paid twice.
"""

import json
import os
import subprocess
import sys
import tempfile
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterator

import django

from benchmarks.batch_trials import BATCH_TRIALS
from benchmarks.disasters import Launcher, Servers, servers
from benchmarks.endpoint_trials import ENDPOINT_TRIALS, IN_FLIGHT
from benchmarks.peers import ROOT
from benchmarks.trial_rows import END, START, TrialRow, table
from benchmarks.trial_stage import TrialStage

DOCUMENT = ROOT / "docs" / "reliability.md"


def main() -> None:
    """Run the trials, print their table and write it."""
    given = _arguments()
    os.environ["LLM_BATCH_CONCURRENT"] = str(IN_FLIGHT)
    os.environ["LLM_EGRESS_ALLOW"] = "127.0.0.1"
    rows = [] if given.only else [_storm(given)]
    with servers() as running:
        os.environ |= running.variables
        os.environ["DJANGO_SETTINGS_MODULE"] = "project.settings"
        os.environ["LLM_SPOOL_DIR"] = str(running.state.directory / "spool")
        os.environ["LLM_JOURNAL_DIR"] = str(running.state.directory / "journal")
        django.setup()
        from benchmarks import report

        on = report.machine
        rows += list(_trials(given, running))
        text = table(rows) + f"\n\nWritten by `make storm`{_asked()} on:\n\n{on()}\n"
    print(text)
    if not given.only:
        _write(text)
    if any(not row.is_exact for row in rows):
        sys.exit("FAILED: see the rows that aren't exact.")


def _arguments() -> Namespace:
    parser = ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--rows", type=int, default=10_000, help="rows or calls of each trial")
    parser.add_argument("--away", type=float, default=60.0, help="seconds without the database")
    parser.add_argument("--only", nargs="*", choices=list(TRIALS), help="trials, by name")
    return parser.parse_args()


def _asked() -> str:
    return f' with `ARGS="{" ".join(sys.argv[1:])}"`' if sys.argv[1:] else ""


def _write(text: str) -> None:
    """Between the marks of the document."""
    whole = DOCUMENT.read_text(encoding="utf-8")
    before, _, rest = whole.partition(START)
    after = rest.partition(END)[2]
    DOCUMENT.write_text(f"{before}{START}\n{text}{END}{after}", encoding="utf-8")


def _storm(given: Namespace) -> TrialRow:
    """The storm of kills and crashes, in a process of its own."""
    with tempfile.NamedTemporaryFile("r") as figures:
        ran = subprocess.run(
            [sys.executable, "-m", "benchmarks.storm", f"--rows={given.rows}", "--faults=50",
             f"--figures={figures.name}"], check=False,
        )  # fmt: skip
        told = figures.read()
    if not told:
        sys.exit("The storm came to no end; see above.")
    row = TrialRow(**json.loads(told))
    return row if ran.returncode == 0 else TrialRow(**{**json.loads(told), "wrong": "see above"})


def _trials(given: Namespace, running: Servers) -> Iterator[TrialRow]:
    from benchmarks.database import multiply, prepare
    from benchmarks.provider import simulator

    with simulator() as provider:
        prepare(provider.url)
        multiply(given.rows * 5)
        stage = TrialStage(given, running, provider, Launcher(running.state.log("trials")))
        for name in given.only or TRIALS:
            provider.plan()
            provider.reset()
            provider.control(latency_ms=100)
            print(f"{name} …", flush=True)
            row = TRIALS[name](stage)
            print(f"  {row.line()}", flush=True)
            yield row


TRIALS: dict[str, Callable[[TrialStage], TrialRow]] = {
    each.__name__: each for each in (*BATCH_TRIALS, *ENDPOINT_TRIALS)
}


if __name__ == "__main__":
    main()
