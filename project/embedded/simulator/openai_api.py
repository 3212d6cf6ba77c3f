"""What OpenAI and the many that speak like it say: shapes of requests, answers and errors.

Source: the types of the openai package 3.52.
"""

from __future__ import annotations

import base64
import json
import math
from array import array
from collections.abc import Iterator
from hashlib import sha1, shake_256
from typing import Any

import orjson

from project.embedded.simulator.agents import chosen_tool, schema_of, scripted_answer
from project.embedded.simulator.calls import (
    CHARACTERS_PER_TOKEN,
    SimulatedAnswer,
    SimulatedCall,
    content_text,
    digest_of,
    fingerprint_of,
    is_sampled,
    optional_count,
    prompt_key,
    required_text,
    tokens_in,
)
from project.embedded.simulator.controls import Controls, Model
from project.embedded.simulator.errors import SimulatedRefusal
from project.embedded.simulator.prompt_cache import openai_beginning
from project.embedded.simulator.schemas import Form, form_for
from project.embedded.simulator.wire import (
    Header,
    HttpReply,
    JsonObject,
    Request,
    event_stream,
    json_reply,
)

CREATED = 1_767_225_600
DIMENSIONS = 1_536
DELTA_CHARACTERS = 32
MAX_INPUTS = 2_048
_KINDS = {
    401: "invalid_request_error",
    403: "permission_error",
    404: "invalid_request_error",
    429: "rate_limit_exceeded",
}
_CODES = {401: "invalid_api_key", 429: "rate_limit_exceeded"}
_ANY_OBJECT = {
    "type": "object",
    "properties": {"answer": {"type": "string"}, "source": {"type": "string", "maxLength": 40}},
    "required": ["answer", "source"],
}


def request_id_header(request_id: str) -> Header:
    """How OpenAI names a request in its replies."""
    return (b"x-request-id", request_id.encode())


def error_body(refusal: SimulatedRefusal) -> JsonObject:
    """An error in the form of OpenAI's API."""
    usual = "server_error" if refusal.status >= 500 else "invalid_request_error"
    kind = refusal.kind or _KINDS.get(refusal.status, usual)
    if refusal.code == "insufficient_quota":
        kind = "insufficient_quota"
    code = refusal.code or _CODES.get(refusal.status)
    return {
        "error": {"message": refusal.message, "type": kind, "param": refusal.param, "code": code}
    }


def unknown_model(name: str) -> SimulatedRefusal:
    """The refusal of a model that is not there."""
    message = f"The model `{name}` does not exist or you do not have access to it."
    return SimulatedRefusal(404, message, code="model_not_found", param="model")


def too_long(window: int, tokens: int) -> SimulatedRefusal:
    """The refusal of a prompt that does not fit."""
    message = (
        f"This model's maximum context length is {window} tokens. However, your messages "
        f"resulted in {tokens} tokens. Please reduce the length of the messages."
    )
    return SimulatedRefusal(400, message, code="context_length_exceeded", param="messages")


def read_chat(request: Request, body: JsonObject, *, seed: int, model: str | None) -> SimulatedCall:
    """The call in a chat completion request; `model` is the deployment on Azure paths."""
    name = model or required_text(body, "model")
    messages = body.get("messages")
    if not isinstance(messages, list) or not messages:
        raise SimulatedRefusal(400, "messages must be a non-empty list", param="messages")
    if not all(isinstance(message, dict) and "role" in message for message in messages):
        raise SimulatedRefusal(400, "each message must be an object with a role", param="messages")
    texts = [content_text(message.get("content")) for message in messages]
    asked = zip(reversed(messages), reversed(texts), strict=True)
    text = next((said for message, said in asked if message["role"] == "user"), texts[-1])
    digest = digest_of(text)
    options = body.get("stream_options")
    form, tool = _form(body, texts)
    limit = optional_count(body, "max_completion_tokens") or optional_count(body, "max_tokens")
    return SimulatedCall(
        path=request.path,
        model=name,
        text=text,
        digest=digest,
        key=prompt_key(request.header(b"x-request-key"), body, digest),
        fingerprint=fingerprint_of(name, seed, texts),
        prompt_tokens=max(1, sum(map(len, texts)) // 4),
        stream=body.get("stream") is True,
        with_usage=isinstance(options, dict) and options.get("include_usage") is True,
        form=form,
        tool=tool,
        said=scripted_answer(body),
        max_tokens=limit,
        logprobs=body.get("logprobs") is True,
        sampled=is_sampled(body),
        beginning=openai_beginning(body, name, texts),
    )


def _form(body: JsonObject, texts: list[str]) -> tuple[Form | None, str | None]:
    """What shape the answer must have, and the tool that must be called."""
    chosen = chosen_tool(body) or body.get("tool_choice")
    if chosen == "required" or isinstance(chosen, dict):
        return _forced_tool(body, chosen)
    wanted = body.get("response_format")
    if not isinstance(wanted, dict):
        return None, None
    if wanted.get("type") == "json_schema":
        described = wanted.get("json_schema")
        if not isinstance(described, dict) or not described.get("name"):
            message = "Missing required parameter: 'response_format.json_schema.name'."
            raise SimulatedRefusal(400, message, param="response_format.json_schema.name")
        return form_for(described.get("schema", {})), None
    if wanted.get("type") == "json_object":
        if not any("json" in text.lower() for text in texts):
            message = "'messages' must contain the word 'json' in some form."
            raise SimulatedRefusal(400, message, param="messages")
        return form_for(_written_schema(texts)), None
    return None, None


def _forced_tool(body: JsonObject, chosen: object) -> tuple[Form, str]:
    given = body.get("tools")
    listed = given if isinstance(given, list) else []
    tools = [tool["function"] for tool in listed if _is_function(tool)]
    named = chosen.get("function") if isinstance(chosen, dict) else None
    wanted = named.get("name") if isinstance(named, dict) else None
    for tool in tools:
        if wanted is None or tool["name"] == wanted:
            return form_for(schema_of(chosen, tool.get("parameters"))), tool["name"]
    raise SimulatedRefusal(
        400, "tool_choice names no function among the tools.", param="tool_choice"
    )


def _is_function(tool: object) -> bool:
    function = tool.get("function") if isinstance(tool, dict) else None
    return isinstance(function, dict) and isinstance(function.get("name"), str)


def _written_schema(texts: list[str]) -> JsonObject:
    """The schema that a prompt spells out for a model which cannot be given one, if any."""
    decoder = json.JSONDecoder()
    for text in texts:
        at = text.find("{") if '"properties"' in text else -1
        while at >= 0:
            try:
                found, _ = decoder.raw_decode(text, at)
            except (ValueError, RecursionError):
                found = None
            if isinstance(found, dict) and isinstance(found.get("properties"), dict):
                return found
            at = text.find("{", at + 1)
    return _ANY_OBJECT


def write_chat(call: SimulatedCall, answer: SimulatedAnswer, request_id: str) -> HttpReply:
    """Write a completion to the connection, whole or as events."""
    header = request_id_header(request_id)
    if call.stream:
        return event_stream(_chunks(call, answer, request_id), (header,))
    return json_reply(chat_body(call, answer, request_id), headers=(header,))


def chat_body(call: SimulatedCall, answer: SimulatedAnswer, request_id: str) -> JsonObject:
    """A whole answer in the form of OpenAI's chat completion."""
    message: JsonObject = {"role": "assistant", "content": answer.text, "refusal": None}
    if call.tool:
        message |= {"content": None, "tool_calls": [_tool_call(call.tool, answer, request_id)]}
    return {
        "id": f"chatcmpl-{request_id}",
        "object": "chat.completion",
        "created": CREATED,
        "model": call.model,
        "choices": [
            {
                "index": 0,
                "message": message,
                "logprobs": _logprobs(call, answer) if call.logprobs else None,
                "finish_reason": _finish(answer),
            }
        ],
        "usage": usage(answer),
        "system_fingerprint": "fp_simulator",
    }


def _logprobs(call: SimulatedCall, answer: SimulatedAnswer) -> JsonObject:
    """A token for every four bytes, so that some end within a character, as real ones do."""
    raw = answer.text.encode(errors="replace")
    tokens = [
        raw[at : at + CHARACTERS_PER_TOKEN] for at in range(0, len(raw), CHARACTERS_PER_TOKEN)
    ]
    told = [
        {
            "token": token.decode(errors="replace"),
            "bytes": list(token),
            "logprob": _logprob(call, answer, token),
            "top_logprobs": [],
        }
        for token in tokens
    ]
    return {"content": told, "refusal": None}


def _logprob(call: SimulatedCall, answer: SimulatedAnswer, token: bytes) -> float:
    """As likely as the controls say, else between a half and certain, the same each time."""
    likely = answer.token_probability
    if likely is None:
        likely = 0.5 + sha1(call.fingerprint + token, usedforsecurity=False).digest()[0] / 512
    return math.log(max(likely, 1e-9))


def usage(answer: SimulatedAnswer) -> JsonObject:
    """Tokens as OpenAI counts them: the prompt includes what was cached."""
    counted: JsonObject = {
        "prompt_tokens": answer.input_tokens,
        "completion_tokens": answer.output_tokens,
        "total_tokens": answer.input_tokens + answer.output_tokens,
        "prompt_tokens_details": {
            "cached_tokens": answer.cached_tokens,
            "cache_write_tokens": answer.cache_creation_tokens,
        },
        "completion_tokens_details": {"reasoning_tokens": answer.reasoning_tokens},
    }
    if answer.cost is not None:
        counted["cost"] = answer.cost
    return counted


def _finish(answer: SimulatedAnswer) -> str:
    return "tool_calls" if answer.finish == "tool" else answer.finish


def _tool_call(tool: str, answer: SimulatedAnswer, request_id: str) -> JsonObject:
    function = {"name": tool, "arguments": answer.text}
    return {"id": f"call_{request_id}", "type": "function", "function": function}


def _chunks(call: SimulatedCall, answer: SimulatedAnswer, request_id: str) -> list[bytes]:
    head: JsonObject = {
        "id": f"chatcmpl-{request_id}",
        "object": "chat.completion.chunk",
        "created": CREATED,
        "model": call.model,
    }
    end = {"usage": None} if call.with_usage else {}
    events = [
        head | {"choices": [{"index": 0, "delta": delta, "finish_reason": None}]} | end
        for delta in _deltas(call, answer, request_id)
    ]
    last = {"index": 0, "delta": {}, "finish_reason": _finish(answer)}
    events.append(head | {"choices": [last]} | end)
    if call.with_usage:
        events.append(head | {"choices": [], "usage": usage(answer)})
    return [*(b"data: %b\n\n" % orjson.dumps(event) for event in events), b"data: [DONE]\n\n"]


def _deltas(call: SimulatedCall, answer: SimulatedAnswer, request_id: str) -> Iterator[JsonObject]:
    if call.tool:
        whole = {"index": 0} | _tool_call(call.tool, answer, request_id)
        yield {"role": "assistant", "content": None, "tool_calls": [whole]}
        return
    yield {"role": "assistant", "content": ""}
    for at in range(0, len(answer.text), DELTA_CHARACTERS):
        yield {"content": answer.text[at : at + DELTA_CHARACTERS]}


def read_embeddings(
    request: Request, body: JsonObject, *, seed: int, model: str | None
) -> SimulatedCall:
    """The call in an embeddings request; token ids are taken for the texts that spell them."""
    name = model or required_text(body, "model")
    inputs = _inputs(body.get("input"))
    digest = digest_of("\x1f".join(inputs))
    encoding = body.get("encoding_format", "float")
    if encoding not in ("float", "base64"):
        raise SimulatedRefusal(400, "encoding_format is float or base64", param="encoding_format")
    dimensions = optional_count(body, "dimensions") or DIMENSIONS
    if dimensions > DIMENSIONS * 2:
        raise SimulatedRefusal(
            400, f"dimensions above {DIMENSIONS * 2} are unknown", param="dimensions"
        )
    return SimulatedCall(
        path=request.path,
        model=name,
        text=inputs[-1],
        digest=digest,
        key=prompt_key(request.header(b"x-request-key"), body, digest),
        fingerprint=fingerprint_of(name, seed, inputs),
        prompt_tokens=sum(map(tokens_in, inputs)),
        inputs=inputs,
        dimensions=dimensions,
        base64=encoding == "base64",
    )


def _inputs(given: Any) -> tuple[str, ...]:
    texts = [given] if isinstance(given, str) else given
    if isinstance(texts, list) and texts and all(isinstance(entry, int) for entry in texts):
        texts = [texts]
    if not isinstance(texts, list) or not 0 < len(texts) <= MAX_INPUTS:
        raise SimulatedRefusal(400, f"input must hold 1 to {MAX_INPUTS} texts", param="input")
    if not all(isinstance(entry, str | list) and entry for entry in texts):
        raise SimulatedRefusal(400, "input cannot hold an empty text", param="input")
    return tuple(entry if isinstance(entry, str) else repr(entry) for entry in texts)


def embeddings_answer(call: SimulatedCall, controls: Controls) -> SimulatedAnswer:
    """What is billed for embeddings: their input."""
    return SimulatedAnswer("", "stop", call.prompt_tokens, 0, 0, 0, 0, controls.usage_cost)


def embeddings_body(call: SimulatedCall, answer: SimulatedAnswer) -> JsonObject:
    """Vectors in the form of OpenAI's list of embeddings."""
    vectors = [unit_vector(text, call.model, call.dimensions) for text in call.inputs]
    return {
        "object": "list",
        "data": [
            {"object": "embedding", "index": index, "embedding": _encoded(vector, call)}
            for index, vector in enumerate(vectors)
        ],
        "model": call.model,
        "usage": {"prompt_tokens": answer.input_tokens, "total_tokens": answer.input_tokens},
    }


def unit_vector(text: str, model: str, dimensions: int) -> list[float]:
    """A direction that follows from the text and the model; of length 1."""
    mark = f"{model}|{text}".encode("utf-8", "surrogatepass")
    spread = array("h", shake_256(mark).digest(dimensions * 2))
    length = math.sqrt(sum(number * number for number in spread)) or 1.0
    return [number / length for number in spread]


def _encoded(vector: list[float], call: SimulatedCall) -> list[float] | str:
    if not call.base64:
        return vector
    return base64.b64encode(array("f", vector).tobytes()).decode()


def model_body(model: Model) -> JsonObject:
    """One entry of the list of models."""
    return {
        "id": model.id,
        "object": "model",
        "created": CREATED,
        "owned_by": "simulator",
        "shutdown_date": model.retires_at,
        "context_window": model.context_window,
    }


def openrouter_model_body(model: Model, controls: Controls) -> JsonObject:
    """One entry of OpenRouter's list: dollars per token as texts, and the context length."""
    price = dict(controls.prices).get(model.id)
    return {
        "id": model.id,
        "name": model.id,
        "created": CREATED,
        "context_length": model.context_window,
        "top_provider": {
            "context_length": model.context_window,
            "max_completion_tokens": model.max_output_tokens,
        },
        "pricing": {
            "prompt": f"{price.input / 1_000_000:f}" if price else "0",
            "completion": f"{price.output / 1_000_000:f}" if price else "0",
        },
    }
