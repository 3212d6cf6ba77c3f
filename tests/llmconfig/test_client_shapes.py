import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from llmconfig.client.structured_output import SchemaMismatch, SchemaUnusable, shape_of

PROFILE = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "minLength": 1, "maxLength": 5},
        "age": {"type": ["integer", "null"], "minimum": 0, "exclusiveMaximum": 30},
        "size": {"enum": ["small", "large", None]},
        "tags": {"type": "array", "items": {"type": "string"}, "maxItems": 2},
        "more": {"type": "object", "additionalProperties": {"type": "number"}},
        "either": {"anyOf": [{"type": "boolean"}, {"const": "unknown"}]},
    },
    "required": ["name"],
    "additionalProperties": False,
}
FIELDS = ["name", "age", "size", "tags", "more", "either"]
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
        st.dictionaries(st.sampled_from([*FIELDS, "x"]), inner, max_size=6),
    ),
    max_leaves=12,
)
profiles = st.fixed_dictionaries(
    {"name": scalars}, optional=dict.fromkeys(FIELDS[1:], st.one_of(values, scalars))
)


@given(st.one_of(values, profiles))
def test_the_quick_check_never_says_yes_where_jsonschema_says_no(value):
    if shape_of(PROFILE).good(value):
        assert Draft202012Validator(PROFILE).is_valid(value)


def test_the_quick_check_says_yes_to_a_usual_answer():
    good = {
        "name": "Rex",
        "age": 3,
        "size": "small",
        "tags": ["a"],
        "more": {"a": 1},
        "either": True,
    }
    assert shape_of(PROFILE).good(good)


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "string", "pattern": "^a+$"},
        {"$ref": "#/$defs/name", "$defs": {"name": {"type": "string", "maxLength": 2}}},
        {"$schema": "http://json-schema.org/draft-04/schema#", "maximum": 5},
    ],
)
def test_keywords_that_the_quick_check_does_not_know_are_left_to_jsonschema(schema):
    shape = shape_of(schema)
    assert not shape.good("aa")
    assert shape.read('"aa"') == "aa"


def test_a_misfit_says_where():
    with pytest.raises(SchemaMismatch, match=r"tags\[0\]: 3 is not of type 'string'"):
        shape_of(PROFILE).read('{"name": "Rex", "tags": [3]}')
    with pytest.raises(SchemaMismatch, match="the answer: 'name' is a required property"):
        shape_of(PROFILE).read("{}")
    with pytest.raises(SchemaMismatch, match="not JSON"):
        shape_of(PROFILE).read("Sure!")


@pytest.mark.parametrize("fence", ["```json\n{}\n```", "Here:\n```\n{}\n```\nDone."])
def test_a_fenced_answer_is_read(fence):
    assert shape_of(PROFILE).read(fence.format('{"name": "Rex"}')) == {"name": "Rex"}


def test_strict_mode_is_only_claimed_where_it_holds():
    closed = {"type": "object", "additionalProperties": False}
    whole = {**closed, "properties": {"a": {"type": "string"}}, "required": ["a"]}
    assert shape_of(whole).strict
    assert not shape_of({**whole, "required": []}).strict
    assert not shape_of(PROFILE).strict
    assert not shape_of({**whole, "properties": {"a": {"type": "object"}}}).strict


def test_a_wrong_schema_is_refused():
    with pytest.raises(SchemaUnusable, match="schema is wrong"):
        shape_of({"type": "strnig"})
