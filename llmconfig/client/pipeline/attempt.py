"""One request to a target: cache, budgets, limits, judging, pricing also what may be billed."""

import asyncio
import time
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from llmconfig.client.finish_reasons import is_whole, why_not_whole
from llmconfig.client.http.transport import RequestFailed, Response
from llmconfig.client.pipeline import billing, caching, endpoints, refusals, responses
from llmconfig.client.pipeline.endpoints import ProviderEndpoint
from llmconfig.client.pipeline.responses import Refused
from llmconfig.client.pipeline.state import (
    AttemptResult,
    GenerationState,
    ms_since,
    not_sent,
    unwanted,
)
from llmconfig.client.pipeline.strategy import Strategy
from llmconfig.client.structured_output import LARGE_ANSWER_CHARACTERS, SchemaMismatch
from llmconfig.client.traffic import response_cache
from llmconfig.client.traffic.admission import (
    MAYBE_BILLED,
    Admission,
    BudgetRefused,
    budgets_of,
)
from llmconfig.client.traffic.rate_limits import NotAdmitted
from llmconfig.client.traffic.response_cache import CachedAnswer
from llmconfig.client.types import ANSWERED, NOT_BILLED, Attempt, Billed, Message
from llmconfig.client.wire import JSON, BadReply, Question, Reply
from llmconfig.client.wire.reading import dump
from llmconfig.client.wire.refused_parameters import CHOICES, adjustment_for
from llmconfig.configuration.resolution import Target
from llmconfig.runtime.records import replace

NO_COST = Decimal(0)
WAITED_MS = 1.0  # a shorter wait for budgets and limits is not worth recording
MAX_ANSWER_CHARACTERS = 20_000  # of an answer that is sent back to be repaired
MAX_ADJUSTMENTS = 8  # requests that are sent again without a refused parameter


class TargetExchange:
    """All that is sent to one target: the question, its repetitions, and a request to repair."""

    def __init__(
        self, state: GenerationState, strategy: Strategy, target: Target, endpoint: ProviderEndpoint
    ) -> None:
        self.state = state
        self.strategy = strategy
        self.target = target
        native = state.call.native
        self.native = native if native is not None and native.wire == endpoint.wire.name else None
        if state.call.trace or (self.native is not None and self.native.headers):
            endpoint = endpoints.with_headers(endpoint, self.native, state.call.trace)
        self.endpoint = endpoint
        self.repaired = False
        self.failed = False  # once: a call counts once against its target
        self.looked = False  # in the cache: once
        self.refused = refusals.known(target, state.configuration)
        self.learned: dict[str, str] = {}  # what was refused for good, and in which words
        self.adjustments = 0
        self.content: JSON = {}
        self.messages = state.call.messages
        self.payload = self._write(state.call.messages)

    async def attempt(self) -> AttemptResult:
        """One request, or the answer from the cache; the result is also added to the state's."""
        key = None if self.looked else caching.key_of(self.state, self.strategy, self.target)
        self.looked = True
        if key is not None:
            made = await self._attempt_by_cache(key)
        else:
            made = await self._send_admitted()
            if made.adjusted or self.learned:
                made = await self.adjusted(made)
        self.state.add(made)
        return made

    # The request and what it needs before it is sent

    async def adjusted(self, made: AttemptResult) -> AttemptResult:
        """What came of a request, and of another one for each parameter that its server refuses.

        What was refused is remembered once an answer has shown that it was that.
        """
        while made.adjusted and await self.state.may_go_on():
            self.state.add(made)
            made = await self._send_admitted()
        if self.learned and made.attempt.outcome in ANSWERED:
            refusals.remember(self.target, self.state.configuration, self.learned)
            self.learned = {}
        return made

    async def _send_admitted(self) -> AttemptResult:
        """One request, once budgets and limits let it go."""
        state, target = self.state, self.target
        budgets, most = budgets_of(state.call, target, state.configuration), None
        if budgets or target.provider.tokens_per_minute:
            most = self.strategy.most_used(state.call, target)
        cheaper = state.degradation
        wanted = Admission(
            state.call,
            target,
            state.configuration,
            most,
            budgets,
            None if cheaper is None else cheaper.after_seconds,
            may_degrade=cheaper is not None,
            is_counted=not self.failed,
        )
        began = time.perf_counter()
        state.waiting = (target, began)
        try:
            async with wanted as admission:
                now = time.perf_counter()
                waited_ms = (now - began) * 1000
                state.waiting = None
                allowed = not state.switch_is_stale(now) or await state.may_go_on()
                if not (allowed and (state.before_send is None or state.may_send())):
                    return unwanted(state, target)
                admission.sent()
                state.unsettled = True
                try:
                    made = await self.request()
                except asyncio.CancelledError:
                    state.given_up = billing.interrupted(state, self.strategy, target)
                    admission.interrupted(state.given_up.amount)
                    raise
                admission.ended(made.attempt, transient=made.transient)
                self.failed = self.failed or made.reply is None
        except NotAdmitted as refusal:
            state.waiting = None
            return self._not_admitted(refusal, ms_since(began))
        if waited_ms < WAITED_MS:
            return made
        return replace(made, attempt=replace(made.attempt, waited_ms=waited_ms))

    def _not_admitted(self, refusal: NotAdmitted, waited_ms: float) -> AttemptResult:
        attempt = not_sent(self.target, refusal.code, str(refusal))
        can_degrade = self.state.degradation is not None
        return AttemptResult(
            self.target,
            replace(attempt, waited_ms=waited_ms),
            transient=refusal.code != "budget_exceeded",
            degrade=can_degrade and refusal.code in {"budget_soft", "limited"},
            shortage=refusal.shortage if isinstance(refusal, BudgetRefused) else None,
        )

    async def request(self) -> AttemptResult:
        """Send it, and tell what its reply means: for who holds what it needs to be sent."""
        state = self.state
        started = time.perf_counter()
        state.in_flight = (self.target, started)
        response: Response | RequestFailed
        try:
            response = await self.strategy.send(self.endpoint, self.target, self.payload)
        except RequestFailed as failure:
            response = failure
        state.in_flight = None
        latency_ms = ms_since(started)
        if state.schema is not None and self._answer_size(response) > LARGE_ANSWER_CHARACTERS:
            return await asyncio.to_thread(self.judge, response, latency_ms)
        return self.judge(response, latency_ms)

    def _answer_size(self, response: Response | RequestFailed) -> int:
        """How long what must be read is, in bytes or characters."""
        size = len(response.body) if isinstance(response, Response) else 0
        progress = self.strategy.progress()
        return size if progress is None else max(size, progress.received)

    def _write(self, messages: Sequence[Message]) -> bytes:
        state, call = self.state, self.state.call
        native = call.native if self.native is None else None  # written for another wire
        question = Question(
            self.target,
            messages,
            call.extra,
            state.schema,
            call.logprobs,
            self.refused,
            self.native if self.native and self.native.body else None,
            messages[len(call.messages) :],
            native is not None,
            call.prefix,
            call.choices,
        )
        body = self.strategy.body(self.endpoint, question)
        if self.refused:
            body = refusals.without(body, self.refused)
        self.content, self.messages = body.content, messages
        lost = tuple(each for each in native.lost if each not in body.carried) if native else ()
        dropped = self.target.dropped + body.dropped + lost
        state.dropped = tuple(dict.fromkeys(dropped)) if dropped else ()
        return dump(body.content)

    # The response cache

    async def _attempt_by_cache(self, key: bytes) -> AttemptResult:
        """What the cache holds, else one request, whose good answer is kept there."""
        state, began = self.state, time.perf_counter()
        if state.call.use_cache:
            kept = await response_cache.find(key, state.configuration)
            made = self._from_cache(kept, ms_since(began)) if kept is not None else None
            if made is not None:
                return made
        try:
            made = await self.adjusted(await self._send_admitted())
            caching.keep(key, made, state)
        finally:
            if state.call.use_cache:
                response_cache.landed(key)
        return made

    def _from_cache(self, kept: CachedAnswer, latency_ms: float) -> AttemptResult | None:
        """The answer as if it had just come; None if it doesn't fit its schema."""
        reply = kept.reply()
        try:
            parsed = self.strategy.parse(reply, self.state.schema)
        except SchemaMismatch:
            return None
        self.state.saved_usd = kept.cost_usd
        attempt = replace(
            not_sent(self.target, "cached", ""), latency_ms=latency_ms, cost_usd=NO_COST
        )
        return AttemptResult(self.target, attempt, reply=reply, parsed=parsed)

    # What a reply means

    def judge(self, response: Response | RequestFailed, latency_ms: float) -> AttemptResult:
        """What a reply, or none, means; once a part of it was passed on, nothing follows it."""
        made = self._judged(response, latency_ms)
        state = self.state
        if not state.committed:
            return made
        attempt = made.attempt
        if not attempt.paid:
            whole = made.reply is not None
            attempt = billing.with_what_came(
                attempt, state, self.strategy, self.target, whole=whole
            )
        return replace(made, attempt=attempt, again=False, repair=False, adjusted=False)

    def _judged(self, response: Response | RequestFailed, latency_ms: float) -> AttemptResult:
        if isinstance(response, RequestFailed):
            at_once = response.unreached and not self.state.call.waits
            return self._failed(
                response.code,
                response.detail,
                latency_ms,
                transient=response.transient,
                again=response.transient and not at_once,
            )
        request_id = self.endpoint.scrubber.without_key(responses.request_id(response.headers))
        try:
            verdict = self.strategy.read(self.endpoint, response)
        except BadReply as bad:
            return self._failed(
                "bad_reply",
                str(bad),
                latency_ms,
                transient=True,
                status=response.status,
                billed=bad.billed,
                request_id=request_id,
            )
        if isinstance(verdict, Refused):
            return self._refused(verdict, latency_ms, request_id)
        reply = self.endpoint.scrubber.answer(verdict)
        self.state.native = self._own_words(verdict)
        if self.state.call.choices > 1:
            reply = self._with_others(reply, verdict.others)
        return self._answered(reply, latency_ms, request_id)

    def _own_words(self, verdict: Reply) -> JSON | None:
        """What goes to a caller of the target's wire as it came, without the key."""
        asked, came = self.native, verdict.native
        told = None if asked is None or came is None else self.endpoint.wire.own_words(came)
        return None if told is None else self.endpoint.scrubber.value(told)

    def _with_others(self, reply: Reply, others: Sequence[Reply]) -> Reply:
        """The first answer with the others; a target that gives fewer isn't asked so again."""
        if 1 + len(others) < self.state.call.choices and CHOICES not in self.refused:
            self.learned[CHOICES] = f"it gave {1 + len(others)} of several answers"
        self.state.others_native = tuple(map(self._own_words, others))
        return replace(reply, others=tuple(map(self.endpoint.scrubber.answer, others)))

    def _answered(self, reply: Reply, latency_ms: float, request_id: str) -> AttemptResult:
        parsed, mismatch = None, ""
        try:
            parsed = self.strategy.parse(reply, self.state.schema)
        except SchemaMismatch as error:
            mismatch = f"{why_not_whole(reply.finish_reason)} {error}".strip()
        believed, note = self._believed(reply.billed, len(reply.text))
        if mismatch:
            note = "; ".join(filter(None, (self._clean(mismatch), note)))
        outcome = "invalid_answer" if mismatch else "ok"
        attempt = billing.answered(
            outcome, latency_ms, note, request_id, believed, self.state, self.target
        )
        if not mismatch:
            return AttemptResult(self.target, attempt, reply, parsed)
        repair = not self.repaired and is_whole(reply.finish_reason)
        if repair:
            self._ask_to_repair(reply.text, mismatch)
        return AttemptResult(self.target, attempt, again=repair, repair=repair, rejected=reply)

    def _clean(self, words: str) -> str:
        return self.endpoint.scrubber.clean(words)

    def _attempt(self, *facts: Any, **more: Any) -> Attempt:
        return Attempt(self.target.provider.name, self.target.model_id, *facts, **more)

    def _believed(self, billed: Billed, received: int = 0) -> tuple[Billed, str]:
        """What is believed of what the provider says that it cost, and a note on what isn't."""
        return billing.believable(
            billed, self.state, self.target, sent_bytes=len(self.payload), received=received
        )

    def _priced(self, attempt: Attempt, billed: Billed) -> Attempt:
        """With what it cost, as far as the provider's word can be true."""
        believed, note = self._believed(billed)
        if note:
            attempt = replace(attempt, detail=f"{attempt.detail}; {note}".removeprefix("; "))
        return billing.priced(attempt, believed, self.state, self.target)

    def _ask_to_repair(self, answer: str, mismatch: str) -> None:
        self.repaired = True
        complaint = (
            f"That answer is not usable: {mismatch}\nAnswer again with the whole corrected JSON"
            " value and nothing else."
        )
        self.payload = self._write(
            [
                *self.state.call.messages,
                {"role": "assistant", "content": answer[:MAX_ANSWER_CHARACTERS] or "(nothing)"},
                {"role": "user", "content": complaint},
            ]
        )

    def _refused(self, verdict: Refused, latency_ms: float, request_id: str) -> AttemptResult:
        configuration = self.state.configuration
        if verdict.status in {401, 403}:
            endpoints.forget(self.target, configuration)
        cap = configuration.setting("LLM_RETRY_MAX_DELAY")
        waits = verdict.retry_after_s is None or verdict.retry_after_s <= cap
        made = self._failed(
            verdict.code,
            verdict.detail,
            latency_ms,
            transient=verdict.transient,
            again=verdict.transient and waits and not verdict.once,
            billed=verdict.billed,
            status=verdict.status,
            retry_after_s=verdict.retry_after_s,
            request_id=request_id,
        )
        if not self._adjust(verdict, made.attempt.detail):
            return made
        return replace(made, transient=False, again=False, adjusted=True)

    def _adjust(self, verdict: Refused, told: str) -> bool:
        """Change the request if it is one of its optional parameters that is refused."""
        if verdict.refusal is None or self.adjustments >= MAX_ADJUSTMENTS:
            return False
        found = adjustment_for(verdict.status, verdict.refusal, self.content, self.refused)
        if found is None:
            return False
        self.adjustments += 1
        self.refused |= {found.refused}
        if found.lasting:
            self.learned[found.refused] = told
        self.payload = self._write(self.messages)
        return True

    def _failed(
        self,
        code: str,
        detail: str,
        latency_ms: float,
        *,
        transient: bool,
        again: bool | None = None,
        billed: Billed = NOT_BILLED,
        **facts: Any,
    ) -> AttemptResult:
        attempt = self._attempt(code, latency_ms, **facts, detail=self._clean(detail))
        if billed.usage is not None or billed.cost_usd is not None:
            attempt = self._priced(attempt, billed)
        elif code in MAYBE_BILLED and self.state.batch:
            attempt = billing.priced(attempt, billed, self.state, self.target)
        elif code in MAYBE_BILLED and not self.state.committed:
            attempt = billing.doubtful(attempt, self.state, self.strategy, self.target)
        return AttemptResult(
            self.target, attempt, transient=transient, again=transient if again is None else again
        )
