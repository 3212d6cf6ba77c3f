"""What a batch will cost, before it starts: tokens of a sample of its rows, answer lengths from the
node's history, and how sure that is (P10, P50, P90). Calls nobody."""

import datetime as dt
import random
from collections.abc import Sequence
from math import exp, expm1, log, log1p
from statistics import fmean, linear_regression, pstdev
from typing import Any

from django.utils import timezone
from msgspec import Struct

from enrichment.batches import cascades, creation
from enrichment.batches.duplicates import distinct_inputs
from enrichment.engine.items import load_items
from enrichment.engine.second_opinions import opinion_of
from enrichment.enrichments import get
from enrichment.enrichments.contract import Enrichment
from enrichment.errors import EnrichmentError
from enrichment.judging import Judge, judge_of, judges_target
from enrichment.models import Batch, Transport
from llmconfig.client.pipeline.token_estimates import MEAN_CHARACTERS_PER_TOKEN
from llmconfig.client.provider_batches import money
from llmconfig.client.types import Usage
from llmconfig.configuration import prices, snapshot
from llmconfig.configuration.resolution import Target, resolve
from llmconfig.errors import ConfigurationError
from llmconfig.models import CascadeScore
from llmconfig.runtime.records import replace
from metrics.models import GenerationMetric

HALF_ASSUMED = "batch price assumed: half"  # wherever money in a provider's batch is told
SAMPLED_ROWS = 200
PAST_CALLS = 500
PAST_DAYS = 30
REPLICATES = 400
GUESSED_ANSWER_TOKENS = 150
JUDGES_TOKENS = 60  # of a judge's answer
GUESSED_SPREAD = 0.6  # of a guess, as a share of it
MAX_KEPT = 0.8  # of the rows, by a cascade that nobody has seen at work
KEPT_SPREAD = 0.05  # of the share that the next batch keeps
DRIFT = 0.05  # rows to come are never quite like those that were, as a share of the total


class Quantiles(Struct, frozen=True):
    """A figure that will be below the first in one case of ten, below the last in nine."""

    p10: float
    p50: float
    p90: float


class Forecast(Struct, frozen=True):
    """What a batch would take. Money is US dollars, None when the model has no known price."""

    rows: int
    calls: int
    provider: str
    model: str
    tokens_input: Quantiles
    tokens_output: Quantiles
    cost_usd: Quantiles | None
    cost_provider_batch_usd: Quantiles | None
    past_calls: int
    cascade: "CascadeForecast | None" = None
    batch_price_assumed: bool = False  # the price list has none for batches: half is assumed

    @property
    def basis(self) -> str:
        """What the figures rest on, in a sentence."""
        if self.past_calls:
            return f"Answer lengths come from {self.past_calls} past calls of this node."
        return "This node has no past calls: answer lengths are a guess, so the range is wide."


class CascadeForecast(Struct, frozen=True):
    """What it would cost by way of the node's cheaper `model`; the other figures are without.

    `cost_usd` is None where a price is unknown or the cascade would rest: `basis` says why.
    """

    model: str
    cost_usd: Quantiles | None
    basis: str


class _Past(Struct, frozen=True):
    """Past calls of a node: prompt characters and tokens in and out, a triple for each.

    What the provider's prompt cache did is known of calls to the model that will be asked.
    """

    triples: Sequence[tuple[int, int, int]]
    read: float = 0.0  # share of the prompts' tokens that came from the provider's cache
    written: float = 0.0  # that were written to it

    @property
    def characters_per_token(self) -> float:
        tokens = sum(each[1] for each in self.triples)
        return (
            sum(each[0] for each in self.triples) / tokens if tokens else MEAN_CHARACTERS_PER_TOKEN
        )


NO_PAST = _Past(())


def forecast(name: str, selection: creation.Selection) -> Forecast:
    """Forecast a batch over the selected rows.

    Raises what creating it would raise: UnknownEnrichment, FeatureOff, BadSelection, and
    llmconfig's ConfigurationError when no target could answer.
    """
    enrichment = get(name)
    creation.check_allowed(enrichment)
    target = resolve(enrichment.node, snapshot=snapshot.current()).targets[0]
    past = _past(target, node=enrichment.node)
    rows, calls, lengths = 0, 0, []
    for variant in selection.variants:
        creation.check_variant(enrichment, variant)
        selected, sent, prompts = _sample(enrichment, selection, variant)
        rows, calls = rows + selected, calls + sent
        lengths += prompts
    found = _forecast(enrichment, target, past, rows=rows, calls=calls, lengths=lengths)
    return replace(
        _with_opinions(enrichment, found, calls),
        cascade=_cascade(enrichment, found.costs, found.totals, calls, node=enrichment.node),
    )


def forecast_calls(
    enrichment: Enrichment, target: Target, lengths: Sequence[int], *, node: str, cascade: bool
) -> Forecast:
    """Forecast one call of `target` for each prompt, whose lengths are in characters.

    With `cascade` also what it costs by way of the node's cheaper model.
    """
    past = _past(target, node=node)
    calls = len(lengths)
    found = _forecast(enrichment, target, past, rows=calls, calls=calls, lengths=lengths)
    if not cascade:
        return found.told
    by_way = _cascade(enrichment, found.costs, found.totals, calls, node=node)
    return replace(found.told, cascade=by_way)


class _Foreseen(Struct, frozen=True):
    """A forecast with the possible totals that it is made of."""

    told: Forecast
    totals: Sequence[tuple[float, float]]
    costs: Sequence[float]


def _forecast(
    enrichment: Enrichment,
    target: Target,
    past: "_Past",
    *,
    rows: int,
    calls: int,
    lengths: Sequence[int],
) -> _Foreseen:
    totals = _replicates(enrichment, calls, lengths, past)
    cost = _costs(target, totals, calls, past=past)
    in_batches = _costs(target, totals, calls, service_tier=prices.BATCH)
    told = Forecast(
        rows=rows,
        calls=calls,
        provider=target.provider.name,
        model=target.model_id,
        tokens_input=_quantiles([each[0] for each in totals]),
        tokens_output=_quantiles([each[1] for each in totals]),
        cost_usd=_quantiles(cost) if cost else None,
        cost_provider_batch_usd=_quantiles(in_batches) if in_batches else None,
        past_calls=len(past.triples),
        batch_price_assumed=bool(in_batches) and money.assumes_half(target),
    )
    return _Foreseen(told, totals, cost)


def _with_opinions(enrichment: Enrichment, found: _Foreseen, calls: int) -> Forecast:
    """With what a judge's second opinions cost, as many as a batch may ask for."""
    opinion = opinion_of(enrichment, None)
    if opinion is None or not found.costs or not calls:
        return found.told
    share = min(1.0, opinion.left / calls)
    judges = _judges_costs(opinion.judge, found.totals, calls)
    costs = [cost + share * of_judge for cost, of_judge in zip(found.costs, judges, strict=False)]
    return replace(found.told, cost_usd=_quantiles(costs) if costs else None)


def _cascade(
    enrichment: Enrichment,
    dear_costs: Sequence[float],
    totals: Sequence[tuple[float, float]],
    calls: int,
    *,
    node: str,
) -> CascadeForecast | None:
    """The same totals at the cheap model, and the part of them at the dear one that it leaves.

    How much it leaves is taken from the last batch with these terms, else it is anything from all
    to a fifth.
    """
    terms = cascades.terms_of(enrichment, node=node)
    if terms is None:
        return None
    name = terms.facts.model
    if terms.rests:
        return CascadeForecast(name, None, f"The cheaper model isn't asked: {terms.rests}")
    given = {"model": name}
    cheap = resolve(node, snapshot=snapshot.current(), given=given).targets[0]
    cheap_costs = _costs(cheap, totals, calls)
    if not (cheap_costs and dear_costs):
        return CascadeForecast(name, None, "A price is unknown.")
    past = cascades.past_share(enrichment, terms.facts)
    times = cascades.asked_times(terms.facts)
    uses_judge = terms.facts.score == CascadeScore.JUDGE
    judge = judge_of(enrichment, node=node) if uses_judge else None
    judge_costs = _judges_costs(judge, totals, calls)
    if not judge_costs:
        return CascadeForecast(name, None, "The judge's price is unknown.")
    costs = [
        times * cheap_cost + judge_cost + dear_cost * (1 - _kept(past))
        for cheap_cost, dear_cost, judge_cost in zip(
            cheap_costs, dear_costs, judge_costs, strict=True
        )
    ]
    basis = (
        "No batch has shown how many cheap answers are good enough, so the range is wide."
        if past is None
        else f"The last such batch kept {past:.0%} of the cheap answers."
    )
    return CascadeForecast(name, _quantiles(costs), basis)


def _judges_costs(
    judge: Judge | None, totals: Sequence[tuple[float, float]], calls: int
) -> list[float]:
    """What a judge's word on each cheap answer costs: it reads the question and the answer."""
    if judge is None:
        return [0.0] * len(totals)
    read = [(prompts + answers, float(JUDGES_TOKENS * calls)) for prompts, answers in totals]
    return _costs(judges_target(judge), read, calls)


def _kept(past: float | None) -> float:
    """A possible share of rows that keep their cheap answer."""
    if past is None:
        return random.uniform(0, MAX_KEPT)  # noqa: S311 - a sample
    return min(1.0, max(0.0, random.gauss(past, KEPT_SPREAD)))


def is_half_assumed(batch: Batch) -> bool:
    """Whether it goes to a provider as batches of its own, whose price isn't in the price list."""
    if batch.transport != Transport.PROVIDER_BATCH:
        return False
    try:
        targets = resolve(get(batch.enrichment).node, snapshot=snapshot.current()).targets
    except (EnrichmentError, ConfigurationError):
        return False
    return money.assumes_half(targets[0])


def _sample(
    enrichment: Enrichment, selection: creation.Selection, variant: str
) -> tuple[int, int, list[int]]:
    """Rows selected, calls that they will make, and the prompt lengths of a sample."""
    selected = creation.rows_to_do(enrichment, selection, variant=variant)
    keys = list(selected.values_list("pk", flat=True))
    drawn = random.sample(keys, min(SAMPLED_ROWS, len(keys)))
    ids = [str(key) for key in drawn]
    items = list(load_items(enrichment, ids, variant=variant, draft=selection.draft))
    sent = [item for item in items if item.settled is None and item.prompt is not None]
    lengths = [
        sum(len(message["content"]) for message in item.prompt.messages(item.values))
        for item in sent
        if item.prompt is not None
    ]
    share = len(sent) / len(items) if items else 0.0
    different = distinct_inputs(enrichment, selected)
    return len(keys), round(different * share), lengths


def _past(target: Target, *, node: str) -> _Past:
    """The node's newest calls by this model, else by any."""
    recent = GenerationMetric.objects.filter(
        created_at__gte=timezone.now() - dt.timedelta(days=PAST_DAYS),
        method_name=node,
        error_code="",
        tokens_output__gt=0,
    ).order_by("-created_at")
    columns = ("prompt_length", "tokens_input", "tokens_output")
    cached = ("tokens_cached_input", "tokens_cache_write")
    same = list(
        recent.filter(model_used=target.model_id).values_list(*columns, *cached)[:PAST_CALLS]
    )
    if not same:
        return _Past(list(recent.values_list(*columns)[:PAST_CALLS]))
    prompts = max(1, sum(each[1] for each in same))
    return _Past(
        [each[:3] for each in same],
        sum(each[3] for each in same) / prompts,
        sum(each[4] for each in same) / prompts,
    )


def _replicates(
    enrichment: Enrichment, calls: int, lengths: Sequence[int], past: _Past
) -> list[tuple[float, float]]:
    """Possible totals of tokens in and out: both samples drawn anew, plus the rows' own luck."""
    if not calls or not lengths:
        return [(0.0, 0.0)]
    inputs = [max(1, length) / past.characters_per_token for length in lengths]
    totals = []
    for _ in range(REPLICATES):
        drawn = random.choices(inputs, k=len(inputs))  # noqa: S311 - a sample
        tokens_in = drawn_total(drawn, calls)
        totals.append((tokens_in, _answers(enrichment, tokens_in / calls, calls, past)))
    return totals


def _answers(enrichment: Enrichment, mean_input: float, calls: int, past: _Past) -> float:
    """Tokens of all answers. A text's length follows its source's; JSON has its own size."""
    if not past.triples:
        guess = GUESSED_ANSWER_TOKENS if enrichment.schema else mean_input
        return max(0.0, random.gauss(guess, GUESSED_SPREAD * guess)) * calls
    drawn = random.choices(past.triples, k=len(past.triples))  # noqa: S311 - a sample
    outputs = [float(each[2]) for each in drawn]
    if enrichment.schema is None:
        slope = _slope([(each[1], each[2]) for each in drawn])
        outputs = [max(1.0, out + slope * (mean_input - tokens_in)) for _, tokens_in, out in drawn]
    return drawn_total(outputs, calls)


def _slope(pairs: Sequence[tuple[int, int]]) -> float:
    """Tokens that an answer grows by with each of its prompt; what is fixed in both stays out."""
    inputs, outputs = zip(*pairs, strict=True)
    if len(set(inputs)) == 1:
        return fmean(outputs) / max(1.0, fmean(inputs))
    return max(0.0, linear_regression(inputs, outputs).slope)


def drawn_total(drawn: Sequence[float], calls: int) -> float:
    """A possible sum over `calls` rows like those drawn, each above 0.

    Half of the times they are taken as they are, half of the times as drawn from a log-normal
    distribution, whose longest answers are longer than any that a small sample has seen.
    """
    if random.random() < 0.5:  # noqa: S311 - a sample; a half
        total = random.gauss(fmean(drawn) * calls, pstdev(drawn) * calls**0.5)
    else:
        logs = [log(each) for each in drawn]
        spread = pstdev(logs) ** 2
        mean = exp(fmean(logs) + spread / 2) * calls
        variance = log1p(expm1(spread) / calls)  # of the sum's own logarithm
        total = mean * exp(random.gauss(-variance / 2, variance**0.5))
    return max(0.0, total * random.gauss(1.0, DRIFT))


def _costs(
    target: Target,
    totals: Sequence[tuple[float, float]],
    calls: int,
    *,
    service_tier: str = "",
    past: _Past = NO_PAST,
) -> list[float]:
    """Each possible total in dollars; empty when the price isn't known."""
    model, now = target.candidate.model, timezone.now()
    price = prices.price_at(model.prices, now) if model is not None else None
    costs: list[Any] = [
        prices.cost_of_calls(
            _usage(tokens_in, tokens_out, past), price, calls=calls,
            service_tier=service_tier, moment=now,
        )
        for tokens_in, tokens_out in totals
    ]  # fmt: skip
    return [] if None in costs else [float(each) for each in costs]


def _usage(tokens_in: float, tokens_out: float, past: _Past) -> Usage:
    """The totals, with what the provider's prompt cache will do if it does as it did."""
    read, written = round(tokens_in * past.read), round(tokens_in * past.written)
    fresh = max(0, round(tokens_in) - read - written)
    return Usage(input=fresh, cached_input=read, cache_write=written, output=round(tokens_out))


def _quantiles(values: Sequence[float]) -> Quantiles:
    ordered = sorted(values)
    last = len(ordered) - 1
    return Quantiles(*(ordered[round(last * share)] for share in (0.1, 0.5, 0.9)))
