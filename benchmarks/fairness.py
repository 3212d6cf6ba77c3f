"""`make fairness`: ten batches of different priorities and sizes share four workers and limits.

    make fairness ARGS="--seconds 120"

Real Celery workers and beat, PostgreSQL, Valkey and an HTTP provider. One batch joins late, one is
paused for a while, the small ones end early. From second to second each batch that has anything to
do is due its weight's part of the answers that came; at the end its answers are set beside its due.
"""

import os
import sys
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import django

from benchmarks.disasters import Launcher, Servers, Workers, kill, servers

WORKERS = 4  # of one lane each
PRIORITIES = (10, 5, 5, 0, 0, 0, 0, -5, -5, -10)
LATE, PAUSED = 2, 4  # which of them
LIMITS: dict[str, dict[str, int]] = {
    "12 calls at a time": {"max_concurrency": 12},
    "1,500 requests a minute": {"requests_per_minute": 1500},
    "none": {},
}
LATENCY_MS = 200
MOST = 0.10  # of its due that a batch may have more or less


@dataclass(slots=True)
class BatchShare:
    """A batch, what it was answered, and what it was due."""

    priority: int
    rows: int
    batch: Any = None
    answered: int = 0
    due: float = 0.0
    ended_at: float | None = None
    active_before: bool = field(default=False)

    @property
    def off(self) -> float:
        """By which part of its due it had more."""
        return self.answered / self.due - 1 if self.due else 0.0


def main() -> None:
    """Measure under each limit and print the tables."""
    options = _options()
    os.environ["LLM_BATCH_CONCURRENT"] = "10"
    os.environ["LLM_CACHE_ENABLED"] = "false"
    os.environ["LLM_EGRESS_ALLOW"] = "127.0.0.1"
    with servers() as running:
        os.environ |= running.variables
        os.environ["DJANGO_SETTINGS_MODULE"] = "project.settings"
        django.setup()
        from benchmarks import report

        worst = 0.0
        for shares, what in _trials(options, running):
            print(table(shares, what), flush=True)
            worst = max(worst, *(abs(each.off) for each in shares))
        print(report.machine())
    if worst > MOST:
        sys.exit(f"FAILED: a batch was {worst:.0%} off its due.")


def _options() -> Namespace:
    parser = ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--seconds", type=float, default=120.0, help="under each limit")
    parser.add_argument("--limits", nargs="*", choices=list(LIMITS), default=list(LIMITS))
    return parser.parse_args()


def _trials(options: Namespace, running: Servers) -> Any:
    from benchmarks.database import multiply, prepare
    from benchmarks.provider import simulator
    from llmconfig.configuration.revisions import change
    from llmconfig.models import LLMConfig, Provider

    with simulator() as provider:
        prepare(provider.url)
        provider.control(latency_ms=LATENCY_MS)
        multiply(120_000)
        launcher = Launcher(running.state.log("fairness"))
        used = 0
        for what in options.limits:
            with change(source="shell", message="Fairness"):
                LLMConfig.objects.update(concurrent_tasks=WORKERS)
                Provider.objects.update(
                    **{"max_concurrency": None, "requests_per_minute": None, **LIMITS[what]}
                )
            shares = _shares(options.seconds)
            used = _create(shares, used)
            _watch(shares, launcher, running, options.seconds)
            yield shares, what


def _shares(seconds: float) -> list[BatchShare]:
    """Sizes of a tenth of a minute's answers to more than there are; some end early."""
    from enrichment.engine.turns import weight_of

    total = sum(map(weight_of, PRIORITIES))
    rows = []
    for number, priority in enumerate(PRIORITIES):
        part = 60 * seconds * weight_of(priority) / total
        rows.append(BatchShare(priority, max(20, int(part * (0.6 if number in {1, 6, 8} else 4)))))
    return rows


def _create(shares: list[BatchShare], used: int) -> int:
    from benchmarks.database import ENRICHMENT, row_ids
    from enrichment.batches import creation

    ids = row_ids(used + sum(each.rows for each in shares))
    for each in shares:
        chosen = ids[used : used + each.rows]
        used += each.rows
        terms = creation.Terms(priority=each.priority)
        each.batch = creation.create(ENRICHMENT, creation.Selection(ids=chosen), terms=terms)
    return used


def _watch(shares: list[BatchShare], launcher: Launcher, running: Servers, seconds: float) -> None:
    """Let them run for so long, and book from second to second who was due what."""
    from enrichment import tasks
    from enrichment.batches import lifecycle

    late, paused = shares[LATE], shares[PAUSED]
    lifecycle.pause(late.batch)
    for each in shares:
        if each is not late:
            tasks.start_lanes(each.batch)
    workers = Workers(launcher, 1)
    beat = launcher.celery(
        "beat", "--schedule", str(running.state.directory / "fair-beat"), "--pidfile="
    )
    try:
        for _ in range(WORKERS):
            workers.add()
        while not sum(_answered(shares)):
            time.sleep(0.1)
        began = time.monotonic()
        steps: list[tuple[float, Callable[[], None]]] = [
            (0.25, lambda: _resume(late)),
            (0.4, lambda: lifecycle.pause(paused.batch)),
            (0.6, lambda: _resume(paused)),
        ]
        while (passed := time.monotonic() - began) < seconds:
            while steps and passed >= steps[0][0] * seconds:
                steps.pop(0)[1]()
            _book(shares)
            time.sleep(1)
        _book(shares)
        for each in shares:
            each.batch.refresh_from_db()
            if each.batch.status in {"pending", "running", "paused"}:
                lifecycle.cancel(each.batch)
    finally:
        workers.end()
        kill(beat)


def _resume(share: BatchShare) -> None:
    from enrichment import tasks
    from enrichment.batches import lifecycle

    lifecycle.resume(share.batch)
    tasks.start_lanes(share.batch)


def _answered(shares: list[BatchShare]) -> list[int]:
    from enrichment.batches.progress import progress_of

    return [progress_of(each.batch.pk).calls for each in shares]


def _book(shares: list[BatchShare]) -> None:
    """What came since is due to those that had anything to do meanwhile, by weight."""
    from enrichment.engine.turns import weight_of

    now = _answered(shares)
    came = sum(now) - sum(each.answered for each in shares)
    at_work = [each for each in shares if each.active_before]
    weight = sum(weight_of(each.priority) for each in at_work)
    for each in at_work:
        each.due += came * weight_of(each.priority) / weight
    for each, answered in zip(shares, now, strict=True):
        each.answered = answered
        each.batch.refresh_from_db(fields=["status"])
        each.active_before = each.batch.status in {"pending", "running"} and answered < each.rows


def table(shares: list[BatchShare], what: str) -> str:
    """A line for each batch."""
    from enrichment.engine.turns import weight_of

    lines = [
        f"Limit: {what}.\n",
        "| priority | weight | rows | | answers | due | off |",
        "| ---: | ---: | ---: | --- | ---: | ---: | ---: |",
    ]
    for number, each in enumerate(shares):
        notes = [] if each.answered < each.rows else ["ended"]
        notes += ["joined late"] if number == LATE else []
        notes += ["paused meanwhile"] if number == PAUSED else []
        lines.append(
            f"| {each.priority} | {weight_of(each.priority):g} | {each.rows:,} |"
            f" {', '.join(notes)} | {each.answered:,} | {each.due:,.0f} | {each.off:+.1%} |"
        )
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
