"""What the simulator saw and what a provider would have billed for it: `GET /_stats`.

An answer is paid for when it is produced: that is after the latency, and also when the client has
gone by then or the connection is cut in the middle. What fails with a status is not paid.
"""

from __future__ import annotations

import time
from collections import Counter, deque
from dataclasses import dataclass, field
from decimal import Decimal

from project.embedded.simulator.calls import SimulatedAnswer, SimulatedCall
from project.embedded.simulator.controls import Controls, Price
from project.embedded.simulator.wire import JsonObject

MINUTE_S = 60.0
BATCH_FACTOR = Decimal("0.5")
MILLION = 1_000_000
MIN_WAIT_S = 0.05


class Window:
    """How much came within the last `span_s` seconds, and the most that ever did."""

    __slots__ = ("_events", "_span_s", "_total", "peak")

    def __init__(self, span_s: float) -> None:
        self._events: deque[tuple[float, int]] = deque()
        self._span_s = span_s
        self._total = 0
        self.peak = 0

    def add(self, now: float, amount: int) -> None:
        """Count this much at this moment."""
        self._total += amount
        self._events.append((now, amount))
        total = self.total(now)
        self.peak = max(self.peak, total)

    def total(self, now: float) -> int:
        """What is inside the window that ends now."""
        events, start = self._events, now - self._span_s
        while events and events[0][0] <= start:
            self._total -= events.popleft()[1]
        return self._total

    def room_in_s(self, now: float) -> float:
        """Seconds until the oldest event leaves the window; 0 if it is empty."""
        return max(0.0, self._events[0][0] + self._span_s - now) if self._events else 0.0


@dataclass(slots=True)
class BilledTotals:
    """Token totals of one model, as a bill would list them."""

    calls: int = 0
    input: int = 0
    output: int = 0
    cached: int = 0
    reported: float = 0.0

    def add(self, answer: SimulatedAnswer) -> None:
        self.calls += 1
        self.input += answer.input_tokens
        self.output += answer.output_tokens
        self.cached += answer.cached_tokens
        self.reported += answer.cost or 0.0

    def cost(self, price: Price) -> Decimal:
        fresh = self.input - self.cached
        total = fresh * price.input + self.cached * price.cached + self.output * price.output
        return total / MILLION


@dataclass(slots=True)
class CallStats:
    """Everything counted since the start or the last `POST /_reset`."""

    requests: int = 0
    last_arrival: float | None = None  # Unix time
    by_path: Counter[str] = field(default_factory=Counter)
    by_model: Counter[str] = field(default_factory=Counter)
    by_status: Counter[int] = field(default_factory=Counter)
    by_fault: Counter[str] = field(default_factory=Counter)
    paid_by_path: Counter[str] = field(default_factory=Counter)
    paid: int = 0
    paid_lost: int = 0
    limited: int = 0
    in_flight: int = 0
    max_in_flight: int = 0
    connections: int = 0
    max_connections: int = 0
    keys: Counter[str] = field(default_factory=Counter)
    attempts: Counter[str] = field(default_factory=Counter)
    billed: dict[tuple[str, bool], BilledTotals] = field(default_factory=dict)
    requests_1s: Window = field(default_factory=lambda: Window(1.0))
    requests_60s: Window = field(default_factory=lambda: Window(MINUTE_S))
    let_in_60s: Window = field(default_factory=lambda: Window(MINUTE_S))
    tokens_1s: Window = field(default_factory=lambda: Window(1.0))
    tokens_60s: Window = field(default_factory=lambda: Window(MINUTE_S))

    def arrived(self, call: SimulatedCall) -> int:
        """A call came in; returns how often its prompt has, this time included."""
        if not call.batch:
            self.last_arrival = time.time()
            now = time.monotonic()
            self.requests_1s.add(now, 1)
            self.requests_60s.add(now, 1)
        self.by_model[call.model] += 1
        self.attempts[call.key] += 1
        return self.attempts[call.key]

    def began(self) -> None:
        """A call was let in and is being answered."""
        self.let_in_60s.add(time.monotonic(), 1)
        self.in_flight += 1
        self.max_in_flight = max(self.max_in_flight, self.in_flight)

    def bill(self, call: SimulatedCall, answer: SimulatedAnswer) -> None:
        self.paid += 1
        self.paid_by_path[call.path] += 1
        self.keys[call.key] += 1
        line = self.billed.get((call.model, call.batch))
        if line is None:
            line = self.billed[call.model, call.batch] = BilledTotals()
        line.add(answer)
        if call.batch:
            return  # batches have limits of their own
        now = time.monotonic()
        self.tokens_1s.add(now, answer.input_tokens + answer.output_tokens)
        self.tokens_60s.add(now, answer.input_tokens + answer.output_tokens)

    def wait_s(self, controls: Controls) -> float:
        """Seconds until the limits set would let in one more call; 0 if they do now."""
        now, waits = time.monotonic(), [0.0]
        if controls.max_concurrency is not None and self.in_flight >= controls.max_concurrency:
            waits.append(max(MIN_WAIT_S, controls.latency_ms / 1000))
        limits = ((controls.rpm, self.let_in_60s), (controls.tpm, self.tokens_60s))
        for limit, window in limits:
            if limit is not None and window.total(now) >= limit:
                waits.append(max(MIN_WAIT_S, window.room_in_s(now)))
        return max(waits)

    def fresh(self) -> CallStats:
        """Empty statistics that go on knowing what is open and in flight."""
        return CallStats(
            in_flight=self.in_flight,
            max_in_flight=self.in_flight,
            connections=self.connections,
            max_connections=self.connections,
        )

    def report(self, controls: Controls, *, keys: bool) -> JsonObject:
        """The body of `GET /_stats`; the keys are many, so they come only when asked for."""
        report: JsonObject = {
            "requests": self.requests,
            "last_arrival": self.last_arrival,
            "by_path": self.by_path,
            "by_model": self.by_model,
            "by_status": {str(status): count for status, count in self.by_status.items()},
            "by_fault": self.by_fault,
            "paid": self.paid,
            "paid_by_path": self.paid_by_path,
            "paid_lost": self.paid_lost,
            "distinct": len(self.keys),
            "repeats": self.paid - len(self.keys),
            "limited": self.limited,
            "tokens": self._tokens(),
            "cost": self._cost(controls),
            "in_flight": self.in_flight,
            "max_in_flight": self.max_in_flight,
            "connections": self.connections,
            "max_connections": self.max_connections,
            "peak": self._peaks(),
        }
        if keys:
            report["keys"] = self.keys
            report["attempts"] = self.attempts
        return report

    def _tokens(self) -> JsonObject:
        lines = self.billed.values()
        return {
            "input": sum(line.input for line in lines),
            "output": sum(line.output for line in lines),
            "cached": sum(line.cached for line in lines),
        }

    def _cost(self, controls: Controls) -> JsonObject:
        """Dollars as texts; `unpriced` counts the paid calls of models without a price."""
        prices = dict(controls.prices)
        total, unpriced = Decimal(0), 0
        for (model, batch), line in self.billed.items():
            price = prices.get(model)
            if price is None:
                unpriced += line.calls
                continue
            total += line.cost(price) * (BATCH_FACTOR if batch else 1)
        reported = sum(line.reported for line in self.billed.values())
        return {"usd": str(total), "unpriced": unpriced, "reported": reported}

    def _peaks(self) -> JsonObject:
        return {
            "requests_1s": self.requests_1s.peak,
            "requests_60s": self.requests_60s.peak,
            "tokens_1s": self.tokens_1s.peak,
            "tokens_60s": self.tokens_60s.peak,
        }
