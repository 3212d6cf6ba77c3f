"""Checks compiled from a schema's usual keywords: they say yes to good answers in microseconds.

No is only a doubt, which `judge` settles: a keyword that isn't known here, or an answer that is
wrong. Steps are counted where work multiplies: alternatives, and references.
"""

import math
from collections.abc import Callable, Mapping
from itertools import repeat
from typing import Any

from llmconfig.client.json_schema.document import DRAFT7, NEWER, Document
from llmconfig.client.json_schema.patterns import CompiledPattern, pattern_of
from llmconfig.client.json_schema.values import is_multiple, key_of
from llmconfig.client.json_schema.work import TooMuchWork

Steps = list[int]  # the steps that are left, as its one element
Check = Callable[[Any, Steps], bool]

_IGNORED = frozenset(
    {
        "$anchor", "$comment", "$defs", "$id", "$schema", "contentEncoding", "contentMediaType",
        "default", "definitions", "deprecated", "description", "discriminator", "example",
        "examples", "format", "nullable", "readOnly", "title", "writeOnly",
    }
)  # fmt: skip
# With one of these a part says what its value is; numbers elsewhere aren't looked at.
_TELLING = frozenset({"type", "enum", "const", "$ref", "anyOf", "allOf"})
# Those that a number of more than 64 bits, which the fast parser makes a float of, may not pass.
_EXACT_BELOW = 2.0**63


class QuickCheck:
    """A check that is only true for values which surely obey the schema.

    `sees_all` tells that it looks at every number of an answer, `is_flat` that an answer which it
    lets pass is nested no deeper than the schema.
    """

    def __init__(self, document: Document) -> None:
        compiler = _Compiler(document)
        self.check: Check = _doubt
        if document.dialect in NEWER:
            self.check = compiler.check(document.schema)
        self.sees_all = compiler.sees_all
        self.is_flat = self.sees_all and not compiler.refers


class _Compiler:
    """Compiles each part once, so that parts which refer to each other can."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._made: dict[int, Check] = {}
        self.sees_all = True
        self.refers = False

    def check(self, schema: Any) -> Check:
        """The check of one part."""
        if not isinstance(schema, dict):
            self.sees_all = False
            return _anything if schema is True else _doubt
        if _TELLING.isdisjoint(schema) or _holds_anything(schema):
            self.sees_all = False
        if "$ref" in schema and self._document.dialect == DRAFT7 and len(schema) > 1:
            return _doubt  # what stands beside a reference meant nothing then
        checks = [
            self._keyword(keyword, value, schema)
            for keyword, value in schema.items()
            if not (keyword in _IGNORED or keyword in _OBJECT_WORDS or keyword.startswith("x-"))
        ]
        if not _OBJECT_WORDS.isdisjoint(schema):
            checks.append(self._object(schema))
        known = [check for check in checks if check is not None]
        if len(known) < len(checks):
            return _doubt
        if len(known) == 1:
            return known[0]
        return lambda value, steps: all(check(value, steps) for check in known)

    def _keyword(self, keyword: str, value: Any, schema: Mapping[str, Any]) -> Check | None:
        if keyword == "$ref":
            return self._reference(schema)
        if keyword == "anyOf":
            return self._any_of(value)
        if keyword == "allOf":
            return self._all_of(value)
        if keyword == "items":
            return self._items(value) if "prefixItems" not in schema else None
        make = _KEYWORDS.get(keyword)
        return make(value) if make is not None else None

    def _reference(self, schema: Mapping[str, Any]) -> Check | None:
        part = self._document.by_id.get(id(schema))
        if part is None or part.target is None:
            return None
        target, self.refers = part.target, True
        if not isinstance(target, dict):
            return self.check(target)
        made = self._made
        if id(target) not in made:
            made[id(target)] = _doubt  # while it is compiled; looked up again when it is used
            made[id(target)] = self.check(target)

        def follow(value: Any, steps: Steps) -> bool:
            _spend(steps)
            return made[id(target)](value, steps)

        return follow

    def _any_of(self, schemas: Any) -> Check:
        checks = [self.check(schema) for schema in schemas]

        def fits(value: Any, steps: Steps) -> bool:
            _spend(steps)
            for check in checks:
                if check(value, steps):
                    return True
                _spend(steps)
            return False

        return fits

    def _all_of(self, schemas: Any) -> Check:
        checks = [self.check(schema) for schema in schemas]

        def fits(value: Any, steps: Steps) -> bool:
            _spend(steps, len(checks))
            return all(check(value, steps) for check in checks)

        return fits

    def _items(self, schema: Any) -> Check | None:
        if isinstance(schema, list):
            return None
        check = self.check(schema)
        return lambda value, steps: type(value) is not list or all(map(check, value, repeat(steps)))

    def _object(self, schema: dict[str, Any]) -> Check:
        """properties, required and additionalProperties, which belong together."""
        named = {name: self.check(part) for name, part in schema.get("properties", {}).items()}
        required = tuple(schema.get("required", ()))
        others = self.check(schema.get("additionalProperties", True))
        patterned = [
            (pattern_of(source), self.check(part))
            for source, part in schema.get("patternProperties", {}).items()
        ]

        def fits(value: Any, steps: Steps) -> bool:
            if type(value) is not dict:
                return True
            if len(required) > 20:
                _spend(steps, len(required) // 20)
            return all(name in value for name in required) and all(
                named.get(name, others)(part, steps) for name, part in value.items()
            )

        def fits_patterns(value: Any, steps: Steps) -> bool:
            if type(value) is not dict:
                return True
            _spend(steps, len(value) * len(patterned))
            return all(name in value for name in required) and all(
                _fits_named(name, part, steps) for name, part in value.items()
            )

        def _fits_named(name: str, part: Any, steps: Steps) -> bool:
            checks = [check for pattern, check in patterned if pattern.found_in(name)]
            if name in named:
                checks.append(named[name])
            return all(check(part, steps) for check in checks or (others,))

        return fits_patterns if patterned else fits


def _holds_anything(schema: Mapping[str, Any]) -> bool:
    """Whether it is a list or an object of which nothing is said."""
    kinds = schema.get("type", ())
    return ("array" in kinds and "items" not in schema) or (
        "object" in kinds and _OBJECT_WORDS.isdisjoint(schema)
    )


def _spend(steps: Steps, number: int = 1) -> None:
    steps[0] -= number
    if steps[0] < 0:
        raise TooMuchWork("checking it against the schema takes too long")


def _anything(_value: Any, _steps: Steps) -> bool:
    return True


def _doubt(_value: Any, _steps: Steps) -> bool:
    return False


_TYPES: dict[str, Callable[[Any], bool]] = {
    "object": lambda value: type(value) is dict,
    "array": lambda value: type(value) is list,
    "string": lambda value: type(value) is str,
    "boolean": lambda value: type(value) is bool,
    "null": lambda value: value is None,
    "integer": lambda value: type(value) is int,
    "number": lambda value: (
        type(value) is int or (type(value) is float and -_EXACT_BELOW < value < _EXACT_BELOW)
    ),
}


def _type(names: Any) -> Check:
    if isinstance(names, str):
        check = _TYPES[names]
        return lambda value, _steps: check(value)
    checks = [_TYPES[name] for name in names]
    return lambda value, _steps: any(check(value) for check in checks)


def _enum(values: Any) -> Check:
    texts = frozenset(value for value in values if isinstance(value, str))
    others = frozenset(key_of(value) for value in values if not isinstance(value, str))

    def fits(value: Any, _steps: Steps) -> bool:
        if type(value) is str:
            return value in texts
        return bool(others) and key_of(value) in others

    return fits


def _sized(
    kind: type[str | list[Any] | dict[str, Any]], *, least: float = 0, most: float = math.inf
) -> Check:
    return lambda value, _steps: type(value) is not kind or least <= len(value) <= most


def _bounded(allowed: Callable[[Any], bool]) -> Check:
    return lambda value, _steps: type(value) not in (int, float) or allowed(value)


def _multiple(step: Any) -> Check:
    return _bounded(lambda value: is_multiple(value, step))


def _pattern(source: str) -> Check:
    pattern: CompiledPattern = pattern_of(source)
    return lambda value, _steps: type(value) is not str or pattern.found_in(value)


def _unique(wanted: bool) -> Check:
    if not wanted:
        return _anything
    return lambda value, _steps: (
        type(value) is not list or len({key_of(each) for each in value}) == len(value)
    )


_OBJECT_WORDS = frozenset({"properties", "required", "additionalProperties", "patternProperties"})
_KEYWORDS: dict[str, Callable[[Any], Check]] = {
    "type": _type,
    "enum": _enum,
    "const": lambda value: _enum([value]),
    "minLength": lambda least: _sized(str, least=least),
    "maxLength": lambda most: _sized(str, most=most),
    "minItems": lambda least: _sized(list, least=least),
    "maxItems": lambda most: _sized(list, most=most),
    "minProperties": lambda least: _sized(dict, least=least),
    "maxProperties": lambda most: _sized(dict, most=most),
    "minimum": lambda bound: _bounded(lambda value: value >= bound),
    "maximum": lambda bound: _bounded(lambda value: value <= bound),
    "exclusiveMinimum": lambda bound: _bounded(lambda value: value > bound),
    "exclusiveMaximum": lambda bound: _bounded(lambda value: value < bound),
    "multipleOf": _multiple,
    "pattern": _pattern,
    "uniqueItems": _unique,
}
