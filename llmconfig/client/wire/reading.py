"""Reading what providers send, trusting none of it."""

import json
import math
from decimal import Decimal
from typing import Any

import orjson

from llmconfig.client.types import NO_USAGE, Usage
from llmconfig.client.wire import JSON, BadReply

# Above this, a reply that the strict parser refuses isn't tried again by the patient one.
MAX_SLOW_PARSE_BYTES = 1024 * 1024
MAX_TOKENS = 1_000_000_000
MAX_DOLLARS = 100_000
MAX_WORDS_BYTES = 200  # of an event that is no JSON, in the error
BYTE_ORDER_MARK = b"\xef\xbb\xbf"


def parse(body: bytes) -> JSON:
    """A reply's JSON object; raises BadReply.

    Halves of emoji become "?" and numbers that are none become null: one such character in an
    answer must not make its row fail for ever.
    """
    value = parse_value(body)
    if not isinstance(value, dict):
        raise BadReply("the reply is not a JSON object")
    return value


def parse_value(body: bytes) -> Any:
    """The same for any JSON value; some servers' errors are lists, texts or numbers."""
    body = body.removeprefix(BYTE_ORDER_MARK)
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return _parse_patiently(body)


def parse_event(event: bytes) -> Any:
    """The JSON value of a stream's event; raises BadReply with the words of one that has none."""
    try:
        return parse_value(event)
    except BadReply:
        words = event[:MAX_WORDS_BYTES].decode("utf-8", "replace").strip()
        raise BadReply(f"an event is not JSON: {words}" if words else "an event is empty") from None


def _parse_patiently(body: bytes) -> Any:
    if not body.strip():
        raise BadReply("the reply is empty")
    if len(body) > MAX_SLOW_PARSE_BYTES:
        raise BadReply("the reply is not JSON")
    try:
        value = json.loads(
            body.decode("utf-8", "replace"), parse_constant=_nothing, parse_float=_finite
        )
        return orjson.loads(json.dumps(value, ensure_ascii=False).encode("utf-8", "replace"))
    except (ValueError, RecursionError):
        raise BadReply("the reply is not JSON") from None


def _nothing(_name: str) -> None:
    return None


def _finite(text: str) -> float | None:
    number = float(text)
    return number if math.isfinite(number) else None


def dump(content: JSON) -> bytes:
    """A request's bytes. Half emoji in a prompt become "?"; raises TypeError if it's no JSON."""
    try:
        return orjson.dumps(content)
    except TypeError:
        return json.dumps(content, ensure_ascii=False, allow_nan=False).encode("utf-8", "replace")


def text_of(value: object) -> str:
    """A text without NUL, which PostgreSQL can't store; blank for anything else."""
    if not isinstance(value, str):
        return ""
    return value.replace("\0", "") if "\0" in value else value


def object_of(value: object) -> JSON:
    """An object; empty for anything else."""
    return value if isinstance(value, dict) else {}


def count(counts: JSON, name: str) -> int:
    """A number of tokens, 0 where there is none; raises ValueError for what can't be one."""
    value = counts.get(name)
    if value is None and name in counts:
        raise ValueError(name)
    if value is None:
        return 0
    if type(value) is not int or not 0 <= value <= MAX_TOKENS:
        raise ValueError(name)
    return value


def optional_count(counts: JSON, name: str) -> int:
    """The same for details that many servers send as null."""
    return 0 if counts.get(name) is None else count(counts, name)


def disjoint(
    *, prompt: int, cached: int, cache_write: int, completion: int, reasoning: int
) -> Usage:
    """Buckets from totals that include their parts; raises ValueError if a part is larger."""
    fresh, shown = prompt - cached - cache_write, completion - reasoning
    if fresh < 0 or shown < 0:
        raise ValueError("a part exceeds its whole")
    return Usage(fresh, cached, cache_write, shown, reasoning) if prompt or completion else NO_USAGE


def dollars(value: object) -> Decimal | None:
    """A cost that the provider reports, None if it is none."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return Decimal(str(value)) if 0 <= value <= MAX_DOLLARS else None
