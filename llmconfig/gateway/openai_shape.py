"""OpenAI's requests and answers."""

import time
from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

import orjson

from llmconfig.client.finish_reasons import STOP, for_openai_clients, is_whole
from llmconfig.client.structured_output import json_text
from llmconfig.client.types import Call, Delta, Generation, NativeRequest, Thought, Usage
from llmconfig.client.wire.thinking import to_details
from llmconfig.gateway import betas
from llmconfig.gateway.access import Caller
from llmconfig.gateway.answer_headers import cost_of
from llmconfig.gateway.caller_labels import labels_of, plain_labels
from llmconfig.gateway.reading import (
    JSON,
    ParsedRequest,
    bad,
    check_tools,
    choices_of,
    given_of,
    messages_of,
    name_of,
    objects,
    repeated,
    schema_of,
    switch,
)
from llmconfig.runtime.ids import new_id
from llmconfig.runtime.records import replace

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
# A request of these alone asks for one answer to its messages and nothing beside.
PLAIN = frozenset({"model", "messages", "stream", "temperature", *LIMITS})
OPERATION = "chat.completions"
# What an answer of ours has no place for, or what would choose another model than was allowed.
NOT_OFFERED = {
    "audio": "Only text is offered.",
    "fallbacks": "Fallbacks are set in the configuration; name one model.",
    "models": "Fallbacks are set in the configuration; name one model.",
    "route": "Fallbacks are set in the configuration; name one model.",
    "provider": "Providers are set in the configuration; name one model.",
}
FORMS = ("text", "json_object", "json_schema")
DONE = b"data: [DONE]\n\n"
FINGERPRINT: JSON = {"system_fingerprint": ""}  # strict clients miss it (Cerebras')
# OpenAI's words are the call's own; what a provider of its wire says beyond them is handed on.
NATIVE = NativeRequest(wire="openai")


def read_chat(
    body: JSON, caller: Caller, headers: Iterable[tuple[bytes, bytes]] = ()
) -> ParsedRequest:
    """A chat completion's request; raises Refused.

    `headers` are the request's, where any of them goes along.
    """
    name = caller.node or name_of(body)
    messages: list[Any] = messages_of(body)
    choices, schema, logprobs, with_usage = 1, None, False, False
    extra: JSON = {}
    if PLAIN.issuperset(body):
        labels = plain_labels(OPERATION, caller.account)
    else:
        _refuse_what_is_not_offered(body)
        choices = choices_of(body)
        check_tools(objects(body, "tools"))
        extra = {key: value for key, value in body.items() if key not in READ and value is not None}
        schema = _schema_in(body, extra)
        logprobs, with_usage = switch(body, "logprobs"), wants_usage(body)
        labels = labels_of(OPERATION, caller.account, body)
    call = Call(
        name,
        messages,
        schema,
        given_of(body, LIMITS),
        extra,
        caller.user_id,
        new_id(),
        labels,
        choices == 1,
        cache_sampled=False,  # unless it is wished
        waits=False,
        logprobs=logprobs,
        native=_native(headers) if headers else NATIVE,
        cascades=choices == 1,
    )
    stream = switch(body, "stream")
    more = repeated(call, choices - 1) if choices > 1 else ()
    return ParsedRequest(call, name, stream, with_usage, more=more)


def _native(headers: Iterable[tuple[bytes, bytes]]) -> NativeRequest:
    return replace(NATIVE, headers=betas.asked_for(betas.OPENAI, headers))


def _schema_in(body: JSON, extra: JSON) -> JSON | None:
    """The schema that is asked for; what asks for JSON without one is added to `extra`."""
    form = body.get("response_format")
    if form is None:
        return None
    schema = _schema(form)
    if schema is None and form.get("type") != "text":
        extra["response_format"] = form
    return schema


def wants_usage(body: JSON) -> bool:
    """Whether a stream's usage comes in a chunk of its own; raises RequestRefused."""
    options = body.get("stream_options") or {}
    if not isinstance(options, dict):
        raise bad("stream_options", "This is not an object.")
    return switch(options, "include_usage")


def chat_answer(asked: ParsedRequest, made: Generation, *others: Generation) -> JSON:
    """A whole answer in the form of OpenAI's chat completion, with a choice for each generation."""
    whole, first = _choice(made, 0)
    choices = [first]
    if others:
        choices += [_choice(each, at)[1] for at, each in enumerate(others, 1)]
    return {
        **FINGERPRINT,
        **whole,
        "id": _id(asked.call.correlation_id),
        "object": "chat.completion",
        "created": int(time.time()),
        "model": asked.name,
        "choices": choices,
        "usage": usage_of(made, *others),
    }


def _choice(made: Generation, index: int) -> tuple[JSON, JSON]:
    """The provider's own fields of the whole answer, and the choice."""
    text = made.text if made.parsed is None else text_for(made)
    message: JSON = {
        "role": "assistant",
        "content": text or None,
        "refusal": made.refusal or None,
    }
    if made.tool_calls:
        message["tool_calls"] = made.tool_calls
    elif message["content"] is None and not made.refusal:
        message["content"] = ""
    whole, of_choice, said = ({}, {}, {}) if made.native is None else made.native.values()
    choice = {
        "index": index,
        "message": said | message if said else message,
        "logprobs": _logprobs(made.logprobs) if made.logprobs else None,
        **_reason(made),
    }
    if made.thoughts:
        choice["message"] |= _thoughts(made.thoughts)
    return whole, of_choice | choice if of_choice else choice


class ChatEvents:
    """Turns the pieces of a streamed answer into OpenAI's chunks."""

    def __init__(self, asked: ParsedRequest, index: int = 0) -> None:
        self._asked = asked
        self._index = index
        head = {
            "id": _id(asked.call.correlation_id),
            "object": "chat.completion.chunk",
            "created": int(time.time()),
            "model": asked.name,
        }
        self._before_fields = b"data: " + orjson.dumps(head)[:-1] + b","
        self._head = self._with_fields({})
        self._end = b',"usage":null}\n\n' if asked.with_usage else b"}\n\n"

        chunk = self._chunk({"content": ""})
        self._before_text, _, self._behind_text = chunk.rpartition(b'""')

    def begin(self) -> bytes:
        return self._chunk({"role": "assistant", "content": ""})

    def piece(self, delta: Delta) -> bytes:
        if delta.is_text_alone:
            return self._before_text + orjson.dumps(delta.text) + self._behind_text
        if len(delta.tool_calls) > 1:  # each in a chunk: some clients read the first alone
            first, *others = ((each,) for each in delta.tool_calls)
            calls = (Delta(tool_calls=each, choice=delta.choice) for each in others)
            return b"".join(map(self.piece, (replace(delta, tool_calls=first), *calls)))
        said = self.said(delta)
        likely = {"logprobs": _logprobs(delta.logprobs)} if delta.logprobs else {}
        if not delta.native:
            return self._chunk(said, **likely)
        whole, of_choice, more = delta.native
        head = self._head
        if whole:
            self._head = self._with_fields(whole)
        chunk = self._chunk(more | said, **of_choice, **likely)
        self._head = head
        return chunk

    def said(self, delta: Delta) -> JSON:
        """What a piece that isn't text alone adds to the message."""
        said: JSON = {"content": delta.text} if delta.text else {}
        if delta.tool_calls:
            said["tool_calls"] = delta.tool_calls
        if delta.refusal:
            said["refusal"] = delta.refusal
        return said | _thoughts(delta.thoughts)

    def reason(self, made: Generation) -> JSON:
        """Why it ended, as fields of the choice."""
        return _reason(made)

    def ended(self, made: Generation) -> bytes:
        """Why this choice ended, where others still go on."""
        return self._chunk({}, **self.reason(made))

    def end(self, made: Generation, *others: Generation) -> bytes:
        """Why it ended, the usage of all choices, and the stream's end.

        A client that asked for the usage gets it in a chunk of its own, as OpenAI sends it, others
        on the last choice: most read it there, and sums that counted both would be doubled.
        """
        usage = b'"usage":' + orjson.dumps(usage_of(made, *others)) + b"}\n\n"
        if self._asked.with_usage:
            last = self.ended(made) + self._head + b"[]," + usage
        else:
            last = self.ended(made).removesuffix(self._end) + b"," + usage
        return last + DONE

    def failure(self, shape: JSON) -> bytes:
        """An error after a stream's beginning."""
        return b"data: " + orjson.dumps(shape) + b"\n\n"

    def _with_fields(self, whole: JSON) -> bytes:
        """A chunk's beginning, with the provider's own fields."""
        return self._before_fields + orjson.dumps(FINGERPRINT | whole)[1:-1] + b',"choices":'

    def _chunk(self, said: JSON, **end: Any) -> bytes:
        index = self._index
        choice = {"index": index, "delta": said, "logprobs": None, "finish_reason": None, **end}
        return b"".join([self._head, b"[", orjson.dumps(choice), b"]", self._end])


def served_usage(made: Generation) -> Usage:
    """What the answer itself took, a kept one when it was made; the record has all attempts."""
    if made.kept_usage is not None:
        return made.kept_usage
    attempts = made.record.attempts
    return attempts[-1].usage if attempts else made.record.usage


def usage_of(*made: Generation) -> JSON:
    """What several answers took together."""
    if len(made) == 1:
        whole = usage_shape(served_usage(made[0]))
    else:
        calls = {each.record.id: each for each in made}.values()
        whole = _sum([usage_shape(served_usage(each)) for each in calls])
    cost = cost_of(*made)
    if cost is not None:
        whole["cost"] = float(cost)  # as OpenRouter calls it
    return whole


def _sum(parts: list[JSON]) -> JSON:
    return {
        name: _sum([each[name] for each in parts])
        if isinstance(value, dict)
        else sum(each[name] for each in parts)
        for name, value in parts[0].items()
    }


def usage_shape(usage: Usage) -> JSON:
    """Totals that include their parts, as OpenAI counts."""
    prompt, completion = usage.tokens_input, usage.tokens_output
    return {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
        "prompt_tokens_details": {
            "cached_tokens": usage.cached_input,
            "cache_write_tokens": usage.cache_write,
        },
        "completion_tokens_details": {"reasoning_tokens": usage.reasoning},
    }


def text_for(made: Generation) -> str:
    """The text; of an answer in a shape, its JSON without what a model wrote around it."""
    return json_text(made.text) if made.parsed is not None else made.text


def _refuse_what_is_not_offered(body: JSON) -> None:
    if not NOT_OFFERED.keys().isdisjoint(body):
        for param, why in NOT_OFFERED.items():
            if body.get(param):
                raise bad(param, why)
    if body.get("modalities") not in (None, ["text"]):
        raise bad("modalities", "Only text is offered.")


def _schema(form: object) -> JSON | None:
    """The schema that an answer must obey, None if any text or any JSON will do.

    llama.cpp, Together and Fireworks take it as `schema`, also beside `json_object`; Hugging Face's
    servers, and so their clients anywhere, as `value` of `json_object` or `json`.
    """
    if not isinstance(form, dict) or form.get("type") not in (*FORMS, "json"):
        raise bad("response_format", "Its type is text, json_object or json_schema.")
    described = form.get("json_schema")
    plain = form.get("schema") or form.get("value")
    wanted = described.get("schema") if isinstance(described, dict) else plain
    if form["type"] == "text" or (form["type"] == "json_object" and not wanted):
        return None
    beside = described if isinstance(described, dict) else {}
    return schema_of(wanted, "response_format.json_schema.schema", beside)


def _reason(made: Generation) -> JSON:
    """Why it ended, in a word that OpenAI's clients know; another word of the provider beside it.

    `native_finish_reason` is OpenRouter's name for that. A model that refuses says "stop" to
    OpenAI's clients, which look at the refusal first.
    """
    native, has_calls = made.native_finish_reason, bool(made.tool_calls)
    if native == STOP and not has_calls and made.stop_sequence is None:
        return {"finish_reason": STOP}
    if made.refusal and is_whole(native):
        return {"finish_reason": "stop"}
    reason = for_openai_clients(native or made.record.finish_reason, has_tool_calls=has_calls)
    told: JSON = {"finish_reason": reason}
    if native and native != reason and not is_whole(native):
        told["native_finish_reason"] = native
    if made.stop_sequence is not None:
        told["stop_reason"] = made.stop_sequence  # vLLM's name for the text that ended it
    return told


def finish_of(made: Generation) -> str | None:
    """Why it ended, where tool calls have no place."""
    if made.refusal:
        return "content_filter"
    reason: str | None = _reason(made)["finish_reason"]
    return "stop" if reason == "tool_calls" else reason


def _logprobs(rows: Sequence[JSON]) -> JSON | None:
    return {"content": list(rows), "refusal": None} if rows else None


def _thoughts(thoughts: Sequence[Thought]) -> JSON:
    """Thoughts where DeepSeek's and vLLM's clients look for them, and what must come back with
    them (signatures, encrypted data) where OpenRouter's do."""
    if not thoughts:
        return {}
    told: JSON = {}
    text = "".join(each.text for each in thoughts)
    if text:
        told["reasoning_content"] = text
    details = to_details(thoughts)
    if details:
        told["reasoning_details"] = details
    return told


def _id(correlation_id: UUID | None) -> str:
    return f"chatcmpl-{correlation_id.hex if correlation_id else ''}"
