"""Reading what providers send, trusting none of it."""

import json
import math
from typing import Any

import orjson

from llmconfig.client.wire import JSON, BadReply

# Above this, a reply that the strict parser refuses isn't tried again by the patient one.
MAX_SLOW_PARSE_BYTES = 1024 * 1024
MAX_WORDS_BYTES = 200  # of an event that is no JSON, in the error
BYTE_ORDER_MARK = b"\xef\xbb\xbf"


def parse(body: bytes) -> JSON:
    """A reply's JSON object; raises BadReply.

    Halves of emoji become "?", and numbers that are none or have thousands of digits become null:
    one such character in an answer must not make its row fail for ever.
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
            body.decode("utf-8", "replace"),
            strict=False,  # line breaks and tabs within texts, as some servers send them
            parse_constant=_nothing,
            parse_float=_finite,
            parse_int=_whole,
        )
        return orjson.loads(json.dumps(value, ensure_ascii=False).encode("utf-8", "replace"))
    except (ValueError, RecursionError):
        raise BadReply("the reply is not JSON") from None


def _nothing(_name: str) -> None:
    return None


def _finite(text: str) -> float | None:
    number = float(text)
    return number if math.isfinite(number) else None


def _whole(text: str) -> int | None:
    try:
        return int(text)
    except ValueError:  # of thousands of digits
        return None


def dump(content: JSON) -> bytes:
    """A request's bytes. Half emoji in a prompt become "?"; raises TypeError if it's no JSON."""
    try:
        return orjson.dumps(content)
    except TypeError:
        return json.dumps(content, ensure_ascii=False, allow_nan=False).encode("utf-8", "replace")


def storable(text: str) -> str:
    """A text that PostgreSQL takes: without NUL, and with "?" for halves of characters."""
    return text.replace("\0", "").encode("utf-8", "replace").decode()


def text_of(value: object) -> str:
    """A text without NUL, which PostgreSQL can't store; blank for anything else."""
    if not isinstance(value, str):
        return ""
    return value.replace("\0", "") if "\0" in value else value


def object_of(value: object) -> JSON:
    """An object; empty for anything else."""
    return value if isinstance(value, dict) else {}
