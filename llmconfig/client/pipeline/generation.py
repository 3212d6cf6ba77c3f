"""One generation from its resolution to its record: attempts, repairs, fallbacks, deadline."""

import asyncio
import datetime as dt
import random
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

from tenacity import AsyncRetrying, RetryCallState, retry_if_result, stop_after_attempt
from tenacity.stop import stop_base
from tenacity.wait import wait_base, wait_random_exponential

from llmconfig.client import structured_output
from llmconfig.client.finish_reasons import is_whole, why_not_whole
from llmconfig.client.http import transport
from llmconfig.client.http.transport import RequestFailed, Response
from llmconfig.client.pipeline import endpoints, responses, token_estimates, token_limits
from llmconfig.client.pipeline.endpoints import Endpoint
from llmconfig.client.pipeline.responses import Refused
from llmconfig.client.recording import tracing
from llmconfig.client.recording.recorders import Texts
from llmconfig.client.recording.tracing import Traced
from llmconfig.client.structured_output import (
    LARGE_ANSWER_CHARACTERS,
    OutputSchema,
    SchemaMismatch,
)
from llmconfig.client.traffic import cooldown, response_cache
from llmconfig.client.traffic.admission import (
    DOUBTFUL,
    Admission,
    Request,
    needs_estimate,
    worst_case,
)
from llmconfig.client.traffic.rate_limits import NotAdmitted
from llmconfig.client.traffic.response_cache import CachedAnswer
from llmconfig.client.types import (
    ANSWERED,
    ESTIMATED,
    NO_USAGE,
    NOT_BILLED,
    PRICED,
    REPORTED,
    UNKNOWN,
    Attempt,
    Billed,
    Call,
    CallRecord,
    Generation,
    Message,
    Usage,
)
from llmconfig.client.wire import JSON, BadReply, Body, Question, Reply
from llmconfig.client.wire.reading import dump
from llmconfig.client.wire.usage import tier_name
from llmconfig.configuration import prices, snapshot
from llmconfig.configuration.pricing import BATCH
from llmconfig.configuration.resolution import Resolution, Target, resolve
from llmconfig.configuration.snapshot import Degradation, Snapshot
from llmconfig.errors import (
    AnswerInvalid,
    BudgetExceeded,
    ConfigurationError,
    GenerationExhausted,
    GenerationFailed,
    GenerationRefused,
)

# Asked before each request, once budgets and limits let it go: may it still? It must not block.
Leaving = Callable[[], bool]

NO_COST = Decimal(0)
# The master switch is looked at again by whoever has waited longer than this since.
SWITCH_SEEN_SECONDS = 0.1
# A shorter wait for budgets and limits is none that anybody would want to be told of.
WAITED_MS = 1.0
# Sent back to the model with its own answer, which may be long.
MAX_ANSWER_CHARACTERS = 20_000
UNSENT = frozenset({"budget_exceeded", "budget_soft", "cooling"})


@dataclass(frozen=True, slots=True)
class AttemptResult:
    """An attempt and what may follow it: the same again, a repair, a cheaper model, or nothing.

    `transient` says whether a later call may fare better; `reply` is set if the answer is good.
    """

    target: Target
    attempt: Attempt
    reply: Reply | None = None
    parsed: Any = None
    transient: bool = False
    again: bool = False
    repair: bool = False
    degrade: bool = False
    ended: float = field(default_factory=time.perf_counter)


@dataclass(frozen=True, slots=True)
class Interrupted:
    """What is counted for a request that was not heard to its end, US dollars, and by what.

    `usage` is what its provider had told, if anything; `source` where the amount comes from;
    `received` says that pieces of an answer had come, which are never free.
    """

    amount: Decimal | None
    known_by: str
    usage: Usage | None = None
    source: str = ESTIMATED
    received: bool = False

    def counted(self, attempt: Attempt) -> Attempt:
        """The attempt with it. Without any usage its cost stays unknown."""
        if self.amount is None:
            return replace(attempt, cost_source=UNKNOWN)
        told = self.usage is not None or self.source == REPORTED
        return replace(
            attempt,
            usage=self.usage or NO_USAGE,
            paid=told or self.received or attempt.paid,
            cost_usd=self.amount if told else None,
            cost_source=self.source,
            estimated_usd=self.amount if self.source == ESTIMATED else None,
            detail=f"{attempt.detail}; {self.known_by}".removeprefix("; "),
        )


class Run:
    """One generation under way; it collects the attempts and ends in a record.

    Raises on creation what resolution raises, and SchemaUnusable.
    """

    def __init__(
        self,
        call: Call,
        configuration: Snapshot,
        *,
        shadow: bool = False,
        leaving: Leaving | None = None,
    ) -> None:
        call = self.call = token_limits.with_one_limit(call)
        self.leaving = leaving
        self.configuration = configuration
        self.resolution: Resolution = resolve(
            call.node,
            snapshot=configuration,
            user_id=call.user_id,
            given=call.given,
            experiment_key=call.experiment_key,
            shadow=shadow,
        )
        self.shape: OutputSchema | None = (
            None if call.schema is None else structured_output.compile_schema(call.schema)
        )
        self.created_at = dt.datetime.now(dt.UTC)
        self.started = self.switch_seen = time.perf_counter()
        self.deadline_s: float = configuration.setting("LLM_DEADLINE_SECONDS")
        self.tries: list[AttemptResult] = []
        self.dropped: tuple[str, ...] = ()
        self.batch = False  # answered by a provider's own batch
        self.in_flight: tuple[Target, float] | None = None
        # What a request in flight may have cost when it was given up, and by what that is known.
        self.given_up: Interrupted | None = None
        self.waiting: tuple[Target, float] | None = None  # for budgets, limits or a cool-down
        # Where it may go for less, once.
        self.degradation: Degradation | None = configuration.degradations.get(
            self.resolution.interaction_type
        )
        self.saved_usd: Decimal | None = None
        self.ended_by = ""  # "deadline", "cancelled", "calls_disabled" or "withdrawn"

    async def carry_out(self) -> None:
        """Ask each target in turn until one answers; what happened is then in `tries`."""
        try:
            async with asyncio.timeout(self.deadline_s):
                await self._ask_in_turn()
        except TimeoutError:
            self._end("deadline", f"the call's {self.deadline_s:g} s are over")
        except asyncio.CancelledError:
            self._end("cancelled", "the caller gave up")
            raise

    async def _ask_in_turn(self) -> None:
        await cooldown.know()
        ahead = list(self.resolution.targets)
        aside: list[Target] = []  # cooling down: asked when there is nobody else
        while ahead or aside:
            if self.tries and not await self.still_allowed():
                return
            if ahead:
                target = ahead.pop(0)
                if cooldown.seconds_left(target) > 0:
                    self._leave_alone(target)
                    aside.append(target)
                    continue
            else:
                target = min(aside, key=cooldown.seconds_left)
                aside.remove(target)
                if cooldown.seconds_left(target) > self.time_left_s():
                    return
                self.waiting = (target, time.perf_counter())
                await cooldown.wait_until_usable(target)
                self.waiting = None
            made = await self._ask(target)
            if made.reply is not None or self.ended_by:
                return
            if made.degrade:
                ahead, aside = self._cheaper(), []

    async def moves_on_from(self, target: Target) -> bool:
        """Whether a target that has begun to cool down is left for another one that isn't.

        If there is no other one, waits until it may be asked again.
        """
        if cooldown.seconds_left(target) <= 0:
            return False
        tried = {each.target.candidate for each in self.tries}
        if any(
            each.candidate not in tried and cooldown.seconds_left(each) <= 0
            for each in self.resolution.targets
        ):
            return True
        if cooldown.seconds_left(target) > self.time_left_s():
            return True
        self.waiting = (target, time.perf_counter())
        await cooldown.wait_until_usable(target)
        self.waiting = None
        return False

    def _leave_alone(self, target: Target) -> None:
        left = cooldown.seconds_left(target)
        detail = f"left alone for {left:.1f} s more after {cooldown.reason(target)}"
        attempt = _unsent(target, "cooling", detail)
        self.tries.append(AttemptResult(target, attempt, transient=True))

    def _cheaper(self) -> list[Target]:
        """The targets of `degrade_to`, which is taken once."""
        degradation, self.degradation = self.degradation, None
        if degradation is None:
            return []
        given = {key: value for key, value in self.call.given.items() if key != "provider"}
        try:
            resolution = resolve(
                self.call.node,
                snapshot=self.configuration,
                user_id=self.call.user_id,
                given={**given, "model": degradation.reference},
            )
        except ConfigurationError:
            return []
        refused = {each.target.candidate for each in self.tries if each.degrade}
        return [each for each in resolution.targets if each.candidate not in refused]

    async def still_allowed(self) -> bool:
        """Whether the master switch is on; looked at before everything after the first request."""
        processing = (await snapshot.acurrent()).processing
        self.switch_seen = time.perf_counter()
        if processing.get("enabled", False):
            return True
        self.ended_by = "calls_disabled"
        return False

    def must_look_again(self) -> bool:
        """Whether it is long since anybody looked at the master switch."""
        return time.perf_counter() - self.switch_seen > SWITCH_SEEN_SECONDS

    def may_leave(self) -> bool:
        """Whether the next request may be sent: its caller hasn't thought better of it."""
        if self.leaving is None or self.leaving():
            return True
        self.ended_by = "withdrawn"
        return False

    def time_left_s(self) -> float:
        """Seconds until the deadline."""
        return self.deadline_s - (time.perf_counter() - self.started)

    async def _ask(self, target: Target) -> AttemptResult:
        try:
            await endpoints.fetch_key(target, self.configuration)
            endpoint = endpoints.endpoint_of(target, self.configuration)
        except ConfigurationError as error:
            last = AttemptResult(target, _unsent(target, error.code, str(error)[:300]))
            self.tries.append(last)
            return last
        exchange = self.exchange(target, endpoint)
        last = await exchange.attempt()
        return await _repeat(exchange, last) if last.again else last

    def exchange(self, target: Target, endpoint: Endpoint) -> "Exchange":
        """How this kind of call speaks to a target."""
        return Exchange(self, target, endpoint)

    def _end(self, code: str, detail: str) -> None:
        """Stop in the middle; the request in flight becomes an attempt that brought nothing."""
        self.ended_by = code
        under_way = self.in_flight or self.waiting
        if under_way is None:
            return
        target, started = under_way
        if self.in_flight is None:
            detail += " while it waited for budgets, limits or a cool-down"
        attempt = Attempt(
            provider=target.provider.name,
            model=target.model_id,
            outcome=code,
            latency_ms=_ms_since(started),
            detail=detail,
        )
        if self.given_up is not None:
            attempt = self.given_up.counted(attempt)
        self.tries.append(AttemptResult(target, attempt, transient=True))

    # How it ended

    def record(self) -> CallRecord:
        """The plain facts; to be asked for once, when all is over."""
        last = self.tries[-1] if self.tries else None
        served = last.reply if last is not None else None
        target = last.target if last is not None else self.resolution.targets[0]
        model = target.candidate.model
        attempts = self._attempts()
        call = self.call
        record = CallRecord(
            created_at=self.created_at,
            correlation_id=call.correlation_id or uuid.uuid4(),
            node=call.node,
            interaction_type=str(self.resolution.interaction_type),
            labels=call.labels,
            user_id=call.user_id,
            provider=target.provider.name,
            model=target.model_id,
            tier=model.tier if model is not None else "",
            usage=_total_usage(attempts),
            cost_usd=_total_cost(attempts),
            latency_ms=_ms_since(self.started),
            finish_reason=served.finish_reason if served is not None else None,
            truncated=served is not None and served.finish_reason == "length",
            prompt_length=sum(map(_length, call.messages)),
            response_length=len(served.text) if served is not None else 0,
            error_code="" if served is not None else self._error_code(last),
            attempts=attempts,
            dropped_params=self.dropped,
            config_revision=self.resolution.revision,
            experiment=self.resolution.experiment,
            experiment_arm=self.resolution.arm,
            cache_hit=last is not None and last.attempt.outcome == "cached",
            saved_usd=self.saved_usd,
        )
        if self.resolution.tracing and tracing.enabled():
            ended_s = tuple(each.ended - self.started for each in self.tries)
            answer = served.text if served is not None else ""
            tracing.submit(Traced(record, ended_s, call.messages, answer))
        return record

    def texts(self) -> Texts:
        """What was said, for those who keep it."""
        reply = self.tries[-1].reply if self.tries else None
        prompt = "\n\n".join(map(_said, self.call.messages))
        return Texts(prompt=prompt, answer=reply.text or reply.refusal if reply is not None else "")

    def outcome(self, record: CallRecord) -> Generation | GenerationFailed:
        """The answer, or the error to raise; raises BudgetExceeded itself."""
        last = self.tries[-1] if self.tries else None
        if last is not None and last.reply is not None:
            reply = last.reply
            return Generation(
                reply.text,
                last.parsed,
                record,
                reply.tool_calls,
                reply.tokens,
                reply.thoughts,
                reply.refusal,
                reply.native_reason,
                reply.stop_sequence,
            )
        refusal = self._budget_that_refused()
        if refusal:
            raise BudgetExceeded(f"{self.call.node}: {refusal}.", record=record)
        return self._error_class()(self._story(record), record=record)

    def _budget_that_refused(self) -> str:
        """The reason, if it is only for budgets that nobody was asked."""
        reasons = [
            each.attempt.detail for each in self.tries if each.attempt.outcome == "budget_exceeded"
        ]
        asked = any(each.attempt.outcome not in UNSENT for each in self.tries)
        return reasons[0] if reasons and not asked else ""

    def _error_class(self) -> type[GenerationFailed]:
        """A later call may help if any target failed in passing; else why the last one didn't."""
        if self.ended_by == "calls_disabled":
            return GenerationRefused
        ends = list({id(each.target): each for each in self.tries}.values())
        if self.ended_by or any(each.transient for each in ends):
            return GenerationExhausted
        invalid = any(each.attempt.outcome == "invalid_answer" for each in ends)
        return AnswerInvalid if invalid else GenerationRefused

    def _error_code(self, last: AttemptResult | None) -> str:
        return self.ended_by or (last.attempt.outcome if last is not None else "deadline")

    def _attempts(self) -> tuple[Attempt, ...]:
        """Each attempt with what followed it."""
        if not self.tries[1:]:
            return tuple(each.attempt for each in self.tries)
        told = []
        for each, following in zip(self.tries, [*self.tries[1:], None], strict=True):
            moved_on = ""
            if following is not None:
                same = following.target is each.target
                moved_on = ("repair" if each.repair else "retry") if same else "fallback"
                moved_on = "degrade" if each.degrade else moved_on
            told.append(replace(each.attempt, moved_on=moved_on))
        return tuple(told)

    def _story(self, record: CallRecord) -> str:
        """One line: what each target said last."""
        ends = {(each.provider, each.model): each for each in record.attempts}
        parts = [
            f"{each.provider}/{each.model}: {each.outcome}"
            + (f" ({each.detail})" if each.detail else "")
            for each in ends.values()
        ]
        ended = {
            "deadline": f"no answer within {self.deadline_s:g} s",
            "calls_disabled": "calls were switched off meanwhile",
            "withdrawn": "it was withdrawn before it was sent",
        }.get(self.ended_by, "no answer")
        return f"{self.call.node}: {ended}. {'; '.join(parts)}".strip()


class Exchange:
    """All that is said to one target within one generation."""

    def __init__(self, run: Run, target: Target, endpoint: Endpoint) -> None:
        self.run = run
        self.target = target
        self.endpoint = endpoint
        self.repaired = False
        self.looked = False  # in the cache: once
        self.payload = self._write(run.call.messages)

    async def attempt(self) -> AttemptResult:
        """One request, or the answer from the cache; its Try is also kept with the run's."""
        key = None if self.looked else self.cache_key()
        self.looked = True
        if key is None:
            made = await self._attempt()
        else:
            made = await self._attempt_by_cache(key)
        self.run.tries.append(made)
        return made

    async def _attempt(self) -> AttemptResult:
        """One request, once budgets and limits let it go."""
        run, target = self.run, self.target
        most = self.most_used() if needs_estimate(target, run.configuration) else None
        cheaper = run.degradation
        request = Request(
            run.call,
            target,
            run.configuration,
            most,
            patience_s=cheaper.after_seconds if cheaper is not None else None,
            may_degrade=cheaper is not None,
        )
        began = time.perf_counter()
        run.waiting = (target, began)
        try:
            async with Admission(request) as admission:
                waited_ms = _ms_since(began)
                run.waiting = None
                allowed = not run.must_look_again() or await run.still_allowed()
                if not (allowed and run.may_leave()):
                    return AttemptResult(target, _unsent(target, run.ended_by, ""), transient=True)
                admission.leaves()
                try:
                    made = await self._exchange()
                except asyncio.CancelledError:
                    run.given_up = self.interrupted()
                    admission.interrupted(run.given_up.amount)
                    raise
                admission.ended(made.attempt, transient=made.transient)
        except NotAdmitted as refusal:
            run.waiting = None
            return self._turned_away(refusal, _ms_since(began))
        if waited_ms < WAITED_MS:
            return made
        return replace(made, attempt=replace(made.attempt, waited_ms=waited_ms))

    def _turned_away(self, refusal: NotAdmitted, waited_ms: float) -> AttemptResult:
        attempt = _unsent(self.target, refusal.code, str(refusal))
        degrade = self.run.degradation is not None and refusal.code in {"budget_soft", "limited"}
        return AttemptResult(
            self.target,
            replace(attempt, waited_ms=waited_ms),
            transient=refusal.code != "budget_exceeded",
            degrade=degrade,
        )

    def most_used(self) -> Usage:
        """The most tokens that one request can use."""
        return token_estimates.most_used(self.target, self.run.call)

    def cache_key(self) -> bytes | None:
        """What the answer would be kept under; None if it isn't."""
        run = self.run
        return (
            response_cache.key_of(self.target, run.call)
            if response_cache.enabled(run.configuration)
            else None
        )

    async def _attempt_by_cache(self, key: bytes) -> AttemptResult:
        """What the cache holds, else one request, whose good answer is kept there."""
        run, began = self.run, time.perf_counter()
        if run.call.use_cache:
            kept = await response_cache.find(key, run.configuration)
            made = self._from_cache(kept, _ms_since(began)) if kept is not None else None
            if made is not None:
                return made
        try:
            made = await self._attempt()
            if made.reply is not None and is_whole(made.reply.finish_reason):
                reply = made.reply
                answer = CachedAnswer(
                    reply.text,
                    reply.finish_reason,
                    reply.tool_calls,
                    made.attempt.cost_usd,
                    reply.tokens,
                    reply.thoughts,
                    reply.native_reason,
                    reply.stop_sequence,
                )
                response_cache.keep(key, answer, run.configuration)
        finally:
            if run.call.use_cache:
                response_cache.landed(key)
        return made

    def _from_cache(self, kept: CachedAnswer, latency_ms: float) -> AttemptResult | None:
        """The answer as if it had just come; None if it doesn't fit its schema."""
        run, parsed = self.run, None
        if run.shape is not None and not kept.tool_calls:
            try:
                parsed = run.shape.read(kept.text)
            except SchemaMismatch:
                return None
        run.saved_usd = kept.cost_usd
        reply = Reply(
            text=kept.text,
            finish_reason=kept.finish_reason,
            tool_calls=kept.tool_calls,
            tokens=kept.tokens,
            thoughts=kept.thoughts,
            native_reason=kept.native_reason,
            stop_sequence=kept.stop_sequence,
        )
        attempt = replace(
            _unsent(self.target, "cached", ""), latency_ms=latency_ms, cost_usd=NO_COST
        )
        return AttemptResult(self.target, attempt, reply=reply, parsed=parsed)

    async def _exchange(self) -> AttemptResult:
        """One request and what its reply means."""
        run = self.run
        started = time.perf_counter()
        run.in_flight = (self.target, started)
        response: Response | RequestFailed
        try:
            response = await self.send()
        except RequestFailed as failure:
            response = failure
        run.in_flight = None
        latency_ms = _ms_since(started)
        if run.shape is not None and self.answer_size(response) > LARGE_ANSWER_CHARACTERS:
            return await asyncio.to_thread(self.judge, response, latency_ms)
        return self.judge(response, latency_ms)

    def answer_size(self, response: Response | RequestFailed) -> int:
        """How long what must be read is, in bytes or characters."""
        return len(response.body) if isinstance(response, Response) else 0

    async def send(self) -> Response:
        """Send the payload; raises RequestFailed."""
        endpoint = self.endpoint
        return await transport.post(
            endpoint.url,
            headers=endpoint.headers,
            body=self.payload,
            timeout_s=self.target.provider.timeout_seconds,
            private=endpoint.private,
        )

    def read(self, value: JSON) -> Reply:
        """The answer in a good reply; raises BadReply."""
        return self.endpoint.wire.read(value)

    def _write(self, messages: Sequence[Message]) -> bytes:
        run = self.run
        question = Question(
            self.target, messages, run.call.extra, run.shape, logprobs=run.call.logprobs
        )
        body = self.ask(question)
        run.dropped = self.target.dropped + body.dropped
        return dump(body.content)

    def ask(self, question: Question) -> Body:
        """The question in the wire's words."""
        return self.endpoint.wire.body(question)

    def judge(self, response: Response | RequestFailed, latency_ms: float) -> AttemptResult:
        """What a reply, or none, means."""
        if isinstance(response, RequestFailed):
            return self._failed(
                response.code, response.detail, latency_ms, transient=response.transient
            )
        request_id = self.endpoint.scrubber.without_key(responses.request_id(response.headers))
        try:
            verdict = responses.judge(response, self.endpoint.wire, self.read)
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
        return self._answered(self.endpoint.scrubber.answer(verdict), latency_ms, request_id)

    def _answered(self, reply: Reply, latency_ms: float, request_id: str) -> AttemptResult:
        shape, parsed = self.run.shape, None
        misfit = ""
        if shape is not None and not reply.tool_calls:
            try:
                parsed = shape.read(reply.text)
            except SchemaMismatch as error:
                misfit = f"{why_not_whole(reply.finish_reason)} {error}".strip()
        attempt = Attempt(
            provider=self.target.provider.name,
            model=self.target.model_id,
            outcome="invalid_answer" if misfit else "ok",
            latency_ms=latency_ms,
            status=200,
            detail=self.endpoint.scrubber.clean(misfit) if misfit else "",
            request_id=request_id,
        )
        attempt = self.priced(attempt, reply.billed)
        if not misfit:
            return AttemptResult(self.target, attempt, reply=reply, parsed=parsed)
        repair = not self.repaired and is_whole(reply.finish_reason)
        if repair:
            self._ask_to_repair(reply.text, misfit)
        return AttemptResult(self.target, attempt, again=repair, repair=repair)

    def _ask_to_repair(self, answer: str, misfit: str) -> None:
        self.repaired = True
        complaint = (
            f"That answer is not usable: {misfit}\nAnswer again with the whole corrected JSON value"
            " and nothing else."
        )
        self.payload = self._write(
            [
                *self.run.call.messages,
                {"role": "assistant", "content": answer[:MAX_ANSWER_CHARACTERS] or "(nothing)"},
                {"role": "user", "content": complaint},
            ]
        )

    def _refused(self, verdict: Refused, latency_ms: float, request_id: str) -> AttemptResult:
        if verdict.status in {401, 403}:
            endpoints.forget(self.target, self.run.configuration)
        cap = self.run.configuration.setting("LLM_RETRY_MAX_DELAY")
        waits = verdict.retry_after_s is None or verdict.retry_after_s <= cap
        return self._failed(
            verdict.code,
            verdict.detail,
            latency_ms,
            transient=verdict.transient,
            again=verdict.transient and waits,
            status=verdict.status,
            retry_after_s=verdict.retry_after_s,
            request_id=request_id,
        )

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
        attempt = Attempt(
            provider=self.target.provider.name,
            model=self.target.model_id,
            outcome=code,
            latency_ms=latency_ms,
            detail=self.endpoint.scrubber.clean(detail),
            **facts,
        )
        if billed.usage is not None or billed.cost_usd is not None or code in DOUBTFUL:
            attempt = self.priced(attempt, billed)
        return AttemptResult(
            self.target, attempt, transient=transient, again=transient if again is None else again
        )

    def priced(self, attempt: Attempt, billed: Billed) -> Attempt:
        """The attempt with what it cost and where that comes from."""
        usage = billed.usage
        tier = BATCH if self.run.batch else billed.service_tier or self.asked_tier(billed)
        cost_usd, source = billed.cost_usd, REPORTED
        if cost_usd is None:
            cost_usd = None if usage is None else self._price(usage, tier)
            source = UNKNOWN if cost_usd is None else PRICED
        return replace(
            attempt,
            usage=usage or NO_USAGE,
            cost_usd=cost_usd,
            cost_source=source,
            service_tier=tier,
            paid=usage is not None or billed.cost_usd is not None,
        )

    def asked_tier(self, billed: Billed) -> str:
        """The tier that was asked for, where the reply doesn't say which one it was."""
        extra = self.run.call.extra
        if not extra or billed.names_tier:
            return ""
        return tier_name(extra.get("speed")) or tier_name(extra.get("service_tier"))

    def interrupted(self) -> Interrupted:
        """What a request that is given up may have cost at most."""
        most = worst_case(self.target, self.most_used(), self.run.call)
        return Interrupted(most, "counted by the most that it may have cost")

    def _price(self, usage: Usage, service_tier: str = "") -> Decimal | None:
        model = self.target.candidate.model
        if model is None:
            return None
        moment = self.run.created_at
        return prices.cost(
            usage,
            prices.price_at(model.prices, moment),
            service_tier=service_tier,
            moment=moment,
        )


async def _repeat(exchange: Exchange, first: AttemptResult) -> AttemptResult:
    """More attempts on the same target; tenacity counts and waits.

    It is set up only now, with the first attempt's outcome already in hand: its machinery costs
    25 µs, a quarter of a whole call, and most calls succeed at once.
    """
    run = exchange.run
    setting = run.configuration.setting
    held = [first]

    async def attempt() -> AttemptResult:
        if held:
            return held.pop()
        if not await run.still_allowed() or await run.moves_on_from(exchange.target):
            return replace(run.tries[-1], again=False)
        return await exchange.attempt()

    retrying = AsyncRetrying(
        sleep=asyncio.sleep,
        stop=stop_after_attempt(setting("LLM_RETRY_MAX_ATTEMPTS")) | _NoTime(run),
        wait=_Pause(setting("LLM_RETRY_BASE_DELAY"), setting("LLM_RETRY_MAX_DELAY")),
        retry=retry_if_result(lambda made: made.again and not run.ended_by),
        retry_error_callback=_last,
    )
    made: AttemptResult = await retrying(attempt)
    return made


def _last(state: RetryCallState) -> AttemptResult:
    assert state.outcome is not None  # noqa: S101 - tenacity calls this after an attempt
    made: AttemptResult = state.outcome.result()
    return made


class _Pause(wait_base):
    """None before a repair, what the provider asks, or exponential backoff with full jitter."""

    def __init__(self, base_s: float, cap_s: float) -> None:
        self.backoff = wait_random_exponential(multiplier=base_s, max=cap_s)

    def __call__(self, retry_state: RetryCallState) -> float:
        made = _last(retry_state)
        if made.repair:
            return 0.0
        asked = made.attempt.retry_after_s
        if asked is not None:
            # A little later than asked, or all calls in flight would come back at one moment.
            return asked * (1 + 0.1 * random.random())  # noqa: S311 - jitter
        return self.backoff(retry_state)


class _NoTime(stop_base):
    """Don't wait past the deadline: the next target can have that time."""

    def __init__(self, run: Run) -> None:
        self.run = run

    def __call__(self, retry_state: RetryCallState) -> bool:
        return retry_state.upcoming_sleep >= self.run.time_left_s()


def _unsent(target: Target, outcome: str, detail: str) -> Attempt:
    return Attempt(
        provider=target.provider.name,
        model=target.model_id,
        outcome=outcome,
        latency_ms=0.0,
        detail=detail,
    )


def _total_usage(attempts: tuple[Attempt, ...]) -> Usage:
    if len(attempts) == 1:
        return attempts[0].usage
    used = [each.usage for each in attempts]
    return Usage(
        input=sum(each.input for each in used),
        cached_input=sum(each.cached_input for each in used),
        cache_write=sum(each.cache_write for each in used),
        output=sum(each.output for each in used),
        reasoning=sum(each.reasoning for each in used),
    )


def _total_cost(attempts: tuple[Attempt, ...]) -> Decimal | None:
    """Over what was paid, answered without saying how much or cut off; unknown if any part is."""
    total = NO_COST
    for each in attempts:
        if each.paid or each.outcome in ANSWERED or each.cost_source == ESTIMATED:
            if each.cost_usd is None:
                return None
            total += each.cost_usd
    return total


def _ms_since(started: float) -> float:
    return (time.perf_counter() - started) * 1000


def _length(message: Message) -> int:
    content = message.get("content")
    return len(content) if isinstance(content, str) else len(_said(message))


def _said(message: Message) -> str:
    """A message's text; of parts, those that are text."""
    content = message.get("content")
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        return ""
    parts = [part.get("text") for part in content if isinstance(part, dict)]
    return "\n".join(part for part in parts if isinstance(part, str))
