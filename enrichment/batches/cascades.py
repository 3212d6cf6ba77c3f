"""A cascade with the terms of its node, begun by a batch's first lane, and told in figures."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from django.utils import timezone
from msgspec import Struct

from enrichment.cascades.savings import CallCosts, CascadeSaving, saving_of
from enrichment.cascades.steering import ENDED, CascadeState, Phase, from_json, to_json
from enrichment.cascades.tallies import lowest_score
from enrichment.enrichments import get
from enrichment.enrichments.contract import Enrichment
from enrichment.errors import NotAllowedNow
from enrichment.judging import Judge, judge_of, judges_target, why_it_may_not_decide
from enrichment.models import Batch, BatchCascade, CascadeRecord, Transport
from llmconfig.client.provider_batches import missing_extra
from llmconfig.client.provider_batches.answers import has_batches
from llmconfig.client.types import Usage
from llmconfig.configuration import prices, references, snapshot
from llmconfig.configuration.facts import CascadeFacts
from llmconfig.configuration.references import Candidate
from llmconfig.configuration.resolution import Target, resolve
from llmconfig.configuration.snapshot import Snapshot
from llmconfig.errors import LLMError
from llmconfig.models import CascadeScore

USUAL_PRICE = 0.1  # of a cheap answer, as a share of a dear one, where prices aren't known
USUAL_CALL = Usage(input=1000, output=150)
MIN_AT_PROVIDER = 300  # rows: those that are asked live to learn from cost the full price
# Scores that a second call tells: another cheap sample, or a judge's word on the first.
SCORES_OF_TWO = frozenset({CascadeScore.AGREEMENT, CascadeScore.JUDGE})
PHASES = {
    Phase.LEARNING: "Learning: both models answer, and the node's own model's answer is taken.",
    Phase.KEEPING: "Keeping cheap answers from its threshold on.",
    Phase.STOPPED: "Stopped: audits caught so many wrong cheap answers that the wanted agreement"
    " could be missed. The node's own model answers the rest.",
    Phase.NOT_WORTH_IT: "Ended: the scores tell too little for cheap answers to pay. The node's own"
    " model answers the rest.",
}


class NodeCascade(Struct, frozen=True):
    """A node's cascade as it would work now. `models` are the ids that count as cheap.

    `rests` says why it doesn't; `price` is a cheap answer's, as a share of a dear one's.
    """

    facts: CascadeFacts
    models: frozenset[str]
    price: float
    rests: str = ""


class CascadeFigures(Struct, frozen=True):
    """What a cascade came to. Shares are from 0 to 1, money is US dollars.

    `differ_at_most` of the `kept` rows say something else than the node's own model would, as
    probably as the terms say. `own_calls` are the node's own model's.
    """

    model: str
    score: str
    target: float
    miss: float
    phase: str
    said: str
    threshold: float | None
    rows: int
    kept: int
    audited: int
    caught: int
    differ_at_most: int
    learned_anew: int
    cheap_calls: int
    cheap_usd: Decimal | None
    own_calls: CallCosts
    events: list[dict[str, Any]]

    @property
    def dear_calls(self) -> int:
        """How often the own model was asked."""
        return self.own_calls.calls

    @property
    def dear_usd(self) -> Decimal | None:
        """What that cost."""
        return self.own_calls.usd

    @property
    def saving(self) -> CascadeSaving:
        """What the kept rows would have cost more."""
        return saving_of(kept=self.kept, cheap_usd=self.cheap_usd, own=self.own_calls)


def terms_of(enrichment: Enrichment, *, node: str = "") -> NodeCascade | None:
    """The cascade of the enrichment's node, or of another that asks for it; None without one."""
    state, node = snapshot.current(), node or enrichment.node
    found = state.nodes.get(node)
    if found is None or found.cascade is None:
        return None
    facts = found.cascade
    cheap = candidates_of(facts.model, state)
    models = frozenset(each.model_id for each in cheap)
    try:
        return NodeCascade(facts, models, _working_price(enrichment, node, facts, cheap, state))
    except (NotAllowedNow, LLMError) as rests:
        return NodeCascade(facts, models, USUAL_PRICE, str(rests))


def _working_price(
    enrichment: Enrichment,
    node: str,
    facts: CascadeFacts,
    cheap: Sequence[Candidate],
    state: Snapshot,
) -> float:
    """What a cheap answer costs, as a share of a dear one; raises where the cascade rests."""
    if node in state.experiments:
        raise NotAllowedNow("An experiment runs at the node.")
    if not cheap:
        raise NotAllowedNow(f"No enabled provider serves {facts.model}.")
    dear = resolve(node, snapshot=state).targets[0].candidate
    if dear.model_id in {each.model_id for each in cheap}:
        raise NotAllowedNow(f"{facts.model} is the node's own model.")
    if facts.score == CascadeScore.CONFIDENCE and not enrichment.states_confidence():
        raise NotAllowedNow(
            "Its answers state no confidence: choose another score, such as how far two cheap"
            " answers agree."
        )
    if facts.score == CascadeScore.LOGPROBS and not (
        cheap[0].model is not None and cheap[0].model.supports_logprobs
    ):
        raise NotAllowedNow(
            f"{facts.model} isn't known to tell log-probabilities: say so on its page under Models,"
            " or choose another score."
        )
    judge = None
    if facts.score == CascadeScore.JUDGE:
        found = judge_of(enrichment, node=node)
        rests = why_it_may_not_decide(found)
        if found is None or rests:
            raise NotAllowedNow(rests)
        judge = judges_target(found).candidate
    return price_share(facts, cheap[0], dear, judge)


def begun(batch: Batch, enrichment: Enrichment) -> tuple[BatchCascade, frozenset[str]] | None:
    """A batch's cascade that works, and the cheap models' ids; made where the batch has none yet.

    None where there is none, or where it rests: then its row says why.
    """
    terms = terms_of(enrichment)
    row = BatchCascade.objects.filter(pk=batch.pk).first()
    if row is None and terms is not None:
        row = _begin(batch, terms)
    if row is None:
        return None
    rests = _rests(batch, row, terms)
    if rests != row.rests:
        row.rests = rests
        row.save(update_fields=["rests"])
    row.batch = batch
    return None if rests or terms is None else (row, terms.models)


def figures_of(batch: Batch) -> CascadeFigures | None:
    """What its cascade came to; None where it has none."""
    row = BatchCascade.objects.filter(pk=batch.pk).first()
    return None if row is None else figures_in(row)


def figures_in(row: CascadeRecord) -> CascadeFigures:
    """What a cascade came to."""
    state = from_json(row.state)
    known_cheap = None if row.cheap_unpriced else row.cheap_usd
    known_dear = None if row.dear_unpriced else row.dear_usd
    return CascadeFigures(
        model=row.model,
        score=str(CascadeScore(row.score).label),
        target=row.target,
        miss=row.miss,
        phase=state.phase.value,
        said=f"The node's own model answers all. {row.rests}" if row.rests else PHASES[state.phase],
        threshold=lowest_score(state.threshold) if state.phase is Phase.KEEPING else None,
        rows=state.settled,
        kept=state.kept,
        audited=state.audited,
        caught=state.caught,
        differ_at_most=state.errors_at_most(row.miss) if state.kept else 0,
        learned_anew=state.epoch,
        cheap_calls=row.cheap_calls,
        cheap_usd=known_cheap,
        own_calls=CallCosts(row.dear_calls, known_dear, row.dear_squares),
        events=row.events,
    )


def past_share(enrichment: Enrichment, facts: CascadeFacts) -> float | None:
    """Which share of the rows the newest ended batch with these terms kept; None without one."""
    rows = BatchCascade.objects.filter(
        batch__enrichment=enrichment.name,
        model=facts.model,
        score=facts.score,
        target=facts.target,
        miss=facts.miss,
    ).order_by("-created_at")
    for row in rows[:20]:
        state = from_json(row.state)
        if state.settled and (state.phase in ENDED or state.settled >= state.rows / 2):
            return state.kept / state.settled
    return None


def asked_times(facts: CascadeFacts) -> int:
    """How often the cheap model is asked about a row."""
    return 2 if facts.score == CascadeScore.AGREEMENT else 1


def _begin(batch: Batch, terms: NodeCascade) -> BatchCascade:
    row, _ = BatchCascade.objects.get_or_create(
        batch=batch, defaults=beginning(terms, batch.rows_total)
    )
    return row


def beginning(terms: NodeCascade, rows: int) -> dict[str, Any]:
    """The values of a cascade's record before its first row."""
    facts = terms.facts
    return {
        "model": facts.model,
        "score": facts.score,
        "target": facts.target,
        "miss": facts.miss,
        "audits": facts.audits,
        "price": terms.price,
        "state": to_json(CascadeState.begin(rows)),
    }


def _rests(batch: Batch, row: BatchCascade, terms: NodeCascade | None) -> str:
    if terms is None:
        return "The node has no cascade any more."
    facts = terms.facts
    left = batch.transport == Transport.PROVIDER_BATCH and not terms.rests
    if left and (why := _not_at_provider(batch, facts)):
        return why
    begun_with = (row.model, row.score, row.target, row.miss, row.audits)
    if begun_with != (facts.model, facts.score, facts.target, facts.miss, facts.audits):
        return (
            "The node's cascade has changed since the batch began: what it learned is of another."
        )
    return terms.rests


def _not_at_provider(batch: Batch, facts: CascadeFacts) -> str:
    """Why a cascade can't work over a provider's batches; blank where it can."""
    if batch.rows_total < MIN_AT_PROVIDER:
        return (
            f"With fewer than {MIN_AT_PROVIDER} rows a provider's batch has nothing to save by it."
        )
    if at_providers(get(batch.enrichment), facts.model) is None:
        return f"The provider of {facts.model} has no batches of its own."
    judge = judge_of(get(batch.enrichment)) if facts.score == CascadeScore.JUDGE else None
    if judge is not None and judge_at_providers(judge) is None:
        return (
            "The judge's provider has no batches of its own: begin the batch live, or have a model"
            " of OpenAI's or Anthropic's judge."
        )
    return ""


def at_providers(enrichment: Enrichment, model: str) -> Target | None:
    """The cheap model as batches of its provider's own reach it; None where they can't."""
    given = {"model": model}
    try:
        target = resolve(enrichment.node, snapshot=snapshot.current(), given=given).targets[0]
    except LLMError:
        return None
    return _in_batches(target)


def judge_at_providers(judge: Judge) -> Target | None:
    """The same for who judges."""
    try:
        return _in_batches(judges_target(judge))
    except LLMError:
        return None


def _in_batches(target: Target) -> Target | None:
    return target if has_batches(target) and not missing_extra(target) else None


def candidates_of(reference: str, state: Snapshot) -> tuple[Candidate, ...]:
    """Who would answer a cheap model's calls, in order."""
    default = str(state.processing.get("provider_id") or "")
    return tuple(references.read(reference, state, default_provider=default).candidates)


def price_share(
    facts: CascadeFacts, cheap: Candidate, dear: Candidate, judge: Candidate | None
) -> float:
    """What a cheap answer costs, as a share of a dear one; two are asked to be compared.

    A judge's word on it belongs to it.
    """
    times = asked_times(facts)
    cost, dear_cost = _cost(cheap), _cost(dear)
    graded = Decimal(0) if judge is None else _cost(judge)
    if cost is None or graded is None or not dear_cost:
        return USUAL_PRICE * (times + (judge is not None))
    return float((times * cost + graded) / dear_cost)


def _cost(candidate: Candidate) -> Decimal | None:
    if candidate.model is None:
        return None
    now = timezone.now()
    price = prices.price_at(candidate.model.prices, now)
    return prices.cost_of_calls(USUAL_CALL, price, calls=1, moment=now)
