"""What a change of the configuration would have cost on the calls of the last 30 days.

Each node's calls are priced twice: at the model that would answer now, and at the one after the
change. How long another model's answers are is taken from its own calls at this node, or else
guessed, with a range to match.
"""

import datetime as dt
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from statistics import fmean, pstdev
from typing import Any

from django.db.models import Count, QuerySet
from django.utils import timezone

from llmconfig.client.types import Usage
from llmconfig.configuration import prices
from llmconfig.configuration.cost_of_changes import CostOfChange, NodeCost, quantiles, total_of
from llmconfig.configuration.facts import CascadeFacts
from llmconfig.configuration.resolution import Target, explain
from llmconfig.configuration.snapshot import Snapshot
from llmconfig.errors import ConfigurationError
from llmconfig.models import CascadeScore, InteractionType
from metrics.models import GenerationMetric

DAYS = 30
IN_BATCHES = "enrichment"  # the service of a batch's calls
MAX_KEPT = 0.8  # of the rows, by a cascade that nobody has seen at work
KEPT_SPREAD = 0.05  # of a known share
SAMPLED_CALLS = 2_000  # of each node, the newest
MIN_KNOWN_CALLS = 20  # of a model at a node, to know how long its answers are
JUDGES_TOKENS = 60  # of a judge's answer
CASES = 400
SPREAD = 0.35  # of another model's answer length, as a standard deviation of its logarithm
TOKENIZER_SPREAD = 0.1  # the same of the tokens that it makes of a prompt


@dataclass(frozen=True, slots=True)
class _PastCall:
    """The tokens of a past call, and what made them."""

    usage: Usage
    model: str
    at: dt.datetime
    in_batch: bool = False


@dataclass(frozen=True, slots=True)
class _Cascaded:
    """A node's cascade: its terms, who would be asked first, and who would judge that answer."""

    facts: CascadeFacts
    cheap: Target | None
    judge: Target | None = None

    @property
    def is_judged(self) -> bool:
        """Whether a judge's word is its score."""
        return self.facts.score == CascadeScore.JUDGE

    @property
    def asks(self) -> int:
        """How often the cheap model is asked about a row."""
        return 2 if self.facts.score == CascadeScore.AGREEMENT else 1


@dataclass(frozen=True, slots=True)
class _Ways:
    """How a node is answered: by its own model, in batches after a cheaper one if there is any."""

    own: Target | None
    cascade: _Cascaded | None

    @property
    def name(self) -> str:
        """Both models, for people."""
        own, cascade = _name(self.own), self.cascade
        cheap = cascade and (_name(cascade.cheap) or cascade.facts.model)
        return f"{cheap} first, then {own}" if cheap else own


@dataclass(frozen=True, slots=True)
class _Priced:
    """What a sample of calls costs at one model: a call's prompt, and its answer."""

    prompts: Sequence[float]
    answers: Sequence[float]


def cost_of_change(before: Snapshot, after: Snapshot) -> CostOfChange:
    """The nodes that were called and whose calls would cost otherwise, the dearest first."""
    nodes, cases = [], []
    for node, number in _called():
        old, new = _target(node, before), _target(node, after)
        was, will = _cascade(node, before), _cascade(node, after)
        if _same(old, new) and was == will:
            continue
        if was or will:
            cost, drawn = _cascaded_cost(node, number, _Ways(old, was), _Ways(new, will))
        else:
            cost, drawn = _node_cost(node, number, old, new)
        nodes.append(cost)
        cases.append(drawn)
    total = total_of(nodes, cases)
    nodes.sort(key=lambda each: -abs(each.difference.p50 if each.difference else 0.0))
    return CostOfChange(DAYS, tuple(nodes), total)


def _calls() -> "QuerySet[GenerationMetric]":
    since = timezone.now() - dt.timedelta(days=DAYS)
    return GenerationMetric.objects.filter(created_at__gte=since, error_code="", cache_hit=False)


def _called() -> list[tuple[str, int]]:
    found = _calls().values_list("method_name").annotate(number=Count("id")).order_by("method_name")
    return [(str(node), int(number)) for node, number in found]


def _target(node: str, state: Snapshot) -> Target | None:
    """Who would answer, also while calls are switched off, as where a file is only checked."""
    try:
        targets = explain(node, snapshot=state).targets
    except ConfigurationError:
        return None
    return targets[0] if targets else None


def _cascade(node: str, state: Snapshot) -> _Cascaded | None:
    known = state.nodes.get(node)
    if known is None or known.cascade is None:
        return None
    facts, judge = known.cascade, None
    if facts.score == CascadeScore.JUDGE and known.judge is not None:
        judge = _first(InteractionType.JUDGE.value, state, known.judge.model)
    return _Cascaded(facts, _first(node, state, facts.model), judge)


def _first(node: str, state: Snapshot, model: str) -> Target | None:
    """Who would answer there first, by a reference if there is one."""
    given = {"model": model} if model else {}
    try:
        targets = explain(node, snapshot=state, given=given).targets
    except ConfigurationError:
        return None
    return targets[0] if targets else None


def _same(old: Target | None, new: Target | None) -> bool:
    """Whether the same model answers at the same prices, and may say as much."""
    if old is None or new is None:
        return old is new
    return _facts(old) == _facts(new)


def _facts(target: Target) -> tuple[Any, ...]:
    return target.provider.name, target.model_id, target.max_tokens, _price(target)


def _price(target: Target) -> prices.PriceFacts | None:
    model = target.candidate.model
    return prices.price_at(model.prices, timezone.now()) if model is not None else None


def _node_cost(
    node: str, number: int, old: Target | None, new: Target | None
) -> tuple[NodeCost, list[float]]:
    """A node's cost, and equally likely cases of its difference."""
    calls = list(_sample(node))
    scale = number / max(1, len(calls))
    was = _priced(calls, old)
    will = _priced(calls, new)
    before = None if was is None else scale * (sum(was.prompts) + sum(was.answers))
    drawn, doubt = ([], "") if will is None else _cases(node, calls, will, new, scale)
    cost = NodeCost(
        node,
        number,
        _name(old),
        _name(new),
        before,
        quantiles(drawn) if will is not None else None,
        doubt,
    )
    return cost, [each - (before or 0.0) for each in drawn] or [0.0] * CASES


def _name(target: Target | None) -> str:
    return "" if target is None else f"{target.provider.name}/{target.model_id}"


def _sample(node: str) -> Iterator[_PastCall]:
    columns = (
        "tokens_input", "tokens_cached_input", "tokens_cache_write", "tokens_output",
        "tokens_reasoning", "model_used", "created_at", "service_name",
    )  # fmt: skip
    rows = _calls().filter(method_name=node).order_by("-created_at").values_list(*columns)
    for prompt, cached, written, answer, reasoning, model, at, service in rows[:SAMPLED_CALLS]:
        usage = Usage(
            input=max(0, prompt - cached - written),
            cached_input=cached,
            cache_write=written,
            output=max(0, answer - reasoning),
            reasoning=reasoning,
        )
        yield _PastCall(usage, model, at, service == IN_BATCHES)


def _priced(calls: Sequence[_PastCall], target: Target | None) -> _Priced | None:
    """What the calls cost at a target; None where a price is unknown. Nobody costs nothing."""
    if target is None:
        return _Priced([0.0] * len(calls), [0.0] * len(calls))
    price = _price(target)
    prompts, answers = [], []
    for call in calls:
        limit = target.max_tokens or call.usage.tokens_output
        spoken = min(call.usage.tokens_output, limit)
        whole = prices.cost(_with_answer(call.usage, spoken), price, moment=call.at)
        prompt = prices.cost(_with_answer(call.usage, 0), price, moment=call.at)
        if whole is None or prompt is None:
            return None
        prompts.append(float(prompt))
        answers.append(float(max(Decimal(0), whole - prompt)))
    return _Priced(prompts, answers)


def _with_answer(usage: Usage, tokens: int) -> Usage:
    return Usage(
        input=usage.input,
        cached_input=usage.cached_input,
        cache_write=usage.cache_write,
        output=tokens,
    )


def _cases(
    node: str, calls: Sequence[_PastCall], will: _Priced, new: Target | None, scale: float
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
        return f"the length of {model}'s answers comes from {len(own)} calls of this node."
    return f"{model} has hardly answered here: its answers are taken to be as long as the others'."


def _deviation(will: _Priced) -> float:
    sums = [a + b for a, b in zip(will.prompts, will.answers, strict=True)]
    return pstdev(sums) if len(sums) > 1 else 0.0


def _cascaded_cost(node: str, number: int, old: _Ways, new: _Ways) -> tuple[NodeCost, list[float]]:
    """The same where a cascade is or will be: its batches' rows are asked by one model or two.

    Rows are told from their calls: with a cascade each has as many cheap calls as its score takes,
    and those that kept the cheap answer have no other.
    """
    calls = list(_sample(node))
    scale = number / max(1, len(calls))
    first = [call for call in calls if _is_cheap(call, old)]
    others = [call for call in calls if not _is_cheap(call, old)]
    dear, live = ([each for each in others if each.in_batch is told] for told in (True, False))
    rows = len(first) / old.cascade.asks if old.cascade and first else float(len(dear))
    kept = max(0.0, 1 - len(dear) / rows) if first and rows else None
    if old.cascade and new.cascade and old.cascade.facts != new.cascade.facts:
        kept = None  # what another cheap model or target keeps is another share
    was = [
        _total(first, old.cascade.cheap if old.cascade else None),
        _judging(first, old.cascade),
        _total(others, old.own),
    ]
    before = None if None in was else scale * sum(each or 0.0 for each in was)
    drawn = _cascaded_cases(node, [*first, *dear], live, new, rows=rows, kept=kept)
    cases = [scale * each for each in drawn]
    after = quantiles(cases) if cases else None
    cost = NodeCost(node, number, old.name, new.name, before, after, _kept_doubt(new, kept))
    return cost, [each - (before or 0.0) for each in cases] or [0.0] * CASES


def _is_cheap(call: _PastCall, ways: _Ways) -> bool:
    cheap = ways.cascade.cheap if ways.cascade else None
    return cheap is not None and call.in_batch and call.model == cheap.model_id


def _total(calls: Sequence[_PastCall], target: Target | None) -> float | None:
    found = _priced(calls, target)
    return None if found is None else sum(found.prompts) + sum(found.answers)


def _cascaded_cases(
    node: str,
    batched: Sequence[_PastCall],
    live: Sequence[_PastCall],
    new: _Ways,
    *,
    rows: float,
    kept: float | None,
) -> list[float]:
    """Equally likely sums after the change; empty where a price is unknown."""
    alone = _total(live, new.own)
    own = _priced(batched, new.own)
    cheap = _priced(batched, new.cascade.cheap) if new.cascade else _Priced([], [])
    judging = _judging(batched, new.cascade)
    if alone is None or own is None or cheap is None or judging is None:
        return []
    rng, calls = random.Random(node), max(1, len(batched))  # noqa: S311 - as above
    asks = new.cascade.asks if new.cascade else 0
    cases = []
    for _ in range(CASES):
        share = _kept(kept, rng) if new.cascade else 0.0
        dear_row = _row(own, _own_share(batched, new.own), rng) / calls
        cheap_row = _row(cheap, 0.0, rng) / calls if new.cascade else 0.0
        judge_row = judging / calls * rng.lognormvariate(0, SPREAD) if judging else 0.0
        cases.append(alone + rows * (asks * cheap_row + judge_row + (1 - share) * dear_row))
    return cases


def _judging(calls: Sequence[_PastCall], cascade: _Cascaded | None) -> float | None:
    """What a judge's word on the answer of each call costs; None where its price is unknown.

    It reads what was asked and the answer.
    """
    if cascade is None or not cascade.is_judged:
        return 0.0
    price = None if cascade.judge is None else _price(cascade.judge)
    costs = [
        prices.cost(
            Usage(input=call.usage.tokens_input + call.usage.tokens_output, output=JUDGES_TOKENS),
            price,
            moment=call.at,
        )
        for call in calls
    ]
    return None if None in costs else float(sum(filter(None, costs), Decimal(0)))


def _kept(known: float | None, rng: random.Random) -> float:
    if known is None:
        return rng.uniform(0, MAX_KEPT)
    return min(1.0, max(0.0, rng.gauss(known, KEPT_SPREAD)))


def _own_share(calls: Sequence[_PastCall], target: Target | None) -> float:
    """How many of the calls the target's model made itself."""
    model = target.model_id if target is not None else ""
    return sum(call.model == model for call in calls) / max(1, len(calls))


def _row(priced: _Priced, own: float, rng: random.Random) -> float:
    """The calls' sum, of which a share `own` is known and the rest is another model's."""
    prompts, answers = sum(priced.prompts), sum(priced.answers)
    foreign = prompts * rng.lognormvariate(0, TOKENIZER_SPREAD) + answers * rng.lognormvariate(
        0, SPREAD
    )
    return own * (prompts + answers) + (1 - own) * foreign


def _kept_doubt(new: _Ways, kept: float | None) -> str:
    if new.cascade is None:
        return "without its cascade the node's own model answers every row of its batches."
    said = (
        f"{100 * kept:.0f} % of the rows of its batches kept the cheap answer."
        if kept is not None
        else "how many cheap answers are good enough is unknown: none to four fifths are assumed."
    )
    return f"{said} A judge reads each cheap answer." if new.cascade.is_judged else said
