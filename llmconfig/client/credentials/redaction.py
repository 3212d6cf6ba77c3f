"""Providers' own words, made fit for records and callers: without keys, control characters, or
length.

Errors lose each part of 8 characters of the key. Answers are somebody's text, so there it takes 12,
of a key that is long enough to be one, and more than the vendor's prefix, which is public.
"""

import base64
import re
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

import orjson

from llmconfig.client.credentials.key_parts import NOTHING, Parts, masked
from llmconfig.client.credentials.logprob_redaction import LogprobStream
from llmconfig.client.finish_reasons import STOP, is_whole
from llmconfig.client.types import Delta, Thought
from llmconfig.client.wire import JSON, Reply
from llmconfig.runtime.records import replace
from llmconfig.secrets import Secret

LONGEST = 300
# A run of this many characters of a key counts as a part of it.
WINDOW, ANSWER_WINDOW = 8, 12
# Shorter than this is no key but a placeholder, such as local servers are given.
MIN_KEY, MIN_KEY_IN_ANSWERS = 4, 16
# Where a call has a text that comes in pieces.
CALLS = (("function", "arguments"), ("custom", "input"))
# Anthropic's pieces of a block, by the field that holds them.
_PIECES = {
    "text": "text_delta",
    "thinking": "thinking_delta",
    "partial_json": "input_json_delta",
}
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")
# sk-proj-, sk-or-v1-, sk-ant-api03-
_PREFIX = re.compile(r"sk-(?:[a-z]{2,4}-)?(?:[a-z0-9]{2,5}-)?|")


class Scrubber:
    """Takes one key out of texts: whole, URL-encoded, in base64, or in pieces."""

    __slots__ = ("__answers", "__clean", "__said")

    def __init__(self, key: Secret | None) -> None:
        value = key.reveal() if key is not None else ""
        forms = tuple(dict.fromkeys((value, quote(value, safe=""), *_in_base64(value))))
        self.__said = self.__answers = NOTHING
        self.__clean = b""  # the JSON value that was found so last: many replies repeat it
        if len(value) >= MIN_KEY:
            self.__said = Parts(forms, min(WINDOW, len(value)))
        if len(value) >= MIN_KEY_IN_ANSWERS:
            prefix = _PREFIX.match(value)
            self.__answers = Parts(forms, ANSWER_WINDOW, prefix[0] if prefix else "")

    def clean(self, text: str) -> str:
        """One printable line of at most 300 characters that holds no part of the key."""
        line = _UNPRINTABLE.sub(" ", text[: LONGEST * 10]).strip()
        return self.without_key(line)[:LONGEST]

    def without_key(self, text: str) -> str:
        """The text with each part of the key masked."""
        return self.__said.masked(text)

    def answer(self, reply: Reply) -> Reply:
        """The same answer without any part of the key."""
        text, calls = self.redacted(reply.text), reply.tool_calls
        if calls:
            calls = self.value(calls)
        beside = reply.thoughts or reply.refusal or reply.stop_sequence or reply.logprobs
        reason = reply.native_reason
        if text is reply.text and not (calls or beside) and (reason == STOP or is_whole(reason)):
            return reply
        return replace(
            reply,
            text=text,
            tool_calls=calls,
            finish_reason=self._reason(reply.finish_reason),
            native_reason=self._reason(reply.native_reason),
            thoughts=tuple(map(self.thought, reply.thoughts)),
            refusal=self.redacted(reply.refusal),
            logprobs=self.logprobs(reply.logprobs),
            stop_sequence=None
            if reply.stop_sequence is None
            else self.redacted(reply.stop_sequence),
        )

    def thought(self, thought: Thought) -> Thought:
        """A thought without any part of the key."""
        return replace(
            thought,
            text=self.redacted(thought.text),
            signature=self.redacted(thought.signature),
            data=self.redacted(thought.data),
            id=self.redacted(thought.id),
            format=self.redacted(thought.format),
        )

    def _reason(self, reason: str | None) -> str | None:
        return reason if is_whole(reason) else self.without_key(reason or "")

    def redacted(self, text: str) -> str:
        """An answer's text, or what came of it."""
        return self.__answers.masked(text)

    def value(self, value: Any) -> Any:
        """A JSON value; a tuple stays one."""
        encoded = orjson.dumps(value)
        if encoded == self.__clean:
            return value
        written = encoded.decode()
        # Tokens cut a key into pieces.
        if written.count('"logprobs":') > written.count('"logprobs":null'):
            value = self._with_clean_rows(value)
            written = orjson.dumps(value).decode()
        found = self.__answers.masked(written)
        if found is written:
            self.__clean = encoded
            return value
        read = orjson.loads(found)
        return tuple(read) if isinstance(value, tuple) else read

    def _with_clean_rows(self, value: Any) -> Any:
        """A JSON value whose log probabilities hold no part of the key."""
        if isinstance(value, list | tuple):
            return type(value)(map(self._with_clean_rows, value))
        if not isinstance(value, dict):
            return value
        clean = {name: self._with_clean_rows(each) for name, each in value.items()}
        told = value.get("logprobs")
        rows = told.get("content") if isinstance(told, dict) else told
        if isinstance(rows, list) and all(isinstance(each, dict) for each in rows):
            found = list(self.logprobs(rows))
            clean["logprobs"] = {**told, "content": found} if isinstance(told, dict) else found
        return clean

    def text_stream(self) -> "TextStream":
        """For one text that comes in pieces."""
        return TextStream(self.__answers)

    def logprob_stream(self) -> LogprobStream:
        """For the log probabilities of one answer's tokens."""
        return LogprobStream(self.__answers)

    def logprobs(self, rows: Sequence[JSON]) -> tuple[JSON, ...]:
        """Log probabilities of a whole answer."""
        stream = self.logprob_stream()
        return (*stream.feed(rows), *stream.end())

    def stream(self) -> "DeltaStream":
        """For one answer that comes in pieces."""
        return DeltaStream(self)


class TextStream:
    """Takes a key out of a text that comes in pieces, wherever they are cut.

    What may be the beginning of a part waits for the next piece; other text passes at once.
    """

    __slots__ = ("_held", "_parts", "_told")

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._told = ""  # the last of what has passed, as it was
        self._held = ""

    def feed(self, piece: str) -> str:
        """Take a piece of text and return what can be passed on: no secret is cut in two."""
        fresh = self._held + piece
        whole = self._told + fresh
        held = min(self._parts.begun(whole), len(fresh))
        return self._pass(whole, len(whole) - held)

    def end(self) -> str:
        """Return the rest of the text that was held back."""
        whole = self._told + self._held
        return self._pass(whole, len(whole))

    def _pass(self, whole: str, end: int) -> str:
        begin = len(self._told)
        hidden = self._parts.hidden(whole)
        self._told = whole[max(0, end + 1 - self._parts.window) : end]
        self._held = whole[end:]
        if not hidden:
            return whole[begin:end]
        return masked(whole[begin:end], {at - begin for at in hidden})


class DeltaStream:
    """Takes a key out of an answer's pieces: texts, thoughts, and each tool call's arguments."""

    __slots__ = (
        "_arguments",
        "_last_pieces",
        "_logprobs",
        "_native",
        "_native_rows",
        "_refusal",
        "_scrubber",
        "_text",
        "_thoughts",
    )

    def __init__(self, scrubber: Scrubber) -> None:
        self._scrubber = scrubber
        self._text = scrubber.text_stream()
        self._refusal = scrubber.text_stream()
        self._logprobs = scrubber.logprob_stream()
        self._thoughts: dict[tuple[int, str], TextStream] = {}
        self._arguments: dict[tuple[int, str, str], TextStream] = {}
        self._native: dict[tuple[object, str], TextStream] = {}
        self._native_rows: dict[tuple[object, str], LogprobStream] = {}
        self._last_pieces: dict[tuple[object, str], JSON] = {}

    def feed(self, delta: Delta) -> Delta | None:
        """What may pass now, None if nothing."""
        text = self._text.feed(delta.text) if delta.text else ""
        if delta.is_text_alone and not self._thoughts:
            return (delta if text == delta.text else Delta(text)) if text else None
        refusal = self._refusal.feed(delta.refusal) if delta.refusal else ""
        calls = tuple(self._call(part) for part in delta.tool_calls)
        thoughts = tuple(map(self._thought, delta.thoughts))
        if text or calls:  # what a thought still holds stands before them
            thoughts += self._end_thoughts()
        native = tuple(each for event in delta.native for each in self._event(event))
        logprobs = self._logprobs.feed(delta.logprobs) if delta.logprobs else ()
        return _delta(text, calls, thoughts, refusal, native, logprobs)

    def end(self) -> Delta | None:
        """What was still held, None if nothing."""
        calls = tuple(
            {"index": index, place: {said: rest}}
            for (index, place, said), stream in self._arguments.items()
            if (rest := stream.end())
        )
        thoughts, logprobs = self._end_thoughts(), self._logprobs.end()
        return _delta(self._text.end(), calls, thoughts, self._refusal.end(), logprobs=logprobs)

    def _end_thoughts(self) -> tuple[Thought, ...]:
        return tuple(
            Thought(text=rest, index=index, kind=kind)
            for (index, kind), stream in self._thoughts.items()
            if (rest := stream.end())
        )

    def _thought(self, thought: Thought) -> Thought:
        stream = self._thoughts.setdefault(
            (thought.index, thought.kind), self._scrubber.text_stream()
        )
        clean = self._scrubber.thought(replace(thought, text=""))
        return replace(clean, text=stream.feed(thought.text)) if thought.text else clean

    def _event(self, event: JSON) -> list[JSON]:
        """A provider's own event; where a block ends, first what its text still holds."""
        kind = event.get("type")
        if isinstance(kind, str) and kind.startswith("response."):
            return self._response_event(event, kind)
        block, said = event.get("index"), event.get("delta")
        held: list[JSON] = []
        if event.get("type") == "content_block_stop":
            for key, stream in list(self._native.items()):
                if key[0] == block and (rest := stream.end()):
                    piece = {"type": _PIECES[key[1]], key[1]: rest}
                    held.append({"type": "content_block_delta", "index": block, "delta": piece})
                if key[0] == block:
                    del self._native[key]
        if event.get("type") != "content_block_delta" or not isinstance(said, dict):
            return [*held, self._scrubber.value(event)]
        for field in _PIECES:
            if isinstance(said.get(field), str):
                stream = self._native.setdefault((block, field), self._scrubber.text_stream())
                clean = self._scrubber.value({**event, "delta": {**said, field: ""}})
                clean["delta"][field] = stream.feed(said[field])
                return [clean]
        return [self._scrubber.value(event)]

    def _response_event(self, event: JSON, kind: str) -> list[JSON]:
        """One of OpenAI's Responses; where a text ends, first what it still holds."""
        key = (event.get("item_id"), kind.removesuffix(".delta").removesuffix(".done"))
        if kind.endswith(".delta") and isinstance(event.get("delta"), str):
            text = self._native.setdefault(key, self._scrubber.text_stream())
            clean: JSON = self._scrubber.value({**event, "delta": "", "logprobs": None})
            clean["delta"] = text.feed(event["delta"])
            if "logprobs" in event:
                rows = self._native_rows.setdefault(key, self._scrubber.logprob_stream())
                clean["logprobs"] = list(rows.feed(event["logprobs"] or ()))
            else:
                del clean["logprobs"]
            self._last_pieces[key] = clean
            return [clean]
        held: list[JSON] = []
        if kind.endswith(".done") and key in self._native:
            rest = self._native.pop(key).end()
            left = self._native_rows.pop(key).end() if key in self._native_rows else ()
            last = self._last_pieces.pop(key)
            if rest or left:
                more = {"logprobs": list(left)} if "logprobs" in last else {}
                held.append({**last, "delta": rest, **more})
        return [*held, self._scrubber.value(event)]

    def _call(self, part: JSON) -> JSON:
        for place, said in CALLS:
            called = part.get(place)
            if isinstance(called, dict) and isinstance(called.get(said), str):
                key = (part["index"], place, said)
                stream = self._arguments.setdefault(key, self._scrubber.text_stream())
                clean: JSON = self._scrubber.value({**part, place: {**called, said: ""}})
                clean[place][said] = stream.feed(called[said])
                return clean
        whole: JSON = self._scrubber.value(part)
        return whole


def _delta(
    text: str,
    calls: tuple[JSON, ...],
    thoughts: tuple[Thought, ...],
    refusal: str,
    native: tuple[JSON, ...] = (),
    logprobs: tuple[JSON, ...] = (),
) -> Delta | None:
    some = tuple(each for each in thoughts if each.text or each.signature or each.data)
    told = text or calls or some or refusal or native or logprobs
    return Delta(text, calls, some, refusal, native, logprobs=logprobs) if told else None


def clean(text: str, key: Secret | None) -> str:
    """`Scrubber.clean`, where it's needed once only."""
    return Scrubber(key).clean(text)


def without_key(text: str, key: Secret | None) -> str:
    """`Scrubber.without_key`, where it's needed once only."""
    return Scrubber(key).without_key(text)


def _in_base64(value: str) -> list[str]:
    """The forms that the key takes inside longer base64, whatever stands before it."""
    forms = []
    for before in range(3):
        encoded = base64.b64encode(b"\0" * before + value.encode()).decode().rstrip("=")
        inner = encoded[(0, 2, 3)[before] : len(encoded) - 1]
        forms += [inner, inner.replace("+", "-").replace("/", "_")]
    return forms
