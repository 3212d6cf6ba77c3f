"""What Anthropic says, in both versions of its API: shapes of requests, answers and errors.

Source: the types of the anthropic package 2.11. Version 2026-10-21 refuses sampling parameters.
"""

from __future__ import annotations

from typing import Any

import orjson

from project.embedded.simulator.agents import chosen_tool, schema_of, scripted_answer
from project.embedded.simulator.calls import (
    SimulatedAnswer,
    SimulatedCall,
    content_text,
    digest_of,
    fingerprint_of,
    optional_count,
    prompt_key,
    required_text,
)
from project.embedded.simulator.controls import Model
from project.embedded.simulator.errors import SimulatedRefusal
from project.embedded.simulator.schemas import Form, form_for
from project.embedded.simulator.wire import (
    Header,
    HttpReply,
    JsonObject,
    Request,
    event_stream,
    json_reply,
)

VERSIONS = ("2023-06-01", "2026-10-21")
SAMPLING = ("temperature", "top_p", "top_k")
DELTA_CHARACTERS = 32
_KINDS = {
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    504: "timeout_error",
    529: "overloaded_error",
}
_STOPS = {"stop": "end_turn", "length": "max_tokens", "tool": "tool_use"}


def request_id_header(request_id: str) -> Header:
    """How Anthropic names a request in its replies."""
    return (b"request-id", request_id.encode())


def error_body(refusal: SimulatedRefusal) -> JsonObject:
    """An error in the form of Anthropic's API."""
    usual = "api_error" if refusal.status >= 500 else "invalid_request_error"
    kind = refusal.kind or _KINDS.get(refusal.status, usual)
    error: JsonObject = {"type": kind, "message": refusal.message}
    if refusal.code:
        error["details"] = {"error_code": refusal.code}
    return {"type": "error", "error": error}


def unknown_model(name: str) -> SimulatedRefusal:
    """The refusal of a model that is not there."""
    return SimulatedRefusal(404, f"model: {name}")


def too_long(window: int, tokens: int) -> SimulatedRefusal:
    """The refusal of a prompt that does not fit."""
    return SimulatedRefusal(400, f"prompt is too long: {tokens} tokens > {window} maximum")


def check_version(request: Request) -> str:
    """The asked version of the API; refuses a missing or unknown one."""
    version = request.header(b"anthropic-version")
    if not version:
        raise SimulatedRefusal(400, "anthropic-version: header is required")
    if version not in VERSIONS:
        raise SimulatedRefusal(400, f'anthropic-version: "{version}" is not a valid version')
    return version


def read_message(request: Request, body: JsonObject, *, seed: int, version: str) -> SimulatedCall:
    """The call in a messages request."""
    name = required_text(body, "model")
    limit = optional_count(body, "max_tokens")
    if limit is None:
        raise SimulatedRefusal(400, "max_tokens: Field required")
    _check_sampling(body, version)
    messages = body.get("messages")
    if not isinstance(messages, list) or not messages:
        raise SimulatedRefusal(400, "messages: at least one message is required")
    if not all(isinstance(entry, dict) and entry.get("role") in _ROLES for entry in messages):
        raise SimulatedRefusal(400, 'messages: each needs a role, "user" or "assistant"')
    texts = [content_text(message.get("content")) for message in messages]
    asked = zip(reversed(messages), reversed(texts), strict=True)
    text = next((said for message, said in asked if message["role"] == "user"), texts[-1])
    texts.append(content_text(body.get("system")))
    digest = digest_of(text)
    form, tool = _form(body)
    return SimulatedCall(
        path=request.path,
        model=name,
        text=text,
        digest=digest,
        key=prompt_key(request.header(b"x-request-key"), body, digest),
        fingerprint=fingerprint_of(name, seed, texts),
        prompt_tokens=max(1, sum(map(len, texts)) // 4),
        stream=body.get("stream") is True,
        form=form,
        tool=tool,
        said=scripted_answer(body),
        max_tokens=limit,
        beginning=_marked(body.get("system")),
    )


def _marked(system: Any) -> tuple[str, bool] | None:
    """The system prompt up to its last mark; None where it has none."""
    blocks = system if isinstance(system, list) else []
    ends = [at for at, block in enumerate(blocks) if "cache_control" in block]
    return (content_text(blocks[: ends[-1] + 1]), True) if ends else None


_ROLES = ("user", "assistant", "system")  # the last in a beta that Claude Code uses


def _check_sampling(body: JsonObject, version: str) -> None:
    for name in SAMPLING:
        if name not in body:
            continue
        if version == VERSIONS[1]:
            raise SimulatedRefusal(
                400, f"{name}: this parameter is not supported in version {version}"
            )
        if not isinstance(body[name], int | float) or isinstance(body[name], bool):
            raise SimulatedRefusal(400, f"{name}: Input should be a valid number")


def _form(body: JsonObject) -> tuple[Form | None, str | None]:
    """What shape the answer must have, and the tool that must be called."""
    chosen = chosen_tool(body) or body.get("tool_choice")
    if isinstance(chosen, dict) and chosen.get("type") in ("any", "tool"):
        return _forced_tool(body.get("tools"), chosen)
    config = body.get("output_config")
    wanted = config.get("format") if isinstance(config, dict) else None
    if not isinstance(wanted, dict):
        return None, None
    if wanted.get("type") != "json_schema":
        raise SimulatedRefusal(400, "output_config.format.type: Input should be 'json_schema'")
    if not isinstance(wanted.get("schema"), dict):
        raise SimulatedRefusal(400, "output_config.format.schema: Field required")
    return form_for(wanted["schema"]), None


def _forced_tool(tools: object, chosen: JsonObject) -> tuple[Form, str]:
    for tool in tools if isinstance(tools, list) else ():
        name = tool.get("name") if isinstance(tool, dict) else None
        if isinstance(name, str) and chosen.get("name", name) == name:
            return form_for(schema_of(chosen, tool.get("input_schema"))), name
    raise SimulatedRefusal(400, "tool_choice: names no tool of this request")


def write_message(call: SimulatedCall, answer: SimulatedAnswer, request_id: str) -> HttpReply:
    """Write a message to the connection, whole or as events."""
    header = request_id_header(request_id)
    if call.stream:
        return event_stream(_events(call, answer, request_id), (header,))
    return json_reply(message_body(call, answer, request_id), headers=(header,))


def message_body(call: SimulatedCall, answer: SimulatedAnswer, request_id: str) -> JsonObject:
    """A whole answer in the form of Anthropic's message."""
    block: JsonObject = {"type": "text", "text": answer.text}
    if call.tool:
        block = _tool_use(call.tool, request_id, _arguments(answer))
    return _head(call, request_id) | {
        "content": [block],
        "stop_reason": _STOPS[answer.finish],
        "usage": usage(answer),
    }


def usage(answer: SimulatedAnswer) -> JsonObject:
    """Tokens as Anthropic counts them: the input leaves out what the cache read or wrote."""
    cached = answer.cached_tokens + answer.cache_creation_tokens
    return {
        "input_tokens": answer.input_tokens - cached,
        "cache_creation_input_tokens": answer.cache_creation_tokens,
        "cache_read_input_tokens": answer.cached_tokens,
        "output_tokens": answer.output_tokens,
        "output_tokens_details": {"thinking_tokens": answer.reasoning_tokens},
        "service_tier": "standard",
    }


def _head(call: SimulatedCall, request_id: str) -> JsonObject:
    return {
        "id": f"msg_{request_id}",
        "type": "message",
        "role": "assistant",
        "model": call.model,
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
    }


def _tool_use(tool: str, request_id: str, arguments: object) -> JsonObject:
    return {"type": "tool_use", "id": f"toolu_{request_id}", "name": tool, "input": arguments}


def _arguments(answer: SimulatedAnswer) -> Any:
    """The tool's input; an answer that ended at max_tokens has none that can be read."""
    try:
        return orjson.loads(answer.text)
    except orjson.JSONDecodeError:
        return {}


def _events(call: SimulatedCall, answer: SimulatedAnswer, request_id: str) -> list[bytes]:
    counted = usage(answer)
    message = _head(call, request_id) | {"usage": counted | {"output_tokens": 1}}
    opening: JsonObject = {"type": "text", "text": ""}
    delta, part = "text_delta", "text"
    if call.tool:
        opening = _tool_use(call.tool, request_id, {})
        delta, part = "input_json_delta", "partial_json"
    pieces = [
        {"index": 0, "delta": {"type": delta, part: answer.text[at : at + DELTA_CHARACTERS]}}
        for at in range(0, len(answer.text), DELTA_CHARACTERS)
    ]
    end = {"stop_reason": _STOPS[answer.finish], "stop_sequence": None}
    return [
        _event("message_start", {"message": message}),
        _event("content_block_start", {"index": 0, "content_block": opening}),
        _event("ping", {}),
        *(_event("content_block_delta", piece) for piece in pieces),
        _event("content_block_stop", {"index": 0}),
        _event("message_delta", {"delta": end, "usage": counted}),
        _event("message_stop", {}),
    ]


def _event(name: str, body: JsonObject) -> bytes:
    return b"event: %b\ndata: %b\n\n" % (name.encode(), orjson.dumps({"type": name} | body))


def model_body(model: Model) -> JsonObject:
    """One entry of the list of models."""
    lifecycle = "retired" if model.retired else "deprecated" if model.deprecated_at else "active"
    return {
        "type": "model",
        "id": model.id,
        "display_name": model.id.replace("-", " ").title(),
        "created_at": _moment(model.created_at),
        "lifecycle": lifecycle,
        "deprecated_at": _moment(model.deprecated_at),
        "retires_at": _moment(model.retires_at),
        "max_input_tokens": model.context_window,
        "max_tokens": model.max_output_tokens,
    }


def _moment(day: str | None) -> str | None:
    return f"{day}T00:00:00Z" if day else None
