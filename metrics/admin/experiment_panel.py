"""An experiment's arms side by side on its own page, held against its gates."""

from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from msgspec import Struct

from llmconfig.admin.kit.panels import Panel, register_doubts, register_experiment_panel
from llmconfig.admin.kit.presentation import NOTHING, badge
from llmconfig.configuration.numbers import count, decimal, dollars, milliseconds, money, percent
from metrics.analyzers.experiments import Comparison, compare
from metrics.analyzers.intervals import Sample, Share
from metrics.analyzers.judging import Arm, ArmJudgement, Gate, Verdict

LABELS = {
    "succeeded": _("Succeeded"),
    "accepted": _("Accepted by people"),
    "quality": _("Quality score"),
    "cost_usd": _("Cost per call"),
    "latency_ms": _("Latency"),
}
TONES = {
    Verdict.WAIT: "plain",
    Verdict.PROMOTE: "good",
    Verdict.NO_WORSE: "info",
    Verdict.STOP: "danger",
}


class ArmColumn(Struct, frozen=True):
    """One arm: its verdict, its number of calls."""

    name: str
    verdict: SafeString
    calls: str


class ArmCell(Struct, frozen=True):
    """One arm in one measure; `note` says how it stands against the control."""

    value: str | SafeString
    note: str
    badge: str | SafeString


class MeasureLine(Struct, frozen=True):
    """One measure of an experiment, with a cell for each arm."""

    label: str
    cells: tuple[ArmCell, ...]


def experiment_panel(request: HttpRequest, experiment: str) -> Panel | None:
    """Three queries, bounded by the experiment's time and served by an index of its calls."""
    if not request.user.has_perm("metrics.view_generationmetric"):
        return None
    found = compare(experiment)
    judgements = {each.arm: each for each in found.judgements}
    return Panel(
        "nodewise/experiment_arms.html",
        {
            "columns": [_column(arm, found, judgements.get(arm.name)) for arm in found.arms],
            "lines": [
                MeasureLine(
                    str(label), tuple(_cell(measure, arm, found, judgements) for arm in found.arms)
                )
                for measure, label in LABELS.items()
                if any(arm.sample(measure).number for arm in found.arms)
            ],
            "fewest": found.fewest_calls,
            "judged": bool(found.judgements),
        },
    )


def _column(arm: Arm, found: Comparison, judgement: ArmJudgement | None) -> ArmColumn:
    if arm.name == found.control:
        shown = badge(gettext("control"), "plain")
    elif judgement is None:
        shown = SafeString()
    else:
        shown = badge(judgement.verdict.label.partition(":")[0], TONES[judgement.verdict])
    return ArmColumn(arm.name, shown, count(arm.succeeded.number))


def _cell(
    measure: str, arm: Arm, found: Comparison, judgements: dict[str, ArmJudgement]
) -> ArmCell:
    judgement = judgements.get(arm.name)
    gate = None
    if judgement is not None:
        gate = next((each for each in judgement.gates if each.measure == measure), None)
    return ArmCell(_value(measure, arm), _note(measure, arm, found), _gate(gate))


def _value(measure: str, arm: Arm) -> str | SafeString:
    raw: Share | Sample = getattr(arm, measure)
    if not raw.number:
        return money(None) if measure == "cost_usd" and arm.unpriced else NOTHING
    if isinstance(raw, Share):
        return percent(raw.value or 0, 1)
    if measure == "cost_usd":
        shown = dollars(raw.mean, 6)
        if not arm.unpriced:
            return shown
        return gettext("{money} + {calls} unpriced").format(money=shown, calls=count(arm.unpriced))
    return milliseconds(raw.mean) if measure == "latency_ms" else decimal(raw.mean, 3)


def _note(measure: str, arm: Arm, found: Comparison) -> str:
    """The difference to the control and its interval, where there are calls enough."""
    for each in found.differences:
        if each.measure == measure and {each.one, each.other} == {arm.name, found.control}:
            sign = 1 if each.other == arm.name else -1
            low, high = sorted((sign * each.low, sign * each.high))
            told = (
                gettext("{low} to {high}")
                if each.differs
                else gettext("{low} to {high}, may be chance")
            )
            return told.format(low=_shown(measure, low), high=_shown(measure, high))
    return ""


def _shown(measure: str, value: float) -> str:
    if measure == "cost_usd":
        return dollars(value, 6, signed=True)
    if measure == "latency_ms":
        return f"{decimal(round(value), 0, signed=True)} ms"
    return (
        decimal(value, 3, signed=True)
        if measure == "quality"
        else gettext("{number} points").format(number=decimal(value * 100, 1, signed=True))
    )


def _gate(gate: Gate | None) -> str | SafeString:
    if gate is None:
        return ""
    if gate.passed is None:
        return badge(gettext("gate: not sure yet"), "plain")
    return (
        badge(gettext("gate passed"), "good")
        if gate.passed
        else badge(gettext("gate failed"), "danger")
    )


def doubts_of(experiment: str, arm: str) -> list[str]:
    """The verdict on an arm unless it is to promote it, and the figures behind it."""
    found = compare(experiment)
    judgement = next((each for each in found.judgements if each.arm == arm), None)
    if judgement is None:
        return [gettext("{arm} has too few recorded calls to be judged.").format(arm=arm)]
    if judgement.verdict in {Verdict.PROMOTE, Verdict.NO_WORSE}:
        return []
    shown = next(each for each in found.arms if each.name == arm)
    figures = [
        (
            gettext("{measure}: {value}, its gate failed.")
            if gate.passed is False
            else gettext("{measure}: {value}, not sure yet.")
        ).format(measure=LABELS[gate.measure], value=_value(gate.measure, shown))
        for gate in judgement.gates
        if not gate.passed
    ]
    return [f"{judgement.verdict.label}.", *figures]


register_experiment_panel(experiment_panel)
register_doubts(doubts_of)
