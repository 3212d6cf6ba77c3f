#!/bin/sh
# Packages: outlines_core 0.2.14, lm-format-enforcer 0.11.3 and llguidance 1.9.1 (PyPI), engines that hold a model to a schema.
# Behaviour seen: outlines_core and lm-format-enforcer pass over `minimum`, `maximum`, `exclusiveMinimum` and `multipleOf`: 11
#   is written where 1 to 10 are allowed, 7 where a probability is asked for, -1 where it must be above 0. Neither says so when
#   it reads the schema. llguidance holds all of them.
# One would guess: what an engine can't hold it refuses or names, as llguidance does with `uniqueItems`.
# Why it matters: the server answers as if the schema had been enforced, so a client that trusts it stores scores of 11 of 10
#   and confidences of 7. A gate has to check bounds by itself, whatever server stands behind the node.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq outlines_core==0.2.14 lm-format-enforcer==0.11.3 llguidance==1.9.1
cat > "$work/program.py" <<'PY'
import json
import logging
import re
import sys
from importlib.metadata import version

logging.disable(logging.WARNING)  # one engine would like to have numpy
import llguidance
from lmformatenforcer import JsonSchemaParser
from outlines_core.json_schema import build_regex_from_schema

BYTES = llguidance.LLTokenizer("byte")
OUTSIDE = [
    ({"type": "integer", "minimum": 1, "maximum": 10}, 11),
    ({"type": "number", "minimum": 0, "maximum": 1}, 7),
    ({"type": "number", "exclusiveMinimum": 0}, -1),
    ({"type": "number", "multipleOf": 0.5}, 0.7),
]


def by_outlines(schema, text):
    return re.fullmatch(build_regex_from_schema(json.dumps(schema)), text) is not None


def by_enforcer(schema, text):
    parser = JsonSchemaParser(schema)
    for letter in text:
        if letter not in parser.get_allowed_characters():
            return False
        parser = parser.add_character(letter)
    return parser.can_end()


def by_llguidance(schema, text):
    matcher = llguidance.LLMatcher(BYTES, llguidance.LLMatcher.grammar_from_json_schema(json.dumps(schema)))
    return matcher.try_consume_tokens(BYTES.tokenize_str(text)) == len(text) and matcher.is_accepting()


def written(may):
    """Of the numbers outside their bounds, those that a model may write."""
    fields = ({"type": "object", "properties": {"it": each}, "required": ["it"]} for each, _ in OUTSIDE)
    return [number for schema, (_, number) in zip(fields, OUTSIDE) if may(schema, json.dumps({"it": number}))]


EXPECTED = {"outlines_core": [11, 7, -1, 0.7], "lm-format-enforcer": [11, 7, -1, 0.7], "llguidance": []}
seen = {name: written(may) for name, may in zip(EXPECTED, (by_outlines, by_enforcer, by_llguidance))}
for name, numbers in seen.items():
    print(name, version(name), "lets a model write, outside the bounds:", numbers or "nothing")
if seen != EXPECTED:
    sys.exit("changed: bounds are held in another way now")
print("as described: two of three engines pass over them")
PY
cd "$work" && ./venv/bin/python program.py
