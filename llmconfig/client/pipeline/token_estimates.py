"""How many tokens a request may use at most, before anybody has counted them.

Counting by a tokenizer takes a hundred times longer, and each model has its own. What is estimated
is the most that common tokenizers make of a text, from counts of its bytes, which take a few
microseconds a KB. `python -m benchmarks.estimates` holds it to tokenizers; docs/performance.md has
the figures.
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from llmconfig.client.types import Call, Usage
from llmconfig.client.wire.reading import dump
from llmconfig.configuration.resolution import Target

# English has about so many. For a mean, where nothing better is known.
MEAN_CHARACTERS_PER_TOKEN = 4
# The fewest of words in languages that are written without accents. For the most that may be used.
MIN_CHARACTERS_PER_TOKEN = 3
A_MESSAGE = 8
A_PART = 2000  # of a message, such as a picture
MAX_KEPT_CHARACTERS = 20_000  # of a system prompt whose count is kept
# Where neither the caller nor the catalogue bounds the answer.
UNBOUNDED_ANSWER = 4096

_LOWER = bytes(range(ord("a"), ord("z") + 1))
_UPPER = _LOWER.upper()
_DIGITS = b"0123456789"
_SPACES = b" \t\n\r\x0b\x0c"
_ASCII = bytes(range(128))
_BEYOND_ASCII = bytes(range(128, 256))
# A byte's kind: lower and upper case, digit, space; other signs stay.
_KINDS = bytes.maketrans(
    _LOWER + _UPPER + _DIGITS + _SPACES,
    b"a" * len(_LOWER) + b"A" * len(_UPPER) + b"0" * len(_DIGITS) + b" " * len(_SPACES),
)
# Tokens for each byte of a kind, and for each change from one kind to the next: identifiers, dates
# and Base64 fall into tokens of one or two characters where letters and digits take turns.
_LOWER_COST, _UPPER_COST, _DIGIT_COST, _SIGN_COST = 0.27, 0.45, 0.41, 0.82
_CHANGES = {b"0a": 1.65, b"0A": 2.2, b" 0": 1.7}
_CAPITAL_COST = 1.05

# Characters beyond ASCII, by the first byte of their UTF-8, in fiftieths of a token.
_UNIT = 50
_CONTINUATIONS = bytes(range(0x80, 0xC0))
_SCRIPTS = {
    (0xC2, 0xCD): 0.9,  # Latin with accents
    (0xCE, 0xCF): 1.1,  # Greek
    (0xD0, 0xD4): 0.6,  # Cyrillic
    (0xD5, 0xD7): 1.3,  # Armenian, Hebrew
    (0xD8, 0xDF): 0.9,  # Arabic
    (0xE0, 0xE0): 1.64,  # scripts of India; Devanagari and Thai, which have fewer, see below
    (0xE1, 0xE1): 1.5,
    (0xE2, 0xE2): 1.5,  # signs
    (0xE3, 0xE3): 1.16,  # Kana
    (0xE4, 0xE9): 1.4,  # Chinese characters
    (0xEA, 0xED): 1.3,  # Hangul
    (0xEE, 0xEF): 2.0,
    (0xF0, 0xFF): 3.0,  # emoji
}
_WEIGHTS = bytes(
    next((round(cost * _UNIT) for (low, high), cost in _SCRIPTS.items() if low <= byte <= high), 0)
    for byte in range(256)
)
_LIGHTER = {b"\xe0\xa4": 0.34, b"\xe0\xa5": 0.34, b"\xe0\xb8": 0.5, b"\xe0\xb9": 0.5}


def most_used(target: Target, call: Call) -> Usage:
    """The most tokens that one request of this call should use."""
    return Usage(input=most_of_prompt(call), output=_longest_answer(target) * call.choices)


def most_of_prompt(call: Call) -> int:
    """The most tokens that common tokenizers make of a call's prompt, tools and schema."""
    prompt = 0
    for each in call.messages:
        content: Any = each.get("content")
        kept = each.get("role") == "system" and isinstance(content, str)
        prompt += A_MESSAGE + (_of_instructions(content) if kept else _of(content))
        if each.get("role") == "assistant":
            prompt += _of_turn(each)
    for more in (call.schema, call.extra):
        if more:
            prompt += _of_bytes(dump(dict(more)))
    return prompt


def _of_turn(message: Mapping[str, Any]) -> int:
    """Of what an assistant's message brings back beside its text: its calls and its thoughts.

    The same thoughts may come as text and in details. Signatures and encrypted data are no text.
    """
    calls, thoughts = message.get("tool_calls"), message.get("reasoning_content")
    tokens = _of_bytes(dump({"": calls})) if calls else 0
    details = message.get("reasoning_details")
    told = [part for part in details if isinstance(part, dict)] if isinstance(details, list) else []
    texts = [part.get(name) for part in told for name in ("text", "summary")]
    return tokens + max(_of_text(thoughts), sum(map(_of_text, texts)))


def _of_text(text: object) -> int:
    return most_tokens(text) if isinstance(text, str) else 0


def _of_instructions(text: str) -> int:
    """Of a system prompt, which is the same for all rows of a batch and all turns of a talk."""
    return _kept_counts(text) if len(text) <= MAX_KEPT_CHARACTERS else most_tokens(text)


@lru_cache(maxsize=64)
def _kept_counts(text: str) -> int:
    return most_tokens(text)


def most_tokens(text: str) -> int:
    """The most tokens that common tokenizers make of a text."""
    return _of_bytes(text.encode("utf-8", "replace"))


def _of(content: Any) -> int:
    """Tokens of a message's content: text, or a list of parts."""
    if isinstance(content, str):
        return most_tokens(content)
    if not isinstance(content, list):
        return 0
    return sum(
        _of(part["text"]) if isinstance(part, dict) and "text" in part else A_PART
        for part in content
    )


def _of_bytes(raw: bytes) -> int:
    if raw.isascii():
        return _of_ascii(raw)
    units = sum(raw.translate(_WEIGHTS, _ASCII + _CONTINUATIONS))
    if b"\xe0" in raw:
        units -= round(_UNIT * sum(raw.count(pair) * less for pair, less in _LIGHTER.items()))
    return units // _UNIT + _of_ascii(raw.translate(None, _BEYOND_ASCII)) + 1


def _of_ascii(raw: bytes) -> int:
    length = len(raw)
    upper = length - len(raw.translate(None, _UPPER))
    digits = length - len(raw.translate(None, _DIGITS))
    words = length - len(raw.translate(None, _LOWER + _SPACES))
    spaces = length - len(raw.translate(None, _SPACES))
    signs = length - upper - digits - words
    cost = (words - spaces) * _LOWER_COST + upper * _UPPER_COST + digits * _DIGIT_COST
    cost += signs * _SIGN_COST
    if upper or digits:
        kinds = raw.translate(_KINDS)
        if upper:
            cost += kinds.count(b"Aa") * _CAPITAL_COST
        if digits:
            cost += sum(kinds.count(change) * each for change, each in _CHANGES.items())
    return max(round(cost), length // MIN_CHARACTERS_PER_TOKEN)


def _longest_answer(target: Target) -> int:
    model = target.candidate.model
    if model is not None and model.kind == "embedding":
        return 0
    listed = model.max_output_tokens if model is not None else None
    return target.max_tokens or listed or UNBOUNDED_ANSWER
