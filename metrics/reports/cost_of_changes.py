"""What a change of the configuration would have cost on the calls of the last 30 days.

Each node's calls are priced twice: at the model that would answer now, and at the one after the
change. How long another model's answers are is taken from its own calls at this node, or else
guessed, with a range to match.
"""

import random
from collections.abc import Sequence
from statistics import fmean, pstdev
from typing import Any

from django.utils.translation import gettext

from llmconfig.configuration.cost_of_changes import (
    CostOfChange,
    EstimateTookTooLong,
    NodeCost,
    quantiles,
    total_of,
)
from llmconfig.configuration.resolution import Target
from llmconfig.configuration.snapshot import Snapshot
from metrics.bounded import bounded
from metrics.errors import TookTooLong
from metrics.reports.cost_of_cascades import (
    CASES,
    SPREAD,
    TOKENIZER_SPREAD,
    Ways,
    cascade_of,
    cascaded_cost,
)
from metrics.reports.past_calls import (
    DAYS,
    PastCall,
    Priced,
    called,
    first_target,
    name_of,
    price_of,
    priced,
    sample,
)

MIN_KNOWN_CALLS = 20  # of a model at a node, to know how long its answers are


def cost_of_change(before: Snapshot, after: Snapshot, for_a_page: bool = False) -> CostOfChange:
    """The nodes that were called and whose calls would cost otherwise, the dearest first.

    Raises EstimateTookTooLong for a page.
    """
    if not for_a_page:
        return _cost_of_change(before, after)
    try:
        with bounded():
            return _cost_of_change(before, after)
    except TookTooLong as error:
        raise EstimateTookTooLong(str(error)) from error


def _cost_of_change(before: Snapshot, after: Snapshot) -> CostOfChange:
    nodes, cases = [], []
    for node, number in called():
        old, new = first_target(node, before), first_target(node, after)
        was, will = cascade_of(node, before), cascade_of(node, after)
        if _same(old, new) and was == will:
            continue
        if was or will:
            cost, drawn = cascaded_cost(node, number, Ways(old, was), Ways(new, will))
        else:
            cost, drawn = _node_cost(node, number, old, new)
        nodes.append(cost)
        cases.append(drawn)
    total = total_of(nodes, cases)
    nodes.sort(key=lambda each: -abs(each.difference.p50 if each.difference else 0.0))
    return CostOfChange(DAYS, tuple(nodes), total)


def _same(old: Target | None, new: Target | None) -> bool:
    """Whether the same model answers at the same prices, and may say as much."""
    if old is None or new is None:
        return old is new
    return _facts(old) == _facts(new)


def _facts(target: Target) -> tuple[Any, ...]:
    return target.provider.name, target.model_id, target.max_tokens, price_of(target)


def _node_cost(
    node: str, number: int, old: Target | None, new: Target | None
) -> tuple[NodeCost, list[float]]:
    """A node's cost, and equally likely cases of its difference."""
    calls = list(sample(node))
    scale = number / max(1, len(calls))
    was = priced(calls, old)
    will = priced(calls, new)
    before = None if was is None else scale * (sum(was.prompts) + sum(was.answers))
    drawn, doubt = ([], "") if will is None else _cases(node, calls, will, new, scale)
    cost = NodeCost(
        node,
        number,
        name_of(old),
        name_of(new),
        before,
        quantiles(drawn) if will is not None else None,
        doubt,
    )
    return cost, [each - (before or 0.0) for each in drawn] or [0.0] * CASES


def _cases(
    node: str, calls: Sequence[PastCall], will: Priced, new: Target | None, scale: float
) -> tuple[list[float], str]:
    """Equally likely sums after the change, and what they rest on."""
    # Of calls that weren't looked at, the sample's mean is known so well.
    luck = _deviation(will) * (scale - 1) * len(calls) ** 0.5 if scale > 1 else 0.0
    model = new.model_id if new is not None else ""
    ours = [call.model == model for call in calls]
    own = [call.usage.tokens_output for call in calls if call.model == model]
    others = [call.usage.tokens_output for call in calls if call.model != model]
    rng = random.Random(node)  # noqa: S311 - a sample: the same change gives the same text
    known = _sum(will.prompts, ours) + _sum(will.answers, ours)
    prompts, answers = (
        _sum(each, [not own for own in ours]) for each in (will.prompts, will.answers)
    )
    if new is None or not others:
        return [scale * (known + prompts + answers) + rng.gauss(0, luck) for _ in range(CASES)], ""
    cases = [
        known
        + prompts * rng.lognormvariate(0, TOKENIZER_SPREAD)
        + answers * _answer_factor(own, others, rng)
        for _ in range(CASES)
    ]
    return [max(0.0, scale * each + rng.gauss(0, luck)) for each in cases], _doubt(model, own)


def _sum(amounts: Sequence[float], chosen: Sequence[bool]) -> float:
    return sum(each for each, wanted in zip(amounts, chosen, strict=True) if wanted)


def _answer_factor(own: Sequence[int], others: Sequence[int], rng: random.Random) -> float:
    """How much longer the model's answers may be than the others'."""
    if len(own) < MIN_KNOWN_CALLS or not sum(others):
        return rng.lognormvariate(0, SPREAD)
    mine = fmean(rng.choices(own, k=len(own)))
    return mine / max(1.0, fmean(others))


def _doubt(model: str, own: Sequence[int]) -> str:
    if len(own) >= MIN_KNOWN_CALLS:
        return gettext(
            "the length of {model}'s answers comes from {calls} calls of this node."
        ).format(model=model, calls=len(own))
    return gettext(
        "{model} has hardly answered here: its answers are taken to be as long as the others'."
    ).format(model=model)


def _deviation(will: Priced) -> float:
    sums = [a + b for a, b in zip(will.prompts, will.answers, strict=True)]
    return pstdev(sums) if len(sums) > 1 else 0.0
