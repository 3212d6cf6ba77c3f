"""OpenAI's chat completions, and the many servers that speak them."""

import math
from collections.abc import Sequence
from typing import Any

import orjson

from llmconfig import provider_types
from llmconfig.client.types import NO_USAGE, Delta, Message, Tokens, Usage
from llmconfig.client.wire import (
    JSON,
    BadReply,
    Body,
    Embedded,
    Input,
    Question,
    Refusal,
    Reply,
)
from llmconfig.client.wire.reading import (
    count,
    disjoint,
    dollars,
    object_of,
    optional_count,
    text_of,
)
from llmconfig.configuration.snapshot import ProviderFacts
from llmconfig.secrets import Secret

# Would make replies that this adapter doesn't read, or is ours to say.
OURS = frozenset({"model", "messages", "input", "encoding_format", "stream", "stream_options", "n"})
ANTHROPIC_ONLY = frozenset({"thinking", "top_k", "stop_sequences", "cache_control", "container"})
MAX_PLACES = 10_000
NUMBERS = frozenset({int, float})


class OpenAIWire:
    """`/chat/completions`: openai, azure_openai, openrouter, local and custom."""

    def address(self, provider: ProviderFacts, model_id: str) -> str:
        """Azure names the deployment in the path."""
        return _address(provider, model_id, provider_types.get(provider.provider_type).chat_path)

    def embedding_address(self, provider: ProviderFacts, model_id: str) -> str:
        """Beside the chat's."""
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
        content: JSON = {"model": target.model_id, "messages": question.messages}
        if target.temperature is not None:
            content["temperature"] = target.temperature
        if target.max_tokens is not None:
            content[kind.output_limit] = target.max_tokens
        if question.shape is not None:
            _ask_for_shape(content, question)
        if question.tells_logprobs:
            content["logprobs"] = True
        return Body(content, _carry(content, question))

    def streamed(self, content: JSON) -> JSON:
        """With the usage in the last event."""
        return {**content, "stream": True, "stream_options": {"include_usage": True}}

    def listener(self) -> "OpenAIListener":
        """Somebody who hears chunks."""
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
        counts = object_of(value.get("usage"))
        usage = _usage(counts) if counts else None
        rows = value.get("data")
        rows = [object_of(row) for row in rows] if isinstance(rows, list) else []
        places = [row.get("index", at) for at, row in enumerate(rows)]
        if len(rows) != expected or {*map(_place, places)} != {*range(expected)}:
            raise BadReply("the reply doesn't hold a vector for each input", usage)
        found = dict(zip(places, (_vector(row.get("embedding")) for row in rows), strict=True))
        if not all(found.values()):
            raise BadReply("a vector is no list of numbers", usage)
        return Embedded(
            text="",
            finish_reason=None,
            usage=usage or NO_USAGE,
            counted=usage is not None,
            cost_usd=dollars(counts.get("cost")),
            vectors=tuple(found[at] for at in range(expected)),
        )

    def read(self, value: JSON) -> Reply:
        """The first choice."""
        counts = object_of(value.get("usage"))
        usage = _usage(counts) if counts else None
        choices = value.get("choices")
        choice = choices[0] if isinstance(choices, list) and choices else None
        message = choice.get("message") if isinstance(choice, dict) else None
        if not isinstance(choice, dict) or not isinstance(message, dict):
            raise BadReply("the reply holds no choice", usage)
        text, tool_calls = text_of(message.get("content")), _tool_calls(message)
        reason = text_of(choice.get("finish_reason"))[:40] or None
        if not text.strip() and not tool_calls:
            if message.get("refusal"):
                reason = "content_filter"
            if reason not in {"length", "content_filter"}:
                raise BadReply("the answer is empty", usage)
        return Reply(
            text=text,
            finish_reason=reason,
            usage=usage or NO_USAGE,
            counted=usage is not None,
            cost_usd=dollars(counts.get("cost")),
            tool_calls=tool_calls,
            tokens=_tokens(choice.get("logprobs")),
        )

    def refusal(self, value: JSON) -> Refusal | None:
        """`error`; OpenRouter sends some with status 200 and the real status as their code."""
        error = value.get("error")
        if not error:
            return None
        if not isinstance(error, dict):
            return Refusal(text_of(error), frozenset())
        code = error.get("code")
        codes = {each for each in (code, error.get("type")) if isinstance(each, str)}
        return Refusal(
            message=text_of(error.get("message")),
            codes=frozenset(codes),
            status=code if type(code) is int and 300 <= code <= 599 else None,
        )


def _tokens(told: Any) -> Tokens:
    """How likely each token was; nothing when that isn't told for all of them."""
    rows = object_of(told).get("content")
    if not isinstance(rows, list):
        return ()
    tokens = tuple(token for row in rows if (token := _token(object_of(row))) is not None)
    return tokens if len(tokens) == len(rows) else ()


def _token(row: JSON) -> tuple[bytes, float] | None:
    """A token may be a part of a character, so its bytes count where they are given."""
    text, logprob, raw = row.get("token"), row.get("logprob"), row.get("bytes")
    if not isinstance(logprob, int | float) or not isinstance(text, str) or not logprob <= 0:
        return None
    try:
        return (bytes(raw) if isinstance(raw, list) else text.encode()), float(logprob)
    except (TypeError, ValueError):
        return None


def _address(provider: ProviderFacts, model_id: str, path: str) -> str:
    kind = provider_types.get(provider.provider_type)
    version = provider.api_version or kind.default_api_version
    return provider.base_url + path.format(model=model_id, version=version)


class OpenAIListener:
    """Puts the chunks of one answer together."""

    def __init__(self) -> None:
        self.usage: Usage | None = None
        self._texts: list[str] = []
        self._calls: dict[int, JSON] = {}
        self._reason: str | None = None
        self._refused = False
        self._cost: Any = None

    @property
    def text(self) -> str:
        """What was said so far."""
        return "".join(self._texts)

    def hear(self, event: JSON) -> Delta | None:
        """Usage comes in a last chunk without choices, from some servers in each chunk."""
        counts = object_of(event.get("usage"))
        if counts:
            self.usage, self._cost = _usage(counts) or self.usage, counts.get("cost")
        choices = event.get("choices")
        choice = object_of(choices[0]) if isinstance(choices, list) and choices else {}
        self._reason = text_of(choice.get("finish_reason"))[:40] or self._reason
        said = object_of(choice.get("delta"))
        self._refused = self._refused or bool(said.get("refusal"))
        text, parts = text_of(said.get("content")), _tool_calls(said)
        if text:
            self._texts.append(text)
        for part in parts:
            self._collect(part)
        return Delta(text, parts) if text or parts else None

    def reply(self) -> Reply:
        """A stream without a finish reason was cut off."""
        text, calls = self.text, tuple(self._calls[index] for index in sorted(self._calls))
        reason = "content_filter" if self._refused and not text else self._reason
        if reason is None:
            raise BadReply("the stream ended before the answer did", self.usage)
        if not text.strip() and not calls and reason not in {"length", "content_filter"}:
            raise BadReply("the answer is empty", self.usage)
        return Reply(
            text=text,
            finish_reason=reason,
            usage=self.usage or NO_USAGE,
            counted=self.usage is not None,
            cost_usd=dollars(self._cost),
            tool_calls=calls,
        )

    def _collect(self, part: JSON) -> None:
        index = part["index"] = _place(part.get("index", 0))
        function = object_of(part.get("function"))
        held = self._calls.setdefault(
            index, {"id": "", "type": "function", "function": {"name": "", "arguments": ""}}
        )
        held["id"] = held["id"] or text_of(part.get("id"))
        held["function"]["name"] = held["function"]["name"] or text_of(function.get("name"))
        held["function"]["arguments"] += text_of(function.get("arguments"))


def _carry(content: JSON, question: Question) -> tuple[str, ...]:
    """Put the caller's extras into the request; gives the names of those that can't go along."""
    if not question.extra:
        return ()
    kind = provider_types.get(question.target.provider.provider_type)
    refused = OURS | ANTHROPIC_ONLY if kind.refuses_unknown_fields else OURS
    content |= {name: value for name, value in question.extra.items() if name not in refused}
    return tuple(name for name in question.extra if name in refused)


def _place(index: object) -> int:
    """A position in a list; 0 for anything else."""
    return index if type(index) is int and 0 <= index < MAX_PLACES else 0


def _vector(value: object) -> list[float]:
    """Its numbers; blank if any is none."""
    if not isinstance(value, list):
        return []
    good = all(type(each) in NUMBERS and math.isfinite(each) for each in value)
    return [*map(float, value)] if good else []


def _ask_for_shape(content: JSON, question: Question) -> None:
    shape = question.shape
    assert shape is not None  # noqa: S101 - the caller has looked
    if question.obeys:
        content["response_format"] = {
            "type": "json_schema",
            "json_schema": {"name": "answer", "strict": shape.strict, "schema": shape.schema},
        }
        return
    content["response_format"] = {"type": "json_object"}
    content["messages"] = _with_instruction(question.messages, shape.instruction)


def _with_instruction(messages: Sequence[Message], instruction: str) -> list[Message]:
    """Said in the system message, which many local models only take in first place."""
    first = messages[0] if messages else Message()
    said = first.get("content")
    if first.get("role") == "system" and isinstance(said, str):
        return [Message(role="system", content=f"{said}\n\n{instruction}"), *messages[1:]]
    return [Message(role="system", content=instruction), *messages]


def _usage(counts: JSON) -> Usage | None:
    """OpenAI's prompt tokens include the cached ones, and its completion tokens the reasoning."""
    prompt_details = object_of(counts.get("prompt_tokens_details"))
    completion_details = object_of(counts.get("completion_tokens_details"))
    try:
        return disjoint(
            prompt=count(counts, "prompt_tokens"),
            cached=optional_count(prompt_details, "cached_tokens"),
            cache_write=optional_count(prompt_details, "cache_write_tokens"),
            completion=count(counts, "completion_tokens"),
            reasoning=optional_count(completion_details, "reasoning_tokens"),
        )
    except ValueError:
        return None


def _tool_calls(message: JSON) -> tuple[JSON, ...]:
    calls = message.get("tool_calls")
    if not isinstance(calls, list):
        return ()
    found = tuple(call for call in calls if isinstance(call, dict))
    return orjson.loads(orjson.dumps(found).replace(b"\\u0000", b"")) if found else ()
