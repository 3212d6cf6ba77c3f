"""A schema in the form that a provider takes.

Each takes a part of JSON Schema and refuses requests with more. What a form leaves out is written
into the description next to it, for the model, and checked in the answer afterwards, by us. A form
never allows less than the schema where that would forbid a right answer.

Sources: OpenAI, "Structured outputs: supported schemas" (February 2026); Anthropic, "Structured
outputs: JSON schema limitations" (November 2025); llama.cpp's `json-schema-to-grammar` and
LLGuidance's documents on JSON Schema, and a llama.cpp server tried with each keyword.
"""

from collections.abc import Callable, Iterator
from typing import Any

from msgspec import Struct

from llmconfig.client.json_schema.document import Document, SubSchema

JSON = dict[str, Any]
# OpenAI's limits on a strict schema.
MAX_STRICT_PROPERTIES = 5000
MAX_STRICT_DEPTH = 10
MAX_STRICT_ENUM_VALUES = 1000
# llama.cpp refuses to count further.
MAX_REPETITIONS = 2000

_NAMES = frozenset({"title", "description"})
_STRUCTURE = frozenset(
    {"$defs", "$ref", "additionalProperties", "anyOf", "const", "enum", "items", "properties",
     "required", "type"}
)  # fmt: skip
_NUMBER_BOUNDS = frozenset(
    {"exclusiveMaximum", "exclusiveMinimum", "maximum", "minimum", "multipleOf"}
)
_OPENAI_NARROW = _NAMES | _STRUCTURE
_OPENAI = _OPENAI_NARROW | _NUMBER_BOUNDS | {
    "format", "maxItems", "maxLength", "minItems", "minLength", "pattern"
}  # fmt: skip
_OPENAI_FORMATS = frozenset(
    {"date", "date-time", "duration", "email", "hostname", "ipv4", "ipv6", "time", "uuid"}
)
_ANTHROPIC = _NAMES | _STRUCTURE | {"allOf", "default", "format", "minItems", "pattern"}
_ANTHROPIC_FORMATS = _OPENAI_FORMATS | {"uri"}
_GRAMMAR = _NAMES | _STRUCTURE | {
    "allOf", "exclusiveMaximum", "exclusiveMinimum", "format", "maxItems", "maxLength", "maximum",
    "minItems", "minLength", "minimum", "pattern", "prefixItems",
}  # fmt: skip
_GRAMMAR_FORMATS = frozenset({"date", "date-time", "time", "uuid"})
# Said to the model in words where a form has no place for them.
_TOLD = frozenset(
    {"contains", "format", "maxContains", "maxItems", "maxLength", "maxProperties", "minContains",
     "minItems", "minLength", "minProperties", "pattern", "propertyNames", "uniqueItems"}
) | _NUMBER_BOUNDS  # fmt: skip
# Beside properties these allow names that a closed object forbids.
_OPENING = frozenset({"patternProperties", "unevaluatedProperties", "dependentSchemas"})
_BEYOND_ANTHROPIC = _OPENING | {"prefixItems", "dependencies"}
# With one of these a part says what it is.
_TELLING = frozenset({"type", "anyOf", "oneOf", "allOf", "$ref", "enum", "const"})


class Form(Struct, frozen=True):
    """What is sent. `strict` tells that the provider can promise to obey it."""

    schema: JSON
    strict: bool = False


def openai_form(document: Document, *, narrow: bool = False) -> Form:
    """Strict where the schema can be; else the schema as it is, which is then only a wish.

    `narrow` is what Azure and fine-tuned models take: no bounds at all.
    """
    if _strict(document):
        known = _OPENAI_NARROW if narrow else _OPENAI
        return Form(_written(document, known, _openai_keyword), strict=True)
    return Form(document.schema)


def anthropic_form(document: Document) -> Form | None:
    """None where it can't be expressed: recursion, open objects, parts without a type."""
    if _recursive(document) or not all(map(_expressible, _used(document))):
        return None
    return Form(_written(document, _ANTHROPIC, _anthropic_keyword, close=True), strict=True)


def grammar_form(document: Document) -> Form:
    """For servers that compile a grammar: what they don't know is left out."""
    return Form(_written(document, _GRAMMAR, _grammar_keyword), strict=_strict(document))


# What a schema must be


def _strict(document: Document) -> bool:
    """Whether OpenAI's strict mode takes it: closed objects, all properties required."""
    root = document.schema
    if root.get("type", "object") != "object" or "anyOf" in root:
        return False
    parts = list(_used(document))
    properties = sum(len(part.schema.get("properties", ())) for part in parts)
    values = sum(len(part.schema.get("enum", ())) for part in parts)
    return (
        all(map(_strict_part, parts))
        and properties <= MAX_STRICT_PROPERTIES
        and values <= MAX_STRICT_ENUM_VALUES
        and _object_depth(document) <= MAX_STRICT_DEPTH
    )


def _strict_part(part: SubSchema) -> bool:
    schema = part.schema
    unknown = {"allOf", "oneOf", "not", "if", "dependentRequired", "dependencies", "prefixItems"}
    if not (unknown | _OPENING).isdisjoint(schema) or isinstance(schema.get("items"), list):
        return False
    names = schema.get("properties", {})
    if "properties" not in schema and not _says(schema, "object"):
        return "type" in schema or not {"$ref", "anyOf", "enum", "const"}.isdisjoint(schema)
    closed = schema.get("additionalProperties") is False
    return (
        closed
        and {*names} == {*schema.get("required", ())}
        and all(isinstance(each, dict) for each in names.values())
    )


def _object_depth(document: Document) -> int:
    return max(part.place.count(".properties.") for part in document.parts) + 1


def _expressible(part: SubSchema) -> bool:
    """Whether Anthropic's structured outputs can say what a part is."""
    schema = part.schema
    values = [*schema.get("enum", ()), schema.get("const")]
    beyond = (
        not _BEYOND_ANTHROPIC.isdisjoint(schema),
        isinstance(schema.get("items"), list),
        any(isinstance(each, dict | list) for each in values),
        _says(schema, "object") and not _is_closed_or_silent(schema),
        any("$ref" in each for each in schema.get("allOf", ()) if isinstance(each, dict)),
        _TELLING.isdisjoint(schema),
    )
    return not any(beyond)


def _is_closed_or_silent(schema: JSON) -> bool:
    return schema.get("additionalProperties", False) is False


def _says(schema: JSON, kind: str) -> bool:
    named = schema.get("type", ())
    return kind == named or (isinstance(named, list) and kind in named)


def _used(document: Document) -> Iterator[SubSchema]:
    """The parts that an answer is held to: the root, and what is reached from there."""
    waiting, seen = [document.schema], set()
    while waiting:
        schema = waiting.pop()
        part = document.by_id.get(id(schema))
        if part is None or id(schema) in seen:
            continue
        seen.add(id(schema))
        yield part
        waiting += _inside(part)


def _inside(part: SubSchema) -> Iterator[JSON]:
    """The parts right below one, definitions apart, and the one that it refers to."""
    if isinstance(part.target, dict):
        yield part.target
    for name, value in part.schema.items():
        if name in {"properties", "patternProperties", "dependentSchemas"}:
            yield from (each for each in value.values() if isinstance(each, dict))
        elif name in _LISTS and isinstance(value, list):
            yield from (each for each in value if isinstance(each, dict))
        elif name in _SINGLE and isinstance(value, dict):
            yield value


_LISTS = frozenset({"allOf", "anyOf", "oneOf", "prefixItems", "items"})
_SINGLE = frozenset(
    {"additionalProperties", "contains", "else", "if", "items", "not", "propertyNames", "then",
     "unevaluatedItems", "unevaluatedProperties"}
)  # fmt: skip


def _recursive(document: Document) -> bool:
    """Whether a part can hold itself."""
    done: set[int] = set()
    path: list[tuple[int, Iterator[JSON]]] = []
    on_path: set[int] = set()

    def enter(schema: JSON) -> None:
        on_path.add(id(schema))
        path.append((id(schema), _inside(document.by_id[id(schema)])))

    enter(document.schema)
    while path:
        key, following = path[-1]
        each = next(following, None)
        if each is None:
            path.pop()
            on_path.discard(key)
            done.add(key)
        elif id(each) in on_path:
            return True
        elif id(each) not in done:
            enter(each)
    return False


# Writing it


_Keyword = Callable[[str, Any, JSON], Any]
LEFT_OUT = object()


class _Writer:
    """Writes a schema with the keywords that a form knows; what is referred to goes to $defs."""

    def __init__(
        self, document: Document, known: frozenset[str], keyword: _Keyword, *, close: bool
    ) -> None:
        self._document = document
        self._known = known
        self._keyword = keyword
        self._close = close
        self._names: dict[int, str] = {}
        self._definitions: JSON = {}

    def whole(self) -> JSON:
        """The root with the definitions that are used."""
        written = self.part(self._document.schema)
        return {**written, "$defs": self._definitions} if self._definitions else written

    def part(self, schema: Any) -> Any:
        """One part, with all below it."""
        if not isinstance(schema, dict):
            return schema
        part = self._document.by_id.get(id(schema))
        if part is not None and part.target is not None and "$ref" in schema:
            return self._reference(schema, part.target)
        written: JSON = {}
        left_out: list[str] = []
        for name, value in self._alike(schema).items():
            if name in {"$defs", "definitions"}:
                continue
            said = self._value(name, value, schema) if name in self._known else LEFT_OUT
            if said is not LEFT_OUT:
                written[name] = said
            if said is LEFT_OUT or (name == "minItems" and said != value):
                left_out += [f"{name}: {value}"] if name in _TOLD else []
        if self._close and _says(schema, "object"):
            written |= {"additionalProperties": False}
            written.setdefault("properties", {})
        if left_out:
            told = f"({', '.join(left_out)[:500]})"
            written["description"] = f"{written.get('description', '')} {told}".strip()
        return written

    def _alike(self, schema: JSON) -> JSON:
        """The part with anyOf for oneOf, which no form has, and open where it must be."""
        if not _OPENING.isdisjoint(schema):  # the names that these allow would be forbidden
            schema = {key: each for key, each in schema.items() if key != "additionalProperties"}
        if "oneOf" not in schema or "anyOf" in schema:
            return schema
        return {"anyOf" if name == "oneOf" else name: value for name, value in schema.items()}

    def _value(self, name: str, value: Any, schema: JSON) -> Any:
        if name == "properties":
            return {key: self.part(each) for key, each in value.items()}
        if name in _LISTS and isinstance(value, list):
            return [self.part(each) for each in value]
        if name in _SINGLE:
            return self.part(value)
        return self._keyword(name, value, schema)

    def _reference(self, schema: JSON, target: Any) -> JSON:
        """By a name under $defs, however it was written: servers know no other way."""
        name = self._names.get(id(target))
        if name is None:
            name = self._names[id(target)] = self._name(schema["$ref"])
            self._definitions[name] = {}  # its place, while it is written
            self._definitions[name] = self.part(target)
        written = {"$ref": f"#/$defs/{name}"}
        beside = {key: each for key, each in schema.items() if key not in {"$ref", "$defs"}}
        more = self.part(beside) if beside else {}
        return {**more, **written}

    def _name(self, reference: str) -> str:
        last = reference.rpartition("/")[2]
        name = "".join(sign if sign.isalnum() or sign in "_-" else "_" for sign in last) or "root"
        name = "root" if reference == "#" else name[:60]
        taken = {*self._names.values()}
        return name if name not in taken else f"{name}_{len(taken)}"


def _written(
    document: Document, known: frozenset[str], keyword: _Keyword, *, close: bool = False
) -> JSON:
    return _Writer(document, known, keyword, close=close).whole()


def _openai_keyword(name: str, value: Any, _schema: JSON) -> Any:
    if name == "format" and value not in _OPENAI_FORMATS:
        return LEFT_OUT
    return LEFT_OUT if name == "pattern" and "(?" in value else value


def _anthropic_keyword(name: str, value: Any, _schema: JSON) -> Any:
    if name == "format" and value not in _ANTHROPIC_FORMATS:
        return LEFT_OUT
    if name == "pattern" and ("(?" in value or "\\b" in value or "\\B" in value):
        return LEFT_OUT
    return min(int(value), 1) if name == "minItems" else value


def _grammar_keyword(name: str, value: Any, schema: JSON) -> Any:
    """Patterns only from the beginning to the end, and no counting without an end."""
    if name == "format" and value not in _GRAMMAR_FORMATS:
        return LEFT_OUT
    if name == "pattern":
        whole = value.startswith("^") and value.endswith("$") and not value.endswith("\\$")
        plain = whole and not any(
            each in value for each in ("(?", "\\p", "\\P", "\\u", "\\b", "\\B")
        )
        return value if plain else LEFT_OUT
    if name in {"maxLength", "maxItems", "minLength", "minItems"} and value > MAX_REPETITIONS:
        return LEFT_OUT
    return value
