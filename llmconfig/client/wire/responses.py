"""OpenAI's Responses as a wire of its own: for models that are offered only there.

Requests come in a chat's words and are put into those of Responses; a request of `/v1/responses`
goes along as it is. Nothing is left at the provider (`store` is false unless the caller says
otherwise): reasoning comes encrypted and goes back with the next turn.
"""

from collections.abc import Sequence
from typing import Any

from llmconfig.client.types import NativeRequest
from llmconfig.client.wire import (
    JSON,
    LIMIT_HOLDERS,
    TOKEN_LIMIT_NAMES,
    Body,
    Embedded,
    Input,
    Question,
    Refusal,
    Reply,
)
from llmconfig.client.wire.errors import error_in
from llmconfig.client.wire.openai import OpenAIWire
from llmconfig.client.wire.reading import object_of
from llmconfig.client.wire.responses_answers import ResponsesListener, read_response
from llmconfig.client.wire.responses_requests import ENCRYPTED, LOGPROBS, carry, items_of
from llmconfig.configuration.facts import ProviderFacts
from llmconfig.secrets import Secret

CHAT = OpenAIWire()
PATH = "/responses"


class ResponsesWire:
    """`/responses`: OpenAI's, and servers that speak it."""

    name = "responses"
    count_path = ""

    def address(self, provider: ProviderFacts, model_id: str) -> str:
        """Beside the chat's address."""
        del model_id
        return f"{provider.base_url}{PATH}"

    def embedding_address(self, provider: ProviderFacts, model_id: str) -> str:
        return CHAT.embedding_address(provider, model_id)

    def headers(self, provider: ProviderFacts, key: Secret | None) -> dict[str, str]:
        return CHAT.headers(provider, key)

    def body(self, question: Question) -> Body:
        """The request; what Responses have no place for is dropped and named."""
        target, native = question.target, question.native
        content: JSON = {}
        dropped: tuple[str, ...] = ()
        if native is not None:
            content, dropped = _native(native, question)
        else:
            content["input"] = items_of(question.messages)
        content["model"] = target.model_id
        if target.temperature is not None:
            content["temperature"] = target.temperature
        if target.max_tokens is not None:
            content["max_output_tokens"] = target.max_tokens
        if native is None:
            dropped = carry(content, question.extra)
            if any(each.get("name") and each["role"] != "tool" for each in question.messages):
                dropped += ("messages.name",)
        _ask_for_shape(content, question)
        if question.reports_logprobs and LOGPROBS not in content.get("include", ()):
            content["include"] = [*content.get("include", ()), LOGPROBS]
        content.setdefault("store", False)
        if not content["store"] and ENCRYPTED not in content.get("include", ()):
            content["include"] = [*content.get("include", ()), ENCRYPTED]
        return Body(content, dropped)

    def usual(self, _value: Any) -> Reply | None:
        return None

    def read(self, value: JSON) -> Reply:
        """Text parts joined, calls in a chat's shape, thoughts beside them."""
        return read_response(value)

    def own_words(self, native: JSON) -> JSON | None:
        """The whole reply."""
        return native

    def refusal(self, value: Any, *, good: bool = True) -> Refusal | None:
        """An error; that of a stream stands in its last event's response."""
        event = object_of(value)
        if event.get("type") == "response.failed":
            value = {"error": object_of(event.get("response")).get("error") or "it failed"}
        return error_in(value, good=good)

    def streamed(self, content: JSON) -> JSON:
        return {**content, "stream": True}

    def listener(self) -> ResponsesListener:
        return ResponsesListener()

    def embedding_body(self, question: Question, inputs: Sequence[Input]) -> Body:
        return CHAT.embedding_body(question, inputs)

    def read_embeddings(self, value: JSON, expected: int) -> Embedded:
        return CHAT.read_embeddings(value, expected)


def _native(native: NativeRequest, question: Question) -> tuple[JSON, tuple[str, ...]]:
    """The caller's request as it came, without limits under other names, and what was dropped."""
    content = dict(native.body)
    lost = [name for name in (*TOKEN_LIMIT_NAMES, *LIMIT_HOLDERS) if content.pop(name, None)]
    content.pop("temperature", None)
    given = content.get("input")
    given = [{"role": "user", "content": given}] if isinstance(given, str) else given
    content["input"] = [*(given or ()), *items_of(question.added)]
    return content, tuple(sorted(name for name in lost if name != "max_output_tokens"))


def _ask_for_shape(content: JSON, question: Question) -> None:
    """As a schema where the model obeys it, else in words after the instructions."""
    shape = question.shape
    if shape is None:
        return
    text = dict(content.get("text") or {})
    asked = object_of(text.pop("format", None))
    if question.obeys:
        form = shape.openai
        named = {name: asked[name] for name in ("name", "description") if asked.get(name)}
        described = {"name": "answer", **named, "strict": form.strict, "schema": form.schema}
        content["text"] = {**text, "format": {"type": "json_schema", **described}}
        return
    content["text"] = {**text, "format": {"type": "json_object"}}
    before = content.get("instructions")
    said = f"{before}\n\n{shape.instruction}" if before else shape.instruction
    content["instructions"] = said
