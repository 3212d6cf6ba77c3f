"""One thing asked of a model, and what it answered, in no vendor's shape."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha1

from project.embedded.simulator.errors import SimulatedRefusal
from project.embedded.simulator.schemas import Form
from project.embedded.simulator.wire import JsonObject

CHARACTERS_PER_TOKEN = 4


@dataclass(slots=True)
class SimulatedCall:
    """A question: `text` is the last user message, `key` names the prompt in the statistics."""

    path: str
    model: str
    text: str
    digest: str
    key: str
    fingerprint: bytes
    prompt_tokens: int
    stream: bool = False
    with_usage: bool = False
    form: Form | None = None
    tool: str | None = None
    max_tokens: int | None = None
    inputs: tuple[str, ...] = ()
    dimensions: int = 0
    base64: bool = False
    batch: bool = False
    logprobs: bool = False
    sampled: bool = False  # at a temperature of 1 or more
    said: str | None = None  # the answer that a script has it give
    # What may be cached of it: a text, and whether the caller marked its end.
    beginning: tuple[str, bool] | None = None


@dataclass(slots=True)
class SimulatedAnswer:
    """What the model said; `finish` is stop, length or tool, and tokens are those billed."""

    text: str
    finish: str
    input_tokens: int
    output_tokens: int
    cached_tokens: int
    cache_creation_tokens: int
    reasoning_tokens: int
    cost: float | None
    token_probability: float | None = None


def tokens_in(text: str) -> int:
    """The simulator's rule: four characters are a token, and there is always one."""
    return max(1, len(text) // CHARACTERS_PER_TOKEN)


def digest_of(text: str) -> str:
    """The sha1 of a text in hex; lone surrogates are kept apart, not refused."""
    return sha1(text.encode("utf-8", "surrogatepass"), usedforsecurity=False).hexdigest()


def fingerprint_of(model: str, seed: int, texts: Iterable[str]) -> bytes:
    """20 bytes that follow from the seed, the model and every message."""
    whole = "\x1f".join((str(seed), model, *texts))
    return sha1(whole.encode("utf-8", "surrogatepass"), usedforsecurity=False).digest()


def content_text(content: object) -> str:
    """The text of a message's content: a string, or the text parts of a list."""
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        return ""
    parts = (part.get("text") for part in content if isinstance(part, dict))
    return "\n".join(part for part in parts if isinstance(part, str))


def is_sampled(body: JsonObject) -> bool:
    """Whether a temperature of 1 or more is asked for."""
    temperature = body.get("temperature")
    return isinstance(temperature, int | float) and temperature >= 1


def required_text(body: JsonObject, name: str) -> str:
    """A field that must be a non-empty text."""
    value = body.get(name)
    if not isinstance(value, str) or not value:
        raise SimulatedRefusal(400, f"you must provide a {name} parameter", param=name)
    return value


def optional_count(body: JsonObject, name: str) -> int | None:
    """A field that may be absent and else is a whole number of at least 1."""
    value = body.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise SimulatedRefusal(400, f"{name} must be a whole number of at least 1", param=name)
    return value


def prompt_key(header: str, body: JsonObject, digest: str) -> str:
    """The marker sent in x-request-key or metadata.request_key, else the text's digest."""
    if header:
        return header
    metadata = body.get("metadata")
    marker = metadata.get("request_key") if isinstance(metadata, dict) else None
    return marker if isinstance(marker, str) and marker else digest
