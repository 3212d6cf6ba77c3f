"""Batches of calls that a provider works off in its own time, in no vendor's shape.

A batch takes `batch_ms`, as that is by then: the first tenth it is checked, the last tenth its
results are written, and in between its calls are answered one after the other.
"""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from project.embedded.simulator.errors import SimulatedRefusal
from project.embedded.simulator.wire import JsonObject

DAY_S = 86_400
CHECKED = 0.1
WRITING = 0.9
MAX_PER_TURN = 200  # so that a big batch never holds up other requests for long
TURNS = 50
MIN_TURN_S = 0.005

Fate = Literal["succeeded", "errored", "canceled", "expired"]
Phase = Literal["checking", "working", "writing", "canceling", "failed", "ended"]


@dataclass(frozen=True, slots=True)
class SimulatedOutcome:
    """What became of one call: a body for those answered or refused, None for the rest."""

    custom_id: str
    fate: Fate
    status: int = 0
    body: JsonObject | None = None


@dataclass(slots=True)
class Job:
    """One batch on its way; `end` tells how it ended once it has."""

    id: str
    requests: list[tuple[str, JsonObject]]
    duration_s: Callable[[], float]  # as it is wanted now
    expire_at: float | None
    details: JsonObject
    faults: tuple[str, ...] = ()
    problems: list[JsonObject] = field(default_factory=list)
    outcomes: list[SimulatedOutcome] = field(default_factory=list)
    phase: Phase = "checking"
    end: Literal["completed", "canceled", "expired", "failed"] | None = None
    created_at: float = field(default_factory=time.time)
    started: float = field(default_factory=time.monotonic)
    times: dict[str, float] = field(default_factory=dict)

    def counts(self) -> Counter[str]:
        """How many calls met which fate so far."""
        return Counter(outcome.fate for outcome in self.outcomes)

    def cancel(self) -> None:
        """Stop answering; what is answered stays."""
        if self.end is None:
            self._enter("canceling")

    def advance(self, answer: Callable[[str, JsonObject], SimulatedOutcome]) -> None:
        """Do what is due by now: at most `MAX_PER_TURN` calls."""
        share = self._share()
        if self.phase == "canceling":
            self._give_up("canceled")
            return
        if self.phase == "checking" and share >= CHECKED:
            self._enter("failed" if self.problems else "working")
        if self.phase == "failed":
            self.end = "failed"
        if self.phase == "working":
            self._work(share, answer)
        if self.phase == "writing" and share >= 1:
            self._finish("completed")

    def _work(self, share: float, answer: Callable[[str, JsonObject], SimulatedOutcome]) -> None:
        worked = min(1.0, (share - CHECKED) / (WRITING - CHECKED))
        limit = 1.0 if self.expire_at is None else self.expire_at
        due = int(len(self.requests) * min(worked, limit))
        done = len(self.outcomes)
        for custom_id, body in self.requests[done : min(due, done + MAX_PER_TURN)]:
            self.outcomes.append(answer(custom_id, body))
        if len(self.outcomes) < due or worked < limit:
            return
        if limit < 1:
            self._give_up("expired")
        else:
            self._enter("writing")

    def _give_up(self, fate: Literal["canceled", "expired"]) -> None:
        for custom_id, _ in self.requests[len(self.outcomes) :]:
            self.outcomes.append(SimulatedOutcome(custom_id, fate))
        self._finish(fate)

    def _finish(self, end: Literal["completed", "canceled", "expired"]) -> None:
        # Neither vendor promises the order of the requests.
        random.Random(self.id).shuffle(self.outcomes)  # noqa: S311 - disorder, not secrecy
        self.end = end
        self._enter("ended")

    def _enter(self, phase: Phase) -> None:
        self.phase = phase
        self.times[phase] = time.time()

    def _share(self) -> float:
        elapsed, duration_s = time.monotonic() - self.started, self.duration_s()
        return 1.0 if duration_s <= 0 else min(1.0, elapsed / duration_s)

    @property
    def turn_s(self) -> float:
        """Seconds until it is worth looking again."""
        return max(MIN_TURN_S, self.duration_s() / TURNS)


@dataclass(slots=True)
class Jobs:
    """The batches of one vendor, newest last."""

    prefix: str
    jobs: dict[str, Job] = field(default_factory=dict)

    def add(
        self,
        requests: list[tuple[str, JsonObject]],
        *,
        duration_s: Callable[[], float],
        expire_at: float | None,
        details: JsonObject,
        faults: tuple[str, ...] = (),
        problems: list[JsonObject] | None = None,
    ) -> Job:
        job_id = f"{self.prefix}{len(self.jobs) + 1:012d}"
        job = Job(job_id, requests, duration_s, expire_at, details, faults, problems or [])
        self.jobs[job_id] = job
        return job

    def find(self, job_id: str) -> Job:
        """The batch of this id; refuses with 404."""
        job = self.jobs.get(job_id)
        if job is None:
            raise SimulatedRefusal(404, f"No batch found with id '{job_id}'.")
        return job

    def full(self, queue: int | None) -> bool:
        """Whether so many are in work that another finds the queue full."""
        working = sum(job.end is None and not job.problems for job in self.jobs.values())
        return queue is not None and working >= queue

    def page(self, *, after: str | None, limit: int) -> tuple[list[Job], bool]:
        """The newest batches after this id, and whether more follow."""
        newest = list(reversed(self.jobs.values()))
        ids = [job.id for job in newest]
        start = ids.index(after) + 1 if after in ids else 0
        return newest[start : start + limit], len(newest) > start + limit


def page_limit(given: str | None) -> int:
    """The asked page size between 1 and 100, 20 if none was asked."""
    if given is None:
        return 20
    if not given.isdecimal() or not 1 <= int(given) <= 100:
        raise SimulatedRefusal(400, "limit must be between 1 and 100", param="limit")
    return int(given)
