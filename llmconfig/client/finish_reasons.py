"""Why answers end, and which of them are whole: the one table that everybody reads.

Whole answers, streams, providers' batches, the response cache, repairs, `/v1` and the enrichment
engine all ask here. A word that isn't in the table is not a whole answer.
"""

from enum import StrEnum
from functools import lru_cache
from types import MappingProxyType
from typing import Final

MAX_REASON_CHARACTERS: Final = 50
STOP, LENGTH, TOOL_CALLS, CONTENT_FILTER = "stop", "length", "tool_calls", "content_filter"


class Ending(StrEnum):
    """What a reason says about the answer before it."""

    WHOLE = "whole"
    CUT = "cut"  # a limit was reached: good as far as it goes
    PAUSED = "paused"  # half a turn, which the caller may continue
    WITHHELD = "withheld"  # a filter or the model itself refused, perhaps after some text
    UNKNOWN = "unknown"  # a word that nobody here knows
    BROKEN = "broken"  # the provider failed: the same request may succeed


# The providers' own words in lower case, and where each of them is documented.
_WORDS: dict[Ending, tuple[str, ...]] = {
    Ending.WHOLE: (
        "stop",  # OpenAI and everybody in its shape
        "tool_calls",
        "function_call",  # OpenAI, before tools
        "end_turn",  # Anthropic
        "stop_sequence",
        "tool_use",
    ),
    Ending.CUT: (
        "length",
        "max_tokens",  # Anthropic, Gemini
        "max_output_tokens",
        "model_length",  # Mistral: the context window is full
        "model_context_window_exceeded",  # Anthropic, Z.ai
        "context_length_exceeded",
        "repetition",  # vLLM stopped a loop
        "time_limit",  # watsonx
    ),
    Ending.PAUSED: (
        "pause_turn",  # Anthropic: its server tools go on when the turn is sent back
        "compaction",  # Anthropic: the context was compacted in the middle of a turn
    ),
    Ending.WITHHELD: (
        "content_filter",  # OpenAI, Azure
        "refusal",  # Anthropic
        "safety",  # Gemini
        "recitation",
        "blocklist",
        "prohibited_content",
        "spii",
        "sensitive",  # Z.ai
        "guardrail_intervened",  # Bedrock
        "content_filtered",
        "image_safety",  # Gemini
    ),
    Ending.BROKEN: (
        "error",  # OpenRouter, Mistral
        "abort",  # vLLM, SGLang
        "aborted",
        "cancelled",
        "network_error",  # Z.ai
        "insufficient_system_resource",  # DeepSeek
        "function_call_filter",  # Gemini: "function_call_filter: MALFORMED_FUNCTION_CALL"
        "malformed_function_call",
        "unexpected_tool_call",
        "malformed_response",
        "malformed_model_output",  # Bedrock
        "malformed_tool_use",
    ),
}
_ENDINGS: Final = MappingProxyType(
    {word: ending for ending, words in _WORDS.items() for word in words}
)
# What servers in OpenAI's shape say in place of its words.
_OTHER_SPELLINGS: Final = MappingProxyType(
    {
        "eos": "stop",  # Together: openai/openai-dotnet#267, vibrantlabsai/ragas#1548
        "eos_token": "stop",  # TGI until 2.2 and watsonx: text-generation-inference#2344
        "null": "",  # DashScope, in pieces before the last
    }
)
_OPENAI_WORDS: Final = MappingProxyType(
    {
        "end_turn": STOP,
        "stop_sequence": STOP,
        "tool_use": TOOL_CALLS,
        "function_call": TOOL_CALLS,
    }
)
_SENTENCES: Final = MappingProxyType(
    {
        Ending.CUT: "The answer was cut at its token limit; raise the node's max tokens.",
        Ending.PAUSED: "The answer was cut in the middle of a turn ({reason}).",
        Ending.WITHHELD: "The answer was withheld or refused ({reason}).",
        Ending.UNKNOWN: "The answer ended for a reason that is not known here ({reason}).",
        Ending.BROKEN: "The answer was broken off by its provider ({reason}).",
    }
)
_CONTEXT_IS_FULL = frozenset(
    {"model_length", "model_context_window_exceeded", "context_length_exceeded"}
)


def reason_in(value: object) -> str | None:
    """A provider's word for the end, None where it gives none (some send an empty text)."""
    if not isinstance(value, str):
        return None
    word = value.strip().replace("\0", "")[:MAX_REASON_CHARACTERS]
    return _OTHER_SPELLINGS.get(word, word) or None


@lru_cache(maxsize=1024)
def ending_of(reason: str | None) -> Ending:
    """What a reason means. None: a reply that came to its end without one is whole."""
    if reason is None:
        return Ending.WHOLE
    return _ENDINGS.get(_key(reason), Ending.UNKNOWN)


def is_whole(reason: str | None) -> bool:
    """Whether an answer that ended so may be used as it is: cached, repaired, written to a row."""
    return ending_of(reason) is Ending.WHOLE


@lru_cache(maxsize=1024)
def in_openai_words(reason: str | None) -> str | None:
    """The reason as records keep it: OpenAI's word where it has one, else the provider's own."""
    if reason is None:
        return None
    key, ending = _key(reason), ending_of(reason)
    if ending is Ending.CUT:
        return LENGTH
    if ending is Ending.WITHHELD:
        return CONTENT_FILTER
    if ending is Ending.WHOLE:
        return _OPENAI_WORDS.get(key, key)
    return reason


def for_openai_clients(reason: str | None, *, has_tool_calls: bool) -> str:
    """The reason in the words that OpenAI's clients know; what isn't whole is never "stop"."""
    ending = ending_of(reason)
    if ending is Ending.WHOLE:
        return TOOL_CALLS if has_tool_calls else STOP
    return CONTENT_FILTER if ending is Ending.WITHHELD else LENGTH


def for_anthropic_clients(
    reason: str | None, *, has_tool_calls: bool, has_stop_sequence: bool = False
) -> str:
    """The same in the words that Anthropic's clients know."""
    ending = ending_of(reason)
    if ending is Ending.WHOLE:
        if has_tool_calls:
            return "tool_use"
        return "stop_sequence" if has_stop_sequence else "end_turn"
    if ending is Ending.PAUSED:
        return "pause_turn"
    if ending is Ending.WITHHELD:
        return "refusal"
    full = reason is not None and _key(reason) in _CONTEXT_IS_FULL
    return "model_context_window_exceeded" if full else "max_tokens"


def why_not_whole(reason: str | None) -> str:
    """A sentence for reviewers; blank for a whole answer."""
    if reason is None or is_whole(reason):
        return ""
    if _key(reason) in _CONTEXT_IS_FULL:
        return "The answer was cut because the model's context window was full."
    return _SENTENCES[ending_of(reason)].format(reason=reason)


def _key(reason: str) -> str:
    return reason.partition(":")[0].strip().lower()
