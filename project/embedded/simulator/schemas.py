"""JSON that obeys a JSON schema and speaks in the words of the question.

A schema is compiled once into makers; thousands of calls with the same schema share them.
Contradictory schemas get a best effort; conditionals (`not`, `if`, `dependent…`) are not read.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import Any

import orjson

from project.embedded.simulator.errors import SimulatedRefusal
from project.embedded.simulator.patterns import matching_text
from project.embedded.simulator.wire import JsonObject

DEEP = 6
DEEPEST = 40
MAX_TEXT_LENGTH = 100_000
MAX_LIST_LENGTH = 10_000
_SCALES = {
    "date": "2026-0{}-1{}",
    "date-time": "2026-0{}-1{}T12:00:00Z",
    "time": "1{}:3{}:00Z",
    "email": "dog{}{}@example.org",
    "uri": "https://example.org/{}/{}",
    "uuid": "00000000-0000-4000-8000-0000000000{}{}",
    "ipv4": "192.0.2.{}{}",
}


@dataclass(slots=True)
class Draft:
    """What one answer is made from: chance, the question's words, and how deep we are."""

    rng: random.Random
    words: list[str]
    depth: int = 0


Form = Callable[[Draft], Any]


def form_for(schema: object) -> Form:
    """The compiled schema; refuses with 400 what is not a schema."""
    if not isinstance(schema, dict | bool):
        raise SimulatedRefusal(400, "schema must be an object", param="schema")
    try:
        return _form(orjson.dumps(schema))
    except (TypeError, ValueError, KeyError, AttributeError, RecursionError) as error:
        raise SimulatedRefusal(400, f"Invalid schema: {error}", param="schema") from None


def write_json(form: Form, rng: random.Random, words: list[str]) -> str:
    """The JSON text of one answer."""
    spoken = [word for word in words if any(map(str.isalnum, word))] or ["simulated"]
    try:
        return orjson.dumps(form(Draft(rng, spoken))).decode()
    except (TypeError, ValueError, OverflowError, RecursionError) as error:
        raise SimulatedRefusal(400, f"Invalid schema: {error}", param="schema") from None


@lru_cache(maxsize=256)
def _form(text: bytes) -> Form:
    schema = orjson.loads(text)
    return _SchemaCompiler(schema).compile(schema)


class _SchemaCompiler:
    """Turns the parts of one schema document into makers; `$ref`s are looked up when used."""

    def __init__(self, document: Any) -> None:
        self._document = document
        self._referred: dict[str, Form] = {}

    def compile(self, schema: Any) -> Form:
        if not isinstance(schema, dict):
            return _text_maker({})
        for read in (_constant, self._reference, self._choice, self._all_of):
            form = read(schema)
            if form is not None:
                return form
        return self._typed(schema, _type_of(schema))

    def _typed(self, schema: JsonObject, kind: str) -> Form:
        match kind:
            case "object":
                return self._object(schema)
            case "array":
                return self._array(schema)
            case "integer" | "number":
                return _number_maker(schema, whole=kind == "integer")
            case "boolean":
                return lambda draft: draft.rng.random() < 0.5
            case "null":
                return lambda draft: None  # noqa: ARG005 - makers share one signature
        return _text_maker(schema)

    def _reference(self, schema: JsonObject) -> Form | None:
        pointer = schema.get("$ref")
        if not isinstance(pointer, str):
            return None

        def make(draft: Draft) -> Any:
            if draft.depth > DEEPEST:
                raise ValueError(f"{pointer} recurses without an end")
            form = self._referred.get(pointer)
            if form is None:
                form = self._referred[pointer] = self.compile(self._find(pointer))
            draft.depth += 1
            value = form(draft)
            draft.depth -= 1
            return value

        return make

    def _find(self, pointer: str) -> Any:
        node = self._document
        for step in pointer.removeprefix("#").split("/")[1:]:
            name = step.replace("~1", "/").replace("~0", "~")
            try:
                node = node[int(name)] if isinstance(node, list) else node[name]
            except (KeyError, IndexError, TypeError):
                raise ValueError(f"{pointer} leads nowhere") from None
        return node

    def _choice(self, schema: JsonObject) -> Form | None:
        branches = schema.get("anyOf") or schema.get("oneOf")
        if not isinstance(branches, list) or not branches:
            return None
        shared = {name: value for name, value in schema.items() if name not in ("anyOf", "oneOf")}
        first = self.compile(_merged(shared, branches[0]))
        end = next((branch for branch in branches if _is_null(branch)), branches[-1])
        last = self.compile(_merged(shared, end))
        return lambda draft: (first if draft.depth <= DEEP else last)(draft)

    def _all_of(self, schema: JsonObject) -> Form | None:
        parts = schema.get("allOf")
        if not isinstance(parts, list) or not parts:
            return None
        whole = {name: value for name, value in schema.items() if name != "allOf"}
        for part in parts:
            target = part.get("$ref") if isinstance(part, dict) else None
            whole = _merged(whole, self._find(target) if isinstance(target, str) else part)
        return self.compile(whole)

    def _object(self, schema: JsonObject) -> Form:
        required = [name for name in schema.get("required", []) if isinstance(name, str)]
        properties: JsonObject = dict(schema.get("properties", {}))
        extra = schema.get("additionalProperties", True)
        for name in required:
            properties.setdefault(name, extra)
        makers = {name: self.compile(part) for name, part in properties.items()}
        needed = [name for name in properties if name in set(required)]
        optional = [name for name in properties if name not in set(required)]
        most = int(schema.get("maxProperties", len(properties)))
        least = min(int(schema.get("minProperties", 0)), MAX_LIST_LENGTH)
        another = self.compile(extra)
        if extra not in (True, False) and not properties:
            least = max(least, 1)  # a mapping with nothing in it says nothing
        spare = max(0, most - len(needed))
        chosen = set(needed) | set(optional[:spare])
        shallow = [name for name in properties if name in chosen]

        def make(draft: Draft) -> JsonObject:
            draft.depth += 1
            names = shallow if draft.depth <= DEEP else needed
            value = {name: makers[name](draft) for name in names}
            for name in optional:
                if len(value) >= least:
                    break
                value.setdefault(name, makers[name](draft))
            while len(value) < least:
                value[f"extra_{len(value)}"] = another(draft)
            draft.depth -= 1
            return value

        return make

    def _array(self, schema: JsonObject) -> Form:
        first = [self.compile(part) for part in schema.get("prefixItems", [])]
        item = self.compile(schema.get("items", {}))
        least = min(int(schema.get("minItems", 0)), MAX_LIST_LENGTH)
        most = int(schema.get("maxItems", max(3, least, len(first))))
        if schema.get("items") is False:
            most = min(most, len(first))
        unique = bool(schema.get("uniqueItems"))

        def make(draft: Draft) -> list[Any]:
            draft.depth += 1
            count = least
            if draft.depth <= DEEP:
                count = max(least, min(most, draft.rng.randint(1, 3)), min(most, len(first)))
            values = _items(draft, first, item, count, unique=unique)
            draft.depth -= 1
            return values

        return make


def _items(draft: Draft, first: list[Form], item: Form, count: int, *, unique: bool) -> list[Any]:
    values: list[Any] = []
    seen: set[bytes] = set()
    for _ in range(count * 20 if unique else count):
        if len(values) == count:
            break
        value = (first[len(values)] if len(values) < len(first) else item)(draft)
        mark = orjson.dumps(value, option=orjson.OPT_SORT_KEYS) if unique else b""
        if unique and mark in seen:
            continue
        seen.add(mark)
        values.append(value)
    return values


def _constant(schema: JsonObject) -> Form | None:
    if "const" in schema:
        value = schema["const"]
        return lambda draft: value  # noqa: ARG005 - makers share one signature
    choices = schema.get("enum")
    if isinstance(choices, list) and choices:
        return lambda draft: draft.rng.choice(choices)
    return None


def _merged(shared: JsonObject, branch: object) -> JsonObject:
    if not isinstance(branch, dict):
        return shared
    whole = {**shared, **branch}
    for name in ("properties", "$defs"):
        if name in shared and name in branch:
            whole[name] = {**shared[name], **branch[name]}
    if "required" in shared and "required" in branch:
        whole["required"] = [*shared["required"], *branch["required"]]
    return whole


def _is_null(branch: object) -> bool:
    return isinstance(branch, dict) and branch.get("type") == "null"


def _type_of(schema: JsonObject) -> str:
    kind = schema.get("type")
    if isinstance(kind, list):
        kind = next((name for name in kind if name != "null"), "null")
    if isinstance(kind, str):
        return kind
    if "properties" in schema or "required" in schema or "additionalProperties" in schema:
        return "object"
    if "items" in schema or "prefixItems" in schema or "minItems" in schema:
        return "array"
    if "minimum" in schema or "maximum" in schema or "multipleOf" in schema:
        return "number"
    return "string"


def _text_maker(schema: JsonObject) -> Form:
    shortest = int(schema.get("minLength", 0))
    longest = int(schema.get("maxLength", MAX_TEXT_LENGTH))
    if shortest > MAX_TEXT_LENGTH:
        raise ValueError(f"minLength is above {MAX_TEXT_LENGTH}")
    pattern, scale = schema.get("pattern"), _SCALES.get(str(schema.get("format")))

    def make(draft: Draft) -> str:
        if isinstance(pattern, str):
            text = matching_text(pattern, draft.rng, shortest, longest)
            if text is not None:
                return text
        if scale is not None:
            return scale.format(draft.rng.randint(1, 9), draft.rng.randint(0, 9))
        return _phrase(draft, shortest, longest)

    return make


def _phrase(draft: Draft, shortest: int, longest: int) -> str:
    """Some of the question's words in their order, within these lengths."""
    words, rng = draft.words, draft.rng
    start = int(rng.random() * len(words))
    count = 2 + int(rng.random() * 10)
    text = " ".join((words[start:] + words[:start])[:count])
    while len(text) < shortest:
        text = f"{text} {words[(start + count) % len(words)]}"
        count += 1
    if len(text) <= longest:
        return text
    cut = text[:longest]
    at_word = cut[: cut.rfind(" ")] if " " in cut else cut
    return at_word if len(at_word) >= max(shortest, 1) else cut


def _number_maker(schema: JsonObject, *, whole: bool) -> Form:
    low, high = _bounds(schema)
    step = schema.get("multipleOf", 1 if whole else None)
    if step:
        unit = Fraction(str(step)) if not whole else Fraction(_common_step(step))
        first = _ceil(Fraction(str(low)) / unit, open_end="exclusiveMinimum" in schema)
        last = _floor(Fraction(str(high)) / unit, open_end="exclusiveMaximum" in schema)
        return _stepped(unit, first, max(first, last), whole=whole)
    return lambda draft: _between(low, high, draft.rng.random())


def _stepped(unit: Fraction, first: int, last: int, *, whole: bool) -> Form:
    def make(draft: Draft) -> int | float:
        value = draft.rng.randint(first, last) * unit
        return int(value) if whole else float(value)

    return make


def _common_step(step: object) -> int:
    """The smallest whole number that is a multiple of this step."""
    return Fraction(str(step)).numerator


def _ceil(value: Fraction, *, open_end: bool) -> int:
    found = math.ceil(value)
    return found + 1 if open_end and found == value else found


def _floor(value: Fraction, *, open_end: bool) -> int:
    found = math.floor(value)
    return found - 1 if open_end and found == value else found


def _bounds(schema: JsonObject) -> tuple[float, float]:
    lows = [schema[name] for name in ("minimum", "exclusiveMinimum") if name in schema]
    highs = [schema[name] for name in ("maximum", "exclusiveMaximum") if name in schema]
    if any(isinstance(bound, bool) for bound in lows + highs):
        raise ValueError("exclusive bounds must be numbers")
    if lows:
        low = max(lows)
        return low, min(highs) if highs else low + 10
    high = min(highs, default=10)
    return min(0, high - 10), high


def _between(low: float, high: float, share: float) -> float:
    """Inside the bounds, never on them, and short to read where that fits."""
    value = low + (high - low) * (0.05 + 0.9 * share)
    short = round(value, 2)
    return short if low < short < high else value
