"""A single call of a node with a cascade: the cheap model first, the dear one where it is needed.

Who asks waits for the answer alone: what it teaches is merged afterwards. Streams, calls with tools
and others that nobody can score go to the node's own model, and the answer says why.
"""

import asyncio
import logging
import math
import time
from dataclasses import dataclass, replace
from typing import Any

from asgiref.sync import sync_to_async

from enrichment.batches import cascades
from enrichment.call_cascades import windows
from enrichment.cascades.steering import CascadeState, Decided, Phase, Way
from enrichment.enrichments.likeness import alikeness
from enrichment.enrichments.stated_confidence import schema_asks_confidence, stated_confidence
from enrichment.errors import NotAllowedNow
from llmconfig.client.errors import GenerationFailed
from llmconfig.client.finish_reasons import is_whole
from llmconfig.client.pipeline.cascades import Ask
from llmconfig.client.types import Call, Cascaded, Generation
from llmconfig.configuration import snapshot
from llmconfig.configuration.facts import CascadeFacts
from llmconfig.configuration.resolution import resolve
from llmconfig.configuration.snapshot import Snapshot
from llmconfig.errors import LLMError
from llmconfig.models import CascadeScore

logger = logging.getLogger(__name__)

LOOK_SECONDS = 1.0  # for which a process goes by what it has seen of a window
_learning: set[asyncio.Task[None]] = set()  # so that none is collected while it runs


@dataclass(frozen=True, slots=True)
class _Working:
    """A node's cascade as it works now: the cheap models' ids, and a cheap call's price."""

    node: str
    facts: CascadeFacts
    models: frozenset[str]
    price: float


@dataclass(slots=True)
class _Seen:
    """What a process knows of a window, and how many calls passed it by since, if it has ended."""

    state: CascadeState
    at: float
    passed: int = 0


_seen: dict[str, _Seen] = {}


async def steer(call: Call, facts: CascadeFacts, ask: Ask) -> Generation:
    """Have a call answered by the cheap model where that is good enough, else by the own one.

    Raises what the last call that was made raises.
    """
    state = await snapshot.acurrent()
    try:
        working = _working(call, facts, state)
    except (NotAllowedNow, LLMError) as rests:
        return replace(await ask(call), cascade=Cascaded("rests", why=str(rests)))
    seen = await _look(working)
    if not seen.asks_cheap:
        why = cascades.PHASES[Phase(seen.phase)]
        return replace(await ask(call), cascade=Cascaded("rests", why=why))
    began = time.monotonic()
    try:
        cheap = await ask(_cheap_call(call, facts))
    except GenerationFailed as failure:
        dear = await ask(_with_time_left(call, began))
        return replace(dear, cascade=Cascaded("own", model=facts.model, why=str(failure)))
    if cheap.record.model not in working.models:  # a fallback is as good as the own model
        return replace(_as_asked(cheap, call), cascade=Cascaded("own", model=facts.model))
    score = _score(facts.score, cheap)
    decision = await _off(windows.decide, score=score, **_where(working))
    told = Cascaded("kept", model=facts.model, score=score)
    if decision.way is Way.CHEAP:
        return replace(_as_asked(cheap, call), cascade=told)
    agrees: bool | None = None if decision.way is Way.DEAR else False
    try:
        dear = await ask(_with_time_left(call, began))
        if dear.record.model not in working.models:
            agrees = alikeness(_said(cheap), _said(dear)) >= 1
    finally:
        decided = Decided(score, decision.way, agrees, facts.model)
        _later(_off(windows.learn, decided=decided, audit=decision.audit, **_where(working)))
    way = "audited" if decision.way is Way.AUDIT else "own"
    cost = cheap.record.cost_usd
    return replace(dear, cascade=replace(told, way=way, beside_usd=cost))


def _working(call: Call, facts: CascadeFacts, state: Snapshot) -> _Working:
    """The cascade for this call; raises NotAllowedNow and LLMError where it rests."""
    if call.extra.get("tools") or call.extra.get("functions"):
        raise NotAllowedNow("Calls with tools go to the node's own model.")
    if call.choices != 1:
        raise NotAllowedNow("Calls for several answers go to the node's own model.")
    if call.node in state.experiments:
        raise NotAllowedNow("An experiment runs at the node.")
    cheap = cascades.candidates_of(facts.model, state)
    if not cheap:
        raise NotAllowedNow(f"No enabled provider serves {facts.model}.")
    if facts.score == CascadeScore.CONFIDENCE:
        if not schema_asks_confidence(call.schema):
            raise NotAllowedNow("The answer states no confidence.")
    elif facts.score != CascadeScore.LOGPROBS:
        raise NotAllowedNow(f"The score {facts.score} is for batches of rows.")
    elif cheap[0].model is None or not cheap[0].model.supports_logprobs:
        raise NotAllowedNow(f"{facts.model} isn't known to tell log-probabilities.")
    dear = resolve(call.node, snapshot=state).targets[0].candidate
    models = frozenset(each.model_id for each in cheap)
    if dear.model_id in models:
        raise NotAllowedNow(f"{facts.model} is the node's own model.")
    return _Working(call.node, facts, models, cascades.price_share(facts, cheap[0], dear, None))


def _where(working: _Working) -> dict[str, Any]:
    return {"node": working.node, "facts": working.facts, "price": working.price}


async def _look(working: _Working) -> CascadeState:
    """The node's window, looked at once a second by each process."""
    seen, now = _seen.get(working.node), time.monotonic()
    if seen is None or now - seen.at >= LOOK_SECONDS:
        passed = 0 if seen is None else seen.passed
        _seen[working.node] = seen = _Seen(CascadeState.begin(windows.WINDOW), now)
        seen.state = await _off(windows.look, passed=passed, **_where(working))
    if not seen.state.asks_cheap:
        seen.passed += 1
    return seen.state


async def _off(function: Any, **given: Any) -> Any:
    """In a thread: it waits for the database."""
    return await sync_to_async(function)(**given)


def _later(work: Any) -> None:
    """Nobody waits for it. What is lost in a death counts as an error that was caught."""

    async def told() -> None:
        try:
            await work
        except Exception:
            logger.exception("A cascade has learned nothing from a call.")

    task = asyncio.create_task(told())
    _learning.add(task)
    task.add_done_callback(_learning.discard)


def _cheap_call(call: Call, facts: CascadeFacts) -> Call:
    given = {**call.given, "model": facts.model}
    asks_tokens = call.logprobs or facts.score == CascadeScore.LOGPROBS
    # An answer from the cache tells no log-probabilities.
    use_cache = call.use_cache and not asks_tokens
    return replace(
        call,
        given=given,
        experiment_key="",
        logprobs=asks_tokens,
        use_cache=use_cache,
        correlation_id=None,
    )


def _with_time_left(call: Call, began: float) -> Call:
    """The own model's call, with what is left of the caller's time."""
    left = call.deadline_s
    if left is not None:
        left = max(0.001, left - (time.monotonic() - began))
    return replace(call, deadline_s=left)


def _as_asked(cheap: Generation, call: Call) -> Generation:
    """The cheap answer under the call's id, without log-probabilities that it didn't ask for."""
    if call.correlation_id is not None:
        record = replace(cheap.record, correlation_id=call.correlation_id)
        cheap = replace(cheap, record=record)
    return cheap if call.logprobs else replace(cheap, tokens=(), logprobs=())


def _score(kind: str, answer: Generation) -> float:
    """From 0 to 1; 0 for one that isn't whole."""
    if answer.tool_calls or answer.refusal or not is_whole(answer.record.finish_reason):
        return 0.0
    if kind == CascadeScore.CONFIDENCE:
        return stated_confidence(answer.parsed) or 0.0
    likely = [logprob for _, logprob in answer.tokens]
    return math.exp(math.fsum(likely) / len(likely)) if likely else 0.0


def _said(answer: Generation) -> Any:
    """What two answers agree about."""
    return answer.text if answer.parsed is None else answer.parsed
