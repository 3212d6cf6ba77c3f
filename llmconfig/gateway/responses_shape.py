"""Answers as OpenAI's Responses, whole and as events with their names and numbers.

Source: `openai.types.responses` of OpenAI's SDK.
"""

import time
from collections.abc import Hashable, Sequence
from typing import Any

import orjson

from llmconfig.client.types import Delta, Generation, Thought, Usage
from llmconfig.client.wire.responses_answers import ENDS
from llmconfig.gateway.openai_shape import served_usage, text_for
from llmconfig.gateway.reading import JSON, ParsedRequest
from llmconfig.gateway.response_output import (
    CUT,
    DONE,
    OPEN,
    OutputCall,
    OutputItem,
    OutputItems,
    OutputMessage,
    OutputReasoning,
    without_bytes,
)

INCOMPLETE = {"length": "max_output_tokens", "content_filter": "content_filter"}
# Of a provider's own response, what it is called and kept by here.
OURS = ("id", "model", "metadata", "previous_response_id", "store", "background")
NUMBERED = frozenset({"type", "sequence_number"})


def _whole_items(asked: ParsedRequest, made: Generation) -> OutputItems:
    items = OutputItems(asked)
    for thought in made.thoughts:
        items.think(thought)
    text = text_for(made)
    if text or not (made.refusal or made.tool_calls):
        items.say("output_text", text, made.logprobs)
    if made.refusal:
        items.say("refusal", made.refusal)
    for index, call in enumerate(made.tool_calls):
        items.call({"index": index, **call})
    return items


def _head(asked: ParsedRequest) -> JSON:
    correlation_id = asked.call.correlation_id
    return {
        **asked.echo,
        "id": f"resp_{correlation_id.hex if correlation_id else ''}",
        "object": "response",
        "created_at": int(time.time()),
        "status": OPEN,
        "error": None,
        "incomplete_details": None,
        "model": asked.name,
        "output": [],
        "usage": None,
    }


def _ended(asked: ParsedRequest, items: OutputItems, made: Generation) -> JSON:
    reason = None if made.refusal else INCOMPLETE.get(made.record.finish_reason or "")
    return {
        **_head(asked),
        "status": DONE if reason is None else CUT,
        "completed_at": int(time.time()) if reason is None else None,
        "incomplete_details": None if reason is None else {"reason": reason},
        "output": [item.whole(items.status(item, cut=reason is not None)) for item in items.all],
        "usage": usage_shape(served_usage(made)),
    }


def usage_shape(usage: Usage) -> JSON:
    """Tokens as OpenAI's Responses count them."""
    return {
        "input_tokens": usage.tokens_input,
        "input_tokens_details": {
            "cached_tokens": usage.cached_input,
            "cache_write_tokens": usage.cache_write,
        },
        "output_tokens": usage.tokens_output,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning},
        "total_tokens": usage.tokens_input + usage.tokens_output,
    }


class ResponseEvents:
    """Turns the pieces of a streamed answer into events of OpenAI's Responses, and whole ones."""

    def __init__(self, asked: ParsedRequest) -> None:
        self._asked = asked
        self._items = OutputItems(asked)
        self._number = 0
        self._begun = False
        self._last: JSON | None = None  # the provider's own last event

    def response(self, made: Generation) -> JSON:
        """The whole response; the provider's own, where it speaks Responses, under our names."""
        if made.native is not None:
            return self._ours(made.native)
        streamed = self._begun
        return _ended(
            self._asked, self._items if streamed else _whole_items(self._asked, made), made
        )

    def begin(self) -> bytes:
        """Nothing yet: the first piece shows whether the provider has events of its own."""
        return b""

    def _head(self) -> list[bytes]:
        """What comes before all else, once."""
        if self._begun:
            return []
        self._begun = True
        head = _head(self._asked)
        kinds = ("response.created", "response.in_progress")
        return [self._event(kind, response=head) for kind in kinds]

    def piece(self, delta: Delta) -> bytes:
        """A piece of thoughts, of text, of a refusal or of calls, in items of their own."""
        if delta.native:
            self._begun = True
            return b"".join(map(self._pass, delta.native))
        parts = self._head()
        parts += [part for thought in delta.thoughts for part in self._think(thought)]
        if delta.text or delta.logprobs:
            parts += self._say("output_text", delta.text, delta.logprobs)
        if delta.refusal:
            parts += self._say("refusal", delta.refusal)
        for call in delta.tool_calls:
            parts += self._call(call)
        return b"".join(parts)

    def end(self, made: Generation) -> bytes:
        """Its items' ends, and the whole response."""
        if self._last is not None:
            return self._event(self._last["type"], response=self.response(made))
        parts = self._head()
        if not self._items.all:
            parts += self._say("output_text", "")
        whole = self.response(made)
        for item in list(self._items.open.values()):
            told = whole["output"][item.place]
            parts += self._close(item, told.get("status", DONE))  # free text has none
        kind = "response.completed" if whole["status"] == DONE else "response.incomplete"
        return b"".join([*parts, self._event(kind, response=whole)])

    def failure(self, shape: JSON) -> bytes:
        told = shape["error"]
        limited = told.get("type") == "rate_limit_error"
        error = {
            "code": "rate_limit_exceeded" if limited else "server_error",
            "message": told["message"],
        }
        output = [item.whole(CUT) for item in self._items.all]
        failed = {**_head(self._asked), "status": "failed", "error": error, "output": output}
        return b"".join([*self._head(), self._event("response.failed", response=failed)])

    def _pass(self, event: JSON) -> bytes:
        """One of the provider's own events, under our names; its last one waits for the end."""
        kind = str(event.get("type", ""))
        if kind in ENDS:
            self._last = event
            return b""
        facts = {name: value for name, value in event.items() if name not in NUMBERED}
        if isinstance(event.get("response"), dict):
            facts["response"] = self._ours(event["response"])
        return self._event(kind, **facts)

    def _ours(self, response: JSON) -> JSON:
        head = _head(self._asked)
        return {**response, **{name: head[name] for name in OURS if name in head}}

    # Items

    def _think(self, thought: Thought) -> list[bytes]:
        parts = self._make_room("thoughts")
        fresh = "thoughts" not in self._items.open
        item = self._items.think(thought)
        if fresh:
            parts.append(self._added(item))
        if not thought.text:
            return parts
        where = self._in_thoughts(item)
        if not item.told:
            item.told = True
            begun = {**item.part, "text": ""}
            name = "reasoning_summary_part.added" if item.summarized else "content_part.added"
            parts.append(self._event(f"response.{name}", **where, part=begun))
        parts.append(self._event(f"{_thoughts(item)}.delta", **where, delta=thought.text))
        return parts

    def _say(self, kind: str, text: str, logprobs: Sequence[JSON] = ()) -> list[bytes]:
        parts = self._make_room("message")
        fresh = "message" not in self._items.open
        before = self._items.open.get("message")
        known = len(before.parts) if isinstance(before, OutputMessage) else 0
        item = self._items.say(kind, text, logprobs)
        if fresh:
            parts.append(self._added(item))
        at = len(item.parts) - 1
        if at >= known:
            if known:
                parts += self._end_part(item, known - 1)
            where = self._in_message(item, at)
            begun = item.part(at, empty=True)
            parts.append(self._event("response.content_part.added", **where, part=begun))
        if text or logprobs:
            more: JSON = {"logprobs": without_bytes(logprobs)} if kind == "output_text" else {}
            where = self._in_message(item, at)
            parts.append(self._event(f"response.{kind}.delta", **where, delta=text, **more))
        return parts

    def _call(self, call: JSON) -> list[bytes]:
        key = ("call", call.get("index", 0))
        parts = self._make_room(key)
        fresh = key not in self._items.open
        before = "" if fresh else getattr(self._items.open[key], "arguments", "")
        item = self._items.call(call)
        said = item.arguments[len(before) :]
        if fresh:
            begun = item.empty()
            parts.append(self._event("response.output_item.added", **_at(item), item=begun))
        # The text in a function's argument comes whole: its pieces are JSON's.
        if said and item.comes_in_pieces:
            name = f"{_called_with(item)}.delta"
            parts.append(self._event(name, **_at(item), item_id=item.id, delta=said))
        return parts

    def _make_room(self, key: Hashable) -> list[bytes]:
        """The ends of the items that are whole once another begins."""
        return [part for item in self._items.over(key) for part in self._close(item, DONE)]

    def _added(self, item: OutputItem) -> bytes:
        return self._event("response.output_item.added", **_at(item), item=item.whole(OPEN))

    def _close(self, item: OutputItem, status: str) -> list[bytes]:
        parts: list[bytes] = []
        if isinstance(item, OutputMessage):
            parts += self._end_part(item, len(item.parts) - 1)
        elif isinstance(item, OutputCall):
            where = {**_at(item), "item_id": item.id}
            name = _called_with(item)
            if not item.comes_in_pieces:
                parts.append(self._event(f"{name}.delta", **where, delta=item.said["input"]))
            parts.append(self._event(f"{name}.done", **where, **item.said))
        elif isinstance(item, OutputReasoning) and item.told:
            where = self._in_thoughts(item)
            name = "reasoning_summary_part.done" if item.summarized else "content_part.done"
            parts.append(self._event(f"{_thoughts(item)}.done", **where, text=item.text))
            parts.append(self._event(f"response.{name}", **where, part=item.part))
        done = self._event("response.output_item.done", **_at(item), item=item.whole(status))
        return [*parts, done]

    def _end_part(self, item: OutputMessage, at: int) -> list[bytes]:
        where, part = self._in_message(item, at), item.part(at)
        said = {each: part[each] for each in ("text", "refusal", "logprobs") if each in part}
        if "logprobs" in said:
            said["logprobs"] = without_bytes(said["logprobs"])
        return [
            self._event(f"response.{part['type']}.done", **where, **said),
            self._event("response.content_part.done", **where, part=part),
        ]

    def _in_message(self, item: OutputMessage, at: int) -> JSON:
        return {**_at(item), "item_id": item.id, "content_index": at}

    def _in_thoughts(self, item: OutputReasoning) -> JSON:
        index = "summary_index" if item.summarized else "content_index"
        return {**_at(item), "item_id": item.id, index: 0}

    def _event(self, kind: str, **facts: Any) -> bytes:
        data = orjson.dumps({"type": kind, "sequence_number": self._number, **facts})
        self._number += 1
        return b"".join([b"event: ", kind.encode(), b"\ndata: ", data, b"\n\n"])


def _at(item: OutputItem) -> JSON:
    return {"output_index": item.place}


def _called_with(item: OutputCall) -> str:
    takes_text = item.tool.takes_text
    return f"response.{'custom_tool_call_input' if takes_text else 'function_call_arguments'}"


def _thoughts(item: OutputReasoning) -> str:
    return f"response.reasoning_{'summary_text' if item.summarized else 'text'}"
