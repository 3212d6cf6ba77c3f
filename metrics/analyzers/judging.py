"""An experiment's arms held against each other: which differences are more than chance, and whether
an arm passes the experiment's gates. May be looked at as often as one likes.
"""

from collections.abc import Iterator, Sequence
from itertools import combinations

from django.db.models import TextChoices
from msgspec import Struct

from llmconfig.runtime.records import replace
from metrics.analyzers.intervals import Sample, Share
from metrics.analyzers.sequential import NO_VALUES, as_sample, gap

MIN_CALLS = 100  # in each arm, where the experiment doesn't say
ALPHA = 0.05  # how often an experiment without differences may ever show one
HIGHER_IS_BETTER = frozenset({"succeeded", "accepted", "quality"})
JUDGED_LATER = frozenset({"accepted", "quality"})  # by people and checks, if at all
MEASURES = ("succeeded", "accepted", "quality", "cost_usd", "latency_ms")


class Verdict(TextChoices):
    """What to do with an arm."""

    WAIT = "wait", "Wait: not enough is known yet"
    PROMOTE = "promote", "Promote: it passes every gate and is better in something"
    NO_WORSE = "no_worse", "No worse: it passes every gate, nothing shows it to be better"
    STOP = "stop", "Stop: it fails a gate"


class Arm(Struct, frozen=True):
    """One arm's calls. `accepted` and `quality` are of judged answers, cost of priced calls."""

    name: str
    succeeded: Share
    accepted: Share
    cost_usd: Sample
    latency_ms: Sample
    quality: Sample = NO_VALUES

    @property
    def unpriced(self) -> int:
        """How many calls have no known cost, and are in no mean of it."""
        return self.succeeded.number - self.cost_usd.number

    def sample(self, measure: str) -> Sample:
        """A measure's values; a share is one of zeros and ones."""
        found: Share | Sample = getattr(self, measure)
        return as_sample(found) if isinstance(found, Share) else found


class MeasureDifference(Struct, frozen=True):
    """How much `other` has more than `one` of a measure: surely between `low` and `high`.

    `differs` holds after correction for the number of comparisons, however often one looks.
    """

    measure: str
    one: str
    other: str
    p: float
    differs: bool
    value: float = 0.0
    low: float = 0.0
    high: float = 0.0


class Gate(Struct, frozen=True):
    """An arm held against the control: `passed` is None as long as that isn't sure.

    `value` is the loss of quality, or the increase of cost or latency as a share of the control's;
    `margin` is what the experiment allows.
    """

    measure: str
    margin: float
    value: float | None
    passed: bool | None


class ArmJudgement(Struct, frozen=True):
    """What to do with an arm, and why."""

    arm: str
    verdict: Verdict
    gates: tuple[Gate, ...]
    better_in: tuple[str, ...]


class Margins(Struct, frozen=True):
    """What an experiment allows an arm; None is no gate."""

    quality_loss: float | None
    cost_increase: float | None
    latency_increase: float | None

    def of(self, measure: str) -> float | None:
        if measure in HIGHER_IS_BETTER:
            return self.quality_loss
        return self.cost_increase if measure == "cost_usd" else self.latency_increase


def judge(arms: Sequence[Arm], *, fewest: int = MIN_CALLS) -> list[MeasureDifference]:
    """Every pair of arms in every measure, by Holm's correction: the least p against alpha / n."""
    found = sorted(_comparisons(arms, fewest), key=lambda each: each.p)
    judged, differs = [], True
    for place, each in enumerate(found):
        differs = differs and each.p <= ALPHA / (len(found) - place)
        judged.append(replace(each, differs=differs))
    return judged


def hold_to_gates(
    arm: Arm,
    control: Arm,
    differences: Sequence[MeasureDifference],
    margins: Margins,
    *,
    fewest: int,
) -> ArmJudgement:
    """The gates of one arm, and what they and the differences say."""
    wanted = [measure for measure in MEASURES if _is_gate(measure, arm, control, margins, fewest)]
    gates = tuple(
        _gate(measure, arm, control, margins.of(measure) or 0.0, ALPHA / len(wanted), fewest)
        for measure in wanted
    )
    better = tuple(
        each.measure
        for each in differences
        if each.differs and {each.one, each.other} == {arm.name, control.name}
        and _better(each) == arm.name
    )  # fmt: skip
    return ArmJudgement(arm.name, _verdict(gates, better), gates, better)


def _verdict(gates: Sequence[Gate], better: Sequence[str]) -> Verdict:
    if any(gate.passed is False for gate in gates):
        return Verdict.STOP
    if any(gate.passed is None for gate in gates):
        return Verdict.WAIT
    if better:
        return Verdict.PROMOTE
    return Verdict.NO_WORSE if gates else Verdict.WAIT


def _better(difference: MeasureDifference) -> str:
    """Which of the two arms fares better."""
    rises = difference.value > 0
    wanted = difference.measure in HIGHER_IS_BETTER
    return difference.other if rises is wanted else difference.one


def _is_gate(measure: str, arm: Arm, control: Arm, margins: Margins, fewest: int) -> bool:
    """Whether it is wanted, and known at all: not everybody has prices, reviewers or checks."""
    if margins.of(measure) is None:
        return False
    numbers = arm.sample(measure).number, control.sample(measure).number
    return min(numbers) >= fewest if measure in JUDGED_LATER else max(numbers) > 0


def _gate(measure: str, arm: Arm, control: Arm, margin: float, alpha: float, fewest: int) -> Gate:
    sample, against = arm.sample(measure), control.sample(measure)
    if min(sample.number, against.number) < fewest:
        return Gate(measure, margin, None, None)
    if measure in HIGHER_IS_BETTER:
        value = against.mean - sample.mean
        found = gap(against, sample)
        beyond = found.value - margin
    else:
        value = sample.mean / against.mean - 1 if against.mean else float(sample.mean > 0)
        found = gap(sample, against, factor=1 + margin)
        beyond = found.value
    reach = found.reach(alpha)
    passed = True if beyond + reach <= 0 else False if beyond - reach > 0 else None
    return Gate(measure, margin, value, passed)


def _comparisons(arms: Sequence[Arm], fewest: int) -> Iterator[MeasureDifference]:
    """Each measure of which both arms have enough."""
    for one, other in combinations(arms, 2):
        for measure in MEASURES:
            before, after = one.sample(measure), other.sample(measure)
            if min(before.number, after.number) < fewest:
                continue
            found = gap(after, before)
            reach = found.reach(ALPHA)
            yield MeasureDifference(
                measure, one.name, other.name, found.p(), differs=False, value=found.value,
                low=found.value - reach, high=found.value + reach,
            )  # fmt: skip
