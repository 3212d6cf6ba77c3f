"""How a generation ended, from its state alone: the record, the texts, the answer or the error."""

import uuid
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from llmconfig.client.errors import (
    AnswerInvalid,
    BudgetExceeded,
    GenerationExhausted,
    GenerationFailed,
    GenerationRefused,
)
from llmconfig.client.pipeline.state import AttemptResult, GenerationState, ms_since
from llmconfig.client.recording.recorders import Texts
from llmconfig.client.traffic.admission import MAYBE_BILLED
from llmconfig.client.types import (
    ESTIMATED,
    UNKNOWN,
    Attempt,
    CallRecord,
    Generation,
    Message,
    Usage,
)
from llmconfig.client.wire import Reply
from llmconfig.client.wire.tool_choice import name_of_tool
from llmconfig.runtime.records import replace

Outcome = Generation | GenerationFailed | BudgetExceeded

NO_COST = Decimal(0)
# Attempts of which nobody was asked, for a budget or a cool-down.
UNSENT = frozenset({"budget_exceeded", "budget_soft", "cooling"})


def record_of(state: GenerationState) -> CallRecord:
    """The plain facts; to be asked for once, when all is over."""
    last = state.attempts[-1] if state.attempts else None
    served = last.reply if last is not None else None
    came = served or (last.rejected if last is not None else None)
    target = last.target if last is not None else state.resolution.targets[0]
    model = target.candidate.model
    attempts = _attempts(state.attempts)
    call = state.call
    return CallRecord(  # by place: names cost more than all else here
        state.created_at,
        call.correlation_id or uuid.uuid4(),
        call.node,
        str(state.resolution.interaction_type),
        call.labels,
        call.user_id,
        target.provider.name,
        target.model_id,
        model.tier if model is not None else "",
        _total_usage(attempts),
        _total_cost(attempts),
        ms_since(state.started),
        came.finish_reason if came is not None else None,
        came is not None and came.finish_reason == "length",
        _prompt_length(call.messages),
        len(state.partial) if came is None else _answer_length(came),
        "" if served is not None else _error_code(state),
        attempts,
        state.dropped,
        state.resolution.revision,
        state.resolution.experiment,
        state.resolution.arm,
        last is not None and last.attempt.outcome == "cached",
        state.saved_usd,
        () if served is None or not (calls := _calls(served)) else tuple(map(name_of_tool, calls)),
        _results_length(call.messages),
    )


def texts_of(state: GenerationState) -> Texts:
    """Prompt and answer, for those who keep them; of one that broke off, what came of it."""
    served = state.served or state.rejected
    messages = state.call.messages
    if len(messages) == 1 and type(content := messages[0].get("content")) is str:
        prompt = content
    else:
        prompt = "\n\n".join(
            [
                content if isinstance(content := each.get("content"), str) else _text(each)
                for each in messages
            ]
        )
    if served is None:
        return Texts(prompt=prompt, answer=state.partial)
    answer = served.text or served.refusal
    if served.others:
        answer = "\n\n".join([answer, *(each.text or each.refusal for each in served.others)])
    return Texts(prompt, answer, _calls(served))


def _answer_length(came: Reply) -> int:
    length = len(came.text)
    return length + sum(len(each.text) for each in came.others) if came.others else length


def _calls(served: Reply) -> tuple[dict[str, Any], ...]:
    """The tool calls of all choices."""
    calls = served.tool_calls
    if served.others:
        calls += tuple(call for each in served.others for call in each.tool_calls)
    return calls


def outcome_of(state: GenerationState, record: CallRecord) -> Outcome:
    """The answer, or the error to raise."""
    last = state.attempts[-1] if state.attempts else None
    if last is not None and last.reply is not None:
        made = _generation(last.reply, last.parsed, record, state.native)
        others = last.reply.others
        if not others:
            return made
        pairs = zip(others, state.others_native, strict=True)
        told = tuple(_generation(each, None, record, native) for each, native in pairs)
        return replace(made, others=told)
    refusal = _refused_by_budget(state)
    if refusal is not None:
        said = f"{state.call.node}: {refusal.attempt.detail}."
        return BudgetExceeded(said, record=record, shortage=refusal.shortage)
    return _error(state, record)


def _generation(
    reply: Reply, parsed: Any, record: CallRecord, native: dict[str, Any] | None
) -> Generation:
    return Generation(
        reply.text,
        parsed,
        record,
        reply.tool_calls,
        reply.tokens,
        reply.thoughts,
        reply.refusal,
        reply.native_reason,
        reply.stop_sequence,
        native,
        reply.usage if record.cache_hit else None,
        reply.logprobs,
    )


def _refused_by_budget(state: GenerationState) -> AttemptResult | None:
    """The first refusal, if it is only for budgets that no target was asked."""
    refused = [each for each in state.attempts if each.attempt.outcome == "budget_exceeded"]
    asked = any(each.attempt.outcome not in UNSENT for each in state.attempts)
    return refused[0] if refused and not asked else None


def _error(state: GenerationState, record: CallRecord) -> GenerationFailed:
    kind, rejected, story = _error_class(state), state.rejected, _story(state, record)
    if kind is not AnswerInvalid or rejected is None:
        return kind(story, record=record)
    answer = Generation(rejected.text, None, record, refusal=rejected.refusal)
    return AnswerInvalid(story, record=record, answer=answer)


def _error_class(state: GenerationState) -> type[GenerationFailed]:
    """A later call may help if any target failed in passing; else why the last one didn't."""
    if state.ended_by == "calls_disabled":
        return GenerationRefused
    ends = list({id(each.target): each for each in state.attempts}.values())
    if state.ended_by or any(each.transient for each in ends):
        return GenerationExhausted
    invalid = any(each.attempt.outcome == "invalid_answer" for each in ends)
    return AnswerInvalid if invalid else GenerationRefused


def _error_code(state: GenerationState) -> str:
    last = state.last
    return state.ended_by or (last.attempt.outcome if last is not None else "internal_error")


def _attempts(results: list[AttemptResult]) -> tuple[Attempt, ...]:
    """Each attempt with what followed it."""
    if len(results) == 1:
        return (results[0].attempt,)
    if not results:  # it ended before its first request
        return ()
    attempts = []
    for each, following in zip(results, [*results[1:], None], strict=True):
        moved_on = ""
        if following is not None:
            same = following.target is each.target
            moved_on = ("repair" if each.repair else "retry") if same else "fallback"
            moved_on = "degrade" if each.degrade else moved_on
            moved_on = "adjust" if each.adjusted and same else moved_on
        attempts.append(replace(each.attempt, moved_on=moved_on))
    return tuple(attempts)


def _story(state: GenerationState, record: CallRecord) -> str:
    """One line: what each target said last."""
    ends = {(each.provider, each.model): each for each in record.attempts}
    parts = [
        f"{each.provider}/{each.model}: {each.outcome}"
        + (f" ({each.detail})" if each.detail else "")
        for each in ends.values()
    ]
    ended = {
        "deadline": f"no answer within {state.deadline_s:g} s",
        "calls_disabled": "calls were switched off meanwhile",
        "aborted": "its caller stopped it before it was sent",
    }.get(state.ended_by, "no answer")
    return f"{state.call.node}: {ended}. {'; '.join(parts)}".strip()


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
    """Over what was paid, or may have been without saying how much; unknown if any part is."""
    if len(attempts) == 1 and attempts[0].paid:
        return attempts[0].cost_usd
    total = NO_COST
    for each in attempts:
        if each.paid or each.outcome in MAYBE_BILLED or each.cost_source in {ESTIMATED, UNKNOWN}:
            if each.cost_usd is None:
                return None
            total += each.cost_usd
    return total


def _prompt_length(messages: Sequence[Message]) -> int:
    length = 0
    for each in messages:
        content = each.get("content")
        length += len(content) if isinstance(content, str) else len(_text(each))
    return length


def _length(message: Message) -> int:
    content = message.get("content")
    return len(content) if isinstance(content, str) else len(_text(message))


def _results_length(messages: Sequence[Message]) -> int:
    """Of the results of tools since the last answer: in a loop each counts with one call."""
    length = 0
    for message in reversed(messages):
        role = message.get("role")
        if role == "assistant":
            break
        if role == "tool":
            length += _length(message)
    return length


def _text(message: Message) -> str:
    """A message's text; of parts, those that are text."""
    content = message.get("content")
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        return ""
    parts = [part.get("text") for part in content if isinstance(part, dict)]
    return "\n".join(part for part in parts if isinstance(part, str))
