"""What a request cost: by what the provider told, by our prices, or at most."""

from decimal import Decimal

from llmconfig.client.pipeline import token_estimates
from llmconfig.client.pipeline.state import GenerationState, Interrupted
from llmconfig.client.pipeline.strategy import AnswerProgress, Strategy
from llmconfig.client.traffic.admission import worst_case
from llmconfig.client.types import (
    ESTIMATED,
    NO_USAGE,
    PRICED,
    REPORTED,
    UNKNOWN,
    Attempt,
    Billed,
    Usage,
)
from llmconfig.client.wire.billing_words import tier_name
from llmconfig.configuration import prices
from llmconfig.configuration.pricing import BATCH
from llmconfig.configuration.resolution import Target
from llmconfig.runtime import database_clock
from llmconfig.runtime.records import replace

# What a request can use is known roughly: a provider adds prompts of its own and what its tools
# found, and counts pictures in its own way. A count of more than so many times is a mistake.
DISBELIEF = 4
USUAL_WINDOW = 200_000  # tokens, where the catalogue doesn't say
MAX_OVER_PRICE = 20  # times what our price makes of the tokens
A_DOLLAR = Decimal(1)


def believable(
    billed: Billed, state: GenerationState, target: Target, *, sent_bytes: int, received: int = 0
) -> tuple[Billed, str]:
    """What is believed of a reply's usage and cost, and a note on what isn't.

    `sent_bytes` is the size of the request, `received` the characters of its answer.
    """
    usage, cost = billed.usage, billed.cost_usd
    choices, notes = state.call.choices, []
    if usage is not None and _too_much(usage, target, sent_bytes, received, choices):
        told = usage.tokens_input + usage.tokens_output
        notes.append(f"it counted {told:,} tokens, more than the request can have used")
        usage = None
    if cost is not None and usage is not None:
        ours = _price(usage, state, target, billed.service_tier)
        if ours is not None and cost > ours * MAX_OVER_PRICE + A_DOLLAR:
            notes.append(f"it reported a cost of ${cost:f}, of which our price makes ${ours:f}")
            cost = None
    elif cost is not None and billed.usage is not None:
        cost = None  # of tokens that aren't believed
    if not notes:
        return billed, ""
    return replace(billed, usage=usage, cost_usd=cost), "; ".join(notes)


def _too_much(usage: Usage, target: Target, sent_bytes: int, received: int, choices: int) -> bool:
    if usage.details is not None and usage.details.beside:
        most = DISBELIEF * max(USUAL_WINDOW, sent_bytes)
        for other in usage.details.beside:
            if max(other.usage.tokens_input, other.usage.tokens_output) > most:
                return True
    sent, came = usage.tokens_input, usage.tokens_output
    if sent <= DISBELIEF * sent_bytes and came <= DISBELIEF * received:  # as nearly always
        return False
    model = target.candidate.model
    window = (model.context_window if model is not None else None) or USUAL_WINDOW
    longest = (model.max_output_tokens if model is not None else None) or 0
    most_output = max(window, longest, target.max_tokens or 0, received)
    return sent > DISBELIEF * max(window, sent_bytes) or came > DISBELIEF * most_output * choices


def doubtful(
    attempt: Attempt, state: GenerationState, strategy: Strategy, target: Target
) -> Attempt:
    """A failed attempt that may have been billed, at the most that it may have cost."""
    return interrupted(state, strategy, target).counted(attempt)


def priced(attempt: Attempt, billed: Billed, state: GenerationState, target: Target) -> Attempt:
    """The attempt with what it cost and where that comes from."""
    usage, cost_usd, source, tier, paid = _price_of(billed, state, target)
    return replace(
        attempt, usage=usage, cost_usd=cost_usd, cost_source=source, service_tier=tier, paid=paid
    )


def answered(
    outcome: str,
    latency_ms: float,
    detail: str,
    request_id: str,
    billed: Billed,
    state: GenerationState,
    target: Target,
) -> Attempt:
    """The attempt that brought an answer (status 200), with what it cost."""
    usage, cost_usd, source, tier, paid = _price_of(billed, state, target)
    return Attempt(  # by place: names cost more than all else here
        target.provider.name,
        target.model_id,
        outcome,
        latency_ms,
        200,
        "",  # nothing moved on
        None,  # nothing to wait for
        usage,
        cost_usd,
        paid,
        detail,
        request_id,
        cost_source=source,
        service_tier=tier,
    )


def _price_of(
    billed: Billed, state: GenerationState, target: Target
) -> tuple[Usage, Decimal | None, str, str, bool]:
    """What an attempt cost by what its provider told: usage, US dollars, where that comes from, the
    service tier, and whether it was paid."""
    usage = billed.usage
    tier = BATCH if state.batch else billed.service_tier or _asked_tier(state, billed)
    cost_usd, source = billed.cost_usd, REPORTED
    if cost_usd is None:
        cost_usd = None if usage is None else _price(usage, state, target, tier)
        source = UNKNOWN if cost_usd is None else PRICED
    paid = usage is not None or billed.cost_usd is not None
    return usage or NO_USAGE, cost_usd, source, tier, paid


def interrupted(state: GenerationState, strategy: Strategy, target: Target) -> Interrupted:
    """What a request that is given up has cost: by what had come of its answer, else the most."""
    progress = strategy.progress()
    found = _by_progress(progress, state, strategy, target) if progress is not None else None
    if found is not None:
        return found
    most = worst_case(target, strategy.most_used(state.call, target), state.call)
    return Interrupted(most, "counted by the most that it may have cost")


def with_what_came(
    attempt: Attempt, state: GenerationState, strategy: Strategy, target: Target, *, whole: bool
) -> Attempt:
    """An attempt with what its provider had counted; pieces that came are never free.

    Of a `whole` answer without any usage its cost stays unknown, streamed or not.
    """
    progress = strategy.progress()
    if progress is None:
        return attempt
    found = interrupted(state, strategy, target)
    if not progress.received and found.usage is None and found.source == ESTIMATED:
        return attempt
    counted = replace(found.counted(attempt), paid=True)
    return replace(counted, usage=attempt.usage, cost_usd=attempt.cost_usd) if whole else counted


def _by_progress(
    progress: AnswerProgress, state: GenerationState, strategy: Strategy, target: Target
) -> Interrupted | None:
    """By what its provider had counted, else by what was received; None if nothing was."""
    received = progress.received
    told, _ = believable(progress.billed, state, target, sent_bytes=0, received=received)
    if told.cost_usd is not None:
        known_by = "counted by what its provider had reported"
        return Interrupted(told.cost_usd, known_by, told.usage, REPORTED)
    tokens = received // token_estimates.MIN_CHARACTERS_PER_TOKEN + bool(received)
    usage, tier = told.usage, told.service_tier or _asked_tier(state, told)
    if usage is not None and usage.tokens_output >= tokens:
        known_by = "counted by what its provider had told"
        return Interrupted(_price(usage, state, target, tier), known_by, usage, PRICED)
    if usage is not None:
        usage = replace(usage, output=tokens - usage.reasoning)
        known_by = "counted by what its provider had told and what was received"
        return Interrupted(_price(usage, state, target, tier), known_by, usage)
    if not tokens:
        return None
    usage = Usage(input=strategy.most_used(state.call, target).input, output=tokens)
    known_by = "counted by what was received"
    return Interrupted(_price(usage, state, target, tier), known_by, usage)


def _asked_tier(state: GenerationState, billed: Billed) -> str:
    """The tier that was asked for, where the reply doesn't say which one it was."""
    call = state.call
    extra = call.extra if call.native is None else {**call.extra, **call.native.body}
    if not extra or billed.names_tier:
        return ""
    return tier_name(extra.get("speed")) or tier_name(extra.get("service_tier"))


def _price(usage: Usage, state: GenerationState, target: Target, tier: str) -> Decimal | None:
    """US dollars by the price in force when the call began; None if there is none."""
    model = target.candidate.model
    if model is None:
        return None
    moment = state.created_at
    if not database_clock.is_right():
        moment += database_clock.known_ahead()
    price = prices.price_at(model.prices, moment)
    if usage.details is None or not usage.details.beside:
        return prices.cost(usage, price, service_tier=tier, moment=moment)

    def price_of(model_id: str) -> prices.PriceFacts | None:
        other = state.configuration.models.get((target.provider.name, model_id))
        return None if other is None else prices.price_at(other.prices, moment)

    return prices.cost(usage, price, service_tier=tier, moment=moment, price_of=price_of)
