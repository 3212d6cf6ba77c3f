"""Answers that must obey a JSON schema: reading them, and checking them quickly.

jsonschema judges. Before it, a check compiled from the usual keywords says yes to good answers in a
few microseconds; where it doubts, or doesn't know a keyword, it leaves the word to jsonschema.
"""

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import orjson
from jsonschema import Draft202012Validator, SchemaError
from jsonschema.exceptions import best_match
from jsonschema.validators import validator_for

Check = Callable[[Any], bool]
MAX_COMPLAINT_LENGTH = 300
_FENCED = re.compile(r"```(?:json)?\s*\n(.*?)\n?\s*```", re.DOTALL)
_IGNORED = frozenset(
    {"title", "description", "default", "examples", "$schema", "$id", "$comment", "deprecated"}
)


class SchemaMismatch(Exception):
    """An answer that isn't JSON or breaks the schema; its text says where, for the model."""


class SchemaUnusable(ValueError):
    """The schema that was asked for is itself wrong."""


@dataclass(frozen=True, slots=True)
class OutputSchema:
    """A schema ready for use. `strict`: OpenAI's strict mode takes it as it is."""

    schema: dict[str, Any]
    strict: bool
    instruction: str
    good: Check
    judge: Any  # jsonschema's validator

    def read(self, text: str) -> Any:
        """The answer's JSON value; raises Misfit."""
        value = _loads(text)
        if self.good(value):
            return value
        error = best_match(self.judge.iter_errors(value))
        if error is not None:
            where = error.json_path.removeprefix("$.") if error.absolute_path else "the answer"
            raise SchemaMismatch(f"{where}: {error.message}"[:MAX_COMPLAINT_LENGTH])
        return value


def shape_of(schema: Mapping[str, Any]) -> OutputSchema:
    """The compiled schema, from a cache; raises SchemaUnusable."""
    return _compiled(orjson.dumps(schema))


@lru_cache(maxsize=256)
def _compiled(text: bytes) -> OutputSchema:
    schema = orjson.loads(text)
    validator = validator_for(schema)
    try:
        validator.check_schema(schema)
    except SchemaError as error:
        raise SchemaUnusable(f"The schema is wrong at {error.json_path}: {error.message}") from None
    return OutputSchema(
        schema=schema,
        strict=_strict(schema),
        instruction=(
            "Answer with one JSON value and nothing else. It must obey this JSON schema:\n"
            + text.decode()
        ),
        good=_check(schema) if validator is Draft202012Validator else _doubt,
        judge=validator(schema),
    )


def _loads(text: str) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        fenced = _FENCED.search(text)
        if fenced is None:
            raise SchemaMismatch(f"not JSON: {error}"[:MAX_COMPLAINT_LENGTH]) from None
    try:
        return orjson.loads(fenced[1])
    except orjson.JSONDecodeError as error:
        raise SchemaMismatch(f"not JSON: {error}"[:MAX_COMPLAINT_LENGTH]) from None


def _strict(schema: Any) -> bool:
    """Whether every object in it names all its properties as required and allows no others."""
    if isinstance(schema, list):
        return all(map(_strict, schema))
    if not isinstance(schema, dict):
        return True
    if "properties" in schema or schema.get("type") == "object":
        names = schema.get("properties", {})
        if schema.get("additionalProperties") is not False:
            return False
        if set(names) != set(schema.get("required", ())):
            return False
    return all(map(_strict, schema.values()))


def _check(schema: Any) -> Check:
    """A check that is only true for values which surely obey the schema."""
    if schema is True or schema == {}:
        return _anything
    if not isinstance(schema, dict):
        return _doubt
    checks: list[Check] = []
    for keyword, value in schema.items():
        if keyword in _IGNORED:
            continue
        if keyword in _OBJECT_WORDS:
            continue  # taken together below
        make = _KEYWORDS.get(keyword)
        if make is None:
            return _doubt
        checks.append(make(value))
    if not _OBJECT_WORDS.isdisjoint(schema):
        checks.append(_object(schema))
    if len(checks) == 1:
        return checks[0]
    return lambda value: all(check(value) for check in checks)


def _anything(_value: Any) -> bool:
    return True


def _doubt(_value: Any) -> bool:
    return False


_TYPES: dict[str, Check] = {
    "object": lambda value: type(value) is dict,
    "array": lambda value: type(value) is list,
    "string": lambda value: type(value) is str,
    "boolean": lambda value: type(value) is bool,
    "null": lambda value: value is None,
    "integer": lambda value: type(value) is int,
    "number": lambda value: type(value) in (int, float),
}


def _type(names: Any) -> Check:
    if isinstance(names, str):
        return _TYPES.get(names, _doubt)
    checks = [_TYPES.get(name, _doubt) for name in names]
    return lambda value: any(check(value) for check in checks)


def _enum(values: Any) -> Check:
    # Texts only: 1 equals True in Python and not in JSON.
    texts = frozenset(value for value in values if isinstance(value, str))
    nothing = None in values
    return lambda value: value in texts if type(value) is str else value is None and nothing


def _items(schema: Any) -> Check:
    check = _check(schema)
    return lambda value: type(value) is not list or all(map(check, value))


def _sized(kind: type[str | list[Any]], *, least: int = 0, most: float = math.inf) -> Check:
    return lambda value: type(value) is not kind or least <= len(value) <= most


def _bounded(allowed: Callable[[Any], bool]) -> Check:
    return lambda value: type(value) not in (int, float) or allowed(value)


def _any_of(schemas: Any) -> Check:
    checks = [_check(schema) for schema in schemas]
    return lambda value: any(check(value) for check in checks)


def _object(schema: dict[str, Any]) -> Check:
    """properties, required and additionalProperties, which belong together."""
    named = {name: _check(part) for name, part in schema.get("properties", {}).items()}
    required = tuple(schema.get("required", ()))
    others = _check(schema.get("additionalProperties", True))

    def fits(value: Any) -> bool:
        if type(value) is not dict:
            return True
        return all(name in value for name in required) and all(
            named.get(name, others)(part) for name, part in value.items()
        )

    return fits


_OBJECT_WORDS = frozenset({"properties", "required", "additionalProperties"})
_KEYWORDS: dict[str, Callable[[Any], Check]] = {
    "type": _type,
    "enum": _enum,
    "const": lambda value: _enum([value]),
    "items": _items,
    "anyOf": _any_of,
    "minLength": lambda least: _sized(str, least=least),
    "maxLength": lambda most: _sized(str, most=most),
    "minItems": lambda least: _sized(list, least=least),
    "maxItems": lambda most: _sized(list, most=most),
    "minimum": lambda bound: _bounded(lambda value: value >= bound),
    "maximum": lambda bound: _bounded(lambda value: value <= bound),
    "exclusiveMinimum": lambda bound: _bounded(lambda value: value > bound),
    "exclusiveMaximum": lambda bound: _bounded(lambda value: value < bound),
}
