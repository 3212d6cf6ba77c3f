"""A call's values as the columns of its tables hold them: cut to length, bounded, without NUL."""

import logging
from collections.abc import Mapping, Sequence
from decimal import Decimal
from functools import lru_cache

import msgspec
import orjson

from llmconfig.client.types import NO_USAGE, Attempt, CallRecord, Usage
from llmconfig.runtime.records import asdict, replace
from metrics.models import GenerationMetric
from metrics.models.calls import LATENCY_BELOW_MS
from metrics.quality.parts import ScorePart

logger = logging.getLogger(__name__)

REPLACEMENT = "\ufffd"
MAX_TOKENS = 2**31 - 1  # what an integer column holds
COST_BELOW = Decimal(1_000_000)  # what numeric(16, 10) holds
LENGTHS: dict[str, int] = {
    field.name: field.max_length
    for field in GenerationMetric._meta.local_fields  # noqa: SLF001 - Django's documented name
    if field.max_length is not None
}


def storable(text: str) -> str:
    """The text with U+FFFD for what PostgreSQL refuses: NUL and lone surrogates."""
    if "\0" in text:
        text = text.replace("\0", REPLACEMENT)
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        text = "".join(REPLACEMENT if "\ud800" <= char <= "\udfff" else char for char in text)
    return text


@lru_cache(maxsize=1024)
def fitting(column: str, text: str) -> str:
    """A text cut to its column; providers' words and model references have no agreed length.

    Remembered, because the same few words are in nearly every call: 11 of them in each.
    """
    return storable(text[: LENGTHS[column]])


def storable_usage(record: CallRecord) -> Usage:
    """The usage, or none if its counts can't be true; the attempts keep what was said."""
    usage = record.usage
    buckets = (usage.input, usage.cached_input, usage.cache_write, usage.output, usage.reasoning)
    if min(buckets) >= 0 and sum(buckets) <= MAX_TOKENS:
        return usage
    logger.warning(
        "Call %s: %s reported impossible token counts; recorded as none.",
        record.correlation_id,
        record.provider,
    )
    return NO_USAGE


def storable_latency(milliseconds: float | None) -> float:
    """The time of a call; 0 for what is none, which a CHECK would refuse."""
    if milliseconds is None or not 0 <= milliseconds < LATENCY_BELOW_MS:
        return 0.0
    return float(milliseconds)


def storable_cost(record: CallRecord, cost: Decimal | None) -> Decimal | None:
    """The cost; unknown stays unknown, and so is one that can't be true."""
    if cost is None or (cost.is_finite() and 0 <= cost < COST_BELOW):
        return cost
    logger.warning(
        "Call %s: %s reported an impossible cost; recorded as unknown.",
        record.correlation_id,
        record.provider,
    )
    return None


def attempts_json(attempts: Sequence[Attempt]) -> bytes:
    """A JSON list with every field of each attempt; money as text, so that no digit is lost."""
    try:
        plain = msgspec.to_builtins(attempts, builtin_types=(Decimal,))
        encoded = orjson.dumps(plain, default=_plain)
        if b"\\u0000" not in encoded:
            return encoded
    except orjson.JSONEncodeError:
        pass  # a lone surrogate
    return orjson.dumps(
        [
            {
                key: storable(value) if isinstance(value, str) else value
                for key, value in asdict(attempt).items()
            }
            for attempt in attempts
        ],
        default=_plain,
    )


def object_json(value: object) -> bytes:
    """JSON of what a caller or a model gave, with U+FFFD for what PostgreSQL refuses."""
    try:
        encoded = orjson.dumps(value)
        if b"\\u0000" not in encoded:
            return encoded
    except (orjson.JSONEncodeError, TypeError):
        pass  # a lone surrogate
    return orjson.dumps(_without_refused(value))


def _without_refused(value: object) -> object:
    if isinstance(value, str):
        return storable(value)
    if isinstance(value, Mapping):
        return {storable(str(name)): _without_refused(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_without_refused(each) for each in value]
    return value


def parts_json(parts: Sequence[ScorePart]) -> bytes:
    """A JSON list of a score's parts; their notes may quote anything."""
    try:
        encoded = msgspec.json.encode(parts)
        if b"\\u0000" not in encoded:
            return encoded
    except UnicodeEncodeError:
        pass  # a lone surrogate
    kept = [replace(part, notes=tuple(map(storable, part.notes))) for part in parts]
    return msgspec.json.encode(kept)


def _plain(value: object) -> str:
    if isinstance(value, Decimal):
        return format(value, "f")
    raise TypeError(f"{type(value).__name__} has no place in a call record.")
