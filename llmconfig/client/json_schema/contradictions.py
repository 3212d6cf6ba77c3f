"""Bounds that contradict each other: no value keeps them, and some servers hang on them.

llama.cpp, for one, builds a grammar from a schema before it answers anybody; a text that is longer
than it may be has none. What is compared are bounds that hold together: those of one part, of its
`allOf` and of what its reference names.
"""

import math
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

from msgspec import Struct, field

from llmconfig.client.json_schema.document import TYPES, Document, SubSchema
from llmconfig.client.json_schema.errors import SchemaUnusable
from llmconfig.client.json_schema.values import exact, key_of

# More than an answer can hold, so a lower bound above is one that nothing keeps.
MAX_LEAST = 1_000_000
# Parts looked at together, over all parts: thousands that refer to each other aren't compared.
MAX_TOGETHER = 50_000
_PAIRS = (
    ("minLength", "maxLength"),
    ("minItems", "maxItems"),
    ("minProperties", "maxProperties"),
    ("minContains", "maxContains"),
)
_NUMERIC = frozenset({"integer", "number"})


class _Contradiction(Exception):
    """Two bounds that exclude each other, in words."""


class _Bounds(Struct):
    """What must hold together in one place."""

    types: frozenset[str] = TYPES
    least: dict[str, int] = field(default_factory=dict)
    most: dict[str, int] = field(default_factory=dict)
    low: tuple[Fraction, bool] | None = None  # the bound, and whether it is excluded itself
    high: tuple[Fraction, bool] | None = None
    steps: list[Fraction] = field(default_factory=list)
    values: list[list[Any]] = field(default_factory=list)
    required: set[str] = field(default_factory=set)


def refuse_contradictions(document: Document) -> None:
    """Look at every part; raises SchemaUnusable for the first that nothing can obey."""
    left = MAX_TOGETHER
    for part in document.parts:
        try:
            bounds = _Bounds()
            for schema in _together(document, part):
                _add(bounds, schema)
                left -= 1
                if left < 0:
                    raise SchemaUnusable("Too many parts of the schema refer to each other.")
            _check(bounds)
            _check_own(part.schema)
        except _Contradiction as found:
            raise SchemaUnusable(
                f"The schema's bounds contradict each other at {part.place}: {found}."
            ) from None
    _refuse_endless(document)


def _together(document: Document, part: SubSchema) -> Iterator[dict[str, Any]]:
    """The part, its `allOf` and what it refers to, each once."""
    waiting, seen = [part.schema], {id(part.schema)}
    while waiting:
        schema = waiting.pop()
        yield schema
        target = document.target(schema)
        for each in (*schema.get("allOf", ()), target):
            if each is False:
                raise _Contradiction("false allows nothing")
            if isinstance(each, dict) and id(each) not in seen:
                seen.add(id(each))
                waiting.append(each)


def _add(bounds: _Bounds, schema: dict[str, Any]) -> None:
    named = schema.get("type")
    if named is not None:
        names = {named} if isinstance(named, str) else {*named}
        _narrow_types(bounds, frozenset(names | ({"integer"} if "number" in names else set())))
    for least, most in _PAIRS:
        if least in schema:
            bounds.least[least] = max(bounds.least.get(least, 0), int(schema[least]))
        if most in schema:
            bounds.most[most] = min(bounds.most.get(most, MAX_LEAST), int(schema[most]))
    _add_numbers(bounds, schema)
    if "multipleOf" in schema:
        bounds.steps.append(exact(schema["multipleOf"]))
    if "enum" in schema:
        bounds.values.append(schema["enum"])
    if "const" in schema:
        bounds.values.append([schema["const"]])
    bounds.required.update(schema.get("required", ()))


def _narrow_types(bounds: _Bounds, names: frozenset[str]) -> None:
    if not bounds.types & names:
        raise _Contradiction(f"no type is both {_listed(bounds.types)} and {_listed(names)}")
    bounds.types &= names


def _add_numbers(bounds: _Bounds, schema: dict[str, Any]) -> None:
    lows: list[tuple[Fraction, bool]] = []
    highs: list[tuple[Fraction, bool]] = []
    # In the oldest dialects an exclusive bound is a truth value beside the bound.
    for name, found in (("minimum", lows), ("maximum", highs)):
        excluded: Any = schema.get(f"exclusive{name.capitalize()}")
        if name in schema:
            found.append((exact(schema[name]), excluded is True))
        if type(excluded) in (int, float):
            found.append((exact(excluded), True))
    for low in lows:
        bounds.low = low if bounds.low is None else max(bounds.low, low)
    for high, excluded in highs:
        held = bounds.high
        if held is None or high < held[0] or (high == held[0] and excluded):
            bounds.high = (high, excluded)


def _check(bounds: _Bounds) -> None:
    for least, most in _PAIRS:
        low, high = bounds.least.get(least, 0), bounds.most.get(most)
        if high is not None and low > high:
            raise _Contradiction(f"{least} {low} is above {most} {high}")
        if low > MAX_LEAST:
            raise _Contradiction(f"{least} {low} is more than an answer can hold")
    if bounds.least.get("minContains", 0) > bounds.most.get("maxItems", MAX_LEAST):
        raise _Contradiction("minContains is above maxItems")
    if len(bounds.required) > bounds.most.get("maxProperties", MAX_LEAST):
        raise _Contradiction("maxProperties is below the number of required properties")
    _check_numbers(bounds)
    if not all(bounds.values):
        raise _Contradiction("an empty enum allows nothing")
    if bounds.values and not any(_allowed(bounds, each) for each in _common(bounds.values)):
        raise _Contradiction("no value of its enum or const keeps its other bounds")


def _common(lists: list[list[Any]]) -> list[Any]:
    """The values that stand in each of the lists."""
    if not lists[1:]:
        return lists[0]
    kept = set.intersection(*({key_of(each) for each in values} for values in lists))
    return [each for each in lists[0] if key_of(each) in kept]


def _check_numbers(bounds: _Bounds) -> None:
    if bounds.low is None or bounds.high is None:
        return
    (low, low_out), (high, high_out) = bounds.low, bounds.high
    if low > high or (low == high and (low_out or high_out)):
        raise _Contradiction(f"no number is between {_said(low)} and {_said(high)}")
    steps = list(bounds.steps)
    if not bounds.types & {"number"} and "integer" in bounds.types:
        steps.append(Fraction(1))
    for step in steps:
        first = math.ceil(low / step)
        first += low_out and first * step == low
        if first * step > high or (first * step == high and high_out):
            raise _Contradiction(
                f"no multiple of {_said(step)} is between {_said(low)} and {_said(high)}"
            )


def _allowed(bounds: _Bounds, value: Any) -> bool:
    """Whether a value of an enum keeps the bounds around it."""
    kinds = _kinds(value)
    if not kinds & bounds.types:
        return False
    if kinds & _NUMERIC:
        return _in_range(bounds, exact(value))
    if isinstance(value, str):
        least, most = bounds.least.get("minLength", 0), bounds.most.get("maxLength", MAX_LEAST)
        return least <= len(value) <= max(most, least)
    return True


def _in_range(bounds: _Bounds, number: Fraction) -> bool:
    if bounds.low is not None and (number, False) < bounds.low:
        return False
    if bounds.high is not None:
        high, excluded = bounds.high
        if number > high or (number == high and excluded):
            return False
    return not any(number % step for step in bounds.steps)


def _check_own(schema: dict[str, Any]) -> None:
    """What only the keywords of one part say together."""
    parts = schema.get("properties", {})
    closed = schema.get("additionalProperties") is False and not schema.get("patternProperties")
    for name in schema.get("required", ()):
        if (closed and name not in parts) or parts.get(name) is False:
            raise _Contradiction(f"the property {name[:60]!r} is required and not allowed")
    least = schema.get("minItems", 0)
    first = schema.get("prefixItems", ())
    if schema.get("items") is False and least > len(first):
        raise _Contradiction(f"minItems {least} is above the {len(first)} items that may be")
    items = schema.get("items")
    if schema.get("uniqueItems") is True and not first and isinstance(items, dict):
        values = items.get("enum")
        if isinstance(values, list) and least > len(values):
            raise _Contradiction(f"minItems {least} is above the {len(values)} different items")


def _refuse_endless(document: Document) -> None:
    """Refuse parts that must hold themselves: an answer that obeys them would never end."""
    ends: set[int] = set()
    waiting = list(reversed(document.parts))
    # Each round settles at least the parts whose needs were settled before; a few are enough.
    for _ in range(100):
        left = [part for part in waiting if not _ends(part, ends)]
        if not left:
            return
        if len(left) == len(waiting):
            break
        waiting = left
    else:
        return
    part = next((each for each in waiting if each.target is not None), waiting[0])
    raise SchemaUnusable(
        f"The schema has no end at {part.place}: a value that it requires would have to hold itself"
        f" ({part.schema.get('$ref', 'its parts')!r})."
    )


def _ends(part: SubSchema, ends: set[int]) -> bool:
    """Whether a finite value can obey it, as far as is known by now; notes it if so."""
    schema = part.schema
    if all(_settled(each, ends) for each in _needs(part)) and all(
        any(_settled(each, ends) for each in schema[name])
        for name in ("anyOf", "oneOf")
        if name in schema
    ):
        ends.add(id(schema))
        return True
    return False


def _needs(part: SubSchema) -> Iterator[Any]:
    """The schemas without a value for which there is none for the part."""
    schema = part.schema
    if part.target is not None:
        yield part.target
    yield from schema.get("allOf", ())
    named = schema.get("type")
    if named == "object":
        parts = schema.get("properties", {})
        yield from (parts[name] for name in schema.get("required", ()) if name in parts)
    if named == "array" and schema.get("minItems", 0) > 0:
        first = schema.get("prefixItems", ())
        yield from first[: int(schema["minItems"])]
        if not first and isinstance(schema.get("items"), dict):
            yield schema["items"]


def _settled(schema: Any, ends: set[int]) -> bool:
    return not isinstance(schema, dict) or id(schema) in ends


def _kinds(value: Any) -> frozenset[str]:
    if isinstance(value, bool):
        return frozenset({"boolean"})
    if isinstance(value, int) or (isinstance(value, float) and value.is_integer()):
        return _NUMERIC
    return frozenset(
        {
            float: {"number"},
            str: {"string"},
            list: {"array"},
            dict: {"object"},
            type(None): {"null"},
        }.get(type(value), TYPES)
    )


def _listed(names: frozenset[str]) -> str:
    return " or ".join(sorted(names))


def _said(number: Fraction) -> str:
    return str(float(number)) if number.denominator != 1 else str(number.numerator)
