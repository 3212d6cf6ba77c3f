"""Anthropic's requests and answers, to and from OpenAI's words, which the client speaks."""

from collections.abc import Hashable, Mapping
from typing import Any
from uuid import uuid4

import orjson

from llmconfig.client.finish_reasons import for_anthropic_clients, is_whole
from llmconfig.client.types import Call, Delta, Generation, Thought, Usage
from llmconfig.gateway.access import Caller
from llmconfig.gateway.openai_shape import served_usage, text_for
from llmconfig.gateway.reading import (
    JSON,
    ParsedRequest,
    bad,
    check_tools,
    given_of,
    labels_of,
    messages_of,
    name_of,
    objects,
    schema_of,
    switch,
)

READ = frozenset(
    {
        "model",
        "messages",
        "system",
        "stream",
        "max_tokens",
        "temperature",
        "tools",
        "tool_choice",
        "stop_sequences",
        "output_config",
    }
)
CHOICES = {"auto": "auto", "any": "required", "none": "none"}
ROLES = frozenset({"user", "assistant", "system"})


def read_messages(body: JSON, caller: Caller) -> ParsedRequest:
    """A message's request; raises Refused."""
    name = caller.node or name_of(body)
    messages = _system(body.get("system"))
    for at, message in enumerate(messages_of(body)):
        if message["role"] not in ROLES:
            raise bad(f"messages[{at}].role", "It is user or assistant.")
        messages += _turn(message)
    extra = {key: value for key, value in body.items() if key not in READ and value is not None}
    tools = objects(body, "tools")
    if tools:
        extra["tools"] = [_tool(tool) for tool in tools]
        check_tools(extra["tools"])
    if body.get("tool_choice") is not None:
        _choose(body["tool_choice"], extra)
    if body.get("stop_sequences"):
        extra["stop"] = body["stop_sequences"]
    wanted: Any = messages
    call = Call(
        node=name,
        messages=wanted,
        schema=_schema(body.get("output_config"), extra),
        given=given_of(body, ("max_tokens",)),
        extra=extra,
        user_id=caller.user_id,
        correlation_id=uuid4(),
        labels=labels_of("messages", caller.account),
    )
    return ParsedRequest(call, name, switch(body, "stream"))


def message_answer(asked: ParsedRequest, made: Generation) -> JSON:
    """A whole message."""
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
        self._blocks = 0
        self._open: dict[Hashable, _Block] = {}  # by what they hold

    def begin(self) -> bytes:
        """The message's head; its usage follows at the end."""
        usage = {"input_tokens": 0, "output_tokens": 0}
        return _event("message_start", {"message": _head(self._asked) | {"usage": usage}})

    def piece(self, delta: Delta) -> bytes:
        """A piece of thoughts, of text or of tools' inputs, in blocks of their own."""
        parts = []
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
        parts = [self._stop(key) for key in list(self._open)]
        usage = _usage(served_usage(made))
        parts.append(_event("message_delta", {"delta": _stop(made), "usage": usage}))
        parts.append(_event("message_stop", {}))
        return b"".join(parts)

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
    thinking = asked.call.extra.get("thinking")
    return isinstance(thinking, dict) and thinking.get("type") != "disabled"


def failure(shape: JSON) -> bytes:
    """An error after a stream's beginning."""
    return _event("error", {"error": shape["error"]})


def _system(system: object) -> list[JSON]:
    if system is None:
        return []
    if isinstance(system, list) and all(isinstance(part, dict) for part in system):
        return [{"role": "system", "content": _parts(system)}]
    if not isinstance(system, str):
        raise bad("system", "This is neither text nor a list of blocks.")
    return [{"role": "system", "content": system}]


def _turn(message: JSON) -> list[JSON]:
    """One of their turns, which may be several of ours: results of tools stand alone here."""
    role, content = message["role"], message.get("content")
    if not isinstance(content, list):
        return [{"role": role, "content": content or ""}]
    turns = [_result(block) for block in content if block.get("type") == "tool_result"]
    calls = [_call(block) for block in content if block.get("type") == "tool_use"]
    # A model's thoughts are for the provider that had them; others could not read them.
    left = ("tool_result", "tool_use", "thinking", "redacted_thinking")
    said = [block for block in content if block.get("type") not in left]
    if said or calls or not turns:
        turn: JSON = {"role": role, "content": _parts(said) if said else ""}
        turns.append(turn | {"tool_calls": calls} if calls else turn)
    return turns


def _parts(blocks: list[JSON]) -> str | list[JSON]:
    """One text as it is; else a list, with pictures in OpenAI's shape."""
    if len(blocks) == 1 and blocks[0].keys() == {"type", "text"}:
        return str(blocks[0]["text"])
    return [_picture(block) if block.get("type") == "image" else block for block in blocks]


def _picture(block: JSON) -> JSON:
    source = block.get("source")
    if not isinstance(source, dict):
        raise bad("messages", "An image needs a source.")
    address = source.get("url") or f"data:{source.get('media_type')};base64,{source.get('data')}"
    return {"type": "image_url", "image_url": {"url": address}}


def _result(block: JSON) -> JSON:
    content = block.get("content", "")
    if isinstance(content, list):
        content = "\n".join(
            part["text"]
            for part in content
            if isinstance(part, dict) and isinstance(part.get("text"), str)
        )
    return {"role": "tool", "tool_call_id": block.get("tool_use_id", ""), "content": content}


def _call(block: JSON) -> JSON:
    arguments = orjson.dumps(block.get("input", {})).decode()
    return {
        "id": block.get("id", ""),
        "type": "function",
        "function": {"name": block.get("name", ""), "arguments": arguments},
    }


def _tool(tool: JSON) -> JSON:
    """Their tool as OpenAI's function; tools of the vendor's own stay as they are."""
    if "input_schema" not in tool:
        return tool
    function = {"name": tool.get("name", ""), "parameters": tool["input_schema"]}
    if tool.get("description"):
        function["description"] = tool["description"]
    return {"type": "function", "function": function}


def _choose(choice: object, extra: JSON) -> None:
    if not isinstance(choice, dict) or choice.get("type") not in (*CHOICES, "tool"):
        raise bad("tool_choice", "Its type is auto, any, tool or none.")
    if choice["type"] == "tool":
        name = {"name": choice.get("name", "")}
        extra["tool_choice"] = {"type": "function", "function": name}
    else:
        extra["tool_choice"] = CHOICES[choice["type"]]
    if choice.get("disable_parallel_tool_use"):
        extra["parallel_tool_calls"] = False


def _schema(config: object, extra: JSON) -> JSON | None:
    """The schema in `output_config`; what else is in there goes along."""
    if config is None:
        return None
    if not isinstance(config, dict):
        raise bad("output_config", "This is not an object.")
    rest = {key: value for key, value in config.items() if key != "format"}
    if rest:
        extra["output_config"] = rest
    form = config.get("format")
    if form is None:
        return None
    if not isinstance(form, dict) or form.get("type") != "json_schema":
        raise bad("output_config.format", "Its type is json_schema.")
    return schema_of(form.get("schema"), "output_config.format.schema")


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
