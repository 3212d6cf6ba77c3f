"""A schema as a document: its parts, where its references lead, and whether it is one at all.

Nothing outside of the document is ever read. A reference to a file, an address or another document
is refused by name, as is one that leads nowhere or round in a circle.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import cache
from typing import Any

from msgspec import Struct, field

from llmconfig.client.json_schema.errors import SchemaUnusable
from llmconfig.client.json_schema.patterns import PatternUnusable, pattern_of

MAX_DEPTH = 50  # parts within parts
MAX_REFERENCE_CHARACTERS = 500
MAX_EXACT = 2**63  # JSON parsers keep the digits of whole numbers below
WITH_DIALECT_CHECK_MAX_BYTES = 16_000  # 4.5 ms a KB in jsonschema

SUBSCHEMA = frozenset(
    {
        "additionalItems", "additionalProperties", "contains", "contentSchema", "else", "if",
        "items", "not", "propertyNames", "then", "unevaluatedItems", "unevaluatedProperties",
    }
)  # fmt: skip
SUBSCHEMA_LISTS = frozenset({"allOf", "anyOf", "oneOf", "prefixItems"})
SUBSCHEMA_MAPS = frozenset(
    {"$defs", "definitions", "dependencies", "dependentSchemas", "patternProperties", "properties"}
)
# What is looked at in the same place of an answer, so that a circle through them has no end.
IN_PLACE = frozenset({"allOf", "anyOf", "oneOf", "not", "if", "then", "else", "dependentSchemas"})
REFERENCES = ("$ref", "$dynamicRef", "$recursiveRef")
TYPES = frozenset({"array", "boolean", "integer", "null", "number", "object", "string"})
DRAFT3, DRAFT7 = (
    "http://json-schema.org/draft-03/schema#",
    "http://json-schema.org/draft-07/schema#",
)
NEWEST = "https://json-schema.org/draft/2020-12/schema"
# The dialects that differ little enough from the newest for what is read here.
NEWER = frozenset({DRAFT7, "https://json-schema.org/draft/2019-09/schema", NEWEST})
_SIZES = (
    "minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties",
    "minContains", "maxContains",
)  # fmt: skip
_NUMBERS = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")


class SubSchema(Struct):
    """A schema within the schema. `place` is its JSON path, such as `$.properties.name`."""

    schema: dict[str, Any]
    place: str
    depth: int
    target: "dict[str, Any] | bool | None" = None  # where its `$ref` leads


class Document(Struct):
    """A schema that was read, with all its parts."""

    schema: dict[str, Any]
    dialect: str  # the address of its metaschema
    parts: list[SubSchema] = field(default_factory=list)
    by_id: dict[int, SubSchema] = field(default_factory=dict)

    def target(self, schema: dict[str, Any]) -> Any:
        """Where the `$ref` of one of its parts leads: a schema or a truth value."""
        return self.by_id[id(schema)].target


@cache
def _standards() -> Any:
    from llmconfig.client.json_schema import standards  # noqa: PLC0415 - few schemas need it

    return standards


def read(schema: dict[str, Any], *, size: int, lenient: bool = False) -> Document:
    """Read a schema of `size` bytes; raises SchemaUnusable.

    A `lenient` reading is for schemas that are only handed on: keywords may have any form.
    """
    if not isinstance(schema.get("$schema", ""), str):
        raise SchemaUnusable("The schema's $schema is no text.")
    dialect = schema.get("$schema", NEWEST)
    if dialect != NEWEST:
        dialect = _standards().dialect_of(dialect)
    if dialect == DRAFT3:
        raise SchemaUnusable("The schema is of draft 3, which isn't read; draft 4 and later are.")
    document = Document(schema, dialect)
    if dialect not in NEWER and not lenient:
        _check_by_dialect(document, size)
    _walk(document, lenient=lenient)
    _refuse_circles(document)
    if not lenient:
        _refuse_slow_words(document)
    return document


def _check_by_dialect(document: Document, size: int) -> None:
    """Old dialects by their own rules, which jsonschema has."""
    if size > WITH_DIALECT_CHECK_MAX_BYTES:
        raise SchemaUnusable(
            f"A schema of {document.schema['$schema']} has at most {WITH_DIALECT_CHECK_MAX_BYTES}"
            " bytes; newer dialects may have more."
        )
    error = _standards().mistake_by(document.dialect, document.schema)
    if error is not None:
        raise SchemaUnusable(f"The schema is wrong at {error.json_path}: {error.message[:200]}")


def _walk(document: Document, *, lenient: bool) -> None:
    """Find all parts, those that only references lead to included, and check their form."""
    dialect = document.dialect
    root = cache(lambda: _standards().resolver_of(dialect, document.schema))
    named = dialect != NEWEST or "$id" in document.schema
    resolver = root() if named else None  # with the first part that needs one
    waiting = [(SubSchema(document.schema, "$", 0), resolver)]
    while waiting:
        part, resolver = waiting.pop()
        if id(part.schema) in document.by_id:
            continue
        if part.depth > MAX_DEPTH:
            raise SchemaUnusable(f"The schema is nested more than {MAX_DEPTH} times.")
        document.by_id[id(part.schema)] = part
        document.parts.append(part)
        if "$id" in part.schema and part.schema is not document.schema:
            resolver = _standards().inside(resolver or root(), dialect, part.schema)
        if not lenient:
            _check_form(part, strict=document.dialect in NEWER)
        for name in REFERENCES:
            if name in part.schema:
                waiting += _follow(part, name, resolver or root())
        waiting += [(child, resolver) for child in reversed(list(_within(part)))]


def _follow(part: SubSchema, name: str, resolver: Any) -> list[tuple[SubSchema, Any]]:
    reference = part.schema[name]
    shown = repr(reference)[:80]
    if not isinstance(reference, str) or len(reference) > MAX_REFERENCE_CHARACTERS:
        raise _wrong(part, f"{name} {shown} is no reference")
    if name == "$recursiveRef" and reference != "#":
        raise _wrong(part, f"{name} {shown} is no reference")
    resolved = _standards().lookup(resolver, reference)
    if resolved is None:
        if reference.startswith("#"):
            raise _wrong(part, f"{name} {shown} leads nowhere")
        raise _wrong(
            part,
            f"{name} {shown} leads out of the schema, and nothing is fetched; put what it names"
            " under $defs",
        )
    target = resolved.contents
    if not isinstance(target, dict | bool):
        raise _wrong(part, f"{name} {shown} leads to no schema")
    part.target = target
    if isinstance(target, bool):
        return []
    return [(SubSchema(target, f"{part.place}.{name}"[:300], 0), resolved.resolver)]


def _within(part: SubSchema) -> Iterator[SubSchema]:
    """The schemas right inside a part."""
    for name, value in part.schema.items():
        place = f"{part.place}.{name}"
        if name in SUBSCHEMA_MAPS and isinstance(value, dict):
            for key, each in value.items():
                if isinstance(each, dict):
                    yield SubSchema(each, f"{place}.{key}"[:300], part.depth + 1)
        elif isinstance(value, dict) and name in SUBSCHEMA:
            yield SubSchema(value, place[:300], part.depth + 1)
        elif isinstance(value, list) and (name in SUBSCHEMA_LISTS or name == "items"):
            for at, each in enumerate(value):
                if isinstance(each, dict):
                    yield SubSchema(each, f"{place}[{at}]"[:300], part.depth + 1)


def in_place(part: SubSchema) -> Iterator[dict[str, Any]]:
    """The schemas that are looked at where the part itself is."""
    if isinstance(part.target, dict):
        yield part.target
    for name, value in part.schema.items():
        if name not in IN_PLACE:
            continue
        if name == "dependentSchemas" and isinstance(value, dict):
            yield from (each for each in value.values() if isinstance(each, dict))
        elif isinstance(value, list):
            yield from (each for each in value if isinstance(each, dict))
        elif isinstance(value, dict):
            yield value


def _refuse_circles(document: Document) -> None:
    """Refuse references that come back to where they began without a step into the answer."""
    done: set[int] = set()
    for start in document.parts:
        if id(start.schema) in done:
            continue
        path: list[tuple[SubSchema, Iterator[dict[str, Any]]]] = [(start, in_place(start))]
        on_path = {id(start.schema)}
        while path:
            part, following = path[-1]
            each = next(following, None)
            if each is None:
                path.pop()
                on_path.discard(id(part.schema))
                done.add(id(part.schema))
            elif id(each) in on_path:
                raise _wrong(_reference_on(path), "its reference has no end: it leads back here")
            elif id(each) not in done:
                child = document.by_id[id(each)]
                path.append((child, in_place(child)))
                on_path.add(id(each))


def _refuse_slow_words(document: Document) -> None:
    """jsonschema matches the names of both together with a backtracking engine."""
    used = {name for part in document.parts for name in part.schema}
    if {"patternProperties", "unevaluatedProperties"} <= used:
        raise SchemaUnusable(
            "The schema has patternProperties and unevaluatedProperties, which can't be checked"
            " together; use additionalProperties."
        )


def _reference_on(path: Sequence[tuple[SubSchema, Any]]) -> SubSchema:
    """The last part on a path that has a reference, whose place says most."""
    parts = [part for part, _ in path]
    return next((part for part in reversed(parts) if part.target is not None), parts[-1])


def _wrong(part: SubSchema, reason: str) -> SchemaUnusable:
    named = next((part.schema[name] for name in REFERENCES if name in part.schema), None)
    said = f" ({named!r})"[:90] if isinstance(named, str) and repr(named)[:80] not in reason else ""
    return SchemaUnusable(f"The schema is wrong at {part.place}: {reason}{said}.")


# The form of keywords


def _check_form(part: SubSchema, *, strict: bool) -> None:
    """Refuse keywords with values that they can't have; an unknown keyword is no mistake."""
    schema = part.schema
    for name in ("pattern", "patternProperties"):
        if name in schema:
            _check_patterns(part, name)
    for name in (*_NUMBERS, "multipleOf", "const", "enum"):
        if name in schema:
            _refuse_lost_digits(part, name, schema[name])
    if not strict:
        return  # its own dialect has checked the rest
    for name, value in schema.items():
        fits = _FORMS.get(name)
        if fits is not None and not fits(value):
            raise _wrong(part, f"{name} is {repr(value)[:60]}, which it can't be")


def _check_patterns(part: SubSchema, name: str) -> None:
    value = part.schema[name]
    for pattern in value if isinstance(value, dict) else (value,):
        if not isinstance(pattern, str):
            raise _wrong(part, f"{name} is no text")
        try:
            pattern_of(pattern)
        except PatternUnusable as error:
            raise _wrong(part, f"the {name} {pattern[:60]!r} can't be checked: {error}") from None


def _refuse_lost_digits(part: SubSchema, name: str, value: Any) -> None:
    """Whole numbers beyond 64 bits have become floats before they came here."""
    for each in value if isinstance(value, list) else (value,):
        if isinstance(each, float) and abs(each) >= MAX_EXACT:
            raise _wrong(part, f"{name} has a number of more than 64 bits, which would lose digits")


def _is_type(value: Any) -> bool:
    if isinstance(value, list):
        texts = all(isinstance(each, str) for each in value)
        return bool(value) and texts and len({*value}) == len(value) and {*value} <= TYPES
    return isinstance(value, str) and value in TYPES


def _is_schema(value: Any) -> bool:
    return isinstance(value, dict | bool)


def _is_schemas(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(map(_is_schema, value))


def _is_map(value: Any) -> bool:
    return isinstance(value, dict) and all(map(_is_schema, value.values()))


def _is_number(value: Any) -> bool:
    return type(value) in (int, float)


def _is_size(value: Any) -> bool:
    return _is_number(value) and value >= 0 and value == int(value)


def _is_names(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(each, str) for each in value)


def _is_names_by_name(value: Any) -> bool:
    return isinstance(value, dict) and all(map(_is_names, value.values()))


_FORMS: dict[str, Callable[[Any], bool]] = {
    "type": _is_type,
    "enum": lambda value: isinstance(value, list),
    "required": _is_names,
    "dependentRequired": _is_names_by_name,
    "dependencies": lambda value: (
        isinstance(value, dict)
        and all(_is_schema(each) or _is_names(each) for each in value.values())
    ),
    "multipleOf": lambda value: _is_number(value) and value > 0,
    "uniqueItems": lambda value: isinstance(value, bool),
    "format": lambda value: isinstance(value, str),
    "items": lambda value: _is_schema(value) or _is_schemas(value),
    **dict.fromkeys(_SIZES, _is_size),
    **dict.fromkeys(_NUMBERS, _is_number),
    **dict.fromkeys(SUBSCHEMA - {"items"}, _is_schema),
    **dict.fromkeys(SUBSCHEMA_LISTS, _is_schemas),
    **dict.fromkeys(SUBSCHEMA_MAPS - {"dependencies"}, _is_map),
}
