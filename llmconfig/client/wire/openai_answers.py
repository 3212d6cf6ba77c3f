"""OpenAI's answers, whole and as chunks."""

import re
from typing import Any

from msgspec import Struct

from llmconfig.client.finish_reasons import (
    CONTENT_FILTER,
    TOOL_CALLS,
    Ending,
    ending_of,
    in_openai_words,
    is_whole,
    reason_in,
)
from llmconfig.client.types import NOT_BILLED, Billed, Delta, Thought, Tokens
from llmconfig.client.wire import JSON, BadReply, Reply
from llmconfig.client.wire.messages import Spoken, spoken_in, tokens_of_answer
from llmconfig.client.wire.reading import object_of, text_of
from llmconfig.client.wire.running_usage import later
from llmconfig.client.wire.template_tokens import EndTokenHolder, without_end_tokens
from llmconfig.client.wire.thinking import ThoughtSplitter, joined, split
from llmconfig.client.wire.tool_calls import ToolCallStream, whole_calls
from llmconfig.client.wire.usage import billed
from llmconfig.runtime.records import replace

# The fields of a reply, of a choice and of a message (or a piece of one) that are read or written
# anew here; others survive where OpenAI's own clients ask.
KNOWN_FIELDS = (
    frozenset({"id", "object", "created", "model", "choices", "usage", "error"}),
    frozenset({"index", "delta", "message", "finish_reason", "native_finish_reason", "logprobs"}),
    frozenset(
        {
            "role", "content", "refusal", "tool_calls", "function_call", "reasoning_content",
            "reasoning", "reasoning_details", "thinking",
        }
    ),
)  # fmt: skip
CALL_PLACES = frozenset({"tool_calls", "function_call"})
# What a chunk has that says nothing but a piece of text.
PLAIN_FIELDS = KNOWN_FIELDS[0] - {"error"}
PLAIN_CHOICE = frozenset({"index", "delta", "finish_reason", "logprobs"})
PLAIN_DELTA = frozenset({"role", "content", "refusal"})
NO_FIELDS: JSON = {}
ROUNDING = 1e-4  # a logarithm of 1 that was rounded up
BYTE_TOKEN = re.compile(r"<0x([0-9A-Fa-f]{2})>")  # SentencePiece's


def read_answer(value: JSON) -> Reply:
    """The answer in a whole reply; raises BadReply."""
    told = billed(value)
    choice = _first_choice(value)
    message = _said(choice)
    reason = reason_in(choice.get("finish_reason"))
    if message is None and ending_of(reason) is Ending.WITHHELD:
        message = {}  # Azure leaves it out where its filter took the answer
    if not isinstance(message, dict):
        raise BadReply("the reply holds no choice", told)
    try:
        spoken = spoken_in(message)
    except BadReply as bad:
        raise BadReply(str(bad), told) from None
    end = _End(reason, choice.get("stop_reason"), told)
    calls = () if CALL_PLACES.isdisjoint(message) else whole_calls(message)
    likely = choice.get("logprobs")
    if not likely:
        return _answer(end, spoken, calls, native=value)
    made = _answer(end, spoken, calls, _tokens(likely), native=value)
    told_of_tokens = _logprobs(choice)
    return replace(made, logprobs=told_of_tokens) if told_of_tokens else made


class _End(Struct, frozen=True):
    """How an answer ended and what it took. `stop` is vLLM's: the text that ended it."""

    reason: str | None
    stop: Any
    billed: Billed


def _answer(
    end: _End,
    spoken: Spoken,
    tool_calls: tuple[JSON, ...],
    tokens: Tokens = (),
    native: JSON | None = None,
) -> Reply:
    """The reply; raises BadReply where the provider broke off, or says nothing at all."""
    if ending_of(end.reason) is Ending.BROKEN:
        raise BadReply(f"the provider broke off: {end.reason}", end.billed)
    text, thought = split(spoken.text)
    text = without_end_tokens(text)
    thoughts: tuple[Thought, ...] = ()
    if thought or spoken.thoughts:
        thoughts = joined([*spoken.thoughts, *([Thought(text=thought)] if thought else [])])
    if end.reason is None and not (text.strip() or tool_calls or spoken.refusal):
        raise BadReply("the answer is empty", end.billed)
    reason = in_openai_words(end.reason)
    if is_whole(end.reason):
        if tool_calls:
            reason = TOOL_CALLS
        elif spoken.refusal:
            reason = CONTENT_FILTER  # OpenAI says "stop" to it
    return Reply(
        text=text,
        finish_reason=reason,
        billed=end.billed,
        tool_calls=tool_calls,
        tokens=tokens_of_answer(tokens, text) if thought and tokens else tokens,
        thoughts=thoughts,
        refusal=spoken.refusal,
        native_reason=end.reason,
        stop_sequence=(text_of(end.stop) or None) if end.stop and is_whole(end.reason) else None,
        native=native,
    )


def _logprobs(choice: JSON) -> tuple[JSON, ...]:
    """The rows of tokens as they came."""
    told = choice.get("logprobs")
    rows = object_of(told).get("content") if told else None
    return tuple(row for row in rows if isinstance(row, dict)) if isinstance(rows, list) else ()


def _first_choice(value: JSON) -> JSON:
    choices = value.get("choices")
    return object_of(choices[0]) if isinstance(choices, list) and choices else {}


def _said(choice: JSON) -> Any:
    """A choice's message; some servers answer with a text, as completions do."""
    message = choice.get("message")
    if message is None and isinstance(choice.get("text"), str):
        return {"content": choice["text"]}
    return message


def _tokens(told: Any) -> Tokens:
    """How likely each token was; nothing when that isn't told for all of them."""
    rows = object_of(told).get("content")
    if not isinstance(rows, list):
        return ()
    tokens = tuple(token for row in rows if (token := _token(object_of(row))) is not None)
    return tokens if len(tokens) == len(rows) else ()


def _token(row: JSON) -> tuple[bytes, float] | None:
    """A token may be a part of a character, so its bytes count where they are given."""
    text, logprob, raw = row.get("token"), row.get("logprob"), row.get("bytes")
    if not isinstance(logprob, int | float) or not isinstance(text, str):
        return None
    if not logprob <= ROUNDING:
        return None
    try:
        token = bytes(raw) if isinstance(raw, list) else _token_bytes(text)
    except (TypeError, ValueError):
        return None
    return token, min(float(logprob), 0.0)


def _token_bytes(text: str) -> bytes:
    """A token's bytes where only its text is told, which names bytes that are no character."""
    byte = BYTE_TOKEN.fullmatch(text)
    if byte is not None:
        return bytes([int(byte[1], 16)])
    if text.startswith("bytes:\\x"):
        return bytes.fromhex(text.removeprefix("bytes:").replace("\\x", ""))
    return text.encode()


class OpenAIListener:
    """Puts the chunks of one answer together."""

    keeps_native = False

    def __init__(self) -> None:
        self.billed = NOT_BILLED
        self._told: list[str] = []  # the texts that were passed on
        self._texts: list[str] = []  # with thoughts in tags, if any are
        self._refusals: list[str] = []
        self._thoughts: list[Thought] = []
        self._splitter = ThoughtSplitter()
        self._holder = EndTokenHolder()
        self._calls = ToolCallStream()
        self._reason: str | None = None
        self._stop: Any = None
        self._complete = False

    @property
    def text(self) -> str:
        return "".join(self._told)

    def feed(self, event: JSON) -> Delta | None:
        """Usage comes in a last chunk without choices, from some servers in each chunk."""
        text = _only_text(event)
        if text and self._splitter.passes(text):
            self._texts.append(text)
            return self._delta(self._holder.feed(text), (), (), "")
        told = billed(event)
        if told is not NOT_BILLED:
            self.billed = later(self.billed, told)
        choice = _first_choice(event)
        self._reason = reason_in(choice.get("finish_reason")) or self._reason
        self._stop = choice.get("stop_reason") or self._stop
        said = choice.get("delta") or _said(choice)  # a whole answer may be the only event
        if not isinstance(said, dict):
            return None
        spoken = spoken_in(said)
        text, thought = self._splitter.feed(spoken.text) if spoken.text else ("", "")
        text = self._holder.feed(text) if text else ""
        self._texts.append(spoken.text)
        self._refusals.append(spoken.refusal)
        self._thoughts += spoken.thoughts
        thoughts = (*spoken.thoughts, *([Thought(text=thought)] if thought else []))
        delta = self._delta(text, self._calls.feed(said), thoughts, spoken.refusal)
        if choice.get("logprobs"):
            delta = replace(delta or Delta(), logprobs=_logprobs(choice))
        if not self.keeps_native:
            return delta
        more = unknown_fields(event)
        if not any(more) or (delta is None and not more[2]):
            return delta
        return replace(delta or Delta(), native=more)

    def end(self, *, complete: bool) -> Delta | None:
        """What may have become a tag or a later call's id, and didn't."""
        self._complete = complete
        text, thought = self._splitter.end()
        text = self._holder.feed(text) + self._holder.end()
        thoughts = (Thought(text=thought),) if thought else ()
        return self._delta(text, self._calls.end(), thoughts, "")

    def reply(self) -> Reply:
        """A stream with neither a finish reason nor the word that it's all was cut off."""
        if self._reason is None and not self._complete:
            raise BadReply("the stream ended before the answer did", self.billed)
        spoken = Spoken("".join(self._texts), "".join(self._refusals), self._thoughts)
        end = _End(self._reason, self._stop, self.billed)
        return _answer(end, spoken, self._calls.whole)

    def _delta(
        self, text: str, calls: tuple[JSON, ...], thoughts: tuple[Thought, ...], refusal: str
    ) -> Delta | None:
        if text:
            self._told.append(text)
        return (
            Delta(text, calls, thoughts, refusal) if text or calls or thoughts or refusal else None
        )


def _only_text(event: JSON) -> str:
    """The piece of text in a chunk that holds nothing else, as most chunks are; else blank."""
    if not PLAIN_FIELDS.issuperset(event) or event.get("usage"):
        return ""
    choices = event.get("choices")
    if type(choices) is not list or len(choices) != 1 or type(choices[0]) is not dict:
        return ""
    choice = choices[0]
    said = choice.get("delta")
    if type(said) is not dict or not PLAIN_CHOICE.issuperset(choice):
        return ""
    if choice.get("finish_reason") or choice.get("logprobs"):
        return ""
    text = said.get("content")
    if type(text) is not str or "\0" in text or said.get("refusal"):
        return ""
    return text if len(said) == 1 or PLAIN_DELTA.issuperset(said) else ""


def unknown_fields(reply: JSON) -> tuple[JSON, JSON, JSON]:
    """What an answer, its first choice and that one's message hold beside KNOWN_FIELDS."""
    of_reply, of_choice, of_message = KNOWN_FIELDS
    choices = reply.get("choices")
    choice = choices[0] if type(choices) is list and choices else None
    if type(choice) is not dict:
        return _beside(reply, of_reply), NO_FIELDS, NO_FIELDS
    message = choice.get("delta") or choice.get("message")
    return (
        NO_FIELDS if of_reply.issuperset(reply) else _beside(reply, of_reply),
        NO_FIELDS if of_choice.issuperset(choice) else _beside(choice, of_choice),
        NO_FIELDS
        if type(message) is not dict or of_message.issuperset(message)
        else _beside(message, of_message),
    )


def _beside(part: JSON, known: frozenset[str]) -> JSON:
    return {name: value for name, value in part.items() if name not in known}
