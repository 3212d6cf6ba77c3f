"""Whatever a schema asks for, the simulator's answer obeys it."""

from __future__ import annotations

import json
import random
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from project.embedded.simulator.errors import SimulatedRefusal
from project.embedded.simulator.schemas import form_for, write_json

WORDS = ["Luna", "is", "a", "calm", "dog", "who", "likes", "long", "walks"]


@st.composite
def texts(draw: st.DrawFn) -> dict[str, Any]:
    low = draw(st.integers(0, 60))
    schema: dict[str, Any] = {"type": "string", "minLength": low}
    if draw(st.booleans()):
        schema["maxLength"] = low + draw(st.integers(0, 60))
    return schema


@st.composite
def numbers(draw: st.DrawFn) -> dict[str, Any]:
    low = draw(st.integers(-1000, 1000))
    schema: dict[str, Any] = {"type": draw(st.sampled_from(["integer", "number"]))}
    if draw(st.booleans()):
        schema[draw(st.sampled_from(["minimum", "exclusiveMinimum"]))] = low
    if draw(st.booleans()):
        high = low + draw(st.integers(2, 50))
        schema[draw(st.sampled_from(["maximum", "exclusiveMaximum"]))] = high
    return schema


def lists(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    sizes = st.tuples(st.integers(0, 4), st.integers(0, 4))
    return st.builds(
        lambda item, size: {
            "type": "array",
            "items": item,
            "minItems": size[0],
            "maxItems": sum(size),
        },
        inner,
        sizes,
    )


def objects(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    def build(properties: dict[str, Any], every: bool, extra: Any) -> dict[str, Any]:
        needed = sorted(properties)[:: 1 if every else 2]
        return {
            "type": "object",
            "properties": properties,
            "required": needed,
            "additionalProperties": extra,
        }

    named = st.dictionaries(st.text("abcdef", min_size=1, max_size=4), inner, max_size=4)
    return st.builds(build, named, st.booleans(), st.just(False) | inner)


leaves = (
    texts()
    | numbers()
    | st.sampled_from([{"type": "boolean"}, {"type": "null"}, {"const": 5}, {}])
    | st.lists(st.integers(-(2**63), 2**63) | st.text(max_size=5), min_size=1, unique=True).map(
        lambda values: {"enum": values}
    )
    | st.sampled_from(
        [
            {"type": "string", "pattern": p}
            for p in (r"^[A-Z]{2}-\d{3}$", r"^(low|high)$", r"^\w+@\w+\.org$", r"^[^a-z ]{4,}$")
        ]
    )
)
schemas = st.recursive(
    leaves,
    lambda inner: (
        lists(inner)
        | objects(inner)
        | st.lists(inner, min_size=1, max_size=3).map(lambda branches: {"anyOf": branches})
    ),
    max_leaves=12,
)


@settings(max_examples=200, deadline=None)
@given(schemas, st.integers(0, 2**32))
def test_an_answer_obeys_any_schema(schema: dict[str, Any], seed: int) -> None:
    text = write_json(form_for(schema), random.Random(seed), WORDS)
    jsonschema.validate(json.loads(text), schema, cls=jsonschema.Draft202012Validator)


@pytest.mark.parametrize(
    "schema",
    [
        {"$defs": {"n": {"type": "integer"}}, "type": "array", "items": {"$ref": "#/$defs/n"}},
        {
            "$defs": {
                "node": {
                    "type": "object",
                    "properties": {"next": {"anyOf": [{"$ref": "#/$defs/node"}, {"type": "null"}]}},
                    "required": ["next"],
                }
            },
            "$ref": "#/$defs/node",
        },
        {"type": "array", "items": {"enum": [1, 2, 3]}, "uniqueItems": True, "minItems": 3},
        {"type": "integer", "multipleOf": 7, "minimum": 20, "maximum": 30},
        {"type": "number", "multipleOf": 0.25, "minimum": 1, "maximum": 2},
        {"type": ["null", "string"], "minLength": 3},
        {
            "allOf": [
                {"properties": {"a": {"type": "integer"}}, "required": ["a"]},
                {"properties": {"b": {"type": "string"}}, "required": ["b"]},
            ]
        },
        {"type": "string", "format": "date"},
        {"type": "object", "minProperties": 3, "additionalProperties": {"type": "integer"}},
    ],
)
def test_the_less_common_words_of_schemas_are_obeyed(schema: dict[str, Any]) -> None:
    for seed in range(20):
        value = json.loads(write_json(form_for(schema), random.Random(seed), WORDS))
        checker = jsonschema.Draft202012Validator.FORMAT_CHECKER
        jsonschema.Draft202012Validator(schema, format_checker=checker).validate(value)


def test_a_schema_without_an_end_is_refused() -> None:
    endless = {
        "$defs": {"n": {"properties": {"n": {"$ref": "#/$defs/n"}}, "required": ["n"]}},
        "$ref": "#/$defs/n",
    }
    with pytest.raises(SimulatedRefusal, match="without an end"):
        write_json(form_for(endless), random.Random(1), WORDS)


def test_hostile_schemas_are_refused() -> None:
    for schema in (5, {"properties": 5}, {"minLength": 10**9}, {"type": "array", "minItems": "x"}):
        with pytest.raises(SimulatedRefusal):
            form_for(schema)
