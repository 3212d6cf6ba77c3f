"""jsonschema's verdict in bounded time: what is wrong with an answer, and where.

Each keyword that is looked at costs a step, longer lists cost more, and so do long messages.
Patterns are matched by RE2, items are compared by their hashes, multiples in decimal.
"""

from collections.abc import Callable, Iterable, Iterator
from functools import cache
from itertools import islice
from typing import Any

from jsonschema import ValidationError
from jsonschema.exceptions import best_match
from jsonschema.validators import extend

from llmconfig.client.json_schema.document import Document
from llmconfig.client.json_schema.patterns import pattern_of
from llmconfig.client.json_schema.standards import NOTHING_ELSE, validator_of
from llmconfig.client.json_schema.values import is_multiple, key_of
from llmconfig.client.json_schema.work import Meter, TooMuchWork

MAX_ERRORS = 50  # of which the best is told
MAX_MESSAGE_CHARACTERS = 300
CHARGED_LENGTH = 16  # entries of a list or characters of a message that cost a step more

_meter = Meter()
_Keyword = Callable[[Any, Any, Any, Any], Iterable[ValidationError] | None]


def judge_of(document: Document) -> Any:
    """jsonschema's validator for a schema, with our bounds."""
    return _bounded_dialect(document.dialect)(document.schema, registry=NOTHING_ELSE)


def complaints(judge: Any, value: Any, *, steps: int) -> list[ValidationError]:
    """What is wrong with a value, at most MAX_ERRORS errors; raises TooMuchWork."""
    _meter.start(steps)
    try:
        return list(islice(judge.iter_errors(value), MAX_ERRORS))
    except RecursionError:
        raise TooMuchWork("it is nested too deeply") from None


def best(errors: list[ValidationError]) -> str:
    """The error that says most, with its place."""
    error = best_match(errors)
    if error is None:
        return ""
    where = error.json_path.removeprefix("$.") if error.absolute_path else "the answer"
    return f"{where}: {error.message}"[:MAX_MESSAGE_CHARACTERS]


@cache
def _bounded_dialect(dialect: str) -> Any:
    base = validator_of(dialect)
    ours = dict(base.VALIDATORS) | {
        name: keyword for name, keyword in _OURS.items() if name in base.VALIDATORS
    }
    return extend(  # type: ignore[no-untyped-call]
        base, {name: _counted(keyword) for name, keyword in ours.items()}
    )


def _counted(keyword: _Keyword) -> _Keyword:
    def counted(
        validator: Any, value: Any, instance: Any, schema: Any
    ) -> Iterator[ValidationError]:
        entries = len(value) if isinstance(value, list | dict) else 0
        _meter.spend(1 + entries // CHARGED_LENGTH)
        for error in keyword(validator, value, instance, schema) or ():
            _meter.spend(1 + len(error.message) // CHARGED_LENGTH)
            yield error

    return counted


def _pattern(validator: Any, source: Any, instance: Any, _schema: Any) -> Iterator[ValidationError]:
    if validator.is_type(instance, "string") and not pattern_of(source).found_in(instance):
        yield ValidationError(f"{instance[:80]!r} does not match {source!r}")


def _pattern_properties(
    validator: Any, parts: Any, instance: Any, _schema: Any
) -> Iterator[ValidationError]:
    if not validator.is_type(instance, "object"):
        return
    for source, part in parts.items():
        pattern = pattern_of(source)
        for name, value in instance.items():
            _meter.spend()
            if pattern.found_in(name):
                yield from validator.descend(value, part, path=name, schema_path=source)


def _additional_properties(
    validator: Any, part: Any, instance: Any, schema: Any
) -> Iterator[ValidationError]:
    if not validator.is_type(instance, "object"):
        return
    named = schema.get("properties", {})
    patterns = [pattern_of(source) for source in schema.get("patternProperties", ())]
    others = []
    for name in instance:
        _meter.spend(1 + len(patterns))
        if name not in named and not any(pattern.found_in(name) for pattern in patterns):
            others.append(name)
    if part is False and others:
        shown = ", ".join(repr(name[:40]) for name in others[:5])
        yield ValidationError(f"Additional properties are not allowed ({shown})")
    elif isinstance(part, dict):
        for name in others:
            yield from validator.descend(instance[name], part, path=name)


def _unique_items(
    validator: Any, wanted: Any, instance: Any, _schema: Any
) -> Iterator[ValidationError]:
    if not wanted or not validator.is_type(instance, "array"):
        return
    _meter.spend(len(instance))
    seen: set[Any] = set()
    for at, each in enumerate(instance):
        key = key_of(each)
        if key in seen:
            yield ValidationError(f"{repr(each)[:80]} stands in it twice, again at {at}")
            return
        seen.add(key)


def _multiple_of(
    validator: Any, step: Any, instance: Any, _schema: Any
) -> Iterator[ValidationError]:
    if validator.is_type(instance, "number") and not is_multiple(instance, step):
        yield ValidationError(f"{instance!r} is not a multiple of {step}")


_OURS: dict[str, _Keyword] = {
    "pattern": _pattern,
    "patternProperties": _pattern_properties,
    "additionalProperties": _additional_properties,
    "uniqueItems": _unique_items,
    "multipleOf": _multiple_of,
}
