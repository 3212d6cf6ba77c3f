"""How many tokens a request may use at most, before anybody has counted them."""

from typing import Any

from llmconfig.client.types import Call, Usage
from llmconfig.client.wire.reading import dump
from llmconfig.configuration.resolution import Target

# English has four characters a token, code and other languages fewer.
CHARACTERS_A_TOKEN = 3
BYTES_A_TOKEN = 2  # of text beyond ASCII
A_MESSAGE = 8
A_PART = 2000  # of a message, such as a picture
# Where neither the caller nor the catalogue bounds the answer.
UNBOUNDED_ANSWER = 4096


def most_used(target: Target, call: Call) -> Usage:
    """The most tokens that one request of this call should use."""
    prompt = sum(A_MESSAGE + _of(each.get("content")) for each in call.messages)
    for more in (call.schema, call.extra):
        if more:
            prompt += len(dump(dict(more))) // CHARACTERS_A_TOKEN
    return Usage(input=prompt, output=_longest_answer(target))


def _of(content: Any) -> int:
    """Tokens of a message's content: text, or a list of parts."""
    if isinstance(content, str):
        if content.isascii():
            return len(content) // CHARACTERS_A_TOKEN
        return len(content.encode("utf-8", "replace")) // BYTES_A_TOKEN
    if not isinstance(content, list):
        return 0
    return sum(
        _of(part["text"]) if isinstance(part, dict) and "text" in part else A_PART
        for part in content
    )


def _longest_answer(target: Target) -> int:
    model = target.candidate.model
    if model is not None and model.kind == "embedding":
        return 0
    listed = model.max_output_tokens if model is not None else None
    return target.max_tokens or listed or UNBOUNDED_ANSWER
