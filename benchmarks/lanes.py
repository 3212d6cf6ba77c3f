"""`python -m benchmarks.lanes`: a second worker, and limits and budgets, beside a batch without.

Two processes work on one batch where one did before; then one works under a budget, a rate limit
and a number of calls at once that are never reached. Each run is a fresh process or two, in turn
with what it is compared to. Needs an empty database in DATABASE_URL. Writes
docs/performance-lanes.md.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median
from uuid import UUID

import django

from benchmarks import runs
from benchmarks.peers import ROOT
from benchmarks.provider import Simulator, simulator

DOCUMENT = ROOT / "docs" / "performance-lanes.md"
IN_FLIGHT = 200  # of each worker
SLOW_MS, USUAL_MS = 400, 200  # the provider's latency for two workers, and for limits
NEVER_REACHED = 1_000_000


@dataclass(frozen=True, slots=True)
class LaneRun:
    """A batch by some workers: CPU of theirs and of PostgreSQL's processes, in ms a row."""

    rows_a_second: float
    cpu_ms: float
    database_ms: float


def main() -> None:
    """Measure both in turn, print, and write the document."""
    given = _arguments()
    os.environ |= runs.settings(IN_FLIGHT)
    django.setup()
    if given.lane:
        _lane(given.lane)
        return
    # These need Django set up.
    from benchmarks import database, report

    found: dict[str, list[LaneRun]] = defaultdict(list)
    with simulator() as provider:
        database.prepare(provider.url)
        database.multiply(given.rows)
        on_what = report.machine()
        for turn in range(given.rounds):
            for name, run in _round(provider, given.rows):
                found[name].append(run)
                print(f"round {turn + 1}, {name}: {run}", flush=True)
    text = document(found, rows=given.rows, rounds=given.rounds, on=on_what)
    print(text)
    if not given.quick:
        DOCUMENT.write_text(text, encoding="utf-8")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.lanes", description=__doc__)
    parser.add_argument("--rows", type=int, default=8000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--quick", action="store_true", help="few rows; writes no document")
    parser.add_argument("--lane", type=UUID, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.quick:
        given.rows, given.rounds = 1200, 1
    return given


def _round(provider: Simulator, rows: int) -> Sequence[tuple[str, LaneRun]]:
    provider.control(latency_ms=SLOW_MS)
    workers = [(f"{count} workers", _measure(count, rows)) for count in (1, 2)]
    provider.control(latency_ms=USUAL_MS)
    without = _measure(1, rows)
    _limits(on=True)
    try:
        limited = _measure(1, rows)
    finally:
        _limits(on=False)
    return [*workers, ("without", without), ("with", limited)]


def _limits(*, on: bool) -> None:
    """A budget over everything and limits of the provider, so wide that nothing meets them."""
    from llmconfig.configuration.revisions import change
    from llmconfig.models import Budget, Provider

    with change(source="shell", message="Benchmark"):
        if on:
            Budget.objects.create(name="benchmark", hard_limit_usd=NEVER_REACHED)
        else:
            Budget.objects.all().delete()
        for provider in Provider.objects.all():
            provider.requests_per_minute = NEVER_REACHED if on else None
            provider.max_concurrency = NEVER_REACHED if on else None
            provider.save()


def _measure(workers: int, rows: int) -> LaneRun:
    """The time from the start of waiting workers to the batch's end."""
    from benchmarks import database
    from enrichment.batches import creation
    from enrichment.batches.creation import Selection
    from enrichment.models import Batch
    from llmconfig.models import LLMConfig

    LLMConfig.objects.update(concurrent_tasks=workers)
    ids = database.row_ids(rows)
    batch = creation.create(database.ENRICHMENT, Selection(ids=ids, force=True), write_size=25)
    command = [sys.executable, "-m", "benchmarks.lanes", "--lane", str(batch.pk)]
    lanes = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(workers)
    ]
    for each in lanes:
        _line_of(each)
    in_database, began = database.cpu_seconds(), time.perf_counter()
    for each in lanes:
        print("go", file=each.stdin, flush=True)
    cpu = [json.loads(_line_of(each)) for each in lanes]
    seconds = time.perf_counter() - began
    in_database = database.cpu_seconds() - in_database
    for each in lanes:
        each.communicate(timeout=runs.RUN_SECONDS)
    batch = Batch.objects.get(pk=batch.pk)
    if batch.status != "completed":
        sys.exit(f"The batch is {batch.status}: {batch.status_reason}")
    return LaneRun(len(ids) / seconds, sum(cpu) * 1000 / len(ids), in_database * 1000 / len(ids))


def _line_of(lane: "subprocess.Popen[str]") -> str:
    assert lane.stdout is not None  # noqa: S101 - it is a pipe
    said = lane.stdout.readline()
    if not said:
        sys.exit("A worker ended; see above.")
    return said


def _lane(batch_id: UUID) -> None:
    """One worker: says that it is ready, waits for a line, and tells its CPU seconds."""
    import redis.asyncio  # noqa: F401
    import tenacity  # noqa: F401 - a worker has imported these when its first batch comes

    from enrichment.engine.lanes import LaneEnd, run_lane

    print("ready", flush=True)
    sys.stdin.readline()
    used = time.process_time()
    while run_lane(batch_id, seconds=runs.RUN_SECONDS) != LaneEnd.FINISHED:
        time.sleep(0.05)  # the other one has the last rows
    print(time.process_time() - used, flush=True)


def _row(found: dict[str, list[LaneRun]], name: str, words: str) -> str:
    rate, cpu, in_database = (median(of(each) for each in found[name]) for of in FIGURES)
    return f"| {words} | {rate:.0f} | {cpu:.3f} ms | {in_database:.3f} ms |"


FIGURES: tuple[Callable[[LaneRun], float], ...] = (
    lambda run: run.rows_a_second,
    lambda run: run.cpu_ms,
    lambda run: run.database_ms,
)


def _times(
    found: dict[str, list[LaneRun]], one: str, other: str, of: Callable[[LaneRun], float]
) -> float:
    """The median over the rounds of the second's figure over the first's."""
    return median(of(b) / of(a) for a, b in zip(found[one], found[other], strict=True))


def document(found: dict[str, list[LaneRun]], *, rows: int, rounds: int, on: str) -> str:
    """docs/performance-lanes.md."""
    rate, cpu, in_database = FIGURES
    return f"""# Two workers, limits and budgets

Written by `python -m benchmarks.lanes`; don't edit it by hand. Description cleaning of {rows:,} listings,
everything written, {IN_FLIGHT} calls in flight a worker; medians of {rounds} rounds, in each of which all four
run one after the other, in fresh processes. CPU is of the workers, and of all processes of PostgreSQL.

| what | rows/s | CPU a row | PostgreSQL's |
| --- | ---: | ---: | ---: |
{_row(found, "1 workers", f"one worker, a provider with {SLOW_MS} ms")}
{_row(found, "2 workers", "two workers on the same batch")}
{_row(found, "without", f"one worker, a provider with {USUAL_MS} ms")}
{_row(found, "with", "the same under a budget, a rate limit and a number of calls at once")}

Two workers do {_times(found, "1 workers", "2 workers", rate):.2f} times the rows of one in the same time, with {_times(found, "1 workers", "2 workers", cpu):.2f} times
the CPU a row. Limits and budgets, none of them reached, take {_times(found, "without", "with", cpu):.2f} times the worker's CPU a row and
{_times(found, "without", "with", in_database):.2f} times PostgreSQL's, at {_times(found, "without", "with", rate):.2f} times the rows a second.

## On what
{on}
"""  # noqa: E501 - a table's lines


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")
    main()
