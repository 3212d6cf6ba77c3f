"""A value as its column takes it: text, or JSON that PostgreSQL accepts."""

import json
from collections.abc import Sequence
from typing import Any

import orjson

from enrichment.enrichments.contract import Enrichment
from metrics.binary_sql import TextArray, ready_json
from metrics.storable import storable


def column_values(enrichment: Enrichment, values: Sequence[Any]) -> TextArray:
    """Values for the enrichment's column: texts for a text column, else JSON."""
    if enrichment.holds_json():
        return TextArray([_json(each) for each in values])
    return TextArray([_text(each) for each in values])


def jsonb(value: Any) -> bytes | None:
    """A value for a JSON column that is written by COPY; None stays NULL."""
    return None if value is None else ready_json(_json(value))


def plain_json(value: Any) -> Any:
    """A value for a model's JSON field: what PostgreSQL refuses is taken out of it."""
    return _cleaned(value)


def _text(value: Any) -> str | bytes | None:
    if value is None:
        return None
    return storable(value) if isinstance(value, str) else _json(value)


def _json(value: Any) -> bytes:
    """JSON that PostgreSQL takes: it refuses NUL, and orjson lone surrogates."""
    try:
        text = orjson.dumps(value)
    except TypeError:  # lone surrogates, and whole numbers of more than 64 bits
        return json.dumps(_cleaned(value)).encode()
    return text if b"\\u0000" not in text else orjson.dumps(_cleaned(value))


def _cleaned(value: Any) -> Any:
    if isinstance(value, str):
        return storable(value)
    if isinstance(value, list):
        return [_cleaned(each) for each in value]
    if isinstance(value, dict):
        return {storable(str(key)): _cleaned(each) for key, each in value.items()}
    return value
