"""Anthropic's answers: those of its own wire as they came, others put into its words."""

from collections.abc import Hashable, Mapping
from typing import Any

import orjson

from llmconfig.client.finish_reasons import for_anthropic_clients, is_whole
from llmconfig.client.pipeline.token_estimates import most_of_prompt
from llmconfig.client.types import Delta, Generation, Thought, Usage
from llmconfig.gateway.openai_shape import served_usage, text_for
from llmconfig.gateway.reading import JSON, ParsedRequest


def message_answer(asked: ParsedRequest, made: Generation) -> JSON:
    """A whole message; Anthropic's own but for the model's name, which is the one asked for."""
    if made.native is not None:
        return made.native | {"model": asked.name}
    text = text_for(made) or made.refusal
    content = [_thought(each) for each in made.thoughts if _wanted(asked, each)]
    content += [{"type": "text", "text": text}] if text else []
    content += [
        {
            "type": "tool_use",
            "id": call.get("id", ""),
            "name": _function(call).get("name", ""),
            "input": _input(_function(call).get("arguments")),
        }
        for call in made.tool_calls
    ]
    return _head(asked) | {"content": content, **_stop(made), "usage": _usage(served_usage(made))}


class _Block:
    """A block that is being written."""

    def __init__(self, index: int) -> None:
        self.index = index
        self.arguments = ""


class MessageEvents:
    """A stream's pieces as events: blocks of thoughts, text and tool uses, one after the other.

    A tool use whose input isn't whole when the next one begins stays open beside it: some servers
    send all names first.
    """

    def __init__(self, asked: ParsedRequest) -> None:
        self._asked = asked
        self._begun = self._native = self._stopped = False
        self._blocks = 0
        self._open: dict[Hashable, _Block] = {}  # by what they hold

    def begin(self) -> bytes:
        """Nothing yet: the head comes with the first piece, which shows whose words it is in."""
        return b""

    def piece(self, delta: Delta) -> bytes:
        """A piece of thoughts, of text or of tools' inputs, in blocks of their own."""
        if delta.native:
            self._begun = self._native = True
            return b"".join(map(self._pass, delta.native))
        if self._native:
            return b""  # it was in the events
        parts = self._head()
        for thought in delta.thoughts:
            if _wanted(self._asked, thought):
                parts += self._thought(thought)
        text = delta.text + delta.refusal
        if text:
            parts += self._switch_to("text", {"type": "text", "text": ""})
            parts.append(self._delta("text", {"type": "text_delta", "text": text}))
        for call in delta.tool_calls:
            parts += self._call(call)
        return b"".join(parts)

    def end(self, made: Generation) -> bytes:
        """Why it ended, and what it took."""
        if self._native:
            return b"" if self._stopped else _event("message_stop", {})
        parts = [*self._head(), *(self._stop(key) for key in list(self._open))]
        usage = _usage(served_usage(made))
        parts.append(_event("message_delta", {"delta": _stop(made), "usage": usage}))
        parts.append(_event("message_stop", {}))
        return b"".join(parts)

    def failure(self, shape: JSON) -> bytes:
        """An error after a stream's beginning."""
        return _event("error", {"error": shape["error"]})

    def _head(self) -> list[bytes]:
        """The message's head, once, with an estimate of the prompt; the count comes at the end."""
        if self._begun:
            return []
        self._begun = True
        usage = {"input_tokens": most_of_prompt(self._asked.call), "output_tokens": 0}
        return [_event("message_start", {"message": _head(self._asked) | {"usage": usage}})]

    def _pass(self, event: JSON) -> bytes:
        """One of Anthropic's own events."""
        kind = str(event.get("type", ""))
        if kind == "message_start" and isinstance(event.get("message"), dict):
            event = {**event, "message": {**event["message"], "model": self._asked.name}}
        self._stopped |= kind == "message_stop"
        return _event(kind, event) if kind.isidentifier() else b""

    def _thought(self, thought: Thought) -> list[bytes]:
        key = ("thought", thought.index, thought.data)
        if thought.data:
            return self._switch_to(key, _thought(thought))
        opening = {"type": "thinking", "thinking": "", "signature": ""}
        parts = self._switch_to(key, opening)
        if thought.text:
            parts.append(self._delta(key, {"type": "thinking_delta", "thinking": thought.text}))
        if thought.signature:
            signed = {"type": "signature_delta", "signature": thought.signature}
            parts.append(self._delta(key, signed))
        return parts

    def _call(self, call: JSON) -> list[bytes]:
        function, key = _function(call), call.get("index", 0)
        opening = {
            "type": "tool_use",
            "id": call.get("id", ""),
            "name": function.get("name", ""),
            "input": {},
        }
        parts = self._switch_to(key, opening)
        said = function.get("arguments")
        if said:
            self._open[key].arguments += said
            parts.append(self._delta(key, {"type": "input_json_delta", "partial_json": said}))
        return parts

    def _switch_to(self, key: Hashable, opening: JSON) -> list[bytes]:
        if key in self._open:
            return []
        parts = [self._stop(each) for each, block in list(self._open.items()) if _ends(each, block)]
        block = self._open[key] = _Block(self._blocks)
        self._blocks += 1
        return [
            *parts,
            _event("content_block_start", {"index": block.index, "content_block": opening}),
        ]

    def _stop(self, key: Hashable) -> bytes:
        return _event("content_block_stop", {"index": self._open.pop(key).index})

    def _delta(self, key: Hashable, said: JSON) -> bytes:
        return _event("content_block_delta", {"index": self._open[key].index, "delta": said})


def _ends(key: Hashable, block: _Block) -> bool:
    """Whether nothing more can follow in a block once another begins."""
    if not isinstance(key, int):
        return True
    try:
        orjson.loads(block.arguments)
    except orjson.JSONDecodeError:
        return False
    return True


def _thought(thought: Thought) -> JSON:
    if thought.data:
        return {"type": "redacted_thinking", "data": thought.data}
    return {"type": "thinking", "thinking": thought.text, "signature": thought.signature}


def _wanted(asked: ParsedRequest, thought: Thought) -> bool:
    """Whether a client is given a thought: it asked for thinking, or the thought is Anthropic's.

    Others take the first block for the answer. Another vendor's encrypted data is of no use here.
    """
    if thought.kind == "encrypted":
        return not thought.format or thought.format.startswith("anthropic")
    if thought.signature:
        return True
    native = asked.call.native
    thinking = native.body.get("thinking") if native is not None else None
    return isinstance(thinking, dict) and thinking.get("type") != "disabled"


def _head(asked: ParsedRequest) -> JSON:
    correlation_id = asked.call.correlation_id
    return {
        "id": f"msg_{correlation_id.hex if correlation_id else ''}",
        "type": "message",
        "role": "assistant",
        "model": asked.name,
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
    }


def _stop(made: Generation) -> JSON:
    """`stop_reason` with what belongs to it."""
    native, sequence = made.native_finish_reason, made.stop_sequence
    known = made.record.finish_reason if is_whole(native) else native
    reason = for_anthropic_clients(
        known,
        has_tool_calls=bool(made.tool_calls),
        has_stop_sequence=sequence is not None or native == "stop_sequence",
    )
    told: JSON = {"stop_reason": reason, "stop_sequence": sequence}
    if made.refusal:
        explained = {"type": "refusal", "category": None, "explanation": made.refusal}
        told["stop_details"] = explained
    return told


def _usage(usage: Usage) -> JSON:
    return {
        "input_tokens": usage.input,
        "cache_read_input_tokens": usage.cached_input,
        "cache_creation_input_tokens": usage.cache_write,
        "output_tokens": usage.tokens_output,
    }


def _function(call: Mapping[str, Any]) -> JSON:
    function = call.get("function")
    return function if isinstance(function, dict) else {}


def _input(arguments: object) -> JSON:
    try:
        value = orjson.loads(arguments) if isinstance(arguments, str) else {}
    except orjson.JSONDecodeError:
        value = {}
    return value if isinstance(value, dict) else {}


def _event(name: str, body: JSON) -> bytes:
    data = orjson.dumps({"type": name, **body})
    return b"".join([b"event: ", name.encode(), b"\ndata: ", data, b"\n\n"])
