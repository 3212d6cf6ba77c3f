"""The first request of a usual call, on the shortest way: nothing holds it, and no answer is kept.

Who asks, what is sent, how a reply is judged, priced, kept and told is `attempt`'s business here as
well; left out is what only a call needs that waits: its place in a queue, a deadline beside the
request's own bound. Where anything is unusual, nothing has been done, and the general way begins
(`generation`); where what came is no good answer, that way goes on from it. Budgets and limits of
tokens are nothing unusual where what they take is at hand, as it is where many calls come
(`ahead`).
"""

import asyncio

from llmconfig.client.pipeline import billing, caching, endpoints
from llmconfig.client.pipeline.attempt import TargetExchange
from llmconfig.client.pipeline.endpoints import ProviderEndpoint
from llmconfig.client.pipeline.state import AttemptResult, GenerationState, unwanted
from llmconfig.client.pipeline.strategy import CHAT
from llmconfig.client.traffic import cooldown, response_cache
from llmconfig.client.traffic.admission import Admission, budgets_of, release_place
from llmconfig.client.traffic.budgets import PATIENCE_SECONDS, ledger_client
from llmconfig.client.traffic.rate_limits import RateLimiter, limiter_of
from llmconfig.client.types import Attempt
from llmconfig.configuration.facts import BudgetFacts
from llmconfig.configuration.resolution import Target
from llmconfig.errors import ConfigurationError
from llmconfig.runtime.deadline import Deadline


async def first_request(state: GenerationState) -> TargetExchange | None:
    """Make a chat's first request; None where the call isn't usual.

    What came of it was added to the state's attempts, and the exchange is for further ones. Raises
    TimeoutError where these would have passed the deadline.
    """
    target = state.resolution.targets[0]
    endpoint = _endpoint_of_usual(state, target)
    if endpoint is None:
        return None
    key = caching.key_of(state, CHAT, target)
    leads = key is not None and state.call.use_cache
    if key is not None and leads and not response_cache.has_surely_none(key, state.configuration):
        return None
    try:
        asked = await _asked(state, target, endpoint)
        if asked is None:
            return None
        made, exchange = asked
        if made.adjusted or exchange.learned:
            with Deadline(state.time_left_s()):
                made = await exchange.adjusted(made)
        if key is not None:
            caching.keep(key, made, state)
    finally:
        if key is not None and leads:
            response_cache.landed(key)
    state.add(made)
    return exchange


def _endpoint_of_usual(state: GenerationState, target: Target) -> ProviderEndpoint | None:
    """Where it goes, if nothing is known that its request would have to wait for."""
    provider = target.provider
    if not cooldown.is_all_well():
        return None
    # The request's bound is the call's as well, with the time in which its cost is stored.
    longest = provider.timeout_seconds + (PATIENCE_SECONDS if state.configuration.budgets else 0)
    if longest >= state.deadline_s:
        return None
    if provider.secret_ref and endpoints.lacks_key(target):
        return None
    try:
        return endpoints.endpoint_of(target, state.configuration)
    except ConfigurationError:
        return None


async def _asked(
    state: GenerationState, target: Target, endpoint: ProviderEndpoint
) -> tuple[AttemptResult, TargetExchange] | None:
    """Send it in a place that is free now, and free that again; None where there is none."""
    budgets = budgets_of(state.call, target, state.configuration)
    limiter = limiter_of(target.provider)
    if budgets or limiter.counts_tokens:
        return await _asked_counted(state, target, endpoint, budgets, limiter)
    if not limiter.is_acquired_at_once(0):
        return None
    attempt: Attempt | None = None
    sent = False
    try:
        exchange = TargetExchange(state, CHAT, target, endpoint)
        exchange.looked = True
        if state.before_send is not None and not state.may_send():
            return unwanted(state, target), exchange
        sent = state.unsettled = True
        try:
            made = await exchange.request()
        except asyncio.CancelledError:
            state.given_up = billing.interrupted(state, CHAT, target)
            raise
        attempt = made.attempt
        exchange.failed = made.reply is None
        cooldown.ended(target, attempt, transient=made.transient, configuration=state.configuration)
    finally:
        if sent:
            release_place(limiter, state.call, attempt, 0)
        else:
            limiter.release(0, 0)
    return made, exchange


async def _asked_counted(
    state: GenerationState,
    target: Target,
    endpoint: ProviderEndpoint,
    budgets: tuple[BudgetFacts, ...],
    limiter: RateLimiter,
) -> tuple[AttemptResult, TargetExchange] | None:
    """The same where budgets or limits count what it takes; None where that isn't at hand."""
    ledger = ledger_client() if budgets else None
    if ledger is not None and not ledger.has_ahead(budgets):
        return None
    most = CHAT.most_used(state.call, target)
    may_degrade = state.degradation is not None
    admission = Admission(
        state.call, target, state.configuration, most, budgets, may_degrade=may_degrade
    )
    if not admission.is_entered_at_once(limiter, ledger):
        return None
    has_left = False
    try:
        exchange = TargetExchange(state, CHAT, target, endpoint)
        exchange.looked = True
        if state.before_send is not None and not state.may_send():
            return unwanted(state, target), exchange
        admission.sent()
        state.unsettled = True
        try:
            made = await exchange.request()
        except asyncio.CancelledError:
            state.given_up = billing.interrupted(state, CHAT, target)
            admission.interrupted(state.given_up.amount)
            raise
        exchange.failed = made.reply is None
        admission.ended(made.attempt, transient=made.transient)
        if ledger is not None and state.settling is not None and made.reply is not None:
            has_left = True
            state.settling(admission.leave_answered(ledger))
    finally:
        if not has_left:
            await admission.leave()
    return made, exchange
