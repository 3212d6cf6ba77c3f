"""Anthropic's answers, whole and as events."""

from collections.abc import Sequence
from typing import Any

from msgspec import Struct

from llmconfig.client.finish_reasons import (
    TOOL_CALLS,
    Ending,
    ending_of,
    in_openai_words,
    is_whole,
    reason_in,
)
from llmconfig.client.types import NOT_BILLED, Billed, Delta, Thought
from llmconfig.client.wire import JSON, BadReply, Reply
from llmconfig.client.wire.reading import object_of, text_of
from llmconfig.client.wire.running_usage import merged
from llmconfig.client.wire.thinking import ThoughtSplitter, joined, split
from llmconfig.client.wire.tool_calls import arguments_text, new_id
from llmconfig.client.wire.usage import billed
from llmconfig.runtime.records import replace

# Blocks that OpenAI's words have a place for; others only the caller's own wire can carry.
TRANSLATED = frozenset({"text", "tool_use", "thinking", "redacted_thinking"})


def read_message(value: JSON) -> Reply:
    """A whole message: text blocks joined, tool uses in OpenAI's shape; raises BadReply."""
    blocks, told = value.get("content"), billed(value)
    if isinstance(blocks, str):
        blocks = [{"type": "text", "text": blocks}]
    if not isinstance(blocks, list):
        raise BadReply("the reply holds no content", told)
    found = [object_of(block) for block in blocks]
    reply = _answer(
        _MessageEnd(reason_in(value.get("stop_reason")), value, told),
        "".join(text_of(block.get("text")) for block in found if block.get("type") == "text"),
        tuple(_tool_call(block) for block in found if block.get("type") == "tool_use"),
        [thought for at, block in enumerate(found) if (thought := _thought(block, at))],
    )
    return replace(reply, native=value, untranslated=any(map(_says_more, found)))


class _MessageEnd(Struct, frozen=True):
    """How an answer ended and what it took; `told` has `stop_sequence` and `stop_details`."""

    reason: str | None
    told: JSON
    billed: Billed


def _answer(
    end: _MessageEnd, text: str, tool_calls: tuple[JSON, ...], thoughts: Sequence[Thought]
) -> Reply:
    """The reply; raises BadReply where the server broke off, or says nothing at all."""
    if ending_of(end.reason) is Ending.BROKEN:
        raise BadReply(f"the provider broke off: {end.reason}", end.billed)
    text, thought = split(text)
    if end.reason is None and not text.strip() and not tool_calls:
        raise BadReply("the answer is empty", end.billed)
    whole = is_whole(end.reason)
    refused = object_of(end.told.get("stop_details"))
    return Reply(
        text=text,
        finish_reason=TOOL_CALLS if tool_calls and whole else in_openai_words(end.reason),
        billed=end.billed,
        tool_calls=tool_calls,
        thoughts=joined([*thoughts, *([Thought(text=thought)] if thought else [])]),
        refusal=text_of(refused.get("explanation")) if not whole else "",
        native_reason=end.reason,
        stop_sequence=(text_of(end.told.get("stop_sequence")) or None) if whole else None,
    )


class AnthropicListener:
    """Puts the events of one message together."""

    keeps_native = False

    def __init__(self) -> None:
        self.billed = NOT_BILLED
        self._held: list[JSON] = []  # events before the first piece, where they are passed on
        self._passing = False
        self._untranslated = False
        self._counts: JSON = {}
        self._told: list[str] = []  # the texts that were passed on
        self._texts: list[str] = []  # with thoughts in tags, if any are
        self._thoughts: list[Thought] = []
        self._splitter = ThoughtSplitter()
        self._calls: list[JSON] = []
        self._places: dict[int, int] = {}  # a tool use's block to its place among the tool calls
        self._end: JSON = {}
        self._complete = False

    @property
    def text(self) -> str:
        return "".join(self._told)

    def feed(self, event: JSON) -> Delta | None:
        """Text, thoughts, and the input of tools as it is written; pings add nothing.

        With `keeps_native` each event is passed on too, from the first piece of the answer on:
        until then another target may still be asked. A whole message in an event is no event of a
        stream's, and goes on in pieces.
        """
        delta = self._hear(event)
        more = event.get("type") == "content_block_start" and _says_more(
            object_of(event.get("content_block"))
        )
        self._untranslated |= more or _cites(object_of(event.get("delta")))
        if event.get("type") == "message":
            self.keeps_native = False
        if not self.keeps_native:
            return delta
        self._held.append(event)
        if delta is None and not (self._passing or more):
            return None
        return self._with_events(delta)

    def _with_events(self, delta: Delta | None) -> Delta:
        events, self._held, self._passing = tuple(self._held), [], True
        return replace(delta or Delta(), native=events)

    def _hear(self, event: JSON) -> Delta | None:
        kind = event.get("type")
        if kind == "content_block_delta":
            return self._hear_delta(event)
        if kind == "content_block_start":
            return self._hear_start(_block(event), object_of(event.get("content_block")))
        if kind == "content_block_stop":
            return self._hear_stop(_block(event))
        if kind == "message":  # a whole answer sent as the only event
            return self._hear_whole(event)
        if kind == "message_start":
            self._count(object_of(event.get("message")).get("usage"))
        elif kind == "message_delta":
            self._count(event.get("usage"))
            self._end |= object_of(event.get("delta"))
        elif kind == "message_stop":
            self._complete = True
        return None

    def end(self, *, complete: bool) -> Delta | None:
        """What may have become a tag and didn't, and the input of tools that have none."""
        self._complete = self._complete or complete
        text, thought = self._splitter.end()
        parts = tuple(part for place in range(len(self._calls)) if (part := self._empty(place)))
        delta = self._delta(text, parts, (Thought(text=thought),) if thought else ())
        return self._with_events(delta) if self._held and self._end else delta

    def reply(self) -> Reply:
        """A stream with neither a stop reason nor its last event was cut off."""
        reason = reason_in(self._end.get("stop_reason"))
        if reason is None and not self._complete:
            raise BadReply("the stream ended before the answer did", self.billed)
        end = _MessageEnd(reason, self._end, self.billed)
        reply = _answer(end, "".join(self._texts), tuple(self._calls), self._thoughts)
        return replace(reply, untranslated=True) if self._untranslated else reply

    def _hear_delta(self, event: JSON) -> Delta | None:
        said, block = object_of(event.get("delta")), _block(event)
        text = text_of(said.get("text"))
        if text:
            return self._hear_text(text)
        thought = _thought(said, block)
        if thought is not None:
            return self._hear_thought(thought)
        place = self._places.get(block)
        part = text_of(said.get("partial_json"))
        if place is None or not part:
            return None
        function = self._calls[place]["function"]
        function["arguments"] += part
        return Delta(tool_calls=({"index": place, "function": {"arguments": part}},))

    def _hear_start(self, at: int, block: JSON) -> Delta | None:
        text = text_of(block.get("text"))
        if text:
            return self._hear_text(text)
        thought = _thought(block, at)
        if thought is not None:
            return self._hear_thought(thought)
        if block.get("type") != "tool_use":
            return None
        place = self._places[at] = len(self._calls)
        call = _tool_call(block)
        self._calls.append(call)
        if not block.get("input"):  # it follows in pieces
            call["function"]["arguments"] = ""
        return Delta(tool_calls=({"index": place, **call, "function": {**call["function"]}},))

    def _hear_stop(self, at: int) -> Delta | None:
        place = self._places.get(at)
        part = self._empty(place) if place is not None else None
        return Delta(tool_calls=(part,)) if part is not None else None

    def _hear_whole(self, message: JSON) -> Delta | None:
        self._count(message.get("usage"))
        self._end |= message
        blocks = message.get("content")
        heard = [
            delta
            for at, block in enumerate(blocks if isinstance(blocks, list) else [])
            if (delta := self._hear_start(at, object_of(block))) is not None
        ]
        if not heard:
            return None
        return Delta(
            "".join(each.text for each in heard),
            tuple(part for each in heard for part in each.tool_calls),
            tuple(thought for each in heard for thought in each.thoughts),
        )

    def _hear_text(self, text: str) -> Delta | None:
        self._texts.append(text)
        answer, thought = self._splitter.feed(text)
        return self._delta(answer, (), (Thought(text=thought),) if thought else ())

    def _hear_thought(self, thought: Thought) -> Delta:
        self._thoughts.append(thought)
        return Delta(thoughts=(thought,))

    def _empty(self, place: int) -> JSON | None:
        """The input of a tool that takes none, which nobody has sent."""
        function = self._calls[place]["function"]
        if function["arguments"]:
            return None
        function["arguments"] = "{}"
        return {"index": place, "function": {"arguments": "{}"}}

    def _delta(
        self, text: str, calls: tuple[JSON, ...], thoughts: tuple[Thought, ...]
    ) -> Delta | None:
        if text:
            self._told.append(text)
        return Delta(text, calls, thoughts) if text or calls or thoughts else None

    def _count(self, counts: Any) -> None:
        """The end names only what has changed since the start."""
        self._counts = merged(self._counts, counts)
        self.billed = billed({"usage": self._counts})


def _thought(block: JSON, at: int) -> Thought | None:
    """The thought in a block or in a piece of one; None if there is none."""
    if block.get("type") == "redacted_thinking":
        return Thought(kind="encrypted", data=text_of(block.get("data")), index=at)
    if block.get("type") not in {"thinking", "thinking_delta", "signature_delta"}:
        return None
    text, signature = text_of(block.get("thinking")), text_of(block.get("signature"))
    return Thought(text=text, signature=signature, index=at) if text or signature else None


def _says_more(block: JSON) -> bool:
    return block.get("type") not in TRANSLATED or bool(block.get("citations"))


def _cites(delta: JSON) -> bool:
    return delta.get("type") == "citations_delta"


def _block(event: JSON) -> int:
    index = event.get("index")
    return index if type(index) is int else 0


def _tool_call(block: JSON) -> JSON:
    return {
        "id": text_of(block.get("id")) or new_id(),
        "type": "function",
        "function": {
            "name": text_of(block.get("name")),
            "arguments": arguments_text(block.get("input")) or "{}",
        },
    }
