"""All that one simulated provider remembers."""

from __future__ import annotations

import heapq
import random
import time
from collections import deque
from dataclasses import dataclass, field

from project.embedded.simulator.batches import Jobs
from project.embedded.simulator.controls import Controls
from project.embedded.simulator.faults import Plan
from project.embedded.simulator.files import Files
from project.embedded.simulator.prompt_cache import PromptCache
from project.embedded.simulator.stats import CallStats

KEPT_TRACES = 200


@dataclass(slots=True)
class Traces:
    """Spans received over OTLP: how many requests, and the bodies of the last ones."""

    received: int = 0
    bodies: deque[tuple[dict[str, str], bytes]] = field(
        default_factory=lambda: deque(maxlen=KEPT_TRACES)
    )


@dataclass(slots=True)
class State:
    """One provider; `api_key` None accepts any key."""

    controls: Controls
    api_key: str | None
    seed: int
    rng: random.Random
    stats: CallStats = field(default_factory=CallStats)
    plan: Plan | None = None
    files: Files = field(default_factory=Files)
    openai_jobs: Jobs = field(default_factory=lambda: Jobs("batch_sim"))
    anthropic_jobs: Jobs = field(default_factory=lambda: Jobs("msgbatch_sim"))
    traces: Traces = field(default_factory=Traces)
    prompt_cache: PromptCache = field(default_factory=PromptCache)
    requests: int = 0
    free_at: list[float] = field(default_factory=list)  # a heap: when each slot is

    def next_request_id(self) -> str:
        """A new id for a reply."""
        self.requests += 1
        return f"req_{self.requests:016x}"

    def latency_s(self) -> float:
        """When the next answer is due; with `slots`, after those that came before it."""
        latency_s = self.controls.latency_ms / 1000
        if self.controls.latency_spread:
            latency_s *= self.rng.lognormvariate(0.0, self.controls.latency_spread)
        return latency_s if self.controls.slots is None else self._queued_s(latency_s)

    def _queued_s(self, latency_s: float) -> float:
        """The time until a slot has worked off what was queued before, and then this."""
        now, slots = time.monotonic(), max(1, self.controls.slots or 0)
        if len(self.free_at) != slots:
            self.free_at = [now] * slots
        begins = max(now, self.free_at[0])
        heapq.heapreplace(self.free_at, begins + latency_s)
        return begins + latency_s - now

    def reset(self) -> None:
        """Forget the plan and what was counted; settings, files and batches stay."""
        self.plan = None
        self.stats = self.stats.fresh()
        self.traces = Traces()
        self.prompt_cache = PromptCache()
        self.free_at = []
