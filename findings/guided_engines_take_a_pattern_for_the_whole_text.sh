#!/bin/sh
# Packages: outlines_core 0.2.14, lm-format-enforcer 0.11.3 and llguidance 1.9.1 (PyPI), engines that hold a model to a schema.
# Behaviour seen: with `"pattern": "dog"` outlines_core and lm-format-enforcer let a model write "dog" and nothing else;
#   "my dog", which the schema allows, can't be written. llguidance finds the pattern anywhere, as JSON Schema says, and so does
#   jsonschema, which validates afterwards.
# One would guess: a pattern means the same to the engine as to the validator: somewhere in the text, unless `^` and `$` stand.
# Why it matters: no error and no invalid answer tells it. A field such as "name the breed; must contain a letter" (`[a-z]`)
#   becomes one letter behind one engine and a sentence behind another: the same node, the same schema, another server.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq outlines_core==0.2.14 lm-format-enforcer==0.11.3 llguidance==1.9.1 jsonschema==4.25.1
cat > "$work/program.py" <<'PY'
import json
import logging
import re
import sys
from importlib.metadata import version

logging.disable(logging.WARNING)  # one engine would like to have numpy
import jsonschema
import llguidance
from lmformatenforcer import JsonSchemaParser
from outlines_core.json_schema import build_regex_from_schema

BYTES = llguidance.LLTokenizer("byte")


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


def by_validator(schema, text):
    return jsonschema.Draft202012Validator(schema).is_valid(json.loads(text))


EXPECTED = {
    "outlines_core": [True, False, False],
    "lm-format-enforcer": [True, False, False],
    "llguidance": [True, True, True],
    "jsonschema": [True, True, True],
}
schema = {"type": "object", "properties": {"it": {"type": "string", "pattern": "dog"}}, "required": ["it"]}
texts = ['{"it": "dog"}', '{"it": "my dog"}', '{"it": "dogs"}']
asked = dict(zip(EXPECTED, (by_outlines, by_enforcer, by_llguidance, by_validator)))
seen = {name: [may(schema, text) for text in texts] for name, may in asked.items()}
for name, may in seen.items():
    print(name, version(name), {json.loads(text)["it"]: each for text, each in zip(texts, may)})
if seen != EXPECTED:
    sys.exit("changed: a pattern without anchors means something else now")
print("as described: two engines take the pattern for the whole text")
PY
cd "$work" && ./venv/bin/python program.py
