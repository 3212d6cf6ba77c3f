"""A single call of a node with a cascade: the cheap model first, the dear one where it is needed.

Who asks waits for the answer alone: what it teaches is merged afterwards. Scores of two take one
more call between the two. Streams, calls with tools and others that nobody can score go to the
node's own model, and the answer says why.
"""

import asyncio
import logging
import time
from decimal import Decimal
from typing import Any

from asgiref.sync import sync_to_async
from msgspec import Struct

from enrichment.batches import cascades
from enrichment.call_cascades import windows
from enrichment.call_cascades.scoring import AnswerScoring, CallScoring, said
from enrichment.call_cascades.windows import CallDecision
from enrichment.cascades.steering import CascadeState, Decided, Phase, Way
from enrichment.engine.cascade_decisions import SECOND_TEMPERATURE
from enrichment.errors import NotAllowedNow
from enrichment.judging import Judge, graded, judges_target
from llmconfig.client.errors import GenerationFailed
from llmconfig.client.pipeline.cascades import Ask
from llmconfig.client.types import Call, Cascaded, Generation
from llmconfig.configuration import snapshot
from llmconfig.configuration.facts import CascadeFacts
from llmconfig.configuration.resolution import resolve
from llmconfig.configuration.snapshot import Snapshot
from llmconfig.errors import LLMError
from llmconfig.models import CascadeScore
from llmconfig.runtime.records import replace

logger = logging.getLogger(__name__)

NO_COST = Decimal(0)
LOOK_SECONDS = 1.0  # for which a process goes by what it has seen of a window
_learning: set[asyncio.Task[None]] = set()  # so that none is collected while it runs


class _Working(Struct, frozen=True):
    """A node's cascade as it works now: the cheap models' ids, a scored cheap answer's price as a
    share of the own model's, and who judges, if anybody."""

    node: str
    facts: CascadeFacts
    models: frozenset[str]
    price: float
    judge: Judge | None = None


class _Seen(Struct):
    """What a process knows of a window, and how many calls passed it by since, if it has ended."""

    state: CascadeState
    at: float
    passed: int = 0


_seen: dict[str, _Seen] = {}


async def steer(
    call: Call, facts: CascadeFacts, ask: Ask, scoring: AnswerScoring | None = None
) -> Generation:
    """Have a call answered by the cheap model where that is good enough, else by the own one.

    `scoring` knows what the call is about; without it, what it says is all. Raises what the last
    call that was made raises.
    """
    state = await snapshot.acurrent()
    scoring = scoring or CallScoring(call)
    try:
        judge = await _off(scoring.judge) if facts.score == CascadeScore.JUDGE else None
        working = _working(call, facts, state, scoring, judge)
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
    asking = _Asking(call, working, ask, scoring, began)
    score, beside_usd = await asking.scored(cheap)
    decision = CallDecision(Way.DEAR)
    if score is not None:
        decision = await _off(windows.decide, score=score, **_where(working))
    score = score or 0.0
    told = Cascaded("kept", model=facts.model, score=score, beside_usd=beside_usd)
    if decision.way is Way.CHEAP:
        return replace(_as_asked(cheap, call), cascade=told)
    agrees: bool | None = None if decision.way is Way.DEAR else False
    try:
        dear = await ask(_with_time_left(call, began))
        if dear.record.model not in working.models:
            agrees = await scoring.likeness(cheap, dear) >= 1
    finally:
        decided = Decided(score, decision.way, agrees, facts.model)
        _later(_off(windows.learn, decided=decided, audit=decision.audit, **_where(working)))
    way = "audited" if decision.way is Way.AUDIT else "own"
    beside = _sum(beside_usd, cheap.record.cost_usd)
    return replace(dear, cascade=replace(told, way=way, beside_usd=beside))


class _Asking(Struct, frozen=True):
    """One call on its way to a score."""

    call: Call
    working: _Working
    ask: Ask
    scoring: AnswerScoring
    began: float

    async def scored(self, cheap: Generation) -> tuple[float | None, Decimal | None]:
        """A cheap answer's score, None where it can't be used; and what a second call cost."""
        kind = self.working.facts.score
        score = await self.scoring.score(kind, cheap)
        if score is None or kind not in cascades.SCORES_OF_TWO:
            return score, NO_COST
        second = _second_call(self.call, self.working, cheap)
        try:
            told = await self.ask(_with_time_left(second, self.began))
        except GenerationFailed as failure:
            return 0.0, failure.record.cost_usd
        except LLMError:
            return 0.0, NO_COST
        if self.working.judge is not None:
            return graded(told), told.record.cost_usd
        return await self.scoring.likeness(cheap, told), told.record.cost_usd


def _sum(one: Decimal | None, other: Decimal | None) -> Decimal | None:
    return None if one is None or other is None else one + other


def _working(
    call: Call,
    facts: CascadeFacts,
    state: Snapshot,
    scoring: AnswerScoring,
    judge: Judge | None,
) -> _Working:
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
    scoring.check(facts.score)
    tells = cheap[0].model is not None and cheap[0].model.supports_logprobs
    if facts.score == CascadeScore.LOGPROBS and not tells:
        raise NotAllowedNow(f"{facts.model} isn't known to tell log-probabilities.")
    dear = resolve(call.node, snapshot=state).targets[0].candidate
    models = frozenset(each.model_id for each in cheap)
    if dear.model_id in models:
        raise NotAllowedNow(f"{facts.model} is the node's own model.")
    graded_by = None if judge is None else judges_target(judge).candidate
    price = cascades.price_share(facts, cheap[0], dear, graded_by)
    return _Working(call.node, facts, models, price, judge)


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


def _second_call(call: Call, working: _Working, cheap: Generation) -> Call:
    """What scores a cheap answer: another sample, or a judge's word."""
    if working.judge is not None:
        plain = Call(
            node=call.node,
            messages=call.messages,
            user_id=call.user_id,
            labels=call.labels,
            deadline_s=call.deadline_s,
            waits=call.waits,
            trace=call.trace,
        )
        return working.judge.grading(plain, said(cheap))
    again = _cheap_call(call, working.facts)
    given = {**again.given, "temperature": SECOND_TEMPERATURE}
    return replace(again, given=given, use_cache=False)


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
