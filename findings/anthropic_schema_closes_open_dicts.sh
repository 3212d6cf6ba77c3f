#!/bin/sh
# Package: anthropic 2.11.0 (PyPI), with pydantic 2.14.4. openai 3.52.0 is run beside it for contrast.
# Behaviour seen: anthropic.transform_schema (what messages.parse and output_format apply to a pydantic model before they
#   send it) turns a field `scores: dict[str, int]` into
#     {"type": "object", "properties": {}, "additionalProperties": false}
#   The server's grammar then allows one value only: {}. `int >= 0, <= 100`, a pattern and lengths become English words in
#   "description" ("{maximum: 100, minimum: 0}"), which no grammar enforces. No error, no warning. The value type is gone.
# One would guess: the open dictionary stays open, or is refused as unsupported. openai's strict form of the same model keeps
#   {"additionalProperties": {"type": "integer"}} and all limits, which that vendor documents as refused with status 400.
# Why it matters: every answer is valid and paid for, and the field is empty in every row (or the model's facts land in another
#   field). The limits fail only afterwards, as a ValidationError on a paid answer.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq anthropic==2.11.0 openai==3.52.0 pydantic==2.14.4
cat > "$work/program.py" <<'PY'
import json
import sys
from importlib.metadata import version

import anthropic
from openai.lib._pydantic import to_strict_json_schema
from pydantic import BaseModel, Field


class Review(BaseModel):
    title: str
    stars: int = Field(ge=0, le=100)
    scores: dict[str, int]


def fields(schema):
    return {name: {k: v for k, v in field.items() if k != "title"} for name, field in schema["properties"].items()}


ours = fields(anthropic.transform_schema(Review))
other = fields(to_strict_json_schema(Review))
print("anthropic", version("anthropic"), json.dumps(ours))
print("openai   ", version("openai"), json.dumps(other))
expected = {
    "title": {"type": "string"},
    "stars": {"type": "integer", "description": "{maximum: 100, minimum: 0}"},
    "scores": {"type": "object", "properties": {}, "additionalProperties": False},
}
if ours != expected:
    sys.exit("changed: anthropic's schema of an open dictionary is now another one")
if other["scores"] != {"type": "object", "additionalProperties": {"type": "integer"}}:
    sys.exit("changed: openai's strict schema of an open dictionary is now another one")
print("as described: the only value that fits `scores` is {}")
PY
"$work/venv/bin/python" "$work/program.py"
