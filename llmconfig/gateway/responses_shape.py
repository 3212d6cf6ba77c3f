"""Answers as OpenAI's Responses, whole and as events with their names and numbers.

Source: `openai.types.responses` of OpenAI's SDK.
"""

import time
from collections.abc import Hashable
from typing import Any

import orjson

from llmconfig.client.types import Delta, Generation, Thought, Usage
from llmconfig.client.wire.thinking import joined, to_details
from llmconfig.gateway.openai_shape import served_usage, text_for
from llmconfig.gateway.reading import JSON, ParsedRequest
from llmconfig.gateway.responses_requests import seal

INCOMPLETE = {"length": "max_output_tokens", "content_filter": "content_filter"}
DONE, OPEN, CUT = "completed", "in_progress", "incomplete"


def _whole_items(asked: ParsedRequest, made: Generation) -> "_Items":
    items = _Items(asked)
    for thought in made.thoughts:
        items.think(thought)
    text = text_for(made)
    if text or not (made.refusal or made.tool_calls):
        items.say("output_text", text)
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


def _ended(asked: ParsedRequest, items: "_Items", made: Generation) -> JSON:
    reason = None if made.refusal else INCOMPLETE.get(made.record.finish_reason or "")
    return {
        **_head(asked),
        "status": DONE if reason is None else CUT,
        "completed_at": int(time.time()) if reason is None else None,
        "incomplete_details": None if reason is None else {"reason": reason},
        "output": [item.whole(items.status(item, cut=reason is not None)) for item in items.all],
        "usage": _usage(served_usage(made)),
    }


def _usage(usage: Usage) -> JSON:
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


class _Item:
    """One item of the output; `place` is its index."""

    kind = ""

    def __init__(self, place: int, owner: str) -> None:
        self.place = place
        self.id = f"{self.kind}_{owner}{place}"

    def whole(self, status: str) -> JSON:
        """The item as far as it goes."""
        raise NotImplementedError


class _Message(_Item):
    kind = "msg"

    def __init__(self, place: int, owner: str) -> None:
        super().__init__(place, owner)
        self.parts: list[tuple[str, list[str]]] = []  # `output_text` or `refusal`, and its pieces

    def part(self, at: int, *, empty: bool = False) -> JSON:
        """One part of its content."""
        kind, pieces = self.parts[at]
        text = "" if empty else "".join(pieces)
        if kind == "refusal":
            return {"type": kind, "refusal": text}
        return {"type": kind, "text": text, "annotations": [], "logprobs": []}

    def whole(self, status: str) -> JSON:
        content = [] if status == OPEN else [self.part(at) for at in range(len(self.parts))]
        facts = {"id": self.id, "type": "message", "role": "assistant"}
        return {**facts, "status": status, "content": content}


class _FunctionCall(_Item):
    kind = "fc"

    def __init__(self, place: int, owner: str, call: JSON) -> None:
        super().__init__(place, owner)
        function = call.get("function") or {}
        self.call_id, self.name = call.get("id", ""), function.get("name", "")
        self.arguments = ""

    @property
    def ends(self) -> bool:
        """Whether nothing can follow what it has."""
        try:
            orjson.loads(self.arguments)
        except orjson.JSONDecodeError:
            return False
        return True

    def whole(self, status: str) -> JSON:
        return {
            "id": self.id,
            "type": "function_call",
            "status": status,
            "call_id": self.call_id,
            "name": self.name,
            "arguments": self.arguments,
        }


class _Reasoning(_Item):
    """Thoughts: as a summary where the caller asks for one, else as they are."""

    kind = "rs"

    def __init__(self, place: int, owner: str, *, summarized: bool) -> None:
        super().__init__(place, owner)
        self.summarized = summarized
        self.pieces: list[Thought] = []
        self.told = False  # whether a part of the text was begun

    @property
    def text(self) -> str:
        """All of it."""
        return "".join(each.text for each in self.pieces)

    @property
    def part(self) -> JSON:
        """Its only part."""
        kind = "summary_text" if self.summarized else "reasoning_text"
        return {"type": kind, "text": self.text}

    def whole(self, status: str) -> JSON:
        told = [self.part] if self.text and status != OPEN else []
        item: JSON = {"id": self.id, "type": "reasoning", "status": status, "summary": []}
        item |= {"summary": told} if self.summarized else {"content": told}
        sealed = seal(to_details(joined(self.pieces))) if status != OPEN else None
        return item | {"encrypted_content": sealed} if sealed else item


class _Items:
    """The output as it grows; each method gives the item that it changed."""

    def __init__(self, asked: ParsedRequest) -> None:
        correlation_id = asked.call.correlation_id
        self._owner = correlation_id.hex if correlation_id else ""
        self._summarized = bool(asked.echo["reasoning"]["summary"])
        self.all: list[_Item] = []
        self.open: dict[Hashable, _Item] = {}

    def think(self, thought: Thought) -> _Reasoning:
        """A thought or a piece of one."""
        item = self.open.get("thoughts")
        if not isinstance(item, _Reasoning):
            item = _Reasoning(len(self.all), self._owner, summarized=self._summarized)
            self._add("thoughts", item)
        item.pieces.append(thought)
        return item

    def say(self, kind: str, text: str) -> _Message:
        """A piece of the answer or of a refusal."""
        item = self.open.get("message")
        if not isinstance(item, _Message):
            item = _Message(len(self.all), self._owner)
            self._add("message", item)
        if not item.parts or item.parts[-1][0] != kind:
            item.parts.append((kind, []))
        item.parts[-1][1].append(text)
        return item

    def call(self, call: JSON) -> _FunctionCall:
        """A call of a function, or a part of its arguments."""
        key = ("call", call.get("index", 0))
        item = self.open.get(key)
        if not isinstance(item, _FunctionCall):
            item = _FunctionCall(len(self.all), self._owner, call)
            self._add(key, item)
        item.arguments += (call.get("function") or {}).get("arguments") or ""
        return item

    def over(self, key: Hashable) -> list[_Item]:
        """The items that are whole now that the one by this key begins; they are open no more."""
        if key in self.open:
            return []
        ended = [
            each
            for each, item in self.open.items()
            if not isinstance(item, _FunctionCall) or item.ends
        ]
        return [self.open.pop(each) for each in ended]

    def status(self, item: _Item, *, cut: bool) -> str:
        """Its status at the end; a limit that cut the answer off cut what was still open."""
        return CUT if cut and item in self.open.values() else DONE

    def _add(self, key: Hashable, item: _Item) -> None:
        self.over(key)
        self.all.append(item)
        self.open[key] = item


class ResponseEvents:
    """Turns the pieces of a streamed answer into events of OpenAI's Responses, and whole ones."""

    def __init__(self, asked: ParsedRequest) -> None:
        self._asked = asked
        self._items = _Items(asked)
        self._number = 0

    def response(self, made: Generation) -> JSON:
        """The whole response."""
        streamed = self._number > 0
        return _ended(
            self._asked, self._items if streamed else _whole_items(self._asked, made), made
        )

    def begin(self) -> bytes:
        head = _head(self._asked)
        return self._event("response.created", response=head) + self._event(
            "response.in_progress", response=head
        )

    def piece(self, delta: Delta) -> bytes:
        """A piece of thoughts, of text, of a refusal or of calls, in items of their own."""
        parts = [part for thought in delta.thoughts for part in self._think(thought)]
        for kind, text in (("output_text", delta.text), ("refusal", delta.refusal)):
            if text:
                parts += self._say(kind, text)
        for call in delta.tool_calls:
            parts += self._call(call)
        return b"".join(parts)

    def end(self, made: Generation) -> bytes:
        """Its items' ends, and the whole response."""
        parts: list[bytes] = []
        if not self._items.all:
            parts += self._say("output_text", "")
        whole = self.response(made)
        for item in list(self._items.open.values()):
            parts += self._close(item, whole["output"][item.place]["status"])
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
        return self._event("response.failed", response=failed)

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

    def _say(self, kind: str, text: str) -> list[bytes]:
        parts = self._make_room("message")
        fresh = "message" not in self._items.open
        before = self._items.open.get("message")
        known = len(before.parts) if isinstance(before, _Message) else 0
        item = self._items.say(kind, text)
        if fresh:
            parts.append(self._added(item))
        at = len(item.parts) - 1
        if at >= known:
            if known:
                parts += self._end_part(item, known - 1)
            where = self._in_message(item, at)
            begun = item.part(at, empty=True)
            parts.append(self._event("response.content_part.added", **where, part=begun))
        if text:
            more: JSON = {"logprobs": []} if kind == "output_text" else {}
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
            begun = {**item.whole(OPEN), "arguments": ""}
            parts.append(self._event("response.output_item.added", **_at(item), item=begun))
        if said:
            name = "response.function_call_arguments.delta"
            parts.append(self._event(name, **_at(item), item_id=item.id, delta=said))
        return parts

    def _make_room(self, key: Hashable) -> list[bytes]:
        """The ends of the items that are whole once another begins."""
        return [part for item in self._items.over(key) for part in self._close(item, DONE)]

    def _added(self, item: _Item) -> bytes:
        return self._event("response.output_item.added", **_at(item), item=item.whole(OPEN))

    def _close(self, item: _Item, status: str) -> list[bytes]:
        parts: list[bytes] = []
        if isinstance(item, _Message):
            parts += self._end_part(item, len(item.parts) - 1)
        elif isinstance(item, _FunctionCall):
            said = {"item_id": item.id, "arguments": item.arguments}
            name = "response.function_call_arguments.done"
            parts.append(self._event(name, **_at(item), **said))
        elif isinstance(item, _Reasoning) and item.told:
            where = self._in_thoughts(item)
            name = "reasoning_summary_part.done" if item.summarized else "content_part.done"
            parts.append(self._event(f"{_thoughts(item)}.done", **where, text=item.text))
            parts.append(self._event(f"response.{name}", **where, part=item.part))
        done = self._event("response.output_item.done", **_at(item), item=item.whole(status))
        return [*parts, done]

    def _end_part(self, item: _Message, at: int) -> list[bytes]:
        where, part = self._in_message(item, at), item.part(at)
        said = {each: part[each] for each in ("text", "refusal", "logprobs") if each in part}
        return [
            self._event(f"response.{part['type']}.done", **where, **said),
            self._event("response.content_part.done", **where, part=part),
        ]

    def _in_message(self, item: _Message, at: int) -> JSON:
        return {**_at(item), "item_id": item.id, "content_index": at}

    def _in_thoughts(self, item: _Reasoning) -> JSON:
        index = "summary_index" if item.summarized else "content_index"
        return {**_at(item), "item_id": item.id, index: 0}

    def _event(self, kind: str, **facts: Any) -> bytes:
        data = orjson.dumps({"type": kind, "sequence_number": self._number, **facts})
        self._number += 1
        return b"".join([b"event: ", kind.encode(), b"\ndata: ", data, b"\n\n"])


def _at(item: _Item) -> JSON:
    return {"output_index": item.place}


def _thoughts(item: _Reasoning) -> str:
    return f"response.reasoning_{'summary_text' if item.summarized else 'text'}"
