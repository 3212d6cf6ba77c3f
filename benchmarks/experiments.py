"""`python -m benchmarks.experiments`: how often experiments see a difference, planted or not.

Draws the calls of many experiments of two arms, looks at each after every 50 calls an arm as a
person would who can't wait, and counts those that ever show a difference. Needs no database.
"""

import argparse
import math
import random
from collections.abc import Sequence
from dataclasses import dataclass, field

from metrics.analyzers.intervals import Sample, Share
from metrics.analyzers.judging import ALPHA, Arm, judge

LOOK_EVERY = 50
FIRST_LOOK = 100
CALLS = 2000  # of each arm


@dataclass(frozen=True, slots=True)
class Planted:
    """What is added to the second arm's share of successes, and factors of cost and latency."""

    success: float = 0.0
    cost: float = 1.0
    latency: float = 1.0


NOTHING = Planted()
KINDS = {
    "nothing": NOTHING,
    "a tenth dearer": Planted(cost=1.1),
    "a quarter slower": Planted(latency=1.25),
    "0.05 fewer succeed": Planted(success=-0.05),
}


@dataclass(slots=True)
class ArmSums:
    """Number, sum and sum of squares of what was drawn so far."""

    number: int = 0
    total: float = 0.0
    squares: float = 0.0

    def add(self, value: float) -> None:
        self.number += 1
        self.total += value
        self.squares += value * value

    @property
    def mean(self) -> float:
        return self.total / self.number

    @property
    def variance(self) -> float:
        return (self.squares - self.total**2 / self.number) / (self.number - 1)


@dataclass(slots=True)
class Drawn:
    """One arm's calls: nine of ten succeed, cost and latency have long tails as real ones do."""

    chance: random.Random
    planted: Planted = NOTHING
    hits: int = 0
    costs: ArmSums = field(default_factory=ArmSums)
    latencies: ArmSums = field(default_factory=ArmSums)

    def call(self) -> None:
        self.hits += self.chance.random() < 0.9 + self.planted.success
        self.costs.add(self.planted.cost * self.chance.lognormvariate(-6, 0.7))
        self.latencies.add(self.planted.latency * self.chance.lognormvariate(6, 0.5))


@dataclass(frozen=True, slots=True)
class Seen:
    """Shares of experiments that showed a difference at some look, and calls until then."""

    always_valid: float
    usual: float
    calls: float | None


def measure(planted: Planted, experiments: int, seed: int) -> Seen:
    """Carry out experiments in which the second arm differs by `planted`."""
    chance = random.Random(seed)
    found, usual, calls = 0, 0, []
    for _ in range(experiments):
        control, changed = Drawn(chance), Drawn(chance, planted)
        seen_at, seen_usually = _carry_out(control, changed)
        usual += seen_usually
        if seen_at is not None:
            found += 1
            calls.append(seen_at)
    mean = sum(calls) / len(calls) if calls else None
    return Seen(found / experiments, usual / experiments, mean)


def _carry_out(control: Drawn, changed: Drawn) -> tuple[int | None, bool]:
    seen_at, seen_usually = None, False
    for number in range(1, CALLS + 1):
        control.call()
        changed.call()
        if number % LOOK_EVERY or number < FIRST_LOOK:
            continue
        arms = [as_arm("control", control), as_arm("changed", changed)]
        if seen_at is None and any(each.differs for each in judge(arms)):
            seen_at = number
        seen_usually = seen_usually or _usual_alarm(arms)
    return seen_at, seen_usually


def as_arm(name: str, drawn: Drawn) -> Arm:
    """What the analyzer sees of it."""
    calls = drawn.costs.number
    return Arm(
        name,
        succeeded=Share(drawn.hits, calls),
        accepted=Share(0, 0),
        cost_usd=Sample(calls, drawn.costs.mean, drawn.costs.variance),
        latency_ms=Sample(calls, drawn.latencies.mean, drawn.latencies.variance),
    )


def _usual_alarm(arms: Sequence[Arm]) -> bool:
    """The same comparisons by plain z tests at alpha / 3, which promise it for one look only."""
    for name in ("succeeded", "cost_usd", "latency_ms"):
        one, other = (arm.sample(name) for arm in arms)
        spread = math.sqrt(one.variance / one.number + other.variance / other.number)
        if math.erfc(abs(one.mean - other.mean) / spread / math.sqrt(2)) <= ALPHA / 3:
            return True
    return False


def main() -> None:
    """Measure experiments over many draws and print a table of what they decide."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--experiments", type=int, default=400, help="Of each kind (400).")
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    looks = (CALLS - FIRST_LOOK) // LOOK_EVERY + 1
    print(
        f"{asked.experiments} experiments of each kind, two arms of {CALLS:,} calls, looked at"
        f" {looks} times; nominal rate of false alarms {ALPHA:.0%}.\n"
    )
    print("| planted | shown | by usual tests at each look | calls an arm until shown |")
    print("| --- | --- | --- | --- |")
    for name, planted in KINDS.items():
        seen = measure(planted, asked.experiments, asked.seed)
        calls = "" if seen.calls is None else f"{seen.calls:,.0f}"
        print(f"| {name} | {seen.always_valid:.1%} | {seen.usual:.1%} | {calls} |")


if __name__ == "__main__":
    main()
