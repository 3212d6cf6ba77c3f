"""The confidence that an answer states of itself, however its model writes it.

No part of what the answer says of its row: two answers agree whatever they are sure of.
"""

import math
import re
from collections.abc import Mapping
from typing import Any

NAMES = frozenset({"confidence", "certainty"})
WORDS = {
    "very high": 0.95,
    "high": 0.85,
    "medium": 0.6,
    "moderate": 0.6,
    "low": 0.3,
    "very low": 0.1,
}
NUMBER = re.compile(r"(\d+(?:[.,]\d+)?)\s*(%|/\s*(\d+))?\Z")
PERCENT = 100


def stated_confidence(value: Any) -> float | None:
    """From 0 to 1, of the least sure part; None where nothing readable is stated.

    Taken from a field called confidence or certainty of an object or of a list's objects: 0.85, 85,
    "85 %", "0,85", "8/10" and "high" are read.
    """
    if isinstance(value, str):
        return None
    if isinstance(value, Mapping):
        found = [_read(each) for name, each in value.items() if _is_name(name)]
    elif isinstance(value, list):
        found = [stated_confidence(each) for each in value if isinstance(each, Mapping)]
    else:
        return None
    known = [each for each in found if each is not None]
    return min(known) if known else None


def without_confidence(value: Any) -> Any:
    """The same without such fields."""
    if isinstance(value, Mapping):
        return {name: each for name, each in value.items() if not _is_name(name)}
    if isinstance(value, list):
        return [without_confidence(each) if isinstance(each, Mapping) else each for each in value]
    return value


def schema_asks_confidence(schema: Mapping[str, Any] | None) -> bool:
    """Whether answers by a JSON schema have such a field, in themselves or in a list's members."""
    if schema is None:
        return False
    properties = schema.get("properties") or {}
    if any(map(_is_name, properties)):
        return True
    members = [schema.get("items"), *(each.get("items") for each in _mappings(properties.values()))]
    return any(map(schema_asks_confidence, _mappings(members)))


def _mappings(values: Any) -> list[Mapping[str, Any]]:
    return [each for each in values if isinstance(each, Mapping)]


def _is_name(name: Any) -> bool:
    return isinstance(name, str) and name.casefold() in NAMES


def _read(stated: Any) -> float | None:
    if isinstance(stated, str):
        return _read_text(stated.strip().casefold())
    if isinstance(stated, bool) or not isinstance(stated, (int, float)):
        return None
    return _share(float(stated), 1 if stated <= 1 else PERCENT)


def _read_text(text: str) -> float | None:
    found = NUMBER.match(text)
    if found is None:
        return WORDS.get(text)
    number = float(found[1].replace(",", "."))
    if found[2] is None:
        return _share(number, 1 if number <= 1 else PERCENT)
    return _share(number, float(found[3]) if found[3] else PERCENT)


def _share(number: float, whole: float) -> float | None:
    if not whole or not math.isfinite(number):
        return None
    share = number / whole
    return share if 0 <= share <= 1 else None
