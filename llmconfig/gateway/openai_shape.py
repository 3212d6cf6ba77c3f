"""OpenAI's requests and answers."""

import array
import base64
import sys
import time
from collections.abc import Iterable
from typing import Any
from uuid import UUID, uuid4

import orjson

from llmconfig.client.pipeline.embeddings import EmbeddingCall, Embeddings
from llmconfig.client.types import Call, Delta, Generation, Usage
from llmconfig.client.wire import Input
from llmconfig.gateway.access import Caller
from llmconfig.gateway.reading import (
    JSON,
    ParsedRequest,
    bad,
    given_of,
    labels_of,
    messages_of,
    name_of,
    objects,
    schema_of,
    switch,
)

LIMITS = ("max_tokens", "max_completion_tokens")
# Read here; everything else goes to the provider as it is.
READ = frozenset(
    {
        "model",
        "messages",
        "stream",
        "stream_options",
        "n",
        "temperature",
        "response_format",
        *LIMITS,
    }
)
# What an answer of ours has no place for, or what would choose another model than was allowed.
NOT_OFFERED = {
    "functions": "Use tools.",
    "function_call": "Use tool_choice.",
    "logprobs": "Log probabilities are not offered.",
    "top_logprobs": "Log probabilities are not offered.",
    "audio": "Only text is offered.",
    "models": "Fallbacks are set in the configuration; name one model.",
    "route": "Fallbacks are set in the configuration; name one model.",
    "provider": "Providers are set in the configuration; name one model.",
}
FORMS = ("text", "json_object", "json_schema")
REASONS = frozenset({"stop", "length", "tool_calls", "content_filter"})
MAX_INPUTS = 2048
DONE = b"data: [DONE]\n\n"


def read_chat(body: JSON, caller: Caller) -> ParsedRequest:
    """A chat completion's request; raises Refused."""
    name = caller.node or name_of(body)
    _refuse_what_is_not_offered(body)
    messages: list[Any] = messages_of(body)
    if body.get("n") not in (None, 1):
        raise bad("n", "One answer a request.")
    if body.get("modalities") not in (None, ["text"]):
        raise bad("modalities", "Only text is offered.")
    objects(body, "tools")
    extra = {key: value for key, value in body.items() if key not in READ and value is not None}
    schema = None
    form = body.get("response_format")
    if form is not None:
        schema = _schema(form)
        if schema is None and form.get("type") != "text":
            extra["response_format"] = form
    options = body.get("stream_options") or {}
    if not isinstance(options, dict):
        raise bad("stream_options", "This is not an object.")
    call = Call(
        node=name,
        messages=messages,
        schema=schema,
        given=given_of(body, LIMITS),
        extra=extra,
        user_id=caller.user_id,
        correlation_id=uuid4(),
        labels=labels_of("chat.completions", caller.account),
    )
    return ParsedRequest(call, name, switch(body, "stream"), switch(options, "include_usage"))


def read_embedding(body: JSON, caller: Caller) -> tuple[EmbeddingCall, str, bool]:
    """An embedding's request: the call, its name, and whether vectors go as base64."""
    name = caller.node or name_of(body)
    form = body.get("encoding_format")
    if form not in (None, "float", "base64"):
        raise bad("encoding_format", "It is float or base64.")
    call = EmbeddingCall(
        node=name,
        inputs=_inputs(body.get("input")),
        extra={
            key: value
            for key, value in body.items()
            if key not in {"model", "input", "encoding_format"} and value is not None
        },
        user_id=caller.user_id,
        labels=labels_of("embeddings", caller.account),
    )
    return call, name, form == "base64"


def chat_answer(asked: ParsedRequest, made: Generation) -> JSON:
    """A whole chat completion."""
    message: JSON = {"role": "assistant", "content": text_for(made) or None, "refusal": None}
    if made.tool_calls:
        message["tool_calls"] = made.tool_calls
    elif message["content"] is None:
        message["content"] = ""
    return {
        "id": _id(asked.call.correlation_id),
        "object": "chat.completion",
        "created": int(time.time()),
        "model": asked.name,
        "choices": [
            {
                "index": 0,
                "message": message,
                "logprobs": None,
                "finish_reason": _reason(made),
            }
        ],
        "usage": usage_shape(served_usage(made)),
    }


class ChatEvents:
    """A stream's pieces as chunks."""

    def __init__(self, asked: ParsedRequest) -> None:
        self._asked = asked
        head = {
            "id": _id(asked.call.correlation_id),
            "object": "chat.completion.chunk",
            "created": int(time.time()),
            "model": asked.name,
        }
        self._head = b"data: " + orjson.dumps(head)[:-1] + b',"choices":'
        self._end = b',"usage":null}\n\n' if asked.with_usage else b"}\n\n"

    def begin(self) -> bytes:
        """Who speaks."""
        return self._chunk({"role": "assistant", "content": ""})

    def piece(self, delta: Delta) -> bytes:
        """A piece of the answer."""
        said: JSON = {"content": delta.text} if delta.text else {}
        if delta.tool_calls:
            said["tool_calls"] = delta.tool_calls
        return self._chunk(said)

    def end(self, made: Generation) -> bytes:
        """Why it ended, the usage if it is wanted, and the stream's end."""
        parts = [self._chunk({}, _reason(made))]
        if self._asked.with_usage:
            usage = orjson.dumps(usage_shape(served_usage(made)))
            parts.append(self._head + b'[],"usage":' + usage + b"}\n\n")
        return b"".join([*parts, DONE])

    def _chunk(self, said: JSON, reason: str | None = None) -> bytes:
        choice = {"index": 0, "delta": said, "logprobs": None, "finish_reason": reason}
        return b"".join([self._head, b"[", orjson.dumps(choice), b"]", self._end])


def embedding_answer(name: str, made: Embeddings, *, as_base64: bool) -> JSON:
    """All vectors."""
    write = _base64 if as_base64 else _as_it_is
    tokens = sum(record.usage.tokens_input for record in made.records)
    return {
        "object": "list",
        "data": [
            {"object": "embedding", "index": index, "embedding": write(vector)}
            for index, vector in enumerate(made.vectors)
        ],
        "model": name,
        "usage": {"prompt_tokens": tokens, "total_tokens": tokens},
    }


def failure(shape: JSON) -> bytes:
    """An error after a stream's beginning."""
    return b"data: " + orjson.dumps(shape) + b"\n\n"


def served_usage(made: Generation) -> Usage:
    """What the answer itself took; what failed attempts cost is in the record."""
    attempts = made.record.attempts
    return attempts[-1].usage if attempts else made.record.usage


def usage_shape(usage: Usage) -> JSON:
    """Totals that include their parts, as OpenAI counts."""
    return {
        "prompt_tokens": usage.tokens_input,
        "completion_tokens": usage.tokens_output,
        "total_tokens": usage.tokens_input + usage.tokens_output,
        "prompt_tokens_details": {
            "cached_tokens": usage.cached_input,
            "cache_write_tokens": usage.cache_write,
        },
        "completion_tokens_details": {"reasoning_tokens": usage.reasoning},
    }


def text_for(made: Generation) -> str:
    """The text; of an answer in a shape, its JSON without what a model wrote around it."""
    if made.parsed is not None and made.text.lstrip()[:1] == "`":
        return orjson.dumps(made.parsed).decode()
    return made.text


def _refuse_what_is_not_offered(body: JSON) -> None:
    for param, why in NOT_OFFERED.items():
        if body.get(param):
            raise bad(param, why)


def _schema(form: object) -> JSON | None:
    """The schema that an answer must obey, None if any text or any JSON will do."""
    if not isinstance(form, dict) or form.get("type") not in FORMS:
        raise bad("response_format", "Its type is text, json_object or json_schema.")
    if form["type"] != "json_schema":
        return None
    described = form.get("json_schema")
    wanted = described.get("schema") if isinstance(described, dict) else None
    return schema_of(wanted, "response_format.json_schema.schema")


def _inputs(value: object) -> list[Input]:
    """One text or many, or their tokens."""
    inputs: Any = value
    if isinstance(value, str) or (isinstance(value, list) and value and _tokens(value)):
        inputs = [value]
    if not isinstance(inputs, list) or not 0 < len(inputs) <= MAX_INPUTS:
        raise bad("input", f"Give a text, or a list of 1 to {MAX_INPUTS} texts.")
    for each in inputs:
        good = bool(each) and (isinstance(each, str) or (isinstance(each, list) and _tokens(each)))
        if not good:
            raise bad("input", "Each must be a text that isn't blank, or a list of tokens.")
    return inputs


def _tokens(value: Iterable[object]) -> bool:
    return all(type(each) is int and 0 <= each < 2**31 for each in value)


def _reason(made: Generation) -> str:
    reason = made.record.finish_reason
    return reason if reason in REASONS else "tool_calls" if made.tool_calls else "stop"


def _id(correlation_id: UUID | None) -> str:
    return f"chatcmpl-{correlation_id.hex if correlation_id else ''}"


def _as_it_is(vector: list[float]) -> list[float]:
    return vector


def _base64(vector: list[float]) -> str:
    """Single-precision floats, little-endian."""
    floats = array.array("f", vector)
    if sys.byteorder == "big":
        floats.byteswap()
    return base64.b64encode(floats.tobytes()).decode()
