"""`python -m benchmarks.scale`: whether a batch's last rows cost what its first ones did.

Makes a batch over many copies of the listings, works it off in one lane against a provider without
latency, and takes time, CPU and memory by tenths. Then its page, list, API and undo beside those of
a small batch. Writes docs/performance-scale.md. Needs an empty database in DATABASE_URL.
"""

import argparse
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

import django

from benchmarks import runs
from benchmarks.peers import ROOT

DOCUMENT = ROOT / "docs" / "performance-scale.md"
ROWS, SMALL_ROWS = 1_000_000, 2_000
IN_FLIGHT = 50
LOOK_EVERY_SECONDS = 0.5
TENTHS = 10
REPEAT = 5  # of a page
TICKS = os.sysconf("SC_CLK_TCK")
PAGE_MB = os.sysconf("SC_PAGE_SIZE") / 1024 / 1024


@dataclass(frozen=True, slots=True)
class Mark:
    """Where everything stood when so many rows were done. CPU is seconds, memory MB."""

    rows: int
    at: float
    lane_cpu: float
    database_cpu: float
    memory: float


@dataclass(slots=True)
class BatchCosts:
    """What one batch took, in seconds; `marks` from its first row to its last."""

    rows: int
    creation: float = 0.0
    marks: list[Mark] = field(default_factory=list)
    pages: dict[str, float] = field(default_factory=dict)
    undo: float = 0.0


def main() -> None:
    """Measure and write the document."""
    given = _arguments()
    os.environ |= runs.settings(IN_FLIGHT) | os.environ
    os.environ.setdefault("LLM_CACHE_ENABLED", "false")  # each row is its own question
    django.setup()
    from benchmarks import database, report
    from benchmarks.provider import simulator

    with simulator() as provider:
        database.prepare(provider.url)
        provider.control(latency_ms=0)
        on_what = report.machine()
        database.multiply(given.rows + given.small)
        ids = database.row_ids(given.rows + given.small)
        small = _measure(ids[: given.small])
        large = _measure(ids[given.small :])
        for each in (small, large):
            print(table(each), flush=True)
    text = document(small, large, command=" ".join(sys.argv[1:]), on=on_what)
    print(text)
    if given.quick:
        print("A quick run measures nothing: the document stays as it was.")
        return
    DOCUMENT.write_text(text, encoding="utf-8")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scale", description=__doc__)
    parser.add_argument("--rows", type=int, default=ROWS)
    parser.add_argument("--small", type=int, default=SMALL_ROWS, help="rows of the small batch")
    parser.add_argument("--quick", action="store_true", help="few rows; writes no document")
    given = parser.parse_args()
    if given.quick:
        given.rows, given.small = 400, 100
    return given


def _measure(ids: Sequence[int]) -> BatchCosts:
    """One batch, from its creation to its undo."""
    from benchmarks.database import ENRICHMENT
    from enrichment.batches import creation, undo
    from enrichment.models import Batch

    figures = BatchCosts(rows=len(ids))
    made: list[Batch] = []
    selection = creation.Selection(ids=ids)
    figures.creation = _seconds(lambda: made.append(creation.create(ENRICHMENT, selection)))
    batch = made[0]
    figures.marks = _work_off(batch.pk, len(ids))
    batch.refresh_from_db()
    if batch.status != "completed":
        sys.exit(f"The batch is {batch.status}: {batch.status_reason}")
    figures.pages = _pages(batch.pk)
    figures.undo = _seconds(lambda: undo.undo(batch))
    return figures


def _work_off(batch_id: UUID, rows: int) -> list[Mark]:
    """Run lanes until nothing is left, and note where everything stood at each tenth."""
    from enrichment.engine.lanes import LaneEnd, run_lane

    marks: list[Mark] = []
    over = threading.Event()
    looker = threading.Thread(target=_look_on, args=(batch_id, rows, marks, over))
    looker.start()
    try:
        # Turns of a minute, as workers take them; rows that failed have to wait for their round.
        while (end := run_lane(batch_id)) != LaneEnd.FINISHED:
            if end != LaneEnd.MORE:
                time.sleep(LOOK_EVERY_SECONDS)
    finally:
        over.set()
        looker.join()
    return marks


def _look_on(batch_id: UUID, rows: int, marks: list[Mark], over: threading.Event) -> None:
    """A mark at the first rows, then one for each tenth."""
    from django.db import connection

    last = False
    cpu: dict[int, float] = {}  # by backend; those that have ended count too
    while not last:
        last = over.wait(LOOK_EVERY_SECONDS)
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT coalesce(sum(rows_done), 0) FROM enrichment_batch_chunks"
                " WHERE batch_id = %s",
                [batch_id],
            )
            done = int(cursor.fetchone()[0])
            cursor.execute(
                "SELECT array_agg(pid) FROM pg_stat_activity WHERE datname = current_database()"
            )
            backends = cursor.fetchone()[0]
        if done and (done * TENTHS // rows >= len(marks) or last):
            cpu |= {pid: found for pid in backends if (found := _cpu_of(pid))}
            taken = (time.monotonic(), time.process_time(), sum(cpu.values()))
            marks.append(Mark(done, *taken, _memory()))
    connection.close()


def _cpu_of(pid: int) -> float:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(stat[11]) + int(stat[12])) / TICKS


def _memory() -> float:
    return int(Path("/proc/self/statm").read_text().split()[1]) * PAGE_MB


def _pages(batch_id: UUID) -> dict[str, float]:
    """Seconds until a person or program has seen the batch; the median of several looks."""
    from django.contrib.auth import get_user_model
    from django.test import Client

    users = get_user_model().objects
    person = users.filter(is_superuser=True).first() or users.create_superuser("benchmark")
    browser = Client(SERVER_NAME="localhost")
    browser.force_login(person)
    addresses = {
        "its page": f"/admin/enrichment/batch/{batch_id}/change/",
        "the list of batches": "/admin/enrichment/batch/",
        "its state by API": f"/api/llm/batches/{batch_id}",
        "the API's list": "/api/llm/batches",
    }
    return {name: _looked_at(browser, path) for name, path in addresses.items()}


def _looked_at(browser: Any, path: str) -> float:
    def look() -> None:
        reply = browser.get(path)
        if reply.status_code != 200:
            sys.exit(f"{path} answered {reply.status_code}.")

    return sorted(_seconds(look) for _ in range(REPEAT))[REPEAT // 2]


def _seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def tenths(figures: BatchCosts) -> Iterator[tuple[int, float, float, float, float]]:
    """By tenth: its number, ms a row, CPU of lane and of database in ms a row, MB at its end."""
    for number, (one, other) in enumerate(zip(figures.marks, figures.marks[1:], strict=False), 1):
        rows = max(1, other.rows - one.rows)
        yield (
            number,
            (other.at - one.at) * 1000 / rows,
            (other.lane_cpu - one.lane_cpu) * 1000 / rows,
            (other.database_cpu - one.database_cpu) * 1000 / rows,
            other.memory,
        )


def table(figures: BatchCosts) -> str:
    """A line for each tenth."""
    lines = [
        f"| tenth of {figures.rows:,} rows | ms a row | lane's CPU | database's CPU | memory |",
        "| ---: | ---: | ---: | ---: | ---: |",
    ]
    lines += [
        f"| {number} | {row:.3f} | {lane:.3f} | {database:.3f} | {memory:.0f} MB |"
        for number, row, lane, database, memory in tenths(figures)
    ]
    return "\n".join(lines)


def _slope(figures: BatchCosts) -> str:
    parts = list(tenths(figures))
    if len(parts) < TENTHS:
        return "Done before each tenth could be looked at: too few rows for a comparison."
    (_, *first), (_, *last) = parts[0], parts[-1]
    told = ("time", "the lane's CPU", "the database's CPU")
    changes = [
        f"{name} {(new / old - 1) * 100:+.1f} %"
        for name, old, new in zip(told, first, last, strict=False)
        if old
    ]
    memory = f"memory {last[3] - first[3]:+.0f} MB"
    return f"The last tenth against the first, a row: {', '.join((*changes, memory))}."


def _per_row(figures: BatchCosts) -> float:
    return figures.undo * 1e6 / figures.rows


def document(small: BatchCosts, large: BatchCosts, *, command: str, on: str) -> str:
    """docs/performance-scale.md."""
    lines = [
        f"| | {small.rows:,} rows | {large.rows:,} rows |",
        "| --- | ---: | ---: |",
        f"| creating it | {small.creation:.2f} s | {large.creation:.2f} s |",
        *(
            f"| {name} | {seconds * 1000:.0f} ms | {large.pages[name] * 1000:.0f} ms |"
            for name, seconds in small.pages.items()
        ),
        f"| undo, a row | {_per_row(small):.0f} µs | {_per_row(large):.0f} µs |",
    ]
    return f"""# A large batch's last rows beside its first

Written by `python -m benchmarks.scale {command}`; don't edit it by hand. One lane with
{os.environ["LLM_BATCH_CONCURRENT"]} calls in flight, in turns of a minute, against the simulator
without latency; texts, metrics and results are written for each row. CPU is in ms a row: the lane's
of its whole process, the database's of its sessions. Memory is what the lane's process takes at the
end of the tenth.

{table(large)}

{_slope(large)}

{chr(10).join(lines)}

## On what
{on}
"""


if __name__ == "__main__":
    main()
