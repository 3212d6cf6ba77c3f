"""The bound that a process finds for a provider, in simulated time: no clock, no network."""

import heapq
import random
from collections.abc import Callable
from dataclasses import dataclass, field

from llmconfig.client.traffic.adaptive_concurrency import Concurrency

WINDOW = 100  # calls that the caller would like to have under way


@dataclass
class Provider:
    """Serves `workers` calls at a time, each as long as `takes` says; others wait in its queue."""

    workers: int
    takes: Callable[[], float]
    busy_until: list[float] = field(default_factory=list)

    def answers_at(self, now: float) -> float:
        if len(self.busy_until) < self.workers:
            done = now + self.takes()
        else:
            done = max(now, heapq.heappop(self.busy_until)) + self.takes()
        heapq.heappush(self.busy_until, done)
        return done


def _run(provider: Provider, *, seconds: float) -> tuple[Concurrency, float]:
    """The bound after so long, and the answers per second."""
    bound, now, answers = Concurrency(), 0.0, 0
    calls: list[tuple[float, float]] = []
    while now < seconds:
        while len(calls) < min(WINDOW, bound.limit):
            heapq.heappush(calls, (provider.answers_at(now), now))
        now, sent = heapq.heappop(calls)
        answers += 1
        bound.answered("node", seconds=now - sent, words=50, in_flight=len(calls) + 1, now=now)
    return bound, answers / now


def test_a_queue_at_the_provider_is_shortened_without_losing_a_call_per_second() -> None:
    bound, rate = _run(Provider(workers=8, takes=lambda: 0.2), seconds=120)
    assert bound.limit <= 40
    assert rate >= 0.97 * 8 / 0.2


def test_answers_that_are_slow_whatever_one_does_are_not_asked_for_less() -> None:
    uneven = random.Random(7)
    takes = lambda: uneven.choice((0.2, 0.9, 1.5, 3.0))  # noqa: E731
    bound, rate = _run(Provider(workers=1000, takes=takes), seconds=600)
    assert rate >= 0.97 * WINDOW / 1.4
    assert bound.limit >= WINDOW * 0.8


def test_one_slow_wave_at_the_start_is_no_queue() -> None:
    first = [1.5] * WINDOW
    takes = lambda: first.pop() if first else 0.2  # noqa: E731
    bound, rate = _run(Provider(workers=1000, takes=takes), seconds=60)
    assert rate >= 0.95 * WINDOW / 0.2
    assert bound.limit >= WINDOW


def test_refusals_bring_the_bound_to_what_was_taken_and_quiet_lets_it_grow() -> None:
    bound, now = Concurrency(), 0.0
    for others in range(40, 20, -1):
        bound.refused(others=others, now=now)
    assert bound.limit == 21
    for _ in range(400):
        now += 0.05
        bound.answered("node", seconds=0.2, words=50, in_flight=21, now=now)
    assert bound.limit > 21
