"""Vectors for texts, over the same road as answers."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from llmconfig.client.http import background_loop, transport
from llmconfig.client.http.transport import RequestFailed, Response
from llmconfig.client.pipeline import publishing
from llmconfig.client.pipeline.endpoints import Endpoint
from llmconfig.client.pipeline.generation import AttemptResult, Exchange, Run
from llmconfig.client.pipeline.publishing import Collect
from llmconfig.client.types import NO_LABELS, Call, CallRecord, Generation, Labels, Usage
from llmconfig.client.wire import JSON, Body, Embedded, Input, Question, Reply
from llmconfig.configuration import snapshot
from llmconfig.configuration.resolution import Target
from llmconfig.configuration.snapshot import Snapshot
from llmconfig.errors import GenerationFailed

# Of one request: with long vectors, more would be a reply of over 16 MB.
MAX_INPUTS = 96
MAX_CHARACTERS = 400_000
CHARACTERS_PER_TOKEN = 4
IN_FLIGHT = 4


@dataclass(frozen=True, slots=True)
class EmbeddingCall:
    """Texts to embed. `node` is a node, an interaction type or a model reference.

    An input is a text or the list of its tokens. `extra` is sent as it is (dimensions…).
    """

    node: str
    inputs: Sequence[Input]
    extra: Mapping[str, Any] = field(default_factory=dict)
    user_id: int | None = None
    labels: Labels = NO_LABELS


@dataclass(frozen=True, slots=True)
class Embeddings:
    """A vector for each input, in their order, and a record for each request."""

    vectors: list[list[float]]
    records: tuple[CallRecord, ...]


async def aembed(call: EmbeddingCall, *, collect: Collect | None = None) -> Embeddings:
    """Embed the inputs, in as many requests as they need; no input, no request.

    All vectors come from one model: the first request chooses among the targets, the others go
    where it went, because vectors of different models can't be compared.

    Raises what `agenerate` raises; the first failure ends all. Each request leaves its record.
    """
    parts = _parts(call.inputs)
    if not parts:
        return Embeddings([], ())
    first = await _embed(call, parts[0], {}, collect)
    given = {"model": first.record.model, "provider": first.record.provider}
    gate = asyncio.Semaphore(IN_FLIGHT)

    async def later(inputs: Sequence[Input]) -> Generation:
        async with gate:
            return await _embed(call, inputs, given, collect)

    try:
        async with asyncio.TaskGroup() as group:
            rest = [group.create_task(later(part)) for part in parts[1:]]
    except* GenerationFailed as failed:
        raise failed.exceptions[0] from None
    made = [first, *(task.result() for task in rest)]
    return Embeddings(
        vectors=[vector for each in made for vector in each.parsed],
        records=tuple(each.record for each in made),
    )


def embed(call: EmbeddingCall) -> Embeddings:
    """The same for synchronous code. Raises RuntimeError inside an event loop."""
    background_loop.refuse_inside_a_loop()
    return background_loop.run(aembed(call))


def _parts(inputs: Sequence[Input]) -> list[Sequence[Input]]:
    """The inputs cut to requests, in their order."""
    parts: list[list[Input]] = []
    size = 0
    for each in inputs:
        length = len(each) if isinstance(each, str) else len(each) * CHARACTERS_PER_TOKEN
        if not parts or len(parts[-1]) == MAX_INPUTS or size + length > MAX_CHARACTERS:
            parts.append([])
            size = 0
        parts[-1].append(each)
        size += length
    return list(parts)


async def _embed(
    call: EmbeddingCall,
    inputs: Sequence[Input],
    given: Mapping[str, Any],
    collect: Collect | None,
) -> Generation:
    asked = Call(
        node=call.node,
        messages=[
            {"role": "user", "content": each if isinstance(each, str) else ""} for each in inputs
        ],
        given=given,
        extra=call.extra,
        user_id=call.user_id,
        labels=call.labels,
    )
    run = EmbeddingRun(asked, await snapshot.acurrent(), inputs, alone=bool(given))
    try:
        await run.carry_out()
    except asyncio.CancelledError:
        publishing.publish_abandoned(run, collect)
        raise
    outcome = await publishing.publish(run, collect)
    if isinstance(outcome, GenerationFailed):
        raise outcome
    return outcome


class EmbeddingRun(Run):
    """A generation whose answer is vectors; `alone` asks its first target only."""

    def __init__(
        self, call: Call, configuration: Snapshot, inputs: Sequence[Input], *, alone: bool
    ) -> None:
        super().__init__(call, configuration)
        self.inputs = inputs
        if alone:
            self.degradation = None
            self.resolution = replace(self.resolution, targets=self.resolution.targets[:1])

    def exchange(self, target: Target, endpoint: Endpoint) -> Exchange:
        """One that asks for vectors."""
        return EmbeddingExchange(self, target, endpoint)


class EmbeddingExchange(Exchange):
    """All that is said to one target to have its vectors."""

    run: EmbeddingRun

    def ask(self, question: Question) -> Body:
        """The inputs; nothing for a wire that has no embeddings, which `send` refuses."""
        if self.endpoint.embedding_url is None:
            return Body({})
        return self.endpoint.wire.embedding_body(question, self.run.inputs)

    async def send(self) -> Response:
        """Send the payload; raises RequestFailed."""
        endpoint, provider = self.endpoint, self.target.provider
        if endpoint.embedding_url is None:
            raise RequestFailed(
                "unsupported", f"{provider.name} has no embeddings", transient=False
            )
        return await transport.post(
            endpoint.embedding_url,
            headers=endpoint.headers,
            body=self.payload,
            timeout_s=provider.timeout_seconds,
            private=endpoint.private,
        )

    def cache_key(self) -> None:
        """Vectors are not kept: they are large, and cost little to have again."""

    def most_used(self) -> Usage:
        """No token of a text is shorter than a byte."""
        inputs = self.run.inputs
        return Usage(
            input=sum(
                len(each.encode("utf-8", "replace")) // 2 + 1
                if isinstance(each, str)
                else len(each)
                for each in inputs
            )
        )

    def read(self, value: JSON) -> Reply:
        """The vectors."""
        return self.endpoint.wire.read_embeddings(value, len(self.run.inputs))

    def _answered(self, reply: Reply, latency_ms: float, request_id: str) -> AttemptResult:
        made = super()._answered(reply, latency_ms, request_id)
        vectors = reply.vectors if isinstance(reply, Embedded) else ()
        return replace(made, parsed=vectors)
