"""OpenAI's chat completions, and the many servers that speak them."""

import base64
import math
import struct
from collections.abc import Sequence
from typing import Any

from llmconfig import provider_types
from llmconfig.client.wire import (
    JSON,
    TOKEN_LIMIT_NAMES,
    BadReply,
    Body,
    Embedded,
    Input,
    Question,
    Refusal,
    Reply,
)
from llmconfig.client.wire.cache_marks import (
    hint_at_prefix,
    tools_without_marks,
    without_marks,
)
from llmconfig.client.wire.errors import error_in
from llmconfig.client.wire.function_tools import any_calls, with_functions_alone
from llmconfig.client.wire.openai_answers import OpenAIListener, read_answer, unknown_fields
from llmconfig.client.wire.prompt_cache import MARK
from llmconfig.client.wire.reading import object_of
from llmconfig.client.wire.refused_parameters import CHOICES, FREE_TEXT_TOOLS
from llmconfig.client.wire.response_format import ask_for_shape
from llmconfig.client.wire.usage import billed
from llmconfig.client.wire.usual_reply import usual_reply
from llmconfig.configuration.facts import ProviderFacts
from llmconfig.secrets import Secret

# Would make replies that this adapter doesn't read, or is ours to say.
OURS = TOKEN_LIMIT_NAMES | {
    "model", "messages", "input", "encoding_format", "stream", "stream_options", "n"
}  # fmt: skip
ANTHROPIC_ONLY = frozenset(
    {
        "thinking", "top_k", "stop_sequences", "cache_control", "container", "output_config",
        "context_management", "mcp_servers", "inference_geo", "speed",
    }
)  # fmt: skip
MAX_PLACES = 10_000
NUMBERS = frozenset({int, float})


class OpenAIWire:
    """`/chat/completions`: openai, azure_openai, openrouter, local and custom."""

    name = "openai"
    count_path = ""

    def address(self, provider: ProviderFacts, model_id: str) -> str:
        """Azure names the deployment in the path."""
        return _address(provider, model_id, provider_types.get(provider.provider_type).chat_path)

    def embedding_address(self, provider: ProviderFacts, model_id: str) -> str:
        path = provider_types.get(provider.provider_type).embeddings_path
        return _address(provider, model_id, path) if path else ""

    def headers(self, provider: ProviderFacts, key: Secret | None) -> dict[str, str]:
        """Azure has a header of its own for keys."""
        if key is None:
            return {}
        kind = provider_types.get(provider.provider_type)
        return {kind.key_header: f"{kind.key_prefix}{key.reveal()}"}

    def body(self, question: Question) -> Body:
        """The request as these servers take it; `extra` goes along as it is."""
        target = question.target
        kind = provider_types.get(target.provider.provider_type)
        keeps_marks = kind.takes_cache_marks
        strips_marks = not keeps_marks and (question.translated or kind.refuses_unknown_fields)
        messages = without_marks(question.messages) if strips_marks else question.messages
        content: JSON = {"model": target.model_id, "messages": messages}
        if target.temperature is not None:
            content["temperature"] = target.temperature
        if target.max_tokens is not None:
            content[kind.output_limit] = target.max_tokens
        if question.choices > 1 and CHOICES not in question.refused:
            content[CHOICES] = question.choices
        told = () if question.shape is None else ask_for_shape(content, question)
        if question.logprobs and question.reports_logprobs:
            content["logprobs"] = True
        if question.extra or any_calls(messages):  # else there are neither tools nor calls
            told += _carry_with_tools(content, question)
        if question.prefix is not None:
            hint_at_prefix(content, question, kind)
        if strips_marks:
            tools = content.get("tools")
            if tools is not None:
                content["tools"] = tools_without_marks(tools)
            if messages is not question.messages or content.get("tools") is not tools:
                told += (MARK,)
        return Body(content, told, carried=(MARK,) if keeps_marks else ())

    def streamed(self, content: JSON) -> JSON:
        """With the usage in the last event."""
        return {**content, "stream": True, "stream_options": {"include_usage": True}}

    def listener(self) -> "OpenAIListener":
        return OpenAIListener()

    def embedding_body(self, question: Question, inputs: Sequence[Input]) -> Body:
        """Floats, because many servers know nothing else."""
        content: JSON = {
            "model": question.target.model_id,
            "input": inputs,
            "encoding_format": "float",
        }
        return Body(content, _carry(content, question))

    def read_embeddings(self, value: JSON, expected: int) -> Embedded:
        """The vectors, put in the order of their inputs."""
        told = billed(value)
        rows = value.get("data")
        rows = [object_of(row) for row in rows] if isinstance(rows, list) else []
        places = [row.get("index", at) for at, row in enumerate(rows)]
        if len(rows) != expected or {*map(_place, places)} != {*range(expected)}:
            raise BadReply("the reply doesn't hold a vector for each input", told)
        found = dict(zip(places, (_vector(row.get("embedding")) for row in rows), strict=True))
        if not all(found.values()):
            raise BadReply("a vector is no list of numbers", told)
        return Embedded(
            text="",
            finish_reason=None,
            billed=told,
            vectors=tuple(found[at] for at in range(expected)),
        )

    def usual(self, value: Any) -> Reply | None:
        return usual_reply(value) if type(value) is dict else None

    def read(self, value: JSON) -> Reply:
        return read_answer(value)

    def own_words(self, native: JSON) -> JSON | None:
        """The fields of `reply`, its first `choice` and the `message` that have no place here."""
        reply, choice, message = unknown_fields(native)
        if not (reply or choice or message):
            return None
        return {"reply": reply, "choice": choice, "message": message}

    def refusal(self, value: Any, *, good: bool = True) -> Refusal | None:
        """An error in any form; OpenRouter sends some with status 200 and the real one inside."""
        return error_in(value, good=good)


def _address(provider: ProviderFacts, model_id: str, path: str) -> str:
    kind = provider_types.get(provider.provider_type)
    version = provider.api_version or kind.default_api_version
    return provider.base_url + path.format(model=model_id, version=version)


def _carry(content: JSON, question: Question) -> tuple[str, ...]:
    """Put the caller's extras into the request; gives the names of those that can't go along."""
    if not question.extra:
        return ()
    kind = provider_types.get(question.target.provider.provider_type)
    refused = OURS | ANTHROPIC_ONLY if kind.refuses_unknown_fields else OURS
    if question.translated and not kind.takes_cache_marks:
        refused = refused | {MARK}
    content |= {name: value for name, value in question.extra.items() if name not in refused}
    return tuple(name for name in question.extra if name in refused)


def _carry_with_tools(content: JSON, question: Question) -> tuple[str, ...]:
    """The same for a chat, with tools and calls as the server knows them."""
    told = _carry(content, question)
    kind = provider_types.get(question.target.provider.provider_type)
    if kind.takes_all_tools and FREE_TEXT_TOOLS not in question.refused:
        return told
    return told + with_functions_alone(content, by_word=kind.chooses_tools_by_word)


def _place(index: object) -> int:
    """A position in a list; 0 for anything else."""
    return index if type(index) is int and 0 <= index < MAX_PLACES else 0


def _vector(value: object) -> list[float]:
    """Its numbers; blank if any is none.

    Some servers answer in base64 (32-bit floats, the least byte first), whatever was asked for.
    """
    if isinstance(value, str):
        value = _packed(value)
    if not isinstance(value, list):
        return []
    good = all(type(each) in NUMBERS and math.isfinite(each) for each in value)
    return [*map(float, value)] if good else []


def _packed(text: str) -> list[float]:
    try:
        raw = base64.b64decode(text, validate=True)
        return [*struct.unpack(f"<{len(raw) // 4}f", raw)]
    except (ValueError, struct.error):  # neither base64 nor whole numbers
        return []
