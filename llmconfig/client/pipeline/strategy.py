"""How a kind of call speaks to its targets: plain answers here, streams and vectors beside it.

The pipeline (targets in turn, retries, budgets, limits, records) is the same for all of them; a
strategy says what is sent, how, and what a reply holds.
"""

from collections.abc import Coroutine
from typing import Any, Protocol

from msgspec import Struct

from llmconfig.client.http import transport
from llmconfig.client.http.transport import Response
from llmconfig.client.pipeline import responses, token_estimates
from llmconfig.client.pipeline.endpoints import ProviderEndpoint
from llmconfig.client.pipeline.responses import Refused
from llmconfig.client.structured_output import OutputSchema
from llmconfig.client.types import Billed, Call, Usage
from llmconfig.client.wire import Body, Question, Reply, choices
from llmconfig.configuration.resolution import Target


class AnswerProgress(Struct, frozen=True):
    """What has come of an answer so far.

    `billed` is what the provider has told of its cost, `received` the characters of answer,
    thoughts and tool calls.
    """

    text: str
    billed: Billed
    received: int


class Strategy(Protocol):
    """One kind of call. An object serves one generation, unless it keeps nothing."""

    @property
    def cacheable(self) -> bool:
        """Whether the response cache may hold the answers."""

    def most_used(self, call: Call, target: Target) -> Usage:
        """The most tokens that one request can use."""

    def body(self, endpoint: ProviderEndpoint, question: Question) -> Body:
        """The question in the words of the endpoint's wire."""

    def send(
        self, endpoint: ProviderEndpoint, target: Target, payload: bytes
    ) -> Coroutine[Any, Any, Response]:
        """Send the request and take its reply to the end; raises RequestFailed."""

    def read(self, endpoint: ProviderEndpoint, response: Response) -> Reply | Refused:
        """What the reply says; raises BadReply for what can't be understood."""

    def parse(self, reply: Reply, schema: OutputSchema | None) -> Any:
        """The value in an answer; raises SchemaMismatch if it breaks its schema."""

    def progress(self) -> AnswerProgress | None:
        """What was heard of the answer being written, None if answers only come whole."""


class Chat:
    """Generates a chat answer that comes as a whole."""

    cacheable = True

    def most_used(self, call: Call, target: Target) -> Usage:
        """The tokens of the prompt and of the longest answer that it allows."""
        return token_estimates.most_used(target, call)

    def body(self, endpoint: ProviderEndpoint, question: Question) -> Body:
        """The chat request's body in the target's wire format."""
        return endpoint.wire.body(question)

    def send(
        self, endpoint: ProviderEndpoint, target: Target, payload: bytes
    ) -> Coroutine[Any, Any, Response]:
        """Post the chat request; raises RequestFailed."""
        if endpoint.chat is not None:
            return transport.send(endpoint.chat, payload, timeout_s=target.provider.timeout_seconds)
        return transport.post(
            endpoint.url,
            headers=endpoint.headers,
            body=payload,
            timeout_s=target.provider.timeout_seconds,
            private=endpoint.private,
        )

    def read(self, endpoint: ProviderEndpoint, response: Response) -> Reply | Refused:
        """The answer, or why there is none."""
        return responses.judge(response, endpoint.wire)

    def parse(self, reply: Reply, schema: OutputSchema | None) -> Any:
        """The JSON value, if one was asked for and the model didn't call a tool instead."""
        if schema is None or reply.tool_calls:
            return None
        return schema.read(reply.text)

    def progress(self) -> None:
        """Nothing is known before the whole answer has come."""


class SeveralChoices(Chat):
    """Generates several answers to one request, which come in one reply."""

    def read(self, endpoint: ProviderEndpoint, response: Response) -> Reply | Refused:
        """The first answer with the others, or why there is none."""
        wire = endpoint.wire
        return responses.judge(response, wire, lambda value: choices.read_each(value, wire.read))


CHAT = Chat()
SEVERAL = SeveralChoices()
