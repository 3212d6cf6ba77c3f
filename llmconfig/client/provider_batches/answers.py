"""A call's body for a batch, and its result read as a live reply would be, at its price."""

from dataclasses import dataclass, replace

from llmconfig import provider_types
from llmconfig.client.http.transport import Response
from llmconfig.client.pipeline import endpoints
from llmconfig.client.pipeline.generation import Run
from llmconfig.client.pipeline.publishing import Outcome
from llmconfig.client.provider_batches import JSON
from llmconfig.client.recording.recorders import Texts
from llmconfig.client.types import Call, CallRecord
from llmconfig.client.wire import Question
from llmconfig.client.wire.reading import dump, parse
from llmconfig.configuration.resolution import Target, resolve
from llmconfig.configuration.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class Answered:
    """What a result came to: the answer or the error, its record, and the texts."""

    outcome: Outcome
    record: CallRecord
    texts: Texts


def target_of(node: str, configuration: Snapshot) -> Target | None:
    """The node's first target if its provider has batches; raises ConfigurationError."""
    target = resolve(node, snapshot=configuration).targets[0]
    return target if provider_types.get(target.provider.provider_type).batches else None


def body_of(call: Call, configuration: Snapshot) -> JSON:
    """The request that a live call would send to its first target."""
    run = Run(call, configuration)
    target = run.resolution.targets[0]
    wire = endpoints.endpoint_of(target, configuration).wire
    question = Question(target, call.messages, call.extra, run.shape, logprobs=call.logprobs)
    return parse(dump(wire.body(question).content))


def read(call: Call, value: JSON, configuration: Snapshot) -> Answered:
    """Judge a result as if it had just come from the call's first target."""
    run = Run(call, configuration)
    run.batch = True
    target = run.resolution.targets[0]
    exchange = run.exchange(target, endpoints.endpoint_of(target, configuration))
    made = exchange.judge(Response(200, {}, dump(value)), 0.0)
    run.tries.append(replace(made, attempt=replace(made.attempt, batch_price=True)))
    record = run.record()
    return Answered(run.outcome(record), record, run.texts())
