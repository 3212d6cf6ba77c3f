"""Vectors for texts: the same pipeline as answers, in as many requests as the inputs need."""

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct, field

from llmconfig.client.http import transport
from llmconfig.client.http.transport import RequestFailed, Response
from llmconfig.client.pipeline import responses
from llmconfig.client.pipeline.endpoints import ProviderEndpoint
from llmconfig.client.pipeline.responses import Refused
from llmconfig.client.pipeline.token_estimates import MEAN_CHARACTERS_PER_TOKEN
from llmconfig.client.structured_output import OutputSchema
from llmconfig.client.types import NO_LABELS, Call, CallRecord, Labels, Usage
from llmconfig.client.wire import JSON, Body, Embedded, Input, Question, Reply
from llmconfig.configuration.facts import UserKey
from llmconfig.configuration.resolution import Target

# Of one request: with long vectors, more would be a reply of over 16 MB.
MAX_INPUTS = 96
MAX_CHARACTERS = 400_000


class EmbeddingCall(Struct, frozen=True):
    """Texts to embed. `node` is a node, an interaction type or a model reference.

    An input is a text or the list of its tokens. `extra` is sent as it is (dimensions…). `waits` is
    a Call's.
    """

    node: str
    inputs: Sequence[Input]
    extra: Mapping[str, Any] = field(default_factory=dict)
    user_id: UserKey | None = None
    labels: Labels = NO_LABELS
    waits: bool = True


class Embeddings(Struct, frozen=True):
    """A vector for each input, in their order, and a record for each request."""

    vectors: list[list[float]]
    records: tuple[CallRecord, ...]


def parts_of(inputs: Sequence[Input]) -> list[Sequence[Input]]:
    """The inputs cut to requests, in their order."""
    parts: list[list[Input]] = []
    size = 0
    for each in inputs:
        length = len(each) if isinstance(each, str) else len(each) * MEAN_CHARACTERS_PER_TOKEN
        if not parts or len(parts[-1]) == MAX_INPUTS or size + length > MAX_CHARACTERS:
            parts.append([])
            size = 0
        parts[-1].append(each)
        size += length
    return list(parts)


def as_call(call: EmbeddingCall, inputs: Sequence[Input], given: Mapping[str, Any]) -> Call:
    """The call of one request; inputs that are tokens have no text."""
    return Call(
        node=call.node,
        messages=[
            {"role": "user", "content": each if isinstance(each, str) else ""} for each in inputs
        ],
        given=given,
        extra=call.extra,
        user_id=call.user_id,
        labels=call.labels,
        waits=call.waits,
    )


class Embedding:
    """The strategy of one request for vectors."""

    cacheable = False  # vectors are large, and cost little to have again

    def __init__(self, inputs: Sequence[Input]) -> None:
        self.inputs = inputs

    def most_used(self, call: Call, target: Target) -> Usage:
        """No token of a text is shorter than a byte."""
        return Usage(
            input=sum(
                len(each.encode("utf-8", "replace")) // 2 + 1
                if isinstance(each, str)
                else len(each)
                for each in self.inputs
            )
        )

    def body(self, endpoint: ProviderEndpoint, question: Question) -> Body:
        """The inputs; nothing for a wire that has no embeddings, which `send` refuses."""
        if endpoint.embedding_url is None:
            return Body({})
        return endpoint.wire.embedding_body(question, self.inputs)

    async def send(self, endpoint: ProviderEndpoint, target: Target, payload: bytes) -> Response:
        """Post the request for vectors; raises RequestFailed."""
        provider = target.provider
        if endpoint.embedding_url is None:
            raise RequestFailed(
                "unsupported", f"{provider.name} has no embeddings", transient=False
            )
        return await transport.post(
            endpoint.embedding_url,
            headers=endpoint.headers,
            body=payload,
            timeout_s=provider.timeout_seconds,
            private=endpoint.private,
        )

    def read(self, endpoint: ProviderEndpoint, response: Response) -> Reply | Refused:
        """The vectors, or why there are none."""

        def vectors(value: JSON) -> Reply:
            return endpoint.wire.read_embeddings(value, len(self.inputs))

        return responses.judge(response, endpoint.wire, vectors)

    def parse(
        self,
        reply: Reply,
        schema: OutputSchema | None,
    ) -> tuple[list[float], ...]:
        """The vectors in a reply, in the order of the inputs."""
        return reply.vectors if isinstance(reply, Embedded) else ()

    def progress(self) -> None:
        """Nothing is known before all vectors have come."""
