"""OpenAI's chat completions, and the many servers that speak them."""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from llmconfig import provider_types
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
from llmconfig.client.wire import (
    JSON,
    TOKEN_LIMIT_NAMES,
    BadReply,
    Body,
    Embedded,
    Input,
    Question,
    Refusal,
    Reply,
)
from llmconfig.client.wire.cache_marks import MARK, tools_without_marks, without_marks
from llmconfig.client.wire.errors import error_in
from llmconfig.client.wire.messages import Spoken, spoken_in, tokens_of_answer
from llmconfig.client.wire.reading import object_of, text_of
from llmconfig.client.wire.response_format import ask_for_shape
from llmconfig.client.wire.template_tokens import EndTokenHolder, without_end_tokens
from llmconfig.client.wire.thinking import ThoughtSplitter, joined, split
from llmconfig.client.wire.tool_calls import ToolCallStream, whole_calls
from llmconfig.client.wire.usage import billed, later
from llmconfig.configuration.facts import ProviderFacts
from llmconfig.secrets import Secret

# Would make replies that this adapter doesn't read, or is ours to say.
OURS = TOKEN_LIMIT_NAMES | {
    "model", "messages", "input", "encoding_format", "stream", "stream_options", "n"
}  # fmt: skip
ANTHROPIC_ONLY = frozenset(
    {
        "thinking", "top_k", "stop_sequences", "cache_control", "container", "output_config",
        "context_management", "mcp_servers", "inference_geo", "speed",
    }
)  # fmt: skip
MAX_PLACES = 10_000
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
PARTS = ("reply", "choice", "message")  # what has these fields
CALL_PLACES = frozenset({"tool_calls", "function_call"})
NO_FIELDS: JSON = {}
ROUNDING = 1e-4  # a logarithm of 1 that was rounded up
BYTE_TOKEN = re.compile(r"<0x([0-9A-Fa-f]{2})>")  # SentencePiece's
NUMBERS = frozenset({int, float})


class OpenAIWire:
    """`/chat/completions`: openai, azure_openai, openrouter, local and custom."""

    name = "openai"
    count_path = ""

    def address(self, provider: ProviderFacts, model_id: str) -> str:
        """Azure names the deployment in the path."""
        return _address(provider, model_id, provider_types.get(provider.provider_type).chat_path)

    def embedding_address(self, provider: ProviderFacts, model_id: str) -> str:
        path = provider_types.get(provider.provider_type).embeddings_path
        return _address(provider, model_id, path) if path else ""

    def headers(self, provider: ProviderFacts, key: Secret | None) -> dict[str, str]:
        """Azure has a header of its own for keys."""
        if key is None:
            return {}
        kind = provider_types.get(provider.provider_type)
        return {kind.key_header: f"{kind.key_prefix}{key.reveal()}"}

    def body(self, question: Question) -> Body:
        """The request as these servers take it; `extra` goes along as it is."""
        target = question.target
        kind = provider_types.get(target.provider.provider_type)
        keeps_marks = kind.takes_cache_marks
        strips_marks = not keeps_marks and (question.translated or kind.refuses_unknown_fields)
        messages = without_marks(question.messages) if strips_marks else question.messages
        content: JSON = {"model": target.model_id, "messages": messages}
        if target.temperature is not None:
            content["temperature"] = target.temperature
        if target.max_tokens is not None:
            content[kind.output_limit] = target.max_tokens
        told = () if question.shape is None else ask_for_shape(content, question)
        if question.reports_logprobs:
            content["logprobs"] = True
        told += _carry(content, question)
        if strips_marks:
            tools = content.get("tools")
            if tools is not None:
                content["tools"] = tools_without_marks(tools)
            if messages is not question.messages or content.get("tools") is not tools:
                told += (MARK,)
        return Body(content, told, carried=(MARK,) if keeps_marks else ())

    def streamed(self, content: JSON) -> JSON:
        """With the usage in the last event."""
        return {**content, "stream": True, "stream_options": {"include_usage": True}}

    def listener(self) -> "OpenAIListener":
        return OpenAIListener()

    def embedding_body(self, question: Question, inputs: Sequence[Input]) -> Body:
        """Floats, because many servers know nothing else."""
        content: JSON = {
            "model": question.target.model_id,
            "input": inputs,
            "encoding_format": "float",
        }
        return Body(content, _carry(content, question))

    def read_embeddings(self, value: JSON, expected: int) -> Embedded:
        """The vectors, put in the order of their inputs."""
        told = billed(value)
        rows = value.get("data")
        rows = [object_of(row) for row in rows] if isinstance(rows, list) else []
        places = [row.get("index", at) for at, row in enumerate(rows)]
        if len(rows) != expected or {*map(_place, places)} != {*range(expected)}:
            raise BadReply("the reply doesn't hold a vector for each input", told)
        found = dict(zip(places, (_vector(row.get("embedding")) for row in rows), strict=True))
        if not all(found.values()):
            raise BadReply("a vector is no list of numbers", told)
        return Embedded(
            text="",
            finish_reason=None,
            billed=told,
            vectors=tuple(found[at] for at in range(expected)),
        )

    def read(self, value: JSON) -> Reply:
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

    def own_words(self, native: JSON) -> JSON | None:
        """The fields of `reply`, its first `choice` and the `message` that have no place here."""
        parts = unknown_fields(native)
        return dict(zip(PARTS, parts, strict=True)) if any(parts) else None

    def refusal(self, value: Any, *, good: bool = True) -> Refusal | None:
        """An error in any form; OpenRouter sends some with status 200 and the real one inside."""
        return error_in(value, good=good)


@dataclass(frozen=True, slots=True)
class _End:
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


def _address(provider: ProviderFacts, model_id: str, path: str) -> str:
    kind = provider_types.get(provider.provider_type)
    version = provider.api_version or kind.default_api_version
    return provider.base_url + path.format(model=model_id, version=version)


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


def unknown_fields(reply: JSON) -> tuple[JSON, JSON, JSON]:
    """What an answer, its first choice and that one's message hold beside KNOWN_FIELDS."""
    choice = _first_choice(reply)
    message = object_of(choice.get("delta") or choice.get("message"))
    return (
        _beside(reply, KNOWN_FIELDS[0]),
        _beside(choice, KNOWN_FIELDS[1]),
        _beside(message, KNOWN_FIELDS[2]),
    )


def _beside(part: JSON, known: frozenset[str]) -> JSON:
    if known.issuperset(part):
        return NO_FIELDS
    return {name: value for name, value in part.items() if name not in known}


def _carry(content: JSON, question: Question) -> tuple[str, ...]:
    """Put the caller's extras into the request; gives the names of those that can't go along."""
    if not question.extra:
        return ()
    kind = provider_types.get(question.target.provider.provider_type)
    refused = OURS | ANTHROPIC_ONLY if kind.refuses_unknown_fields else OURS
    if question.translated and not kind.takes_cache_marks:
        refused = refused | {MARK}
    content |= {name: value for name, value in question.extra.items() if name not in refused}
    return tuple(name for name in question.extra if name in refused)


def _place(index: object) -> int:
    """A position in a list; 0 for anything else."""
    return index if type(index) is int and 0 <= index < MAX_PLACES else 0


def _vector(value: object) -> list[float]:
    """Its numbers; blank if any is none."""
    if not isinstance(value, list):
        return []
    good = all(type(each) in NUMBERS and math.isfinite(each) for each in value)
    return [*map(float, value)] if good else []
