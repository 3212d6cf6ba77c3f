"""Schemas are read without trust and checked in bounded time; answers are read exactly."""
# ruff: noqa: E501 - each line of a table is one schema

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from llmconfig.client.structured_output import (
    MAX_ANSWER_CHARACTERS,
    MAX_SCHEMA_BYTES,
    SchemaMismatch,
    SchemaUnusable,
    compile_schema,
    refuse_unsafe,
)
from tests.measuring import is_linear

PROFILE = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "minLength": 1, "maxLength": 5},
        "age": {"type": ["integer", "null"], "minimum": 0, "exclusiveMaximum": 30},
        "size": {"enum": ["small", "large", None]},
        "tags": {"type": "array", "items": {"type": "string"}, "maxItems": 2, "uniqueItems": True},
        "more": {"type": "object", "additionalProperties": {"type": "number"}},
        "either": {"anyOf": [{"type": "boolean"}, {"const": "unknown"}]},
        "weight": {"allOf": [{"$ref": "#/$defs/amount"}, {"multipleOf": 0.5}]},
        "parts": {"type": "array", "items": {"$ref": "#"}},
    },
    "$defs": {"amount": {"type": "number", "maximum": 90}},
    "patternProperties": {"^x": {"type": "integer"}},
    "required": ["name"],
    "additionalProperties": False,
}
FIELDS = ["name", "age", "size", "tags", "more", "either", "weight", "parts"]
STRING: dict[str, Any] = {"type": "string"}
scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-2, 40),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from(["", "Rex", "small", "unknown", "too long"]),
)
values = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.sampled_from([*FIELDS, "x", "y"]), inner, max_size=6),
    ),
    max_leaves=12,
)
profiles = st.fixed_dictionaries(
    {"name": scalars}, optional=dict.fromkeys(FIELDS[1:], st.one_of(values, scalars))
)


def closed(**properties):
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


@settings(deadline=None)  # the first one imports jsonschema
@given(st.one_of(values, profiles))
def test_our_verdict_is_jsonschemas(value):
    asked = compile_schema(PROFILE)
    good = Draft202012Validator(PROFILE).is_valid(value)
    if asked.quick.check(value, [10_000]):
        assert good
    assert (asked.complaint(value) == "") is good


def test_the_quick_check_says_yes_to_a_usual_answer():
    good = {
        "name": "Rex",
        "age": 3,
        "size": "small",
        "tags": ["a"],
        "more": {"a": 1},
        "either": True,
        "weight": 12.5,
        "x1": 4,
        "parts": [{"name": "Ann"}],
    }
    assert compile_schema(PROFILE).quick.check(good, [10_000])


@pytest.mark.parametrize(
    "schema",
    [
        {"not": {"type": "number"}},
        {"type": "string", "oneOf": [{"maxLength": 1}, {"minLength": 2}]},
        {"$schema": "http://json-schema.org/draft-04/schema#", "maximum": 5},
    ],
)
def test_keywords_that_the_quick_check_does_not_know_are_left_to_jsonschema(schema):
    asked = compile_schema(schema)
    assert not asked.quick.check("aa", [10_000])
    assert asked.read('"aa"') == "aa"


def test_a_mismatch_says_where():
    asked = compile_schema(PROFILE)
    with pytest.raises(SchemaMismatch, match=r"tags\[0\]: 3 is not of type 'string'"):
        asked.read('{"name": "Rex", "tags": [3]}')
    with pytest.raises(SchemaMismatch, match="the answer: 'name' is a required property"):
        asked.read("{}")
    with pytest.raises(SchemaMismatch, match="not JSON"):
        asked.read("Sure!")


@pytest.mark.parametrize("fence", ["```json\n{}\n```", "Here:\n```\n{}\n```\nDone."])
def test_a_fenced_answer_is_read(fence):
    assert compile_schema(PROFILE).read(fence.format('{"name": "Rex"}')) == {"name": "Rex"}


# What is refused before anything is sent: schema, and what the refusal names.
REFUSED = [
    ({"type": "strnig"}, "strnig"),
    ({"properties": {"a": {"minLength": -1}}}, r"\$\.properties\.a: minLength is -1"),
    ({"type": "object", "required": "name"}, "required is 'name'"),
    ({"anyOf": []}, "anyOf"),
    ({"$schema": 5}, r"\$schema"),
    ({"$schema": "http://json-schema.org/draft-04/schema#", "minimum": "5"}, "minimum"),
    ({"$schema": "http://json-schema.org/draft-03/schema#", "extends": {"$ref": "#"}}, "draft 3"),
    # References
    ({"$ref": "https://127.0.0.1:1/schema.json"}, "127.0.0.1:1/schema.json' leads out of"),
    ({"properties": {"a": {"$ref": "file:///etc/hostname"}}}, "file:///etc/hostname' leads out"),
    ({"items": {"$ref": "other.json#/$defs/a"}}, "other.json.* leads out of the schema"),
    ({"$id": "https://example.org/a", "$ref": "b"}, "'b' leads out of the schema"),
    ({"$ref": "https://json-schema.org/draft/2020-12/schema"}, "leads out"),
    ({"$ref": "http://["}, "leads out"),
    ({"$ref": "#/$defs/missing"}, "#/\\$defs/missing' leads nowhere"),
    ({"$ref": "#missing"}, "#missing' leads nowhere"),
    ({"$dynamicRef": "#missing"}, "#missing' leads nowhere"),
    ({"items": [{}], "$ref": "#/items/first"}, "leads nowhere"),
    ({"type": "string", "$ref": "#/type"}, "leads to no schema"),
    ({"$ref": "#"}, "no end"),
    ({"anyOf": [{"type": "null"}, {"$ref": "#"}]}, "no end.*'#'"),
    (
        {"$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"allOf": [{"$ref": "#/$defs/a"}]}}},
        "no end: it leads back here",
    ),
    (closed(inner={"$ref": "#"}), "no end at .*'#'"),
    ({"type": "array", "minItems": 1, "items": {"$ref": "#"}}, "no end"),
    # Bounds that exclude each other
    ({"type": "string", "minLength": 3, "maxLength": 2}, "minLength 3 is above maxLength 2"),
    ({"minItems": 4, "maxItems": 3}, "minItems 4 is above maxItems 3"),
    (closed(age={"type": "integer", "minimum": 9, "maximum": 8}), r"\.age: no number is between"),
    ({"exclusiveMinimum": 1, "maximum": 1}, "no number"),
    ({"type": "integer", "exclusiveMinimum": 1, "exclusiveMaximum": 2}, "no multiple of 1"),
    ({"minimum": 0.011, "maximum": 0.019, "multipleOf": 0.01}, "no multiple of 0.01"),
    ({"allOf": [{"minimum": 5}, {"maximum": 4}]}, "no number"),
    ({"$ref": "#/$defs/a", "maximum": 4, "$defs": {"a": {"minimum": 5}}}, "no number"),
    ({"allOf": [STRING, {"type": "number"}]}, "no type"),
    ({"enum": []}, "enum"),
    ({"type": "string", "enum": [1, 2]}, "enum or const"),
    ({"const": "a", "enum": ["b"]}, "enum or const"),
    ({"const": True, "type": "integer"}, "enum or const"),
    ({**closed(), "required": ["name"]}, "'name' is required and not allowed"),
    ({"required": ["a", "b"], "maxProperties": 1}, "maxProperties"),
    ({"minItems": 3, "uniqueItems": True, "items": {"enum": ["a", "b"]}}, "2 different items"),
    ({"minLength": 10_000_000}, "more than an answer can hold"),
    # Numbers that lose digits
    ({"maximum": 123456789012345678901234}, "64-bit|64 bits"),
    ({"const": 1.2345678901234568e29}, "64 bits"),
    # Patterns
    ({"type": "string", "pattern": "("}, r"pattern '\(' can't be checked"),
    ({"type": "string", "pattern": r"(a)\1"}, "references to groups"),
    ({"type": "string", "pattern": "a(?=b)c"}, "lookarounds"),
    ({"patternProperties": {"(?<!a)b": STRING}}, "lookarounds"),
    ({"type": "string", "pattern": "[a-z]{1,1000}b" * 3}, "count to 2000"),
    ({"type": "string", "pattern": "([a-z]{1,90}b){1,90}"}, "counts to 1000"),
    ({"type": "string", "pattern": r"(\p{L}b){90}"}, "too large"),
    ({"type": "string", "pattern": "a" * 1001}, "1000 characters"),
    ({"patternProperties": {"a": STRING}, "unevaluatedProperties": False}, "additionalProperties"),
]


@pytest.mark.parametrize(
    "lines", [" \n" * 8_000, "```json\n" * 2_000 + "x", "```json" + " " * 15_000]
)
def test_a_fence_that_never_ends_is_read_in_a_moment(lines):
    """By backtracking, the first would take hours."""
    with pytest.raises(SchemaMismatch):
        compile_schema({"type": "object"}).read(f"```json\n{lines}")


@pytest.mark.parametrize(("schema", "named"), REFUSED)
def test_a_schema_that_cannot_be_used_is_refused_by_name(schema, named):
    with pytest.raises(SchemaUnusable, match=named):
        compile_schema(schema)


@pytest.mark.parametrize(
    "schema",
    [
        {"$ref": "#/$defs/a%20b", "$defs": {"a b": STRING}},
        {"$ref": "#here", "$defs": {"a": {"$anchor": "here", **STRING}}},
        {"$id": "https://example.org/a", "$ref": "https://example.org/a#/$defs/b", "$defs": {"b": STRING}},
        {"$ref": "urn:b", "$defs": {"b": {"$id": "urn:b", "$ref": "#/$defs/c", "$defs": {"c": STRING}}}},
        {"$schema": "http://json-schema.org/draft-07/schema#", "definitions": {"a": STRING}, "$ref": "#/definitions/a"},
        {"anyOf": [STRING, {"type": "array", "items": {"$ref": "#"}}]},
        {"allOf": [{"type": "number"}, STRING], "$comment": "refused"} | {"allOf": [STRING, {"maxLength": 9}]},
    ],
)  # fmt: skip
def test_references_within_the_schema_are_followed(schema):
    asked = compile_schema(schema)
    assert asked.read('"word"') == "word"
    with pytest.raises(SchemaMismatch):
        asked.read("5")


# schema, answers that obey it, answers that don't
READ = [
    ({"type": "number", "multipleOf": 0.01}, ["19.99", "0.07", "1e2", "-4.35"], ["19.999", "1e-9"]),
    ({"type": "number", "multipleOf": 0.1}, ["0.3", "1.1"], ["0.35"]),
    ({"multipleOf": 3}, ["9", "9.0", "3e300"], ["10", "9.5"]),
    ({"type": "integer"}, ["3", "3.0", "12345678901234567890123"], ["3.5", "true"]),
    ({"type": "integer", "maximum": 9}, ["9"], ["12345678901234567890123", "1e30"]),
    ({"const": 1}, ["1", "1.0"], ["true", "2"]),
    ({"enum": [True, "1"]}, ["true", '"1"'], ["1"]),
    ({"uniqueItems": True}, ["[1, 2]", "[1, true]", '[{"a": 1}, {"a": 2}]'], ["[1, 1.0]", '[{"a": 1, "b": 2}, {"b": 2, "a": 1}]']),
    ({"type": "string", "pattern": r"^\d{3}$"}, ['"123"'], ['"1234"', '"123\\n"']),
    ({"type": "string", "pattern": r"^(?!^[-+.]*$)[+-]?0*\d*\.?\d*$"}, ['"1.5"', '"-7"'], ['"-"', '"a"']),
    ({"type": "string", "pattern": r"^(?=.*[A-Z])(?=.*\d).{4,}$"}, ['"Abc1"'], ['"abc1"', '"A1"']),
    ({"type": "string", "pattern": "^.{1,3000}$"}, ['"a"', f'"{"b" * 3000}"'], ['""', f'"{"b" * 3001}"']),
    ({"type": "string", "pattern": r"^\u4e00+$"}, ['"一"'], ['"a"']),
    ({"type": "string", "pattern": r"^\uD83D\uDC15$"}, ['"🐕"'], ['"🐈"']),
    ({"type": "string", "pattern": r"^\p{Lu}\s$"}, ['"Ä\u00a0"'], ['"ä "']),
    ({"patternProperties": {"^n": {"type": "number"}}, "additionalProperties": False}, ['{"n1": 1}'], ['{"n1": "a"}', '{"m": 1}']),
    ({"propertyNames": {"pattern": "^[a-z]+$"}}, ['{"a": 1}'], ['{"A": 1}']),
    ({"dependentRequired": {"a": ["b"]}}, ['{"a": 1, "b": 1}', "{}"], ['{"a": 1}']),
    ({"if": {"type": "string"}, "then": {"maxLength": 2}}, ['"ab"', "555"], ['"abc"']),
    ({"prefixItems": [STRING], "items": False}, ['["a"]'], ['["a", 1]', "[1]"]),
    ({"oneOf": [{"type": "integer"}, {"minimum": 5}]}, ["3", "7.5"], ["7"]),
    ({"properties": {"a": STRING}, "unevaluatedProperties": False}, ['{"a": "b"}'], ['{"b": 1}']),
    ({"contains": {"const": 1}, "maxContains": 1}, ["[1, 2]"], ["[2]", "[1, 1]"]),
]  # fmt: skip


@pytest.mark.parametrize(("schema", "good", "bad"), READ)
def test_answers_are_held_to_each_keyword(schema, good, bad):
    asked = compile_schema(schema)
    for text in good:
        assert asked.read(text) == json.loads(text)
    for text in bad:
        with pytest.raises(SchemaMismatch):
            asked.read(text)


@pytest.mark.parametrize("schema", [{}, {"type": "object"}, closed(n={"type": "integer"})])
def test_long_whole_numbers_keep_their_digits_or_are_refused(schema):
    asked = compile_schema(schema)
    digits = "987654321" * 9
    assert asked.read(f'{{"n": {digits}}}') == {"n": int(digits)}
    with pytest.raises(SchemaMismatch, match="300 digits"):
        asked.read(f'{{"n": {digits * 9}}}')


@given(st.integers(-(10**6), 10**6), st.sampled_from(["0.01", "0.05", "0.1", "0.25", "2"]))
def test_a_decimal_that_is_a_multiple_is_one(times, step):
    asked = compile_schema({"multipleOf": float(step)})
    product = Decimal(step) * times
    assert asked.read(str(product)) == float(product)
    with pytest.raises(SchemaMismatch):
        asked.read(str(product + Decimal(step) / 2))


# Work has a bound in steps and sizes; what is tried here is beyond it, but takes long nowhere.
def test_sizes_are_bounded():
    with pytest.raises(SchemaUnusable, match=f"{MAX_SCHEMA_BYTES} bytes"):
        compile_schema({"description": "d" * MAX_SCHEMA_BYTES})
    deep = STRING
    for _ in range(60):
        deep = {"items": deep}
    with pytest.raises(SchemaUnusable, match="nested"):
        compile_schema(deep)
    with pytest.raises(SchemaMismatch, match=f"{MAX_ANSWER_CHARACTERS} characters"):
        compile_schema({}).read('"' + "a" * MAX_ANSWER_CHARACTERS + '"')
    with pytest.raises(SchemaMismatch, match="nested"):
        compile_schema({}).read("[" * 150 + "]" * 150)
    tree = compile_schema({"type": "array", "items": {"$ref": "#"}})
    assert tree.read("[" * 90 + "]" * 90)
    with pytest.raises(SchemaMismatch, match="nested"):
        tree.read("[" * 150 + "]" * 150)


def test_a_check_is_given_up_at_its_bound():
    many = compile_schema({"items": {"anyOf": [{"const": number} for number in range(1000)]}})
    assert many.read("[1, 2, 999]") == [1, 2, 999]
    with pytest.raises(SchemaMismatch, match="takes too long"):
        many.read("[" + ",".join(["999"] * 200) + "]")
    long_pattern = compile_schema({"type": "string", "pattern": "[a-z]{1,1000}!"})
    assert long_pattern.read('"abc!"') == "abc!"
    with pytest.raises(SchemaMismatch, match="too long for its pattern"):
        long_pattern.read('"' + "ab" * 10_000 + '"')


def test_unique_items_take_time_in_step_with_their_number():
    asked = compile_schema({"type": "array", "uniqueItems": True})

    def check(items):
        text = json.dumps([{"n": number} for number in range(items)])
        assert len(asked.read(text)) == items
        with pytest.raises(SchemaMismatch, match="twice"):
            asked.read(text[:-1] + ', {"n": 7}]')

    assert is_linear(check, 2_500, 20_000)


# The forms in which schemas go to providers.
def test_strict_mode_is_only_claimed_where_it_holds():
    whole = closed(a=STRING)
    assert compile_schema(whole).openai.strict
    for other in (
        {**whole, "required": []},
        PROFILE,
        closed(a={"type": "object"}),
        {"anyOf": [whole, whole]},
        STRING,
        closed(a={"allOf": [STRING]}),
    ):
        form = compile_schema(other).openai
        assert not form.strict
        assert form.schema == other


def test_what_strict_mode_does_not_know_is_said_in_words_and_checked_afterwards():
    schema = closed(
        name={"type": "string", "minLength": 2, "pattern": "^R"},
        code={"type": "string", "pattern": "^(?!a)b", "format": "uri", "description": "A code"},
        tags={"type": "array", "items": STRING, "uniqueItems": True, "maxItems": 3},
    )
    asked = compile_schema(schema)
    assert asked.openai.schema == closed(
        name={"type": "string", "minLength": 2, "pattern": "^R"},
        code={"type": "string", "description": "A code (pattern: ^(?!a)b, format: uri)"},
        tags={
            "type": "array",
            "items": STRING,
            "maxItems": 3,
            "description": "(uniqueItems: True)",
        },
    )
    assert asked.openai.strict
    assert asked.openai_narrow.schema["properties"]["name"] == {
        "type": "string",
        "description": "(minLength: 2, pattern: ^R)",
    }
    with pytest.raises(SchemaMismatch, match="name"):
        asked.read('{"name": "R", "code": "b", "tags": []}')


def test_anthropic_gets_closed_objects_without_bounds():
    schema = {
        "type": "object",
        "properties": {
            "age": {"type": "integer", "minimum": 0},
            "tags": {
                "type": "array",
                "items": {"oneOf": [STRING, {"type": "null"}]},
                "minItems": 2,
            },
            "owner": {"$ref": "#/definitions/Owner"},
        },
        "required": ["age"],
        "definitions": {"Owner": {"type": "object", "properties": {"name": STRING}}},
    }
    form = compile_schema(schema).anthropic
    assert form.schema == {
        "type": "object",
        "properties": {
            "age": {"type": "integer", "description": "(minimum: 0)"},
            "tags": {
                "type": "array",
                "items": {"anyOf": [STRING, {"type": "null"}]},
                "minItems": 1,
                "description": "(minItems: 2)",
            },
            "owner": {"$ref": "#/$defs/Owner"},
        },
        "required": ["age"],
        "additionalProperties": False,
        "$defs": {
            "Owner": {
                "type": "object",
                "properties": {"name": STRING},
                "additionalProperties": False,
            }
        },
    }


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "object", "additionalProperties": {"type": "number"}},
        closed(a={}),
        closed(a={"anyOf": [{"type": "null"}, {"$ref": "#"}]}),
        closed(a={"enum": [{"b": 1}]}),
        {"type": "object", "patternProperties": {"^a": STRING}},
    ],
)
def test_what_anthropic_cannot_express_is_left_to_the_prompt(schema):
    assert compile_schema(schema).anthropic is None


def test_servers_that_make_a_grammar_get_what_they_can_count():
    schema = closed(
        line={"type": "string", "maxLength": 5000, "format": "email"},
        whole={"type": "string", "pattern": "^a+$", "maxLength": 9},
        part={"type": "string", "pattern": "a+"},
        next={"anyOf": [{"$ref": "#"}, {"type": "null"}]},
    )
    form = compile_schema(schema).grammar.schema
    root = form["$defs"]["root"]["properties"]
    assert form["properties"]["line"] == {
        "type": "string",
        "description": "(maxLength: 5000, format: email)",
    }
    assert root["whole"] == schema["properties"]["whole"]
    assert root["part"] == {"type": "string", "description": "(pattern: a+)"}
    assert root["next"]["anyOf"][0] == {"$ref": "#/$defs/root"}


@pytest.mark.parametrize(("schema", "good"), [(schema, good) for schema, good, _ in READ])
def test_no_form_forbids_what_the_schema_allows(schema, good):
    asked = compile_schema(schema)
    for form in (asked.openai, asked.grammar):
        for text in good:
            compile_schema(form.schema).read(text)


def test_schemas_that_are_only_handed_on_are_refused_where_they_could_harm():
    refuse_unsafe({"type": "object", "properties": {"a": {"type": "string", "required": True}}})
    refuse_unsafe({"pattern": r"(a)\1", "minLength": "two", "maxLength": 1})
    for schema in (
        {"properties": {"a": {"$ref": "https://127.0.0.1:1/a"}}},
        {"allOf": [{"$ref": "#"}]},
        {"type": "array", "minItems": 3, "maxItems": 2},
    ):
        with pytest.raises(SchemaUnusable):
            refuse_unsafe(schema)
