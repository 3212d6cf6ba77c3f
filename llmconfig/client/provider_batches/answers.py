"""A call's body for a batch, and its result read as a live reply would be, at its price."""

from msgspec import Struct

from llmconfig import provider_types
from llmconfig.client.errors import BudgetExceeded, GenerationFailed
from llmconfig.client.http.transport import Response
from llmconfig.client.pipeline import endpoints, outcome, publishing, refusals
from llmconfig.client.pipeline.attempt import TargetExchange
from llmconfig.client.pipeline.state import GenerationState
from llmconfig.client.pipeline.strategy import CHAT
from llmconfig.client.provider_batches import JSON
from llmconfig.client.recording.recorders import Texts
from llmconfig.client.types import Call, CallRecord, Generation
from llmconfig.client.wire import Question
from llmconfig.client.wire.reading import dump, parse
from llmconfig.configuration.resolution import Target, resolve
from llmconfig.configuration.snapshot import Snapshot
from llmconfig.runtime.records import replace


class Answered(Struct, frozen=True):
    """What a result came to: the answer or the error, its record, and the texts."""

    outcome: Generation | GenerationFailed
    record: CallRecord
    texts: Texts


def target_of(node: str, configuration: Snapshot) -> Target | None:
    """The node's first target if its provider has batches; raises ConfigurationError."""
    target = resolve(node, snapshot=configuration).targets[0]
    return target if has_batches(target) else None


def has_batches(target: Target) -> bool:
    """Whether its provider takes batches of its own."""
    return bool(provider_types.get(target.provider.provider_type).batches)


def body_of(call: Call, configuration: Snapshot) -> JSON:
    """The request that a live call would send to its first target."""
    state = GenerationState(call, configuration)
    target = state.resolution.targets[0]
    wire = endpoints.endpoint_of(target, configuration).wire
    refused = refusals.known(target, configuration)
    question = Question(
        target,
        call.messages,
        call.extra,
        state.schema,
        logprobs=call.logprobs,
        refused=refused,
    )
    return parse(dump(refusals.without(wire.body(question), refused).content))


def read(call: Call, value: JSON, configuration: Snapshot) -> Answered:
    """Judge a result as if it had just come from the call's first target."""
    state = GenerationState(call, configuration)
    state.batch = True
    target = state.resolution.targets[0]
    endpoint = endpoints.endpoint_of(target, configuration)
    exchange = TargetExchange(state, CHAT, target, endpoint)
    made = exchange.judge(Response(200, {}, dump(value)), 0.0)
    state.attempts.append(replace(made, attempt=replace(made.attempt, batch_price=True)))
    record = publishing.record_of(state)
    ended = outcome.outcome_of(state, record)
    if isinstance(ended, BudgetExceeded):
        raise ended
    return Answered(ended, record, outcome.texts_of(state))
